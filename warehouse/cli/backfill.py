"""Commands on backfills: start, list, show, approve, discard."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from warehouse.cli.options import DAY_FORMAT, AsCsv, AsJson, Why
from warehouse.cli.problems import backfill_problems, require_home
from warehouse.cli.releases import print_table_diffs, table_as_dict
from warehouse.cli.render import (
    download_progress,
    format_time,
    print_csv,
    print_json,
    print_line,
    print_problems,
    print_table,
    run_step,
)

if TYPE_CHECKING:
    from warehouse.backfill.decide import BackfillStatus
    from warehouse.backfill.records import Backfill
    from warehouse.config import Settings


class SourceOrCommand(TyperGroup):
    """A group in which the name of a source may be used instead of the command `start`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Take a first argument that is no command for the name of a source."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["start", *args])


app = typer.Typer(
    cls=SourceOrCommand,
    help="Build past vintages beside the live warehouse, compare, and decide on them.",
    no_args_is_help=True,
)
BackfillId = Annotated[
    str, typer.Argument(metavar="BACKFILL", help="The id that `warehouse backfill list` shows.")
]

COLUMNS = ("id", "source", "mode", "from", "to", "state", "actor", "at", "reason")


@app.command()
def start(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source to backfill.")],
    first: Annotated[
        datetime,
        typer.Option(
            "--from", metavar="YYYY-MM-DD", formats=[DAY_FORMAT], help="First day of retrieval, included."
        ),
    ],
    last: Annotated[
        datetime,
        typer.Option(
            "--to", metavar="YYYY-MM-DD", formats=[DAY_FORMAT], help="Last day of retrieval, included."
        ),
    ],
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            "--mirror",
            metavar="MIRROR",
            help="A directory or address of recorded answers; may be given again. Without it: the publisher.",
        ),
    ] = None,
    reread: Annotated[
        bool, typer.Option("--reread", help="Fetch nothing; parse landed vintages with the present reader.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Gather past vintages, build them beside the live warehouse, and show what they would change."""
    from warehouse.backfill import stage
    from warehouse.config import load_settings

    if reread and mirror:
        raise typer.BadParameter("--reread fetches nothing, so it takes no --mirror")
    settings = load_settings()
    days = (first.date().isoformat(), last.date().isoformat())
    with download_progress(source) as progress:
        backfill_id = stage.begin(settings, source, *days, tuple(mirror or [None]), reread, progress)
    if not stage.is_empty(settings, backfill_id):
        run_step("build", lambda: stage.build(settings, backfill_id))
        run_step("compare", lambda: stage.compare(settings, backfill_id))
    print_backfill(settings, backfill_id, as_json)


@app.command(name="list")
def list_backfills(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List all backfills with their states, oldest first."""
    from warehouse.backfill import records
    from warehouse.config import load_settings

    settings = load_settings()
    require_home(settings)
    rows = [summary(settings, one) for one in records.list_backfills(settings.backfill).records]
    if as_csv:
        print_csv(rows, COLUMNS)
    elif as_json:
        print_json(rows)
    elif rows:
        print_table(rows, ("id", "mode", "from", "to", "state"), droppable=("mode",))
        for row in rows:
            if row["at"]:
                print_line(f"{row['id']}: {row['state']} {row['at']:.16}Z by {row['actor']}: {row['reason']}")
    else:
        print_line("no backfills")
    print_problems(backfill_problems(settings))


@app.command()
def show(backfill: BackfillId, as_json: AsJson = False) -> None:
    """Show what a backfill would change: tables, rows, cells and the biggest changes."""
    from warehouse.config import load_settings

    print_backfill(load_settings(), backfill, as_json)


@app.command()
def approve(backfill: BackfillId, why: Why, as_json: AsJson = False) -> None:
    """Land the vintages of a backfill, and publish the build that was shown."""
    from warehouse.backfill import decide
    from warehouse.cli.build import print_release
    from warehouse.config import load_settings

    settings = load_settings()
    release = run_step("approve", lambda: decide.approve(settings, backfill, why))
    print_release(settings, release, as_json)


@app.command()
def discard(backfill: BackfillId, why: Why) -> None:
    """Remove what a backfill staged; its record stays."""
    from warehouse.backfill import decide
    from warehouse.config import load_settings

    decide.discard(load_settings(), backfill, why)
    print_line(f"discarded: {backfill}")


def summary(settings: Settings, backfill: Backfill) -> dict[str, Any]:
    """Return what was requested, the state, and the last decision or event."""
    from warehouse.backfill import records

    events = records.events(settings.backfill, backfill.id)
    last = events[-1] if events else None
    return {
        "id": backfill.id,
        "source": backfill.source,
        "mode": backfill.mode,
        "from": backfill.first.isoformat(),
        "to": backfill.last.isoformat(),
        "state": records.state(settings.backfill, backfill.id),
        "actor": last.actor if last else None,
        "at": last.at.isoformat(timespec="seconds") if last else None,
        "reason": last.reason if last else None,
    }


def print_backfill(settings: Settings, backfill_id: str, as_json: bool) -> None:
    """Print all that is known of a backfill, and the commands that end it."""
    from warehouse.backfill import decide

    status = decide.show(settings, backfill_id)
    if as_json:
        print_json(status_as_dict(settings, status))
    else:
        print_status(status)


def status_as_dict(settings: Settings, status: BackfillStatus) -> dict[str, Any]:
    """Return a backfill as JSON prints it; parts of the report that do not exist yet are left out."""
    return {
        **summary(settings, status.request),
        "mirrors": [mirror or "the publisher" for mirror in status.request.mirrors],
        "log": [event.model_dump(mode="json") for event in status.events],
        "blockers": list(status.blockers),
        **status.report.model_dump(mode="json", exclude_unset=True),
        "tables": [table_as_dict(table) for table in status.report.tables],
    }


def print_status(status: BackfillStatus) -> None:
    """Print a backfill for a person."""
    from warehouse.releases.diff import describe_equal

    request, report = status.request, status.report
    requested = f"{request.mode} {request.source}, {request.first} to {request.last}"
    print_line(f"{request.id}  {requested}: {status.state}")
    pulls = [
        pull.model_dump(mode="json") | {"at": format_time(pull.retrieved_at)} for pull in report.pulls or ()
    ]
    if pulls:
        columns = {"subject": "load", "at": "retrieved", "outcome": "outcome", "vintage": "vintage"}
        print_table(pulls, columns | {"rows": "rows", "detail": "detail"})
    if report.error:
        print_line(f"failed: {report.error}")
    if report.after:
        print_line(f"from {report.before} to {report.after}, as of {report.as_of}")
        print_table_diffs(report.tables)
        print_line(describe_equal(report.tables_equal))
    for blocker in status.blockers:
        print_line(f"blocks the approval: {blocker}")
    for event in status.events:
        print_line(f"{format_time(event.at)}  {event.state}  {event.actor}: {event.reason}")
    if status.state in ("waiting", "approving"):
        print_line(f"warehouse backfill approve {request.id} --why '…'")
    if status.state == "waiting":
        print_line(f"warehouse backfill discard {request.id} --why '…'")
