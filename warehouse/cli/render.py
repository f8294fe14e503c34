"""Output of the command line: tables, JSON, CSV, problems, failures and progress.

Results go to standard output; progress, problems and failures go to standard error.
"""

from __future__ import annotations

import json
import math
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

if TYPE_CHECKING:
    from warehouse.model import Request

T = TypeVar("T")
LEAST_WIDTH = 20  # columns of wrapped prose and of a folded cell, in whatever terminal
WIDEST = 10_000  # columns; no table that fits a screen needs as many
BETWEEN = 2  # columns between two of a table: one at the right of a cell, one at the left of the next
WIDTH_WHEN_PIPED = 200  # columns; a file or a pager has no width of its own
MISSING = "–"
SMALLEST_FIXED = 0.001  # smaller numbers would be printed as 0.000

out = Console(width=None if sys.stdout.isatty() else WIDTH_WHEN_PIPED)
err = Console(stderr=True)


# --- text ---


def print_line(text: str, style: str | None = None) -> None:
    """Print text as it is; a long line is left to the terminal to wrap, so that it can be copied whole."""
    out.print(text, style=style, soft_wrap=True, markup=False, highlight=False)


def print_fields(fields: Mapping[str, str], indent: int = 2, wrapped: Sequence[str] = ()) -> None:
    """Print names and values, one pair per line, with the values aligned.

    In a terminal the values of `wrapped`, which are prose, continue below where they began.
    """
    width = max(len(name) for name in fields) + 2
    margin = " " * (indent + width)
    for name, value in fields.items():
        text = value
        if name in wrapped and out.is_terminal:
            room = max(out.width - len(margin), LEAST_WIDTH)
            lines = textwrap.wrap(value, room, break_long_words=False, break_on_hyphens=False)
            text = f"\n{margin}".join(lines)
        label = f"{' ' * indent}[dim]{name:<{width}}[/dim]"
        out.print(f"{label}{escape(text)}", soft_wrap=True, highlight=False)


def print_warning(text: str) -> None:
    """Print one line on standard error."""
    err.print(one_line(text), soft_wrap=True, markup=False, highlight=False)


def print_problems(problems: Iterable[str]) -> None:
    """Print one line on standard error for each problem of the home; exit with 1 if there is any."""
    found = list(problems)
    for problem in found:
        err.print(f"[red]problem:[/red] {escape(one_line(problem))}", soft_wrap=True, highlight=False)
    if found:
        raise typer.Exit(1)


def print_failure(message: str) -> None:
    """Print why a command failed, on standard error."""
    err.print(f"[red]failed:[/red] {escape(message)}", soft_wrap=True, highlight=False)


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())


def format_time(moment: datetime | None) -> str | None:
    """Return a time as `2024-07-12 03:00Z`, in UTC; None stays None."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z" if moment else None


def format_value(value: object) -> str:
    """Return a value as a table shows it: numbers that are not whole with three decimals, null as a dash."""
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:,.3f}" if value == 0 or abs(value) >= SMALLEST_FIXED else f"{value:g}"
    return str(value)


# --- tables, JSON, CSV ---


def print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str] | Sequence[str],
    droppable: Sequence[str] = (),
    unbroken: Sequence[str] = (),
) -> None:
    """Print rows as a table.

    `columns` are the keys to show, or map them to headings. In a narrow terminal the columns of `droppable`
    are left out, the first one first, until the table fits; a last line names them. Cells of the columns of
    `unbroken` are not folded. A table whose columns would be narrower than 20 characters of their text is
    printed with each row as a block of names and values, and with all columns.
    """
    headings = columns if isinstance(columns, Mapping) else {name: name for name in columns}
    dropped: list[str] = []
    table = _table(rows, headings, unbroken)
    for name in droppable:
        if Console(width=WIDEST).measure(table).maximum <= out.width:
            break
        dropped.append(name)
        kept = {key: text for key, text in headings.items() if key not in dropped}
        table = _table(rows, kept, unbroken)
    # Of a column, and not of the table, whose minimum is that of the longest word: words are folded.
    if sum((column.min_width or 0) + BETWEEN for column in table.columns) - BETWEEN > out.width:
        for number, row in enumerate(rows):
            if number:
                print_line("")
            print_fields({headings[name]: format_value(row[name]) for name in headings}, indent=0)
        return
    out.print(table)
    if dropped:
        names = ", ".join(headings[name] for name in dropped)
        print_line(f"not shown in {out.width} columns: {names} (see --json)", style="dim")


def _table(rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str], unbroken: Sequence[str]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, heading in headings.items():
        values = [row[name] for row in rows if row[name] is not None]
        is_number = values and all(isinstance(value, int | float) for value in values)
        longest = max((cell_len(text) for text in (heading, *_cells(rows, name))), default=0)
        table.add_column(
            heading,
            min_width=longest if name in unbroken else min(longest, LEAST_WIDTH),
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=name in unbroken,
        )
    for row in rows:
        table.add_row(*(escape(format_value(row[name])) for name in headings))
    return table


def _cells(rows: Sequence[Mapping[str, Any]], name: str) -> Iterator[str]:
    """Yield the lines of the cells of a column."""
    for row in rows:
        yield from format_value(row[name]).splitlines()


def print_json(data: object) -> None:
    """Print JSON with an indent of two; values that JSON does not know are printed as text.

    Numbers that JSON does not know (NaN, infinity) are null.
    """
    text = json.dumps(finite(data), indent=2, default=str, ensure_ascii=False, allow_nan=False)
    if out.is_terminal:
        out.print_json(text)
    else:
        out.file.write(f"{text}\n")


def finite(data: object) -> object:
    """Return data with null in place of every float that is not finite."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {name if isinstance(name, str) else str(name): finite(value) for name, value in data.items()}
    return [finite(value) for value in data] if isinstance(data, list | tuple) else data


def print_csv(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> None:
    """Print these columns of rows as CSV with a header, for scripts and spreadsheets; null is an empty field.

    Texts of a list are joined by `; `, and other nested values are JSON. No text is a spreadsheet formula.
    """
    from warehouse.releases.query import Answer, write_csv

    names = tuple(columns)
    cells = tuple(tuple(_csv_value(row[name]) for name in names) for row in rows)
    write_csv(Answer(names, cells, has_more=False), sys.stdout)


def _csv_value(value: object) -> object:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    if isinstance(value, bool | dict | list | tuple):
        return json.dumps(finite(value), default=str, ensure_ascii=False)
    return value


# --- progress ---


def run_step(name: str, step: Callable[[], T]) -> T:
    """Run one step and leave a line with its time; in a terminal, under a spinner, which is removed."""
    began = time.monotonic()
    if err.is_terminal:
        with err.status(name):
            result = step()
    else:
        result = step()
    print_warning(f"{name}: {time.monotonic() - began:.1f} s")
    return result


@contextmanager
def download_progress(source: str) -> Iterator[Callable[[Request, int], None]]:
    """Show the bytes of a source as they arrive, in a terminal; yields the function to report them with."""
    if not err.is_terminal:  # a disabled Progress prints an empty line at its end
        yield lambda request, size_bytes: None
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=err,
        transient=True,
    ) as progress:
        task = progress.add_task(source, total=None)
        received: dict[str, int] = {}

        def report(request: Request, size_bytes: int) -> None:
            received[request.name] = size_bytes
            progress.update(task, description=f"{source} {request.name}", completed=sum(received.values()))

        yield report
