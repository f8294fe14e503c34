"""A home without a warehouse, a lost `latest`, and records that cannot be read: one message for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.config import Settings


def record_problems(settings: Settings) -> tuple[str, ...]:
    """Return a message for each unreadable record of the landing, the releases, the builds and the rest.

    A vintage of the current release that the landing has lost is among them.

    A home without a landing is a problem too, since an empty directory has nothing that could be right.
    """
    from warehouse.build import builds
    from warehouse.files import read_each
    from warehouse.landing import quarantine
    from warehouse.landing.home import home_problem
    from warehouse.releases.lost import lost_now

    if (problem := home_problem(settings)) and not settings.home.is_dir():
        return (problem,)
    problem = problem or missing_landing(settings)
    found = (
        *([problem] if problem else landing_problems(settings)),
        *lost_now(settings.landing, settings.published).values(),
        *release_problems(settings.published),
        *read_each(sorted(settings.build.glob("2*")), builds.read_verdict).problems,
        *quarantine.list_rejected(settings.rejected).problems,
        *backfill_problems(settings),
    )
    return tuple(dict.fromkeys(found))


def missing_landing(settings: Settings) -> str | None:
    """Return that the home holds no landing, as before the first run; None if it does."""
    if settings.landing.is_dir() and any(settings.landing.iterdir()):
        return None
    return f"{settings.home}: holds no landing. Check WAREHOUSE_HOME; for a new warehouse, run: warehouse run"


def landing_problems(settings: Settings) -> tuple[str, ...]:
    """Return the unreadable manifests of vintages and lines of the logs of polls and withdrawals."""
    from warehouse.landing import store, withdraw
    from warehouse.sources import SOURCES

    return tuple(
        problem
        for name in SOURCES
        for listing in (
            store.list_vintages(settings.landing, name),
            store.list_checks(settings.landing, name),
            withdraw.list_events(settings.landing, name),
        )
        for problem in listing.problems
    )


def release_problems(published: Path) -> tuple[str, ...]:
    """Return a lost `latest`, unreadable manifests and lines of the history, and databases of another size.

    Only the size of a database is compared; `warehouse maintain` compares its checksum.
    """
    from warehouse.errors import WarehouseError
    from warehouse.files import read_each
    from warehouse.releases.history import read_history
    from warehouse.releases.manifest import RELEASE_REMEDY, read_manifest
    from warehouse.releases.store import LATEST_REMEDY, latest_problem, release_dirs

    def check(release: Path) -> None:
        expected = read_manifest(release).database
        path = release / expected.file
        if not path.is_file():
            raise WarehouseError(f"{path}: the file is missing. {RELEASE_REMEDY}")
        if (size := path.stat().st_size) != expected.size_bytes:
            raise WarehouseError(
                f"{path}: has {size:,} bytes, its manifest records {expected.size_bytes:,}. {RELEASE_REMEDY}"
            )

    lost = latest_problem(published)
    return (
        *([f"{lost}. {LATEST_REMEDY}"] if lost else []),
        *read_each(release_dirs(published), check).problems,
        *read_history(published).problems,
    )


def backfill_problems(settings: Settings) -> tuple[str, ...]:
    """Return the unreadable requests and reports of backfills, and lines of their log."""
    from warehouse.backfill import records
    from warehouse.files import read_each

    listing = records.list_backfills(settings.backfill)
    directories = [backfill.directory for backfill in listing.records]
    reports = read_each(directories, lambda directory: records.read_report(records.read(directory)))
    return listing.problems + reports.problems + records.list_events(settings.backfill).problems


def require_home(settings: Settings) -> None:
    """Raise WarehouseError when the home does not exist, or exists and holds no landing."""
    from warehouse.errors import WarehouseError
    from warehouse.landing.home import home_problem

    if problem := home_problem(settings):
        raise WarehouseError(problem)
