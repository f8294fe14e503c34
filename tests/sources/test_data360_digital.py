"""Data360's digitally deliverable services: the recorded file, and bad rows."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.config import SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.model import raw_schema
from warehouse.sources import data360_digital
from warehouse.sources.data360_digital import (
    FILE,
    FIXED_VALUES,
    HEADER,
    IGNORED_INDICATORS,
    INDICATORS,
    LOADED,
)

SOURCE = data360_digital.SOURCE
SAMPLE = SAMPLE_DIR / "night-2" / "data360files.worldbank.org" / "data360-data" / "data" / "UNCTAD_DE" / FILE
ROWS = (Path(__file__).parents[1] / "fixtures" / SOURCE.name / "rows.csv").read_bytes()


def read(path: Path, work: Path) -> list[dict[str, object]]:
    batches = list(SOURCE.read({FILE: path}, work))
    assert all(batch.schema == raw_schema(SOURCE.columns) for batch in batches)
    return pa.Table.from_batches(batches).to_pylist()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    return read(SAMPLE, tmp_path_factory.mktemp("whole"))


def test_two_indicators_are_read_and_the_others_are_declared_ignored(whole: list[dict[str, object]]) -> None:
    with SAMPLE.open(encoding="utf-8", newline="") as handle:
        sent = list(csv.DictReader(handle))
    assert tuple(sent[0]) == HEADER
    assert len(sent) == 8156  # wc -l, minus the header
    expected = [(row, line) for row, line in enumerate(sent, start=2) if "SERVTRADE" in line["INDICATOR"]]
    assert len(expected) == 2842 + 2879 == len(whole)
    assert [row["_row"] for row in whole] == [row for row, _ in expected]
    for column, name in LOADED.items():
        assert [row[name] or "" for row in whole] == [line[column] for _, line in expected], column
    assert {line["INDICATOR"] for line in sent} == {*INDICATORS, *IGNORED_INDICATORS}
    assert len(IGNORED_INDICATORS) == 12


def test_figures_are_the_text_of_the_publisher(whole: list[dict[str, object]]) -> None:
    # grep ',CHN,.*SERVTRADE.*,2020,' UNCTAD_DE.csv; the same for WLD
    found = {
        (str(row["indicator"])[-3:], row["ref_area"]): (row["obs_value"], row["_row"])
        for row in whole
        if row["time_period"] == "2020"
    }
    assert found["EXP", "CHN"] == ("151509.0", 572)
    assert found["IMP", "CHN"] == ("134792.0", 3414)
    assert found["EXP", "WLD"][0] == "3324128.0"
    assert found["IMP", "WLD"][0] == "2973808.0"
    assert {row["unit_mult"] for row in whole} == {"6"}


def test_missing_values_stay_rows_with_status(whole: list[dict[str, object]]) -> None:
    missing = [row for row in whole if row["obs_value"] is None]
    assert len(missing) == 465  # grep -c ',O,Missing value,'
    assert {(row["obs_status"], row["obs_status_label"]) for row in missing} == {("O", "Missing value")}
    assert {row["obs_status"] for row in whole if row["obs_value"] is not None} == {"A"}


def test_groups_namibia_and_commas_are_kept(whole: list[dict[str, object]]) -> None:
    labels = {row["ref_area"]: row["ref_area_label"] for row in whole}
    assert labels["BHS"] == "Bahamas, The"
    assert labels["NAM"] == "Namibia"
    assert {"WLD", "SSF", "XKX"} < set(labels)


@pytest.mark.parametrize(
    ("sent", "meant", "reason"),
    [
        (b"UNCTAD_DE_DIG_SERVTRADE_ANN_EXP", b"UNCTAD_DE_DIG_X", "an unknown indicator in column INDICATOR"),
        (b"SERVTRADE_ANN_EXP", b"SERVTRADE_QTR_EXP", "'UNCTAD_DE_DIG_SERVTRADE_QTR_EXP'"),
        (b",_T,Total,_T,", b",F,Female,_T,", "not '_T' in column SEX: 'F'"),
        (b"_T,Total,USD", b"_U,Urban,USD", "not '_T' in column URBANISATION: '_U'"),
        (b"US dollars,_Z,", b"US dollars,SF,", "not '_Z' in column COMP_BREAKDOWN_1: 'SF'"),
        (b",I,A,Annual", b",I,Q,Quarterly", "not 'A' in column FREQ: 'Q'"),
        (b",I,A,", b",D,A,", "not 'I' in column ACTION: 'D'"),
        (b",SUM,Sum,", b",MEAN,Mean,", "not 'SUM' in column AGG_METHOD: 'MEAN'"),
        (b"DS_DATA360(1.2)", b"DS_OTHER(1.2)", "an unknown structure in column STRUCTURE_ID"),
        (b",1835732.0,", b",1.8e6,", "not a plain decimal number in column OBS_VALUE: '1.8e6'"),
        (b",2010,1835732.0", b",2010-Q1,1835732.0", "not a year of four digits in column TIME_PERIOD"),
        (b",WLD,World,", b",,World,", "a value is missing in column REF_AREA"),
        (b",6,Millions,", b",,Millions,", "a value is missing in column UNIT_MULT"),
        (b"OBS_CONF_LABEL", b"OBS_NOTE", "missing 'OBS_CONF_LABEL'; unknown 'OBS_NOTE'"),
        (b",PU,Public\n", b",PU,Public,\n", "has 40 values, expected 39"),
    ],
)
def test_unexpected_content_is_rejected(sent: bytes, meant: bytes, reason: str, tmp_path: Path) -> None:
    assert sent in ROWS
    (tmp_path / FILE).write_bytes(ROWS.replace(sent, meant, 1))
    with pytest.raises(SourceError) as caught:
        read(tmp_path / FILE, tmp_path)
    assert reason in str(caught.value)
    assert caught.value.row in (1, 2)


def test_every_column_of_the_file_is_declared() -> None:
    """Each column is kept, expected constant, a label of such a column or of the unit, or structural."""
    labels = {f"{name}_LABEL" for name in (*FIXED_VALUES, "UNIT_MEASURE", "UNIT_MULT")}
    assert len(HEADER) == len(set(HEADER)) == 39
    assert set(HEADER) - set(LOADED) - set(FIXED_VALUES) - labels == {"STRUCTURE_ID"}


def test_plan_requests_one_file_and_reader_rejects_others(tmp_path: Path) -> None:
    [request] = list(SOURCE.plan())
    assert request.address == ("https://data360files.worldbank.org/data360-data/data/UNCTAD_DE/UNCTAD_DE.csv")
    with pytest.raises(SourceError, match="expected the one file"):
        list(SOURCE.read({"other.csv": SAMPLE}, tmp_path))
