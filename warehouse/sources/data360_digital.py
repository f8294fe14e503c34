"""World Bank Data360: international trade in digitally deliverable services (UNCTAD), annual, from 2010.

The format: SDMX-CSV with label columns, 39 columns, UTF-8. Areas are ISO alpha-3 with the world (`WLD`) and
the World Bank's groups (`SSF`) among them; `UNIT_MULT` 6 means millions; `OBS_STATUS` is `A` for a value
and `O` for a missing one, whose `OBS_VALUE` is empty.

Keeps: the indicators `UNCTAD_DE_DIG_SERVTRADE_ANN_EXP` and `UNCTAD_DE_DIG_SERVTRADE_ANN_IMP`, as text.

Declared ignored: the dataset's twelve other indicators, on the use of computers and the Internet by
businesses (`IGNORED_INDICATORS`), and of the rows kept, the columns that hold one agreed text (`AGREED`)
with their labels.

Refuses: another indicator, another header, another text in a column that is agreed to hold one (a breakdown
by sex, age, place or component would be counted in beside its total), an empty code, a year that is not
four digits, a value that is not a plain decimal. Codes of areas and duplicate keys are for the
expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import SourceError
from warehouse.formats.csv import read_delimited
from warehouse.model import MEBIBYTE, Plan, Request, Source, raw_schema

NAME = "data360_digital"
DATASET = "UNCTAD_DE"
FILE = f"{DATASET}.csv"
ADDRESS = f"https://data360files.worldbank.org/data360-data/data/{DATASET}/{FILE}"
MAX_BYTES = 64 * MEBIBYTE
DECIMAL = r"\A-?[0-9]+(\.[0-9]+)?\z"
YEAR = r"\A[0-9]{4}\z"
STRUCTURE = r"\AWB\.DATA360:DS_DATA360\([0-9.]+\)\z"  # its version may move: the header is held anyway

INDICATORS = ("UNCTAD_DE_DIG_SERVTRADE_ANN_EXP", "UNCTAD_DE_DIG_SERVTRADE_ANN_IMP")
IGNORED_INDICATORS = (
    "UNCTAD_DE_ICT_CORE_UBS_ANN_ALL_B1",
    "UNCTAD_DE_ICT_CORE_UBS_ANN_ALL_B10",
    "UNCTAD_DE_ICT_CORE_UBS_ANN_ALL_B12_IDEL",
    "UNCTAD_DE_ICT_CORE_UBS_ANN_ALL_B2",
    "UNCTAD_DE_ICT_CORE_UBS_ANN_ALL_B3",
    "UNCTAD_DE_ICT_CORE_UISIC3N1_ANN_00_B6",
    "UNCTAD_DE_ICT_CORE_UISIC3N1_ANN_00_B7",
    "UNCTAD_DE_ICT_CORE_UISIC4_ANN_00_B11",
    "UNCTAD_DE_ICT_CORE_UISIC4_ANN_00_B12_ICUST",
    "UNCTAD_DE_ICT_CORE_UISIC4_ANN_00_B4",
    "UNCTAD_DE_ICT_CORE_UISIC4_ANN_00_B5",
    "UNCTAD_DE_ICT_CORE_UISIC4_ANN_00_B8",
)
HEADER = (
    *("STRUCTURE", "STRUCTURE_ID", "ACTION", "FREQ", "FREQ_LABEL", "REF_AREA", "REF_AREA_LABEL"),
    *("INDICATOR", "INDICATOR_LABEL", "SEX", "SEX_LABEL", "AGE", "AGE_LABEL"),
    *("URBANISATION", "URBANISATION_LABEL", "UNIT_MEASURE", "UNIT_MEASURE_LABEL"),
    *("COMP_BREAKDOWN_1", "COMP_BREAKDOWN_1_LABEL", "COMP_BREAKDOWN_2", "COMP_BREAKDOWN_2_LABEL"),
    *("COMP_BREAKDOWN_3", "COMP_BREAKDOWN_3_LABEL", "TIME_PERIOD", "OBS_VALUE"),
    *("AGG_METHOD", "AGG_METHOD_LABEL", "DATABASE_ID", "DATABASE_ID_LABEL", "UNIT_MULT", "UNIT_MULT_LABEL"),
    *("UNIT_TYPE", "UNIT_TYPE_LABEL", "TIME_FORMAT", "TIME_FORMAT_LABEL"),
    *("OBS_STATUS", "OBS_STATUS_LABEL", "OBS_CONF", "OBS_CONF_LABEL"),
)
# The columns of a kept row that are agreed to hold one text each; then they need not be kept.
AGREED = {
    "STRUCTURE": "datastructure",
    "ACTION": "I",
    "FREQ": "A",
    "SEX": "_T",
    "AGE": "_T",
    "URBANISATION": "_T",
    "COMP_BREAKDOWN_1": "_Z",
    "COMP_BREAKDOWN_2": "_Z",
    "COMP_BREAKDOWN_3": "_Z",
    "AGG_METHOD": "SUM",
    "DATABASE_ID": DATASET,
    "UNIT_TYPE": "CUR",
    "TIME_FORMAT": "602",
    "OBS_CONF": "PU",
}
KEPT = {
    "INDICATOR": "indicator",
    "INDICATOR_LABEL": "indicator_label",
    "REF_AREA": "ref_area",
    "REF_AREA_LABEL": "ref_area_label",
    "TIME_PERIOD": "time_period",
    "OBS_VALUE": "obs_value",
    "UNIT_MEASURE": "unit_measure",
    "UNIT_MULT": "unit_mult",
    "OBS_STATUS": "obs_status",
    "OBS_STATUS_LABEL": "obs_status_label",
}
COLUMNS = tuple(KEPT.values())
CODES = ("INDICATOR", "REF_AREA", "TIME_PERIOD", "UNIT_MEASURE", "UNIT_MULT", "OBS_STATUS")


def plan() -> Plan:
    """Ask for the dataset's one file, which holds all indicators."""
    yield Request(name=FILE, url=ADDRESS, kind="csv", max_bytes=MAX_BYTES)


def read(files: Mapping[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the two indicators; `_row` counts the records of the file, its header being 1.

    Raises `SourceError` naming file and row for whatever the module refuses.
    """
    if list(files) != [FILE]:
        raise SourceError(NAME, f"expected the one file {FILE}, got {', '.join(files) or 'none'}")
    schema = raw_schema(COLUMNS)
    for batch in read_delimited(files[FILE], HEADER, source=NAME, file=FILE):
        known = _is_one_of(batch, "INDICATOR", (*INDICATORS, *IGNORED_INDICATORS))
        _refuse(batch, "INDICATOR", pc.invert(known), "an unknown indicator")
        rows = batch.filter(_is_one_of(batch, "INDICATOR", INDICATORS))
        for column, text in AGREED.items():
            _refuse(rows, column, pc.invert(_is_one_of(rows, column, (text,))), f"not the agreed {text!r}")
        _refuse_unlike(rows, "STRUCTURE_ID", STRUCTURE, "not the agreed data structure")
        for column in CODES:
            _refuse(rows, column, rows.column(column).is_null(), "an empty code")
        _refuse_unlike(rows, "TIME_PERIOD", YEAR, "not a year of four digits")
        _refuse_unlike(rows, "OBS_VALUE", DECIMAL, "not a plain decimal number")
        if rows.num_rows:
            yield pa.record_batch([rows.column(name) for name in (*KEPT, "_file", "_row")], schema=schema)


def _is_one_of(rows: pa.RecordBatch, column: str, texts: tuple[str, ...]) -> pa.Array:
    return pc.is_in(rows.column(column), value_set=pa.array(texts, pa.string()))


def _refuse_unlike(rows: pa.RecordBatch, column: str, pattern: str, reason: str) -> None:
    unlike = pc.invert(pc.match_substring_regex(rows.column(column), pattern))
    _refuse(rows, column, unlike, reason)


def _refuse(rows: pa.RecordBatch, column: str, refused: pa.Array, reason: str) -> None:
    place = pc.index(refused, True).as_py()
    if place < 0:
        return
    text = rows.column(column)[place].as_py()
    raise SourceError(
        NAME,
        f"{reason} in column {column}: " + ("empty" if text is None else repr(text)),
        file=FILE,
        row=rows.column("_row")[place].as_py(),
        remedy="Look the dataset up at https://data360.worldbank.org, and agree to what is new in this "
        "source's file.",
    )


SOURCE = Source(
    name=NAME,
    title="Trade in digitally deliverable services, annual",
    publisher="World Bank Data360, of UNCTAD",
    table=DATASET,
    homepage="https://data360.worldbank.org/en/dataset/UNCTAD_DE",
    licence="CC BY 4.0",
    columns=COLUMNS,
    key=("indicator", "ref_area", "time_period"),
    plan=plan,
    read=read,
)
