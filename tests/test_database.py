"""The settings limit the memory and threads of each DuckDB database, also in the process of dbt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import settings_of

from warehouse import database
from warehouse.build import dbt, reuse
from warehouse.config import DBT_PROJECT_DIR, PROJECT_ROOT
from warehouse.errors import WarehouseError

MODULES = sorted((PROJECT_ROOT / "warehouse").rglob("*.py"))


@pytest.fixture(autouse=True)
def limits_are_restored() -> Iterator[None]:
    before = database.limits()
    yield
    database.set_limits(before)


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> object:
    return connection.execute("select current_setting(?)", [name]).fetchall()[0][0]


def test_settings_limit_every_database(tmp_path: Path) -> None:
    settings_of(tmp_path, memory="500MiB", threads=1)
    with database.connect() as db:
        assert setting(db, "memory_limit") == "500.0 MiB"
        assert setting(db, "threads") == 1
        assert setting(db, "temp_directory") == str(tmp_path / "spill")


def test_query_beyond_the_limit_spills_into_the_home_and_ends(tmp_path: Path) -> None:
    settings_of(tmp_path, memory="100MB", threads=1)
    # 20 million random texts of 36 characters: 1 GB to sort.
    with database.connect() as db:
        rows = db.execute(
            "select count(*), count(distinct text), max(number) from "
            "(select md5(range::varchar) as text, row_number() over (order by md5(range::varchar)) as number "
            "from range(3_000_000))"
        ).fetchone()
        assert rows == (3_000_000, 3_000_000, 3_000_000)
        assert (tmp_path / "spill").is_dir()


@pytest.mark.parametrize("memory", ["", "80%", "four", "4"])
def test_size_that_duckdb_does_not_know_is_rejected(memory: str, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="WAREHOUSE_MEMORY="):
        settings_of(tmp_path, memory=memory)


def test_every_database_is_opened_with_the_limits() -> None:
    assert len(MODULES) > 50
    others = [path.name for path in MODULES if re.search(r"\bduckdb\.connect\(", path.read_text())]
    assert others == ["database.py"]
    spilling = [path.name for path in MODULES if "temp_directory" in path.read_text()]
    assert spilling == ["database.py"]  # one directory for all, in the home


@pytest.mark.slow
def test_dbt_has_the_limits(tmp_path: Path) -> None:
    settings_of(tmp_path, memory="700MiB", threads=1)
    show = (
        "show",
        "--inline",
        "select current_setting('memory_limit') || current_setting('threads') as found",
    )
    artifacts = tmp_path / "dbt"
    dbt.run_dbt([show], tmp_path / reuse.WORKING, DBT_PROJECT_DIR, artifacts, tmp_path / "code.msgpack")
    assert "700.0 MiB1" in (artifacts / "dbt-show.log").read_text()
