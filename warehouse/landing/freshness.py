"""Freshness of sources: the one rule for late, failing and never landed.

A source without a vintage is `not configured` when its last poll found nothing to ask (no recording in the
mirror, no key), else `never`. It is `failing` when its last poll failed or was rejected, and `late` when the
newest release that its publisher's calendar expects is overdue. The calendar is the seed
`release_calendar.csv`: month and day of each expected release, `grace_days` after it until it is overdue, and
`early_days` before it from which a vintage counts as that release.
"""

from __future__ import annotations

import csv
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from warehouse.config import SEEDS_DIR, Settings
from warehouse.landing import store
from warehouse.model import Check, Vintage

CALENDAR = SEEDS_DIR / "release_calendar.csv"
SUCCESSES = ("accepted", "unchanged")
NOT_CONFIGURED: Literal["not configured"] = "not configured"

Status = Literal["ok", "late", "failing", "never", "not configured"]


class ExpectedRelease(BaseModel, frozen=True):
    """A release that the calendar expects: its day, from when a vintage counts as it, and the reason."""

    due_on: date
    counts_from: date
    grace_days: int
    reason: str
    source_url: str


class Freshness(BaseModel, frozen=True):
    """The state of one source as of a day.

    `overdue` is set when that release has not come; nothing is expected of a source that is not configured.
    """

    source: str
    as_of: date
    status: Status
    newest_vintage: str | None
    last_success_at: datetime | None
    last_check: Check | None
    overdue: ExpectedRelease | None


def freshness_of(settings: Settings, source: str, as_of: date, calendar: Path = CALENDAR) -> Freshness:
    """Return the freshness of a source, from its vintages until a day and from all of its polls."""
    vintages = [one for one in store.list_vintages(settings.landing, source).records if one.day <= as_of]
    return assess(source, vintages, store.list_checks(settings.landing, source).records, as_of, calendar)


def newest_withdrawn(landing: Path, source: str) -> Vintage | None:
    """Return the newest vintage of a source if it is withdrawn; a poll does not bring it back."""
    newest = store.list_all(landing, source).records[-1:]
    return newest[0] if newest and newest[0].withdrawn else None


def assess(
    source: str, vintages: Sequence[Vintage], checks: Sequence[Check], as_of: date, calendar: Path = CALENDAR
) -> Freshness:
    """Return the freshness of a source from its vintages and polls, both oldest first."""
    expected = last_overdue(calendar, source, as_of)
    # The highest id is the newest; a vintage retrieved before `counts_from` is not the expected release.
    has_come = expected is None or any(one.day >= expected.counts_from for one in vintages)
    successes = [one.checked_at for one in checks if one.outcome in SUCCESSES]
    status: Status = "ok"
    if not vintages:
        status = "not configured" if checks and checks[-1].outcome == NOT_CONFIGURED else "never"
    elif checks and checks[-1].outcome not in SUCCESSES:
        status = "failing"
    elif not has_come:
        status = "late"
    return Freshness(
        source=source,
        as_of=as_of,
        status=status,
        newest_vintage=vintages[-1].id if vintages else None,
        last_success_at=max(successes, default=None),
        last_check=checks[-1] if checks else None,
        overdue=None if has_come or status == NOT_CONFIGURED else expected,
    )


def last_overdue(calendar: Path, source: str, as_of: date) -> ExpectedRelease | None:
    """Return the newest expected release whose grace is over; None for a source without a calendar."""
    with calendar.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == source]
    expected = [
        ExpectedRelease(
            due_on=due_on,
            counts_from=due_on - timedelta(days=int(row["early_days"])),
            grace_days=int(row["grace_days"]),
            reason=row["calendar_why"],
            source_url=row["source_url"],
        )
        for row in rows
        for year in (as_of.year - 2, as_of.year - 1, as_of.year)
        for due_on in [day_of_year(year, int(row["month"]), int(row["day"]))]
    ]
    overdue = [one for one in expected if one.due_on + timedelta(days=one.grace_days) < as_of]
    return max(overdue, key=lambda one: one.due_on, default=None)


def day_of_year(year: int, month: int, day: int) -> date:
    """Return a day of the calendar; 29 February is the 28th in a year without one."""
    return date(year, month, min(day, monthrange(year, month)[1]))
