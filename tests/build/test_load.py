"""Schema `raw` of a build: vintages side by side, empty views without vintages, text unchanged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from toy import NOW, SOURCE, land

from warehouse.build import load
from warehouse.errors import WarehouseError
from warehouse.landing.freshness import assess
from warehouse.model import Check, Source


def test_vintages_are_side_by_side_and_text_is_unchanged(tmp_path: Path) -> None:
    first = land(tmp_path, "code,value\n076,1.10\nNA,\n")
    second = land(tmp_path, "code,value\n076,1.20\n", datetime(2024, 6, 1, tzinfo=UTC))
    check = Check(
        source="toy", polled_at=NOW, checked_at=NOW, outcome="accepted", vintage=first.id, detail="2 rows"
    )
    freshness = assess("toy", [first, second], [check], date(2024, 6, 1))
    file = tmp_path / "o'build" / "b.duckdb"
    load.load(
        file,
        {"toy": SOURCE},
        [(vintage, vintage.rows_path) for vintage in (first, second)],
        {"toy": [check]},
        [freshness],
    )
    with duckdb.connect(str(file), read_only=True) as db:
        assert db.execute("select * from raw.toy order by vintage, _row").fetchall() == [
            ("076", "1.10", "rows.csv", 2, "2024-05-02"),
            ("NA", None, "rows.csv", 3, "2024-05-02"),
            ("076", "1.20", "rows.csv", 2, "2024-06-01"),
        ]
        assert db.execute(
            "select source, vintage, row_count from raw.landing_vintage order by 2"
        ).fetchall() == [
            ("toy", "2024-05-02", 2),
            ("toy", "2024-06-01", 1),
        ]
        assert db.execute("select count(*) from raw.landing_file where sha256 is not null").fetchone() == (2,)
        assert db.execute("select sequence, checked_at, outcome from raw.landing_check").fetchall() == [
            (1, NOW.replace(tzinfo=None), "accepted")
        ]
        assert db.execute("select * from raw.landing_freshness").fetchall() == [
            ("toy", "ok", NOW.replace(tzinfo=None), None, None, 0, 0)
        ]
    assert not file.with_name("b.duckdb.wal").exists()


def test_source_without_a_vintage_is_an_empty_view(tmp_path: Path) -> None:
    other = Source(**(vars(SOURCE) | {"name": "other", "columns": ("a b", "c")}))
    load.load(tmp_path / "b.duckdb", {"toy": SOURCE, "other": other}, [], {}, [])
    with duckdb.connect(str(tmp_path / "b.duckdb"), read_only=True) as db:
        found = db.execute("select * from raw.other")
        assert [name for name, *_ in found.description] == ["a b", "c", "_file", "_row", "vintage"]
        assert found.fetchall() == []


def test_load_rejects_an_existing_file(tmp_path: Path) -> None:
    load.load(tmp_path / "b.duckdb", {"toy": SOURCE}, [], {}, [])
    with pytest.raises(WarehouseError, match="this build file exists"):
        load.load(tmp_path / "b.duckdb", {"toy": SOURCE}, [], {}, [])
