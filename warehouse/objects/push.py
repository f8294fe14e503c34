"""Pushing a home to a bucket: everything that another machine needs to go on, then the switch of `latest`.

The order is: content of vintages, of staged files and of records; manifests of vintages; the files of
releases; their manifests; the state; `published/latest`. A push that is killed leaves objects that nothing
names yet, and a repeated one finds and keeps them. What the current state of the bucket names already is not
read again.

A push removes nothing. `prune` removes what the current state does not name and is older than some days, such
as releases that the retention policy of the home has removed. A lifecycle rule of the bucket by age cannot do
this: the current release may be older than any other object.
"""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse.backup import BackedUpFile, BackupRecord, link_snapshot
from warehouse.config import Settings
from warehouse.errors import WarehouseError, reporting
from warehouse.files import locked, sha256_of, write_record
from warehouse.landing.store import MANIFEST as VINTAGE_MANIFEST
from warehouse.objects.latest import (
    LATEST,
    Latest,
    Pointer,
    describe,
    is_fixed,
    object_name,
    read_latest,
    read_state,
    require_latest,
    state_name,
    state_of,
    switch_latest,
)
from warehouse.objects.lineage import LINEAGE, Lineage, read_lineage
from warehouse.objects.store import (
    PARALLEL,
    Store,
    StoredObject,
    list_objects,
    open_store,
    put_new,
    remove_objects,
    stored,
)
from warehouse.releases.manifest import MANIFEST
from warehouse.releases.recorded import damaged_files

LOG = logging.getLogger(__name__)
SNAPSHOT = ".objects-snapshot"
FOLDERS = ("landing", "staged", "published", "records", "states")
Files = Mapping[str, BackedUpFile]


@dataclass(frozen=True)
class Pushed:
    """What a push did: files of the home, uploaded files and bytes, and whether it switched `latest`."""

    address: str
    pointer: Pointer
    files: int
    uploaded: int
    uploaded_bytes: int
    is_switched: bool


@reporting("objects push")
def push(settings: Settings, address: str, over: str | None = None) -> Pushed:
    """Upload what the bucket does not have of a home, and switch its `latest` to the current release.

    `over` names the release that another home has pushed, and that this one replaces. Raises WarehouseError
    when there is no release, when another home has pushed meanwhile, when a file differs from its manifest,
    and when an object of the same name has other content.
    """
    home = settings.home
    with locked(home / ".objects.lock", f"{home}: another push is running now", settings.lock_seconds):
        store = open_store(address)
        base = read_latest(store)
        require_lineage(home, store, base, over)
        snapshot = home / SNAPSHOT
        shutil.rmtree(snapshot, ignore_errors=True)  # of a push that was killed
        try:
            release = link_snapshot(settings, snapshot)
            if release is None:
                raise WarehouseError(f"{settings.published}: there is no release to push. Run: warehouse run")
            link_staged(settings.staged, snapshot / "staged")
            return _push_snapshot(settings, store, base, snapshot, release)
        finally:
            shutil.rmtree(snapshot, ignore_errors=True)


def _push_snapshot(
    settings: Settings, store: Store, base: Latest | None, snapshot: Path, release: str
) -> Pushed:
    known = known_files(store, base)
    present = {name: one for folder in FOLDERS for name, one in list_objects(store, folder).items()}
    found = describe_files(snapshot, known, present)
    require_intact(snapshot, found, release)
    new = {path: file for path, file in found.items() if not is_known(path, file, known, present)}
    files, uploaded = upload(store, snapshot, new, present)
    files = dict(sorted({**found, **files}.items()))
    manifest = files[f"published/{release}/{MANIFEST}"].sha256
    if base and base.pointer.release == release and known == files:
        pointer = base.pointer
    else:
        require_stored(store, files)
        record = BackupRecord(made_at=datetime.now(UTC), latest=release, files=files)
        pointer = _switch(settings, store, base, record, manifest)
    lineage = Lineage(address=store.address, states=(pointer.state,), release=release)
    write_record(settings.home / LINEAGE, lineage)
    LOG.info(
        "pushed release %s to %s: %d of %d files uploaded", release, store.address, len(uploaded), len(files)
    )
    size = sum(files[path].size_bytes for path in uploaded)
    is_switched = base is None or base.pointer != pointer
    return Pushed(store.address, pointer, len(files), len(uploaded), size, is_switched)


def _switch(
    settings: Settings, store: Store, base: Latest | None, record: BackupRecord, manifest_sha256: str
) -> Pointer:
    """Upload the state, note it in the home, and switch `latest` to it."""
    state, content = state_of(record)
    put_new(store, state_name(state), io.BytesIO(content), state)
    release, before = str(record.latest), base.pointer if base else None
    pointer = Pointer(
        release=release,
        previous=before.previous if before and before.release == release else before and before.release,
        manifest_sha256=manifest_sha256,
        state=state,
        pushed_at=datetime.now(UTC),
        operator=settings.operator,
    )
    # Both are of this home, whether or not the switch comes before a kill.
    states = (*([before.state] if before else ()), state)
    known = read_lineage(settings.home)
    pushed = known.release if known and known.address == store.address else None
    write_record(settings.home / LINEAGE, Lineage(address=store.address, states=states, release=pushed))
    switch_latest(store, base, pointer)
    return pointer


def require_lineage(home: Path, store: Store, base: Latest | None, over: str | None) -> None:
    """Raise WarehouseError when `latest` of the bucket is of another home, unless it is named by `over`."""
    if base is None or base.pointer.release == over:
        return
    lineage = read_lineage(home)
    if lineage and lineage.address == store.address and base.pointer.state in lineage.states:
        return
    raise WarehouseError(
        f"{store.address}: its `latest` is {describe(base.pointer)} from another home than {home}. Two homes "
        "that fetch have two histories. To go on with the one in the bucket: `warehouse objects pull` into "
        "an empty home. To replace it by this home: "
        f"warehouse objects push --over {base.pointer.release}"
    )


# --- the files of a home ---


def link_staged(staged: Path, target: Path) -> None:
    """Link the staged files; one that a build replaces meanwhile is left out."""
    for path in sorted(staged.glob("[!.]*/*.parquet")):
        link = target / path.relative_to(staged)
        link.parent.mkdir(parents=True, exist_ok=True)
        try:
            link.hardlink_to(path)
        except FileNotFoundError:
            LOG.info("%s was replaced by a build; the next push has its successor", path)


def known_files(store: Store, base: Latest | None) -> Files:
    """Return the files of the bucket's current state; none if it cannot be read, so that all are compared."""
    if base is None:
        return {}
    try:
        return read_state(store, base.pointer.state).files
    except WarehouseError as error:
        LOG.warning("%s All files of the home are compared with their objects.", error)
        return {}


def is_known(path: str, file: BackedUpFile, known: Files, present: Mapping[str, StoredObject]) -> bool:
    """Tell whether the current state of the bucket names a file with this content, and has its object."""
    before = known.get(path)
    return before is not None and before.sha256 == file.sha256 and object_name(path, file.sha256) in present


def describe_files(
    snapshot: Path, known: Files, present: Mapping[str, StoredObject]
) -> dict[str, BackedUpFile]:
    """Return checksum, size, time and mode of each file of a snapshot, by its path in the home.

    Of a file that never changes, and that the bucket has with the same size, nothing is read.
    """
    found: dict[str, BackedUpFile] = {}
    for file in sorted(snapshot.rglob("*")):
        if not file.is_file() or file.name == ".lock":
            continue
        path, status = file.relative_to(snapshot).as_posix(), file.stat()
        before, stored = known.get(path), present.get(path)
        if before and stored and is_fixed(path) and before.size_bytes == stored.size_bytes == status.st_size:
            found[path] = before
            continue
        found[path] = BackedUpFile(
            sha256=sha256_of(file),
            size_bytes=status.st_size,
            modified_ns=status.st_mtime_ns,
            is_read_only=not status.st_mode & 0o200,
        )
    return found


def require_intact(snapshot: Path, found: Files, release: str) -> None:
    """Raise WarehouseError with the files that are missing, damaged, or differ from their manifest."""
    damaged = damaged_files(snapshot, {path: file.sha256 for path, file in found.items()}, release)
    if damaged:
        raise WarehouseError(
            f"{len(damaged)} files are missing or differ from their manifests: {', '.join(damaged[:5])}. "
            "Nothing was uploaded. See: warehouse maintain"
        )


# --- uploads ---


def upload(
    store: Store, snapshot: Path, new: Files, present: Mapping[str, StoredObject]
) -> tuple[dict[str, BackedUpFile], list[str]]:
    """Upload files in the order that the module describes; return all as the bucket has them, and the new.

    Staged files of the same rows and code may differ in their bytes; that of the bucket is taken.
    """

    def send(path: str) -> tuple[str, BackedUpFile, bool]:
        file = new[path]
        name = object_name(path, file.sha256)
        if name not in present:
            with (snapshot / path).open("rb") as content:
                if put_new(store, name, content, file.sha256):
                    return path, file, True
        sha256, size = stored(store, name)
        if sha256 == file.sha256:
            return path, file, False
        if path.startswith("staged/") and sha256 is not None:
            return path, file.model_copy(update={"sha256": sha256, "size_bytes": size}), False
        raise WarehouseError(
            f"{store.address}/{name}: this object has other content than {path} of the home: another home "
            "has uploaded it. If no other push is running, remove what `latest` does not name with: "
            "warehouse objects prune --days 0; then push again"
        )

    found: dict[str, BackedUpFile] = {}
    uploaded: list[str] = []
    with ThreadPoolExecutor(PARALLEL) as pool:
        for turn in range(4):
            for path, file, is_new in pool.map(send, [path for path in new if upload_turn(path) == turn]):
                found[path] = file
                uploaded += [path] * is_new
    return found, uploaded


def upload_turn(path: str) -> int:
    """Return when a file is uploaded: 0 content, 1 manifests of vintages, 2 releases, 3 their manifests."""
    folder, *_, name = path.split("/")
    if folder == "landing":
        return int(name == VINTAGE_MANIFEST)
    if folder == "published" and is_fixed(path):
        return 3 if name == MANIFEST else 2
    return 0


def require_stored(store: Store, files: Files) -> None:
    """Raise WarehouseError unless the bucket has an object, of its size, for each file."""
    present = {name: one for folder in FOLDERS for name, one in list_objects(store, folder).items()}
    missing = []
    for path, file in files.items():
        stored = present.get(object_name(path, file.sha256))
        if stored is None or stored.size_bytes != file.size_bytes:
            missing.append(path)
    if missing:
        raise WarehouseError(
            f"{store.address}: {len(missing)} objects are missing after the upload, the first is that of "
            f"{missing[0]}. `latest` is unchanged. If `warehouse objects prune` runs now, wait for it to "
            "end; then push again"
        )


# --- retention ---


@reporting("objects prune")
def prune(settings: Settings, address: str, days: int, now: datetime) -> list[str]:
    """Remove the objects that the current state does not name and that are older than `days`; return them.

    No push may be running; one of this home is waited for, or makes this fail.
    """
    message = f"{settings.home}: a push is running now"
    with locked(settings.home / ".objects.lock", message, settings.lock_seconds):
        store = open_store(address)
        latest = require_latest(store)
        files = read_state(store, latest.pointer.state).files
        named = {object_name(path, file.sha256) for path, file in files.items()}
        named |= {LATEST, state_name(latest.pointer.state)}
        limit = now - timedelta(days=days)
        removed = [
            name
            for folder in FOLDERS
            for name, one in list_objects(store, folder).items()
            if name not in named and one.uploaded_at <= limit
        ]
        remove_objects(store, in_order_of_removal(removed))
    return removed


def in_order_of_removal(names: Iterable[str]) -> list[str]:
    """Return names with manifests first: what a killed removal leaves of a release is not complete."""

    def is_content(name: str) -> bool:
        return name.rpartition("/")[2] not in (MANIFEST, VINTAGE_MANIFEST)

    return sorted(names, key=lambda name: (is_content(name), name))
