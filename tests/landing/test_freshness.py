"""The freshness of a source: never, failing, late or ok, as of a day."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from conftest import settings_of
from toy import SOURCE, land

from warehouse.landing import store
from warehouse.landing.freshness import CALENDAR, assess, freshness_of, last_overdue
from warehouse.model import Check, Outcome, Vintage
from warehouse.sources import SOURCES

HEADER = "source,month,day,early_days,grace_days,calendar_why,source_url\n"


def calendar_of(folder: Path, *rows: str) -> Path:
    path = folder / "calendar.csv"
    path.write_text(HEADER + "".join(f"toy,{row},why,https://publisher.example\n" for row in rows))
    return path


def vintage_of(folder: Path, day: str) -> Vintage:
    return land(folder, f"code,value\na,{day}\n", datetime.fromisoformat(day).replace(tzinfo=UTC))


def test_source_that_could_not_be_asked_is_not_configured_until_it_has_a_vintage(tmp_path: Path) -> None:
    calendar, day = calendar_of(tmp_path, "2,1,10,5"), date(2023, 3, 1)
    checks = [check("failed", "2023-02-01"), check("not configured", "2023-02-02")]
    found = assess("toy", [], checks, day, calendar)
    assert (found.status, found.overdue, found.last_success_at) == ("not configured", None, None)
    assert assess("toy", [], checks[:1], day, calendar).status == "never"
    assert assess("toy", [], checks[:1], day, calendar).overdue is not None
    vintages = [vintage_of(tmp_path, "2020-01-01")]
    assert assess("toy", vintages, checks, day, calendar).status == "failing"


def check(outcome: Outcome, at: str) -> Check:
    time = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return Check(source="toy", polled_at=time, checked_at=time, outcome=outcome, vintage=None, detail="")


@pytest.mark.parametrize(
    ("as_of", "due_on"),
    [
        (date(2026, 4, 14), date(2025, 12, 31)),  # the last day of the grace period
        (date(2026, 4, 15), date(2026, 3, 31)),
        (date(2026, 1, 14), date(2025, 9, 30)),  # across the end of the year
    ],
)
def test_release_is_overdue_when_its_grace_is_over(as_of: date, due_on: date) -> None:
    found = last_overdue(CALENDAR, "safe_bop", as_of)
    assert found is not None and found.due_on == due_on
    assert found.counts_from == due_on - timedelta(days=30)


def test_every_source_except_curated_has_a_calendar() -> None:
    with CALENDAR.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 10
    assert {row["source"] for row in rows} == set(SOURCES) - {"curated"}
    assert last_overdue(CALENDAR, "curated", date(2026, 6, 1)) is None
    for row in rows:
        date(2024, int(row["month"]), int(row["day"]))


@pytest.mark.parametrize(
    ("rows", "vintage", "status"),
    [
        (["1,29,10,30"], "2023-01-19", "ok"),  # counted from the first early day
        (["1,30,10,30"], "2022-01-25", "ok"),  # 1 March is the last day of grace: the release of 2022 counts
        (
            ["3,31,10,5", "12,31,10,5"],
            "2022-12-20",
            "late",
        ),  # the newest of several, across the end of the year
        (["2,1,10,5"], "2023-01-22", "ok"),
        (["2,1,10,5"], "2023-01-21", "late"),  # a day too early
        (["2,29,0,0"], "2023-02-28", "ok"),  # 29 February is the 28th of a common year
        (["2,29,0,1"], "2022-02-28", "ok"),
        (["2,1,10,5"], None, "never"),
        ([], "2001-01-01", "ok"),  # a source without a calendar is never late
    ],
)
def test_status_on_1_march_2023(tmp_path: Path, rows: list[str], vintage: str | None, status: str) -> None:
    vintages = [vintage_of(tmp_path, vintage)] if vintage else []
    found = assess("toy", vintages, [], date(2023, 3, 1), calendar_of(tmp_path, *rows))
    assert found.status == status
    assert (found.overdue is not None) == (status == "late" or bool(rows and not vintage))


@pytest.mark.parametrize(("day", "status"), [("2024-02-29", "ok"), ("2024-02-28", "late")])
def test_release_of_29_february_is_due_on_that_day_of_a_leap_year(
    tmp_path: Path, day: str, status: str
) -> None:
    vintages = [vintage_of(tmp_path, day)]
    found = assess("toy", vintages, [], date(2024, 3, 1), calendar_of(tmp_path, "2,29,0,0"))
    assert found.status == status


@pytest.mark.parametrize(
    ("outcomes", "status", "last_success"),
    [
        (("accepted", "failed"), "failing", 1),
        (("accepted", "rejected"), "failing", 1),
        (("failed", "unchanged"), "late", 2),
        (("accepted", "failed", "accepted"), "late", 3),
    ],
)
def test_last_poll_of_the_log_decides_whether_a_source_is_failing(
    tmp_path: Path, outcomes: tuple[Outcome, ...], status: str, last_success: int
) -> None:
    # The calendar makes the source late; a failing source that is late too is failing.
    checks = [check(outcome, f"2022-06-{number:02}") for number, outcome in enumerate(outcomes, start=1)]
    vintages = [vintage_of(tmp_path, "2022-06-01")]
    found = assess("toy", vintages, checks, date(2023, 3, 1), calendar_of(tmp_path, "12,31,0,0"))
    assert found.status == status
    assert found.last_success_at == datetime(2022, 6, last_success, tzinfo=UTC)


def test_freshness_is_read_from_the_landing_as_of_a_day(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    vintage_of(settings.landing, "2023-01-22")
    vintage_of(settings.landing, "2023-03-02")
    store.record_check(settings.landing, check("accepted", "2023-01-22"))
    calendar = calendar_of(tmp_path, "2,1,10,5")
    before = freshness_of(settings, SOURCE.name, date(2023, 3, 1), calendar)
    assert (before.status, before.newest_vintage) == ("ok", "2023-01-22")
    later = freshness_of(settings, SOURCE.name, date(2024, 3, 1), calendar)
    assert (later.status, later.newest_vintage) == ("late", "2023-03-02")
