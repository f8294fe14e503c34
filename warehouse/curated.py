"""`warehouse curated`: what an analyst needs who adds a figure.

Keeps: `check` tells every problem of the files line by line and exits with 1 if there is one; `template`
prints a file to begin with, which passes the check. What is agreed stands in `warehouse.sources.curated`.

Refuses: to mend a file, or to write one.
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
    "note": "an example: replace it by your first figure",
}

app = typer.Typer(help="Check and begin files of curated figures.", no_args_is_help=True)


@app.command()
def check(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files.")]) -> None:
    """Tell line by line what is wrong in files of curated figures."""
    wrong = 0
    for path in files:
        if not path.is_file():
            raise WarehouseError(f"{path} is not a file. Begin one with: warehouse curated template > {path}")
        rows, found = examine(path)
        wrong += len(found)
        for problem in found:
            typer.echo(f"{path}: {problem}")
        if not found:
            typer.echo(f"{path}: {len(rows)} figure{'' if len(rows) == 1 else 's'}, nothing wrong")
    if wrong:
        typer.echo(f"{wrong} problem{'' if wrong == 1 else 's'}", err=True)
        raise typer.Exit(1)


@app.command()
def template() -> None:
    """Print a file to begin with: the header and one figure."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerow(EXAMPLE.get(column, "") for column in COLUMNS)
