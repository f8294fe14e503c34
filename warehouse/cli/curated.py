"""Commands for analysts who add curated figures: check, template.

`_curated_rules.py` in `warehouse/sources/` defines what a file of curated figures may hold. No command
writes such a file.
"""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
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
    "page": "https://example.org/release.html",
    "status": "stated",
    "note": "an example: replace it with your first figure",
}

app = typer.Typer(help="Check files of curated figures, or print a template.", no_args_is_help=True)


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="CSV files, also by their names in WAREHOUSE_CURATED; by default all there.",
        ),
    ] = None,
) -> None:
    """Print every problem in files of curated figures by line; exit with 1 if there is any.

    The figures of the folder WAREHOUSE_CURATED are the neighbours that implausible figures are found by. An
    area or service that no seed has, an implausible figure, and a period that has not ended are held out of
    the tables until they are added, corrected or confirmed.
    """
    from warehouse.config import load_settings
    from warehouse.errors import WarehouseError
    from warehouse.sources._curated_plausible import implausible
    from warehouse.sources._curated_rules import (
        Problem,
        examine,
        not_ended,
        read_vocabulary,
        unknown_codes,
    )

    vocabulary = read_vocabulary()
    curated = load_settings().curated
    folder = sorted(curated.glob("*.csv"))
    chosen = [
        curated / file if not file.is_file() and (curated / file).is_file() else file
        for file in files or folder
    ]
    if not chosen:
        raise WarehouseError(f"{curated} has no CSV file. Create one with: warehouse curated template")
    names = {path.name for path in chosen}
    seen: dict[tuple[str, ...], str] = {}
    rows_by_file: dict[str, list[tuple[int, dict[str, str]]]] = {}
    problems: dict[Path, list[Problem]] = {}
    for path in [*(one for one in folder if one.name not in names), *chosen]:
        require_file(path)
        rows, problems[path] = examine(path, vocabulary, seen)
        if not problems[path]:
            rows_by_file[path.name] = rows
            problems[path] += not_ended(rows, datetime.now(UTC).date())
        problems[path] += unknown_codes(rows, vocabulary)
    doubts = implausible(rows_by_file, vocabulary.units)
    count = 0
    for path in chosen:
        found = [*problems[path], *(one for (name, _), one in doubts.items() if name == path.name)]
        count += len(found)
        for problem in found:
            typer.echo(f"{path}: {problem}")
        if not found:
            figures = len(rows_by_file[path.name])
            typer.echo(f"{path}: {figures} figure{'' if figures == 1 else 's'}, no problems")
    if count:
        typer.echo(f"{count} problem{'' if count == 1 else 's'}", err=True)
        raise typer.Exit(1)


def require_file(path: Path) -> None:
    """Raise WarehouseError, which says what to run instead, unless a path is a file."""
    from warehouse.errors import WarehouseError

    if path.is_dir():
        raise WarehouseError(
            f"{path} is a directory. Name the files in it: warehouse curated check FILE; or set "
            "WAREHOUSE_CURATED to it, and name none"
        )
    if not path.is_file():
        raise WarehouseError(f"{path} is not a file. Create one with: warehouse curated template > {path}")


@app.command()
def template() -> None:
    """Print a file to start from: the header and one figure."""
    from warehouse.sources._curated_rules import COLUMNS

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(EXAMPLE.get(column, "") for column in COLUMNS)
