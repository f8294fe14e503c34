"""The commands releases, diff, rollback and maintain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import invoke
from small_homes import EARLIER_RELEASE, RELEASE, ROWS, SOURCE, VINTAGE
from small_releases import (
    LATER,
    checksums,
    flip_bit,
    latest,
    make_release,
    make_vintage,
    overwrite,
    vintage_entry,
)

from warehouse.config import PROJECT_ROOT
from warehouse.landing import store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with two releases; the second is current."""
    make_release(tmp_path, "one")
    make_release(tmp_path, "two", LATER)
    return tmp_path


def test_commands_on_a_home_without_a_warehouse_create_nothing(tmp_path: Path) -> None:
    for words in (("rollback", "previous", "--why", "wrong"), ("publish",), ("build",)):
        ended = invoke(tmp_path / "none", *words, exit_code=1)
        assert "Check WAREHOUSE_HOME" in ended.stderr
        assert not (tmp_path / "none").exists()
    (tmp_path / "new").mkdir()
    ended = invoke(tmp_path / "new", "rollback", "previous", "--why", "wrong", exit_code=1)
    assert "no release yet" in ended.stderr and not (tmp_path / "new" / "published").exists()
    (tmp_path / "new" / "published").mkdir()
    ended = invoke(tmp_path / "new", "repair", "latest", exit_code=1)
    assert "no release yet" in ended.stderr and "None" not in ended.stderr


def test_rollback_switches_latest_and_is_recorded(home: Path) -> None:
    before = checksums(home)
    arguments = ("rollback", "one", "--why", "the ranks are wrong", "--json")
    entry = invoke(home, *arguments, WAREHOUSE_OPERATOR="ada@desk").json
    assert (entry["action"], entry["release"], entry["from"], entry["to"]) == (
        "rollback",
        "one",
        "two",
        "one",
    )
    assert (entry["actor"], entry["reason"]) == ("ada@desk", "the ranks are wrong")
    assert latest(home) == "one" and checksums(home) == before
    line = json.loads((home / "published" / "history.jsonl").read_text().splitlines()[-1])
    assert line | {"withdrawn": [], "restored": []} == entry
    assert datetime.fromisoformat(line["at"]) > datetime.now(UTC) - timedelta(minutes=5)
    shown = invoke(home, "rollback", "two", "--why", "they were right").stdout
    assert shown.startswith("latest is now two, and was one. The nightly run will not republish one")


def test_rollback_that_is_repeated_says_that_nothing_was_changed(home: Path) -> None:
    make_vintage(home / "landing", SOURCE, "2024-06-03", ROWS)
    make_release(home, "three", LATER, vintages=[vintage_entry(SOURCE, "2024-06-03")])
    command = ("rollback", "two", "--why", "the ranks are wrong")
    assert f"withdrawn: {SOURCE} 2024-06-03" in invoke(home, *command).stdout
    history = (home / "published" / "history.jsonl").read_text()
    again = (
        "two is already the current release; nothing was changed\n"
        "to undo the rollback: warehouse rollback three --why '…'\n"
    )
    assert invoke(home, *command).stdout == again
    assert invoke(home, "rollback", "previous", *command[2:]).stdout == again
    assert (home / "published" / "history.jsonl").read_text() == history
    # A run of an older version, stopped after the switch, has left vintages to withdraw: they are.
    (home / "landing" / SOURCE / "2024-06-03" / store.WITHDRAWN).unlink()
    shown = invoke(home, *command).stdout
    assert shown.startswith("latest is now two") and f"withdrawn: {SOURCE} 2024-06-03" in shown


@pytest.mark.parametrize(
    ("wanted", "reason", "message"),
    [
        ("three", "x", "there is no release 'three'"),
        ("two", "x", "is the current release already"),
        ("one", "  ", "needs a reason"),
        ("../build", "x", "there is no release"),
        (".partial-x", "x", "there is no release"),
    ],
)
def test_rejected_rollback_changes_nothing(home: Path, wanted: str, reason: str, message: str) -> None:
    lines = (home / "published" / "history.jsonl").read_text()
    ended = invoke(
        home, "rollback", wanted, "--why", reason, exit_code=2 if message.startswith("there is no") else 1
    )
    assert message in ended.stderr and len(ended.stderr.splitlines()) == 1
    assert latest(home) == "two"
    assert (home / "published" / "history.jsonl").read_text() == lines


def test_failure_is_one_line_on_stderr(home: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "warehouse", "rollback", "nothing", "--why", "x"],
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2 and ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1 and "one, two" in ended.stderr


def test_releases_are_listed_in_the_order_of_the_history(home: Path) -> None:
    make_release(home, "earlier by its clock", age_days=400)
    arguments = ("rollback", "two", "--why", "the clock went back", "--json")
    entry = invoke(home, *arguments, WAREHOUSE_OPERATOR="ada@desk").json
    assert (entry["from"], entry["to"]) == ("earlier by its clock", "two")
    rows = invoke(home, "releases", "--json").json
    assert [row["release"] for row in rows] == ["one", "two", "earlier by its clock"]
    assert [row["is_latest"] for row in rows] == [False, True, False]
    assert [row["rows"] for row in rows] == [4, 5, 4]
    assert all(row["size_bytes"] > 10_000 for row in rows)
    reasons = [row["rolled_back"] and row["rolled_back"]["reason"] for row in rows]
    assert reasons == [None, None, "the clock went back"]
    shown = invoke(home, "releases").stdout
    assert "earlier by its clock was rolled back" in shown and "by ada@desk: the clock went back" in shown
    (current,) = (line for line in shown.splitlines() if "← latest" in line)
    assert current.startswith("two ")


def test_missing_releases_are_reported_with_next_command(tmp_path: Path) -> None:
    assert invoke(tmp_path, "releases").stdout == "no releases yet; make one with: warehouse run\n"
    assert invoke(tmp_path, "releases", "--json").json == []
    for arguments in (("query", "select 1"), ("trace", "marts.mart"), ("diff",)):
        ended = invoke(tmp_path, *arguments, exit_code=1)
        assert "there is no" in ended.stderr
    assert "warehouse run" in invoke(tmp_path, "query", "select 1", exit_code=1).stderr


def test_comparison_is_printed_and_is_json(home: Path) -> None:
    report = invoke(home, "diff", "previous", "latest", "--json", "--moves", "1").json
    assert (report["before"], report["after"]) == ("one", "two")
    (table,) = report["tables"]
    assert (table["table"], table["key"]) == ("marts.mart", ["reporter", "period", "is_preferred"])
    assert (table["rows_added"], table["rows_gone"], table["rows_changed"]) == (1, 0, 3)
    assert table["cells"] == {"exports_million": 2, "world_rank": 2} and table["cells_changed"] == 4
    key = {"reporter": "CHN", "period": "2021-01-01", "is_preferred": True}
    assert table["moves"] == [
        {"measure": "exports_million", "key": key, "before": 110.0, "after": 150.0, "difference": 40.0},
        {"measure": "world_rank", "key": key, "before": 4, "after": 3, "difference": -1},
    ]
    shown = invoke(home, "diff").stdout
    assert shown.startswith("from one to two\n") and "marts.mart" in shown and "40.000" in shown
    assert "150" in shown and "4.000" not in shown
    assert shown.endswith("0 tables are equal\n")
    assert "biggest changes" not in invoke(home, "diff", "--moves", "0").stdout
    assert "\n1 table is equal\n" in invoke(home, "diff", "one", "one").stdout
    assert "there is no release 'three'" in invoke(home, "diff", "one", "three", exit_code=2).stderr


def test_vintages_and_columns_that_differ_are_printed(small: Path) -> None:
    shown = invoke(small, "diff").stdout
    assert f"  {SOURCE}  +{VINTAGE}\n" in shown
    make_release(small, "20240601T000000000000Z", LATER, sql="alter table marts.mart add column more int")
    assert "marts.mart: columns +more\n" in invoke(small, "diff").stdout


def test_maintain_reports_the_audit_the_retention_and_the_disk(small: Path) -> None:
    report = invoke(small, "maintain", "--json").json
    assert report["audit"] | {"files": 0, "size_bytes": 0} == {
        "vintages": 2,
        "releases": 2,
        "files": 0,
        "size_bytes": 0,
        "findings": [],
    }
    assert report["audit"]["files"] > 10
    kinds = ("releases", "builds", "rejected", "backfills")
    assert report["retention"] == {"removed": {kind: [] for kind in kinds}, "freed_bytes": 0}
    assert report["disk"]["is_enough"] is True and report["disk"]["basis"] == f"4 times release {RELEASE}"
    shown = invoke(small, "maintain", WAREHOUSE_KEEP_REJECTED="0", WAREHOUSE_KEEP_REJECTED_DAYS="0").stdout
    assert shown.startswith("audit: 2 vintages, 2 releases, ") and "; 0 findings\n" in shown
    assert f"removed rejected: {SOURCE}/20240503T000000000000-1, {SOURCE}/20240504T000000000000-1\n" in shown
    assert "removed releases: none\n" in shown and "a build needs" in shown


@pytest.mark.parametrize(
    "path",
    [
        f"landing/{SOURCE}/{VINTAGE}/files/data.csv",
        f"landing/{SOURCE}/{VINTAGE}/rows.parquet",
        f"published/{RELEASE}/warehouse.duckdb",
        f"published/{EARLIER_RELEASE}/warehouse.duckdb",
        f"published/{EARLIER_RELEASE}/parquet/mart.parquet",
    ],
)
def test_maintain_exits_with_1_and_removes_nothing_when_a_checksum_differs(path: str, small: Path) -> None:
    variables = {"WAREHOUSE_KEEP_REJECTED": "0", "WAREHOUSE_KEEP_REJECTED_DAYS": "0"}
    flip_bit(small / path)
    report = invoke(small, "maintain", "--json", exit_code=1, **variables).json
    assert {finding["path"] for finding in report["audit"]["findings"]} == {str(small / path)}
    assert report["retention"] is None
    shown = invoke(small, "maintain", exit_code=1, **variables).stdout
    assert f"damaged: {small / path}: " in shown and "nothing is removed" in shown
    assert len(list((small / "rejected" / SOURCE).iterdir())) == 2


def test_maintain_exits_with_1_when_the_disk_is_too_small(small: Path) -> None:
    shown = invoke(small, "maintain", exit_code=1, WAREHOUSE_DISK_FACTOR="1e15").stdout
    assert "NOT ENOUGH, no build will begin" in shown


def test_maintain_in_another_process_leaves_a_source_that_is_being_written(small: Path) -> None:
    for number in range(12):
        load = small / "rejected" / SOURCE / f"pull{number:02}"
        load.mkdir(parents=True)
        os.utime(load, (0, 0))
    with store.source_lock(small / "landing", SOURCE):
        ended = subprocess.run(
            [sys.executable, "-m", "warehouse", "maintain", "--json"],
            cwd=PROJECT_ROOT,
            env=os.environ | {"WAREHOUSE_HOME": str(small)},
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["retention"]["removed"]["rejected"] == []
    assert len(invoke(small, "maintain", "--json").json["retention"]["removed"]["rejected"]) == 2


def test_release_written_before_records_were_renamed_is_listed(home: Path) -> None:
    line = {"at": "2024-01-01T00:00:00+00:00", "action": "rollback", "release": "one", "from": "two"}
    with (home / "published" / "history.jsonl").open("a") as log:
        log.write(json.dumps(line | {"to": "one", "who": "ada", "why": "wrong"}) + "\n")
    rows = {row["release"]: row for row in invoke(home, "releases", "--json").json}
    assert (rows["two"]["rolled_back"]["actor"], rows["two"]["rolled_back"]["reason"]) == ("ada", "wrong")
    path = home / "published" / "one" / "MANIFEST.json"
    manifest = json.loads(path.read_text())
    overwrite(path, json.dumps({name: value for name, value in manifest.items() if name != "news"}))
    assert invoke(home, "releases").stderr == ""
