"""The records of backfills: request, baseline, report and log."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, Field

from warehouse.config import Settings
from warehouse.errors import UnknownName, WarehouseError
from warehouse.files import (
    Listing,
    append_record,
    directories_with,
    link_tree,
    list_log,
    read_each,
    read_record,
    write_record,
)
from warehouse.landing.store import RECORDS
from warehouse.masking import without_secrets
from warehouse.releases.diff import TableDiff, VintagesDiff

LOG = "log.jsonl"
REQUEST = "backfill.json"
REPORT = "report.json"

Days = tuple[date, date]  # the first and the last, both included
Mirrors = tuple[str | None, ...]
Masked = Annotated[str, AfterValidator(without_secrets)]  # an address, without its password
Mode = Literal["fetch", "reread"]
State = Literal["begun", "empty", "failed", "waiting", "approving", "approved", "discarded"]
OPEN: tuple[State, ...] = ("begun", "empty", "failed", "waiting")
APPROVABLE: tuple[State, ...] = ("waiting", "approving")
DECIDED: tuple[State, ...] = ("empty", "approved", "discarded")


class Baseline(BaseModel, frozen=True):
    """What a backfill is compared with: digests of the landed vintages, the current release, the code."""

    vintages: Mapping[str, str]
    release: str
    code: str


class Backfill(BaseModel, frozen=True, populate_by_name=True):
    """A backfill as requested. `first` and `last` are days of retrieval, both included.

    `mirrors` answer in place of the publisher, their passwords masked; None is the publisher. `baseline` is
    that of the request.
    """

    id: str
    source: str
    mode: Mode
    first: date
    last: date
    mirrors: tuple[Masked | None, ...]
    baseline: Baseline = Field(validation_alias=AliasChoices("baseline", "ground"))
    directory: Path = Field(default=Path(), exclude=True)

    @property
    def home(self) -> Path:
        """Return the warehouse beside the live one."""
        return self.directory / "home"


class Event(BaseModel, frozen=True):
    """One line of the log."""

    id: str
    at: datetime
    state: State
    actor: str = Field(validation_alias=AliasChoices("actor", "by"))
    reason: str = Field(validation_alias=AliasChoices("reason", "why"))


class Pull(BaseModel, frozen=True):
    """One load, or one vintage parsed again, of a backfill."""

    subject: Masked = Field(validation_alias=AliasChoices("subject", "what"))
    retrieved_at: datetime
    outcome: Literal["accepted", "unchanged", "outside", "differs"]
    vintage: str | None = None
    rows: int | None = None
    detail: str


class Report(BaseModel, frozen=True):
    """What a backfill brought, and what its build would change in the release `before`."""

    pulls: tuple[Pull, ...] | None = None
    build: str | None = None
    error: str | None = None
    before: str | None = None
    after: str | None = None
    as_of: date | None = None
    vintages: tuple[VintagesDiff, ...] = ()
    tables: tuple[TableDiff, ...] = ()
    tables_equal: tuple[str, ...] = ()


def create(
    settings: Settings, source: str, mode: Mode, days: Days, mirrors: Mirrors, baseline: Baseline
) -> Backfill:
    """Create the directory of a backfill and record its request."""
    (first, last), name = days, f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{source}"
    directory = settings.backfill / name
    directory.mkdir(parents=True)
    request = Backfill(
        id=name, source=source, mode=mode, first=first, last=last, mirrors=mirrors, baseline=baseline
    )
    write_record(directory / REQUEST, request)
    log_event(settings, name, "begun", f"{mode} {source}, {first} to {last}")
    return read(directory)


def read(directory: Path) -> Backfill:
    """Return the backfill in a directory."""
    record = read_record(directory / REQUEST, Backfill, f"Remove {directory} and request the backfill again")
    return record.model_copy(update={"directory": directory})


def list_backfills(backfills: Path) -> Listing[Backfill]:
    """Return all backfills, oldest first, and a message for each that cannot be read."""
    found = directories_with(backfills, REQUEST, f"Restore {backfills} from the backup")
    listing = read_each(found.records, read)
    return Listing(listing.records, found.problems + listing.problems)


def find(backfills: Path, wanted: str) -> Backfill:
    """Return the backfill of an id; raise WarehouseError with the known ids if there is none."""
    directory = backfills / wanted
    if not wanted or "/" in wanted or not (directory / REQUEST).is_file():
        known = ", ".join(one.id for one in list_backfills(backfills).records) or "none"
        raise UnknownName(f"no backfill has the id {wanted!r}. Known: {known}")
    return read(directory)


# --- log ---


def log_event(settings: Settings, backfill: str, state: State, reason: str) -> None:
    """Append one event to the log."""
    now, actor = datetime.now(UTC), settings.operator
    event = Event(id=backfill, at=now, state=state, actor=actor, reason=reason[:2000])
    append_record(settings.backfill / LOG, event)


def list_events(backfills: Path) -> Listing[Event]:
    """Return the events of all backfills, oldest first."""
    return list_log(backfills / LOG, Event, "Restore the log from the backup, or delete the line")


def events(backfills: Path, backfill: str) -> tuple[Event, ...]:
    """Return the events of one backfill, oldest first; raise WarehouseError when the log has none to read."""
    listing = list_events(backfills)
    return tuple(one for one in listing.records or listing.require() if one.id == backfill)


def state(backfills: Path, backfill: str) -> State:
    """Return the state of a backfill: that of its last event."""
    found = events(backfills, backfill)
    return found[-1].state if found else "begun"


def find_in_state(settings: Settings, wanted: str, states: tuple[State, ...]) -> Backfill:
    """Return a backfill that is in one of some states; raise WarehouseError when it is in another."""
    backfill = find(settings.backfill, wanted)
    now = state(settings.backfill, backfill.id)
    if now not in states:
        raise WarehouseError(
            f"{backfill.id} is {now}; this needs a backfill that is {' or '.join(states)}. "
            f"See: warehouse backfill show {backfill.id}"
        )
    return backfill


# --- report, staged home ---


def write_report(backfill: Backfill, report: Report) -> None:
    """Write the report of a backfill."""
    write_record(backfill.directory / REPORT, report)


def read_report(backfill: Backfill) -> Report:
    """Return the report of a backfill; an empty one before there is any."""
    path = backfill.directory / REPORT
    remedy = f"Discard the backfill: warehouse backfill discard {backfill.id} --why 'damaged report'"
    return read_record(path, Report, remedy) if path.exists() else Report()


def stage_landing(landing: Path, into: Path) -> None:
    """Create the landing of a backfill: accepted vintages by hard link, the logs of polls as copies.

    A vintage whose loss is recorded has its record there too.
    """
    into.mkdir(parents=True)
    for vintage in sorted({path.parent for name in RECORDS for path in landing.glob(f"*/[!.]*/{name}")}):
        link_tree(vintage, into / vintage.parent.name / vintage.name)
    for log in sorted(landing.glob("*/checks.jsonl")):
        (into / log.parent.name).mkdir(exist_ok=True)
        shutil.copyfile(log, into / log.parent.name / log.name)


def remove_staged(backfill: Backfill) -> None:
    """Remove the staged warehouse; request, report and log stay."""
    if backfill.home.exists():
        shutil.rmtree(backfill.home)


def leftovers(backfills: Path, before: datetime) -> tuple[Backfill, ...]:
    """Return the backfills decided before a time whose staged warehouse a killed process has left."""
    last = {event.id: event for event in list_events(backfills).records}
    decided = {event.id for event in last.values() if event.state in DECIDED and event.at < before}
    found = list_backfills(backfills).records
    return tuple(one for one in found if one.id in decided and one.home.exists())
