"""Commands on releases: releases, diff, rollback, maintain."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from warehouse.cli.options import AsCsv, AsJson, Why
from warehouse.cli.publish_to import warn_of_copies
from warehouse.cli.render import (
    format_time,
    out,
    print_csv,
    print_json,
    print_line,
    print_problems,
    print_table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warehouse.maintenance import Maintenance, Removed
    from warehouse.releases.diff import DiffReport, TableDiff

WIDE = 120  # columns; narrower terminals show no differences beside before and after
ROW_COUNTS = {
    "table": "table",
    "rows_before": "rows before",
    "rows_after": "rows after",
    "rows_added": "added",
    "rows_gone": "gone",
    "rows_changed": "changed",
    "cells_changed": "cells changed",
}


def releases(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the releases, oldest first: what is in them, which is current, which were rolled back and why."""
    from warehouse.cli.problems import release_problems, require_home
    from warehouse.config import load_settings
    from warehouse.releases.store import ReleaseSummary, list_releases

    settings = load_settings()
    if not settings.published.is_dir():  # releases without a landing are listed: a restore needs their names
        require_home(settings)
    listing = list_releases(settings.published)
    found = [release.model_dump(mode="json", by_alias=True) for release in listing.records]
    if as_csv:
        print_csv(found, ReleaseSummary.model_fields)
    elif as_json:
        print_json(found)
    elif not listing.records and not listing.problems:
        print_line("no releases yet; make one with: warehouse run")
    else:
        rows = [
            {
                "release": release.release,
                "": "← latest" if release.is_latest else "",
                "published": format_time(release.published_at),
                "as of": release.as_of,
                "vintages": release.vintages,
                "rows": release.rows,
                "size": f"{release.size_bytes / 2**20:,.1f} MiB",
            }
            for release in listing.records
        ]
        columns = ("release", "", "published", "as of", "vintages", "rows", "size")
        print_table(rows, columns, droppable=("vintages", "rows"))
        for release in listing.records:
            if entry := release.rolled_back:
                when = format_time(entry.at)
                print_line(f"{release.release} was rolled back {when} by {entry.actor}: {entry.reason}")
    print_problems(dict.fromkeys((*listing.problems, *release_problems(settings.published))))


def diff(
    before: Annotated[
        str, typer.Argument(metavar="BEFORE", help="A release: its id, `previous` or `latest`.")
    ] = "previous",
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The release to compare with it.")] = "latest",
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    moves: Annotated[
        int, typer.Option("--moves", metavar="N", min=0, help="Biggest changes to show for each measure.")
    ] = 3,
) -> None:
    """Compare two releases: the vintages, rows and cells that differ, and the biggest changes.

    CSV has the counts of the tables that differ.
    """
    from warehouse.config import load_settings
    from warehouse.releases.diff import describe_equal
    from warehouse.releases.diff import diff as compare_releases

    report = compare_releases(load_settings().published, before, after, moves)
    if as_csv:
        print_csv([table_as_dict(table) for table in report.tables], ROW_COUNTS)
        return
    if as_json:
        print_json(diff_as_dict(report))
        return
    print_line(f"from {report.before} to {report.after}")
    for vintages in report.vintages:
        signs = [*(f"+{name}" for name in vintages.added), *(f"-{name}" for name in vintages.gone)]
        print_line(f"  {vintages.source}  {' '.join(signs)}")
    print_table_diffs(report.tables)
    print_line(describe_equal(report.tables_equal))


def diff_as_dict(report: DiffReport) -> dict[str, Any]:
    """Return a comparison as JSON prints it."""
    return asdict(report) | {"tables": [table_as_dict(table) for table in report.tables]}


def table_as_dict(table: TableDiff) -> dict[str, Any]:
    """Return how one table differs, as JSON prints it."""
    return asdict(table) | {"cells_changed": table.cells_changed}


def print_table_diffs(tables: Sequence[TableDiff]) -> None:
    """Print the counts of the tables that differ, and the biggest changes of each."""
    if not tables:
        return
    print_table(
        [table_as_dict(table) for table in tables], ROW_COUNTS, droppable=("rows_before", "rows_after")
    )
    for table in tables:
        if table.columns_added or table.columns_gone:
            signs = [
                *(f"+{name}" for name in table.columns_added),
                *(f"-{name}" for name in table.columns_gone),
            ]
            print_line(f"{table.table}: columns {' '.join(signs)}")
        rows = [
            asdict(move) | {"key": " ".join(str(value) for value in move.key.values() if value is not None)}
            for move in table.moves
        ]
        if rows:
            out.print(f"[bold]{table.table}[/bold]: biggest changes")
            difference = ("difference",) if out.width >= WIDE else ()
            figures = ("measure", "before", "after", *difference)
            print_table(rows, (*figures, "key"), unbroken=figures)


def rollback(
    release: Annotated[
        str, typer.Argument(metavar="RELEASE", help="The release to go back to: its id, or `previous`.")
    ],
    why: Why,
    as_json: AsJson = False,
) -> None:
    """Make an earlier release the current release, and withdraw the vintages that it does not have."""
    from warehouse.config import load_settings
    from warehouse.errors import WarehouseError
    from warehouse.releases.rollback import roll_back

    settings = load_settings()
    if not settings.published.is_dir():
        raise WarehouseError(
            f"{settings.published}: no release yet. Check WAREHOUSE_HOME, or make one with: warehouse publish"
        )
    entry, withdrawn, restored, is_unchanged = roll_back(settings, release, why)
    warn_of_copies(settings)
    if as_json:
        changed = {
            "withdrawn": [one.model_dump() for one in withdrawn],
            "restored": [one.model_dump() for one in restored],
        }
        print_json(entry.model_dump(mode="json", by_alias=True) | changed)
        return
    if is_unchanged:
        print_line(f"{entry.release} is already the current release; nothing was changed")
        if entry.before is not None:
            print_line(f"to undo the rollback: warehouse rollback {entry.before} --why '…'")
        return
    print_line(
        f"latest is now {entry.release}, and was {entry.before}. The nightly run will not republish "
        f"{entry.before}; new data, seeds or code will make a new release"
    )
    for one in withdrawn:
        print_line(
            f"withdrawn: {one.source} {one.vintage}; let it in again with: "
            f"warehouse vintages restore {one.source} {one.vintage} --why '…'"
        )
    for one in restored:
        print_line(f"restored: {one.source} {one.vintage}")


def maintain(as_json: AsJson = False) -> None:
    """Verify every checksum, remove what is old by the retention policy, and check the disk space.

    Nothing is removed when the audit finds something. Exits with 1 when it does, or when the disk has no
    space for a build.
    """
    from warehouse import metrics
    from warehouse.cli.problems import require_home
    from warehouse.config import load_settings
    from warehouse.maintenance import maintain as run_maintenance

    settings = load_settings()
    if not settings.home.is_dir():  # releases without a landing are verified all the same
        require_home(settings)
    result = run_maintenance(settings)
    metrics.update(settings)
    if as_json:
        print_json(
            {
                "audit": asdict(result.audit),
                "retention": removed_as_dict(result.removed) if result.removed else None,
                "releases": {"bytes": result.releases_bytes, "limit_bytes": result.releases_limit_bytes},
                "disk": result.disk.model_dump(mode="json"),
            }
        )
    else:
        print_maintenance(result)
    if result.audit.findings or not result.disk.is_enough:
        raise typer.Exit(1)


def removed_as_dict(removed: Removed) -> dict[str, Any]:
    """Return what was removed, as JSON prints it."""
    names = removed.model_dump(mode="json")
    return {"removed": names, "freed_bytes": names.pop("freed_bytes")}


def print_maintenance(result: Maintenance) -> None:
    """Print what was verified, found and removed, and the disk space."""
    audit, disk = result.audit, result.disk
    count = len(audit.findings)
    print_line(
        f"audit: {audit.vintages} vintages, {audit.releases} releases, {audit.files} files, "
        f"{audit.size_bytes:,} bytes; {count} finding{'' if count == 1 else 's'}"
    )
    for finding in audit.findings:
        text = f"{finding.path}: {finding.what}. {finding.remedy}"
        out.print(f"[red]damaged:[/red] {escape(text)}", soft_wrap=True, highlight=False)
    if result.removed is None:
        print_line("retention: nothing is removed while the audit has findings")
    else:
        removed = removed_as_dict(result.removed)
        for kind, names in removed["removed"].items():
            print_line(f"removed {kind}: {', '.join(names) or 'none'}")
        print_line(f"freed: {removed['freed_bytes']:,} bytes")
    size, limit = (count / 2**30 for count in (result.releases_bytes, result.releases_limit_bytes))
    print_line(f"releases: {size:,.2f} GiB, at most {limit:,.2f} (WAREHOUSE_KEEP_RELEASES_GIB)")
    print_line(
        f"disk: {disk.free_bytes:,} bytes free, a build needs {disk.needed_bytes:,} ({disk.basis})"
        + ("" if disk.is_enough else ": NOT ENOUGH, no build will begin")
    )
