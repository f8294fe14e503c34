"""The landing: vintages appear whole, ids only grow, news is decided on rows, a crash leaves nothing half."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from killing import COUNTED

from warehouse import landing
from warehouse.errors import SourceError, WarehouseError
from warehouse.files import sha256_of
from warehouse.model import Fetched, Plan, Request, Source, Vintage, raw_schema

NOW = datetime(2024, 5, 2, 3, 0, tzinfo=UTC)


def plan() -> Plan:
    yield Request(name="rows.csv", url="https://publisher.example/rows.csv", kind="csv")


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    lines = files["rows.csv"].read_text(encoding="utf-8").splitlines()[1:]
    parts = [line.split(",") for line in lines]
    columns: list[list[object]] = [[part[0] for part in parts], [part[1] or None for part in parts]]
    columns += [["rows.csv"] * len(parts), list(range(2, len(parts) + 2))]
    yield pa.record_batch(columns, schema=raw_schema(("code", "value")))


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
    incoming = landing.new_incoming(root, "toy")
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


def land(root: Path, text: str, at: datetime = NOW) -> landing.Vintage:
    incoming, files = pull(root, text, at)
    parsed = landing.parse(SOURCE, files, incoming, incoming / "rows.parquet")
    return landing.accept(root, SOURCE, incoming, files, parsed, {"success": True}, at)


def test_an_accepted_pull_is_a_vintage_with_its_bytes_rows_and_manifest(tmp_path: Path) -> None:
    vintage = land(tmp_path, "code,value\n076,1.10\nNA,\n")
    assert vintage.id == "2024-05-02"
    assert (vintage.directory / "files" / "rows.csv").read_bytes() == b"code,value\n076,1.10\nNA,\n"
    rows = pq.read_table(vintage.rows_path)
    assert rows.schema.names == ["code", "value", "_file", "_row"]
    assert rows.to_pylist() == [
        {"code": "076", "value": "1.10", "_file": "rows.csv", "_row": 2},
        {"code": "NA", "value": None, "_file": "rows.csv", "_row": 3},
    ]
    told = json.loads((vintage.directory / "manifest.json").read_text())
    assert told["licence"] == "CC0"
    assert told["files"][0]["sha256"] == sha256_of(vintage.directory / "files" / "rows.csv")
    assert told["rows_sha256"] == sha256_of(vintage.rows_path)
    assert not list((tmp_path / "toy" / landing.INCOMING).iterdir())


def test_ids_grow_by_day_then_by_suffix_and_never_go_back(tmp_path: Path) -> None:
    ids = [
        land(tmp_path, f"code,value\na,{number}\n", at).id
        for number, at in enumerate(
            [NOW, NOW + timedelta(hours=1), NOW - timedelta(days=3), NOW + timedelta(days=1)]
        )
    ]
    assert ids == ["2024-05-02", "2024-05-02.02", "2024-05-02.03", "2024-05-03"]
    assert ids == sorted(ids)
    assert [one.id for one in landing.vintages(tmp_path, "toy")] == ids
    assert [one.id for one in landing.vintages(tmp_path, "toy", date(2024, 5, 2))] == ids[:3]
    assert landing.vintages(tmp_path, "toy", date(2024, 5, 1)) == ()


def test_the_digest_ignores_order_and_lineage_but_no_digit(tmp_path: Path) -> None:
    def digest(text: str, source: Source = SOURCE) -> str:
        incoming, files = pull(tmp_path, text)
        return landing.parse(source, files, incoming, incoming / "rows.parquet").rows_digest

    def elsewhere(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
        for batch in read(files, work):
            moved = batch.set_column(2, "_file", pa.array(["rows.csv#B7"] * batch.num_rows, pa.string()))
            yield moved.set_column(3, "_row", pa.array([7] * batch.num_rows, pa.int64()))

    first = digest("code,value\na,1\nb,2\n")
    assert digest("code,value\na,1\nb,2\n", Source(**(vars(SOURCE) | {"read": elsewhere}))) == first
    assert digest("code,value\nb,2\na,1\n") == first
    for other in (
        "code,value\na,1\nb,2.0\n",
        "code,value\na,1\n",
        "code,value\na,1\nb,2\nb,2\n",
        "code,value\na,1\nb,\n",
        "code,value\na,2\nb,1\n",
    ):
        assert digest(other) != first


def test_bytes_other_than_those_fetched_are_refused(tmp_path: Path) -> None:
    incoming, files = pull(tmp_path, "code,value\na,1\n")
    (incoming / "files" / "rows.csv").write_text("code,value\na,9\n")
    with pytest.raises(SourceError, match=r"not those that were fetched.*publisher\.example"):
        landing.parse(SOURCE, files, incoming, incoming / "rows.parquet")


def test_rows_with_other_columns_than_agreed_are_refused(tmp_path: Path) -> None:
    wider = Source(**(vars(SOURCE) | {"columns": ("code", "value", "note")}))
    incoming, files = pull(tmp_path, "code,value\na,1\n")
    with pytest.raises(SourceError, match="agreed are"):
        landing.parse(wider, files, incoming, incoming / "rows.parquet")


def test_a_directory_without_manifest_never_happened(tmp_path: Path) -> None:
    half = tmp_path / "toy" / "2024-05-02"
    half.mkdir(parents=True)
    (half / "rows.parquet").write_bytes(b"half")
    assert landing.vintages(tmp_path, "toy") == ()
    vintage = land(tmp_path, "code,value\na,1\n")
    assert vintage.id == "2024-05-02"
    assert pq.read_table(vintage.rows_path).num_rows == 1


KILLED = (
    """
import os, signal, sys
from pathlib import Path
from warehouse import files, landing
sys.path.insert(0, {tests!r})
import test_landing as t
left = int(sys.argv[2])
"""
    + COUNTED
    + """landing.sync = counted(landing.sync)
landing.write_atomic = counted(landing.write_atomic)
Path.rename = counted(Path.rename)
Path.replace = counted(Path.replace)
Path.unlink = counted(Path.unlink)
t.land(Path(sys.argv[1]), "code,value\\na,1\\nb,2\\n")
"""
)


def test_a_kill_at_any_durable_operation_leaves_all_or_nothing(tmp_path: Path) -> None:
    script = KILLED.format(tests=str(Path(__file__).parent))
    whole = 0
    for point in range(40):
        root = tmp_path / str(point)
        ended = subprocess.run(
            [sys.executable, "-c", script, str(root), str(point)], check=False, capture_output=True
        )
        found = landing.vintages(root, "toy")
        assert len(found) <= 1
        for one in found:
            assert landing.digest_rows(one.rows_path, SOURCE.columns) == one.rows_digest
            assert sha256_of(one.directory / "files" / "rows.csv") == one.files[0].sha256
        if ended.returncode == 0:
            assert found
            whole += 1
            break
        assert ended.returncode == -9, ended.stderr
        if not found:
            land(root, "code,value\na,1\nb,2\n")
        assert [one.id for one in landing.vintages(root, "toy")] == ["2024-05-02"]
    assert whole == 1
    assert point > 5


def test_a_full_disk_while_landing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    incoming, files = pull(tmp_path, "code,value\na,1\n")
    parsed = landing.parse(SOURCE, files, incoming, incoming / "rows.parquet")

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(landing, "write_atomic", full)
    with pytest.raises(OSError, match="No space left"):
        landing.accept(tmp_path, SOURCE, incoming, files, parsed, {}, NOW)
    assert landing.vintages(tmp_path, "toy") == ()


def test_a_second_writer_is_told_to_wait(tmp_path: Path) -> None:
    held = f"""
import time
from pathlib import Path
from warehouse import landing
with landing.writing(Path({str(tmp_path)!r}), "toy"):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", held], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WarehouseError, match="another run is writing"), landing.writing(tmp_path, "toy"):
            raise AssertionError("two writers at once")
        other.kill()
        other.wait()
    with landing.writing(tmp_path, "toy"):
        pass


def test_checks_survive_a_line_cut_by_a_crash(tmp_path: Path) -> None:
    first = landing.Check("toy", NOW, NOW, "accepted", "2024-05-02", "2 rows")
    second = landing.Check("toy", NOW + timedelta(days=1), NOW, "unchanged", "2024-05-02", "the same rows")
    landing.record_check(tmp_path, first)
    with (tmp_path / "toy" / "checks.jsonl").open("a") as log:
        log.write('{"source": "toy", "checked')
    assert landing.checks(tmp_path, "toy") == (first,)
    landing.record_check(tmp_path, second)
    assert landing.checks(tmp_path, "toy") == (first, second)


def test_a_newer_reader_reads_old_bytes_anew(tmp_path: Path) -> None:
    vintage = land(tmp_path, "code,value\na,1\n")

    def louder(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
        for batch in read(files, work):
            upper = pa.array([str(code).upper() for code in batch.column(0).to_pylist()], pa.string())
            yield batch.set_column(0, "code", upper)

    newer = Source(**(vars(SOURCE) | {"reader_version": 2, "read": louder}))
    before = sha256_of(vintage.rows_path)
    rows = landing.rows_of(newer, vintage, tmp_path / "cache")
    with duckdb.connect() as db:
        assert db.execute(f"select code from '{rows}'").fetchall() == [("A",)]
    assert landing.rows_of(SOURCE, vintage, tmp_path / "cache") == vintage.rows_path
    assert sha256_of(vintage.rows_path) == before


def test_what_a_reader_did_not_foresee_is_an_error_of_the_payload(tmp_path: Path) -> None:
    def careless(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [int("n/a")]})

    incoming, files = pull(tmp_path, "code,value\na,1\n")
    with pytest.raises(SourceError, match=r"toy: the reader failed with ValueError.*n/a"):
        landing.parse(
            Source(**(vars(SOURCE) | {"read": careless})), files, incoming, incoming / "rows.parquet"
        )


def test_a_pull_that_landed_is_found_again_by_its_name(tmp_path: Path) -> None:
    incoming, files = pull(tmp_path, "code,value\na,1\n")
    assert landing.landed(tmp_path, "toy", incoming.name) is None
    parsed = landing.parse(SOURCE, files, incoming, incoming / "rows.parquet")
    vintage = landing.accept(tmp_path, SOURCE, incoming, files, parsed, {}, NOW)
    assert landing.landed(tmp_path, "toy", incoming.name) == vintage


def test_the_hundredth_vintage_of_a_day_is_refused(tmp_path: Path) -> None:
    last = Vintage(**(vars(land(tmp_path, "code,value\na,1\n")) | {"id": "2024-05-02.99"}))
    with pytest.raises(WarehouseError, match="hundredth vintage"):
        landing.next_id(last, NOW)


def test_a_rejected_pull_keeps_bytes_and_reasons(tmp_path: Path) -> None:
    incoming, _ = pull(tmp_path, "code,value\na,n/a\n")
    shelf = landing.reject(tmp_path / "rejected", "toy", incoming, {"reasons": ["value n/a"]})
    assert (shelf / "files" / "rows.csv").read_text() == "code,value\na,n/a\n"
    assert json.loads((shelf / "report.json").read_text()) == {"reasons": ["value n/a"]}
    assert landing.vintages(tmp_path, "toy") == ()
