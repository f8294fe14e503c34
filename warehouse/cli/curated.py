"""Commands for analysts who add curated figures: check, template.

`warehouse/sources/curated.py` defines what a file of curated figures may hold. No command writes such a file.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

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

app = typer.Typer(help="Check files of curated figures, or print a template.", no_args_is_help=True)


@app.command()
def check(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files.")]) -> None:
    """Print every problem in files of curated figures by line; exit with 1 if there is any."""
    from warehouse.errors import WarehouseError
    from warehouse.sources.curated import examine

    count = 0
    for path in files:
        if not path.is_file():
            raise WarehouseError(
                f"{path} is not a file. Create one with: warehouse curated template > {path}"
            )
        rows, problems = examine(path)
        count += len(problems)
        for problem in problems:
            typer.echo(f"{path}: {problem}")
        if not problems:
            typer.echo(f"{path}: {len(rows)} figure{'' if len(rows) == 1 else 's'}, no problems")
    if count:
        typer.echo(f"{count} problem{'' if count == 1 else 's'}", err=True)
        raise typer.Exit(1)


@app.command()
def template() -> None:
    """Print a file to start from: the header and one figure."""
    from warehouse.sources.curated import COLUMNS

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(EXAMPLE.get(column, "") for column in COLUMNS)
