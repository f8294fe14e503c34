"""The commands query and trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import invoke
from conftest import Warehouse
from small_homes import RELEASE, ROWS, SOURCE, VINTAGE
from small_releases import flip_bit

from warehouse.cli import inspect
from warehouse.releases.trace import trace

SHARE = ("trace", "marts.mart_share", "reporter=CHN")


def test_query_prints_a_table_or_json(warehouse: Warehouse) -> None:
    question = (
        "select exports_million, is_preferred from marts.mart_trade_scale "
        "where source = 'unctad_services' and reporter = 'CHN' and period_label = '2021'"
    )
    assert invoke(warehouse.home, "query", question, "--json").json == [
        {"exports_million": 394272.573, "is_preferred": False}
    ]
    assert "394,272.573" in invoke(warehouse.home, "query", question).stdout


def test_failed_query_is_reported_with_reason(small: Path) -> None:
    shown = invoke(small, "query", "select 1 as a, 2 as a", exit_code=1).stderr
    assert "two columns are named a" in shown
    assert "the query is empty" in invoke(small, "query", "", exit_code=1).stderr


def test_rows_are_limited_and_further_rows_are_reported(small: Path) -> None:
    many = ("query", "select i from range(200) as t (i)")
    shown = invoke(small, *many)
    assert len(shown.stdout.splitlines()) == 102 and "first 100 rows of more" in shown.stdout
    assert invoke(small, *many, "--csv").stdout.split() == ["i", *map(str, range(200))]
    assert len(invoke(small, *many, "--json").json) == 200
    few = invoke(small, "query", "from range(9)", "--csv", "--rows", "2")
    assert few.stdout.split() == ["range", "0", "1"] and "first 2 rows of more" in few.stderr
    assert "of more" not in invoke(small, "query", "from range(9)", "--rows", "9").stdout


def test_values_are_shown_as_they_are(small: Path) -> None:
    sql = (
        "select 1234.5 as a, 0.00004::double as b, null as c, '[red]x[/red]' as d, 2021 as e, "
        "1234.5::double as f"
    )
    values = invoke(small, "query", sql).stdout.splitlines()[1].split()
    assert values == ["1234.5", "4e-05", "–", "[red]x[/red]", "2021", "1,234.500"]


@pytest.mark.parametrize(
    "forbidden",
    [
        "create table marts.x (a integer)",
        "delete from marts.mart_trade_scale",
        "attach '/tmp/other.duckdb'",
        "copy marts.mart_trade_scale to '/tmp/out.csv'",
        "select * from read_csv('/etc/passwd')",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
    ],
)
def test_query_cannot_write_or_reach_out(forbidden: str, small: Path) -> None:
    assert "the query failed" in invoke(small, "query", forbidden, exit_code=1).stderr


# --- trace ---


def test_trace_prints_each_role_with_its_rows(small: Path) -> None:
    shown = invoke(small, *SHARE).stdout
    lines = shown.splitlines()
    assert lines[0] == "marts.mart_share" and lines.count("marts.mart_share") == 1
    path = "marts.mart_share ← core.fct_services_trade ← raw.mofcom_totals"
    assert [line for line in lines if path in line] == [f"numerator  {path}", f"denominator  {path}"]
    assert shown.index("value=10.5") < shown.index("denominator") < shown.index("value=21")
    assert shown.count("(matches)") == 2 and "more rows" not in shown
    numerator, denominator = invoke(small, *SHARE, "--json").json
    assert (numerator["role"], denominator["role"]) == ("numerator", "denominator")
    assert numerator["is_intact"] is True
    (origin,) = denominator["origins"]
    assert origin["raw_row"] == ROWS[1] and origin["retrieved_at"] == f"{VINTAGE}T00:00:00+00:00"
    assert origin["is_file_intact"] is True and origin["is_rows_intact"] is True


def test_trace_prints_a_note_in_place_of_files(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = trace(
        small / "published" / RELEASE, small / "landing", small / "reread", "marts.mart_share", {}
    )
    note = replace(
        first, role="value added", models=first.models[:1], origins=(), note="Only the landing has it."
    )
    monkeypatch.setattr("warehouse.releases.trace.trace", lambda *_: (first, note))
    shown = invoke(small, *SHARE).stdout
    assert shown.endswith("value added  marts.mart_share\n  Only the landing has it.\n")
    assert [one["note"] for one in invoke(small, *SHARE, "--json").json] == [None, "Only the landing has it."]


def test_of_many_rows_of_a_file_the_first_are_printed_and_all_are_in_the_json(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (core,) = invoke(small, "trace", "core.fct_services_trade", "flow=total", "--json").json
    assert (core["role"], core["origins"][0]["row"]) == ("figure", 3)
    monkeypatch.setattr(inspect, "ROWS_OF_A_FILE", 1)
    lineages = trace(
        small / "published" / RELEASE, small / "landing", small / "reread", "marts.mart_share", {}
    )
    both = replace(lineages[0], origins=(*lineages[0].origins, *lineages[1].origins))
    monkeypatch.setattr("warehouse.releases.trace.trace", lambda *_: (both,))
    shown = invoke(small, *SHARE).stdout
    assert shown.count("data.csv") == 1 and "row 2  year=2021" in shown and "row 3" not in shown
    assert "… and 1 more rows; --json prints all" in shown
    assert [origin["row"] for origin in invoke(small, *SHARE, "--json").json[0]["origins"]] == [2, 3]


@pytest.mark.parametrize("name", ["files/data.csv", "rows.parquet"])
def test_trace_exits_with_1_and_reports_the_file_with_wrong_checksum(name: str, small: Path) -> None:
    path = small / "landing" / SOURCE / VINTAGE / name
    flip_bit(path)
    ended = invoke(small, *SHARE, exit_code=1)
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"failed: {path}: does not have the sha256 of its manifest")
    assert "DOES NOT MATCH" in ended.stdout
    ended = invoke(small, *SHARE, "--json", exit_code=1)
    assert [origin["is_intact"] for origin in ended.json] == [False, False] and str(path) in ended.stderr
    if name == "rows.parquet":
        assert "value=10.5" not in invoke(small, *SHARE, exit_code=1).stdout


def test_trace_prints_the_path_to_the_bytes(warehouse: Warehouse) -> None:
    arguments = (
        "trace",
        "marts.mart_trade_scale",
        "reporter=CHN",
        "period_label=2021",
        "source=unctad_services",
    )
    shown = invoke(warehouse.home, *arguments).stdout
    for part in (
        "exports and imports, total and balance where printed  marts.mart_trade_scale ← ",
        " ← core.fct_services_trade ← ",
        "staging.stg_unctad_services ← raw.unctad_services",
        "value=394272.573",
        "value=426997.952",
        "US_TradeServCatTotal.csv.7z",
        "(matches)",
        "https://unctadstat-api.unctad.org/bulkdownload/US.TradeServCatTotal/US_TradeServCatTotal",
        "2025-07-23 00:00Z",
    ):
        assert part in shown
    lineages = invoke(warehouse.home, *arguments, "--json").json
    origins = [origin for lineage in lineages for origin in lineage["origins"]]
    rows = [origin_record["raw_row"] for origin_record in origins]
    assert {"426997.952", "394272.573"} <= {row.get("value") for row in rows}
    assert all(
        origin_record["is_file_intact"] and origin_record["is_rows_intact"] for origin_record in origins
    )


def test_trace_ends_at_a_cell_of_the_workbook(warehouse: Warehouse) -> None:
    conditions = ("source=safe_bop", "currency=USD", "period_label=2021", "service=SC", "flow=imports")
    arguments = ("trace", "marts.mart_trade_structure", "reporter=CHN", *conditions, "--json")
    lineages = invoke(warehouse.home, *arguments).json
    origins = [
        origin for entry in lineages if entry["role"].startswith("value") for origin in entry["origins"]
    ]
    # Typed off the workbook: sheet of annual dollars, row 26, the debit of 1.A.b.3 运输, column of 2021.
    (origin,) = (entry for entry in origins if entry["raw_row"]["item_code"] == "1.A.b.3")
    assert float(origin["raw_row"]["value"]) == -1466.516870975
    assert origin["location"] == "年度BOP（美元） !BU26"


def test_trace_of_a_revision_leads_to_both_vintages(warehouse: Warehouse) -> None:
    def origins(*conditions: str) -> list[tuple[str, Any]]:
        (lineage,) = invoke(warehouse.home, "trace", "marts.mart_revision", *conditions, "--json").json
        return [(entry["vintage"], entry["raw_row"]["value"]) for entry in lineage["origins"]]

    series = "series=worldbank_wdi / CHN / BX.GSR.NFSV.CD / A"
    assert origins(series, "period_label=2021") == [
        ("2022-09-16", "338440775474.07"),
        ("2024-07-12", "339393210195.59"),
    ]
    # Withdrawn: the older file has a figure, and the newer file null (the observation of 1990 in both).
    withdrawn = origins("series=worldbank_wdi / CHN / BX.GSR.ROYL.CD / A", "period_label=1990")
    assert [vintage for vintage, _ in withdrawn] == ["2022-09-16", "2024-07-12"]
    assert withdrawn[0][1] is not None and withdrawn[1][1] is None


def test_unknown_tables_and_columns_are_rejected_with_known_names(warehouse: Warehouse) -> None:
    home = warehouse.home
    shown = invoke(home, "trace", "marts.mart_trade", exit_code=2).stderr
    assert "marts.mart_claim, marts.mart_competitiveness" in shown and "marts.mart_trade_structure" in shown
    shown = invoke(home, "trace", "marts.mart_trade_scale", "country=CHN", exit_code=2).stderr
    assert "has no column country; it has source, vintage" in shown
    invoke(home, "trace", "marts.mart_trade_scale", "CHN", exit_code=2)


def test_trace_of_too_many_rows_names_the_missing_conditions(warehouse: Warehouse) -> None:
    shown = invoke(warehouse.home, "trace", "marts.mart_trade_scale", "reporter=CHN", exit_code=1).stderr
    assert "rows of marts.mart_trade_scale have reporter=CHN. Name more columns, such as" in shown
    shown = invoke(warehouse.home, "trace", "marts.mart_trade_scale", exit_code=1).stderr
    assert "marts.mart_trade_scale has more than 12 rows. Name columns, such as source" in shown
