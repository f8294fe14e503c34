"""The words of the command line, as a person and as a script use them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Warehouse

from warehouse import __version__
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR
from warehouse.sources import SOURCES

WORDS = (
    *("sources", "status", "alerts", "fetch", "build", "publish", "run", "trace", "query", "curated"),
    *("releases", "diff", "rollback", "maintain", "backfill", "rejected"),
)


def warehouse_says(
    *words: str, home: Path, mirror: Path | None = None, exit_code: int = 0
) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, "-m", "warehouse", *words],
        cwd=PROJECT_ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "WAREHOUSE_HOME": str(home),
            "WAREHOUSE_MIRROR": str(mirror or ""),
            "GX_ANALYTICS_ENABLED": "false",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == exit_code, ended.stdout + ended.stderr
    return ended


def test_help_names_every_word(tmp_path: Path) -> None:
    said = warehouse_says("--help", home=tmp_path).stdout
    for word in WORDS:
        assert f" {word} " in said
        assert "--help" in warehouse_says(word, "--help", home=tmp_path).stdout
    assert __version__


def test_sources_lists_each_publishers_table(tmp_path: Path) -> None:
    told = json.loads(warehouse_says("sources", "--json", home=tmp_path).stdout)
    assert [one["source"] for one in told] == list(SOURCES)
    assert all(one["licence"] and one["homepage"].startswith("https://") for one in told)


def test_status_before_anything_and_after(tmp_path: Path, warehouse: Warehouse) -> None:
    before = json.loads(warehouse_says("status", "--json", home=tmp_path).stdout)
    assert before["release"] is None
    assert {one["outcome"] for one in before["sources"]} == {"never"}
    after = json.loads(warehouse_says("status", "--json", home=warehouse.home).stdout)
    assert after["release"]
    assert {one["source"]: one["vintages"] for one in after["sources"]} == {
        **dict.fromkeys(SOURCES, 1),
        "worldbank_wdi": 2,
        "wto_digital": 0,
        "wto_services": 0,
    }
    assert after["free_disk_gib"] > 0
    shown = warehouse_says("status", home=warehouse.home).stdout
    assert "2024-07-12" in shown and "worldbank_wdi" in shown


def test_fetch_lands_then_finds_no_news(tmp_path: Path) -> None:
    night = SAMPLE_DIR / "night-2"
    (first,) = json.loads(
        warehouse_says("fetch", "unctad_goods", "--json", home=tmp_path, mirror=night).stdout
    )
    assert (first["outcome"], first["vintage"]) == ("accepted", "2026-03-19")
    (again,) = json.loads(
        warehouse_says("fetch", "unctad_goods", "--json", home=tmp_path, mirror=night).stdout
    )
    assert again["outcome"] == "unchanged"


def test_a_failing_source_is_told_and_stops_no_other(tmp_path: Path) -> None:
    night = SAMPLE_DIR / "night-1"  # answers for the World Bank alone
    ended = warehouse_says("fetch", "--json", home=tmp_path, mirror=night, exit_code=1)
    told = {one["source"]: one for one in json.loads(ended.stdout)}
    assert told["worldbank_wdi"]["outcome"] == "accepted"
    assert told["safe_bop"]["outcome"] == "failed"
    assert "holds no answer" in told["safe_bop"]["detail"]
    shown = warehouse_says("status", home=tmp_path).stdout
    assert "holds no answer" in shown


def test_unknown_names_are_told_with_the_known_ones(tmp_path: Path, warehouse: Warehouse) -> None:
    said = warehouse_says("fetch", "sate", home=tmp_path, exit_code=1).stderr
    assert "known are atlas_services, batis" in said
    said = warehouse_says("trace", "marts.mart_trade", home=warehouse.home, exit_code=1).stderr
    assert "known are mart_claim, mart_competitiveness" in said and "mart_trade_structure" in said
    said = warehouse_says(
        "trace", "marts.mart_trade_scale", "country=CHN", home=warehouse.home, exit_code=1
    ).stderr
    assert "has no column country; it has source, vintage" in said
    warehouse_says("trace", "marts.mart_trade_scale", "CHN", home=warehouse.home, exit_code=2)


def test_without_a_release_the_next_step_is_named(tmp_path: Path) -> None:
    said = warehouse_says("query", "select 1", home=tmp_path, exit_code=1).stderr
    assert "there is no release yet" in said and "warehouse run" in said
    assert "Fetch a source first" in warehouse_says("build", home=tmp_path, exit_code=1).stderr


def test_query_answers_in_a_table_and_in_json(warehouse: Warehouse) -> None:
    question = (
        "select exports_million, is_preferred from marts.mart_trade_scale "
        "where source = 'unctad_services' and reporter = 'CHN' and period_label = '2021'"
    )
    assert json.loads(warehouse_says("query", question, "--json", home=warehouse.home).stdout) == [
        {"exports_million": 394272.573, "is_preferred": True}
    ]
    assert "394,272.573" in warehouse_says("query", question, home=warehouse.home).stdout
    said = warehouse_says("query", "select 1 as a, 2 as a", home=warehouse.home, exit_code=1).stderr
    assert "two columns are named a" in said
    assert "asks nothing" in warehouse_says("query", "", home=warehouse.home, exit_code=1).stderr


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
def test_query_cannot_write_or_reach_out(forbidden: str, warehouse: Warehouse) -> None:
    assert "the query failed" in warehouse_says("query", forbidden, home=warehouse.home, exit_code=1).stderr


def test_trace_prints_the_way_back_to_the_bytes(warehouse: Warehouse) -> None:
    words = ("trace", "marts.mart_trade_scale", "reporter=CHN", "period_label=2021", "source=unctad_services")
    shown = warehouse_says(*words, home=warehouse.home).stdout
    for part in (
        "marts.mart_trade_scale ← core.fct_services_trade",
        "staging.stg_unctad_services ← raw.unctad_services",
        "value=394272.573",
        "value=426997.952",
        "US_TradeServCatTotal.csv.7z",
        "(holds)",
        "https://unctadstat-api.unctad.org/bulkdownload/US.TradeServCatTotal/US_TradeServCatTotal",
        "2025-07-23T00:00:00",
    ):
        assert part in shown
    (told,) = json.loads(warehouse_says(*words, "--json", home=warehouse.home).stdout)
    assert {one["raw_row"]["flow"]: one["raw_row"]["value"] for one in told["origins"]} == {
        "01": "426997.952",
        "02": "394272.573",
    }
    assert all(one["is_checksum_right"] for one in told["origins"])


def test_trace_leads_to_one_cell_of_the_workbook(warehouse: Warehouse) -> None:
    words = ("source=safe_bop", "currency=USD", "period_label=2021", "service=SC", "flow=imports")
    (told,) = json.loads(
        warehouse_says(
            "trace", "marts.mart_trade_structure", "reporter=CHN", *words, "--json", home=warehouse.home
        ).stdout
    )
    (origin,) = told["origins"]
    # Typed off the workbook: sheet of annual dollars, row 26, the debit of 1.A.b.3 运输, column of 2021.
    assert origin["raw_row"]["value"] == "-1466.516870975"
    assert origin["place"] == "年度BOP（美元） !BU26"
    assert origin["raw_row"]["item_code"] == "1.A.b.3"


def test_trace_of_a_revision_leads_to_both_vintages(warehouse: Warehouse) -> None:
    def files(*words: str) -> list[tuple[str, str]]:
        said = warehouse_says("trace", "marts.mart_revision", *words, "--json", home=warehouse.home)
        (told,) = json.loads(said.stdout)
        return [(one["vintage"], one["raw_row"]["value"]) for one in told["origins"]]

    series = "series=worldbank_wdi / CHN / BX.GSR.NFSV.CD / A"
    assert files(series, "period_label=2021") == [
        ("2022-09-16", "338440775474.07"),
        ("2024-07-12", "339393210195.59"),
    ]
    # Withdrawn: the older file states a figure, and the newer one null (the observation of 1990 in both).
    withdrawn = files("series=worldbank_wdi / CHN / BX.GSR.ROYL.CD / A", "period_label=1990")
    assert [vintage for vintage, _ in withdrawn] == ["2022-09-16", "2024-07-12"]
    assert withdrawn[0][1] is not None and withdrawn[1][1] is None


def test_trace_of_too_many_rows_says_what_to_add(warehouse: Warehouse) -> None:
    said = warehouse_says(
        "trace", "marts.mart_trade_scale", "reporter=CHN", home=warehouse.home, exit_code=1
    ).stderr
    assert "name more columns" in said
