"""Checks on the columns of an Arrow batch of text. Each raises SourceError for the first row that fails."""

from __future__ import annotations

from warehouse.arrow import pa, pc
from warehouse.errors import SourceError

REMEDY = "Values are loaded as sent: report the value to the publisher, or declare the new form in the source"
YEAR = r"\A[0-9]{4}\z"
# JSON writes 5.9E-07 and Stata .5; SQL casts both to an exact decimal.
DECIMAL = r"\A-?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?\z"


def reject_where(
    rows: pa.RecordBatch, column: str, mask: pa.Array, reason: str, *, source: str, remedy: str = REMEDY
) -> None:
    """Raise SourceError for the first row where `mask` is true, with its file, row and value in `column`."""
    index = pc.index(mask, True).as_py()
    if index < 0:
        return
    value = rows.column(column)[index].as_py()
    raise SourceError(
        source,
        f"{reason} in column {column}: {'(empty)' if value is None else repr(value)}",
        file=rows.column("_file")[index].as_py(),
        row=rows.column("_row")[index].as_py(),
        remedy=remedy,
    )


def require_values(
    rows: pa.RecordBatch, columns: tuple[str, ...], *, source: str, remedy: str = REMEDY
) -> None:
    """Raise SourceError for the first row in which one of the columns is null."""
    for column in columns:
        reject_where(
            rows, column, rows.column(column).is_null(), "a value is missing", source=source, remedy=remedy
        )


def require_match(
    rows: pa.RecordBatch, column: str, pattern: str, reason: str, *, source: str, remedy: str = REMEDY
) -> None:
    """Raise SourceError for the first value of `column` that does not match `pattern`. Null passes."""
    values = rows.column(column)
    if values.null_count < len(values):
        mask = pc.invert(pc.match_substring_regex(values, pattern))
        reject_where(rows, column, mask, reason, source=source, remedy=remedy)


def require_one_of(
    rows: pa.RecordBatch,
    column: str,
    expected: tuple[str, ...],
    reason: str,
    *,
    source: str,
    remedy: str = REMEDY,
) -> None:
    """Raise SourceError for the first value of `column` that is not in `expected`. Null does not pass."""
    mask = pc.invert(pc.is_in(rows.column(column), value_set=pa.array(expected, pa.string())))
    reject_where(rows, column, mask, reason, source=source, remedy=remedy)
