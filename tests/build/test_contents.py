"""What a build contains: the day that it is as of."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from warehouse.build.contents import newest_day
from warehouse.model import Check, Outcome


@pytest.mark.parametrize(
    ("outcome", "day"),
    [
        ("unchanged", date(2026, 5, 31)),
        ("rejected", date(2026, 5, 31)),
        ("failed", date(2026, 5, 1)),
        ("not configured", date(2026, 5, 1)),
    ],
)
def test_only_a_poll_that_received_an_answer_moves_the_day_of_a_build(outcome: Outcome, day: date) -> None:
    def poll(outcome: Outcome, on: datetime) -> Check:
        return Check(
            source="toy", polled_at=on, checked_at=on, outcome=outcome, vintage=None, detail="for a test"
        )

    polls = (
        poll("accepted", datetime(2026, 5, 1, tzinfo=UTC)),
        poll(outcome, datetime(2026, 5, 31, tzinfo=UTC)),
    )
    assert newest_day([], {"toy": polls}) == day
