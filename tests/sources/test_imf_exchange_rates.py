"""The IMF's exchange rates: the key has the evidenced order, and rates are kept as sent.

The rates of Bangladesh, Nepal and Pakistan in the fixture are those that clients of the table saw.
"""

from __future__ import annotations

import csv
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sdmx_answers import answer_of, rows_of

from warehouse.config import PROJECT_ROOT
from warehouse.errors import SourceError
from warehouse.model import first_request
from warehouse.sources import imf_exchange_rates

SOURCE = imf_exchange_rates.SOURCE
ANSWER = answer_of(SOURCE)
EURO_AREA = {"AUT", "BEL", "DEU", "ESP", "FRA", "GRC", "HRV", "IRL", "ITA", "NLD", "PRT"}


@pytest.fixture
def text() -> str:
    return ANSWER.read_text(encoding="utf-8")


def test_request_has_the_key_in_order_and_asks_for_csv_by_its_header() -> None:
    request = first_request(SOURCE.plan())
    assert request.address.startswith("https://api.imf.org/external/sdmx/2.1/data/IMF.STA,ER/")
    countries, indicator, transformation, frequencies = (
        urlsplit(request.address).path.rpartition("/")[2].split(".")
    )
    assert {"CHN", "GBR", "G163"} < set(countries.split("+")) and len(countries.split("+")) == 22
    assert not EURO_AREA & set(countries.split("+"))
    assert (indicator, transformation, frequencies) == ("XDC_USD", "PA_RT", "A+Q+M")
    assert dict(request.headers) == {"Accept": "application/vnd.sdmx.data+csv;version=1.0.0"}


def test_every_requested_economy_has_a_code_and_a_currency() -> None:
    seeds = PROJECT_ROOT / "dbt_project" / "seeds"
    with (seeds / "economy_code.csv").open(encoding="utf-8", newline="") as file:
        economies = {row["code"]: row["economy"] for row in csv.DictReader(file) if row["scheme"] == "imf"}
    with (seeds / "economy_currency.csv").open(encoding="utf-8", newline="") as file:
        currencies = {row["economy"]: row["currency"] for row in csv.DictReader(file)}
    assert {economies[code] for code in imf_exchange_rates.COUNTRIES} == set(currencies)
    assert currencies[economies["G163"]] == "EUR" and not EURO_AREA & set(currencies)


def test_rates_stay_as_sent(tmp_path: Path, text: str) -> None:
    rows = rows_of(SOURCE, tmp_path, text)
    assert len(rows) == 362
    cells = {(row["country"], row["frequency"], row["time_period"]): row["obs_value"] for row in rows}
    assert cells["NPL", "A", "2025"] == "139.12"
    assert (cells["BGD", "M", "2018-M01"], cells["BGD", "M", "2026-M08"]) == ("82.82", "123.10")
    assert (cells["PAK", "M", "2018-M01"], cells["PAK", "M", "2026-M07"]) == ("110.55", "277.90")
    assert {(row["indicator"], row["type_of_transformation"]) for row in rows} == {("XDC_USD", "PA_RT")}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("IMF.STA:ER(4.0.1)", "IMF.STA:EER(4.0.1)", "the rows are not of IMF.STA:ER in column"),
        (",XDC_USD,", ",USD_XDC,", "a code that was not requested in column indicator: 'USD_XDC'"),
        (",PA_RT,", ",EOP_RT,", "a code that was not requested in column type_of_transformation: 'EOP_RT'"),
        (",CHN,", ",DEU,", "a code that was not requested in column country: 'DEU'"),
        (",FREQUENCY,", ",FREQ,", "missing 'FREQUENCY'"),
        (",2018-M01,", ",2018-M13,", "not an SDMX year, quarter or month in column time_period: '2018-M13'"),
    ],
)
def test_another_answer_is_rejected(tmp_path: Path, text: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        rows_of(SOURCE, tmp_path, text.replace(old, new))
