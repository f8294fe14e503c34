"""Runs of dbt: what it parsed is used again, and a damaged file of it does no harm."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from warehouse.build import dbt, reuse
from warehouse.config import DBT_PROJECT_DIR
from warehouse.errors import WarehouseError


def parsed_files(directory: Path, parsed: Path) -> int:
    """Run dbt in a directory; return the number of files of the project that it parsed."""
    directory.mkdir()
    dbt.run_dbt([("parse",)], directory / reuse.WORKING, DBT_PROJECT_DIR, directory / "dbt", parsed)
    performance = json.loads((directory / "dbt" / "perf_info.json").read_text(encoding="utf-8"))
    return int(performance["parsed_path_count"])


@pytest.mark.slow
def test_another_build_uses_what_dbt_parsed_before(tmp_path: Path) -> None:
    parsed = tmp_path / "parsed" / "code.msgpack"
    parsed.parent.mkdir()
    (parsed.parent / "older.msgpack").write_bytes(b"of other code")
    parsed.write_bytes(b"damaged")
    assert parsed_files(tmp_path / "first", parsed) > 200
    assert [path.name for path in parsed.parent.iterdir()] == [parsed.name]
    assert parsed_files(tmp_path / "second", parsed) == 0


def test_working_file_of_another_name_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="profile names the working file"):
        dbt.run_dbt([("parse",)], tmp_path / "other.duckdb", DBT_PROJECT_DIR, tmp_path, tmp_path / "parsed")


@pytest.mark.slow
def test_no_command_runs_after_one_that_failed(tmp_path: Path) -> None:
    commands = [("list", "--no-such-option"), ("docs", "generate", "--no-compile")]
    with pytest.raises(WarehouseError, match=r"(?s)dbt list failed: .*No such option"):
        dbt.run_dbt(
            commands, tmp_path / reuse.WORKING, DBT_PROJECT_DIR, tmp_path / "dbt", tmp_path / "parsed"
        )
    assert (tmp_path / "dbt" / "manifest.json").exists()
    assert not (tmp_path / "dbt" / "catalog.json").exists()


@pytest.mark.parametrize("made_again", [0, 5])
def test_release_with_many_free_blocks_is_made_compact(made_again: int, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute("create schema marts; create macro marts.twice(x) as x * 2")
        db.execute(
            "create table marts.mart as select i, hash(i) as text from range(200_000) as r(i); checkpoint"
        )
        whole = file.stat().st_size
        for number in range(made_again):
            db.execute(f"create table marts.other{number} as from marts.mart; checkpoint")
        for number in range(made_again):
            db.execute(f"drop table marts.other{number}")
        db.execute("create or replace table marts.small as select 1 as x")
    inode = file.stat().st_ino
    dbt.seal(file)
    assert (file.stat().st_ino != inode) == bool(made_again)
    assert file.stat().st_size < 1.5 * whole
    with duckdb.connect(str(file), read_only=True) as db:
        assert db.execute("select count(*), marts.twice(2) from marts.mart").fetchall() == [(200_000, 4)]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "made", ["create schema staging", "create schema core; create view core.v as select 1"]
)
def test_release_with_another_schema_or_a_view_is_rejected(made: str, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute(made)
    with pytest.raises(WarehouseError, match=r"a release holds tables of core, marts, bi only"):
        dbt.seal(file)
