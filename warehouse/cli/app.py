"""The typer application: every command under its name, in the order of `warehouse --help`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from typer.core import TyperOption

from warehouse import __version__
from warehouse.cli import (
    backfill,
    backup,
    build,
    curated,
    ingest,
    inspect,
    metrics,
    objects,
    publish_to,
    rejected,
    releases,
    repair,
    status,
    vintages,
)

_value_shown = TyperOption.display_type_rich


def _show_value(option: TyperOption, ctx: Any) -> str | None:
    """Return what the help shows as the value of an option: nothing for a flag, where typer has `<bool>`."""
    return None if option.is_flag else _value_shown(option, ctx)


TyperOption.display_type_rich = _show_value  # type: ignore[method-assign, assignment]

app = typer.Typer(
    name="warehouse",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # joins the lines of a paragraph
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(is_wanted: bool) -> None:
    """Print the version and exit, if the option is given."""
    if is_wanted:
        typer.echo(f"warehouse {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Log each step to standard error, with counts and seconds."),
    ] = False,
    log_format: Annotated[
        Literal["text", "json"] | None, typer.Option("--log-format", help="The form of the log.")
    ] = None,
) -> None:
    """Services Trade Warehouse: published figures by source and vintage, traceable to their files."""
    if verbose or log_format:
        from warehouse.logs import configure

        configure(verbose, log_format)


app.command()(ingest.sources)
app.command()(ingest.fetch)
app.command()(build.build)
app.command()(build.publish)
app.command()(ingest.run)
app.command()(status.status)
app.command()(status.alerts)
app.command()(inspect.query)
app.command()(inspect.trace)
app.command()(releases.releases)
app.command()(releases.diff)
app.command()(releases.rollback)
app.command("publish-to")(publish_to.publish_to)
app.command()(releases.maintain)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(metrics.metrics)
app.add_typer(backfill.app, name="backfill")
app.add_typer(rejected.app, name="rejected")
app.add_typer(vintages.app, name="vintages")
app.add_typer(curated.app, name="curated")
app.add_typer(repair.app, name="repair")
app.add_typer(objects.app, name="objects")
