"""The IMF's balance of payments: the key has the evidenced order, and values are kept in dollars as sent.

China's figures in the fixture are those of SAFE's workbook; the others are made up.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sdmx_answers import answer_of, rows_of

from warehouse.errors import SourceError
from warehouse.model import first_request
from warehouse.sources import imf_bop

SOURCE = imf_bop.SOURCE
ANSWER = answer_of(SOURCE)


@pytest.fixture
def text() -> str:
    return ANSWER.read_text(encoding="utf-8")


def test_request_has_the_key_in_order_and_asks_for_csv_by_its_header() -> None:
    request = first_request(SOURCE.plan())
    assert request.address.startswith("https://api.imf.org/external/sdmx/2.1/data/IMF.STA,BOP/")
    countries, entries, items, unit, frequency = urlsplit(request.address).path.rpartition("/")[2].split(".")
    assert {"CHN", "USA", "DEU"} < set(countries.split("+")) and len(countries.split("+")) == 25
    assert (entries, unit, frequency) == ("CD_T+DB_T", "USD", "Q")
    assert items == "S+SA+SB+SC+SD+SE+SF+SG+SH+SI+SJ+SK+SL"
    assert dict(request.headers) == {"Accept": "application/vnd.sdmx.data+csv;version=1.0.0"}


def test_values_stay_in_dollars_as_sent(tmp_path: Path, text: str) -> None:
    """SAFE's credits of 2023-Q1 are 879.7947754501 in 100 million dollars; SCALE changes nothing."""
    rows = rows_of(SOURCE, tmp_path, text)
    assert len(rows) == 84
    cells = {
        (row["country"], row["bop_accounting_entry"], row["indicator"], row["time_period"]): row
        for row in rows
    }
    china = cells["CHN", "CD_T", "S", "2023-Q1"]
    assert (china["obs_value"], china["unit"], china["frequency"]) == ("87979477545.01", "USD", "Q")
    assert (china["obs_status"], china["status"]) == (None, None)


def test_flag_is_read_under_either_name(tmp_path: Path, text: str) -> None:
    rows = rows_of(
        SOURCE, tmp_path, text.replace("SCALE,PRECISION", "OBS_STATUS,STATUS").replace(",6,6", ",E,")
    )
    assert {(row["obs_status"], row["status"]) for row in rows} == {("E", None)}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("IMF.STA:BOP(21.0.0)", "IMF.STA:BOP_AGG(21.0.0)", "the rows are not of IMF.STA:BOP in column"),
        (",USD,Q,", ",XDC,Q,", "a code that was not requested in column unit: 'XDC'"),
        (",USD,Q,", ",USD,A,", "a code that was not requested in column frequency: 'A'"),
        (",CD_T,", ",NETCD_T,", "a code that was not requested in column bop_accounting_entry: 'NETCD_T'"),
        (",INDICATOR,", ",ITEM,", "missing 'INDICATOR'"),
        (",2023-Q1,", ",2023-Q0,", "not an SDMX year, quarter or month in column time_period: '2023-Q0'"),
    ],
)
def test_another_answer_is_rejected(tmp_path: Path, text: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        rows_of(SOURCE, tmp_path, text.replace(old, new))


def test_answer_without_a_match_is_rejected(tmp_path: Path, text: str) -> None:
    """The IMF answers a key without data with a header and a row of empty values."""
    with pytest.raises(SourceError, match="the row has no value"):
        rows_of(SOURCE, tmp_path, text.splitlines()[0] + "\n,,,,,,,,,\n")
