"""Vintages on disk: reading and adding them, their ids, and the log of polls."""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError
from warehouse.files import (
    Listing,
    append_record,
    directories_with,
    fsync,
    fsync_all,
    list_log,
    locked,
    read_each,
    read_record,
    sha256_of,
    write_record,
)
from warehouse.model import Check, Decision, Drift, FailedPart, Fetched, Outcome, Source, Vintage

if TYPE_CHECKING:
    from warehouse.fetch import Pulled
    from warehouse.landing.parse import Parsed

INCOMING = ".incoming"
MANIFEST = "manifest.json"
WITHDRAWN = "withdrawn.json"
RECORDS = (MANIFEST, WITHDRAWN)  # without any of them, a directory is of a load that was killed, or lost
VINTAGE_ID = re.compile(r"\d{4}-\d\d-\d\d(\.\d\d)?")
LANDING_REMEDY = "Restore the landing from its backup"
CHECKS = "checks.jsonl"
CHECKS_REMEDY = "Delete the line: it only records a poll, not a figure"
ABANDONED_AFTER_SECONDS = 24 * 3600
MOST_VINTAGES_OF_A_DAY = 99  # two digits keep ids in order when sorted as text


def source_lock(landing: Path, source: str, seconds: float = 0) -> AbstractContextManager[None]:
    """Lock one source for writing; raises WarehouseError when another process holds the lock."""
    message = f"{source}: another process is writing this source now"
    return locked(landing / source / ".lock", message, seconds)


def new_incoming(landing: Path, source: str) -> Path:
    """Create the directory of a new load, and remove those abandoned for over a day."""
    parent = landing / source / INCOMING
    parent.mkdir(parents=True, exist_ok=True)
    for old in parent.iterdir():
        if time.time() - old.stat().st_mtime > ABANDONED_AFTER_SECONDS:
            shutil.rmtree(old)
    incoming = parent / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}"
    (incoming / "files").mkdir(parents=True)
    return incoming


def discard(incoming: Path) -> None:
    """Remove the directory of a load that brought nothing new or did not arrive completely."""
    shutil.rmtree(incoming, ignore_errors=True)


# --- reading ---


def list_all(landing: Path, source: str) -> Listing[Vintage]:
    """Return all vintages of a source, withdrawn ones too, and a message for each unreadable manifest.

    The listing also has a message for each directory that cannot be looked into.
    """
    found = directories_with(landing / source, MANIFEST, LANDING_REMEDY)
    listing = read_each(found.records, read_vintage)
    return Listing(listing.records, found.problems + listing.problems)


def list_vintages(landing: Path, source: str) -> Listing[Vintage]:
    """Return the vintages of a source that are not withdrawn, oldest first, and the messages as above."""
    found = list_all(landing, source)
    return Listing(tuple(one for one in found.records if one.withdrawn is None), found.problems)


def vintages(landing: Path, source: str) -> tuple[Vintage, ...]:
    """Return what `list_vintages` does; raise WarehouseError if a manifest is unreadable."""
    return list_vintages(landing, source).require()


def read_vintage(directory: Path) -> Vintage:
    """Return the vintage in a directory; raise WarehouseError if its manifest is missing or invalid."""
    record = read_record(directory / MANIFEST, Vintage, LANDING_REMEDY)
    path = directory / WITHDRAWN
    withdrawn = read_record(path, Decision, LANDING_REMEDY) if path.exists() else None
    return record.model_copy(update={"directory": directory, "withdrawn": withdrawn})


def vintage_of_pull(landing: Path, source: str, pull: str) -> Vintage | None:
    """Return the vintage that an incoming directory became, if it did: a retried task asks this first."""
    return next((one for one in reversed(list_all(landing, source).require()) if one.pull == pull), None)


def retrieval_time(files: tuple[Fetched, ...]) -> datetime:
    """Return when the newest answer of a load left the publisher; answers that were carried do not count."""
    return max(file.retrieved_at for file in files if file.carried_from is None)


# --- ids ---


def next_id(last: Vintage | None, retrieved_at: datetime) -> str:
    """Return the id after `last`: the day of retrieval, or the last day with the next suffix."""
    day = retrieved_at.astimezone(UTC).date()
    if last is None or day > last.day:
        return day.isoformat()
    number = int(last.id[11:] or "1") + 1
    if number > MOST_VINTAGES_OF_A_DAY:
        raise WarehouseError(
            f"{last.source}: {last.day} has {MOST_VINTAGES_OF_A_DAY} vintages. Find out what keeps changing: "
            f"warehouse query \"select * from marts.mart_revision where source = '{last.source}'\""
        )
    return f"{last.day.isoformat()}.{number:02d}"


def predecessor(existing: tuple[Vintage, ...], retrieved_at: datetime) -> Vintage | None:
    """Return the newest vintage (of `existing`, oldest first) retrieved at or before a time."""
    day = retrieved_at.astimezone(UTC).date()
    earlier = [
        one for one in existing if one.day < day or (one.day == day and one.retrieved_at <= retrieved_at)
    ]
    return earlier[-1] if earlier else None


def later_of_day(existing: tuple[Vintage, ...], retrieved_at: datetime) -> Vintage | None:
    """Return the first vintage (of `existing`) retrieved later than a time on the same day; None if none."""
    day = retrieved_at.astimezone(UTC).date()
    return next((one for one in existing if one.day == day and one.retrieved_at > retrieved_at), None)


def id_by_day(existing: tuple[Vintage, ...], retrieved_at: datetime) -> str:
    """Return the id of a vintage that is filed under its own day, among newer vintages.

    Raises WarehouseError when a vintage of the same day was retrieved later: any id after it would put the
    older answer in force.
    """
    if later := later_of_day(existing, retrieved_at):
        raise WarehouseError(
            f"{later.source}: the answer of {retrieved_at:%Y-%m-%d %H:%MZ} is older than vintage "
            f"{later.id} of the same day, and an id after it would put the older answer in force. "
            "Leave this answer out of the backfill"
        )
    day = retrieved_at.astimezone(UTC).date()
    same_day = [one for one in existing if one.day == day]
    return next_id(same_day[-1] if same_day else None, retrieved_at)


# --- adding ---


def add_vintage(
    landing: Path,
    source: Source,
    incoming: Path,
    pulled: Pulled,
    parsed: Parsed,
    validation: dict[str, Any],
    now: datetime,
    *,
    overruled: Decision | None = None,
    backfilled: Decision | None = None,
) -> Vintage:
    """Move a validated load into the landing; it becomes a vintage when its manifest is renamed into place.

    A nightly load comes after the newest vintage. One with a decision is filed under its day of retrieval.
    """
    existing = list_all(landing, source.name).require()  # ids of withdrawn vintages are taken
    retrieved_at = retrieval_time(pulled.files)
    if overruled or backfilled:
        last, vintage_id = predecessor(existing, retrieved_at), id_by_day(existing, retrieved_at)
    else:
        last = existing[-1] if existing else None
        vintage_id = next_id(last, retrieved_at)
    directory = landing / source.name / vintage_id
    while (directory / WITHDRAWN).exists():  # of a vintage that is lost
        vintage_id = f"{vintage_id[:10]}.{int(vintage_id[11:] or '1') + 1:02d}"
        directory = landing / source.name / vintage_id
    if directory.exists():  # without a manifest, else the id would be taken: a load that was killed here
        shutil.rmtree(directory)
    (incoming / "files" / "fetched.json").unlink(missing_ok=True)
    fsync_all((*(incoming / "files").iterdir(), incoming / "files"))
    incoming.rename(directory)
    vintage = Vintage(
        source=source.name,
        id=vintage_id,
        title=source.title,
        publisher=source.publisher,
        homepage=source.homepage,
        licence=source.licence,
        retrieved_at=retrieved_at,
        landed_at=now,
        previous_vintage=last.id if last else None,
        pull=incoming.name,
        reader_version=source.reader_version,
        row_count=parsed.row_count,
        rows_digest=parsed.rows_digest,
        rows_sha256=sha256_of(directory / "rows.parquet"),
        files=tuple(sorted(pulled.files, key=lambda file: file.name)),
        validation=validation,
        drift=parsed.drift,
        failed_parts=pulled.failed_parts,
        overruled=overruled,
        backfilled=backfilled,
    )
    write_record(directory / MANIFEST, vintage)
    fsync(landing / source.name)
    return vintage.model_copy(update={"directory": directory})


# --- the log of polls ---


def record_check(landing: Path, check: Check) -> None:
    """Append one poll to the source's log."""
    path = landing / check.source / CHECKS
    path.parent.mkdir(parents=True, exist_ok=True)
    append_record(path, check)


def record_poll(
    landing: Path,
    source: str,
    outcome: Outcome,
    vintage: str | None,
    text: str,
    at: datetime | None = None,
    *,
    drift: tuple[Drift, ...] = (),
    failed_parts: tuple[FailedPart, ...] = (),
) -> None:
    """Append a poll made now, with a text on it; `at` is when the answer left the publisher, None for now."""
    now = datetime.now(UTC)
    record_check(
        landing,
        Check(
            source=source,
            polled_at=now,
            checked_at=at or now,
            outcome=outcome,
            vintage=vintage,
            detail=text[:2000],
            drift=drift,
            failed_parts=failed_parts,
        ),
    )


def list_checks(landing: Path, source: str) -> Listing[Check]:
    """Return the polls of a source, oldest first, and a message for each unreadable line, or for the log."""
    return list_log(landing / source / CHECKS, Check, CHECKS_REMEDY)
