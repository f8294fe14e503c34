"""A rollback with the vintages that it withdraws: whole or not at all, and the same when it is run again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import settings_of
from killing import forks
from small_homes import OTHER, ROWS, SOURCE
from small_releases import LATER, latest, make_refresh, make_release, make_vintage, vintage_entry

from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.landing import store
from warehouse.releases.history import HistoryEntry, read_history
from warehouse.releases.publish import rollback
from warehouse.releases.rollback import roll_back

KEPT, LEFT = "2024-06-01", "2024-06-03"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with two releases; the second is current, and has newer vintages of two sources."""
    home = tmp_path_factory.mktemp("rollback") / "home"
    for source in (SOURCE, OTHER):
        for vintage in (KEPT, LEFT):
            make_vintage(home / "landing", source, vintage, ROWS)
    entries = {one: [vintage_entry(source, one) for source in (SOURCE, OTHER)] for one in (KEPT, LEFT)}
    make_release(home, "one", vintages=entries[KEPT])
    make_release(home, "two", LATER, vintages=entries[KEPT] + entries[LEFT])
    return home


@pytest.fixture
def settings(template: Path, tmp_path: Path) -> Settings:
    return settings_of(Path(shutil.copytree(template, tmp_path / "home", symlinks=True)), operator="ada")


def in_force(settings: Settings) -> set[tuple[str, str]]:
    return {
        (source, one.id) for source in (SOURCE, OTHER) for one in store.vintages(settings.landing, source)
    }


def rollbacks_of(settings: Settings) -> list[tuple[str | None, str | None]]:
    entries = read_history(settings.published).require()
    return [(one.before, one.after) for one in entries if one.action == "rollback"]


OLDER = {(SOURCE, KEPT), (OTHER, KEPT)}
ALL = OLDER | {(SOURCE, LEFT), (OTHER, LEFT)}


def test_rollback_changes_nothing_while_a_source_is_written(settings: Settings) -> None:
    held = pytest.raises(WarehouseError, match=f"^{OTHER}: another process is writing this source now")
    with store.source_lock(settings.landing, OTHER), held as caught:
        roll_back(settings, "previous", "two is wrong")
    message = str(caught.value)
    assert "changed nothing, and `latest` is two; run it then: warehouse rollback one --why" in message
    assert (latest(settings.home), rollbacks_of(settings), in_force(settings)) == ("two", [], ALL)
    done = roll_back(settings, "previous", "two is wrong")
    assert (done.entry.before, done.entry.after, done.is_unchanged) == ("two", "one", False)
    assert (latest(settings.home), rollbacks_of(settings)) == ("one", [("two", "one")])
    assert in_force(settings) == OLDER


def test_rollback_does_not_wait_for_a_source_that_it_does_not_change(settings: Settings) -> None:
    with store.source_lock(settings.landing, "worldbank_wdi"):
        assert roll_back(settings, "previous", "two is wrong").entry.after == "one"


def test_previous_again_repeats_the_rollback_and_the_id_is_the_way_back(settings: Settings) -> None:
    first = roll_back(settings, "previous", "two is wrong")
    again = roll_back(settings, "previous", "two is wrong")
    assert again.entry == first.entry and again.is_unchanged
    assert (latest(settings.home), rollbacks_of(settings)) == ("one", [("two", "one")])
    back = roll_back(settings, "two", "two was right")
    assert {(one.source, one.vintage) for one in back.restored} == {(SOURCE, LEFT), (OTHER, LEFT)}
    assert (latest(settings.home), in_force(settings)) == ("two", ALL)
    assert roll_back(settings, "previous", "two was right").is_unchanged


def test_previous_is_no_release_that_was_rolled_back(settings: Settings) -> None:
    """After a refresh the rollback is not the last switch, and `previous` is the release that it left."""
    roll_back(settings, "previous", "two is wrong")
    make_refresh(settings.home, "one", "one again")
    with pytest.raises(WarehouseError, match=r"is two, which was rolled back .* by ada: two is wrong\."):
        roll_back(settings, "previous", "one is wrong")
    assert latest(settings.home) == "one again"
    assert roll_back(settings, "two", "two was right").entry.after == "two"


def test_rollback_that_a_publish_overtakes_changes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new release becomes current before the locks are held, and has a vintage of another source."""
    new = make_vintage(settings.landing, "worldbank_wdi", LEFT, ROWS)

    def published_meanwhile(*arguments: Any) -> HistoryEntry:
        monkeypatch.undo()
        entries = [vintage_entry(SOURCE, KEPT), vintage_entry(new.source, new.id)]
        make_release(settings.home, "three", vintages=entries)
        return rollback(*arguments)

    monkeypatch.setattr("warehouse.releases.rollback.rollback", published_meanwhile)
    with pytest.raises(WarehouseError, match=r"meanwhile; see: .* `latest` is three; run .* rollback one"):
        roll_back(settings, "previous", "two is wrong")
    assert (latest(settings.home), rollbacks_of(settings), in_force(settings)) == ("three", [], ALL)
    roll_back(settings, "one", "three is wrong too")
    assert latest(settings.home) == "one"
    assert store.vintages(settings.landing, new.source) == ()


KILLED = """
from warehouse.config import Settings
from warehouse.releases.rollback import roll_back
os.fsync = counted(os.fsync)
Path.mkdir = counted(Path.mkdir)
Path.replace = counted(Path.replace)
Path.symlink_to = counted(Path.symlink_to)
Path.unlink = counted(Path.unlink)
def run(home):
    roll_back(Settings(home=home, operator="ada"), "previous", "two is wrong")
"""


@pytest.mark.slow
def test_rollback_killed_at_any_operation_is_completed_by_the_same_command(
    template: Path, tmp_path: Path
) -> None:
    lefts = set()
    with forks(KILLED) as run:
        for point in range(80):
            home = Path(shutil.copytree(template, tmp_path / str(point), symlinks=True))
            settings = settings_of(home, operator="ada")
            ended = run(point, str(home))
            left = (latest(home), len(in_force(settings)), len(rollbacks_of(settings)))
            assert left[0] == "two" or left == ("one", len(OLDER), 1), "the switch is the last step"
            lefts.add(left)
            for _ in range(2):
                roll_back(settings, "previous", "two is wrong")
                assert (latest(home), rollbacks_of(settings)) == ("one", [("two", "one")])
                assert in_force(settings) == OLDER
            if ended == 0:
                break
    assert ended == 0
    assert lefts == {("two", 4, 0), ("two", 3, 0), ("two", 2, 0), ("two", 2, 1), ("one", 2, 1)}
