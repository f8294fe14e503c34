"""The tables of schema bi on revisions, claims and freshness. Expected figures are of publishers' files."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.config import DBT_PROJECT_DIR

VERDICTS = ("reproduced", "near", "differs", "untestable")  # the best first
NAME_OF_SAFE = "Balance of payments of China, time series (BPM6)"


def records(built: Path, query: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(built), read_only=True) as db:
        found = db.execute(query)
        columns = [name for name, *_ in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def test_revision_of_a_figure_that_the_world_bank_changed(built: Path) -> None:
    # BX.GSR.NFSV.CD of 2021: 338440775474.07 in the file of 2022-09-16, 339393210195.59 in that of 2024-07-12
    where = "where indicator = 'BX.GSR.NFSV.CD' and period_label = '2021'"
    (row,) = records(built, f"select * from bi.revision {where}")
    assert (row["previous_value"], row["value"]) == (338440.77547407, 339393.21019559)
    assert row["change_pct"] == pytest.approx(0.2814, abs=5e-5)
    assert (row["period_start"], row["known_from"]) == (date(2021, 1, 1), date(2024, 7, 12))
    assert (row["reporter_name_en"], row["partner_name_zh"]) == ("China", "世界")
    assert (row["source"], row["kind"], row["unit"]) == ("worldbank_wdi", "changed", "million")
    (figure,) = records(built, f"select * from bi.revision_summary {where}")
    assert (figure["first_value"], figure["latest_value"]) == (338440.77547407, 339393.21019559)
    assert (figure["revision_count"], figure["direction"]) == (1, "up")


@pytest.mark.parametrize("table", ["revision", "revision_summary"])
def test_every_revision_of_the_mart_has_one_row(built: Path, table: str) -> None:
    key = "series, period_label" + ", vintage" * (table == "revision")
    query = f"select {key} from {{}} order by all"
    expected = records(built, query.format(f"marts.mart_{table}"))
    assert records(built, query.format(f"bi.{table}")) == expected != []


def test_revision_beyond_its_threshold_is_marked(built: Path) -> None:
    with (DBT_PROJECT_DIR / "seeds" / "revision_threshold.csv").open(encoding="utf-8") as opened:
        thresholds = {
            (row["source"], row["measure"]): float(row["threshold_pct"]) for row in csv.DictReader(opened)
        }
    revisions = records(built, "select * from bi.revision")
    for row in revisions:
        limits = [
            thresholds.get((row["source"], row[name] if name else ""))
            for name in ("indicator", "service", "")
        ]
        limit = next(one for one in limits if one is not None)
        is_alert = row["kind"] == "changed" and (row["change_pct"] is None or abs(row["change_pct"]) > limit)
        assert (row["is_alert"], row["threshold_pct"]) == (is_alert, limit if is_alert else None), row
    assert {row["is_alert"] for row in revisions} == {True, False}


def test_every_claim_has_one_row_with_its_best_verdict(built: Path) -> None:
    with (DBT_PROJECT_DIR / "seeds" / "claim.csv").open(encoding="utf-8") as opened:
        claims = sorted(row["claim_id"] for row in csv.DictReader(opened))
    found = records(built, "select * from bi.claim_verdict order by claim_id")
    assert [row["claim_id"] for row in found] == claims
    compared: dict[str, list[dict[str, Any]]] = {}
    for row in records(built, "select * from marts.mart_claim"):
        compared.setdefault(row["claim_id"], []).append(row)
    for row in found:
        rows = compared[row["claim_id"]]
        best = min((one["verdict"] for one in rows), key=VERDICTS.index)
        assert row["best_verdict"] == best
        assert row["sources_compared"] == len({one["source"] for one in rows} - {None})
        (behind,) = (
            one for one in rows if (one["source"], one["vintage"]) == (row["source"], row["vintage"])
        )
        assert behind["verdict"] == best
        assert behind["found_value"] == row["found_value"]
    assert {row["best_verdict"] for row in found} == set(VERDICTS)


def test_freshness_has_the_days_of_the_newest_file(built: Path) -> None:
    # the workbook of 2024-03-29 ends with the quarter and the year that end on 2023-12-31
    rows = records(built, "select * from bi.freshness where source = 'safe_bop'")
    assert {row["period_start"] for row in rows} == {date(2023, 1, 1), date(2023, 10, 1)}
    assert {(row["source_name"], row["period_end"], row["known_from"]) for row in rows} == {
        (NAME_OF_SAFE, date(2023, 12, 31), date(2024, 3, 29))
    }
    (without,) = records(built, "select * from bi.freshness where source = 'wto_services'")
    assert (without["status"], without["known_from"], without["period_label"]) == (
        "not configured",
        None,
        None,
    )


def test_freshness_has_every_row_of_its_mart(built: Path) -> None:
    query = "select source, series, status, last_success_at, missing_cells from {} order by all"
    expected = records(built, query.format("marts.mart_freshness"))
    assert records(built, query.format("bi.freshness")) == expected != []
