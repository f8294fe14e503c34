"""The releases on disk: finding, listing and opening them, and the link `latest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
from pydantic import BaseModel

from warehouse.database import connect
from warehouse.errors import UnknownName, WarehouseError
from warehouse.files import Listing, fsync, locked, read_each, size_of
from warehouse.releases.history import HistoryEntry, last_switch, read_history, rolled_back
from warehouse.releases.manifest import RELEASE_REMEDY, VintageRef, read_manifest

DATABASE = "warehouse.duckdb"
LATEST = "latest"
LATEST_REMEDY = "Point it at the newest intact release with: warehouse repair latest"
SWITCH_TIMEOUT_SECONDS = 60  # a switch takes milliseconds; only a stopped process holds the lock longer


class ReleaseSummary(BaseModel, frozen=True):
    """One release as `warehouse releases` lists it.

    `vintages` and `rows` are counts. `rolled_back` is the newest rollback from this release; None if there
    was none, or if it was made the current release again.
    """

    release: str
    published_at: datetime
    is_latest: bool
    as_of: date
    vintages: int
    rows: int
    size_bytes: int
    rolled_back: HistoryEntry | None


class RollbackTarget(NamedTuple):
    """The release that a rollback makes current, and the one that it replaces.

    `recorded` is the rollback in the history that the command repeats, None for a new one.
    """

    directory: Path
    before: str | None
    recorded: HistoryEntry | None


def release_dirs(published: Path) -> tuple[Path, ...]:
    """Return the directories of all releases in the order in which they were published.

    The order of the history is used and not a clock's; releases older than the history come first, by name.
    """
    entries = read_history(published).records
    made = [entry.release for entry in entries if entry.action in ("publish", "refresh")]
    order = {release: number for number, release in enumerate(made)}
    found = [path for path in published.glob("[!.]*/") if not path.is_symlink()]
    return tuple(sorted(found, key=lambda path: (order.get(path.name, -1), path.name)))


def latest_name(published: Path) -> str | None:
    """Return the release that `latest` points at, whether or not it exists; None without the link."""
    link = published / LATEST
    return link.readlink().name if link.is_symlink() else None


def current(published: Path) -> Path | None:
    """Return the directory of the current release; None before the first.

    Raises WarehouseError when `latest` points at a release that does not exist.
    """
    name = latest_name(published)
    if name is None:
        return None
    if problem := _dangling(published, name):
        raise WarehouseError(f"{problem}. {LATEST_REMEDY}")
    return (published / name).resolve()


def latest_problem(published: Path) -> str | None:
    """Return what is wrong with the link `latest`: lost, no link, or a lost release; None if right.

    The link is lost when the history has a switch to a release, or releases exist without a history. The
    release that `latest` points at is not checked.
    """
    link, name = published / LATEST, latest_name(published)
    if name is not None:
        return _dangling(published, name)
    if link.exists():
        return f"{link}: is not a symbolic link; move it away"
    entries = read_history(published).records
    if last_switch(entries) is not None or (not entries and release_dirs(published)):
        return f"{link}: the link to the current release is missing"
    return None


def _dangling(published: Path, name: str) -> str | None:
    if (published / name).is_dir():
        return None
    return f"{published / LATEST}: points at release {name}, which does not exist"


def require_current(published: Path) -> Path:
    """Return the directory of the current release; raise WarehouseError if there is none."""
    if problem := latest_problem(published):
        raise WarehouseError(f"{problem}. {LATEST_REMEDY}")
    release = current(published)
    if release is None:
        raise WarehouseError(
            f"{published}: there is no release yet. Make one with: warehouse run; if there should be one, "
            "check WAREHOUSE_HOME"
        )
    return release


def vintages_released(published: Path) -> set[VintageRef]:
    """Return the vintages of all releases whose manifest can be read."""
    manifests = read_each(release_dirs(published), read_manifest).records
    return {one.ref for manifest in manifests for one in manifest.vintages}


def find_release(published: Path, name: str) -> Path:
    """Return the directory of a release by its id, `latest` or `previous` (what `latest` was before).

    Raises WarehouseError with the existing releases when there is no such release.
    """
    known = {path.name: path for path in release_dirs(published)}
    wanted: str | None = name
    if name == LATEST:
        wanted = latest_name(published)
    elif name == "previous":
        wanted = previous_name(published, tuple(known))
    if wanted is None or wanted not in known:
        if name in (LATEST, "previous") and (problem := latest_problem(published)):
            raise WarehouseError(f"{problem}. {LATEST_REMEDY}")
        what = f"{name} release" if name in (LATEST, "previous") else f"release {name!r}"
        gone = f": {wanted} does not exist" if wanted not in (None, name) else ""
        kind = WarehouseError if name in (LATEST, "previous") else UnknownName
        raise kind(f"{published}: there is no {what}{gone}. Existing releases: {', '.join(known) or 'none'}")
    return known[wanted]


def rollback_target(published: Path, wanted: str) -> RollbackTarget:
    """Return what a rollback to `wanted`, an id or `previous`, makes current.

    Right after a rollback `previous` is the release that it went to and not the one that it left: a command
    that is run again, after a kill or by a second operator, goes to the same release. Raises WarehouseError
    when there is no such release, and when `previous` was rolled back before a refresh or a repair.
    """
    history, latest = read_history(published), latest_name(published)
    switch = last_switch(history.require() if wanted == "previous" else history.records)
    last = switch if switch is not None and switch.action == "rollback" else None
    directory = find_release(published, last.release if last and wanted == "previous" else wanted)
    left = rolled_back(history.records).get(directory.name)
    if left is not None and last is None and wanted == "previous":
        raise WarehouseError(
            f"{published}: the release before {latest} is {directory.name}, which was rolled back on "
            f"{left.at:%Y-%m-%d} by {left.actor}: {left.reason}. Nothing was changed. Choose from "
            "`warehouse releases`, and give the id: warehouse rollback RELEASE --why '…'"
        )
    if last is not None and last.after == directory.name:
        return RollbackTarget(directory, last.before, last)
    return RollbackTarget(directory, latest, None)


def previous_name(published: Path, known: tuple[str, ...]) -> str | None:
    """Return what `latest` pointed at before its last switch; without a record, the release before it."""
    name = latest_name(published)
    for entry in reversed(read_history(published).require()):
        if entry.action == "repair":  # what it replaced was lost; the release came by an earlier switch
            continue
        if entry.after == name and entry.before not in (None, name):
            if entry.action != "refresh":  # the same release with newer freshness is not its predecessor
                return entry.before
            name = entry.before
    earlier = known[: known.index(name)] if name in known else ()
    return earlier[-1] if earlier else None


def switching(published: Path) -> AbstractContextManager[None]:
    """Lock `latest` and the list of releases; a build in progress does not hold this lock."""
    return locked(
        published / ".lock",
        f"{published}: another process is switching `latest` or removing releases now",
        SWITCH_TIMEOUT_SECONDS,
    )


def point_latest(published: Path, release: str) -> None:
    """Point `latest` at a release by one rename, so that the link is never missing."""
    link = published / f".{LATEST}.partial"
    link.unlink(missing_ok=True)
    link.symlink_to(release)
    link.replace(published / LATEST)
    fsync(published)


def list_releases(published: Path) -> Listing[ReleaseSummary]:
    """Summarize the releases in the order of publication.

    The listing has a message for each unreadable MANIFEST.json and each unreadable line of the history.
    """
    history = read_history(published)
    rollbacks = rolled_back(history.records)
    latest = latest_name(published)

    def summary(release: Path) -> ReleaseSummary:
        manifest = read_manifest(release)
        return ReleaseSummary(
            release=release.name,
            published_at=manifest.published_at,
            is_latest=release.name == latest,
            as_of=manifest.as_of,
            vintages=len(manifest.vintages),
            rows=sum(table.rows for table in manifest.tables.values()),
            size_bytes=size_of(release),
            rolled_back=rollbacks.get(release.name),
        )

    found = read_each(release_dirs(published), summary)
    return Listing(found.records, found.problems + history.problems)


@contextmanager
def reading(
    database: Path, config: Mapping[str, str | bool | int | float | list[str]] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database of a release read-only.

    Raises WarehouseError when the file is missing or damaged, also when the block finds that out: DuckDB
    verifies a checksum when it first reads each storage block.
    """
    try:
        with connect(database, read_only=True, config=dict(config or {})) as db:
            yield db
    except duckdb.IOException as error:
        raise damaged(database, error) from error


def damaged(database: Path, error: duckdb.Error) -> WarehouseError:
    """Return the error for a database file that cannot be read."""
    reason = str(error).splitlines()[0] if database.is_file() else "the file is missing"
    return WarehouseError(f"{database}: cannot be read ({reason}). {RELEASE_REMEDY}")
