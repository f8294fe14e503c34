"""Eurostat's services with China: the request names its dimensions, and another table or code is rejected.

The fixture is made up, in the form in which Eurostat answers for other tables.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sdmx_answers import answer_of, rows_of

from warehouse.errors import SourceError
from warehouse.model import first_request
from warehouse.sources import eurostat_bop

SOURCE = eurostat_bop.SOURCE
ANSWER = answer_of(SOURCE)


@pytest.fixture
def text() -> str:
    return ANSWER.read_text(encoding="utf-8")


def test_request_names_each_dimension_and_asks_for_csv() -> None:
    request = first_request(SOURCE.plan())
    assert urlsplit(request.address).path.endswith("/sdmx/3.0/data/dataflow/ESTAT/bop_its6_det/1.0")
    asked = parse_qs(urlsplit(request.address).query)
    assert asked["c[partner]"] == ["CN_X_HK"] and asked["c[currency]"] == ["MIO_EUR"]
    assert asked["c[stk_flow]"] == ["CRE,DEB"]
    assert len(asked["c[geo]"][0].split(",")) == 28, "27 members and the Union"
    assert len(asked["c[bop_item]"][0].split(",")) == 13
    assert (asked["format"], asked["formatVersion"]) == (["csvdata"], ["2.0"])


def test_cells_stay_as_sent(tmp_path: Path, text: str) -> None:
    rows = rows_of(SOURCE, tmp_path, text)
    assert len(rows) == len(text.splitlines()) - 1
    by_cell = {(row["geo"], row["bop_item"], row["stk_flow"], row["time_period"]): row for row in rows}
    greece = by_cell["EL", "SC", "CRE", "2023"]
    assert (greece["obs_value"], greece["obs_flag"], greece["conf_status"]) == ("310.25", "ep", None)
    hidden = by_cell["IE", "SJ", "DEB", "2023"]
    assert (hidden["obs_value"], hidden["obs_flag"], hidden["conf_status"]) == (None, "c", "C")
    assert by_cell["EU27_2020", "S", "CRE", "2022"]["_row"] == 2


def test_answer_of_version_1_reads_alike(tmp_path: Path, text: str) -> None:
    """By SDMX 2.1 Eurostat sends DATAFLOW and LAST UPDATE in front of the same columns."""
    older = text.replace("STRUCTURE,STRUCTURE_ID,", "DATAFLOW,LAST UPDATE,")
    older = older.replace("dataflow,ESTAT:BOP_ITS6_DET(1.0),", "ESTAT:BOP_ITS6_DET(1.0),01/10/26 11:00:00,")
    assert rows_of(SOURCE, tmp_path, older) == rows_of(SOURCE, tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("BOP_ITS6_DET", "BOP_ITS6_TOT", "the rows are not of ESTAT:BOP_ITS6_DET"),
        (",MIO_EUR,", ",MIO_NAC,", "a code that was not requested in column currency: 'MIO_NAC'"),
        (",CN_X_HK,EL,", ",WRL_REST,EL,", "a code that was not requested in column partner: 'WRL_REST'"),
        (",CRE,", ",BAL,", "a code that was not requested in column stk_flow: 'BAL'"),
        (",stk_flow,", ",flow,", "missing 'stk_flow'"),
        (",310.25,", ",310.25 e,", "not a plain decimal number in column obs_value: '310.25 e'"),
        ("OBS_FLAG,CONF_STATUS", "OBS_FLAG,CONF_STATUS,X", "values, expected 13"),
    ],
)
def test_another_answer_is_rejected(tmp_path: Path, text: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        rows_of(SOURCE, tmp_path, text.replace(old, new))


def test_files_of_another_name_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"expected the one file bop_its6_det\.csv, got other\.csv"):
        list(SOURCE.read({"other.csv": ANSWER}, tmp_path))
