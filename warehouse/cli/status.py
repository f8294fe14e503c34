"""Commands that report the present state: status, alerts."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from warehouse.cli.options import AsCsv, AsJson, ExitCode
from warehouse.cli.problems import record_problems
from warehouse.cli.render import (
    format_time,
    out,
    print_csv,
    print_fields,
    print_json,
    print_line,
    print_problems,
    print_table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from warehouse.config import Settings
    from warehouse.landing.quarantine import RejectedLoad
    from warehouse.model import Vintage
    from warehouse.releases.manifest import ReleaseManifest, SetAside

COLUMNS = {
    "source": "source",
    "freshness": "freshness",
    "in_force": "vintage",
    "vintages": "vintages",
    "rows": "rows",
    "last_check": "last check",
    "outcome": "outcome",
    "rejected": "rejected",
}
DROPPABLE = ("vintages", "rows", "rejected", "last_check")


def status(as_json: AsJson = False, as_csv: AsCsv = False, exit_code: ExitCode = False) -> None:
    """Show each source's newest vintage, last check and freshness, the current release and the free disk.

    Writes nothing. Exits with 1 when the home holds no landing, when `latest` is lost, and when a record
    cannot be read; with `--exit-code` also when there is an alert or no release yet. CSV has the sources.
    """
    from warehouse.alerts import find_alerts
    from warehouse.cli.problems import require_home
    from warehouse.config import load_settings
    from warehouse.files import read_each
    from warehouse.landing import quarantine
    from warehouse.objects.behind import objects_state
    from warehouse.publication.behind import database_state
    from warehouse.releases.lost import lost_now
    from warehouse.releases.store import latest_name
    from warehouse.sources import SOURCES

    settings = load_settings()
    if not as_json:
        require_home(settings)
    today = datetime.now(UTC).date()
    rejected = quarantine.list_rejected(settings.rejected).records
    manifest = current_manifest(settings)
    lost = {ref.source for ref in lost_now(settings.landing, settings.published)}
    rows = [source_row(settings, name, today, rejected, manifest, lost) for name in SOURCES]
    release, database = latest_name(settings.published), database_state(settings)
    bucket = read_each([settings], objects_state)
    objects = bucket.records[0] if bucket.records else None
    free_gib = free_disk_gib(settings)
    problems = record_problems(settings) + bucket.problems
    count = len(find_alerts(settings, today))
    if as_csv:
        print_csv(rows, rows[0])
        print_problems(problems)
    elif as_json:
        as_of = manifest.as_of.isoformat() if manifest else None
        summary = {
            "release": release,
            "as_of": as_of,
            "free_disk_gib": free_gib,
            "alerts": count,
            "database": asdict(database) if database else None,
            "objects": asdict(objects) if objects else None,
        }
        print_json({"home": str(settings.home), **summary, "sources": rows, "problems": problems})
    else:
        print_table(rows, COLUMNS, droppable=DROPPABLE)
        print_remarks(rows)
        print_line(release_line(settings, release, manifest))
        for copy in (database, objects):
            if copy:
                print_line(copy.text)
        print_line(f"home: {settings.home}, {free_gib} GiB free")
        print_line(f"alerts: {f'{count}; list them with: warehouse alerts' if count else 'none'}")
        print_problems(problems)
    if problems or (exit_code and (count or release is None)):
        raise typer.Exit(1)


def release_line(settings: Settings, release: str | None, manifest: ReleaseManifest | None) -> str:
    """Return the line about the current release: its name and day, or why there is none."""
    from warehouse.alerts import REPAIR
    from warehouse.releases.store import latest_problem

    if latest_problem(settings.published):
        return f"release: unknown, `latest` is lost ({release or 'no link'}); repair it with: {REPAIR}"
    if manifest:
        return f"release: {release}, as of {manifest.as_of}, in {settings.published / str(release)}"
    if release:
        return f"release: {release}, which cannot be read"
    return "release: none yet; make one with: warehouse run"


def source_row(
    settings: Settings,
    name: str,
    today: date,
    rejected: Sequence[RejectedLoad],
    manifest: ReleaseManifest | None,
    lost: Set[str],
) -> dict[str, Any]:
    """Return the state of one source; unreadable records of it are left out.

    Its freshness and the outcome of its last poll are `unknown` when they depend on nothing that can be read.
    """
    from warehouse.landing import store
    from warehouse.landing.freshness import freshness_of

    listing, polls = store.list_vintages(settings.landing, name), store.list_checks(settings.landing, name)
    vintages = listing.records
    is_unknown = not vintages and (bool(listing.problems) or name in lost)
    newest = vintages[-1] if vintages else None
    freshness = freshness_of(settings, name, today)
    check = freshness.last_check
    decision = newest.overruled if newest else None
    aside = [one for one in (manifest.set_aside if manifest else ()) if one.source == name]
    return {
        "source": name,
        "freshness": "unknown" if is_unknown else freshness.status,
        "vintages": len(vintages),
        "in_force": newest.id if newest else None,
        "rows": newest.row_count if newest else None,
        "last_check": format_time(check.polled_at) if check else None,
        "outcome": check.outcome if check else "unknown" if polls.problems else "never",
        "detail": check.detail if check else None,
        "rejected": sum(load.source == name and load.override is None for load in rejected),
        "overruled": f"{decision.actor}: {decision.reason}" if decision else None,
        "remarks": remarks_of(newest, aside),
        "expected_on": freshness.overdue.due_on.isoformat() if freshness.overdue else None,
    }


def remarks_of(newest: Vintage | None, aside: Sequence[SetAside]) -> list[str]:
    """Return remarks on a source: a vintage left out of the release, failed parts, and drift."""
    remarks = [
        f"vintage {one.vintage} is left out of the release, {one.used_instead or 'nothing'} is used: "
        f"{one.reason}"
        for one in aside
    ]
    if newest is not None:
        remarks += [
            f"part {one.part} failed, figures of {one.carried_from or 'no vintage'}: {one.reason}"
            for one in newest.failed_parts
        ]
        remarks += [f"drift in {one.file}: {one.detail}" for one in newest.drift]
    return remarks


def print_remarks(rows: Sequence[dict[str, Any]]) -> None:
    """Print why sources failed, and which vintages an operator accepted over the load gate."""
    for row in rows:
        if row["outcome"] in ("rejected", "failed"):
            out.print(
                f"[red]{row['source']}[/red]: {escape(str(row['detail']))}", soft_wrap=True, highlight=False
            )
        for remark in row["remarks"]:
            out.print(f"[yellow]{row['source']}[/yellow]: {escape(remark)}", soft_wrap=True, highlight=False)
        if row["overruled"]:
            text = f"vintage {row['in_force']} was accepted over the load gate by {row['overruled']}"
            out.print(f"[yellow]{row['source']}[/yellow]: {escape(text)}", soft_wrap=True, highlight=False)


def current_manifest(settings: Settings) -> ReleaseManifest | None:
    """Return the manifest of the current release; None when there is none or it cannot be read."""
    from warehouse.files import read_each
    from warehouse.releases.manifest import read_manifest
    from warehouse.releases.store import current

    found = read_each([settings.published], current).records
    manifests = read_each([release for release in found if release], read_manifest).records
    return manifests[0] if manifests else None


def free_disk_gib(settings: Settings) -> float:
    """Return the free space, in GiB, of the file system that holds the home or will hold it."""
    existing = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    return round(shutil.disk_usage(existing).free / 2**30, 1)


def alerts(as_json: AsJson = False, as_csv: AsCsv = False, exit_code: ExitCode = False) -> None:
    """List what is wrong now: what failed, why, what readers are served, and the command to run next.

    Exits with 1 when the home holds no landing and when a record cannot be read; with `--exit-code` also when
    there is any alert or no release yet.
    """
    from warehouse.alerts import Alert, find_alerts
    from warehouse.config import load_settings
    from warehouse.releases.served import in_force
    from warehouse.releases.store import latest_name

    settings = load_settings()
    found, problems = find_alerts(settings), record_problems(settings)
    rows = [alert.model_dump(mode="json") for alert in found]
    if as_csv:
        print_csv(rows, [name for name, field in Alert.model_fields.items() if not field.exclude])
    elif as_json:
        print_json(rows)
    else:
        for alert in found:
            out.print(f"[red]{alert.kind}[/red] [bold]{escape(alert.subject)}[/bold]", soft_wrap=True)
            fields = {
                "failed": alert.happened,
                "why": alert.reason,
                "served now": alert.served or "nothing",
                "run next": alert.command,
            }
            print_fields(fields, wrapped=("failed", "why", "served now"))
        count = f"{len(found)} alert{'' if len(found) == 1 else 's'}"
        if found:
            print_line(f"{count}; OPERATIONS.md has a section for each kind")
        else:
            print_line(count if problems else "nothing is wrong")
        print_line(f"in force: {in_force(settings)}")
    listed = tuple(alert.reason for alert in found if alert.kind == "unreadable")
    print_problems(one for one in problems if not one.startswith(listed))
    if problems or (exit_code and (found or latest_name(settings.published) is None)):
        raise typer.Exit(1)
