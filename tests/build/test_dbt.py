"""Runs of dbt: what it parsed is used again, and a damaged file of it does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.build import dbt
from warehouse.config import DBT_PROJECT_DIR

PARSED_AGAIN = "Unable to do partial parsing"


def log_of(directory: Path, parsed: Path) -> str:
    """Parse the project in a directory; return dbt's log."""
    directory.mkdir()
    dbt.run_dbt("parse", directory / dbt.BUILD_FILE, DBT_PROJECT_DIR, directory / "dbt", parsed)
    return (directory / "dbt" / "dbt.log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_another_build_uses_what_dbt_parsed_before(tmp_path: Path) -> None:
    parsed = tmp_path / "parsed" / "code.msgpack"
    parsed.parent.mkdir()
    (parsed.parent / "older.msgpack").write_bytes(b"of other code")
    assert PARSED_AGAIN in log_of(tmp_path / "first", parsed)
    assert [path.name for path in parsed.parent.iterdir()] == ["code.msgpack"]
    assert PARSED_AGAIN not in log_of(tmp_path / "second", parsed)

    size = parsed.stat().st_size
    parsed.write_bytes(parsed.read_bytes()[:1000])
    log_of(tmp_path / "third", parsed)
    assert parsed.stat().st_size > size / 2


def test_build_file_of_another_name_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="profile names the build file"):
        dbt.run_dbt("parse", tmp_path / "other.duckdb", DBT_PROJECT_DIR, tmp_path, tmp_path / "parsed")
