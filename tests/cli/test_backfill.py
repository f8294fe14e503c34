"""The commands backfill start, list, show, approve and discard, on backfills that need no build."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import invoke
from conftest import settings_of
from small_homes import RELEASE, SOURCE

from warehouse.backfill import records, stage
from warehouse.backfill.records import Pull, Report
from warehouse.releases.diff import BigMove, TableDiff, VintagesDiff

DAYS = ("--from", "2023-01-01", "--to", "2023-12-31")
TABLE = TableDiff(
    table="marts.mart",
    key=("reporter",),
    rows_before=4,
    rows_after=5,
    rows_added=1,
    rows_gone=0,
    rows_changed=1,
    cells={"value": 1},
    columns_added=(),
    columns_gone=(),
    moves=(BigMove("value", {"reporter": "CHN"}, 1.0, 2.5, 1.5),),
)


def waiting(home: Path) -> str:
    """Make the first backfill of a small home wait for a decision; return its id."""
    settings = settings_of(home, operator="tests")
    first = records.list_backfills(settings.backfill).records[0]
    backfill = first.model_copy(update={"baseline": stage.baseline_of(settings)})
    records.write_record(first.directory / records.REQUEST, backfill)
    pull = Pull(
        subject="/mirror",
        retrieved_at="2023-05-05T00:00:00Z",
        outcome="accepted",
        vintage="2023-05-05",
        rows=3,
        detail="the newest vintage",
    )
    report = Report(
        pulls=(pull,),
        build="20240601T000000000000Z",
        before=RELEASE,
        after="20240601T000000000000Z",
        as_of="2024-05-02",
        vintages=(VintagesDiff(SOURCE, ("2023-05-05",), ()),),
        tables=(TABLE,),
        tables_equal=("core.fct",),
    )
    records.write_report(backfill, report)
    records.log_event(settings, backfill.id, "waiting", "1 tables would change; approve or discard")
    return backfill.id


def test_backfills_are_listed_with_their_last_event(small: Path, tmp_path: Path) -> None:
    rows = invoke(small, "backfill", "list", "--json").json
    assert [(row["source"], row["from"], row["to"], row["state"]) for row in rows] == [
        (SOURCE, "2023-01-01", "2023-01-28", "failed"),
        (SOURCE, "2023-02-01", "2023-02-28", "failed"),
    ]
    assert [row["reason"] for row in rows] == [f"the mirror {number} did not answer" for number in (1, 2)]
    assert rows[0]["actor"] == "tests"
    shown = invoke(small, "backfill", "list").stdout
    assert all(row["id"] in shown and row["reason"] in shown for row in rows)
    (tmp_path / "empty").mkdir()
    assert invoke(tmp_path / "empty", "backfill", "list").stdout == "no backfills\n"


def test_waiting_backfill_shows_its_changes_and_the_commands_that_decide_it(small: Path) -> None:
    backfill = waiting(small)
    shown = invoke(small, "backfill", "show", backfill).stdout
    for part in (
        f"{backfill}  fetch {SOURCE}, 2023-01-01 to 2023-01-28: waiting",
        "2023-05-05",
        "marts.mart",
        "biggest changes",
        "1 table is equal",
        f"warehouse backfill approve {backfill} --why '…'",
        f"warehouse backfill discard {backfill} --why '…'",
    ):
        assert part in shown
    report = invoke(small, "backfill", "show", backfill, "--json").json
    assert (report["state"], report["blockers"], report["before"]) == ("waiting", [], RELEASE)
    assert report["pulls"][0]["vintage"] == "2023-05-05"
    assert report["tables"][0]["cells_changed"] == 1
    assert report["tables"][0]["moves"][0]["difference"] == 1.5
    assert [event["state"] for event in report["log"]] == ["begun", "failed", "waiting"]
    invoke(small, "rollback", "previous", "--why", "x")
    shown = invoke(small, "backfill", "show", backfill).stdout
    assert f"blocks the approval: release {RELEASE}" not in shown and "blocks the approval: release " in shown
    ended = invoke(small, "backfill", "approve", backfill, "--why", "x", exit_code=1)
    assert "the live warehouse has changed since the comparison" in ended.stderr


def test_backfill_is_discarded_on_record(small: Path) -> None:
    backfill = waiting(small)
    assert (
        "needs a reason" in invoke(small, "backfill", "discard", backfill, "--why", " ", exit_code=1).stderr
    )
    shown = invoke(small, "backfill", "discard", backfill, "--why", "not needed").stdout
    assert shown == f"discarded: {backfill}\n"
    assert invoke(small, "backfill", "list", "--json").json[0]["reason"] == "not needed"
    ended = invoke(small, "backfill", "approve", backfill, "--why", "x", exit_code=1)
    assert "is discarded" in ended.stderr


@pytest.mark.parametrize("arguments", [(SOURCE,), ("start", SOURCE)])
def test_start_may_be_left_out_and_an_empty_backfill_is_shown(
    arguments: tuple[str, ...], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[object] = []

    def begin(settings: object, *request: object) -> str:
        requests.append(request[:-1])
        return records.list_backfills(small / "backfill").records[0].id

    monkeypatch.setattr(stage, "begin", begin)
    monkeypatch.setattr(stage, "is_empty", lambda settings, backfill: True)
    shown = invoke(small, "backfill", *arguments, *DAYS, "--mirror", "a", "--mirror", "b").stdout
    assert requests == [(SOURCE, "2023-01-01", "2023-12-31", ("a", "b"), False)]
    assert f"fetch {SOURCE}, 2023-01-01 to 2023-01-28: failed" in shown
    invoke(small, "backfill", *arguments, *DAYS, "--reread")
    assert requests[1:] == [(SOURCE, "2023-01-01", "2023-12-31", (None,), True)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no_source", *DAYS), "no source is named 'no_source'"),
        (
            (SOURCE, "--from", "2023-02-01", "--to", "2023-01-01"),
            "2023-02-01 is after --to 2023-01-01",
        ),
        ((SOURCE, *DAYS), "Name a recording with --mirror"),
        (("show", "no-such-id"), "no backfill has the id 'no-such-id'. Known: 20"),
    ],
)
def test_impossible_backfill_is_rejected_with_reason(
    arguments: tuple[str, ...], message: str, small: Path
) -> None:
    ended = invoke(small, "backfill", *arguments, exit_code=2 if message.startswith("no ") else 1)
    assert message in ended.stderr and len(ended.stderr.splitlines()) == 1
