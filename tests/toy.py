"""A toy source of two columns, its loads and vintages, for tests of the landing and the build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from warehouse.fetch import Pulled
from warehouse.files import sha256_of
from warehouse.landing import parse, store
from warehouse.model import Fetched, Note, Plan, Request, Source, Vintage, no_note, raw_schema

NOW = datetime(2024, 5, 2, 3, 0, tzinfo=UTC)


def plan() -> Plan:
    yield Request(name="rows.csv", url="https://publisher.example/rows.csv", kind="csv")


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    lines = files["rows.csv"].read_text(encoding="utf-8").splitlines()[1:]
    parts = [line.split(",") for line in lines]
    columns: list[list[object]] = [[part[0] for part in parts], [part[1] or None for part in parts]]
    columns += [["rows.csv"] * len(parts), list(range(2, len(parts) + 2))]
    yield pa.record_batch(columns, schema=raw_schema(("code", "value")))


def read_without_b(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Read the rows before the code `b`; it and the rows after it are a part that fails."""
    for batch in read(files, work, note):
        codes = batch.column("code").to_pylist()
        if "b" in codes:
            note("rows.csv", "row 3: b is no code", failed_part="b")
        yield batch.slice(0, codes.index("b") if "b" in codes else len(codes))


SOURCE = Source(
    name="toy",
    title="Toy",
    publisher="Publisher",
    table="T",
    homepage="https://publisher.example",
    licence="CC0",
    columns=("code", "value"),
    key=("code",),
    plan=plan,
    read=read,
)


def pull(
    root: Path, text: str, at: datetime = NOW, via: str = "publisher"
) -> tuple[Path, tuple[Fetched, ...]]:
    incoming = store.new_incoming(root, "toy")
    path = incoming / "files" / "rows.csv"
    path.write_text(text, encoding="utf-8")
    file = Fetched(
        name="rows.csv",
        address="https://publisher.example/rows.csv",
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        retrieved_at=at,
        content_type="text/csv",
        etag=None,
        last_modified=None,
        via=via,
    )
    return incoming, (file,)


def land(root: Path, text: str, at: datetime = NOW) -> Vintage:
    incoming, files = pull(root, text, at)
    parsed = parse.parse(SOURCE, files, incoming, incoming / "rows.parquet")
    return store.add_vintage(root, SOURCE, incoming, Pulled(files=files), parsed, {"success": True}, at)
