"""Which releases, builds and rejected loads are old enough to remove, and removing them.

A directory is first hidden by one rename and then removed: readers see all of it or nothing, a removal that
was killed is completed by the next, and an open database stays readable. Accepted vintages are never removed;
no function of this module is given a path in the landing.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from warehouse.config import RetentionPolicy
from warehouse.errors import WarehouseError
from warehouse.files import fsync, read_each
from warehouse.releases.history import append_entry, last_switch, read_history
from warehouse.releases.manifest import RELEASE_REMEDY, read_manifest
from warehouse.releases.store import LATEST, latest_name, release_dirs, switching

REMOVING_PREFIX = ".removing-"


def expired(
    aged: Iterable[tuple[Path, datetime]], *, keep: int, days: int, now: datetime, never: Collection[str] = ()
) -> tuple[Path, ...]:
    """Return the paths that are neither among the newest `keep` nor younger than `days`.

    `aged` is ordered oldest first, and this order says which are the newest, so that a wrong clock cannot
    expire them. Paths whose name is in `never` do not expire.
    """
    paths = list(aged)
    older = paths[: max(0, len(paths) - keep)]
    limit = now - timedelta(days=days)
    return tuple(path for path, made_at in older if made_at < limit and path.name not in never)


def hide(path: Path) -> Path:
    """Rename a directory to a hidden name, and return its new path."""
    hidden = path.with_name(f"{REMOVING_PREFIX}{path.name}")
    if hidden.exists():  # from a removal that was killed, before the name was used again
        shutil.rmtree(hidden)
    path.rename(hidden)
    fsync(path.parent)
    return hidden


def remove_hidden(folder: Path) -> int:
    """Remove the hidden directories of a folder; return the bytes that this frees.

    A file with another hard link frees none.
    """
    freed = 0
    for hidden in sorted(folder.glob(f"{REMOVING_PREFIX}*")):
        files = [path.lstat() for path in hidden.rglob("*") if not path.is_dir() or path.is_symlink()]
        freed += sum(file.st_size for file in files if file.st_nlink == 1)
        shutil.rmtree(hidden)
    return freed


def remove_releases(published: Path, policy: RetentionPolicy, now: datetime, actor: str) -> list[str]:
    """Record and hide the releases that have expired; return their names. `remove_hidden` then removes them.

    The current release and the two of the last switch of `latest` are kept at any age, and so is a release
    with an unreadable manifest, which the audit reports. Raises WarehouseError when the current release does
    not exist.
    """
    if not published.is_dir():
        return []
    with switching(published):
        directories, latest = release_dirs(published), latest_name(published)
        if latest is None and not directories:
            return []
        if latest not in {path.name for path in directories}:
            problem = f"points at release {latest}, which does not exist" if latest else "does not exist"
            raise WarehouseError(f"{published / LATEST}: {problem}; nothing was removed. {RELEASE_REMEDY}")
        switch = last_switch(read_history(published).require())
        aged = read_each(directories, lambda path: (path, read_manifest(path).published_at)).records
        gone = expired(
            aged,
            keep=policy.releases,
            days=policy.releases_days,
            now=now,
            never=[name for name in (latest, switch and switch.before, switch and switch.after) if name],
        )
        reason = f"beyond the newest {policy.releases} and older than {policy.releases_days} days"
        hide_on_record(published, gone, actor, reason)
    return [path.name for path in gone]


def hide_on_record(published: Path, releases: Iterable[Path], actor: str, reason: str) -> None:
    """Record the removal of releases, unless a try that was killed has done so, and hide them."""
    recorded = {entry.release for entry in read_history(published).records if entry.action == "remove"}
    latest = latest_name(published)
    for path in releases:
        if path.name not in recorded:
            append_entry(published, "remove", path.name, (latest, latest), actor, reason)
        hide(path)
