"""UNCTAD's digitally deliverable services: codes, figures and shares are read as sent.

No copy of the report is at hand. The fixture is the table of `made_up`, in the form that clients of the
report describe; its codes of categories and its figures are made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from unctad_reports import read_report, require_rejected

from warehouse.config import PROJECT_ROOT
from warehouse.sources import unctad_digital

SOURCE, REPORT = unctad_digital.SOURCE, unctad_digital.REPORT
ARCHIVE = PROJECT_ROOT / "tests" / "fixtures" / SOURCE.name / REPORT.archive
ECONOMIES = {"0000": "World", "076": "Brazil", "156": "China", "356": "India", "1400": "Developing economies"}
FLOWS = {"01": "Imports", "02": "Exports"}
# The code of the total is made up; those of its parts are EBOPS 2010 codes.
TOTAL, PARTS = "XDIG", ("SF", "SI", "SJ")
LABELS = {
    TOTAL: "Digitally deliverable services",
    "SF": "Insurance and pension services",
    "SI": "Telecommunications, computer, and information services",
    "SJ": "Other business services",
}


def amounts(year: int, economy: str, flow: str) -> tuple[float, float, float]:
    """Return the amounts of the three parts, in millions of US dollars."""
    at_home = {"076": 0.1, "156": 1.0, "356": 0.8, "1400": 2.0}
    if economy == "0000":
        parts = [amounts(year, one, flow) for one in ("076", "156", "356")]
        return tuple(round(1.05 * sum(one), 1) for one in zip(*parts, strict=True))  # type: ignore[return-value]
    scale = at_home[economy] * (1 + 0.05 * (year - 2015)) * (0.9 if flow == "01" else 1.0)
    return round(20_000 * scale, 1), round(30_000 * scale, 1), round(40_000 * scale, 1)


def made_up() -> Iterator[list[str]]:
    """Yield the rows of the fixture."""

    def row(year: int, economy: str, flow: str, category: str, *figures: str) -> list[str]:
        value, reason, share, share_reason = figures
        return [
            *(str(year), economy, ECONOMIES[economy], flow, FLOWS[flow], category, LABELS[category]),
            *(value, "", reason, share, "", share_reason),
        ]

    for year in range(2015, 2025):
        for economy in ECONOMIES:
            for flow in FLOWS:
                parts = dict(zip(PARTS, amounts(year, economy, flow), strict=True))
                if (year, economy) == (2024, "076"):  # one service is the whole, and a flow is not stated
                    parts = {"SI": 1003.5} if flow == "02" else {}
                whole = round(sum(parts.values()), 1)
                if parts:
                    yield row(year, economy, flow, TOTAL, str(whole), "", "100", "")
                else:
                    yield row(year, economy, flow, TOTAL, "", "Not available", "", "Not available")
                for part, amount in parts.items():
                    share = f"{100 * amount / whole:.4f}"
                    yield row(year, economy, flow, part, str(amount), "", share, "")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str | None]]:
    batches = SOURCE.read({REPORT.archive: ARCHIVE}, tmp_path_factory.mktemp("work"))
    return pa.Table.from_batches(list(batches)).to_pylist()


def test_fixture_is_the_table_of_this_module() -> None:
    header, *found = read_report(ARCHIVE)
    assert header[10] == "Percentage of total digitally deliverable services"
    assert found == list(made_up())
    assert len(found) == 10 * 5 * 2 * 4 - 5


def test_share_of_each_category_is_read_beside_its_amount(rows: list[dict[str, str | None]]) -> None:
    assert SOURCE.key == ("year", "economy", "flow", "category")
    found = {
        (row["year"], row["category"]): (row["value"], row["share_of_digital_pct"])
        for row in rows
        if (row["economy"], row["flow"]) == ("076", "02")
    }
    assert found["2024", TOTAL] == ("1003.5", "100")
    assert found["2024", "SI"] == ("1003.5", "100.0000")
    assert found["2015", "SF"] == ("2000.0", "22.2222")
    [empty] = [row for row in rows if row["missing_value"]]
    assert (empty["economy"], empty["value"], empty["share_of_digital_pct"]) == ("076", None, None)


def test_other_measures_and_the_notes_of_shares_are_no_drift(tmp_path: Path) -> None:
    notes: list[str] = []

    def note(file: str, detail: str, *, failed_part: str = "") -> None:
        notes.append(f"{file} {detail} {failed_part}")

    list(SOURCE.read({REPORT.archive: ARCHIVE}, tmp_path, note))
    assert notes == []
    assert SOURCE.contract is not None
    assert "Percentage change (year-on-year) Footnote" in SOURCE.contract.ignored
    assert "Percentage of total digitally deliverable services" not in SOURCE.contract.ignored


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Category,Category Label", "Service,Service Label", "missing 'Category'"),
        (
            "Percentage of total digitally deliverable services,",
            "Share of services,",
            "missing 'Percentage of total digitally deliverable services'",
        ),
        (",22.2222,", ',"22,2222",', "not a plain decimal number in column share_of_digital_pct: '22,2222'"),
        (",02,Exports,XDIG,", ",02,Exports,,", "a value is missing in column category"),
    ],
)
def test_bad_answer_is_rejected_with_its_reason(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert reason in require_rejected(SOURCE, tmp_path, REPORT, made_up(), (old, new))
