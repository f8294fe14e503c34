"""World Bank Data360: international trade in digitally deliverable services (UNCTAD), annual, from 2010.

The address was last seen in public clients of 2026; the columns changed once since July 2025.

SDMX-CSV with label columns, 39 columns in the recorded file, UTF-8. Areas are ISO alpha-3 codes with the
world (`WLD`) and the World Bank's groups (`SSF`); `UNIT_MULT` 6 means millions. `OBS_STATUS` is a code of
SDMX (https://registry.sdmx.org, CL_OBS_STATUS): `A` a normal value, `O` a missing one, whose `OBS_VALUE` is
empty, `E` an estimate, and others, which are carried as they are.

The reader returns the indicators `UNCTAD_DE_DIG_SERVTRADE_ANN_EXP` and `UNCTAD_DE_DIG_SERVTRADE_ANN_IMP` as
text. It ignores the dataset's twelve indicators on the use of computers and the Internet by businesses
(`IGNORED_INDICATORS`), and the columns that must have one fixed value (`FIXED_VALUES`) with their labels. A
further column or indicator is drift, and a dimension that the file no longer has.

Raises SourceError for a missing column or indicator, another value in a fixed column (a breakdown by sex,
age, place or component would be added to its total), an empty code, a year that is not four digits, and a
value that is not a number. The expectation suite checks the codes of areas and duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from warehouse.arrow import pa, pc
from warehouse.errors import SourceError
from warehouse.formats.columns import DECIMAL, YEAR, require_match, require_one_of, require_values
from warehouse.formats.csv import read_delimited, read_header
from warehouse.formats.typography import normal
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note, raw_schema

NAME = "data360_digital"
DATASET = "UNCTAD_DE"
FILE = f"{DATASET}.csv"
ADDRESS = f"https://data360files.worldbank.org/data360-data/data/{DATASET}/{FILE}"
MAX_BYTES = 64 * MEBIBYTE
STRUCTURE = r"\AWB\.DATA360:DS_DATA360\([0-9.]+\)\z"  # any version: the header is checked anyway

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
# Columns that must have this value in every row of the two indicators; they are not loaded.
FIXED_VALUES = {
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
LOADED = {
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
COLUMNS = tuple(LOADED.values())
_READ = (*LOADED, *FIXED_VALUES, "STRUCTURE_ID")
CONTRACT = Contract(
    read={name: name for name in _READ},
    optional=("INDICATOR_LABEL", "REF_AREA_LABEL", "OBS_STATUS_LABEL", *FIXED_VALUES, "STRUCTURE_ID"),
    ignored=tuple(name for name in HEADER if name not in _READ),
)
CODES = ("INDICATOR", "REF_AREA", "TIME_PERIOD", "UNIT_MEASURE", "UNIT_MULT", "OBS_STATUS")

_REMEDY = (
    "Look up the dataset at https://data360.worldbank.org and declare what is new in this source's module"
)


def plan() -> Plan:
    """Request the file of the dataset, which has all indicators."""
    yield Request(name=FILE, url=ADDRESS, kind="csv", max_bytes=MAX_BYTES)


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the two indicators. `_row` is the number of the record, the header being 1.

    Raises SourceError with file and row as the module says.
    """
    if list(files) != [FILE]:
        raise SourceError(NAME, f"expected the one file {FILE}, got {', '.join(files) or 'none'}")
    schema = raw_schema(COLUMNS)
    header = read_header(files[FILE], source=NAME, file=FILE, encoding="utf-8")
    sent = {normal(name) for name in header}
    fixed = {column: value for column, value in FIXED_VALUES.items() if column in sent}
    found: set[str] = set()
    for batch in read_delimited(files[FILE], CONTRACT, source=NAME, file=FILE, note=note):
        require_values(batch, ("INDICATOR",), source=NAME, remedy=_REMEDY)
        indicators = set(batch.column("INDICATOR").unique().tolist())
        for indicator in sorted(indicators.difference(INDICATORS, IGNORED_INDICATORS)):
            note(FILE, f"further indicator {indicator!r}")
        found |= indicators
        is_loaded = pc.is_in(batch.column("INDICATOR"), value_set=pa.array(INDICATORS, pa.string()))
        rows = batch.filter(is_loaded)
        for column, value in fixed.items():
            require_one_of(rows, column, (value,), f"not {value!r}", source=NAME, remedy=_REMEDY)
        require_match(rows, "STRUCTURE_ID", STRUCTURE, "an unknown structure", source=NAME, remedy=_REMEDY)
        require_values(rows, CODES, source=NAME, remedy=_REMEDY)
        require_match(rows, "TIME_PERIOD", YEAR, "not a year of four digits", source=NAME, remedy=_REMEDY)
        require_match(rows, "OBS_VALUE", DECIMAL, "not a plain decimal number", source=NAME, remedy=_REMEDY)
        if rows.num_rows:
            yield pa.record_batch([rows.column(name) for name in (*LOADED, "_file", "_row")], schema=schema)
    if missing := [indicator for indicator in INDICATORS if indicator not in found]:
        raise SourceError(NAME, f"no row has the indicator {', '.join(missing)}", file=FILE, remedy=_REMEDY)


SOURCE = Source(
    name=NAME,
    title="Trade in digitally deliverable services, annual",
    publisher="World Bank Data360, of UNCTAD",
    table=DATASET,
    homepage="https://data360.worldbank.org/en/dataset/UNCTAD_DE",
    licence="CC BY 4.0",
    evidenced="2026-03-19: a copy of the file; the columns changed once since July 2025",
    columns=COLUMNS,
    key=("indicator", "ref_area", "time_period"),
    plan=plan,
    read=read,
    contract=CONTRACT,
)
