"""The shelf of backfills: what was asked for, what was made of it beside the live one, what was decided.

A backfill is a directory `backfill/<id>/`: `backfill.json`, what was asked and on what it stands; `home/`, a
warehouse of its own, whose landing holds the accepted vintages by hard link and the backfilled ones besides,
and whose `build/` has the release that would be; `report.json`, what it would change. `backfill/log.jsonl`
has a line for each thing that happened to any of them.

Keeps: the live landing, builds and releases as they are until somebody approves. The log is append-only, and
its last line about a backfill is that backfill's state: `begun`, `empty` (nothing new), `failed`, `waiting`,
`approving`, `approved` or `discarded`. What was asked and the report stay when the rest is cleared.

Refuses: an id that is none; records that it did not write. What may be approved or discarded, `OPEN` and
`APPROVABLE` say: never what is being approved, and nothing twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from warehouse.errors import WarehouseError
from warehouse.files import append_line, complete_lines, write_atomic

LOG = "log.jsonl"
ASKED = "backfill.json"
REPORT = "report.json"
OPEN = ("begun", "empty", "failed", "waiting")
APPROVABLE = ("waiting", "approving")
DECIDED = ("empty", "approved", "discarded")


@dataclass(frozen=True)
class Ground:
    """What a backfill is compared with: the landing's vintages with their digests, the release, the code."""

    vintages: Mapping[str, str]
    release: str
    code: str


@dataclass(frozen=True)
class Backfill:
    """One backfill as it was asked for.

    `mode` is fetch or reread; `first` and `last` are days, both included. `mirrors` are what answers in the
    publisher's place, None the publisher itself.
    """

    id: str
    source: str
    mode: str
    first: date
    last: date
    mirrors: tuple[str | None, ...]
    directory: Path
    ground: Ground

    @property
    def home(self) -> Path:
        """Return the warehouse beside the live one."""
        return self.directory / "home"


@dataclass(frozen=True)
class Event:
    """One line of the log."""

    id: str
    at: datetime
    state: str
    by: str
    why: str


def begin(
    shelf: Path,
    source: str,
    mode: str,
    first: date,
    last: date,
    mirrors: tuple[str | None, ...],
    ground: Ground,
    by: str,
) -> Backfill:
    """Open a backfill; it has an id of its own from here on."""
    shelf.mkdir(parents=True, exist_ok=True)
    directory = shelf / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{source}"
    directory.mkdir()
    asked = Backfill(directory.name, source, mode, first, last, mirrors, directory, ground)
    told = asdict(asked) | {"first": first.isoformat(), "last": last.isoformat()}
    del told["directory"]
    write_atomic(directory / ASKED, json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    tell(shelf, asked.id, "begun", by, f"{mode} {source}, {first} to {last}")
    return asked


def find(shelf: Path, wanted: str) -> Backfill:
    """Return the backfill of an id; raise with the known ids when there is none."""
    path = shelf / wanted / ASKED
    if not wanted or "/" in wanted or not path.is_file():
        known = ", ".join(one.id for one in backfills(shelf)) or "none"
        raise WarehouseError(f"there is no backfill {wanted!r}; there are: {known}")
    return read(path.parent)


def read(directory: Path) -> Backfill:
    """Read what was asked; raise WarehouseError when it is not what this module writes."""
    path = directory / ASKED
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Backfill(
            id=told["id"],
            source=told["source"],
            mode=told["mode"],
            first=date.fromisoformat(told["first"]),
            last=date.fromisoformat(told["last"]),
            mirrors=tuple(told["mirrors"]),
            directory=directory,
            ground=Ground(**told["ground"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WarehouseError(f"{path}: unreadable ({error!r}). Ask for the backfill again") from error


def backfills(shelf: Path) -> tuple[Backfill, ...]:
    """List all backfills, oldest first."""
    return tuple(read(path.parent) for path in sorted(shelf.glob(f"*/{ASKED}")))


def events(shelf: Path, wanted: str | None = None) -> tuple[Event, ...]:
    """Read the log, oldest first, of one backfill or of all."""
    told = [json.loads(line) for line in complete_lines(shelf / LOG) if line]
    found = [Event(**(one | {"at": datetime.fromisoformat(one["at"])})) for one in told]
    return tuple(one for one in found if wanted is None or one.id == wanted)


def state(shelf: Path, wanted: str) -> str:
    """Return the state of a backfill: what the log's last line about it says."""
    told = events(shelf, wanted)
    return told[-1].state if told else "begun"


def tell(shelf: Path, backfill: str, now: str, by: str, why: str) -> None:
    """Append one line to the log."""
    event = Event(backfill, datetime.now(UTC), now, by, why[:2000])
    append_line(shelf / LOG, json.dumps(asdict(event) | {"at": event.at.isoformat()}, ensure_ascii=False))


def overlay(landing: Path, into: Path) -> None:
    """Make a landing of its own: accepted vintages by hard link, the log of checks as a copy."""
    into.mkdir(parents=True)
    for manifest in sorted(landing.glob("*/*/manifest.json")):
        vintage = manifest.parent
        if vintage.name.startswith("."):
            continue
        copy = into / vintage.parent.name / vintage.name
        link_tree(vintage, copy)
    for log in sorted(landing.glob("*/checks.jsonl")):
        (into / log.parent.name).mkdir(exist_ok=True)
        shutil.copyfile(log, into / log.parent.name / log.name)


def link_tree(origin: Path, copy: Path) -> None:
    """Copy a directory by hard links: bytes that never change need not lie there twice."""
    for path in sorted(origin.rglob("*")):
        place = copy / path.relative_to(origin)
        if path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(path)


def keep_report(asked: Backfill, report: Mapping[str, Any]) -> None:
    """Write what a backfill brought, and would change."""
    text = json.dumps(report, ensure_ascii=False, indent=2, default=str)
    write_atomic(asked.directory / REPORT, text + "\n")


def report_of(asked: Backfill) -> dict[str, Any]:
    """Read the report; empty before there is one."""
    path = asked.directory / REPORT
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return told


def changes(then: Ground, now: Ground) -> tuple[str, ...]:
    """Name what has changed in the live warehouse since a backfill was compared with it."""
    found = [f"vintage {one} has landed" for one in sorted(set(now.vintages) - set(then.vintages))]
    found += [f"vintage {one} is gone" for one in sorted(set(then.vintages) - set(now.vintages))]
    found += [
        f"vintage {one} holds other rows"
        for one in sorted(set(then.vintages) & set(now.vintages))
        if then.vintages[one] != now.vintages[one]
    ]
    if then.release != now.release:
        found.append(f"release {now.release} stands now, and {then.release} stood then")
    if then.code != now.code:
        found.append("the code, the seeds or the expectations are others than then")
    return tuple(found)


def leftovers(shelf: Path, before: datetime) -> tuple[Backfill, ...]:
    """List the backfills decided before a moment whose staged warehouse is still there.

    Whoever decided was killed before he had cleared it.
    """
    return tuple(
        one
        for one in backfills(shelf)
        if one.home.exists()
        and any(told.state in DECIDED and told.at < before for told in events(shelf, one.id)[-1:])
    )


def clear(asked: Backfill) -> None:
    """Remove what was staged; what was asked, the report and the log stay."""
    if asked.home.exists():
        shutil.rmtree(asked.home)
