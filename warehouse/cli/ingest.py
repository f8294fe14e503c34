"""Commands that ingest: sources, fetch, run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from warehouse.cli.build import build_if_new, publish_and_print
from warehouse.cli.options import AsCsv, AsJson
from warehouse.cli.render import download_progress, print_csv, print_json, print_line, print_table

if TYPE_CHECKING:
    from warehouse.config import Settings

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="SOURCE", help="Names of sources; all sources if none is given."),
]


def sources(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the publishers' tables that this warehouse reads."""
    from warehouse.sources import SOURCES

    fields = ("publisher", "table", "title", "evidenced", "licence", "homepage")
    rows = [
        {"source": source.name, **{field: getattr(source, field) for field in fields}}
        for source in SOURCES.values()
    ]
    if as_csv:
        print_csv(rows, ("source", *fields))
    elif as_json:
        print_json(rows)
    else:
        columns = ("source", "publisher", "table", "title", "evidenced")
        print_table(rows, columns, droppable=("table", "title"))


def fetch(names: Names = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Fetch sources, validate the answers and land what is new. A source that fails stops no other."""
    from warehouse.build.steps import source_named
    from warehouse.config import load_settings
    from warehouse.sources import SOURCES

    settings = load_settings()
    wanted = [source_named(name).name for name in names or SOURCES]
    rows = [ingest_source(settings, name) for name in wanted]
    print_outcomes(rows, as_json, as_csv)
    exit_if_failed(rows, ("failed", "rejected", "not configured") if names else ("failed", "rejected"))


def run(as_json: AsJson = False) -> None:
    """Do a nightly run without Airflow: fetch every source, publish what is new, or refresh the release."""
    from warehouse.build import steps
    from warehouse.config import load_settings
    from warehouse.sources import SOURCES

    settings = load_settings()
    rows = [ingest_source(settings, name) for name in SOURCES]
    if not as_json:
        print_outcomes(rows)
    build_id = build_if_new(settings)
    publish_and_print(settings, build_id, as_json)
    if build_id is None and (refreshed := steps.refresh(settings)) and not as_json:
        print_line(f"refreshed the freshness of the sources: release {refreshed}")
    exit_if_failed(rows)


def ingest_source(settings: Settings, name: str) -> dict[str, Any]:
    """Fetch and accept one source; return the outcome as a row. A failure or a rejection is an outcome."""
    from warehouse.build import steps
    from warehouse.errors import NotConfigured, Rejected, WarehouseError
    from warehouse.landing import store

    with download_progress(name) as progress:
        try:
            vintage = steps.accept(settings, name, steps.fetch(settings, name, progress))
        except NotConfigured as error:
            return {"source": name, "outcome": "not configured", "vintage": None, "detail": str(error)}
        except WarehouseError as error:
            outcome = "rejected" if isinstance(error, Rejected) else "failed"
            return {"source": name, "outcome": outcome, "vintage": None, "detail": str(error)}
    last = store.list_checks(settings.landing, name).records[-1]
    failed = [f"; {one.part} failed: {one.reason}" for one in last.failed_parts]
    return {
        "source": name,
        "outcome": last.outcome,
        "vintage": vintage or last.vintage,
        "detail": last.detail + "".join(failed),
    }


def print_outcomes(rows: list[dict[str, Any]], as_json: bool = False, as_csv: bool = False) -> None:
    """Print the outcomes of a fetch."""
    columns = ("source", "outcome", "vintage", "detail")
    if as_csv:
        print_csv(rows, columns)
    elif as_json:
        print_json(rows)
    else:
        print_table(rows, columns)


def exit_if_failed(rows: list[dict[str, Any]], failures: tuple[str, ...] = ("failed", "rejected")) -> None:
    """Exit with 1 if an outcome is one of `failures`, or if no source is configured."""
    outcomes = {row["outcome"] for row in rows}
    if outcomes.intersection(failures) or outcomes == {"not configured"}:
        raise typer.Exit(1)
