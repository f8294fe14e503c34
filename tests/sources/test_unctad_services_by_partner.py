"""UNCTAD's services by partner: the reader keeps codes and figures as sent.

No copy of the report is at hand. The fixture is the table of `made_up`, in the form that clients of the
report describe: China with the members of BRICS and the 65 Belt and Road economies. Its figures with partners
are made up; those with the world are of UNCTAD's US.TradeServCatTotal.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from unctad_reports import read_report, require_rejected

from warehouse.config import PROJECT_ROOT, SEEDS_DIR
from warehouse.model import Request
from warehouse.sources import unctad_services, unctad_services_by_partner

FIXTURES = PROJECT_ROOT / "tests" / "fixtures"
SOURCE, REPORT = unctad_services_by_partner.SOURCE, unctad_services_by_partner.REPORT
ARCHIVE = FIXTURES / SOURCE.name / REPORT.archive
LABELS = {"01": "Imports", "02": "Exports", "S": "Total services", "SC": "Transport"}
YEARS = range(2015, 2021)


def partners() -> list[tuple[str, str]]:
    """Return the codes and names of the members of BRICS in 2020 and of the 65 Belt and Road economies."""

    def seed(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((SEEDS_DIR / f"{name}.csv").open(encoding="utf-8", newline="")))

    members = {row["economy"] for row in seed("economy_group_member") if row["group_code"] == "BRI65"}
    members |= {"BRA", "IND", "RUS", "ZAF"}
    return sorted((row["m49"], row["name_en"]) for row in seed("economies") if row["economy"] in members)


def made_up() -> Iterator[list[str]]:
    """Yield the rows of the fixture."""

    def row(
        year: int | str,
        economy: str,
        partner: str,
        flow: str,
        value: str,
        *,
        category: str = "S",
        reason: str = "",
    ) -> list[str]:
        label = {"156": "China", "0000": "World", "1400": "Developing economies"} | dict(partners())
        return [
            *(str(year), economy, label[economy], partner, label[partner], flow, LABELS[flow]),
            *(category, LABELS[category], value, "", reason),
        ]

    _, *totals = read_report(FIXTURES / unctad_services.SOURCE.name / unctad_services.REPORT.archive)
    for year, economy, _, flow, _, category, _, value, *_ in totals:
        if economy == "156" and int(year) in YEARS:
            assert category == "S"
            yield row(year, economy, "0000", flow, value)
    for year in YEARS:
        for number, (partner, _) in enumerate(partners()):
            yield row(year, "156", partner, "01", f"{200 + number}.{year % 10}")
            yield row(year, "156", partner, "02", f"{100 + number}.{year % 10}")
    yield row(2020, "156", "1400", "02", "99999")
    yield row(2020, "156", "076", "02", "7.25", category="SC")
    yield row(2020, "076", "156", "02", "1003.5")
    yield row(2020, "076", "156", "01", "", reason="Not available")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str | None]]:
    batches = SOURCE.read({REPORT.archive: ARCHIVE}, tmp_path_factory.mktemp("work"))
    return pa.Table.from_batches(list(batches)).to_pylist()


def test_fixture_is_the_table_of_this_module() -> None:
    header, *found = read_report(ARCHIVE)
    assert header[:9] == [
        *("Year", "Economy", "Economy Label", "Partner", "Partner Label"),
        *("Flow", "Flow Label", "Category", "Category Label"),
    ]
    assert found == list(made_up())
    assert len(found) == 12 + 6 * 2 * len(partners()) + 4
    assert len(partners()) == 67


def test_every_row_is_read_with_its_codes_and_the_text_of_its_figure(
    rows: list[dict[str, str | None]],
) -> None:
    expected = [[text or None for text in row] for row in made_up()]
    assert [[row[column] for column in SOURCE.columns] for row in rows] == expected
    assert SOURCE.key == ("year", "economy", "partner", "flow", "category")
    found = [row for row in rows if (row["economy"], row["year"], row["flow"]) == ("076", "2020", "01")]
    assert [(row["partner"], row["value"], row["missing_value"]) for row in found] == [
        ("156", None, "Not available")
    ]


def test_plan_is_a_request_for_the_address_of_the_report() -> None:
    request = next(SOURCE.plan())
    assert isinstance(request, Request)
    assert request.address == (
        "https://unctadstat-api.unctad.org/bulkdownload/US.TradeServCatByPartner/US_TradeServCatByPartner"
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Partner,Partner Label", "Region,Region Label", "missing 'Partner'"),
        (",076,Brazil,02,Exports,S,", ",,Brazil,02,Exports,S,", "a value is missing in column partner"),
        (",1003.5,", ",1 003.5,", "not a plain decimal number in column value: '1 003.5'"),
    ],
)
def test_bad_answer_is_rejected_with_its_reason(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert reason in require_rejected(SOURCE, tmp_path, REPORT, made_up(), (old, new))
