"""`warehouse curated`: commands for files of curated figures.

`check` prints every problem of the files, line by line, and exits with 1 if there is one. `template` prints a
file to start from, which passes the check. `warehouse.sources.curated` states the rules. No command changes a
file.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from warehouse.errors import WarehouseError
from warehouse.sources.curated import COLUMNS, examine

EXAMPLE = {
    "period": "2021-01/2021-11",
    "area": "China",
    "area_type": "economy",
    "measure": "trade",
    "service": "S",
    "flow": "exports",
    "value": "22364.4",
    "unit": "100 million",
    "currency": "CNY",
    "page": "https://cr-cbt.com/news/newsshow.php?cid=4&id=498",
    "status": "stated",
    "note": "an example: replace it with your first figure",
}

app = typer.Typer(help="Check and start files of curated figures.", no_args_is_help=True)


@app.command()
def check(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files.")]) -> None:
    """Print the problems in files of curated figures, line by line."""
    problem_count = 0
    for path in files:
        if not path.is_file():
            raise WarehouseError(f"{path} is not a file. Start one with: warehouse curated template > {path}")
        rows, problems = examine(path)
        problem_count += len(problems)
        for problem in problems:
            typer.echo(f"{path}: {problem}")
        if not problems:
            typer.echo(f"{path}: {len(rows)} figure{'' if len(rows) == 1 else 's'}, no problems")
    if problem_count:
        typer.echo(f"{problem_count} problem{'' if problem_count == 1 else 's'}", err=True)
        raise typer.Exit(1)


@app.command()
def template() -> None:
    """Print a file to start from: the header and one figure."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerow(EXAMPLE.get(column, "") for column in COLUMNS)
