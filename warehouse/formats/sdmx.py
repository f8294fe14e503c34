"""SDMX-CSV, versions 1.0 and 2.0, as Arrow batches of text.

Both versions have a row for each observation and a column for each dimension, `TIME_PERIOD`, `OBS_VALUE` and
the attributes. They differ in the columns that name the table:

- 1.0: `DATAFLOW`, such as `ESTAT:NAMA_10_GDP(1.0)`;
- 2.0: `STRUCTURE` (`dataflow`), `STRUCTURE_ID`, such as `IMF.STA:BOP(21.0.0)`, and in most answers `ACTION`.

With labels ("both"), a header is `FREQ: Frequency` and a value `A: Annual`: the code is read, and the label
is not. A label is looked for only in columns whose header has one.

A period is 2024, 2024-Q1, 2024-01 or 2024-M01; a value is a decimal number, empty, or a mark of
`NO_OBSERVATION`. Both stay as sent. Periods of other kinds (days, weeks, half-years, ranges) are an error.

`sdmx1` is not used: it makes a Python object of each observation and converts values to float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from warehouse.arrow import pa, pc
from warehouse.errors import SourceError
from warehouse.formats.columns import DECIMAL, reject_where, require_match, require_values
from warehouse.formats.csv import read_delimited, read_header
from warehouse.formats.typography import normal
from warehouse.model import Contract, Note, raw_schema

PERIOD = "TIME_PERIOD"
VALUE = "OBS_VALUE"
NO_OBSERVATION = ("NaN", "#N/A", ":")
PERIOD_FORM = r"\A[0-9]{4}(-Q[1-4]|-M?(0[1-9]|1[0-2]))?\z"
VALUE_FORM = DECIMAL + "|" + "|".join(rf"\A{re.escape(mark)}\z" for mark in NO_OBSERVATION)
ACTIONS = ("I", "A", "M", "R")  # information, append, merge, replace: the rows are figures; D deletes them

_FLOW = re.compile(r"(?P<id>[^:()]+:[^:()]+)(?:\((?P<version>[^()]*)\))?(?:: .*)?", re.DOTALL)
_LABEL = r"(?s)^([^:\s]+): .*$"
_TABLE, _ACTION, _KIND = "sdmx#table", "sdmx#action", "sdmx#kind"  # columns that no raw table has


def read_sdmx_csv(
    path: Path, contract: Contract, *, source: str, file: str, flow: str, note: Note
) -> Iterator[pa.RecordBatch]:
    """Yield batches of `raw_schema(contract.columns)` from the SDMX-CSV file at `path`.

    `contract` declares dimensions and attributes by their SDMX ids; it reads `TIME_PERIOD` and `OBS_VALUE`.
    `flow` is agency and id of the dataflow, `ESTAT:BOP_ITS6_DET`; case and version do not matter. `source`
    and `file` name the table and the file in messages and notes.

    Raises SourceError as `read_delimited`, and for a file that is not SDMX-CSV or of another dataflow, a row
    that deletes observations, an empty dimension, and a period or value of another form.
    """
    header = read_header(path, source=source, file=file, encoding="utf-8-sig")
    full, labelled = _whole_contract(header, contract, source, file)
    dimensions = tuple(full.read[name] for name in contract.read if name not in contract.optional)
    dimensions = tuple(name for name in dimensions if name != contract.read[VALUE])
    coded = [full.read[name] for name in labelled]
    check = partial(_check_table, source=source, file=file, flow=flow, note=note)
    for batch in read_delimited(path, full, source=source, file=file, note=note, encoding="utf-8-sig"):
        check(batch)
        rows = _without_labels(batch, coded)
        require_values(rows, dimensions, source=source)
        require_match(
            rows, contract.read[PERIOD], PERIOD_FORM, "not an SDMX year, quarter or month", source=source
        )
        require_match(rows, contract.read[VALUE], VALUE_FORM, "not a plain decimal number", source=source)
        yield rows.select([*contract.columns, "_file", "_row"]).cast(raw_schema(contract.columns))


def _whole_contract(
    header: list[str], contract: Contract, source: str, file: str
) -> tuple[Contract, list[str]]:
    """Return the contract with the columns that name the table, and the columns of it that have labels."""
    known = {name: id_of for name in header if (id_of := normal(name).split(":")[0].strip())}
    ids = set(known.values())
    if "DATAFLOW" in ids:
        table = {"DATAFLOW": _TABLE}
        ignored: tuple[str, ...] = ("LAST UPDATE",)  # Eurostat's, between DATAFLOW and the dimensions
    elif "STRUCTURE_ID" in ids:
        table = {"STRUCTURE": _KIND, "STRUCTURE_ID": _TABLE, "ACTION": _ACTION}
        ignored = ()
    else:
        reason = f"the header is {header[:6]}; SDMX-CSV begins with DATAFLOW or with STRUCTURE, STRUCTURE_ID"
        remedy = "Ask the publisher's API for SDMX-CSV (format, Accept), and compare the address by hand"
        raise SourceError(source, reason, file=file, row=1, remedy=remedy)
    read = {**contract.read, **table}
    spellings = {**contract.spellings}
    for name, column in known.items():
        bare = re.sub(r"\[.*\]$", "", column)  # 2.0 states a separator of several values: STRUCTURE[;]
        if bare in read and bare != name:
            spellings[name] = bare
    labelled = [
        spellings[name]
        for name in header
        if ":" in name and spellings.get(name) in contract.read and spellings[name] not in (PERIOD, VALUE)
    ]
    optional = (*contract.optional, *(name for name in ("ACTION",) if name in table and name not in ids))
    full = replace(
        contract, read=read, spellings=spellings, optional=optional, ignored=(*contract.ignored, *ignored)
    )
    return full, labelled


def _check_table(rows: pa.RecordBatch, *, source: str, file: str, flow: str, note: Note) -> None:
    """Raise SourceError for a row of another table, or one that deletes; note the version of the table."""
    if _KIND in rows.schema.names:
        kinds = pc.utf8_lower(rows.column(_KIND))
        other = pc.fill_null(pc.not_equal(kinds, "dataflow"), True)
        reject_where(rows, _KIND, other, "the rows are not of a dataflow", source=source)
        actions = rows.column(_ACTION)
        if actions.null_count < len(actions):
            codes = pc.replace_substring_regex(actions, pattern=_LABEL, replacement=r"\1")
            other = pc.invert(pc.is_in(codes, value_set=pa.array([*ACTIONS, None], pa.string())))
            reject_where(rows, _ACTION, other, "an action other than to state figures", source=source)
    for text in (value.as_py() for value in pc.unique(rows.column(_TABLE))):
        found = _FLOW.fullmatch(text or "")
        if found is None or found["id"].strip().upper() != flow.upper():
            texts = rows.column(_TABLE)
            other = texts.is_null() if text is None else pc.fill_null(pc.equal(texts, text), False)
            reject_where(rows, _TABLE, other, f"the rows are not of {flow}", source=source)
        elif found["version"]:
            note(file, f"version {found['version']} of {flow}")


def _without_labels(rows: pa.RecordBatch, columns: list[str]) -> pa.RecordBatch:
    """Return the rows with `CHN: China` in these columns replaced by `CHN`."""
    for column in columns:
        codes = pc.replace_substring_regex(rows.column(column), pattern=_LABEL, replacement=r"\1")
        rows = rows.set_column(rows.schema.get_field_index(column), column, codes)
    return rows
