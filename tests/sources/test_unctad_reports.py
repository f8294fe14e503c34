"""UNCTAD's reports without a recording, on made-up files of the evidenced form."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import py7zr
import pyarrow as pa
import pytest
from recordings import UNCTAD_REPORTS

from warehouse.errors import SourceError
from warehouse.model import Request
from warehouse.sources import SOURCES, unctad_services_quarterly

FIXTURES = Path(__file__).parents[1] / "fixtures"
# As the evidence shows them, before the measure: typed from the clients that each module names.
HEADERS = {
    "unctad_digital": "Year,Economy,Economy Label,Flow,Flow Label,Category,Category Label",
    "unctad_exchange_rates": "Year,Economy,Economy Label,ForeignEconomy,ForeignEconomy Label",
    "unctad_gdp": "Year,Economy,Economy Label",
    "unctad_population": "Year,Economy,Economy Label",
    "unctad_services_annualized": "Year,Economy,Economy Label,Flow,Flow Label,Category,Category Label",
    "unctad_services_by_partner": (
        "Year,Economy,Economy Label,Partner,Partner Label,Flow,Flow Label,Category,Category Label"
    ),
    "unctad_services_quarterly": (
        "Period,Period Label,Economy,Economy Label,Flow,Flow Label,Category,Category Label"
    ),
}
MEASURES = {
    "unctad_digital": "US$ at current prices in millions",
    "unctad_exchange_rates": "National currency at current prices",
    "unctad_gdp": "US$ at current prices in millions",
    "unctad_population": "Absolute value in thousands",
    "unctad_services_annualized": "US$ at current prices in millions",
    "unctad_services_by_partner": "US$ at current prices in millions",
    "unctad_services_quarterly": "US$ at current prices in millions",
}
# The raw columns that follow the measure's three: the value of a further measure each.
FURTHER = {"unctad_digital": {"share_of_digital_pct": "Percentage of total digitally deliverable services"}}


def request_of(name: str) -> Request:
    (request,) = SOURCES[name].plan()
    assert isinstance(request, Request)
    return request


def rows(name: str, archive: Path, work: Path) -> list[dict[str, object]]:
    batches = list(SOURCES[name].read({request_of(name).name: archive}, work))
    return pa.Table.from_batches(batches).to_pylist()


def packed(text: str, path: Path) -> Path:
    with py7zr.SevenZipFile(path, "w") as made:
        made.writestr(text.encode(), "table.csv")
    return path


@pytest.mark.parametrize("name", UNCTAD_REPORTS)
def test_every_row_of_the_fixture_is_read_as_text(name: str, tmp_path: Path) -> None:
    request = request_of(name)
    table = SOURCES[name].table
    assert request.address == (
        f"https://unctadstat-api.unctad.org/bulkdownload/{table}/{table.replace('.', '_')}"
    )
    archive = FIXTURES / name / request.name
    (tmp_path / "hand").mkdir()
    with py7zr.SevenZipFile(archive) as opened:
        opened.extractall(tmp_path / "hand")
    [path] = (tmp_path / "hand").iterdir()
    header, *expected = csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
    dimensions = HEADERS[name].split(",")
    assert header[: len(dimensions) + 1] == [*dimensions, MEASURES[name]]
    got = rows(name, archive, tmp_path)
    columns = SOURCES[name].columns
    further = FURTHER.get(name, {})
    assert columns[len(dimensions) + 3 :] == tuple(further)
    picked = [*range(len(dimensions) + 3), *(header.index(measure) for measure in further.values())]
    assert [[row[column] or "" for column in columns] for row in got] == [
        [row[place] for place in picked] for row in expected
    ]


@pytest.mark.parametrize("period", ["2024Q01", "2024Q1", "2024-Q1"])
def test_quarters_are_read_in_each_form(period: str, tmp_path: Path) -> None:
    [row] = rows("unctad_services_quarterly", quarter_file(period, tmp_path), tmp_path)
    assert (row["period"], row["period_label"], row["value"]) == (period, "Q1 2024", "5.5")


@pytest.mark.parametrize("period", ["2024", "2024Q5", "2024Q001", "2024M01", "Q1 2024", "2024Q1\n"])
def test_another_form_of_a_quarter_is_rejected(period: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a quarter such as 2024Q01 in column period") as caught:
        rows("unctad_services_quarterly", quarter_file(period, tmp_path), tmp_path)
    assert caught.value.row == 2


def quarter_file(period: str, folder: Path) -> Path:
    measure = MEASURES["unctad_services_quarterly"]
    header = f"{HEADERS['unctad_services_quarterly']},{measure},{measure} Footnote,{measure} Missing value"
    return packed(f'{header}\r\n"{period}",Q1 2024,156,China,02,Exports,S,Total,5.5,,\r\n', folder / "a.7z")


def test_seasonally_adjusted_amounts_are_not_read() -> None:
    """They have the unit of the measure that is read, and another meaning."""
    contract = unctad_services_quarterly.SOURCE.contract
    assert contract is not None
    assert "US$ at current prices, seasonally adjusted, in millions" in contract.ignored
    assert not [name for name in (*contract.read, *contract.spellings) if "adjusted" in name]
