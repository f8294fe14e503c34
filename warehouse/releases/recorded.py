"""The checksums that the manifests of a home record, and what is missing or differs from them.

`backup`, `objects push` and `objects pull` compare files with them while they copy them. `audit` reads the
files of a home themselves, and the rows of vintages.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import WarehouseError
from warehouse.files import read_each
from warehouse.landing import store
from warehouse.releases.lost import is_gone
from warehouse.releases.manifest import MANIFEST, VintageRef, read_manifest
from warehouse.releases.store import LATEST, release_dirs


@dataclass(frozen=True)
class Recorded:
    """The checksums that manifests record, by path, and the manifests that are missing or cannot be read."""

    checksums: Mapping[Path, str]
    unreadable: Set[Path]


def released_vintages(published: Path) -> Set[VintageRef]:
    """Return the vintages of all releases whose manifest can be read."""
    manifests = read_each(release_dirs(published), read_manifest).records
    return {one.ref for manifest in manifests for one in manifest.vintages}


def recorded(home: Path) -> Recorded:
    """Return what the manifests of the vintages and releases of a home record.

    A vintage of a release without a manifest and without a decision to withdraw it has lost its manifest.
    """
    checksums: dict[Path, str] = {}
    unreadable: set[Path] = set()
    for reference in released_vintages(home / "published"):
        directory = home / "landing" / reference.source / reference.vintage
        if is_gone(directory):
            unreadable.add(directory / store.MANIFEST)
    for path in (home / "landing").glob(f"*/[!.]*/{store.MANIFEST}"):
        try:
            vintage = store.read_vintage(path.parent)
        except WarehouseError:
            unreadable.add(path)
            continue
        checksums[vintage.rows_path] = vintage.rows_sha256
        checksums |= {vintage.directory / "files" / file.name: file.sha256 for file in vintage.files}
    for release in release_dirs(home / "published"):
        try:
            checksums |= read_manifest(release).checksums(release)
        except WarehouseError:
            unreadable.add(release / MANIFEST)
    return Recorded(checksums, unreadable)


def damaged_files(home: Path, files: Mapping[str, str], latest: str | None) -> tuple[str, ...]:
    """Return the paths below a home that are missing or damaged, in order.

    `files` maps a path to the checksum of its file. Damaged are files that differ from the manifest that
    lists them, manifests that are missing or cannot be read, and the link to a release `latest` that is lost.
    """
    found = recorded(home)
    differing = {path for path, sha256 in found.checksums.items() if files.get(name_of(home, path)) != sha256}
    lost = latest is not None and not (home / "published" / latest).is_dir()
    damaged = differing | found.unreadable | ({home / "published" / LATEST} if lost else set())
    return tuple(sorted(name_of(home, path) for path in damaged))


def name_of(home: Path, path: Path) -> str:
    """Return a path below the home as backups and buckets name it."""
    return path.relative_to(home).as_posix()
