"""Stata files (`.dta`), streamed as Arrow batches of text. The only module that imports pandas.

The format holds binary doubles, and the publisher sends no text. A number's text is the shortest decimal that
gives the same double (Python's `repr`): `35831795712.0`, `7.86571348299591e-07`. Integers are their digits;
Stata's missing value `.` is null. `_row` is the number of the observation as Stata lists it, the first being
1.

Variables are found by name, in any order; a further one is noted as drift and not read.

`read_stata` raises SourceError for a missing variable and one of another type, a missing value in an integer
variable, infinity, a file without observations, and a file that is truncated or is not a Stata file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.model import Note, no_note, raw_schema

CHUNK_ROWS = 50_000
INTEGER, DOUBLE = "integer", "double"


def read_stata(
    path: Path,
    variables: Mapping[str, str],
    *,
    source: str,
    file: str,
    ignored: tuple[str, ...] = (),
    note: Note = no_note,
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Yield batches of `raw_schema(variables)` from the file at `path`.

    `variables` maps the variables that are read to `INTEGER` or `DOUBLE`; those of `ignored` are known and
    not read. `source` and `file` name the publisher's table and the file in error messages and notes. Raises
    SourceError as the module says.
    """
    import pandas as pd  # it takes 0.2 s to import, and one source needs it

    fail = partial(SourceError, source, file=file)
    row = 1
    try:
        with pd.read_stata(
            path, chunksize=chunk_rows, convert_dates=False, convert_categoricals=False, preserve_dtypes=True
        ) as reader:
            for chunk in reader:
                if missing := [name for name in variables if name not in chunk.columns]:
                    raise fail(
                        f"the variables are {', '.join(map(str, chunk.columns))}; missing are "
                        f"{', '.join(missing)}",
                        remedy="If the publisher changed the layout, declare it in the source's module",
                    )
                for name in chunk.columns:
                    if row == 1 and name not in (*variables, *ignored):
                        note(file, f"further variable {name!r}")
                texts = [_texts(chunk[name], kind, row, fail) for name, kind in variables.items()]
                files = pa.repeat(pa.scalar(file, pa.string()), len(chunk))
                rows = pa.arange(row, row + len(chunk))
                yield pa.record_batch([*texts, files, rows], schema=raw_schema(tuple(variables)))
                row += len(chunk)
    except (ValueError, struct.error, EOFError, KeyError, IndexError) as error:
        raise fail(
            f"the Stata file is truncated, corrupt or not a Stata file: {type(error).__name__}: {error}",
            remedy="Fetch the file again; if its size is as the publisher announces, inspect the file",
        ) from error
    if row == 1:
        raise fail("the file has no observations")


def _texts(column: Any, expected: str, row: int, fail: partial[SourceError]) -> pa.Array:
    kind = {"i": INTEGER, "f": DOUBLE}.get(column.dtype.kind, str(column.dtype))
    # pandas reads an integer variable with a missing value as a double
    if kind != expected or (expected == DOUBLE and column.dtype.itemsize != 8):
        wanted = "an integer without missing values" if expected == INTEGER else f"a {expected}"
        raise fail(f"the variable {column.name} is {column.dtype}; expected is {wanted}", row=row)
    texts = [None if number != number else repr(number) for number in column.tolist()]  # NaN
    for index, text in enumerate(texts):
        if text in ("inf", "-inf"):
            raise fail(f"the variable {column.name} is {text}", row=row + index)
    return pa.array(texts, pa.string())
