"""The records in a bucket: `published/latest`, whose switch is conditional, and states."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from warehouse.backup import BackupRecord
from warehouse.errors import WarehouseError
from warehouse.files import describe_invalid, record_json
from warehouse.objects.store import Store, StoredObject, list_objects, put_if, read_object
from warehouse.releases.manifest import MANIFEST

LATEST = "published/latest"
R = TypeVar("R", bound=BaseModel)


class Pointer(BaseModel, frozen=True):
    """The content of `published/latest`.

    `previous` is the release that was current before. `manifest_sha256` is the checksum of the release's
    MANIFEST.json, `state` the name of the state's object without folder and suffix. `operator` has pushed it.
    """

    release: str
    previous: str | None
    manifest_sha256: str
    state: str
    pushed_at: datetime
    operator: str


class ReleaseObjects(BaseModel, frozen=True):
    """A release in a bucket: its files, their bytes, and when the newest was uploaded.

    It is complete when its manifest, which comes last, is there.
    """

    release: str
    is_latest: bool
    is_complete: bool
    files: int
    size_bytes: int
    pushed_at: datetime


@dataclass(frozen=True)
class Latest:
    """`published/latest` as it was read: its content, and the entity tag on which a switch depends."""

    pointer: Pointer
    etag: str


def read_latest(store: Store) -> Latest | None:
    """Return what `published/latest` names; None if nothing was pushed yet."""
    found = read_object(store, LATEST)
    return found and Latest(_parse(store, LATEST, found[0], Pointer), found[1])


def require_latest(store: Store) -> Latest:
    """Return what `published/latest` names; raise WarehouseError if nothing was pushed yet."""
    latest = read_latest(store)
    if latest is None:
        raise WarehouseError(
            f"{store.address}: has no {LATEST}: no push to it has ended. Push with: warehouse objects push; "
            "if there should be a release, check WAREHOUSE_OBJECTS and AWS_ENDPOINT_URL"
        )
    return latest


def switch_latest(store: Store, base: Latest | None, pointer: Pointer) -> None:
    """Switch `published/latest` from `base`, which was read at the begin of the push, to `pointer`.

    Raises WarehouseError that names the release which another push has switched to meanwhile.
    """
    content = record_json(pointer).encode()
    if put_if(store, LATEST, content, base.etag if base else None):
        return
    winner = read_latest(store)
    who = f"{describe(winner.pointer)} won" if winner else "it was removed meanwhile"
    raise WarehouseError(
        f"{store.address}/{LATEST}: not switched to release {pointer.release}: {who}. Nothing that `latest` "
        "names was changed. See: warehouse objects latest"
    )


def describe(pointer: Pointer) -> str:
    """Return a pointer in words, for messages."""
    return (
        f"release {pointer.release}, pushed by {pointer.operator} at {pointer.pushed_at:%Y-%m-%d %H:%M:%S}Z,"
    )


def state_name(state: str) -> str:
    """Return the name of a state's object."""
    return f"states/{state}.json"


def state_of(record: BackupRecord) -> tuple[str, bytes]:
    """Return the state of a record of files, which is the checksum of its content, and the content."""
    content = record_json(record).encode()
    return hashlib.sha256(content).hexdigest(), content


def read_state(store: Store, state: str) -> BackupRecord:
    """Return the files of a state; raise WarehouseError when its object is missing or damaged."""
    name = state_name(state)
    found = read_object(store, name)
    if found is None or hashlib.sha256(found[0]).hexdigest() != state:
        what = "is missing" if found is None else "does not have its checksum"
        raise WarehouseError(
            f"{store.address}/{name}: {what}. Push again from the home that has the releases: warehouse "
            "objects push"
        )
    return _parse(store, name, found[0], BackupRecord)


def object_name(path: str, sha256: str) -> str:
    """Return the name of the object of a file in a home: its path, or by content if the file can change."""
    return path if is_fixed(path) else f"records/{sha256}"


def is_fixed(path: str) -> bool:
    """Tell whether a file never changes: of a vintage but its withdrawal, of a release, or staged."""
    folder, *rest = path.split("/")
    if folder == "landing":
        return len(rest) > 2 and rest[-1] != "withdrawn.json"
    return folder == "staged" or (folder == "published" and len(rest) > 1)


def list_releases(store: Store) -> list[ReleaseObjects]:
    """Return the releases of a bucket by name, also those whose upload has not ended."""
    pointer = read_latest(store)
    latest = pointer and pointer.pointer.release
    by_release: dict[str, dict[str, StoredObject]] = {}
    for name, one in list_objects(store, "published").items():
        if name != LATEST:
            by_release.setdefault(name.split("/")[1], {})[name] = one
    return [
        ReleaseObjects(
            release=release,
            is_latest=release == latest,
            is_complete=f"published/{release}/{MANIFEST}" in files,
            files=len(files),
            size_bytes=sum(one.size_bytes for one in files.values()),
            pushed_at=max(one.uploaded_at for one in files.values()),
        )
        for release, files in sorted(by_release.items())
    ]


def _parse(store: Store, name: str, content: bytes, kind: type[R]) -> R:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise WarehouseError(
            f"{store.address}/{name}: {describe_invalid(error)}. A newer version may have pushed it: upgrade "
            "this machine"
        ) from error
