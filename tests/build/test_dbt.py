"""Runs of dbt: what it parsed is used again, and a damaged file of it does no harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from warehouse.build import dbt
from warehouse.config import DBT_PROJECT_DIR
from warehouse.errors import WarehouseError


def parsed_files(directory: Path, parsed: Path) -> int:
    """Run dbt in a directory; return the number of files of the project that it parsed."""
    directory.mkdir()
    dbt.run_dbt([("parse",)], directory / dbt.BUILD_FILE, DBT_PROJECT_DIR, directory / "dbt", parsed)
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


def test_build_file_of_another_name_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="profile names the build file"):
        dbt.run_dbt([("parse",)], tmp_path / "other.duckdb", DBT_PROJECT_DIR, tmp_path, tmp_path / "parsed")


@pytest.mark.slow
def test_no_command_runs_after_one_that_failed(tmp_path: Path) -> None:
    commands = [("list", "--no-such-option"), ("docs", "generate", "--no-compile")]
    with pytest.raises(WarehouseError, match=r"(?s)dbt list failed: .*No such option"):
        dbt.run_dbt(
            commands, tmp_path / dbt.BUILD_FILE, DBT_PROJECT_DIR, tmp_path / "dbt", tmp_path / "parsed"
        )
    assert (tmp_path / "dbt" / "manifest.json").exists()
    assert not (tmp_path / "dbt" / "catalog.json").exists()
