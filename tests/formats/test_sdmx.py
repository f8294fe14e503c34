"""SDMX-CSV of both versions: a publisher's figures are kept, and other tables and forms are rejected."""
# ruff: noqa: E501 (answers and reasons: a line each)

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.errors import SourceError
from warehouse.formats.sdmx import read_sdmx_csv
from warehouse.model import Contract, no_note

OECD = Path(__file__).parents[1] / "fixtures" / "sdmx" / "oecd_batis.csv"
BATIS = Contract(
    read={
        "REF_AREA": "reporter",
        "COUNTERPART_AREA": "partner",
        "SERVICE": "item",
        "TIME_PERIOD": "time_period",
        "OBS_VALUE": "obs_value",
        "OBS_STATUS": "obs_status",
    },
    optional=("OBS_STATUS",),
)
GDP = Contract(
    read={
        "FREQ": "freq",
        "COUNTRY": "country",
        "TIME_PERIOD": "period",
        "OBS_VALUE": "value",
        "SCALE": "scale",
    },
    optional=("SCALE",),
)
HEADER_1 = "DATAFLOW,FREQ,COUNTRY,TIME_PERIOD,OBS_VALUE"
HEADER_2 = "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,COUNTRY,TIME_PERIOD,OBS_VALUE"


def read(
    path: Path, text: str, contract: Contract = GDP, flow: str = "IMF.STA:QNEA", note: object = no_note
) -> list[dict[str, object]]:
    (path / "answer.csv").write_text(text, encoding="utf-8")
    batches = read_sdmx_csv(
        path / "answer.csv",
        contract,
        source="test",
        file="answer.csv",
        flow=flow,
        note=note,  # type: ignore[arg-type]
    )
    return pa.Table.from_batches(list(batches)).to_pylist()


def test_figures_of_the_oecd_are_kept_in_their_digits(tmp_path: Path) -> None:
    """The expected figures are those of the file: 67.054957 in 2015, 47.36831 in 2022."""
    lines = OECD.read_text(encoding="utf-8").splitlines()
    flow = '"OECD.SDD.TPS:DSD_BATIS@DF_BATIS(1.0)"'
    text = "\n".join([f"DATAFLOW,{lines[0]}", *(f"{flow},{line}" for line in lines[1:])]) + "\n"
    notes: list[str] = []
    rows = read(
        tmp_path,
        text,
        BATIS,
        "OECD.SDD.TPS:DSD_BATIS@DF_BATIS",
        lambda file, detail, *, failed_part="": notes.append(detail),
    )
    assert len(rows) == 10
    values = {row["time_period"]: row["obs_value"] for row in rows}
    assert (values["2015"], values["2022"]) == ("67.054957", "47.36831")
    assert rows[0] == {
        "reporter": "CHN",
        "partner": "GBR",
        "item": "SE",
        "time_period": "2015",
        "obs_value": "67.054957",
        "obs_status": "I",
        "_file": "answer.csv",
        "_row": 2,
    }
    assert "version 1.0 of OECD.SDD.TPS:DSD_BATIS@DF_BATIS" in notes
    assert "further column 'corridor'" in notes


def test_both_versions_read_alike(tmp_path: Path) -> None:
    one = read(tmp_path, f"{HEADER_1}\nIMF.STA:QNEA(7.0.0),Q,USA,2020-Q1,21538032000000\n")
    two = read(tmp_path, f"{HEADER_2}\ndataflow,IMF.STA:QNEA(7.0.0),R,Q,USA,2020-Q1,21538032000000\n")
    assert one == two
    assert one[0] == {
        "freq": "Q",
        "country": "USA",
        "period": "2020-Q1",
        "value": "21538032000000",
        "scale": None,
        "_file": "answer.csv",
        "_row": 2,
    }


def test_columns_have_any_order_and_2_0_needs_no_action(tmp_path: Path) -> None:
    text = "STRUCTURE[;],STRUCTURE_ID,OBS_VALUE,SCALE,TIME_PERIOD,COUNTRY,FREQ\nDATAFLOW,imf.sta:qnea(8.0),-1.5,6,2024,CHN,A\n"
    [row] = read(tmp_path, text)
    assert (row["country"], row["freq"], row["period"], row["value"], row["scale"]) == (
        "CHN",
        "A",
        "2024",
        "-1.5",
        "6",
    )


def test_codes_are_read_from_columns_with_labels(tmp_path: Path) -> None:
    """The form of the Bank for International Settlements; a label may contain a colon and a comma."""
    text = (
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ: Frequency,COUNTRY:Country,TIME_PERIOD:Time period or range,OBS_VALUE:Value\n"
        'dataflow,IMF.STA:QNEA(7.0.0): Quarterly accounts,I: Information,M: Monthly,"CHN: China, P.R.: Mainland",2024-03,11.75\n'
    )
    [row] = read(tmp_path, text)
    assert (row["freq"], row["country"], row["period"], row["value"]) == ("M", "CHN", "2024-03", "11.75")


def test_a_text_with_a_colon_stays_in_a_column_without_labels(tmp_path: Path) -> None:
    text = f"{HEADER_1},SCALE\nIMF.STA:QNEA(1),A,USA,2024,1,6: millions\n"
    assert read(tmp_path, text)[0]["scale"] == "6: millions"


@pytest.mark.parametrize("period", ["2024", "2024-Q4", "2024-01", "2024-M12"])
@pytest.mark.parametrize("value", ["", "NaN", "#N/A", ":", "5.90E-07", "-3"])
def test_periods_and_values_stay_as_sent(tmp_path: Path, period: str, value: str) -> None:
    [row] = read(tmp_path, f"{HEADER_1}\nIMF.STA:QNEA(1),A,USA,{period},{value}\n")
    assert (row["period"], row["value"]) == (period, value or None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FREQ,COUNTRY,TIME_PERIOD,OBS_VALUE\nA,USA,2024,1\n", "SDMX-CSV begins with DATAFLOW or with STRUCTURE"),
        (f"{HEADER_1}\nIMF.STA:BOP(21.0.0),A,USA,2024,1\n", "not of IMF.STA:QNEA in column sdmx#table: 'IMF.STA:BOP"),
        (f"{HEADER_1}\nIMF.STA:QNEA(1),A,USA,2023,1\n,A,USA,2024,1\n", "not of IMF.STA:QNEA in column sdmx#table: .*empty"),
        (f"{HEADER_2}\ndatastructure,IMF.STA:QNEA(1),I,A,USA,2024,1\n", "not of a dataflow in column sdmx#kind"),
        (f"{HEADER_2}\ndataflow,IMF.STA:QNEA(1),I,A,USA,2023,1\ndataflow,IMF.STA:QNEA(1),D,A,USA,2024,1\n", "state figures in column sdmx#action: 'D'"),
        (f"{HEADER_1}\nIMF.STA:QNEA(1),A,USA,2024-W01,1\n", "not an SDMX year, quarter or month in column period: '2024-W01'"),
        (f"{HEADER_1}\nIMF.STA:QNEA(1),A,USA,2024-Q5,1\n", "not an SDMX year, quarter or month"),
        (f"{HEADER_1}\nIMF.STA:QNEA(1),A,USA,2024,\"1,5\"\n", "not a plain decimal number in column value: '1,5'"),
        (f"{HEADER_1}\nIMF.STA:QNEA(1),A,,2024,1\n", "a value is missing in column country"),
        ("DATAFLOW,FREQ,TIME_PERIOD,OBS_VALUE\nIMF.STA:QNEA(1),A,2024,1\n", "missing 'COUNTRY'"),
        ("<html>\n", "an HTML or XML page"),
        (f"{HEADER_1}\n,,,,\n", "the row has no value"),
    ],
)  # fmt: skip
def test_another_table_or_form_is_rejected(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read(tmp_path, text)
