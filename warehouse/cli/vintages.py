"""Commands on landed vintages: list, withdraw, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from warehouse.cli.options import AsCsv, AsJson, Why
from warehouse.cli.render import (
    format_time,
    print_csv,
    print_json,
    print_line,
    print_problems,
    print_table,
    run_step,
)

if TYPE_CHECKING:
    from warehouse.config import Settings
    from warehouse.model import Vintage

app = typer.Typer(
    help="List the landed vintages of a source, take one out of force, and let it in again.",
    no_args_is_help=True,
)
SourceName = Annotated[
    str, typer.Argument(metavar="SOURCE", help="The source, as `warehouse sources` lists it.")
]
VintageId = Annotated[str, typer.Argument(metavar="VINTAGE", help="The id of the vintage, YYYY-MM-DD.")]
COLUMNS = ("vintage", "rows", "state", "retrieved", "remarks")


@app.command(name="list")
def list_vintages(source: SourceName, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the vintages of a source, oldest first, with what was decided about them.

    Exits with 1 when one of them cannot be read, or when the landing has lost one of the current release.
    """
    from warehouse.build.steps import source_named
    from warehouse.cli.problems import require_home
    from warehouse.config import load_settings
    from warehouse.landing import store
    from warehouse.releases.lost import lost_now

    settings = load_settings()
    name = source_named(source).name
    require_home(settings)
    listing = store.list_all(settings.landing, name)
    lost = [
        text for ref, text in lost_now(settings.landing, settings.published).items() if ref.source == name
    ]
    problems = [*listing.problems, *lost]
    rows = [vintage_as_dict(settings, one) for one in listing.records]
    if as_csv:
        print_csv(rows, COLUMNS)
    elif as_json:
        print_json(rows)
    elif rows:
        print_table(rows, COLUMNS)
    elif not problems:
        print_line(f"no vintage of {source} has landed; fetch one with: warehouse fetch {source}")
    print_problems(problems)


@app.command()
def withdraw(source: SourceName, vintage: VintageId, why: Why, as_json: AsJson = False) -> None:
    """Take a vintage out of force, on record; its files stay, and no build reads it."""
    from warehouse.build.steps import source_named
    from warehouse.config import load_settings
    from warehouse.landing import store
    from warehouse.landing import withdraw as withdrawing

    settings = load_settings()
    name = source_named(source).name
    require_vintage(settings, name, vintage)
    subject = f"{name} {vintage}"
    already = run_step(
        "withdraw",
        lambda: withdrawing.withdraw(
            settings.landing,
            name,
            vintage,
            why,
            settings.operator,
            subject=subject,
            seconds=settings.lock_seconds,
        ),
    )
    remaining = store.list_vintages(settings.landing, name).records
    in_force = remaining[-1].id if remaining else None
    if as_json:
        decision = already.model_dump(mode="json") if already else None
        print_json({"source": name, "withdrawn": vintage, "in_force": in_force, "already": decision})
        return
    if already:
        print_line(
            f"{subject} was withdrawn already, by {already.actor} on {already.at:%Y-%m-%d}: {already.reason}"
            f"; nothing was changed. To record another reason, restore it first: "
            f"warehouse vintages restore {name} {vintage} --why '…'"
        )
        return
    print_line(f"withdrawn: {name} {vintage}; in force is {in_force or 'no vintage'}")
    print_line("build and publish without it with: warehouse publish")


@app.command()
def restore(source: SourceName, vintage: VintageId, why: Why, as_json: AsJson = False) -> None:
    """Let a withdrawn vintage in again, on record; the next build reads it."""
    from warehouse.build.steps import source_named
    from warehouse.config import load_settings
    from warehouse.landing import withdraw as withdrawing

    settings = load_settings()
    name = source_named(source).name
    require_vintage(settings, name, vintage)
    restored = run_step(
        "restore",
        lambda: withdrawing.restore(
            settings.landing, name, vintage, why, settings.operator, settings.lock_seconds
        ),
    )
    if as_json:
        print_json({"source": name, "restored": restored.id})
        return
    print_line(f"restored: {name} {restored.id}\nbuild and publish with it with: warehouse publish")


def require_vintage(settings: Settings, name: str, vintage: str) -> None:
    """Raise UnknownName unless the source has the vintage, in the landing or in a release."""
    from warehouse.errors import UnknownName
    from warehouse.landing import store
    from warehouse.releases.store import vintages_released

    known = {one.id for one in store.list_all(settings.landing, name).records}
    known |= {one.vintage for one in vintages_released(settings.published) if one.source == name}
    if vintage not in known:
        raise UnknownName(f"{name} has no vintage {vintage}; see: warehouse vintages list {name}")


def vintage_as_dict(settings: Settings, vintage: Vintage) -> dict[str, Any]:
    """Return one vintage as a row of the list."""
    from warehouse.build.steps import is_published

    remarks = [
        f"accepted over the load gate by {one.actor}: {one.reason}" for one in [vintage.overruled] if one
    ]
    remarks += [f"withdrawn by {one.actor}: {one.reason}" for one in [vintage.withdrawn] if one]
    remarks += [
        f"{one.part} is of {one.carried_from or 'no vintage'}: {one.reason}" for one in vintage.failed_parts
    ]
    remarks += [f"drift in {one.file}: {one.detail}" for one in vintage.drift]
    state = "withdrawn" if vintage.withdrawn else "published" if is_published(settings, vintage) else "landed"
    return {
        "vintage": vintage.id,
        "rows": vintage.row_count,
        "state": state,
        "retrieved": format_time(vintage.retrieved_at),
        "remarks": "; ".join(remarks) or None,
    }
