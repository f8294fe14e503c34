"""Builds on disk: their ids, directories, records and lock."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse.config import Settings
from warehouse.errors import UnknownName, WarehouseError
from warehouse.files import locked, read_record
from warehouse.landing import store
from warehouse.releases.manifest import BuildRecord, Contents
from warehouse.releases.store import DATABASE
from warehouse.verdict import Verdict

BUILD_ID = re.compile(r"\d{8}T\d{12}Z")
BUILD_ID_FORMAT = "%Y%m%dT%H%M%S%fZ"
BUILD_RECORD = "build.json"
CONTENTS = "contents.json"
LOADED = "loaded.duckdb"
VERDICT = "validation.json"


def build_lock(settings: Settings) -> AbstractContextManager[None]:
    """Lock the building of releases; raises WarehouseError when another process holds the lock."""
    return locked(settings.build / ".lock", "another build is running now", settings.lock_seconds)


def build_dir(settings: Settings, build_id: str) -> Path:
    """Return the directory of a build; raise UnknownName for anything but the id of a build."""
    if not BUILD_ID.fullmatch(build_id):
        raise UnknownName(
            f"{build_id!r} is not the id of a build, such as {datetime.now(UTC):{BUILD_ID_FORMAT}}. Make "
            "one with: "
            "warehouse build"
        )
    return settings.build / build_id


def new_build_id(settings: Settings, now: datetime) -> str:
    """Return the id of a new build: its start time, but greater than all ids if the clock went back."""
    existing = [
        path.name
        for parent in (settings.build, settings.published)
        for path in parent.glob("2*Z")
        if BUILD_ID.fullmatch(path.name)
    ]
    newest = max(existing, default="")
    if f"{now:{BUILD_ID_FORMAT}}" > newest:
        return f"{now:{BUILD_ID_FORMAT}}"
    return f"{datetime.strptime(newest, BUILD_ID_FORMAT) + timedelta(microseconds=1):{BUILD_ID_FORMAT}}"


def read_contents(build: Path) -> Contents:
    """Return the digests of the tables of a transformed build; none of one that was made on Spark."""
    path = build / CONTENTS
    return read_record(path, Contents, "Transform the build again") if path.exists() else Contents()


def read_build(build: Path) -> BuildRecord:
    """Return what a build was made from; raise UnknownName when there is no build in the directory."""
    if not (build / BUILD_RECORD).exists():
        known = ", ".join(path.parent.name for path in sorted(build.parent.glob(f"2*Z/{BUILD_RECORD}")))
        what = "is not complete" if build.is_dir() else "does not exist"
        kind = WarehouseError if build.is_dir() else UnknownName
        raise kind(f"{build}: this build {what}. Builds: {known or 'none'}. Make one with: warehouse build")
    return read_record(build / BUILD_RECORD, BuildRecord, "Make a new build: warehouse build --force")


def read_verdict(build: Path) -> Verdict | None:
    """Return the verdict on a build; None when it was not validated yet."""
    path = build / VERDICT
    remedy = "Validate again by making a new build: warehouse build --force"
    return read_record(path, Verdict, remedy) if path.exists() else None


def lacks_files(build: Path) -> bool:
    """Tell whether a build lacks its database or one of the records of a validated build, or is gone."""
    return not all((build / name).exists() for name in (DATABASE, BUILD_RECORD, VERDICT))


def remove_abandoned_builds(settings: Settings) -> None:
    """Remove builds without a verdict that are over a day old; younger ones may be between two tasks."""
    for build in settings.build.glob("2*"):
        age = time.time() - build.stat().st_mtime
        if not (build / VERDICT).exists() and age > store.ABANDONED_AFTER_SECONDS:
            shutil.rmtree(build)


def newest_failed_build(settings: Settings) -> tuple[str, Verdict] | None:
    """Return id and verdict of the newest build that failed its tests or its validation, if there is one."""
    for build in sorted(settings.build.glob("2*"), reverse=True):
        verdict = read_verdict(build)
        if verdict is not None and not verdict.success:
            return build.name, verdict
    return None
