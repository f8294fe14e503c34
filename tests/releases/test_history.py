"""Reading the history: unreadable lines are reported, withdrawn releases are found."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_releases import LATER, latest, make_release

from warehouse.errors import WarehouseError
from warehouse.files import append_record
from warehouse.releases.history import (
    HISTORY,
    HistoryEntry,
    last_switch,
    read_history,
    rolled_back,
    withdrawn,
)
from warehouse.releases.publish import rollback
from warehouse.releases.store import find_release

AT = datetime(2024, 5, 2, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with two releases; the second is the current release."""
    make_release(tmp_path, "one")
    make_release(tmp_path, "two", LATER)
    return tmp_path


def actions(home: Path) -> list[str]:
    return [entry.action for entry in read_history(home / "published").require()]


def test_incomplete_line_is_ignored_and_damaged_line_is_reported(home: Path) -> None:
    path = home / "published" / HISTORY
    whole = path.read_bytes()
    path.write_bytes(whole + '{"at": "2024-01-01T00:00:00+00:00", "reason": "半'.encode()[:-1])
    assert actions(home) == ["publish", "publish"]
    rollback(home / "published", "one", "半", "ada")
    assert actions(home) == ["publish", "publish", "rollback"]
    path.write_bytes(whole + b"[]\n" + whole)
    listing = read_history(home / "published")
    assert len(listing.records) == 4, "a damaged line hid another"
    (problem,) = listing.problems
    assert problem.startswith(f"{path}, line 3: invalid record") and "Restore the file" in problem
    with pytest.raises(WarehouseError, match=r"history.jsonl, line 3"):
        listing.require()


def test_lines_of_earlier_versions_are_read(tmp_path: Path) -> None:
    lines = [
        {
            "at": "2024-05-02T01:02:03+00:00",
            "action": "publish",
            "release": "two",
            "from": "one",
            "to": "two",
            "who": "ada@desk",
            "why": "a new build passed",
        },
        {
            "at": "2024-05-03T01:02:03+00:00",
            "action": "rollback",
            "release": "one",
            "from": "two",
            "to": "one",
            "who": "ada@desk",
            "why": "the ranks are wrong",
            "fingerprint": "mark",
            "newest": {"safe_bop": "2024-03-29"},
        },
    ]
    (tmp_path / HISTORY).write_text("".join(json.dumps(line) + "\n" for line in lines))
    published, rolled = read_history(tmp_path).require()
    assert (published.before, published.after, published.actor) == ("one", "two", "ada@desk")
    assert (rolled.reason, rolled.fingerprint) == ("the ranks are wrong", "mark")
    assert rolled.newest == {"safe_bop": "2024-03-29"}
    append_record(tmp_path / HISTORY, published)
    written = json.loads((tmp_path / HISTORY).read_text().splitlines()[-1])
    assert written | {"at": None} == {
        "at": None,
        "action": "publish",
        "release": "two",
        "from": "one",
        "to": "two",
        "actor": "ada@desk",
        "reason": "a new build passed",
    }
    assert read_history(tmp_path).require()[-1] == published


def entry(action: str, release: str, before: str | None, after: str | None) -> HistoryEntry:
    return HistoryEntry.model_validate(
        {
            "at": AT,
            "action": action,
            "release": release,
            "from": before,
            "to": after,
            "actor": "ada",
            "reason": "x",
        }
    )


FIRST = entry("publish", "one", None, "one")
SECOND = entry("publish", "two", "one", "two")
BACK = entry("rollback", "one", "two", "one")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), set()),
        ((FIRST, SECOND), set()),
        ((FIRST, SECOND, BACK), {"two"}),
        ((FIRST, SECOND, BACK, entry("publish", "retro", "one", "one")), {"two"}),
        ((FIRST, SECOND, BACK, entry("publish", "retro", None, None)), {"two"}),
        # The link was lost, so an as-of build became the current release: no successor of `two`.
        ((FIRST, SECOND, BACK, entry("publish", "retro", None, "retro")), {"two"}),
        ((FIRST, SECOND, BACK, entry("remove", "two", "one", "one")), {"two"}),
        ((FIRST, SECOND, BACK, entry("publish", "three", "one", "three")), set()),
        ((FIRST, SECOND, BACK, entry("rollback", "two", "one", "two")), {"one"}),
        (
            (
                FIRST,
                SECOND,
                BACK,
                entry("publish", "three", "one", "three"),
                entry("rollback", "one", "three", "one"),
            ),
            {"three"},
        ),
    ],
)
def test_only_a_successor_ends_the_withdrawal_of_a_release(
    entries: tuple[HistoryEntry, ...], expected: set[str]
) -> None:
    assert set(withdrawn(entries)) == expected


def test_release_stays_withdrawn_when_an_as_of_build_is_published(home: Path) -> None:
    published = home / "published"
    rollback(published, "one", "two is wrong", "ada")
    make_release(home, "retro", is_latest=False)
    (found,) = withdrawn(read_history(published).records).values()
    assert (found.before, found.fingerprint) == ("two", "mark of two")
    assert latest(home) == "one"
    (published / "latest").unlink()
    make_release(home, "retro.02", is_latest=True)
    assert "two" in withdrawn(read_history(published).records)
    make_release(home, "three")
    assert withdrawn(read_history(published).records) == {}
    assert set(rolled_back(read_history(published).records)) == {"two"}, "it was rolled back all the same"


def test_last_switch_is_not_the_last_line() -> None:
    assert last_switch(()) is None
    assert last_switch((FIRST,)) == FIRST
    quiet = (entry("publish", "retro", "one", "one"), entry("remove", "two", "one", "one"))
    assert last_switch((FIRST, SECOND, BACK, *quiet)) == BACK


def test_previous_is_the_earlier_target_of_latest(home: Path) -> None:
    published = home / "published"
    assert find_release(published, "previous").name == "one"
    rollback(published, "previous", "x", "ada")
    assert find_release(published, "previous").name == "two"
    make_release(home, "retro", is_latest=False)
    assert find_release(published, "previous").name == "two"
    (published / HISTORY).unlink()
    with pytest.raises(WarehouseError, match="there is no previous release"):
        find_release(published, "previous")
