"""The releases on disk: finding, listing and opening them, and the link `latest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb
from pydantic import BaseModel

from warehouse.errors import WarehouseError
from warehouse.files import Listing, fsync, locked, read_each, size_of
from warehouse.releases.history import HistoryEntry, read_history, rolled_back
from warehouse.releases.manifest import RELEASE_REMEDY, VintageRef, read_manifest

DATABASE = "warehouse.duckdb"
LATEST = "latest"
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
    release = published / name
    if not release.is_dir():
        raise WarehouseError(
            f"{published / LATEST}: points at release {name}, which does not exist. {RELEASE_REMEDY}"
        )
    return release.resolve()


def require_current(published: Path) -> Path:
    """Return the directory of the current release; raise WarehouseError if there is none."""
    release = current(published)
    if release is None:
        raise WarehouseError(f"{published}: there is no release yet. Make one with: warehouse run")
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
        wanted = _previous_name(published, tuple(known))
    if wanted is None or wanted not in known:
        what = f"{name} release" if name in (LATEST, "previous") else f"release {name!r}"
        gone = f": {wanted} does not exist" if wanted not in (None, name) else ""
        raise WarehouseError(
            f"{published}: there is no {what}{gone}. Existing releases: {', '.join(known) or 'none'}"
        )
    return known[wanted]


def _previous_name(published: Path, known: tuple[str, ...]) -> str | None:
    """Return what `latest` pointed at before its last switch; without a record, the release before it."""
    name = latest_name(published)
    for entry in reversed(read_history(published).require()):
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
        with duckdb.connect(str(database), read_only=True, config=dict(config or {})) as db:
            yield db
    except duckdb.IOException as error:
        raise damaged(database, error) from error


def damaged(database: Path, error: duckdb.Error) -> WarehouseError:
    """Return the error for a database file that cannot be read."""
    reason = str(error).splitlines()[0] if database.is_file() else "the file is missing"
    return WarehouseError(f"{database}: cannot be read ({reason}). {RELEASE_REMEDY}")
