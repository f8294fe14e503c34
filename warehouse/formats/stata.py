"""Stata files (`.dta`), streamed as Arrow batches of text. The only module that imports pandas.

The format holds binary doubles, and the publisher sends no text. A number's text is the shortest decimal that
gives the same double (Python's `repr`): `35831795712.0`, `7.86571348299591e-07`. Integers are their digits;
Stata's missing value `.` is null. `_row` is the number of the observation as Stata lists it, the first being
1.

`read_stata` raises SourceError for variables or types other than the expected ones, a missing value in an
integer variable, infinity, a file without observations, and a file that is truncated or is not a Stata file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from warehouse.errors import SourceError
from warehouse.model import raw_schema

CHUNK_ROWS = 50_000
INTEGER, DOUBLE = "integer", "double"


def read_stata(
    path: Path, variables: Mapping[str, str], *, source: str, file: str, chunk_rows: int = CHUNK_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield batches of `raw_schema(variables)` from the file at `path`.

    `variables` maps the expected variables, in their order, to `INTEGER` or `DOUBLE`. `source` and `file`
    name the publisher's table and the file in error messages. Raises SourceError as the module says.
    """
    schema = raw_schema(tuple(variables))
    row = 1
    for chunk in _chunks(path, source, file, chunk_rows):
        if list(chunk.columns) != list(variables):
            raise SourceError(
                source,
                f"the variables are {', '.join(map(str, chunk.columns))}; expected are "
                f"{', '.join(variables)}",
                file=file,
                remedy="If the publisher changed the layout, declare it in the source's module",
            )
        columns = [_texts(chunk[name], variables[name], row, source=source, file=file) for name in variables]
        yield pa.record_batch(
            [
                *columns,
                pa.repeat(pa.scalar(file, pa.string()), len(chunk)),
                pa.arange(row, row + len(chunk)),
            ],
            schema=schema,
        )
        row += len(chunk)
    if row == 1:
        raise SourceError(source, "the file has no observations", file=file)


def _chunks(path: Path, source: str, file: str, chunk_rows: int) -> Iterator[pd.DataFrame]:
    try:
        with pd.read_stata(
            path,
            chunksize=chunk_rows,
            convert_dates=False,
            convert_categoricals=False,
            preserve_dtypes=True,
        ) as reader:
            yield from reader
    except (ValueError, struct.error, EOFError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise SourceError(
            source,
            f"the Stata file is truncated, corrupt or not a Stata file: {type(error).__name__}: {error}",
            file=file,
            remedy="Fetch the file again; if its size is as the publisher announces, inspect the file",
        ) from error


def _texts(column: Any, expected: str, row: int, *, source: str, file: str) -> pa.Array:
    kind = {"i": INTEGER, "f": DOUBLE}.get(column.dtype.kind, str(column.dtype))
    # pandas reads an integer variable with a missing value as a double
    if kind != expected or (expected == DOUBLE and column.dtype.itemsize != 8):
        raise SourceError(
            source,
            f"the variable {column.name} is {column.dtype}; expected is an {expected} without missing values"
            if expected == INTEGER
            else f"the variable {column.name} is {column.dtype}; expected is a {expected}",
            file=file,
            row=row,
        )
    numbers = column.tolist()
    texts = [None if number != number else repr(number) for number in numbers]  # NaN
    for index, text in enumerate(texts):
        if text in ("inf", "-inf"):
            raise SourceError(source, f"the variable {column.name} is {text}", file=file, row=row + index)
    return pa.array(texts, pa.string())
