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

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer.core import TyperGroup

from warehouse import config, curated, landing, pipeline, publish
from warehouse import query as asking
from warehouse import trace as tracing
from warehouse.errors import WarehouseError
from warehouse.model import Request
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


class SourceOrWord(TyperGroup):
    """Let `warehouse backfill SOURCE …` stand beside `warehouse backfill list` and the other words."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Take a first word that is none of ours for a source to backfill."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["start", *args])


backfilling = typer.Typer(
    cls=SourceOrWord,
    help="Make a build beside the live one, compare, and wait: backfill SOURCE --from DAY --to DAY.",
    no_args_is_help=True,
)
app.add_typer(backfilling, name="backfill")
quarantined = typer.Typer(help="Look at what the gate refused, and overrule it.", no_args_is_help=True)
app.add_typer(quarantined, name="rejected")
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
Why = Annotated[str, typer.Option("--why", help="The reason; it goes on record.")]
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
        out.print(f"{pipeline.why_nothing()}; --force builds all the same", soft_wrap=True, markup=False)


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
    place, refused = config.from_environment(), pipeline.rejected()
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
                "rejected": sum(one["source"] == name and not one["accepted_as"] for one in refused),
                "overruled": f"{known[-1].overruled.by}: {known[-1].overruled.why}"
                if known and known[-1].overruled
                else None,
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
        if row["overruled"]:
            told_of = f"vintage {row['in_force']} was accepted over the gate's refusal, by {row['overruled']}"
            out.print(f"[yellow]{row['source']}[/yellow]: {escape(told_of)}", soft_wrap=True)
    out.print(
        f"release: {told['release']}, as of {told['as_of']}, at {stands}"
        if stands
        else "release: none yet; make one with: warehouse run",
        soft_wrap=True,
        markup=False,
    )
    out.print(f"home: {place.home}, {free_gib} GiB free", soft_wrap=True, markup=False)
    wrong = len(pipeline.wrong_now())
    out.print(f"alerts: {f'{wrong}; see them with: warehouse alerts' if wrong else 'none'}", markup=False)


@app.command()
def alerts(as_json: AsJson = False) -> None:
    """Tell what is wrong now: what happened, what stands, the command to run next, and who was told."""
    found = pipeline.alerts()
    if as_json:
        out.print_json(data=found)
        return
    for one in found:
        told = [f"{channel} {at:.16}Z" for channel, at in one["told"].items()]
        told += [f"{channel} could not be reached ({why})" for channel, why in one["unsent"].items()]
        out.print(f"[red]{one['kind']}[/red] [bold]{escape(one['subject'])}[/bold]")
        for noun, text in (
            ("happened", one["happened"]),
            ("stands", one["stands"]),
            ("run next", one["command"]),
            ("told", ", ".join(told) or "nobody yet"),
        ):
            out.print(f"  {noun:<10}{text}", soft_wrap=True, markup=False, highlight=False)
    out.print(
        f"{len(found)} alerts; OPERATIONS.md has a section for each kind" if found else "nothing is wrong"
    )


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
    place = config.from_environment()
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
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    most: Annotated[
        int | None, typer.Option("--rows", help="The most rows: 100 in a table, all in JSON and CSV.")
    ] = None,
) -> None:
    """Ask the release that stands a question in SQL. Nothing can be written, attached or copied."""
    is_table = not (as_json or as_csv)
    answer = asking.ask(release_that_stands() / pipeline.DATABASE, sql, most or (100 if is_table else None))
    if as_csv:
        asking.write_csv(answer, sys.stdout)
    else:
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        show(rows, as_json, columns=answer.columns)
    if answer.has_more:
        told = f"the first {len(answer.rows)} rows, and there are more; --rows shows more, --json, --csv all"
        (out if is_table else err).print(told, soft_wrap=True)


@app.command(name="releases")
def list_releases(as_json: AsJson = False) -> None:
    """List the releases, oldest first: which one stands, what is in it, which was rolled back and why."""
    rows = pipeline.list_releases()
    if as_json:
        out.print_json(data=rows)
        return
    shown = [
        row
        | {
            "latest": "←" if row["is_latest"] else "",
            "published": f"{row['published_at'][:16]}Z",
            "MiB": round(row["size_bytes"] / 2**20, 1),
            "rolled back": "{at:.16}Z by {who}: {why}".format(**row["rolled_back"])
            if row["rolled_back"]
            else None,
        }
        for row in rows
    ]
    columns = ("release", "latest", "published", "as_of", "vintages", "rows", "MiB", "rolled back")
    show(shown, as_json=False, columns=columns)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A release, `previous` or `latest`.")] = "previous",
    after: Annotated[str, typer.Argument(help="Another one.")] = "latest",
    as_json: AsJson = False,
    moves: Annotated[int, typer.Option("--moves", min=0, help="Biggest moves for each measure.")] = 3,
) -> None:
    """Compare two releases: the vintages, rows and cells that differ, and the biggest moves."""
    told = pipeline.diff(before, after, moves)
    if as_json:
        out.print_json(json.dumps(told, default=str, ensure_ascii=False))
        return
    out.print(f"from {told['before']} to {told['after']}", markup=False, highlight=False)
    for one in told["vintages"]:
        signs = [*(f"+{name}" for name in one["added"]), *(f"-{name}" for name in one["gone"])]
        out.print(f"  {one['source']}  {' '.join(signs)}", markup=False, highlight=False)
    rows = ("rows_before", "rows_after", "rows_added", "rows_gone", "rows_changed")
    if told["tables"]:
        show(told["tables"], as_json=False, columns=("table", *rows, "cells_changed"))
    out.print(f"{len(told['tables_equal'])} tables are equal", highlight=False)
    for table in told["tables"]:
        shown = [
            {**one, "key": " ".join(str(value) for value in one["key"].values() if value is not None)}
            for one in table["moves"]
        ]
        if shown:
            out.print(f"[bold]{table['table']}[/bold]: biggest moves")
            show(shown, as_json=False, columns=("measure", "key", "before", "after", "difference"))


@app.command()
def rollback(
    release: Annotated[str, typer.Argument(help="The release to go back to, or `previous`.")],
    why: Annotated[str, typer.Option("--why", help="The reason, for the record.")],
    as_json: AsJson = False,
) -> None:
    """Have readers see an earlier release, at once and on record."""
    told = pipeline.rollback(release, why)
    if as_json:
        out.print_json(data=told)
        return
    out.print(
        f"latest is {told['release']} now, and was {told['from']}. A night without news leaves it so; a new "
        "vintage, seed or line of code makes a new release",
        soft_wrap=True,
        markup=False,
    )


@app.command()
def maintain(as_json: AsJson = False) -> None:
    """Audit every checksum, remove what is old by the policy, and see that the disk has room for a build.

    Nothing is removed on a day on which the audit finds something.
    """
    audited = pipeline.audit(strict=False)
    retained = None if audited["findings"] else pipeline.retain()
    room = pipeline.disk(strict=False)
    if as_json:
        out.print_json(data={"audit": audited, "retention": retained, "disk": room})
    else:
        tell_maintenance(audited, retained, room)
    if audited["findings"] or not room["is_enough"]:
        raise typer.Exit(1)


@backfilling.command(name="start")
def start_backfill(
    source: Annotated[str, typer.Argument(help="The source to backfill.")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of retrieval.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of retrieval.")],
    mirror: Annotated[
        list[str] | None, typer.Option("--mirror", help="Recorded answers, may be given again; else live.")
    ] = None,
    reread: Annotated[
        bool, typer.Option("--reread", help="Fetch nothing: read the landing with today's reader.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Gather vintages into a build beside the live one, show what it would change, and let it wait."""
    if reread and mirror:
        raise typer.BadParameter("--reread fetches nothing, so it takes no --mirror")
    days = (first.date().isoformat(), last.date().isoformat())
    with downloading(source) as tell:
        made = pipeline.backfill_begin(source, *days, tuple(mirror or [None]), reread, tell)
    if made is None:
        tell_backfill(pipeline.show_backfill(pipeline.list_backfills()[-1]["id"]), as_json)
        return
    stepping("build", lambda: pipeline.backfill_build(made))
    tell_backfill(stepping("compare", lambda: pipeline.backfill_compare(made)), as_json)


@backfilling.command(name="list")
def list_backfills(as_json: AsJson = False) -> None:
    """List all backfills, oldest first, and where each stands."""
    show(pipeline.list_backfills(), as_json, ("id", "mode", "from", "to", "state", "by", "at", "why"))


@backfilling.command(name="show")
def show_backfill(backfill: str, as_json: AsJson = False) -> None:
    """Show what a backfill would change: tables, rows, cells, biggest moves."""
    tell_backfill(pipeline.show_backfill(backfill), as_json)


@backfilling.command(name="approve")
def approve_backfill(backfill: str, why: Why, as_json: AsJson = False) -> None:
    """Land what a backfill brings, and publish the very build that was shown."""
    tell_release(stepping("approve", lambda: pipeline.approve_backfill(backfill, why)), as_json)


@backfilling.command(name="discard")
def discard_backfill(backfill: str, why: Why) -> None:
    """Remove what a backfill made; the record of it stays."""
    pipeline.discard_backfill(backfill, why)
    out.print(f"discarded: {backfill}", soft_wrap=True, markup=False)


@quarantined.command(name="list")
def list_rejected(as_json: AsJson = False) -> None:
    """List what the gate refused, oldest first, with its first reason."""
    rows = [
        one | {"reason": next(iter(one["reasons"]), None), "accepted_as": one["accepted_as"]}
        for one in pipeline.rejected()
    ]
    show(rows, as_json, ("id", "source", "rejected_at", "is_judged", "accepted_as", "reason"))


@quarantined.command(name="show")
def show_rejected(pull: str, as_json: AsJson = False) -> None:
    """Show why a pull was refused, what came from where, and what to run next."""
    told = pipeline.show_rejected(pull)
    if as_json:
        out.print_json(data=told)
        return
    out.print(f"{told['id']}  {told['source']}  {told['rejected_at']}", markup=False)
    for reason in told["reasons"]:
        out.print(f"  {reason}", soft_wrap=True, markup=False)
    for file in told["files"]:
        said = f"  {file['name']}  {file['sha256']}  {file['retrieved_at']}  {file['address']}"
        out.print(said, soft_wrap=True, markup=False)
    if ruling := told["overruled"]:
        said = f"accepted as {told['accepted_as']} by {ruling['by']} at {ruling['at']}: {ruling['why']}"
        out.print(said, soft_wrap=True, markup=False)
    out.print(f"bytes and report: {told['directory']}\nnext: {told['next']}", soft_wrap=True, markup=False)


@quarantined.command(name="accept")
def accept_rejected(pull: str, why: Why, as_json: AsJson = False) -> None:
    """Accept a refused pull over the gate's refusal, on record; the next build publishes it."""
    vintage = stepping("accept", lambda: pipeline.overrule(pull, why))
    if as_json:
        out.print_json(data={"vintage": vintage})
    else:
        out.print(f"accepted: vintage {vintage}\npublish it with: warehouse publish", soft_wrap=True)


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
    seen = landing.checks(config.from_environment().landing, name)[-1]
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
    stands = publish.standing(config.from_environment().published)
    if stands is None:
        raise WarehouseError("there is no release yet. Make one with: warehouse run (or make run)")
    return stands


def tell_maintenance(audited: dict[str, Any], retained: dict[str, Any] | None, room: dict[str, Any]) -> None:
    """Print what the maintenance looked at, found and removed."""
    looked = "{vintages} vintages, {releases} releases, {files} files, {size_bytes:,} bytes".format(**audited)
    out.print(f"audit: {looked}; {len(audited['findings'])} findings", highlight=False)
    for one in audited["findings"]:
        told = f"{one['path']}: {one['what']}. {one['remedy']}"
        out.print(f"[red]broken[/red] {escape(told)}", soft_wrap=True)
    if retained is None:
        out.print("retention: nothing is removed while the audit finds something")
    else:
        for kind, names in retained["removed"].items():
            out.print(f"removed {kind}: {', '.join(names) or 'none'}", soft_wrap=True, markup=False)
        out.print(f"freed: {retained['freed_bytes']:,} bytes", highlight=False)
    out.print(
        f"disk: {room['free_bytes']:,} bytes free, a build needs {room['needed_bytes']:,} ({room['basis']})"
        + ("" if room["is_enough"] else ": TOO LITTLE, no build will begin"),
        soft_wrap=True,
        highlight=False,
    )


def tell_release(release: str | None, as_json: bool) -> None:
    """Print what was published, or that nothing had changed."""
    if as_json:
        out.print_json(data={"release": release})
    elif release:
        place = config.from_environment().published / release
        out.print(f"published: {release}\n{place}", soft_wrap=True, markup=False)
    else:
        out.print(pipeline.why_nothing(), soft_wrap=True, markup=False)


def tell_backfill(told: dict[str, Any], as_json: bool) -> None:
    """Print what a backfill brought and would change, and the commands that end it."""
    if as_json:
        out.print_json(json.dumps(told, default=str, ensure_ascii=False))
        return
    asked = f"{told['mode']} {told['source']}, {told['from']} to {told['to']}"
    out.print(f"{told['id']}  {asked}: {told['state']}", soft_wrap=True, markup=False)
    show(told.get("pulls", []), as_json=False)
    if "error" in told:
        out.print(f"failed: {told['error']}", soft_wrap=True, markup=False)
    tables = told.get("tables", [])
    rows = ("rows_before", "rows_after", "rows_added", "rows_gone", "rows_changed")
    counts = ("table", *rows, "cells_changed")
    show([{name: one[name] for name in counts} for one in tables], as_json=False)
    moves = [
        {
            "table": one["table"],
            "measure": move["measure"],
            "before": move["before"],
            "after": move["after"],
            "cell": ", ".join(str(value) for value in move["key"].values() if value is not None),
        }
        for one in tables
        for move in one["moves"]
    ]
    show(moves, as_json=False)
    for line in told["in_the_way"]:
        out.print(f"in the way of an approval: {line}", soft_wrap=True, markup=False)
    for one in told["log"]:
        out.print(f"{one['at']}  {one['state']}  {one['by']}: {one['why']}", soft_wrap=True, markup=False)
    if told["state"] == "waiting":
        for word in ("approve", "discard"):
            out.print(f"warehouse backfill {word} {told['id']} --why '…'", soft_wrap=True, markup=False)


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
        "role": trail.role,
        "published": trail.published,
        "models": trail.models,
        "origins": [vars(origin) for origin in trail.origins],
    }


def print_trail(trail: tracing.Trail) -> None:
    """Print a trail for a person."""
    out.print(f"[bold]{trail.table}[/bold]: {trail.role}")
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
