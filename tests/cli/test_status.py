"""The commands status and alerts."""

from __future__ import annotations

import io
import json
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import Ended, invoke
from conftest import Warehouse
from recordings import WITHOUT_RECORDING
from rich.console import Console
from small_homes import EARLIER_RELEASE, LOADS, OTHER, RELEASE, ROWS, SOURCE, VINTAGE
from small_releases import make_refresh, make_release, make_vintage, overwrite, vintage_entry

from warehouse.cli import render
from warehouse.config import SAMPLE_DIR
from warehouse.landing import store
from warehouse.landing.freshness import freshness_of
from warehouse.model import Check, first_request
from warehouse.releases.manifest import entry_of
from warehouse.releases.publish import rollback
from warehouse.sources import SOURCES

NIGHT = SAMPLE_DIR / "night-2"
REVISION = """
    create or replace table marts.mart_revision_alert as select 'mofcom_totals' as source,
        '2024-05-02' as vintage, '2023-05-02' as previous_vintage, 'CHN / SDIG / exports' as series,
        '2020' as period_label, 100.0 as previous_value, 180.0 as value, 80.0 as change_pct,
        20.0 as threshold_pct"""


def test_status_before_the_first_run(tmp_path: Path) -> None:
    state = invoke(tmp_path, "status", "--json", exit_code=1).json
    missing = f"{tmp_path}: holds no landing. Check WAREHOUSE_HOME; for a new warehouse, run: warehouse run"
    assert (state["release"], state["as_of"], state["problems"]) == (None, None, [missing])
    assert {entry["outcome"] for entry in state["sources"]} == {"never"}
    assert {entry["freshness"] for entry in state["sources"]} == {"never"}
    ended = invoke(tmp_path, "status", exit_code=1)
    assert "none yet; make one with: warehouse run" in ended.stdout and "alerts: none" in ended.stdout
    assert missing in ended.stderr
    ended = invoke(tmp_path, "alerts", exit_code=1)
    assert ended.stdout == "0 alerts\nin force: no release yet; vintages: none\n"
    assert missing in ended.stderr
    assert invoke(tmp_path, "alerts", "--json", exit_code=1).json == []
    for command in ("status", "alerts"):
        invoke(tmp_path, command, "--exit-code", exit_code=1)
        invoke(tmp_path, command, "--exit-code", "--json", exit_code=1)
    assert list(tmp_path.iterdir()) == [], "status has written something"


@pytest.mark.parametrize(
    "command",
    ["status", "alerts", "releases", "rejected list", "backfill list", "vintages list curated", "maintain"],
)
def test_home_that_does_not_exist_is_a_failure(command: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    ended = invoke(home, *command.split(), exit_code=1)
    assert "home: the directory does not exist. Check WAREHOUSE_HOME" in ended.stdout + ended.stderr
    assert "nothing is wrong" not in ended.stdout
    assert not home.exists(), "the command has written something"


@pytest.mark.parametrize("command", ["status", "alerts", "maintain"])
def test_home_that_is_a_file_is_a_failure(command: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file")
    ended = invoke(home, command, exit_code=1)
    assert "home: is not a directory. Check WAREHOUSE_HOME" in ended.stdout + ended.stderr


@pytest.mark.parametrize("command", ["status", "alerts", "rejected list", "backfill list"])
def test_home_with_releases_and_no_landing_is_a_failure(command: str, small: Path) -> None:
    shutil.rmtree(small / "landing")
    ended = invoke(small, *command.split(), exit_code=1)
    assert "no landed vintage. Check WAREHOUSE_HOME, or restore landing" in ended.stdout + ended.stderr


def test_problems_of_the_home_are_in_the_json(tmp_path: Path, small: Path) -> None:
    (problem,) = invoke(tmp_path / "none", "status", "--json", exit_code=1).json["problems"]
    assert "Check WAREHOUSE_HOME" in problem
    (alert,) = invoke(tmp_path / "none", "alerts", "--json", exit_code=1).json
    assert (alert["kind"], alert["subject"]) == ("unreadable", "home")
    shutil.rmtree(small / "landing")
    assert "restore landing" in invoke(small, "status", "--json", exit_code=1).json["problems"][0]


def test_sources_and_outcomes_are_whole_in_a_narrow_terminal(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime(2024, 5, 2, tzinfo=UTC)
    check = Check(
        source="unctad_services_annualized",
        polled_at=at,
        checked_at=at,
        outcome="not configured",
        vintage=None,
        detail="no recording",
    )
    store.record_check(small / "landing", check)
    text = io.StringIO()
    monkeypatch.setattr(render, "out", Console(file=text, width=80))
    invoke(small, "status")
    lines = text.getvalue().splitlines()
    assert any(
        line.split() == [check.source, "not", "configured", "–", "not", "configured"] for line in lines
    )
    assert "not shown in 80 columns: vintages, rows, rejected, last check (see --json)" in lines


def test_status_writes_nothing(small: Path) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {
            path: (one.st_mtime_ns, one.st_size)
            for path in [small, *small.rglob("*")]
            for one in [path.lstat()]
        }

    before = state()
    for path in before:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o555)
    for command in (("status",), ("status", "--json"), ("alerts",), ("releases",)):
        invoke(small, *command)
    assert state() == before
    for path in before:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def test_exit_code_reports_alerts(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("status", "alerts"):
        invoke(small, command)
        shown = invoke(small, command, "--exit-code", "--json", exit_code=1).json
        assert (shown["alerts"] if command == "status" else len(shown)) > 2
    monkeypatch.setattr("warehouse.alerts.find_alerts", lambda settings, today=None: [])
    for command in ("status", "alerts"):
        invoke(small, command, "--exit-code")
        invoke(small, command, "--exit-code", "--json")


def test_status_of_the_sample(warehouse: Warehouse) -> None:
    state = invoke(warehouse.home, "status", "--json").json
    assert state["release"] == warehouse.release.name and state["problems"] == []
    assert {entry["source"]: entry["vintages"] for entry in state["sources"]} == {
        **dict.fromkeys(SOURCES, 1),
        **dict.fromkeys(WITHOUT_RECORDING, 0),
        "worldbank_wdi": 2,
    }
    assert state["free_disk_gib"] > 0
    ended = invoke(warehouse.home, "status")
    assert "2024-07-12" in ended.stdout and "worldbank_wdi" in ended.stdout and ended.stderr == ""


def test_status_shows_the_freshness_of_today(small: Path) -> None:
    from conftest import settings_of

    today = datetime.now(UTC).date()
    rows = {row["source"]: row for row in invoke(small, "status", "--json").json["sources"]}
    expected = {name: freshness_of(settings_of(small), name, today).status for name in SOURCES}
    assert {name: row["freshness"] for name, row in rows.items()} == expected
    assert expected[SOURCE] == "late" and expected["batis"] == "never"
    (line,) = (
        entry for entry in invoke(small, "status").stdout.splitlines() if entry.startswith(f"{SOURCE} ")
    )
    assert line.split()[:3] == [SOURCE, "late", VINTAGE]


def test_status_names_failures_overrides_and_rejected_loads(small: Path) -> None:
    check = store.list_checks(small / "landing", SOURCE).records[-1]
    failed = check.model_copy(update={"outcome": "failed", "detail": "HTTP 503 of [the publisher]"})
    store.record_check(small / "landing", failed)
    path = small / "landing" / OTHER / VINTAGE / "manifest.json"
    decision = {"actor": "ada", "at": "2024-05-02T00:00:00Z", "reason": "it is right", "subject": "x"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"overruled": decision}))
    shown = invoke(small, "status").stdout
    assert f"{SOURCE}: HTTP 503 of [the publisher]" in shown
    assert f"{OTHER}: vintage {VINTAGE} was accepted over the load gate by ada: it is right" in shown
    rows = {row["source"]: row for row in invoke(small, "status", "--json").json["sources"]}
    assert (rows[SOURCE]["freshness"], rows[SOURCE]["rejected"]) == ("failing", 2)
    assert rows[OTHER]["overruled"] == "ada: it is right"


# --- alerts ---


def the_alert(
    home: Path, kind: str, subject: str, exit_code: int | None = None, **variables: str
) -> dict[str, Any]:
    code = int(kind == "unreadable") if exit_code is None else exit_code
    listed = invoke(home, "alerts", "--json", exit_code=code, **variables).json
    found = [entry for entry in listed if entry["kind"] == kind]
    (alert,) = (entry for entry in found if entry["subject"] == subject)
    assert set(alert) == {"kind", "subject", "happened", "reason", "served", "command"}
    shown = invoke(home, "alerts", exit_code=code, **variables).stdout
    assert f"{kind} {subject}" in shown
    assert [
        name for name in alert if name != "subject" and (not alert[name] or alert[name] not in shown)
    ] == []
    return alert


def run_command_of(alert: dict[str, Any], home: Path, exit_code: int = 0, **variables: Any) -> Ended:
    arguments = shlex.split(alert["command"])
    assert arguments[0] == "warehouse"
    return invoke(home, *arguments[1:], exit_code=exit_code, **variables)


def test_absence_of_alerts_is_reported(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.alerts.find_alerts", lambda settings, today=None: [])
    assert invoke(small, "alerts", "--json").json == []
    assert invoke(small, "alerts").stdout.startswith(f"nothing is wrong\nin force: release {RELEASE}, ")


def test_alerts_end_with_the_current_release(small: Path) -> None:
    *_, count, last = invoke(small, "alerts").stdout.splitlines()
    assert count.endswith("alerts; OPERATIONS.md has a section for each kind")
    assert last.startswith(f"in force: release {RELEASE}, as of 2024-05-02; vintages: {SOURCE} {VINTAGE}")
    number = int(count.split()[0])
    assert number == len(invoke(small, "alerts", "--json").json) > 2
    assert f"alerts: {number}; list them with: warehouse alerts" in invoke(small, "status").stdout


def test_command_of_failed_fetch_alert_resolves_the_alert(tmp_path: Path) -> None:
    home, silent = tmp_path / "home", tmp_path / "silent"
    silent.mkdir()
    first = first_request(SOURCES["data360_digital"].plan()).address
    (silent / "index.json").write_text(
        json.dumps({"name": "silent", "answers": [{"address": first, "file": "lost.csv"}]})
    )
    invoke(home, "fetch", "data360_digital", mirror=silent, exit_code=1)
    alert = the_alert(home, "fetch_failed", "data360_digital")
    assert "data360_digital  accepted" in run_command_of(alert, home, mirror=NIGHT).stdout
    assert "fetch_failed" not in invoke(home, "alerts").stdout
    late = {entry["subject"]: entry for entry in invoke(home, "alerts", "--json").json}
    assert late["unctad_goods"]["kind"] == "source_late"
    assert "accepted" in run_command_of(late["unctad_goods"], home, mirror=NIGHT).stdout
    newest = store.list_vintages(home / "landing", "unctad_goods").records[-1].id
    assert all(
        newest in entry["happened"]
        for entry in invoke(home, "alerts", "--json").json
        if entry["subject"] == "unctad_goods"
    )


def test_late_source_whose_newest_vintage_is_withdrawn_says_so(small: Path) -> None:
    """A poll that finds the same rows changes nothing, so the alert proposes none."""
    why = "2021 is ten times too high"
    invoke(small, "vintages", "withdraw", SOURCE, VINTAGE, "--why", why)
    alert = the_alert(small, "source_late", SOURCE)
    state = f"its newest vintage {VINTAGE} is withdrawn ({why}), and none is in force"
    assert alert["happened"] == f"{SOURCE} is late: {state}"
    assert alert["served"] == f"release {RELEASE}, with vintage {VINTAGE}, withdrawn since"
    listed = run_command_of(alert, small).stdout
    assert VINTAGE in listed and "withdrawn" in listed
    restore = alert["reason"].rpartition("run: ")[2].replace("…", "it was right")
    invoke(small, *shlex.split(restore)[1:])
    alert = the_alert(small, "source_late", SOURCE)
    assert alert["happened"] == f"{SOURCE} is late: the newest vintage is {VINTAGE}"
    assert alert["command"] == f"warehouse fetch {SOURCE}"


def test_late_source_names_the_vintage_in_force_beside_a_withdrawn_one(small: Path) -> None:
    make_vintage(small / "landing", SOURCE, "2024-06-03", ROWS)
    invoke(small, "vintages", "withdraw", SOURCE, "2024-06-03", "--why", "too high")
    alert = the_alert(small, "source_late", SOURCE)
    state = f"its newest vintage 2024-06-03 is withdrawn (too high), and {VINTAGE} is in force"
    assert alert["happened"] == f"{SOURCE} is late: {state}"
    assert alert["served"].endswith(f"with vintage {VINTAGE}")


def test_command_of_a_rejected_load_shows_its_report(tmp_path: Path, spoiled_mirror: Path) -> None:
    invoke(tmp_path, "fetch", "data360_digital", mirror=spoiled_mirror, exit_code=1)
    alert = the_alert(tmp_path, "load_rejected", "data360_digital")
    assert "Q{<" in run_command_of(alert, tmp_path).stdout


def test_command_of_big_revision_alert_lists_the_revision(small: Path) -> None:
    entry = entry_of(make_vintage(small / "landing", SOURCE, "2024-06-02", ROWS))
    make_release(
        small, "20240602T000000000000Z", vintages=[entry], sql=REVISION.replace(VINTAGE, entry.vintage)
    )
    alert = the_alert(small, "big_revision", SOURCE)
    assert "+80.0 %" in alert["reason"]
    assert "CHN / SDIG / exports" in run_command_of(alert, small).stdout


def test_command_of_a_low_disk_checks_the_disk(small: Path) -> None:
    alert = the_alert(small, "disk_low", "disk", WAREHOUSE_DISK_FACTOR="1e12")
    shown = run_command_of(alert, small, exit_code=1, WAREHOUSE_DISK_FACTOR="1e12").stdout
    assert "NOT ENOUGH, no build will begin" in shown
    assert "disk_low" not in invoke(small, "alerts").stdout


def failed_build(
    home: Path, vintages: list[dict[str, Any]] | None = None, name: str = "20990101T000000000000Z"
) -> dict[str, Any]:
    build = home / "build" / name
    build.mkdir(parents=True)
    finding = {"table": "marts.mart", "expectation": "x", "why": "y", "success": False, "detail": "3 rows"}
    (build / "validation.json").write_text(json.dumps({"success": False, "findings": [finding]}))
    if vintages:
        release = json.loads((home / "published" / RELEASE / "MANIFEST.json").read_text())
        (build / "build.json").write_text(json.dumps(release | {"vintages": vintages}))
    return the_alert(home, "build_failed", build.name)


def test_failed_build_alert_has_the_reasons_and_does_not_propose_the_build(small: Path) -> None:
    alert = failed_build(small)
    assert "marts.mart" in alert["reason"] and "3 rows" in alert["reason"]
    assert alert["served"] == f"release {RELEASE}, unchanged"
    assert "publish" not in alert["command"]
    run_command_of(alert, small)


def test_failed_build_is_reported_until_a_newer_one_is_published(small: Path) -> None:
    """A refresh, with a newer name, is no newer build; a rollback brings no old failure back."""
    make_refresh(small, RELEASE, "20990301T000000000000Z")
    failed_build(small, name="20990201T000000000000Z")
    make_release(small, "20990401T000000000000Z")
    assert "build_failed" not in invoke(small, "alerts").stdout
    rollback(small / "published", RELEASE, "a test", "tests")
    assert "build_failed" not in invoke(small, "alerts").stdout


def test_failed_build_alert_names_its_new_vintages(small: Path) -> None:
    entry = vintage_entry(SOURCE, "2024-06-02").model_dump(mode="json")
    alert = failed_build(small, [entry])
    assert f"warehouse vintages withdraw {SOURCE} 2024-06-02 --why" in alert["reason"]
    assert alert["command"] == f"warehouse vintages list {SOURCE}"
    run_command_of(alert, small)


@pytest.mark.parametrize("target", [None, "20200101T000000000000Z"])
def test_command_of_lost_latest_repairs_it(target: str | None, small: Path) -> None:
    link = small / "published" / "latest"
    link.unlink()
    if target:
        link.symlink_to(target)
    assert "release: unknown, `latest` is lost" in invoke(small, "status", exit_code=1).stdout
    listed = invoke(small, "alerts", exit_code=1)
    assert "unreadable latest" in listed.stdout and listed.stderr == "", "a problem is printed once"
    for words in (("query", "select 1"), ("diff",), ("releases",), ("maintain",)):
        ended = invoke(small, *words, exit_code=1)
        assert "warehouse repair latest" in ended.stdout + ended.stderr, words
    alert = the_alert(small, "unreadable", "latest")
    shown = run_command_of(alert, small, WAREHOUSE_OPERATOR="ada").stdout
    assert f"latest is now {RELEASE}, the newest intact release; recorded for ada" in shown
    invoke(small, "status")
    assert f"is now {RELEASE}" not in invoke(small, "repair", "latest", exit_code=1).stdout


def test_release_whose_manifest_is_cut_is_still_served(small: Path) -> None:
    manifest = small / "published" / RELEASE / "MANIFEST.json"
    overwrite(manifest, manifest.read_bytes()[:100])
    assert invoke(small, "query", "select count(*) as n from marts.mart", "--json").json == [{"n": 5}]
    listed = invoke(small, "alerts", "--json", exit_code=1).json
    served = f"release {RELEASE}, whose manifest cannot be read"
    assert {entry["served"] for entry in listed} == {served}
    shown = invoke(small, "alerts", exit_code=1).stdout
    assert f"in force: release {RELEASE}, of an unknown day ({manifest}: invalid record" in shown
    assert "no release yet" not in shown


def test_lost_release_is_not_called_no_release_yet(small: Path) -> None:
    for release in (RELEASE, EARLIER_RELEASE):
        shutil.rmtree(small / "published" / release)
    shown = invoke(small, "alerts", exit_code=1).stdout
    assert "no release yet" not in shown
    assert f"served now  unknown: {small}/published/latest: points at release {RELEASE}" in shown
    assert f"in force: release unknown ({small}/published/latest: points at release {RELEASE}" in shown


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        (f"landing/{SOURCE}/checks.jsonl", SOURCE),
        (f"landing/{SOURCE}/withdrawals.jsonl", SOURCE),
        ("published/history.jsonl", "releases"),
        ("backfill/log.jsonl", "backfills"),
        (f"rejected/{SOURCE}/{LOADS[0]}/report.json", "quarantine"),
    ],
)
def test_command_of_an_unreadable_line_shows_it(path: str, subject: str, small: Path) -> None:
    with (small / path).open("a") as file:
        file.write("[]\n")
    alert = the_alert(small, "unreadable", subject)
    ended = run_command_of(alert, small, exit_code=1)
    assert f"{small / path}" in alert["reason"]
    (line,) = (one for one in (ended.stdout + ended.stderr).splitlines() if f"{small / path}" in one)
    assert "invalid record" in line


def test_command_of_a_malformed_address_of_the_bucket_shows_it(small: Path) -> None:
    alert = the_alert(small, "unreadable", "objects", exit_code=0, WAREHOUSE_OBJECTS="bucket/prefix")
    assert alert["reason"].startswith("WAREHOUSE_OBJECTS: the address of the bucket must be s3://bucket")
    ended = run_command_of(alert, small, exit_code=1, WAREHOUSE_OBJECTS="bucket/prefix")
    assert f"problem: {alert['reason']}" in ended.stderr and SOURCE in ended.stdout
    assert (
        "bucket s3://bucket/prefix: "
        in run_command_of(alert, small, WAREHOUSE_OBJECTS="s3://bucket/prefix").stdout
    )


@pytest.mark.parametrize("gone", ["manifest.json", "."])
def test_vintage_that_vanished_is_reported_until_its_loss_is_recorded(gone: str, small: Path) -> None:
    path = small / "landing" / SOURCE / VINTAGE
    path.joinpath(gone).unlink() if gone != "." else shutil.rmtree(path)
    alert = the_alert(small, "unreadable", SOURCE)
    assert f"{path}: vintage {VINTAGE} of {SOURCE} is lost" in alert["reason"]
    assert alert["served"] == f"release {RELEASE}, with vintage {VINTAGE}"
    listed = run_command_of(alert, small, exit_code=1)
    assert alert["reason"] in listed.stderr and "no vintage of" not in listed.stdout
    late = the_alert(small, "source_late", SOURCE, exit_code=1)
    assert late["happened"] == f"{SOURCE} is late: there is no vintage that can be read"
    assert late["command"] == f"warehouse vintages list {SOURCE}"
    assert alert["reason"] in invoke(small, "status", exit_code=1).stderr
    for words in (("publish",), ("publish", "--force")):
        assert f"failed: {alert['reason']}" in invoke(small, *words, exit_code=1).stderr
    assert invoke(small, "maintain", exit_code=1).stdout.count("damaged: ") == 1
    record = alert["reason"].rpartition("record the loss: ")[2].replace("…", "the disk was lost")
    invoke(small, *shlex.split(record)[1:])
    assert "unreadable" not in invoke(small, "alerts").stdout
    invoke(small, "status")
    invoke(small, "maintain")


def test_command_of_unreadable_record_alert_reports_the_record(small: Path) -> None:
    (small / "landing" / SOURCE / VINTAGE / "manifest.json").write_text("{")
    alert = the_alert(small, "unreadable", SOURCE)
    shown = run_command_of(alert, small, exit_code=1).stdout
    assert f"{VINTAGE}/manifest.json" in shown and "damaged: " in shown
