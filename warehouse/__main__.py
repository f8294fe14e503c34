"""The command line: `warehouse`, or `python -m warehouse`.

Keeps: each word is one or two calls of `warehouse.pipeline` or `warehouse.trace`, a progress display, a
readable table, and `--json` for scripts. Exit codes: 0 done (also when there was nothing to do), 1 a
failure that is told in one line, 2 wrong usage.

Refuses: logic of its own; any way to write to a release.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import duckdb
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from warehouse import curated, landing, pipeline, publish, settings
from warehouse import trace as tracing
from warehouse.source import Request, WarehouseError
from warehouse.sources import SOURCES

app = typer.Typer(
    name="warehouse",
    help="Services Trade Warehouse: every published figure, by source and vintage, traced to its bytes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(curated.app, name="curated")
T = TypeVar("T")
WIDTH_WHEN_PIPED = 200  # a file or a pager has room that an 80-column guess would fold away
out = Console(width=None if sys.stdout.isatty() else WIDTH_WHEN_PIPED)
err = Console(stderr=True)

Names = Annotated[list[str] | None, typer.Argument(help="Names of sources; all of them if none is given.")]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Build what was known on this day, e.g. 2024-07-11."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of a table.")]
Force = Annotated[bool, typer.Option("--force", help="Build even if nothing has changed.")]


@app.command()
def sources(as_json: AsJson = False) -> None:
    """List the publishers' tables that this warehouse reads."""
    rows = [
        {
            "source": one.name,
            "publisher": one.publisher,
            "table": one.table,
            "title": one.title,
            "licence": one.licence,
            "homepage": one.homepage,
        }
        for one in SOURCES.values()
    ]
    show(rows, as_json, columns=("source", "publisher", "table", "title"))


@app.command()
def fetch(names: Names = None, as_json: AsJson = False) -> None:
    """Pull sources, judge what came, and land what is new. One that fails stops no other."""
    rows = [ingest(name) for name in names or list(SOURCES)]
    show(rows, as_json)
    if any(row["outcome"] == "failed" for row in rows):
        raise typer.Exit(1)


@app.command()
def build(as_of: AsOf = None, force: Force = False, as_json: AsJson = False) -> None:
    """Build and validate a release without publishing it; print its directory."""
    made = make_build(as_of, force)
    told = {"build": made, "database": str(Path(made) / pipeline.DATABASE) if made else None}
    if as_json:
        out.print_json(data=told)
    elif made:
        told_of = f"built and validated: {made}\npublish it with: warehouse publish {made}"
        out.print(told_of, soft_wrap=True, markup=False)
    else:
        out.print("nothing has changed since the release that stands; --force builds all the same")


@app.command(name="publish")
def publish_build(
    build_directory: Annotated[
        str | None, typer.Argument(metavar="[BUILD]", help="A build's directory; a new one if none is given.")
    ] = None,
    as_of: AsOf = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Publish a validated build as the newest release, building it first if none is named."""
    made = build_directory or make_build(as_of, force)
    release = stepping("publish", lambda: pipeline.publish(made)) if made else None
    tell_release(release, as_json)


@app.command()
def run(as_json: AsJson = False) -> None:
    """Do a whole night without Airflow: fetch every source, then publish if anything is new."""
    rows = [ingest(name) for name in SOURCES]
    if not as_json:
        show(rows, as_json)
    made = make_build(None, force=False)
    release = stepping("publish", lambda: pipeline.publish(made)) if made else None
    tell_release(release, as_json)
    if any(row["outcome"] == "failed" for row in rows):
        raise typer.Exit(1)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Tell what is in force: each source's vintage and last check, the release, the free disk."""
    place = settings.from_environment()
    rows = []
    for name in SOURCES:
        known = landing.vintages(place.landing, name)
        seen = landing.checks(place.landing, name)
        rows.append(
            {
                "source": name,
                "vintages": len(known),
                "in_force": known[-1].id if known else None,
                "rows": known[-1].row_count if known else None,
                "last_check": seen[-1].looked_at.strftime("%Y-%m-%d %H:%MZ") if seen else None,
                "outcome": seen[-1].outcome if seen else "never",
                "detail": seen[-1].detail if seen else None,
                "rejected": len(list((place.rejected / name).glob("*/report.json"))),
            }
        )
    stands = publish.standing(place.published)
    told = publish.read_manifest(stands) if stands else {}
    place.home.mkdir(parents=True, exist_ok=True)
    free_gib = round(shutil.disk_usage(place.home).free / 2**30, 1)
    if as_json:
        summary = {"release": told.get("release"), "as_of": told.get("as_of"), "free_disk_gib": free_gib}
        out.print_json(data={"home": str(place.home), **summary, "sources": rows})
        return
    columns = ("source", "in_force", "vintages", "rows", "last_check", "outcome", "rejected")
    show(rows, as_json, columns)
    for row in rows:
        if row["outcome"] in ("rejected", "failed"):
            out.print(f"[red]{row['source']}[/red]: {escape(str(row['detail']))}", soft_wrap=True)
    out.print(
        f"release: {told['release']}, as of {told['as_of']}, at {stands}"
        if stands
        else "release: none yet; make one with: warehouse run",
        soft_wrap=True,
        markup=False,
    )
    out.print(f"home: {place.home}, {free_gib} GiB free", soft_wrap=True, markup=False)


@app.command()
def trace(
    table: Annotated[str, typer.Argument(help="A mart, e.g. marts.mart_trade_scale.")],
    conditions: Annotated[
        list[str] | None, typer.Argument(help="Columns and values, e.g. reporter=CHN.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the way back of published figures: mart, models, raw rows, file, checksum, address, time."""
    wanted = {}
    for one in conditions or []:
        name, sign, value = one.partition("=")
        if not sign:
            raise typer.BadParameter(f"{one!r} is not of the form column=value")
        wanted[name] = value
    place = settings.from_environment()
    trails = tracing.trace(release_that_stands(), place.landing, pipeline.rows_of, table, wanted)
    if as_json:
        out.print_json(
            json.dumps([trail_as_dict(trail) for trail in trails], default=str, ensure_ascii=False)
        )
        return
    for trail in trails:
        print_trail(trail)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="A question in SQL; schemas core and marts.")],
    as_json: AsJson = False,
    rows_shown: Annotated[int, typer.Option("--rows", help="The most rows to show in a table.")] = 100,
) -> None:
    """Ask the release that stands a question in SQL. Nothing can be written, attached or copied."""
    with duckdb.connect(
        str(release_that_stands() / pipeline.DATABASE),
        read_only=True,
        config={"enable_external_access": "false", "lock_configuration": "true"},
    ) as db:
        try:
            answer = db.execute(sql)
            found = answer.fetchall() if answer else []
        except duckdb.Error as error:
            raise WarehouseError(f"the query failed: {error}") from error
        columns = [name for name, *_ in answer.description or ()] if answer else []
        if not columns:
            raise WarehouseError("the query asks nothing")
        if twice := sorted({name for name in columns if columns.count(name) > 1}):
            raise WarehouseError(f"two columns are named {', '.join(twice)}: tell them apart with `as`")
    rows = [dict(zip(columns, row, strict=True)) for row in found]
    show(rows if as_json else rows[:rows_shown], as_json, columns=tuple(columns))
    if not as_json and len(rows) > rows_shown:
        out.print(f"{rows_shown} of {len(rows)} rows; --rows shows more, --json all")


# --- what the words share -----------------------------------------------------------------------------


def ingest(name: str) -> dict[str, Any]:
    """Fetch and accept one source; tell the outcome as a row of a table."""
    with downloading(name) as tell:
        try:
            vintage = pipeline.accept(name, pipeline.fetch(name, tell))
        except WarehouseError as error:
            if name not in SOURCES:
                raise
            return {"source": name, "outcome": "failed", "vintage": None, "detail": str(error)}
    seen = landing.checks(settings.from_environment().landing, name)[-1]
    return {"source": name, "outcome": seen.outcome, "vintage": vintage, "detail": seen.detail}


def make_build(as_of: datetime | None, force: bool) -> str | None:
    """Load, transform and validate a build; None when there is nothing new to build."""
    day = as_of.date().isoformat() if as_of else None
    made = stepping("load", lambda: pipeline.load(day, force))
    if made is None:
        return None
    stepping("transform", lambda: pipeline.transform(made))
    return stepping("validate", lambda: pipeline.validate(made))


def stepping(name: str, step: Callable[[], T]) -> T:
    """Run one step of a build under a spinner, and leave a line with its time."""
    with Progress(
        SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn(), console=err
    ) as shown:
        task = shown.add_task(name, total=1)
        result = step()
        shown.update(task, completed=1)
    return result


@contextmanager
def downloading(name: str) -> Iterator[Callable[[Request, int], None]]:
    """Show the bytes of a source as they come."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=err,
        transient=True,
    ) as shown:
        task = shown.add_task(name, total=None)
        done: dict[str, int] = {}

        def tell(request: Request, so_far: int) -> None:
            done[request.name] = so_far
            shown.update(task, description=f"{name} {request.name}", completed=sum(done.values()))

        yield tell


def release_that_stands() -> Path:
    """Return the directory of the release that readers see; raise when there is none."""
    stands = publish.standing(settings.from_environment().published)
    if stands is None:
        raise WarehouseError("there is no release yet. Make one with: warehouse run (or make run)")
    return stands


def tell_release(release: str | None, as_json: bool) -> None:
    """Print what was published, or that nothing had changed."""
    if as_json:
        out.print_json(data={"release": release})
    elif release:
        place = settings.from_environment().published / release
        out.print(f"published: {release}\n{place}", soft_wrap=True, markup=False)
    else:
        out.print("nothing has changed since the release that stands")


def show(rows: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...] | None = None) -> None:
    """Print rows as a table, or as JSON."""
    if as_json:
        out.print_json(json.dumps(rows, default=str, ensure_ascii=False))
        return
    names = columns or (tuple(rows[0]) if rows else ())
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        numbers = all(isinstance(row[name], int | float) or row[name] is None for row in rows)
        table.add_column(name, justify="right" if numbers and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell(row[name])) for name in names))
    out.print(table)


def cell(value: object) -> str:
    """Print one value of a table."""
    if value is None:
        return "–"
    return f"{value:,.3f}" if isinstance(value, float) else str(value)


def trail_as_dict(trail: tracing.Trail) -> dict[str, Any]:
    """Spell a trail for JSON."""
    return {
        "table": trail.table,
        "published": trail.published,
        "models": trail.models,
        "origins": [vars(origin) for origin in trail.origins],
    }


def print_trail(trail: tracing.Trail) -> None:
    """Print a trail for a person."""
    out.print(f"[bold]{trail.table}[/bold]")
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in trail.published.items():
        grid.add_row(f"  {name}", escape(cell(value) if not isinstance(value, float) else repr(value)))
    out.print(grid)
    out.print("[bold]through[/bold]  " + " ← ".join(trail.models), soft_wrap=True)
    for origin in trail.origins:
        place = origin.place or f"row {origin.row}"
        out.print(f"[bold]from[/bold]  {origin.source} vintage {origin.vintage}, {escape(place)}")
        sent = ", ".join(
            f"{name}={value}"
            for name, value in origin.raw_row.items()
            if value is not None and not name.startswith("_")
        )
        verdict = "holds" if origin.is_checksum_right else "DOES NOT HOLD: the file was changed or is gone"
        for label, value in (
            ("as sent", sent),
            ("file", str(origin.file)),
            ("sha256", f"{origin.sha256} ({verdict})"),
            ("address", origin.address),
            ("retrieved", origin.retrieved_at),
        ):
            out.print(f"  [dim]{label:<10}[/dim]{escape(value)}", soft_wrap=True)


def main() -> None:
    """Run the command line; tell a failure in one line on standard error and exit with 1."""
    try:
        app()
    except (WarehouseError, OSError) as error:
        err.print(f"[red]failed[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
