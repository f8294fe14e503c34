"""Staging: each vintage once, by its key; a source that cannot be staged does not concern the others."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from small_releases import make_vintage

from warehouse.build import stage as staging
from warehouse.model import Vintage
from warehouse.sources import SOURCES

GOODS, TOTALS = "unctad_goods", "mofcom_totals"
VINTAGE = "2024-05-02"


def rows_of(landing: Path, source: str, file: str, **values: str) -> tuple[Vintage, Path]:
    """Write a vintage of one row, its other columns null; return it with the path of its rows."""
    row = {name: values.get(name) for name in SOURCES[source].columns} | {"_file": file, "_row": 2}
    vintage = make_vintage(landing, source, VINTAGE, [row])
    return vintage, vintage.rows_path


@pytest.mark.slow
def test_vintage_that_cannot_be_staged_is_reported_with_its_row_and_the_others_are_staged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing, store, work = tmp_path / "landing", tmp_path / "staged", tmp_path / "work"
    parsed = tmp_path / "parsed" / "code.msgpack"
    codes = {
        "year": "2021",
        "economy": "156",
        "economy_label": "China",
        "flow": "02",
        "flow_label": "Exports",
    }
    goods = rows_of(landing, GOODS, "g.csv", **codes, value="10.5", footnote="f", missing_value="m")
    spoiled = rows_of(landing, TOTALS, "page-1.json", year="2021", exports_rmb="12abc3")
    staged = staging.stage(store, work, SOURCES, [goods, spoiled], parsed)
    assert set(staged.files) == {(GOODS, VINTAGE)}
    [(failed, reason)] = staged.failures.items()
    assert failed == (TOTALS, VINTAGE)
    assert "12abc3" in reason and "file page-1.json, row 2" in reason
    with duckdb.connect() as db:
        found = db.execute(
            "select reporter, flow, value from read_parquet(?)", [str(staged.files[GOODS, VINTAGE])]
        ).fetchall()
    assert [(reporter, flow, str(value).rstrip("0")) for reporter, flow, value in found] == [
        ("CHN", "exports", "10.5")
    ]

    # The staged file is used as it is: dbt is not run again for it.
    monkeypatch.setattr(staging, "_stage_missing", None)
    again = staging.stage(store, work, SOURCES, [goods], parsed)
    assert again.files == staged.files
