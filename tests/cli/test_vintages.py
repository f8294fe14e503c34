"""The commands vintages list, withdraw and restore, and the release that follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import invoke
from small_homes import ROWS, SOURCE, VINTAGE
from small_releases import make_vintage

from warehouse.landing import store

NEWER = "2024-06-03"
WHY = ("--why", "2021 is ten times too high")


@pytest.fixture
def two(small: Path) -> Path:
    """Return a small home whose source has a second vintage, which is in no release."""
    make_vintage(small / "landing", SOURCE, NEWER, ROWS)
    return small


def ids_in_force(home: Path) -> list[str]:
    return [one.id for one in store.vintages(home / "landing", SOURCE)]


def test_vintages_are_listed_with_their_state(two: Path) -> None:
    rows = invoke(two, "vintages", "list", SOURCE, "--json").json
    assert [(row["vintage"], row["state"], row["rows"]) for row in rows] == [
        (VINTAGE, "published", 2),
        (NEWER, "landed", 2),
    ]
    printed = invoke(two, "vintages", "list", SOURCE).stdout
    assert VINTAGE in printed and "published" in printed and NEWER in printed and "landed" in printed
    shown = invoke(two, "vintages", "list", "batis").stdout
    assert shown == "no vintage of batis has landed; fetch one with: warehouse fetch batis\n"
    assert invoke(two, "vintages", "list", "batis", "--json").json == []


def test_withdrawn_vintage_is_out_of_force_and_comes_in_again_by_a_decision(two: Path) -> None:
    command = ("vintages", "withdraw", SOURCE, NEWER, *WHY)
    shown = invoke(two, *command, WAREHOUSE_OPERATOR="ada").stdout
    assert shown == (
        f"withdrawn: {SOURCE} {NEWER}; in force is {VINTAGE}\n"
        "build and publish without it with: warehouse publish\n"
    )
    assert ids_in_force(two) == [VINTAGE]
    last = invoke(two, "vintages", "list", SOURCE, "--json").json[-1]
    assert last["state"] == "withdrawn"
    assert last["remarks"] == "withdrawn by ada: 2021 is ten times too high"

    restore = ("vintages", "restore", SOURCE, NEWER, "--why", "it was right", "--json")
    assert invoke(two, *restore).json == {"source": SOURCE, "restored": NEWER}
    assert ids_in_force(two) == [VINTAGE, NEWER]
    assert invoke(two, "vintages", "list", SOURCE, "--json").json[-1]["state"] == "landed"
    ended = invoke(two, *restore, exit_code=1)
    assert f"{SOURCE} {NEWER} is not withdrawn; see: warehouse vintages list {SOURCE}" in ended.stderr


def test_second_withdrawal_says_that_there_was_one_and_keeps_its_reason(two: Path) -> None:
    command = ("vintages", "withdraw", SOURCE, NEWER, "--why")
    assert invoke(two, *command, "too high", "--json", WAREHOUSE_OPERATOR="ada").json["already"] is None
    [withdrawn] = [one.withdrawn for one in store.list_all(two / "landing", SOURCE).records if one.withdrawn]
    assert invoke(two, *command, "too low", WAREHOUSE_OPERATOR="eve").stdout == (
        f"{SOURCE} {NEWER} was withdrawn already, by ada on {withdrawn.at:%Y-%m-%d}: too high; nothing was "
        f"changed. To record another reason, restore it first: "
        f"warehouse vintages restore {SOURCE} {NEWER} --why '…'\n"
    )
    already = invoke(two, *command, "too low", "--json").json["already"]
    assert (already["actor"], already["reason"]) == ("ada", "too high")
    last = invoke(two, "vintages", "list", SOURCE, "--json").json[-1]
    assert last["remarks"] == "withdrawn by ada: too high"


def test_only_vintage_can_be_withdrawn(small: Path) -> None:
    shown = invoke(small, "vintages", "withdraw", SOURCE, VINTAGE, *WHY, "--json").json
    assert shown == {"source": SOURCE, "withdrawn": VINTAGE, "in_force": None, "already": None}
    assert ids_in_force(small) == []
    (row,) = [one for one in invoke(small, "status", "--json").json["sources"] if one["source"] == SOURCE]
    assert (row["vintages"], row["in_force"]) == (0, None)
    shown = invoke(small, "vintages", "restore", SOURCE, VINTAGE, "--why", "it was right").stdout
    assert shown == (f"restored: {SOURCE} {VINTAGE}\nbuild and publish with it with: warehouse publish\n")
    assert ids_in_force(small) == [VINTAGE]


@pytest.mark.parametrize("command", ["withdraw", "restore"])
@pytest.mark.parametrize(
    ("source", "vintage", "why", "message"),
    [
        ("no_such_source", VINTAGE, WHY, "no source is named 'no_such_source'. Known: atlas_services, batis"),
        (SOURCE, "2023-01-01", WHY, "2023-01-01"),
        (SOURCE, "../../published", WHY, "../../published"),
        (SOURCE, VINTAGE, ("--why", " "), "needs a reason, which is recorded. Give it with --why"),
    ],
    ids=["unknown source", "unknown vintage", "a path", "an empty reason"],
)
def test_decision_that_cannot_be_taken_changes_nothing(
    command: str, source: str, vintage: str, why: tuple[str, ...], message: str, small: Path
) -> None:
    ended = invoke(small, "vintages", command, source, vintage, *why, exit_code=2 if why == WHY else 1)
    assert message in ended.stderr and ended.stderr.count("\n") == 1
    assert ids_in_force(small) == [VINTAGE]
    assert not (small / "landing" / SOURCE / "2023-01-01").exists()


@pytest.mark.parametrize("command", ["withdraw", "restore"])
def test_decision_without_why_is_wrong_usage(command: str, small: Path) -> None:
    ended = invoke(small, "vintages", command, SOURCE, VINTAGE, exit_code=2)
    assert "--why" in ended.stderr
    assert ids_in_force(small) == [VINTAGE]


def test_list_of_an_unknown_source_is_an_error(small: Path) -> None:
    ended = invoke(small, "vintages", "list", "no_such_source", exit_code=2)
    assert "no source is named 'no_such_source'" in ended.stderr
