"""Vintages that an operator takes out of force, and lets in again.

`withdrawn.json` beside the manifest of a vintage holds the decision. Its bytes stay, and no build reads it;
removing the record lets it in again, and `withdrawals.jsonl` of the source keeps every decision. A vintage
whose directory is lost can be withdrawn as well: the record then says that it is not expected any more.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from warehouse.errors import WarehouseError
from warehouse.files import Listing, append_record, fsync, list_log, read_record, write_record
from warehouse.landing import store
from warehouse.model import Decision, Vintage

LOG = "withdrawals.jsonl"


class WithdrawalEvent(BaseModel, frozen=True):
    """One line of the log: a vintage was withdrawn or restored, by whom and why."""

    action: Literal["withdraw", "restore"]
    vintage: str
    decision: Decision


def withdraw(
    landing: Path, source: str, vintage: str, reason: str, actor: str, *, subject: str, seconds: float = 0
) -> Decision | None:
    """Take a vintage out of force; do nothing if it is withdrawn already, and return that decision.

    `subject` says what the decision is about. Raises WarehouseError without a reason.
    """
    directory = _directory(landing, source, vintage)
    decision = Decision(actor=actor, at=datetime.now(UTC), reason=_required(reason), subject=subject)
    with store.source_lock(landing, source, seconds):
        return take_out(directory, decision)


def take_out(directory: Path, decision: Decision) -> Decision | None:
    """Withdraw the vintage of a directory as `withdraw` does; the caller holds the lock of its source."""
    if (directory / store.WITHDRAWN).exists():
        return read_record(directory / store.WITHDRAWN, Decision, store.LANDING_REMEDY)
    directory.mkdir(parents=True, exist_ok=True)
    event = WithdrawalEvent(action="withdraw", vintage=directory.name, decision=decision)
    append_record(directory.parent / LOG, event)
    write_record(directory / store.WITHDRAWN, decision)
    fsync(directory)
    return None


def restore(landing: Path, source: str, vintage: str, reason: str, actor: str, seconds: float = 0) -> Vintage:
    """Let a withdrawn vintage in again; return it. Raises WarehouseError if it is not withdrawn, or lost."""
    directory = _directory(landing, source, vintage)
    decision = Decision(
        actor=actor, at=datetime.now(UTC), reason=_required(reason), subject=f"{source} {vintage}"
    )
    with store.source_lock(landing, source, seconds):
        let_in(directory, decision)
    return store.read_vintage(directory)


def let_in(directory: Path, decision: Decision) -> None:
    """Restore the vintage of a directory as `restore` does; the caller holds the lock of its source."""
    source, vintage = directory.parent.name, directory.name
    if not (directory / store.WITHDRAWN).exists():
        raise WarehouseError(f"{source} {vintage} is not withdrawn; see: warehouse vintages list {source}")
    if not (directory / store.MANIFEST).exists():
        raise WarehouseError(f"{directory}: the files of this vintage are lost. {store.LANDING_REMEDY}")
    event = WithdrawalEvent(action="restore", vintage=vintage, decision=decision)
    append_record(directory.parent / LOG, event)
    (directory / store.WITHDRAWN).unlink()
    fsync(directory)


def list_events(landing: Path, source: str) -> Listing[WithdrawalEvent]:
    """Return the decisions on the vintages of a source, oldest first."""
    return list_log(landing / source / LOG, WithdrawalEvent, store.LANDING_REMEDY)


def withdrawn_with_rows(
    landing: Path, source: str, rows_digest: str, newest: Vintage | None
) -> Vintage | None:
    """Return the withdrawn vintage, newer than the one in force, that has the given rows, or None."""
    candidates = [
        one
        for one in store.list_all(landing, source).require()
        if one.withdrawn and one.rows_digest == rows_digest and (newest is None or one.id > newest.id)
    ]
    return candidates[-1] if candidates else None


def _directory(landing: Path, source: str, vintage: str) -> Path:
    if not store.VINTAGE_ID.fullmatch(vintage):
        raise WarehouseError(f"{vintage!r} is not the id of a vintage, such as 2024-07-12 or 2024-07-12.02")
    return landing / source / vintage


def _required(reason: str) -> str:
    if not reason.strip():
        raise WarehouseError("the decision needs a reason, which is recorded. Give it with --why")
    return reason.strip()
