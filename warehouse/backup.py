"""Backup and restore of a home: everything that cannot be made again, with a manifest of checksums.

A backup is a directory that is laid out like a home, with `backup.json` beside: the checksum and size of each
file. It holds landing, releases, rejected loads and backfills. It leaves out what a build makes again from
these (`build`, `staged`, `parsed`, `kept`, `reread`, `spill`), loads in progress, and lock files.

`backup` links the files of one moment into a hidden directory of the home, while no build and no switch of
`latest` is going on; this takes a second. Then it copies them, while the nightly run may go on. `backup.json`
is written last and the directory is then renamed, so that a backup that was killed has no name. The next
backup of the home, to any directory, removes its copies.

`restore` copies the files into an empty home, verifies each checksum, and points `latest` at its release
last. Until it has ended, `RESTORING` in the home makes every other command fail with what is missing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, Field

from warehouse.backfill import records as backfills
from warehouse.build import builds
from warehouse.config import RESTORING, Settings, restore_command
from warehouse.errors import WarehouseError, reporting
from warehouse.files import (
    complete_lines,
    copy_file,
    copy_times,
    fsync,
    is_read_only,
    link_file,
    link_tree,
    locked,
    read_record,
    sha256_of,
    write_record,
)
from warehouse.landing import quarantine, store
from warehouse.releases.manifest import VintageRef, is_none
from warehouse.releases.recorded import damaged_files, released_vintages
from warehouse.releases.store import LATEST, latest_name, point_latest, release_dirs, switching

RECORD = "backup.json"
SNAPSHOT_PREFIX = ".backup-"
UNFINISHED = ".backup.unfinished"  # a link of the home to the copies of a backup until that has its name
BACKED_UP = ("landing", "published", "rejected", "backfill")
MADE_AGAIN = ("build", "staged", "parsed", "kept", "reread", "spill")
IGNORED = {"lost+found"}  # of a new file system: a home with nothing else is empty
BUILD_WAIT_SECONDS = 1800  # for the step of a build that goes on


class BackedUpFile(BaseModel, frozen=True):
    """Checksum and size of one file of a backup.

    In a bucket, which has no times of change and no modes, also those: nanoseconds since 1970, and whether
    the file is read-only.
    """

    sha256: str
    size_bytes: int
    modified_ns: int | None = Field(default=None, exclude_if=is_none)
    is_read_only: bool | None = Field(default=None, exclude_if=is_none)


class BackupRecord(BaseModel, frozen=True):
    """The content of backup.json, and of RESTORING, where `backup` says from where the home is restored.

    `latest` is the release that was current. `files` maps a path below the home to its checksum. `damaged`
    are paths that were already missing or differed from their own manifest when they were copied, and
    manifests that could not be read.
    """

    made_at: datetime
    latest: str | None
    files: Mapping[str, BackedUpFile]
    damaged: tuple[str, ...] = ()
    backup: str | None = None

    @property
    def size_bytes(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size_bytes for file in self.files.values())

    def stored_bytes(self, shared: Collection[str]) -> int:
        """Return the bytes that the files take when those of `shared` with the same content are linked."""
        once = {self.files[name].sha256: self.files[name].size_bytes for name in shared}
        others = (file.size_bytes for name, file in self.files.items() if name not in shared)
        return sum(once.values()) + sum(others)


class RestoreReport(BaseModel, frozen=True):
    """What a restore did: files that it copied, files that an earlier try had copied, and damaged ones."""

    record: BackupRecord
    copied: int
    present: int
    damaged: tuple[str, ...]


# --- backup ---


@reporting("backup")
def backup(settings: Settings, directory: Path) -> BackupRecord:
    """Copy a home to `directory`, which must not exist yet or be empty; return what was copied.

    Raises WarehouseError when the home has no vintage, when the directory is in use or in the home, and when
    it has not enough space.
    """
    directory = directory.resolve()
    if not any(settings.landing.glob(f"*/[!.]*/{store.MANIFEST}")):
        raise WarehouseError(f"{settings.home}: there is no vintage to back up. Check WAREHOUSE_HOME")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise WarehouseError(f"{directory}: exists and is not empty. Give each backup a directory of its own")
    if directory.is_relative_to(settings.home):
        raise WarehouseError(f"{directory}: is in the home {settings.home}. A backup is a copy outside of it")
    partial = directory.with_name(f".{directory.name}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    with locked(settings.home / ".backup.lock", "another backup is running now"):
        remove_unfinished(settings.home)
        shutil.rmtree(partial, ignore_errors=True)
        snapshot = settings.home / f"{SNAPSHOT_PREFIX}{directory.name}"
        try:
            (settings.home / UNFINISHED).symlink_to(partial)
            latest = link_snapshot(settings, snapshot)
            record = copy_snapshot(snapshot, partial, latest)
            copy_times(settings.home, partial)
            write_record(partial / RECORD, record)
            if directory.exists():
                directory.rmdir()
            partial.rename(directory)
            fsync(directory.parent)
        finally:
            remove_unfinished(settings.home)
    return record


def remove_unfinished(home: Path) -> None:
    """Remove the snapshots and the copies of backups of a home that failed or were killed.

    The caller holds the lock of backups, so that no process is making one of them.
    """
    link = home / UNFINISHED
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
        link.unlink()
    for snapshot in home.glob(f"{SNAPSHOT_PREFIX}*/"):
        shutil.rmtree(snapshot, ignore_errors=True)


def link_snapshot(settings: Settings, snapshot: Path) -> str | None:
    """Link everything that is backed up into `snapshot`, as it is at one moment; return the current release.

    Releases come first: vintages are never removed, so that each vintage of a release is in the snapshot.
    """
    waiting = settings.model_copy(update={"lock_seconds": max(settings.lock_seconds, BUILD_WAIT_SECONDS)})
    has_releases = settings.published.is_dir()
    with builds.build_lock(waiting), switching(settings.published) if has_releases else nullcontext():
        latest = latest_name(settings.published)
        copy_logs(settings.published, snapshot / "published")
        for release in release_dirs(settings.published):
            link_tree(release, snapshot / "published" / release.name)
        released = released_vintages(settings.published)
        link_backfills(settings.backfill, snapshot / "backfill")
        folders = (*settings.landing.glob("[!.]*/"), *settings.rejected.glob("[!.]*/"))
        for source in sorted({path.name for path in folders}):
            with lock_if_free(settings.landing, source):
                link_source(settings.landing / source, snapshot / "landing" / source, released)
                link_rejected(settings.rejected / source, snapshot / "rejected" / source)
    return latest


@contextmanager
def lock_if_free(landing: Path, source: str) -> Iterator[None]:
    """Lock a source if no other process is writing it.

    A fetch holds the lock for as long as a download takes. It need not end first: it only adds complete
    vintages, and nothing is withdrawn meanwhile.
    """
    lock = store.source_lock(landing, source)
    try:
        lock.__enter__()
    except WarehouseError:
        yield
        return
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def link_source(source: Path, target: Path, released: Set[VintageRef]) -> None:
    """Link the complete vintages of a source, and its logs first: a vintage may come without its poll.

    A vintage that a release has is complete, also without its manifest, which is then lost.
    """
    copy_logs(source, target)
    for vintage in sorted(source.glob("[!.]*/")):
        is_complete = any((vintage / name).exists() for name in store.RECORDS)
        if is_complete or VintageRef(source=source.name, vintage=vintage.name) in released:
            link_tree(vintage, target / vintage.name)


def link_rejected(source: Path, target: Path) -> None:
    """Link the rejected loads of a source."""
    for load in sorted(source.glob("[!.]*/")):
        if (load / quarantine.REPORT).exists():
            link_tree(load, target / load.name)


def link_backfills(folder: Path, target: Path) -> None:
    """Link the records of all backfills, and the staged warehouse of those that wait for an approval."""
    copy_logs(folder, target)
    for backfill in sorted(folder.glob("[!.]*/")):
        if backfills.state(folder, backfill.name) in backfills.APPROVABLE:
            link_tree(backfill, target / backfill.name)
            continue
        (target / backfill.name).mkdir(parents=True)
        for name in (backfills.REQUEST, backfills.REPORT):
            if (backfill / name).exists():
                (target / backfill.name / name).hardlink_to(backfill / name)


def copy_logs(folder: Path, target: Path) -> None:
    """Copy the complete lines of the logs of a folder, which processes append to."""
    for log in sorted(folder.glob("*.jsonl")):
        target.mkdir(parents=True, exist_ok=True)
        copy = target / log.name
        copy.write_bytes(b"".join(line + b"\n" for line in complete_lines(log)))
        shutil.copystat(log, copy)


def copy_snapshot(snapshot: Path, target: Path, latest: str | None) -> BackupRecord:
    """Copy a snapshot to `target`; a file that has several paths is copied once, and linked."""
    paths = [path for path in sorted(snapshot.rglob("*")) if path.is_file() and path.name != ".lock"]
    files: dict[str, BackedUpFile] = {}
    copies: dict[int, str] = {}
    total = sum({path.stat().st_ino: path.stat().st_size for path in paths}.values())
    target.mkdir()
    if (free := shutil.disk_usage(target).free) < total:
        target.rmdir()
        raise WarehouseError(f"{target.parent}: {free:,} bytes are free, and the backup needs {total:,}")
    for path in paths:
        name, inode = path.relative_to(snapshot).as_posix(), path.stat().st_ino
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if inode in copies:
            (target / name).hardlink_to(target / copies[inode])
            files[name] = files[copies[inode]]
            continue
        copies[inode] = name
        files[name] = BackedUpFile(sha256=copy_file(path, target / name), size_bytes=path.stat().st_size)
    if latest is not None:
        (target / "published").mkdir(exist_ok=True)
        (target / "published" / LATEST).symlink_to(latest)
    damaged = damaged_files(snapshot, {name: file.sha256 for name, file in files.items()}, latest)
    return BackupRecord(made_at=datetime.now(UTC), latest=latest, files=files, damaged=damaged)


# --- restore ---


@reporting("restore")
def restore(settings: Settings, directory: Path, *, allow_damaged: bool = False) -> RestoreReport:
    """Copy a backup into an empty home, or complete a restore of it that was interrupted.

    Files that an earlier try has copied are verified, and copied again if they differ. Raises WarehouseError
    when the directory is not a complete backup or the home is in use, and at the end, with their paths, when
    files are missing from the backup or do not have their checksum; with `allow_damaged` the home is complete
    without them.
    """
    directory, home = directory.resolve(), settings.home
    record = read_backup(directory)
    with locked(home / ".restore.lock", f"{home}: another restore is running now"):
        shared = shared_files(record, lambda name: is_read_only(directory / name))
        begin_restore(home, record, str(directory), shared)
        copied, present, damaged = restore_files(directory, home, record, shared)
        if damaged and not allow_damaged:
            raise WarehouseError(
                f"{directory}: {len(damaged)} of {len(record.files)} files are missing or do not have their "
                f"checksum: {', '.join(damaged)}. All others are restored to {home}. Run `warehouse restore` "
                "again with another copy of this backup, or with --allow-damaged to go on without these files"
            )
        copy_times(directory, home)
        for name in BACKED_UP:
            (home / name).mkdir(exist_ok=True)
        if record.latest is not None:
            point_latest(home / "published", record.latest)
        (home / RESTORING).unlink()
        fsync(home)
    return RestoreReport(record=record, copied=copied, present=present, damaged=tuple(damaged))


def shared_files(record: BackupRecord, is_fixed: Callable[[str], bool]) -> frozenset[str]:
    """Return the read-only files of releases: those with the same content are stored once and linked.

    A refresh and a publish link them as well, and the retention policy counts the bytes of releases.
    `is_fixed` returns for a path of `record` whether its file is read-only.
    """
    return frozenset(name for name in record.files if name.startswith("published/") and is_fixed(name))


def restore_files(
    directory: Path, home: Path, record: BackupRecord, shared: Collection[str]
) -> tuple[int, int, list[str]]:
    """Copy the files that the home does not have yet; count the copied and the present, list the damaged.

    Files of `shared` with the same content are copied once and linked.
    """
    copied, present, damaged = 0, 0, []
    linkable: dict[str, Path] = {}  # a restored file by its checksum
    for name, file in sorted(record.files.items()):
        origin, target = directory / name, home / name
        is_shared = name in shared
        same = linkable.get(file.sha256) if is_shared else None
        if target.is_file() and sha256_of(target) == file.sha256:
            present += 1
        elif (same and link_file(same, target)) or restore_file(origin, target, file.sha256):
            copied += 1
        else:
            damaged.append(name)
            continue
        if is_shared:
            linkable.setdefault(file.sha256, target)
    return copied, present, damaged


def read_backup(directory: Path) -> BackupRecord:
    """Return the record of a backup; raise WarehouseError when there is none, or it names an unsafe path."""
    if not (directory / RECORD).is_file():
        raise WarehouseError(
            f"{directory}: not a backup: it has no {RECORD}. A backup that was interrupted has a name that "
            "begins with a dot, and cannot be restored"
        )
    record = read_record(directory / RECORD, BackupRecord, "Use another backup")
    for name in record.files:
        if not name.startswith(tuple(f"{folder}/" for folder in BACKED_UP)) or ".." in Path(name).parts:
            raise WarehouseError(f"{directory / RECORD}: {name} is not a path of a home. Use another backup")
    return record


def begin_restore(home: Path, record: BackupRecord, origin: str, shared: Collection[str]) -> None:
    """Mark the home as half restored from `origin`; raise WarehouseError when it is in use or too small.

    The files of `shared` with the same content need their space once.
    """
    marker = home / RESTORING
    marked = record.model_copy(update={"backup": origin})
    if marker.exists():
        begun = read_record(marker, BackupRecord, f"Empty {home} and restore again")
        if begun.model_copy(update={"backup": None}) != record:
            raise WarehouseError(
                f"{home}: is half restored from {begun.backup}, made at {begun.made_at:%Y-%m-%d %H:%M}Z. "
                f"Complete it with: {restore_command(str(begun.backup))}; or empty {home} first"
            )
    elif found := sorted(path.name for path in home.glob("[!.]*") if path.name not in IGNORED):
        raise WarehouseError(
            f"{home}: is not empty ({', '.join(found[:5])}). A restore needs an empty home: move its "
            "contents away, or set WAREHOUSE_HOME to a new directory"
        )
    home.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(home).free, record.stored_bytes(shared)
    if free < needed and not marker.exists():
        raise WarehouseError(f"{home}: {free:,} bytes are free, and the backup has {needed:,}")
    write_record(marker, marked)


def restore_file(origin: Path, target: Path, sha256: str) -> bool:
    """Copy one file if it has its checksum; tell whether it has."""
    if not origin.is_file():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)  # of a try that was killed: it may be a link
    if copy_file(origin, partial) != sha256:
        partial.unlink()
        return False
    partial.replace(target)
    fsync(target.parent)
    return True
