"""Services by mode of supply: a release with the archives of TiSMoS, and that a mode is in no other figure.

The archives are made up: China's exports of transport in 2016 are 6000, 2000, 1000 and 0 million dollars in
the modes 1 to 4, and its total of all services 24750, 6200, 34950 and 3430.
"""

# ruff: noqa: E501 (SQL: a statement on each line)

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cases import edits
from cases.case import Case, ingest_case
from conftest import Warehouse, copy_home, release_of
from spoiled import spoil
from test_marts import record, records

from warehouse.config import EXPECTATIONS_DIR
from warehouse.quality import validate_release
from warehouse.releases.store import DATABASE
from warehouse.releases.trace import trace

pytestmark = pytest.mark.slow

SOURCE, FIRST_DAY, DAY = "wto_tismos", "2026-06-09", "2026-06-10"
SERIES = "wto_tismos / CHN / SC / mode_1 / exports / A / USD / estimated"


@pytest.fixture(scope="module")
def with_modes(warehouse: Warehouse, replayed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a release of the sample and two editions of both archives, with one figure changed."""
    home = copy_home(warehouse.home, tmp_path_factory.mktemp("modes") / "home")
    first = edits.tismos(edits.in_text_of((",CN,WL,SC,2017,M1,6600,", ",CN,WL,SC,2017,M1,6601,")))
    for day, answers in ((FIRST_DAY, first), (DAY, edits.tismos())):
        case = Case(f"{SOURCE}-{day}", SOURCE, "both archives", answers, "accepted", retrieved=day)
        check = ingest_case(case, (case,), replayed, home)
        assert (check.outcome, check.vintage) == ("accepted", day), check.detail
    return release_of(home) / DATABASE


def cell(**columns: object) -> str:
    return " and ".join(f"{name} = '{value}'" for name, value in columns.items())


TRANSPORT = cell(reporter="CHN", service="SC", flow="exports", period_label="2016")
TOTAL = cell(reporter="CHN", service="SOXSW", flow="exports", period_label="2016")


def test_shares_are_those_worked_by_hand(with_modes: Path) -> None:
    """6000 + 2000 + 1000 + 0 = 9000 in all modes, and 8000 without mode 3."""
    row = record(with_modes, f"select * from marts.mart_mode_of_supply where {TRANSPORT}")
    assert [row[f"mode_{mode}_million"] for mode in (1, 2, 3, 4)] == [6000, 2000, 1000, 0]
    assert (row["total_million"], row["cross_border_million"]) == (9000, 8000)
    assert [row[f"mode_{mode}_share_pct"] for mode in (1, 2, 3, 4)] == pytest.approx(
        [200 / 3, 200 / 9, 100 / 9, 0]
    )
    assert [row[f"mode_{mode}_cross_border_share_pct"] for mode in (1, 2, 4)] == [75, 25, 0]
    assert (row["source"], row["vintage"], row["value_type"]) == (SOURCE, DAY, "estimated")
    assert (row["service_name_zh"], row["reporter_name_zh"]) == ("运输", "中国")
    assert row["status"] == "mode 1: R, mode 2: R, mode 3: E, mode 4: R"


def test_row_is_traced_to_the_lines_of_both_publishers(with_modes: Path, tmp_path: Path) -> None:
    release = with_modes.parent
    conditions = {"reporter": "CHN", "service": "SC", "flow": "exports", "period_label": "2016"}
    found = trace(release, release.parents[1] / "landing", tmp_path, "marts.mart_mode_of_supply", conditions)
    modes = [one for one in found if one.role == "figures of the modes"]
    assert {one.models[-1] for one in modes} == {"raw.wto_tismos"}
    assert sum(len(one.origins) for one in modes) == 4
    assert [one.models[-1] for one in found if one not in modes] == ["raw.safe_bop"]
    assert all(one.is_intact and one.origins for one in found)


def test_total_and_groups_have_names_and_ivory_coast_and_namibia_are_economies(with_modes: Path) -> None:
    row = record(
        with_modes,
        f"select * from marts.mart_mode_of_supply where {TOTAL}",
    )
    assert (row["total_million"], row["mode_3_share_pct"]) == (69330, pytest.approx(3495000 / 69330))
    assert (row["is_derived_service"], row["service_name_en"]) == (True, "Total services (TiSMoS)")
    assert row["bop_million"] is None, "no publisher states this total in the balance of payments"
    found = records(with_modes, "select distinct reporter from marts.mart_mode_of_supply order by 1")
    assert [one["reporter"] for one in found] == ["CHN", "CIV", "NAM", "USA"]
    assert record(with_modes, "select count(*) as n from marts.mart_mode_of_supply")["n"] == 1344 / 4


def test_balance_of_payments_beside_the_modes_is_that_of_the_preferred_source(with_modes: Path) -> None:
    """SAFE's transport credits of 2016, by core, are the preferred figure of China; 8000 million are in the modes."""
    row = record(with_modes, f"select * from marts.mart_mode_of_supply where {TRANSPORT}")
    stated = record(
        with_modes,
        "select value_million_double as value, vintage from core.fct_services_trade where source = 'safe_bop'"
        f" and currency = 'USD' and frequency = 'A' and {TRANSPORT}",
    )
    assert (row["bop_source"], row["bop_vintage"]) == ("safe_bop", stated["vintage"])
    assert row["bop_million"] == stated["value"] > 30000
    assert row["cross_border_of_bop_pct"] == pytest.approx(100 * 8000 / stated["value"])


def test_no_mode_is_in_another_fact_or_mart(with_modes: Path, built: Path) -> None:
    """Every table of marts and bi has the rows of the release without the source, but for lists by source."""
    with duckdb.connect() as db:
        db.execute(f"attach '{with_modes}' as new (read_only)")
        db.execute(f"attach '{built}' as old (read_only)")
        tables = db.execute(
            "select schema_name, table_name, exists (select 1 from duckdb_columns() as c where c.database_name = 'old' "
            "and c.schema_name = t.schema_name and c.table_name = t.table_name and c.column_name = 'source') "
            "from duckdb_tables() as t where database_name = 'old' and schema_name in ('marts', 'bi') order by 1, 2"
        ).fetchall()
        names = {name for _, name, _ in tables}
        assert {"mart_trade_scale", "mart_trade_structure", "mart_reconciliation", "mart_claim"} < names
        differing, with_source = [], set()
        for schema, name, has_source in tables:
            others = f" where source <> '{SOURCE}'" if has_source else ""
            rows = {base: f"from {base}.{schema}.{name}{others}" for base in ("new", "old")}
            for left, right in (("new", "old"), ("old", "new")):
                query = f"select count(*) from (({rows[left]}) except all ({rows[right]}))"
                [(count,)] = db.execute(query).fetchall()
                differing += [(name, left, count)] if count else []
            if has_source:
                found = db.execute(f"select count(*) from new.{schema}.{name} where source = '{SOURCE}'")
                with_source |= {name} if found.fetchall() != [(0,)] else set()
        assert differing == []
        facts = db.execute(
            "select table_name from duckdb_tables() where database_name = 'new' and schema_name = 'core' "
            "and table_name like 'fct_%' order by 1"
        ).fetchall()
        counts = {
            name: db.execute(f"select count(*) from new.core.{name} where source = '{SOURCE}'").fetchone()
            for (name,) in facts
        }
    lists = {
        "mart_revision",
        "mart_revision_summary",
        "mart_revision_bias",
        "mart_vintage",
        "revision",
        "revision_summary",
    }
    assert with_source - lists == {"mart_mode_of_supply", "mart_freshness", "freshness"}
    assert (counts.pop("fct_mode_of_supply"), counts.pop("fct_revision")) == ((1344,), (1,))
    assert len(counts) == 5 and set(counts.values()) == {(0,)}


def test_revision_of_a_mode_names_service_flow_and_mode(with_modes: Path) -> None:
    """6601 million became 6600; a figure of a mode has no share of all services."""
    row = record(with_modes, f"select * from marts.mart_revision where source = '{SOURCE}'")
    assert (row["series"], row["previous_value"], row["value"]) == (SERIES, 6601, 6600)
    rows = records(
        with_modes,
        "select vintage, value, share_pct, is_latest from marts.mart_vintage "
        f"where series = '{SERIES}' and period_label = '2017' order by vintage",
    )
    assert [tuple(one.values()) for one in rows] == [
        (FIRST_DAY, 6601, None, False),
        (DAY, 6600, None, True),
    ]


def test_fact_has_doubles_lineage_and_values_as_of_a_day(with_modes: Path) -> None:
    row = record(
        with_modes, f"select * from core.fct_mode_of_supply where {TRANSPORT} and indicator = 'mode_3'"
    )
    assert (row["value_million"], row["value_million_double"]) == (Decimal(1000), 1000.0)
    assert (row["_file"], row["_row"], row["status"]) == ("Tismos_exports.zip", 12, "E")
    counted = "select count(*) as n, sum(value_million) as value from core.{}"
    now = record(with_modes, counted.format("fct_mode_of_supply"))
    assert now["n"] == 1344
    assert record(with_modes, counted.format("mode_of_supply_as_of(date '2026-06-10')")) == now
    first = {"n": 1344, "value": now["value"] + 1}
    assert record(with_modes, counted.format("mode_of_supply_as_of(date '2026-06-09')")) == first
    assert record(with_modes, counted.format("mode_of_supply_as_of(date '2026-06-08')"))["n"] == 0


def test_freshness_has_a_series_for_each_mode(with_modes: Path) -> None:
    rows = records(
        with_modes,
        f"select series, expected_cells, present_cells, status from marts.mart_freshness where source = '{SOURCE}' order by 1",
    )
    assert [tuple(row.values()) for row in rows] == [
        (f"mode_{mode}", 336, 336, "ok") for mode in (1, 2, 3, 4)
    ]


SPOILED: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "spoiled rows": (
        (
            "insert into core.fct_mode_of_supply select * from core.fct_mode_of_supply where reporter = 'NAM' and service = 'SE' and period_label = '2016'",
            "update core.fct_mode_of_supply set _file = null where reporter = 'NAM' and service = 'SF'",
            "insert into core.fct_services_trade select * replace ('wto_tismos' as source, 'mode_1' as indicator) from core.fct_services_trade where reporter = 'CHN' and period_label = '2016' and source = 'safe_bop' and service = 'SC'",
            "insert into marts.mart_mode_of_supply select * from marts.mart_mode_of_supply where reporter = 'NAM' and service = 'SH'",
            "update marts.mart_mode_of_supply set mode_1_million = 7 where reporter = 'USA' and service = 'SC'",
            "update marts.mart_mode_of_supply set mode_3_share_pct = 60 where reporter = 'USA' and service = 'SI'",
            "update marts.mart_mode_of_supply set bop_million = 2 * bop_million where reporter = 'CHN' and service = 'SC'",
        ),
        {
            "core.fct_mode_of_supply: key is unique": "wto_tismos, NAM, SE, mode_1, exports, 2016, USD occurs 2 times",
            "core.fct_mode_of_supply: every row has a figure and its lineage": "wto_tismos, NAM, 2016 has no value_million, file or row",
            "core.fct_mode_of_supply: no mode is a figure of services trade": "wto_tismos, CHN, SC, 2016 is in fct_services_trade as mode_1",
            "marts.mart_mode_of_supply: keys are unique": "wto_tismos, NAM, SH, exports, 2016 occurs 2 times",
            "marts.mart_mode_of_supply: figures are those of core": "wto_tismos, USA, SC, 2016 exports, mode_1: core 12000",
            "marts.mart_mode_of_supply: shares add up": "wto_tismos, USA, SI, 2016 exports: the shares of the modes add up to ",
            "marts.mart_mode_of_supply: figures of the balance of payments are those of core": "wto_tismos, CHN, SC, 2016 exports: bop_million is ",
        },
    ),
    "cut short, in thousands": (
        (
            "delete from core.fct_mode_of_supply where period_label = '2017'",
            "update core.fct_mode_of_supply set value_million = 1000 * value_million",
        ),
        {
            "core.fct_mode_of_supply: no source lost rows": "wto_tismos has 672 rows, the current release has 1344",
            "core.fct_mode_of_supply: no source's newest period goes back": "wto_tismos, A: the newest period ends 2016-12-31, in the current release 2017-12-31",
            "core.fct_mode_of_supply: no source shifted as a whole": "wto_tismos, A, exports, USD: the median of",
        },
    ),
    "three modes in another layout": (
        (
            "delete from core.fct_mode_of_supply where flow = 'imports' and indicator = 'mode_4'",
            "alter table core.fct_mode_of_supply rename column status to state",
        ),
        {
            "core.fct_mode_of_supply: each flow has its four modes": "wto_tismos, imports has 3 modes",
            "core.fct_mode_of_supply: columns are as expected": "'state', expected 'status'",
        },
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_bad_release_is_rejected_by_name(name: str, with_modes: Path, tmp_path: Path) -> None:
    statements, findings = SPOILED[name]
    build = spoil(with_modes, statements, tmp_path)
    verdict = validate_release(build, with_modes, EXPECTATIONS_DIR, None, tmp_path / "work")
    failed: dict[str, Any] = {
        f"{f.table}: {f.expectation}": f.detail for f in verdict.findings if not f.success
    }
    for expectation, expected_text in findings.items():
        assert expected_text in failed.get(expectation, ""), f"{expectation}: {failed.get(expectation)}"


def test_every_expectation_of_both_suites_has_a_payload() -> None:
    suites = [
        EXPECTATIONS_DIR / f"{name}.yml" for name in ("core.fct_mode_of_supply", "marts.mart_mode_of_supply")
    ]
    written = {
        f"{path.stem}: {line.removeprefix('  - name: ')}"
        for path in suites
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("  - name: ")
    }
    assert written == {name for _, findings in SPOILED.values() for name in findings}
