"""What is wrong, whom it was told to, and when it is told again.

Keeps: an alert says what happened, what stands and the command to run next. Its `key` is what makes it the
same as yesterday's. `alerts.jsonl` has a line for each time that one was raised, told, could not be sent, or
was over; a channel that failed is tried again with the next message, the others are not.

An alert is told once to each channel, and again only after `REMIND_AFTER` of its kind while it lasts: a
failed step with each night, low disk every day, a late source or a rejected load once a week, a big
revision never.
When it is over and comes back, it is told anew.

Refuses: to fail whoever tells. A ledger that can't be written (the disk is full) costs repeated alerts, and
no alert. It never holds what a channel answered, for that may quote an address that is a secret.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock

from warehouse.files import append_line, complete_lines

log = logging.getLogger(__name__)

STEP_FAILED, LOAD_REJECTED, SOURCE_LATE = "step_failed", "load_rejected", "source_late"
BIG_REVISION, DISK_LOW = "big_revision", "disk_low"
# In the order of their haste, which is that of a message.
REMIND_AFTER: dict[str, timedelta | None] = {
    STEP_FAILED: timedelta(hours=20),  # the next night's failure is news, this night's second try is not
    DISK_LOW: timedelta(hours=20),
    LOAD_REJECTED: timedelta(days=7),
    BIG_REVISION: None,
    SOURCE_LATE: timedelta(days=7),
}
LEDGER = "alerts.jsonl"
LOCK_SECONDS = 10
TEXT_LIMIT = 2000  # of a reason: a message is read on a telephone
MOVES_SHOWN = 5


@dataclass(frozen=True)
class Alert:
    """One thing that is wrong: what happened, what stands, and the command to run next."""

    kind: str
    subject: str
    key: str
    happened: str
    stands: str
    command: str


@dataclass(frozen=True)
class Told:
    """What the ledger knows of an alert that is not over: when it began, which channel heard of it when."""

    alert: Alert
    since: datetime
    is_raised: bool = False
    told: Mapping[str, datetime] = field(default_factory=dict)
    unsent: Mapping[str, str] = field(default_factory=dict)


# --- what is wrong ------------------------------------------------------------------------------------


def step_failed(step: str, reason: str, stands: str, command: str) -> Alert:
    """Return the alert of a step that failed; `step` names it the same on every night."""
    told = f"{step} failed. {reason.strip()[:TEXT_LIMIT]}"
    return Alert(STEP_FAILED, step, f"{STEP_FAILED}/{step}", told, stands, command)


def load_rejected(source: str, reasons: str, stands: str, command: str) -> Alert:
    """Return the alert of a refused load; the same reasons on the next night make the same alert."""
    mark = hashlib.sha256(reasons.encode()).hexdigest()[:12]
    told = f"{source}: tonight's load was rejected. {reasons.strip()[:TEXT_LIMIT]}"
    return Alert(LOAD_REJECTED, source, f"{LOAD_REJECTED}/{source}/{mark}", told, stands, command)


def source_late(source: str, due: Due, newest: str | None, stands: str, command: str) -> Alert:
    """Return the alert of a source that brought nothing by the day its publisher's calendar says."""
    has = f"the newest vintage is {newest}" if newest else "there is no vintage at all"
    told = (
        f"{source} is late: a release was expected on {due.on} and {due.grace_days} days of grace are over; "
        f"{has}. {due.why} ({due.source_url})"
    )
    return Alert(SOURCE_LATE, source, f"{SOURCE_LATE}/{source}/{due.on}", told, stands, command)


def disk_low(reason: str, stands: str, command: str) -> Alert:
    """Return the alert of a disk that may not hold the next night."""
    return Alert(DISK_LOW, "disk", DISK_LOW, reason, stands, command)


def big_revisions(
    found: Sequence[Mapping[str, Any]], stands: str, commands: Mapping[str, str]
) -> list[Alert]:
    """Return an alert for each source and vintage that revised a figure by more than its threshold.

    `found` has source, vintage, previous_vintage, series, period_label, previous_value, value, change_pct,
    threshold_pct; `commands` maps a source to what shows all of its revisions.
    """
    by_vintage: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in found:
        by_vintage.setdefault((str(one["source"]), str(one["vintage"])), []).append(one)
    return [
        Alert(
            BIG_REVISION,
            source,
            f"{BIG_REVISION}/{source}/{vintage}",
            told_revisions(source, vintage, some),
            stands,
            commands[source],
        )
        for (source, vintage), some in sorted(by_vintage.items())
    ]


def told_revisions(source: str, vintage: str, some: list[Mapping[str, Any]]) -> str:
    """Tell a vintage's big revisions: how many, and the biggest."""
    largest = sorted(some, key=lambda one: -abs(one["change_pct"] or 0))[:MOVES_SHOWN]
    moves = "; ".join(
        f"{one['series']} {one['period_label']}: {one['previous_value']} -> {one['value']} "
        f"({'from nothing' if one['change_pct'] is None else format(one['change_pct'], '+.1f') + ' %'}, "
        f"threshold {one['threshold_pct']} %)"
        for one in largest
    )
    return (
        f"{source}: vintage {vintage} revised {len(some)} figures of vintage {some[0]['previous_vintage']} "
        f"beyond the threshold: {moves}{'; …' if len(some) > len(largest) else ''}"
    )


# --- when a source is late ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """One expected release: its day, from when a vintage counts as it, and what the day rests on."""

    on: date
    counts_from: date
    grace_days: int
    why: str
    source_url: str


def last_due(calendar: Path, source: str, today: date) -> Due | None:
    """Return the newest expected release whose grace is over; None for a source without a calendar."""
    with calendar.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == source]
    found = [
        Due(
            on,
            on - timedelta(days=int(row["early_days"])),
            int(row["grace_days"]),
            row["calendar_why"],
            row["source_url"],
        )
        for row in rows
        for year in (today.year - 2, today.year - 1, today.year)
        for on in [date(year, int(row["month"]), int(row["day"]))]
        if on + timedelta(days=int(row["grace_days"])) < today
    ]
    return max(found, key=lambda one: one.on, default=None)


# --- whom it was told to ------------------------------------------------------------------------------


def open_alerts(home: Path) -> dict[str, Told]:
    """Read the ledger: what was raised or told and is not over, by key."""
    found: dict[str, Told] = {}
    for line in read_ledger(home):
        key, at = line["alert"]["key"], datetime.fromisoformat(line["at"])
        if line["event"] == "over":
            found.pop(key, None)
            continue
        alert = Alert(**line["alert"])
        before = found.get(key) or Told(alert, at)
        told, unsent = dict(before.told), dict(before.unsent)
        if line["event"] == "told":
            told[line["channel"]] = at
            unsent.pop(line["channel"], None)
        elif line["event"] == "unsent":
            unsent[line["channel"]] = line["reason"]
        found[key] = Told(alert, before.since, before.is_raised or line["event"] == "raised", told, unsent)
    return found


def read_ledger(home: Path) -> list[dict[str, Any]]:
    """Return the lines of the ledger, oldest first; a last line cut by a crash is left out."""
    return [json.loads(line) for line in complete_lines(home / LEDGER)]


def channels_due(alert: Alert, before: Told | None, channels: Iterable[str], now: datetime) -> list[str]:
    """Return the channels that must hear of an alert now: those that have not, or not for long.

    A clock that went back makes no alert due again.
    """
    pause = REMIND_AFTER[alert.kind]
    told = before.told if before else {}
    return [
        one
        for one in channels
        if one not in told
        or (before is not None and one in before.unsent)
        or (pause is not None and now - told[one] >= pause)
    ]


def note(home: Path, event: str, alerts: Iterable[Alert], channel: str = "", reason: str = "") -> None:
    """Put alerts on record as `raised`, `told`, `unsent` or `over`; a record that fails is logged only."""
    now = datetime.now(UTC).isoformat()
    lines = [
        json.dumps(
            {"at": now, "event": event, "channel": channel, "reason": reason, "alert": asdict(one)},
            ensure_ascii=False,
        )
        for one in alerts
    ]
    if not lines:
        return
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f".{LEDGER}.lock", timeout=LOCK_SECONDS):
            for line in lines:
                append_line(home / LEDGER, line)
    except OSError as error:  # Timeout is one too; whoever tells goes on telling
        log.warning("The ledger of alerts %s could not be written: %s", home / LEDGER, error)


def in_haste(alerts: Iterable[Alert]) -> list[Alert]:
    """Return alerts with the kind first that can wait least."""
    kinds = list(REMIND_AFTER)
    return sorted(alerts, key=lambda one: kinds.index(one.kind))


def letter(alerts: Sequence[Alert]) -> tuple[str, str]:
    """Return subject and text of one message that tells of some alerts, at least one."""
    first, *others = alerts
    subject = f"[services-trade-warehouse] {first.kind}: {first.subject}"
    if others:
        subject += f" (and {len(others)} more)"
    return subject, "\n\n".join(
        "\n".join(
            [
                f"{one.kind}: {one.subject}",
                f"What happened: {one.happened}",
                f"What stands: {one.stands}",
                f"What to run next: {one.command}",
                f"Runbook: OPERATIONS.md, section {one.kind}",
            ]
        )
        for one in alerts
    )
