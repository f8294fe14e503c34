"""Loads that failed validation, and an operator's decision to accept one over the load gate.

An entry is a directory `rejected/<source>/<pull>/`: `files/` with the bytes as sent and `fetched.json`, and
`report.json`, the reasons and the report of the load gate. Its id is the name of the pull. Accepting an entry
adds `overruled.json` and changes nothing else: the landing gets the files by hard link.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel

from warehouse.config import Settings
from warehouse.errors import Rejected, SourceError, UnknownName, WarehouseError, reporting
from warehouse.files import (
    Listing,
    directories_with,
    fsync,
    fsync_all,
    read_each,
    read_record,
    write_record,
)
from warehouse.landing import store
from warehouse.model import Decision, Fetched, Source, Vintage
from warehouse.verdict import Verdict

FILES = "files"
REPORT = "report.json"
OVERRULED = "overruled.json"


class RejectionReport(BaseModel, frozen=True):
    """The content of report.json: why a load was rejected, and the whole report of the load gate."""

    source: str
    reasons: tuple[str, ...]
    report: dict[str, Any]


class Override(Decision, frozen=True):
    """The content of overruled.json: the decision to accept a rejected load, and the vintage it became."""

    vintage: str


class RejectedLoad(RejectionReport, frozen=True):
    """One entry of the quarantine. `override` is set when an operator accepted it."""

    id: str
    directory: Path
    rejected_at: datetime
    override: Override | None

    @property
    def was_validated(self) -> bool:
        """Tell whether the load could be read and was validated."""
        return "findings" in self.report

    @property
    def faults_of_form(self) -> tuple[str, ...]:
        """Return the reasons that no operator can overrule: without its form a table cannot be staged."""
        if not self.was_validated:
            return self.reasons
        return Verdict.model_validate(self.report).faults_of_form()


def add(
    rejected: Path, source: str, incoming: Path, reasons: tuple[str, ...], report: dict[str, Any]
) -> Path:
    """Move the files of a load into quarantine with the reasons and the report; return its directory.

    Its rows are not kept: `accept` parses the files again.
    """
    directory = rejected / source / incoming.name
    directory.parent.mkdir(parents=True, exist_ok=True)
    fsync_all((*(incoming / "files").iterdir(), incoming / "files"))
    write_record(incoming / REPORT, RejectionReport(source=source, reasons=reasons, report=report))
    for path in sorted(incoming.iterdir()):
        if path.is_dir() and path.name != FILES:
            shutil.rmtree(path)
        elif path.is_file() and path.name != REPORT:
            path.unlink()
    incoming.rename(directory)
    fsync(directory.parent)
    return directory


def list_rejected(rejected: Path) -> Listing[RejectedLoad]:
    """Return all entries, oldest first, and a message for each that cannot be read."""
    sources = sorted(path for path in rejected.glob("*") if path.is_dir())
    folders = [directories_with(path, REPORT, f"Restore {path} from the backup") for path in sources]
    found = read_each([path for folder in folders for path in folder.records], read)
    ordered = sorted(found.records, key=lambda entry: (entry.rejected_at, entry.source, entry.id))
    return Listing(tuple(ordered), sum((folder.problems for folder in folders), found.problems))


def read(directory: Path) -> RejectedLoad:
    """Return the entry in a directory; raise WarehouseError when one of its records is invalid."""
    remedy = f"Restore it from the backup, or remove {directory}"
    report = read_record(directory / REPORT, RejectionReport, remedy)
    has_override = (directory / OVERRULED).exists()
    return RejectedLoad(
        **dict(report),
        id=directory.name,
        directory=directory,
        rejected_at=datetime.fromtimestamp((directory / REPORT).stat().st_mtime, UTC),
        override=read_record(directory / OVERRULED, Override, remedy) if has_override else None,
    )


def find(rejected: Path, wanted: str) -> RejectedLoad:
    """Return the entry whose id is `wanted`, or the only one whose id begins with it."""
    listing = list_rejected(rejected)
    matches = [one for one in listing.records if one.id == wanted] or [
        one for one in listing.records if wanted and one.id.startswith(wanted)
    ]
    if len(matches) != 1:
        ids = ", ".join(one.id for one in matches or listing.records) or "none"
        problem = f" {listing.problems[0]}." if listing.problems and not matches else ""
        kind = WarehouseError if listing.problems or matches else UnknownName
        raise kind(
            f"{wanted!r} matches {len(matches) or 'no'} rejected load{'s' if len(matches) > 1 else ''}; "
            f"{'matching' if matches else 'known'}: {ids}.{problem} See: warehouse rejected list"
        )
    return matches[0]


def superseded(landing: Path, entry: RejectedLoad, files: Sequence[Fetched]) -> str | None:
    """Return why a load cannot be filed under its day, and what to do: a later answer of that day has landed.

    `files` are those of the load. Returns None when no vintage of the day, also a withdrawn one, was
    retrieved later.
    """
    sent = tuple(file for file in files if file.carried_from is None)
    existing = store.list_all(landing, entry.source).records
    later = store.later_of_day(existing, store.retrieval_time(sent)) if sent else None
    if later is None:
        return None
    state = ", and is withdrawn" if later.withdrawn else ""
    return (
        f"vintage {later.id} of the same day was retrieved later{state}. A load is filed under its day, and "
        "an id after that vintage would put the older answer in force. To have the present answer, ask the "
        f"publisher again with: warehouse fetch {entry.source}"
    )


def accept(settings: Settings, source: Source, entry: RejectedLoad, reason: str) -> Vintage:
    """Land a rejected load over the load gate's verdict, with the operator's reason; return the vintage.

    The files are parsed and validated again. Raises Rejected when they cannot be read or are not the files
    that were fetched: there are no rows to accept then. The release gate still validates the next build.
    """
    if not reason.strip():
        raise WarehouseError("an override needs a reason, which is recorded. Give it with --why")
    if entry.override:
        raise WarehouseError(
            f"{entry.id} was already accepted as vintage {entry.override.vintage} by {entry.override.actor} "
            f"on {entry.override.at:%Y-%m-%d}: {entry.override.reason}"
        )
    with (
        reporting(f"{source.name}: accepting {entry.id}"),
        store.source_lock(settings.landing, source.name, settings.lock_seconds),
    ):
        # A try that was killed may have landed the vintage before it recorded the override.
        vintage = store.vintage_of_pull(settings.landing, source.name, entry.id)
        if vintage is None:
            vintage = _land_overruled(settings, source, entry, reason.strip())
        decision = vintage.overruled
        if decision is None:
            raise WarehouseError(
                f"{vintage.directory}: the load gate accepted this load; nothing to override"
            )
        detail = f"overruled by {decision.actor}: {decision.reason}. {decision.subject}"
        store.record_poll(settings.landing, source.name, "accepted", vintage.id, detail, vintage.retrieved_at)
        override = Override(vintage=vintage.id, **decision.model_dump())
        write_record(entry.directory / OVERRULED, override)
        fsync(entry.directory)
    return vintage


def _land_overruled(settings: Settings, source: Source, entry: RejectedLoad, reason: str) -> Vintage:
    # Not at the top: `status` lists rejected loads, and has no need of requests and of the gate.
    from warehouse.fetch import read_pull
    from warehouse.landing.evaluate import evaluate, land

    pull = settings.landing / source.name / store.INCOMING / entry.id
    store.discard(pull)  # of a try that was killed
    pulled = read_pull(entry.directory / FILES)
    try:
        _link_files(entry, pulled.files, pull / FILES)
        if problem := superseded(settings.landing, entry, pulled.files):
            raise WarehouseError(f"{entry.id} cannot be accepted: {problem}")
        existing = store.vintages(settings.landing, source.name)
        previous = store.predecessor(existing, store.retrieval_time(pulled.files))
        evaluation = evaluate(source, pull, pulled, previous, settings.reparsed)
        if evaluation.verdict is None:
            known = previous.id if previous else "?"
            raise WarehouseError(f"{entry.id} has the rows of vintage {known}; there is nothing to accept")
        if faults := evaluation.verdict.faults_of_form():
            raise Rejected(
                f"{entry.id} cannot be accepted: {'; '.join(faults)}. A table without its form has no rows "
                "that a build could use. Correct the source's reader, or serve a corrected file from a "
                "mirror (OPERATIONS.md). The load stays in quarantine"
            )
        reasons = evaluation.verdict.reasons()
        passes = f"the load gate passes it today; it then reported: {'; '.join(entry.reasons)}"
        subject, now = f"Load gate: {'; '.join(reasons) or passes}", datetime.now(UTC)
        decision = Decision(actor=settings.operator, at=now, reason=reason, subject=subject)
        return land(settings.landing, evaluation, now, overruled=decision)
    except (WarehouseError, OSError, duckdb.Error) as error:
        store.discard(pull)
        if not isinstance(error, SourceError):
            raise
        raise Rejected(
            f"{entry.id} cannot be accepted: {error}. Files that cannot be read, or that changed since they "
            "were fetched, have no rows to publish. The load stays in quarantine"
        ) from error


def _link_files(entry: RejectedLoad, files: Sequence[Fetched], into: Path) -> None:
    """Link the files of a load that are there; `parse` reports one that is missing.

    A file of an older vintage, from which a part was read when the load was rejected, is not among them: it
    is linked again from the vintage that is the last one now.
    """
    into.mkdir(parents=True)
    for file in files:
        path = entry.directory / FILES / file.name
        if path.is_file():
            (into / file.name).hardlink_to(path)
