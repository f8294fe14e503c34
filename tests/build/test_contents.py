"""What a build contains: the day that it is as of, its vintages, and the code that dbt parsed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import toy
from conftest import settings_of
from small_releases import build_record, make_release, make_vintage

from warehouse.backfill import records as backfills
from warehouse.build import contents, dbt, load
from warehouse.build.contents import newest_day, require_not_overtaken
from warehouse.build.stage import Rows, Staged
from warehouse.errors import Rejected, WarehouseError
from warehouse.landing.withdraw import withdraw
from warehouse.model import Check, Outcome
from warehouse.releases.manifest import SetAside, entry_of


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


SOURCE, OLD, NEW = "worldbank_wdi", "2022-09-16", "2024-07-12"


def test_build_from_before_a_newer_release_or_a_withdrawal_is_rejected(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    row = [{"value": "1", "_file": "data.csv", "_row": 2}]
    old, new = (entry_of(make_vintage(settings.landing, SOURCE, day, row)) for day in (OLD, NEW))
    make_release(tmp_path, "one", vintages=(old, new))
    require_not_overtaken(settings, build_record(vintages=(old, new)))
    set_aside = SetAside(source=SOURCE, vintage=NEW, reason="a test", used_instead=OLD)
    require_not_overtaken(settings, build_record(vintages=(old,), set_aside=(set_aside,)))
    require_not_overtaken(settings, build_record(vintages=(old,), is_of_the_past=True))
    with pytest.raises(Rejected, match=f"lacks vintages of the current release: {SOURCE} {NEW}"):
        require_not_overtaken(settings, build_record(vintages=(old,)))
    withdraw(settings.landing, SOURCE, NEW, "ten times too high", "ada", subject="a test")
    require_not_overtaken(settings, build_record(vintages=(old,)))
    with pytest.raises(Rejected, match=f"has withdrawn vintages: {SOURCE} {NEW}"):
        require_not_overtaken(settings, build_record(vintages=(old, new)))


def test_project_is_parsed_once_for_the_builds_of_the_same_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "parsed" / "code.msgpack"
    monkeypatch.setattr(contents, "parsed_project", lambda settings: kept)
    commands: list[object] = []

    def run(asked: object, working: Path, project: Path, artifacts: Path, parsed: Path) -> None:
        commands.append(asked)
        parsed.parent.mkdir(parents=True, exist_ok=True)
        parsed.write_bytes(b"parsed")

    monkeypatch.setattr(dbt, "run_dbt", run)
    for _ in range(2):
        contents.parse_project(settings_of(tmp_path))
    assert commands == [[("parse",)]]
    assert kept.read_bytes() == b"parsed"


def test_vintage_of_which_a_newer_reader_loses_a_part_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is released cannot be: then the release stays as it is until the reader is corrected."""
    settings = settings_of(tmp_path)
    newer = replace(toy.SOURCE, reader_version=2, read=toy.read_without_b)
    monkeypatch.setattr(contents, "SOURCES", {"toy": newer})
    staged: list[list[str]] = []

    def stage(directory: Path, work: Path, sources: object, rows: Sequence[Rows], parsed: Path) -> Staged:
        staged.append([vintage.id for vintage, _ in rows])
        return Staged(files={}, failures={})

    monkeypatch.setattr(contents, "stage", stage)
    monkeypatch.setattr(load, "load", lambda *_: None)
    monkeypatch.setattr(contents, "assess", lambda *_: None)
    old = toy.land(settings.landing, "code,value\na,1\n")
    new = toy.land(settings.landing, "code,value\na,1\nb,2\n", toy.NOW + timedelta(days=1))
    make_release(tmp_path, "one", vintages=(entry_of(old),))
    build = tmp_path / "build" / "two"
    build.mkdir(parents=True)
    record = contents.fill(settings, build, build_record(), {"toy": (old, new)}, reuse=False)
    (aside,) = record.set_aside
    assert (aside.vintage, aside.used_instead, staged) == (new.id, old.id, [[old.id]])
    assert f"does not read 'b' of vintage {new.id}" in aside.reason
    assert [one.vintage for one in record.vintages] == [old.id]

    make_release(tmp_path, "three", vintages=(entry_of(old), entry_of(new)))
    with pytest.raises(
        Rejected, match=f"vintage {new.id}, which is released, can no longer be staged. toy: "
    ):
        contents.fill(settings, build, build_record(), {"toy": (old, new)}, reuse=False)


def test_build_and_backfill_do_not_take_an_unreadable_log_for_an_empty_one(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert contents.known_checks(settings, "worldbank_wdi", None) == ()
    (settings.landing / "worldbank_wdi" / "checks.jsonl").mkdir(parents=True)
    with pytest.raises(WarehouseError, match=r"checks\.jsonl: cannot be read"):
        contents.known_checks(settings, "worldbank_wdi", None)
    assert backfills.state(settings.backfill, "one") == "begun"
    (settings.backfill / backfills.LOG).mkdir(parents=True)
    with pytest.raises(WarehouseError, match=r"log\.jsonl: cannot be read"):
        backfills.state(settings.backfill, "one")
