"""Repairing the link `latest` after it was lost, or when its release is missing or damaged.

The new target is the newest intact release that was the current release once: its manifest can be read, and
its database and Parquet files have the checksums of the manifest. Releases that were rolled back, releases
beside the current one (`--as-of`), and releases newer than the last recorded switch are never chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.releases.history import HistoryEntry, append_entry, last_switch, read_history, rolled_back
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import latest_name, latest_problem, point_latest, release_dirs, switching

NO_RELEASE = (
    "Restore a release from the backup and run it again, or choose one yourself: `warehouse releases`, "
    "`warehouse rollback RELEASE --why …`. Without a backup: move all of published/ away, and make a new "
    "first release from the landing: `warehouse publish`"
)


class Repair(NamedTuple):
    """A repair of `latest`: its record in the history, what was wrong, and the releases passed over."""

    entry: HistoryEntry
    problem: str
    skipped: tuple[str, ...]


def repair_latest(published: Path, actor: str) -> Repair:
    """Point `latest` at the newest intact release, on record; return what was done.

    Run again after a kill it completes. Raises WarehouseError when `latest` points at an intact release, when
    the history cannot be read, and when no release can be chosen; nothing is changed then.
    """
    if not published.is_dir():
        raise WarehouseError(f"{published}: does not exist; check WAREHOUSE_HOME. Nothing was changed")
    with switching(published):
        problem = latest_problem(published) or _problem_of_current(published)
        if problem is None and latest_name(published) is None:
            raise WarehouseError(f"{published}: no release yet. Make one with: warehouse publish")
        if problem is None:
            raise WarehouseError(
                f"`latest` points at {latest_name(published)}, which is intact; nothing was changed"
            )
        entries = read_history(published).require()
        skipped: list[str] = []
        for release in _candidates(published, entries):
            if damage := damage_of(release):
                skipped.append(f"{release.name}: {damage}")
                continue
            switch = (latest_name(published), release.name)
            entry = append_entry(published, "repair", release.name, switch, actor, problem)
            point_latest(published, release.name)
            return Repair(entry, problem, tuple(skipped))
    what = "; ".join(skipped) or "none was the current release"
    raise WarehouseError(f"{published}: no intact release can be chosen ({what}). {NO_RELEASE}")


def damage_of(release: Path) -> str | None:
    """Return why a release is not intact: its manifest, or the first wrong file; None if it is."""
    try:
        for path, sha256 in read_manifest(release).checksums(release).items():
            if not path.is_file():
                return f"{path.relative_to(release)} is missing"
            if sha256_of(path) != sha256:
                return f"{path.relative_to(release)} does not have the sha256 of its manifest"
    except (WarehouseError, OSError) as error:
        return f"MANIFEST.json or a file cannot be read ({error})"
    return None


def _problem_of_current(published: Path) -> str | None:
    """Return why the release that `latest` points at is not intact; None without a link, or if it is."""
    name = latest_name(published)
    damage = damage_of(published / name) if name else None
    return f"latest pointed at {name}, which is damaged: {damage}" if damage else None


def _candidates(published: Path, entries: Sequence[HistoryEntry]) -> list[Path]:
    """Return the releases that `latest` may point at, the newest first."""
    made = [entry.release for entry in entries if entry.action in ("publish", "refresh")]
    order = {release: number for number, release in enumerate(made)}
    switch = last_switch(entries)
    limit = order.get(switch.release, len(made)) if switch else len(made)
    beside = set(made) - {entry.release for entry in entries if entry.is_switch}
    passed_over = beside | set(rolled_back(entries))
    return [
        path
        for path in reversed(release_dirs(published))
        if path.name not in passed_over and order.get(path.name, -1) <= limit and not _is_beside(path, order)
    ]


def _is_beside(release: Path, recorded: dict[str, int]) -> bool:
    """Return whether a release without a record in the history is a build as of an earlier day."""
    if release.name in recorded:
        return False
    try:
        manifest = read_manifest(release)
    except WarehouseError:
        return False  # passed over later, with its reason
    return manifest.is_as_of or manifest.is_of_the_past
