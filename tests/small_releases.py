"""Small releases for tests, made by the real `publish`, and a small landing to trace them to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import time_machine

from warehouse.build.dbt import seal
from warehouse.files import sha256_of, write_record
from warehouse.landing.parse import digest_rows
from warehouse.logs import Timing
from warehouse.model import Fetched, Vintage
from warehouse.releases.history import append_entry
from warehouse.releases.manifest import MANIFEST, BuildRecord, VintageEntry, read_manifest
from warehouse.releases.news import news_against
from warehouse.releases.publish import publish
from warehouse.releases.store import DATABASE, latest_name, point_latest, release_dirs
from warehouse.sources import SOURCES

TABLE = (
    "create table marts.mart (reporter varchar, period date, is_preferred boolean, vintage varchar, "
    "exports_million double, world_rank integer)"
)
EARLIER = """
    ('CHN', date '2020-01-01', true, '1', 100.0, 5), ('CHN', date '2021-01-01', true, '1', 110.0, 4),
    ('DEU', date '2020-01-01', true, '1', 200.0, null), (null, date '2020-01-01', true, '1', 7.0, 9)"""
LATER = """
    ('CHN', date '2020-01-01', true, '2', 90.5, 5), ('CHN', date '2021-01-01', true, '2', 150.0, 3),
    ('DEU', date '2020-01-01', true, '2', 200.0, 2), ('FRA', date '2020-01-01', true, '2', 1.0, 8),
    (null, date '2020-01-01', true, '2', 7.0, 9)"""
REVISIONS = """
    create table core.fct_revision (source varchar, vintage varchar, kind varchar);
    create table marts.mart_revision_alert (source varchar, vintage varchar, previous_vintage varchar,
        series varchar, period_label varchar, previous_value double, value double, change_pct double,
        threshold_pct double)"""


def build_record(
    fingerprint: str = "mark", vintages: Sequence[VintageEntry] = (), **facts: Any
) -> BuildRecord:
    """Return the record of a small build."""
    return BuildRecord(
        **{
            "as_of": date(2024, 5, 2),
            "is_of_the_past": False,
            "fingerprint": fingerprint,
            "git_revision": "unknown",
            "code_sha256": "code",
            "started_at": datetime(2024, 5, 2, tzinfo=UTC),
            "versions": {},
            "vintages": tuple(vintages),
        }
        | facts
    )


def vintage_entry(source: str, vintage: str, rows_digest: str = "digest") -> VintageEntry:
    """Return the entry of a vintage that need not exist."""
    at = datetime.fromisoformat(vintage[:10]).replace(tzinfo=UTC)
    return VintageEntry(
        source=source, vintage=vintage, retrieved_at=at, row_count=1, rows_digest=rows_digest, files=()
    )


def make_release(
    home: Path,
    name: str,
    rows: str = EARLIER,
    age_days: float = 0,
    *,
    is_latest: bool = True,
    vintages: Sequence[VintageEntry] = (),
    sql: str = "",
    docs: Mapping[str, Path] | None = None,
    timings: Sequence[Timing] = (),
    **facts: Any,
) -> Path:
    """Publish a small release that is `age_days` old; `sql` adds tables to it."""
    file = home / "build" / name / DATABASE
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as db:
        db.execute("create schema core; create schema marts")
        db.execute(f"{TABLE}; insert into marts.mart values {rows}; {REVISIONS if vintages else ''}; {sql}")
    seal(file)
    record = build_record(facts.pop("fingerprint", f"mark of {name}"), vintages, **facts)
    with time_machine.travel(datetime.now(UTC) - timedelta(days=age_days)):
        release = publish(
            home / "published",
            name,
            file,
            docs or {},
            record,
            {},
            news=news_against(home / "published", file, record),
            is_latest=is_latest,
            actor="tests",
            timings=timings,
        )
    shutil.rmtree(file.parent)
    return release


def make_refresh(home: Path, base: str, name: str) -> Path:
    """Publish the current release `base` again, with the same figures, as a refresh does."""
    published = home / "published"
    release = Path(shutil.copytree(published / base, published / name))
    (release / MANIFEST).chmod(0o644)
    manifest = read_manifest(release).model_copy(update={"release": name, "refreshes": base})
    (release / MANIFEST).unlink()
    write_record(release / MANIFEST, manifest)
    append_entry(published, "refresh", name, (base, name), "tests", "newer freshness")
    point_latest(published, name)
    return release


def latest(home: Path) -> str | None:
    return latest_name(home / "published")


def checksums(home: Path) -> dict[str, str]:
    """Return the checksum of every file of every release, by its path."""
    found = {
        f"{release.name}/{path.relative_to(release)}": sha256_of(path)
        for release in release_dirs(home / "published")
        for path in release.rglob("*")
        if path.is_file()
    }
    assert len(found) > 2
    return found


def overwrite(path: Path, content: str | bytes) -> Path:
    """Write to a file of a release, which is read-only."""
    path.chmod(0o644)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def flip_bit(path: Path, position: int | None = None) -> Path:
    """Change a bit of a file, by default in its middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if position is None else position] ^= 1
    return overwrite(path, bytes(content))


def make_vintage(
    landing: Path,
    source: str,
    vintage_id: str,
    rows: Sequence[Mapping[str, str | int | None]],
    content: str = "a,b\n",
) -> Vintage:
    """Land a vintage of the file `data.csv` with the given parsed rows; `_file` and `_row` are among them."""
    directory = landing / source / vintage_id
    (directory / "files").mkdir(parents=True)
    (directory / "files" / "data.csv").write_text(content)
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), directory / "rows.parquet")
    columns = tuple(name for name in rows[0] if name not in ("_file", "_row"))
    at = datetime.fromisoformat(vintage_id[:10]).replace(tzinfo=UTC)
    file = Fetched(
        name="data.csv",
        address=f"https://example.org/{source}.csv",
        sha256=sha256_of(directory / "files" / "data.csv"),
        size_bytes=len(content),
        retrieved_at=at,
        via="publisher",
    )
    vintage = Vintage(
        **{
            "source": source,
            "vintage": vintage_id,
            "title": "",
            "publisher": "",
            "homepage": "",
            "licence": "",
            "retrieved_at": at,
            "landed_at": at,
            "previous_vintage": None,
            "pull": "pull",
            "reader_version": SOURCES[source].reader_version,
            "row_count": len(rows),
            "rows_digest": digest_rows(directory / "rows.parquet", columns),
            "rows_sha256": sha256_of(directory / "rows.parquet"),
            "files": (file,),
            "validation": {},
        }
    )
    write_record(directory / "manifest.json", vintage)
    return vintage.model_copy(update={"directory": directory})


def dbt_manifest(
    path: Path, models: Mapping[str, Any], parents: Mapping[str, Sequence[str]], sources: Sequence[str]
) -> Path:
    """Write a dbt manifest; `models` maps `schema.name` to its meta, `parents` a name to other names."""

    def unique_id(name: str) -> str:
        return f"source.w.raw.{name}" if name in sources else f"model.w.{name}"

    nodes = {
        unique_id(full.split(".")[1]): {
            "resource_type": "model",
            "unique_id": unique_id(full.split(".")[1]),
            "schema": full.split(".")[0],
            "name": full.split(".")[1],
            "description": f"What {full} is.",
            "config": {"meta": meta},
        }
        for full, meta in models.items()
    }
    source_nodes = {unique_id(name): {"schema": "raw", "name": name} for name in sources}
    parent_map = {unique_id(name): [unique_id(parent) for parent in names] for name, names in parents.items()}
    text = json.dumps(
        {
            "nodes": nodes,
            "sources": source_nodes,
            "parent_map": {key: [] for key in source_nodes} | parent_map,
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
