"""Stata files (`.dta`) to Arrow batches of text, in chunks. The only door to pandas.

The one exception to "no float": the format itself holds binary doubles, and no text was ever sent. A
number's text here is the shortest one that gives the same binary number again (Python's `repr`), so that
nothing is rounded or made up, and two reads of the same bytes give the same text.

Keeps: integers as their digits, doubles by that rule (`35831795712.0`, `7.86571348299591e-07`), Stata's
missing value `.` as null. `_row` is the observation's number, the first being 1, as Stata lists them.

Refuses: another list of variables than the agreed one, another type than the agreed one, a missing value in
an integer variable, infinity, a file without observations, one that is truncated or no Stata file.
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
    """Yield batches of `raw_schema(variables)` from the file at `path`, which is called `file` in messages.

    `variables` pairs each agreed variable, in its order, with `INTEGER` or `DOUBLE`. Raises `SourceError` for
    whatever the module refuses.
    """
    schema = raw_schema(tuple(variables))
    row = 1
    for chunk in _chunks(path, source, file, chunk_rows):
        if list(chunk.columns) != list(variables):
            raise SourceError(
                source,
                f"the variables are not the agreed ones: {', '.join(map(str, chunk.columns))} where "
                f"{', '.join(variables)} are agreed",
                file=file,
                remedy="If the publisher changed its layout, agree to it in the source's file.",
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
        raise SourceError(source, "an empty answer where data is expected: no observations", file=file)


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
            remedy="Fetch it again; if the size is what the publisher announces, look at the file.",
        ) from error


def _texts(column: Any, agreed: str, row: int, *, source: str, file: str) -> pa.Array:
    kind = {"i": INTEGER, "f": DOUBLE}.get(column.dtype.kind, str(column.dtype))
    # pandas turns an integer variable into a double where a value is missing in it
    if kind != agreed or (agreed == DOUBLE and column.dtype.itemsize != 8):
        raise SourceError(
            source,
            f"the variable {column.name} is {column.dtype} where an {agreed} without gaps is agreed"
            if agreed == INTEGER
            else f"the variable {column.name} is {column.dtype} where a {agreed} is agreed",
            file=file,
            row=row,
        )
    numbers = column.tolist()
    texts = [None if number != number else repr(number) for number in numbers]  # NaN
    for place, text in enumerate(texts):
        if text in ("inf", "-inf"):
            raise SourceError(source, f"infinity in the variable {column.name}", file=file, row=row + place)
    return pa.array(texts, pa.string())
