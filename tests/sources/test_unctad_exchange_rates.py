"""UNCTAD's exchange rates: both economies of a rate and its figure are read as sent.

No copy of the report is at hand. The fixture is the table of `made_up`, in the form that clients of the
report describe; its rates are made up, near those of their years.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spoiled import failures
from unctad_reports import read_report, require_rejected, write_report

from warehouse.config import PROJECT_ROOT
from warehouse.sources import unctad_exchange_rates

SOURCE, REPORT = unctad_exchange_rates.SOURCE, unctad_exchange_rates.REPORT
ARCHIVE = PROJECT_ROOT / "tests" / "fixtures" / SOURCE.name / REPORT.archive
ECONOMIES = {
    "076": "Brazil",
    "156": "China",
    "276": "Germany",
    "392": "Japan",
    "792": "Türkiye",
    "826": "United Kingdom",
    "842": "United States of America",
}
FIRST_YEAR = 2010
# Units of the economy's currency for a dollar, from 2010 to 2024.
RATES = {
    "076": "1.76 1.67 1.95 2.16 2.35 3.33 3.49 3.19 3.65 3.94 5.16 5.39 5.16 4.99 5.39",
    "156": "6.77 6.46 6.31 6.19 6.14 6.23 6.65 6.76 6.62 6.91 6.89 6.45 6.73 7.08 7.19",
    "276": "0.75 0.72 0.78 0.75 0.76 0.90 0.91 0.89 0.85 0.89 0.88 0.85 0.95 0.92 0.93",
    "392": "87.8 79.8 79.9 97.6 105.9 121.0 108.8 112.2 110.4 109.0 106.8 109.8 131.5 140.5 151.4",
    "792": "1.50 1.67 1.80 1.91 2.19 2.72 3.02 3.65 4.83 5.67 7.01 8.85 16.55 23.74 32.80",
    "826": "0.65 0.62 0.63 0.64 0.61 0.66 0.74 0.78 0.75 0.79 0.78 0.73 0.81 0.81 0.79",
    "842": "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
}


def made_up() -> Iterator[list[str]]:
    """Yield the rows of the fixture; the rates of Brazil in 2024 are not stated."""
    per_dollar = {economy: rates.split() for economy, rates in RATES.items()}
    for place in range(len(per_dollar["842"])):
        for economy in ECONOMIES:
            for foreign in ECONOMIES:
                of_economy, of_foreign = (per_dollar[one][place] for one in (economy, foreign))
                value = f"{float(of_economy) / float(of_foreign):.6f}"
                if foreign == "842":
                    value = of_economy
                is_stated = (economy, FIRST_YEAR + place) != ("076", 2024)
                yield [
                    *(str(FIRST_YEAR + place), economy, ECONOMIES[economy], foreign, ECONOMIES[foreign]),
                    *((value, "", "") if is_stated else ("", "", "Not available")),
                ]


def rows_of(archive: Path, work: Path) -> list[dict[str, str | None]]:
    return pa.Table.from_batches(list(SOURCE.read({REPORT.archive: archive}, work))).to_pylist()


def test_fixture_is_the_table_of_this_module() -> None:
    header, *found = read_report(ARCHIVE)
    assert header[5] == "National currency at current prices"
    assert found == list(made_up())
    assert len(found) == 15 * 7 * 7


def test_rate_is_of_an_economy_and_a_foreign_economy(tmp_path: Path) -> None:
    assert SOURCE.key == ("year", "economy", "foreign_economy")
    rows = rows_of(ARCHIVE, tmp_path)
    found = {(row["year"], row["economy"], row["foreign_economy"]): row for row in rows}
    assert found["2021", "156", "842"]["value"] == "6.45"
    assert found["2021", "156", "842"]["foreign_economy_label"] == "United States of America"
    assert found["2021", "842", "156"]["value"] == "0.155039"
    assert found["2024", "076", "842"]["value"] is None
    assert found["2024", "076", "842"]["missing_value"] == "Not available"


def test_other_spelling_of_the_measure_is_read_and_labels_may_be_absent(tmp_path: Path) -> None:
    notes: list[str] = []

    def note(file: str, detail: str, *, failed_part: str = "") -> None:
        notes.append(f"{file} {detail} {failed_part}")

    archive = write_report(
        tmp_path / REPORT.archive,
        REPORT,
        [["2021", "156", "China", "842", "United States of America", "6.45", "", ""]],
        ("National currency", "Exchange rate national currency"),
        ("ForeignEconomy Label", "Note"),
    )
    [row] = pa.Table.from_batches(list(SOURCE.read({REPORT.archive: archive}, tmp_path, note))).to_pylist()
    assert (row["economy"], row["foreign_economy"], row["value"]) == ("156", "842", "6.45")
    assert row["foreign_economy_label"] is None
    assert [one for one in notes if "no column 'ForeignEconomy Label'" in one]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("ForeignEconomy,", "Partner,", "missing 'ForeignEconomy'"),
        ("National currency at current prices,", "US$ at current prices,", "missing 'National currency at"),
        (",6.45,", ',"6,45",', "not a plain decimal number in column value: '6,45'"),
        ("2021,156,China,842,", "2021,156,China,,", "a value is missing in column foreign_economy"),
        ("2021,156,", "21,156,", "not a year of four digits"),
    ],
)
def test_bad_answer_is_rejected_with_its_reason(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert reason in require_rejected(SOURCE, tmp_path, REPORT, made_up(), (old, new))


def test_any_rate_of_a_later_year_is_accepted(tmp_path: Path) -> None:
    """The direction of the table is that of its past years: no suite knows what a currency will be worth."""
    good = tmp_path / "good.parquet"
    pq.write_table(pa.Table.from_batches(list(SOURCE.read({REPORT.archive: ARCHIVE}, tmp_path))), good)
    later = (
        "insert into rows select * replace ('2025' as year) from rows where year = '2024'",
        "update rows set value = '65.1' where year = '2025' and economy = '392' and foreign_economy = '842'",
        "update rows set value = '1.05' where year = '2025' and economy = '826' and foreign_economy = '842'",
    )
    assert failures(SOURCE, good, tmp_path, *later) == {}
