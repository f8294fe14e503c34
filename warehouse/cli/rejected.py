"""Commands on rejected loads: list, show, accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from warehouse.cli.options import AsCsv, AsJson, Why
from warehouse.cli.render import (
    format_time,
    print_csv,
    print_fields,
    print_json,
    print_line,
    print_problems,
    run_step,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warehouse.config import Settings
    from warehouse.landing.quarantine import RejectedLoad
    from warehouse.model import Fetched

app = typer.Typer(
    help="Show the loads that the load gate rejected, and accept one over its verdict.", no_args_is_help=True
)
LoadId = Annotated[
    str,
    typer.Argument(metavar="LOAD", help="The id that `warehouse rejected list` shows, or how it begins."),
]


COLUMNS = ("id", "source", "rejected_at", "was_validated", "reasons", "accepted_as", "overruled", "reason")


@app.command(name="list")
def list_rejected(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the rejected loads, oldest first, each with its first reason."""
    from warehouse.cli.problems import require_home
    from warehouse.config import load_settings
    from warehouse.landing import quarantine

    settings = load_settings()
    require_home(settings)
    listing = quarantine.list_rejected(settings.rejected)
    rows = [load_as_dict(load) | {"reason": first_reason(load)} for load in listing.records]
    if as_csv:
        print_csv(rows, COLUMNS)
    elif as_json:
        print_json(rows)
    elif listing.records or listing.problems:
        for load in listing.records:
            print_line(f"{load.id}  {load.source}  {format_time(load.rejected_at)}  {state_of(load)}")
            print_line(f"  {first_reason(load)}")
    else:
        print_line("no rejected loads")
    print_problems(listing.problems)


@app.command()
def show(load: LoadId, as_json: AsJson = False) -> None:
    """Show why a load was rejected, its files and their addresses, and the command to run next."""
    from warehouse.config import load_settings
    from warehouse.fetch import read_fetched
    from warehouse.landing import quarantine

    settings = load_settings()
    entry = quarantine.find(settings.rejected, load)
    files = read_fetched(entry.directory / "files")
    following = next_step(settings, entry, files)
    if as_json:
        print_json(
            load_as_dict(entry)
            | {
                "directory": str(entry.directory),
                "files": [file.model_dump(mode="json") for file in files],
                "report": entry.report,
                "next": following,
            }
        )
        return
    print_line(f"{entry.id}  {entry.source}  {format_time(entry.rejected_at)}  {state_of(entry)}")
    for reason in entry.reasons:
        print_line(f"  {reason}")
    for file in files:
        print_line(f"  {file.name}")
        print_fields(
            {
                "address": file.address,
                "retrieved": str(format_time(file.retrieved_at)),
                "sha256": file.sha256,
            },
            indent=4,
        )
    if override := entry.override:
        when = format_time(override.at)
        print_line(f"accepted as {override.vintage} by {override.actor} at {when}: {override.reason}")
    print_line(f"files and report: {entry.directory}\nnext: {following}")


@app.command()
def accept(load: LoadId, why: Why, as_json: AsJson = False) -> None:
    """Land a rejected load over the load gate's verdict, on record; the next build publishes it."""
    from warehouse.build.steps import source_named
    from warehouse.config import load_settings
    from warehouse.landing import quarantine

    settings = load_settings()
    entry = quarantine.find(settings.rejected, load)
    source = source_named(entry.source)
    vintage = run_step("accept", lambda: quarantine.accept(settings, source, entry, why))
    if as_json:
        print_json({"vintage": vintage.id})
    else:
        print_line(f"accepted: vintage {vintage.id}\npublish it with: warehouse publish")


def load_as_dict(load: RejectedLoad) -> dict[str, Any]:
    """Return a rejected load as JSON prints it, without its report."""
    return {
        "id": load.id,
        "source": load.source,
        "rejected_at": load.rejected_at.isoformat(timespec="seconds"),
        "was_validated": load.was_validated,
        "reasons": load.reasons,
        "accepted_as": load.override.vintage if load.override else None,
        "overruled": load.override.model_dump(mode="json", exclude={"vintage"}) if load.override else None,
    }


def first_reason(load: RejectedLoad) -> str | None:
    """Return the first reason of a rejection."""
    return load.reasons[0] if load.reasons else None


def state_of(load: RejectedLoad) -> str:
    """Return whether a load was accepted, can be accepted, or could not be read."""
    if load.override:
        return f"accepted as {load.override.vintage}"
    if not load.was_validated:
        return "unreadable"
    return "rejected: not of the expected form" if load.faults_of_form else "rejected"


def next_step(settings: Settings, load: RejectedLoad, files: Sequence[Fetched]) -> str:
    """Return what an operator can do about a rejected load; `files` are those of the load."""
    from warehouse.build.steps import is_published
    from warehouse.landing import quarantine, store

    if load.override:
        vintages = store.list_vintages(settings.landing, load.source).records
        accepted = [one for one in vintages if one.id == load.override.vintage]
        is_out = any(is_published(settings, one) for one in accepted)
        return "nothing: it is in the current release" if is_out else "warehouse publish"
    if problem := quarantine.superseded(settings.landing, load, files):
        return f"nothing: {problem}"
    if load.was_validated and not load.faults_of_form:
        return f"warehouse rejected accept {load.id} --why '…', if the publisher is right and the gate is not"
    reader = f"warehouse/sources/{load.source}.py"
    what = "a table without its form" if load.was_validated else "a load that cannot be read"
    return (
        f"{what} cannot be accepted: correct {reader}, wait for the publisher, or serve a corrected file "
        "from a mirror (OPERATIONS.md, Serve a corrected file)"
    )
