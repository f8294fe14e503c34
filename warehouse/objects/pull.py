"""Pulling a home from a bucket: another machine gets what the last push had, and goes on."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from warehouse.backup import (
    BACKED_UP,
    BackedUpFile,
    BackupRecord,
    begin_restore,
    shared_files,
)
from warehouse.config import RESTORING, Settings
from warehouse.errors import WarehouseError, reporting
from warehouse.files import fsync, link_file, locked, read_record, sha256_of, write_record
from warehouse.objects.latest import (
    object_name,
    read_state,
    require_latest,
    state_name,
)
from warehouse.objects.lineage import LINEAGE, Lineage
from warehouse.objects.store import PARALLEL, Store, download, open_store
from warehouse.releases.recorded import damaged_files
from warehouse.releases.store import point_latest

FOLDERS = (*BACKED_UP, "staged")
Outcome = Literal["present", "downloaded", "linked", "damaged"]


@dataclass(frozen=True)
class Pulled:
    """What a pull did: the current release, files that it downloaded, and those that an earlier try had.

    `linked` are files with the content of another file of a release, which were linked to it.
    """

    address: str
    release: str
    downloaded: int
    linked: int
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
        shared = shared_files(record, lambda path: record.files[path].is_read_only is True)
        begin_restore(home, record, f"{store.address}/{state_name(state)}", shared)
        ended = pull_files(store, home, record, shared)
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
    return Pulled(store.address, release, ended["downloaded"], ended["linked"], ended["present"])


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


def pull_files(store: Store, home: Path, record: BackupRecord, shared: frozenset[str]) -> Counter[Outcome]:
    """Download the files that the home does not have yet; count the files by outcome.

    Of the files of `shared` with the same content the first is downloaded, and the others are linked to it.
    """
    first: dict[str, str] = {}
    for path in (path for path in record.files if path in shared):
        first.setdefault(record.files[path].sha256, path)
    repeated = {path: first[record.files[path].sha256] for path in shared - set(first.values())}

    def get(path: str) -> Outcome:
        same = repeated.get(path)
        existing = home / same if same and ended[same] != "damaged" else None
        return pull_file(store, home / path, path, record.files[path], existing)

    ended: dict[str, Outcome] = {}
    with ThreadPoolExecutor(PARALLEL) as pool:
        for paths in ([path for path in record.files if path not in repeated], list(repeated)):
            ended |= dict(zip(paths, pool.map(get, paths), strict=True))
    if damaged := sorted(path for path, outcome in ended.items() if outcome == "damaged"):
        raise WarehouseError(
            f"{store.address}: the objects of {len(damaged)} of {len(ended)} files are missing or do not "
            f"have their checksum: {', '.join(damaged[:5])}. All others are in {home}. Remove damaged "
            "objects from the bucket, push again from a home that has the files, and pull again"
        )
    return Counter(ended.values())


def pull_file(store: Store, target: Path, path: str, file: BackedUpFile, existing: Path | None) -> Outcome:
    """Download a file unless it is there, or link it to `existing`, which has its content; return which.

    The outcome is `damaged` when the object of the file is missing or has other content.
    """
    if target.is_file() and sha256_of(target) == file.sha256:
        return "present"
    if existing and link_file(existing, target):
        return "linked"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)  # of a try that was killed: it may be a link
    if download(store, object_name(path, file.sha256), partial) != file.sha256:
        partial.unlink(missing_ok=True)
        return "damaged"
    partial.chmod(0o444 if file.is_read_only else 0o644)
    if file.modified_ns is not None:
        os.utime(partial, ns=(file.modified_ns, file.modified_ns))
    fsync(partial)
    partial.replace(target)
    fsync(target.parent)
    return "downloaded"


def require_manifests(home: Path, record: BackupRecord, store: Store) -> None:
    """Raise WarehouseError when the state lacks a manifest or a file of one, or has another one."""
    files = {path: file.sha256 for path, file in record.files.items()}
    differing = damaged_files(home, files, record.latest)
    if differing:
        raise WarehouseError(
            f"{store.address}: {len(differing)} files of its state differ from their manifests: "
            f"{', '.join(differing[:5])}. Push again from a home that "
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
