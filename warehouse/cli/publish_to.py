"""The command `publish-to`: copy a release to a database server."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import AsJson
from warehouse.cli.render import print_json, print_line, print_warning

if TYPE_CHECKING:
    from warehouse.config import Settings


def publish_to(
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS",
            help="postgresql://user@host:5432/database; without it, WAREHOUSE_PUBLISH_TO. The password "
            "belongs in ~/.pgpass or PGPASSWORD.",
            show_default=False,
        ),
    ] = None,
    release: Annotated[
        str, typer.Option("--release", metavar="RELEASE", help="Its id, `previous` or `latest`.")
    ] = "latest",
    reader: Annotated[
        str,
        typer.Option("--reader", metavar="ROLE", help="The role that may select; empty for no grants."),
    ] = "bi_reader",
    as_json: AsJson = False,
) -> None:
    """Copy bi, marts and the dimensions of a release to PostgreSQL, in one transaction, and verify them."""
    from warehouse.config import load_settings
    from warehouse.publication import publish_to as publication

    settings = load_settings()
    if address is None:
        if settings.publish_to is None:
            raise typer.BadParameter("name the database, or set WAREHOUSE_PUBLISH_TO", param_hint="ADDRESS")
        address = settings.publish_to.get_secret_value()
    done = publication.publish_to(settings, address, release, reader or None)
    copied = done.copied
    if as_json:
        print_json(asdict(done))
        return
    print_line(
        f"copied release {done.release} to {done.address}: {len(copied.rows)} tables, "
        f"{sum(copied.rows.values()):,} rows, every cell verified"
    )
    for text, names in (
        ("new tables", copied.tables_created),
        ("new columns", copied.columns_added),
        ("columns that are not in this release, kept and empty", copied.columns_kept),
        ("tables that are not in this release, emptied", copied.tables_emptied),
    ):
        if names:
            print_line(f"{text}: {', '.join(names)}")
    for warning in copied.warnings:
        print_warning(warning)


def warn_of_copies(settings: Settings) -> None:
    """Print the commands that copy the current release, when the database or the bucket does not hold it."""
    from warehouse.objects.behind import objects_state
    from warehouse.publication.behind import database_state

    for state in (database_state(settings), objects_state(settings)):
        if state is not None and state.is_behind:
            print_warning(state.text)
