"""Commands that read the current release: query, trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from warehouse.cli.options import AsCsv, AsJson
from warehouse.cli.render import (
    format_time,
    format_value,
    out,
    print_failure,
    print_fields,
    print_json,
    print_line,
    print_table,
    print_warning,
)

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.releases.origins import Origin
    from warehouse.releases.trace import Lineage

ROWS_IN_A_TABLE = 100
ROWS_OF_A_FILE = 10  # of one role; a rank is computed from the figures of every economy


def query(
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="One query in SQL, on the schemas bi, marts and core.")
    ],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows",
            metavar="N",
            min=1,
            help="Print at most N rows; without it 100 in a table, all in JSON and CSV.",
        ),
    ] = None,
) -> None:
    """Run one read-only SQL query on the current release."""
    from warehouse.config import load_settings
    from warehouse.releases.query import query as run_query
    from warehouse.releases.query import write_csv
    from warehouse.releases.store import DATABASE, require_current

    is_table = not (as_json or as_csv)
    database = require_current(load_settings().published) / DATABASE
    answer = run_query(database, sql, rows or (ROWS_IN_A_TABLE if is_table else None))
    if as_csv:
        write_csv(answer, sys.stdout)
    else:
        found = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        if as_json:
            print_json(found)
        else:
            print_table(found, answer.columns)
    if answer.has_more:
        text = f"first {len(answer.rows)} rows of more; --rows N prints N, --json and --csv print all"
        (print_line if is_table else print_warning)(text)


def trace(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="A table of bi or marts, or a core fact, such as bi.annual."),
    ],
    conditions: Annotated[
        list[str] | None,
        typer.Argument(metavar="COLUMN=VALUE", help="The rows to trace, such as reporter=CHN."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print where published figures come from: models, rows as sent, file, checksum, address, time.

    Exits with 1 when the checksum of a file or of the parsed rows does not match.
    """
    from warehouse.config import load_settings
    from warehouse.releases.store import require_current
    from warehouse.releases.trace import trace as trace_rows

    wanted = parse_conditions(conditions or [])
    settings = load_settings()
    release = require_current(settings.published)
    lineages = trace_rows(release, settings.landing, settings.reparsed, table, wanted)
    if as_json:
        print_json([lineage_as_dict(lineage) for lineage in lineages])
    else:
        print_lineages(lineages)
    mismatches = list(dict.fromkeys(line for lineage in lineages for line in mismatches_of(lineage)))
    for line in mismatches:
        print_failure(line)
    if mismatches:
        raise typer.Exit(1)


def parse_conditions(conditions: Sequence[str]) -> dict[str, str]:
    """Return columns and values; wrong usage when a condition has no equals sign."""
    pairs = [condition.partition("=") for condition in conditions]
    for name, sign, _ in pairs:
        if not sign:
            raise typer.BadParameter(f"{name!r} is not of the form column=value")
    return {name: value for name, _, value in pairs}


def mismatches_of(lineage: Lineage) -> Iterator[str]:
    """Yield a message for each file of a lineage whose checksum does not match."""
    advice = "it was changed or is missing. Find all damage with: warehouse maintain"
    for origin in lineage.origins:
        if not origin.is_file_intact:
            yield f"{origin.file}: does not have the sha256 of its manifest, {origin.sha256}; {advice}"
        if not origin.is_rows_intact:
            rows = origin.file.parent.parent / "rows.parquet"
            yield f"{rows}: does not have the sha256 of its manifest; {advice}"


def lineage_as_dict(lineage: Lineage) -> dict[str, Any]:
    """Return a lineage as JSON prints it."""
    return {
        "table": lineage.table,
        "published": lineage.published,
        "role": lineage.role,
        "models": lineage.models,
        "is_intact": lineage.is_intact,
        "origins": [
            vars(origin) | {"retrieved_at": origin.retrieved_at.isoformat()} for origin in lineage.origins
        ],
        "note": lineage.note,
    }


def print_lineages(lineages: Sequence[Lineage]) -> None:
    """Print each published row once, and below it the origins of its figures by role."""
    previous: Lineage | None = None
    for lineage in lineages:
        if previous is None or previous.published != lineage.published:
            out.print(f"[bold]{lineage.table}[/bold]")
            grid = Table(box=None, show_header=False, pad_edge=False)
            grid.add_column(style="dim")
            grid.add_column(overflow="fold")
            for name, value in lineage.published.items():
                text = repr(value) if isinstance(value, float) else format_value(value)
                grid.add_row(f"  {name}", escape(text))
            out.print(grid)
        previous = lineage
        path = escape(" ← ".join(lineage.models))
        out.print(f"[bold]{escape(lineage.role)}[/bold]  {path}", soft_wrap=True, highlight=False)
        if lineage.note:
            print_line(f"  {lineage.note}")
        files: dict[Path, list[Origin]] = {}
        for origin in lineage.origins:
            files.setdefault(origin.file, []).append(origin)
        for origins in files.values():
            print_file(origins)


def print_file(origins: Sequence[Origin]) -> None:
    """Print a file, and the rows of it that figures come from; of many rows, the first ones."""
    first = origins[0]
    print_line(f"  {first.source} vintage {first.vintage}")
    fields = {
        "file": str(first.file),
        "sha256": f"{first.sha256} ({'matches' if first.is_file_intact else 'DOES NOT MATCH'})",
        "address": first.address,
        "retrieved": str(format_time(first.retrieved_at)),
    }
    if not first.is_rows_intact:
        fields["as sent"] = "unknown: rows.parquet DOES NOT MATCH its sha256"
    print_fields(fields, indent=4)
    for origin in origins[:ROWS_OF_A_FILE] if first.is_rows_intact else ():
        sent = ", ".join(
            f"{name}={value}"
            for name, value in origin.raw_row.items()
            if value is not None and not name.startswith("_")
        )
        where = origin.location or f"row {origin.row}"
        print_fields({where: sent}, indent=4, wrapped=(where,))
    if len(origins) > ROWS_OF_A_FILE and first.is_rows_intact:
        print_line(f"    … and {len(origins) - ROWS_OF_A_FILE} more rows; --json prints all", style="dim")
