"""A release appears whole, `latest` never points at nothing, and equal tables give equal Parquet files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from killing import COUNTED

from warehouse import publish, transform
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of


def make_build(folder: Path, order: str = "asc", rows: int = 10) -> Path:
    folder.mkdir(parents=True)
    file = folder / "warehouse.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute("create schema raw; create schema core; create schema marts")
        db.execute("create view raw.leads_out as select 1 as a")
        db.execute(
            "create table core.fct as select cast(i as varchar) as id, cast(i as decimal(38, 18)) / 7 as x "
            f"from range({rows}) as t (i) order by i {order}"
        )
        db.execute("create table marts.mart as select 'CHN' as reporter, 1.5 as value_million")
    (folder / "docs").mkdir()
    (folder / "docs" / "index.html").write_text("<p>docs</p>")
    return file


def release(root: Path, name: str, order: str = "asc", rows: int = 10) -> Path:
    file = make_build(root / "build" / name, order, rows)
    transform.seal(file)
    docs = {"data_docs": file.parent / "docs", "dbt_docs/index.html": file.parent / "docs" / "index.html"}
    return publish.publish(root / "published", name, file, docs, {"as_of": "2024-05-02"})


def test_a_release_holds_database_parquet_docs_and_a_manifest_that_is_true(tmp_path: Path) -> None:
    place = release(tmp_path, "one")
    told = publish.read_manifest(place)
    assert told["release"] == "one"
    assert told["as_of"] == "2024-05-02"
    assert told["database"]["sha256"] == sha256_of(place / "warehouse.duckdb")
    assert set(told["tables"]) == {"fct", "mart"}
    for table, facts in told["tables"].items():
        path = place / "parquet" / f"{table}.parquet"
        assert facts["sha256"] == sha256_of(path)
        assert facts["rows"] == pq.read_metadata(path).num_rows > 0
    assert (place / "data_docs" / "index.html").exists()
    assert (place / "dbt_docs" / "index.html").exists()
    with duckdb.connect(str(tmp_path / "published" / "latest" / "warehouse.duckdb"), read_only=True) as db:
        assert db.execute("select reporter from marts.mart").fetchall() == [("CHN",)]
        assert db.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]


def test_sealing_leaves_no_view_and_no_log(tmp_path: Path) -> None:
    file = make_build(tmp_path / "build")
    transform.seal(file)
    with duckdb.connect(str(file), read_only=True) as db:
        schemas = db.execute("select distinct schema_name from duckdb_tables()").fetchall()
    assert sorted(schemas) == [("core",), ("marts",)]
    assert not file.with_name("warehouse.duckdb.wal").exists()
    with duckdb.connect(str(file)) as db:
        db.execute("create view marts.leaking as select 1 as a")
    with pytest.raises(WarehouseError, match="views are left"):
        transform.seal(file)


def test_equal_rows_give_equal_parquet_whatever_their_order(tmp_path: Path) -> None:
    one = release(tmp_path, "one", rows=300_000)
    two = release(tmp_path, "two", order="desc", rows=300_000)
    tables = publish.read_manifest(one)["tables"]
    assert tables
    assert {name: facts["sha256"] for name, facts in tables.items()} == {
        name: facts["sha256"] for name, facts in publish.read_manifest(two)["tables"].items()
    }


def test_latest_moves_to_the_newest_and_the_old_one_stays(tmp_path: Path) -> None:
    one = release(tmp_path, "one")
    before = sha256_of(one / "warehouse.duckdb")
    assert publish.standing(tmp_path / "published") == one
    two = release(tmp_path, "two")
    assert publish.standing(tmp_path / "published") == two
    assert sha256_of(one / "warehouse.duckdb") == before


def test_a_publish_that_was_killed_at_its_end_is_simply_run_again(tmp_path: Path) -> None:
    one = release(tmp_path, "one")
    (tmp_path / "published" / "latest").unlink()  # killed between the release's rename and the symlink's
    again = publish.publish(
        tmp_path / "published", "one", tmp_path / "build" / "one" / "warehouse.duckdb", {}, {}
    )
    assert again == one == publish.standing(tmp_path / "published")


def test_a_release_is_never_changed(tmp_path: Path) -> None:
    release(tmp_path, "one")
    file = make_build(tmp_path / "other", rows=11)
    transform.seal(file)
    with pytest.raises(WarehouseError, match="never changed"):
        publish.publish(tmp_path / "published", "one", file, {}, {})


def test_an_open_reader_keeps_its_release(tmp_path: Path) -> None:
    release(tmp_path, "one")
    latest = tmp_path / "published" / "latest" / "warehouse.duckdb"
    with duckdb.connect(str(latest.resolve()), read_only=True) as reader:
        release(tmp_path, "two")
        assert reader.execute("select count(*) from core.fct").fetchall() == [(10,)]


KILLED = (
    """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_publish as t
from warehouse import publish
left = int(sys.argv[2])
"""
    + COUNTED
    + """publish.sync = counted(publish.sync)
Path.rename = counted(Path.rename)
Path.replace = counted(Path.replace)
Path.symlink_to = counted(Path.symlink_to)
Path.chmod = counted(Path.chmod)
Path.hardlink_to = counted(Path.hardlink_to)
t.release(Path(sys.argv[1]), "two")
"""
)


def test_a_kill_while_publishing_leaves_the_old_release_or_the_new_one(tmp_path: Path) -> None:
    script = KILLED.format(tests=str(Path(__file__).parent))
    seen = set()
    for point in (0, 2, 5, 9, 13, 16, 17, 18, 19, 20, 21, 22, 60):
        root = tmp_path / str(point)
        one = release(root, "one")
        ended = subprocess.run(
            [sys.executable, "-c", script, str(root), str(point)], check=False, capture_output=True
        )
        assert ended.returncode in (0, -9), ended.stderr
        stands = publish.standing(root / "published")
        assert stands is not None
        seen.add((ended.returncode, stands.name))
        told = json.loads((stands / "MANIFEST.json").read_text())
        assert told["database"]["sha256"] == sha256_of(stands / "warehouse.duckdb")
        for visible in (root / "published").iterdir():
            if visible.name.startswith(".") or visible.is_symlink() or visible.name == publish.HISTORY:
                continue
            assert (visible / "MANIFEST.json").exists()
            assert (visible / "warehouse.duckdb").exists()
        three = release(root, "three")
        assert publish.standing(root / "published") == three
        assert not list((root / "published").glob(f"{publish.PARTIAL_PREFIX}*"))
        assert one.exists()
    assert seen == {(-9, "one"), (-9, "two"), (0, "two")}
