"""BaTiS by the OECD's SDMX interface: the key has the evidenced order, and the recorded cells stay as sent.

The recorded answer is rebuilt from 120 real cells of the edition of December 2025, see the sample's README.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
from sdmx_answers import answer_of

from warehouse.config import SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.model import first_request, raw_schema
from warehouse.sources import batis_sdmx

SOURCE = batis_sdmx.SOURCE
ANSWER = next((SAMPLE_DIR / "night-2" / "sdmx.oecd.org").rglob("batis.csv"))
START = "OECD.SDD.TPS:DSD_BATIS@DF_BATIS(1.0),"
HEADER = (
    "DATAFLOW,REF_AREA,COUNTERPART_AREA,TRADE_FLOW,SERVICE,FREQ,UNIT_MEASURE,ADJUSTMENT,TIME_PERIOD,"
    "OBS_VALUE,OBS_STATUS"
)


@pytest.fixture
def text() -> str:
    return ANSWER.read_text(encoding="utf-8")


def rows_of(folder: Path, text: str) -> list[dict[str, object]]:
    """Return the rows that the source reads from a text."""
    (folder / "batis.csv").write_text(text, encoding="utf-8")
    batches = list(SOURCE.read({"batis.csv": folder / "batis.csv"}, folder))
    return pa.Table.from_batches(batches, schema=raw_schema(SOURCE.columns)).to_pylist()


def test_request_has_the_evidenced_key() -> None:
    """`CHN.GBR.M.S.SE.A.USD_EXC.B` is the key of an address that a client had an answer from."""
    request = first_request(SOURCE.plan())
    path = urlsplit(request.address).path
    start, key = path.rsplit("/", 1)
    assert start == "/public/rest/v1/data/OECD.SDD.TPS,DSD_BATIS@DF_BATIS,1.0"
    positions = [codes.split("+") for codes in key.split(".")]
    assert len(positions) == 8
    evidenced = ("CHN", "GBR", "M", "S", "SE", "A", "USD_EXC", "B")
    assert all(code in codes for code, codes in zip(evidenced, positions, strict=True))
    assert len(positions[0]) == 25 and set(positions[1]) == {*positions[0], "W"}
    assert set(positions[7]) == {"N", "F", "B"}
    assert parse_qs(urlsplit(request.address).query) == {
        "startPeriod": ["2005"],
        "dimensionAtObservation": ["AllDimensions"],
        "format": ["csvfile"],
    }
    assert len(request.address) < 1000, "a longer address is refused by some servers"


def test_one_answer_has_less_than_a_million_rows() -> None:
    """Two values of each cell and, for the reported one, at most a third of the cells, to 2024."""
    cells = (25 * 26 - 25) * 2 * len(batis_sdmx.SERVICES) * 20
    assert cells == 350_000
    assert cells * (2 + 1 / 3) < 1_000_000


def test_recorded_cells_stay_as_sent(tmp_path: Path, text: str) -> None:
    rows = rows_of(tmp_path, text)
    assert len(rows) == len(text.splitlines()) - 1 == 120
    by_cell = {
        (row["ref_area"], row["counterpart_area"], row["service"], row["time_period"]): row for row in rows
    }
    assert len(by_cell) == 120
    assert {(row["trade_flow"], row["adjustment"], row["obs_status"]) for row in rows} == {("M", "B", "I")}
    construction = by_cell["GBR", "CHN", "SE", "2019"]
    assert Decimal(str(construction["obs_value"])) == Decimal("118.508120")
    assert construction["unit_mult"] is None
    line = text.splitlines()[int(str(construction["_row"])) - 1]
    assert line == f"{START}GBR,CHN,M,SE,A,USD_EXC,B,2019,118.50812,I"
    assert by_cell["CHN", "GBR", "SE", "2019"]["obs_value"] == "54.784679"
    assert by_cell["GBR", "IND", "SJ3", "2024"]["obs_value"] == "4979.295577"


def test_answer_with_all_columns_reads_alike(tmp_path: Path, text: str) -> None:
    """Columns that the copy had lost, and version 2.0, change no value."""
    fuller = text.replace(",SERVICE,", ",PRODUCT_TYPE,SERVICE,").replace(",M,S", ",M,S,S")
    fuller = fuller.replace(",OBS_STATUS", ",OBS_STATUS,UNIT_MULT,DECIMALS").replace(",I\n", ",I,6,2\n")
    expected = [{**row, "unit_mult": "6"} for row in rows_of(tmp_path, text)]
    assert rows_of(tmp_path, fuller) == expected
    newer = fuller.replace("DATAFLOW,", "STRUCTURE,STRUCTURE_ID,ACTION,")
    newer = newer.replace(START, f"dataflow,{START}I,")
    assert rows_of(tmp_path, newer) == expected


def test_three_kinds_of_value_of_a_cell_are_three_rows(tmp_path: Path) -> None:
    """The fixture has the columns in another order, and further ones; the key has `ADJUSTMENT`."""
    rows = rows_of(tmp_path, answer_of(SOURCE).read_text(encoding="utf-8"))
    assert len(rows) == len({tuple(row[name] for name in SOURCE.key) for row in rows}) == 51
    assert {
        row["adjustment"]: (row["obs_value"], row["obs_status"], row["unit_mult"])
        for row in rows
        if (row["counterpart_area"], row["service"], row["time_period"]) == ("CHN", "SE", "2019")
    } == {
        "N": ("52.3", None, "6"),
        "F": ("40.192543", None, "6"),
        "B": ("118.50812", "I", "6"),
    }


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("DSD_BATIS@DF_BATIS", "DSD_BIMTS@DF_BIMTS", "the rows are not of OECD.SDD.TPS:DSD_BATIS@DF_BATIS"),
        (",GBR,IND,", ",GBR,WXD,", "a code that was not requested in column counterpart_area: 'WXD'"),
        (",USD_EXC,", ",USD_PPP,", "a code that was not requested in column unit_measure: 'USD_PPP'"),
        (",B,2019,", ",B_ADJ,2019,", "a code that was not requested in column adjustment: 'B_ADJ'"),
        (",A,USD", ",Q,USD", "a code that was not requested in column freq: 'Q'"),
        (",118.50812,", ',"118,50812",', "not a plain decimal number in column obs_value: '118,50812'"),
        (",2019,", ",2019-S1,", "not an SDMX year, quarter or month in column time_period: '2019-S1'"),
        (",ADJUSTMENT,", ",VALUATION,", "missing 'ADJUSTMENT'"),
    ],
)
def test_another_answer_is_rejected(tmp_path: Path, text: str, old: str, new: str, reason: str) -> None:
    assert old in text
    with pytest.raises(SourceError, match=reason):
        rows_of(tmp_path, text.replace(old, new))


def test_recorded_answer_is_that_of_the_raw_rows(text: str) -> None:
    """The header is that of the interface, and each row has eight codes, a year, a value and a flag."""
    header, *lines = text.splitlines()
    assert header == HEADER
    assert all(line.startswith(START) and line.count(",") == HEADER.count(",") for line in lines)
