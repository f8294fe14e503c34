"""UNCTAD's digitally deliverable services in the marts, beside those that Data360 republishes.

The build has the recorded files of Data360 and of UNCTAD's services, and the fixture of `unctad_digital`: its
total of each economy, and no part, is a figure of the group.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from cases import case, edits
from test_marts import close, record, records, unctad
from unctad_reports import read_report

from warehouse.config import PROJECT_ROOT

DAY = "2026-11-01"
ARCHIVE = PROJECT_ROOT / "tests" / "fixtures" / "unctad_digital" / "US_DigitallyDeliverableServices.csv.7z"
TOTAL = "XDIG"
OF_CHINA = "reporter = 'CHN' and period_label = '2020' and group_service = 'DDS'"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built_of_digital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a build of two recorded sources, and of the fixture."""
    home = tmp_path_factory.mktemp("digital") / "home"
    recorded = ("data360_digital", "unctad_services")
    return case.build_beside(home, recorded, "unctad_digital", edits.fixture("unctad_digital")({}), DAY)


def sent(category: str, year: str, economy: str, flow: str) -> Fraction:
    """Return a value of the fixture, in millions of US dollars."""
    header, *rows = read_report(ARCHIVE)
    place = header.index("US$ at current prices in millions")
    (value,) = [
        row[place] for row in rows if (row[0], row[1], row[3], row[5]) == (year, economy, flow, category)
    ]
    return Fraction(value)


def test_totals_are_facts_and_parts_stay_in_raw(built_of_digital: Path) -> None:
    facts = records(
        built_of_digital,
        "select service, reporter, count(*) as n from core.fct_services_trade"
        " where source = 'unctad_digital' group by all order by all",
    )
    # ten years and two flows of three economies and the world; Brazil's imports of 2024 are not stated
    assert [(row["service"], row["reporter"], row["n"]) for row in facts] == [
        ("DDS", "BRA", 19),
        ("DDS", "CHN", 20),
        ("DDS", "IND", 20),
        ("DDS", "WLD", 20),
    ]
    amount = record(
        built_of_digital,
        "select value_million from core.fct_services_trade where source = 'unctad_digital'"
        " and reporter = 'BRA' and period_label = '2024' and flow = 'exports'",
    )
    assert float(amount["value_million"]) == 1003.5 == sent(TOTAL, "2024", "076", "02")
    held = records(built_of_digital, "select * from core.held_row where source = 'unctad_digital'")
    assert held == []


def test_both_tables_are_beside_each_other_in_mart_digital_trade(built_of_digital: Path) -> None:
    rows = records(
        built_of_digital,
        f"select * from marts.mart_digital_trade where {OF_CHINA} and flow = 'exports' order by source",
    )
    assert [row["source"] for row in rows] == ["data360_digital", "unctad_digital"]
    exports, services = sent(TOTAL, "2020", "156", "02"), unctad("US_TradeServCatTotal")["156", "2020"]
    row = rows[1]
    assert close(row["value_million"], exports)
    assert row["is_published"] is True
    assert row["services_source"] == "unctad_services"
    assert close(row["share_of_services_pct"], 100 * exports / services.exports)
    assert close(row["world_share_pct"], 100 * exports / sent(TOTAL, "2020", "0000", "02"))
    assert close(row["growth_pct"], 100 * (exports / sent(TOTAL, "2019", "156", "02") - 1))
    assert rows[0]["value_million"] == 151509


def test_publisher_goes_before_its_republication_in_bi_digital(built_of_digital: Path) -> None:
    found = records(
        built_of_digital,
        "select period_label, source from bi.digital"
        " where reporter = 'CHN' and flow = 'exports' and period_label in ('2014', '2020') order by 1",
    )
    assert [tuple(row.values()) for row in found] == [("2014", "data360_digital"), ("2020", "unctad_digital")]
