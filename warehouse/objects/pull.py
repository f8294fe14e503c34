"""Pulling a home from a bucket: another machine gets what the last push had, and goes on."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from warehouse.backup import BACKED_UP, BackedUpFile, BackupRecord, begin_restore, recorded_checksums
from warehouse.config import RESTORING, Settings
from warehouse.errors import WarehouseError, reporting
from warehouse.files import fsync, locked, read_record, sha256_of, write_record
from warehouse.objects.latest import (
    object_name,
    read_state,
    require_latest,
    state_name,
)
from warehouse.objects.lineage import LINEAGE, Lineage
from warehouse.objects.store import PARALLEL, Store, download, open_store
from warehouse.releases.store import point_latest

FOLDERS = (*BACKED_UP, "staged")


@dataclass(frozen=True)
class Pulled:
    """What a pull did: the current release, files that it downloaded, and those that an earlier try had."""

    address: str
    release: str
    downloaded: int
    present: int


@reporting("objects pull")
def pull(settings: Settings, address: str) -> Pulled:
    """Make a home from the bucket's current state, or complete an interrupted pull of the state that it had.

    Each file is compared with its checksum, in the state and in the manifest that lists it; `latest` comes
    last. Raises WarehouseError when the home is in use or half restored from elsewhere, and when objects are
    missing or damaged.
    """
    home = settings.home
    with locked(home / ".restore.lock", f"{home}: another restore or pull is running now"):
        store = open_store(address)
        state = begun_state(home, store) or require_latest(store).pointer.state
        record = read_state(store, state)
        require_paths(record, store)
        begin_restore(home, record, f"{store.address}/{state_name(state)}")
        present = pull_files(store, home, record)
        require_manifests(home, record, store)
        for name in BACKED_UP:
            (home / name).mkdir(exist_ok=True)
        copy_times_of_loads(home, record)
        release = str(record.latest)
        lineage = Lineage(address=store.address, states=(state,), release=release)
        write_record(home / LINEAGE, lineage)
        point_latest(home / "published", release)
        (home / RESTORING).unlink()
        fsync(home)
    return Pulled(store.address, release, len(record.files) - present, present)


def begun_state(home: Path, store: Store) -> str | None:
    """Return the state of which a pull from this bucket was interrupted; None if there is none."""
    marker = home / RESTORING
    if not marker.exists():
        return None
    origin = str(read_record(marker, BackupRecord, f"Empty {home} and pull again").backup)
    state = origin.rpartition("/")[2].removesuffix(".json")
    return state if origin == f"{store.address}/{state_name(state)}" else None


def require_paths(record: BackupRecord, store: Store) -> None:
    """Raise WarehouseError when a state names a path that is not of a home."""
    for path in record.files:
        folder, *rest = path.split("/")
        if folder not in FOLDERS or not rest or {"", ".", ".."} & {*rest}:
            raise WarehouseError(f"{store.address}: its state names {path}, which is not a path of a home")


def pull_files(store: Store, home: Path, record: BackupRecord) -> int:
    """Download the files that the home does not have yet; return how many it had."""

    def get(path: str) -> bool | None:
        return pull_file(store, home / path, path, record.files[path])

    with ThreadPoolExecutor(PARALLEL) as pool:
        ended = dict(zip(record.files, pool.map(get, record.files), strict=True))
    if damaged := sorted(path for path, was_present in ended.items() if was_present is None):
        raise WarehouseError(
            f"{store.address}: the objects of {len(damaged)} of {len(ended)} files are missing or do not "
            f"have their checksum: {', '.join(damaged[:5])}. All others are in {home}. Remove damaged "
            "objects from the bucket, push again from a home that has the files, and pull again"
        )
    return sum(bool(was_present) for was_present in ended.values())


def pull_file(store: Store, target: Path, path: str, file: BackedUpFile) -> bool | None:
    """Download a file unless it is there; tell whether it was, None if its object has no such content."""
    if target.is_file() and sha256_of(target) == file.sha256:
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    if download(store, object_name(path, file.sha256), partial) != file.sha256:
        partial.unlink(missing_ok=True)
        return None
    partial.chmod(0o444 if file.is_read_only else 0o644)
    if file.modified_ns is not None:
        os.utime(partial, ns=(file.modified_ns, file.modified_ns))
    fsync(partial)
    partial.replace(target)
    fsync(target.parent)
    return False


def require_manifests(home: Path, record: BackupRecord, store: Store) -> None:
    """Raise WarehouseError when a manifest lists a file that the state has with another checksum, or not."""
    recorded = recorded_checksums(home)
    differing = [
        path
        for path, sha256 in recorded.items()
        if path not in record.files or record.files[path].sha256 != sha256
    ]
    if differing:
        raise WarehouseError(
            f"{store.address}: {len(differing)} files of its state differ from their manifests: "
            f"{', '.join(sorted(differing)[:5])}. Push again from a home that "
            "`warehouse maintain` finds intact"
        )


def copy_times_of_loads(home: Path, record: BackupRecord) -> None:
    """Set the times of the directories of rejected loads: the retention policy goes by them."""
    newest: dict[Path, int] = {}
    for path, file in record.files.items():
        folder, *rest = path.split("/")
        if folder == "rejected" and len(rest) == 3 and file.modified_ns is not None:
            load = home / folder / rest[0] / rest[1]
            newest[load] = max(newest.get(load, 0), file.modified_ns)
    for load, modified_ns in newest.items():
        os.utime(load, ns=(modified_ns, modified_ns))
