"""Which releases, builds and rejected loads are old enough to remove, and removing them.

A directory is first hidden by one rename and then removed: readers see all of it or nothing, a removal that
was killed is completed by the next, and an open database stays readable. Accepted vintages are never removed;
no function of this module is given a path in the landing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from warehouse.config import RetentionPolicy
from warehouse.errors import WarehouseError
from warehouse.files import fsync, read_each
from warehouse.releases.history import append_entry, last_switch, read_history
from warehouse.releases.manifest import RELEASE_REMEDY, read_manifest
from warehouse.releases.store import LATEST, latest_name, previous_name, release_dirs, switching

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


def over_size(
    releases: Sequence[Path], *, limit_bytes: float, never: Collection[str] = ()
) -> tuple[Path, ...]:
    """Return the oldest releases, without which the others have at most `limit_bytes` together.

    `releases` are ordered oldest first. A file that several releases have by hard link takes space until the
    last of them is removed. Releases whose name is in `never` are not returned, and count.
    """
    kept = [path for path in releases if path.name in never]
    others = [path for path in reversed(releases) if path.name not in never]
    total, seen, beyond = 0, set[int](), list[Path]()
    for path in (*kept, *others):
        files = {status.st_ino: status.st_size for status in _files_of(path)}
        total += sum(size for inode, size in files.items() if inode not in seen)
        seen |= files.keys()
        if total > limit_bytes and path.name not in never:
            beyond.append(path)
    return tuple(reversed(beyond))


def size_of_releases(published: Path) -> int:
    """Return the bytes of all releases; a file that several have by hard link counts once."""
    return sum(
        {file.st_ino: file.st_size for path in release_dirs(published) for file in _files_of(path)}.values()
    )


def _files_of(directory: Path) -> list[os.stat_result]:
    """Return the status of every file below a directory."""
    return [path.lstat() for path in directory.rglob("*") if not path.is_dir() or path.is_symlink()]


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
        freed += sum(file.st_size for file in _files_of(hidden) if file.st_nlink == 1)
        shutil.rmtree(hidden)
    return freed


def remove_releases(published: Path, policy: RetentionPolicy, now: datetime, actor: str) -> list[str]:
    """Record and hide the releases that have expired; return their names. `remove_hidden` then removes them.

    Expired are those beyond number and age, and then the oldest of those that are larger together than the
    policy allows. The current release, the one before it and the two of the last switch of `latest` are kept
    in any case, and so is a release with an unreadable manifest, which the audit reports. Raises
    WarehouseError when the current release does not exist.
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
        entries = read_history(published).require()
        switch, previous = (
            last_switch(entries),
            previous_name(published, tuple(path.name for path in directories)),
        )
        kept = (latest, switch and switch.before, switch and switch.after, previous)
        never = [name for name in kept if name]
        aged = read_each(directories, lambda path: (path, read_manifest(path).published_at)).records
        old = expired(aged, keep=policy.releases, days=policy.releases_days, now=now, never=never)
        reason = f"beyond the newest {policy.releases} and older than {policy.releases_days} days"
        hide_on_record(published, old, actor, reason)
        # A release with an unreadable manifest takes space too, and is kept.
        readable = {path for path, _ in aged}
        left = [path for path in directories if path not in old]
        unreadable = [path.name for path in left if path not in readable]
        limit = policy.releases_gib * 2**30
        large = over_size(left, limit_bytes=limit, never=(*never, *unreadable))
        reason = f"all releases together are larger than {policy.releases_gib:g} GiB"
        hide_on_record(published, large, actor, reason)
    return [path.name for path in (*old, *large)]


def hide_on_record(published: Path, releases: Iterable[Path], actor: str, reason: str) -> None:
    """Record the removal of releases, unless a try that was killed has done so, and hide them."""
    recorded = {entry.release for entry in read_history(published).records if entry.action == "remove"}
    latest = latest_name(published)
    for path in releases:
        if path.name not in recorded:
            append_entry(published, "remove", path.name, (latest, latest), actor, reason)
        hide(path)
