"""What is wrong is told, told once, and told in the runbook: alerts, their ledger, and OPERATIONS.md."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from conftest import environment
from test_alerts_dag import NIGHT, SOURCE, release_with_a_big_revision, spoiled_mirror

from warehouse import alerts, landing, pipeline
from warehouse.__main__ import app
from warehouse.config import DBT_PROJECT_DIR, PROJECT_ROOT
from warehouse.errors import Rejected, WarehouseError
from warehouse.sources import SOURCES

CALENDAR = DBT_PROJECT_DIR / "seeds" / "release_calendar.csv"
RUNBOOK = PROJECT_ROOT / "OPERATIONS.md"
NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)


def an_alert(kind: str = alerts.SOURCE_LATE) -> alerts.Alert:
    return alerts.Alert(kind, "it", f"{kind}/it", "this", "that", "warehouse status")


# --- when, and how often --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (date(2026, 4, 14), date(2025, 12, 31)),  # the last day of grace
        (date(2026, 4, 15), date(2026, 3, 31)),
        (date(2026, 1, 14), date(2025, 9, 30)),  # over the turn of the year
    ],
)
def test_a_release_is_due_when_its_grace_is_over(today: date, due: date) -> None:
    found = alerts.last_due(CALENDAR, "safe_bop", today)
    assert found is not None and found.on == due
    assert found.counts_from == due - timedelta(days=30)


def test_every_source_but_the_curated_one_has_a_calendar() -> None:
    with CALENDAR.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 10
    assert {row["source"] for row in rows} == set(SOURCES) - {"curated"}
    assert alerts.last_due(CALENDAR, "curated", date(2026, 6, 1)) is None
    for row in rows:
        date(2025, int(row["month"]), int(row["day"]))  # a day of every year


@pytest.mark.parametrize(("kind", "pause"), sorted(alerts.REMIND_AFTER.items()))
def test_what_was_told_is_told_again_only_after_its_pause(kind: str, pause: timedelta | None) -> None:
    alert = an_alert(kind)
    assert alerts.channels_due(alert, None, ["email", "webhook"], NOW) == ["email", "webhook"]
    known = alerts.Told(alert, NOW, told={"email": NOW})
    assert alerts.channels_due(alert, known, ["email", "webhook"], NOW) == ["webhook"]
    later = NOW + (pause or timedelta(days=3650))
    almost = later - timedelta(minutes=1)
    assert alerts.channels_due(alert, known, ["email"], almost) == []
    assert alerts.channels_due(alert, known, ["email"], later) == (["email"] if pause else [])
    assert (
        alerts.channels_due(alert, known, ["email"], NOW - timedelta(days=400)) == []
    )  # the clock went back


def test_the_ledger_survives_a_line_that_was_cut(tmp_path: Path) -> None:
    alert = an_alert()
    alerts.note(tmp_path, "told", [alert], "email")
    with (tmp_path / alerts.LEDGER).open("ab") as ledger:
        ledger.write(b'{"at": "2026')
    assert set(alerts.open_alerts(tmp_path)[alert.key].told) == {"email"}
    alerts.note(tmp_path, "unsent", [alert], "webhook", "OSError 111")
    known = alerts.open_alerts(tmp_path)[alert.key]
    assert (set(known.told), dict(known.unsent)) == ({"email"}, {"webhook": "OSError 111"})
    alerts.note(tmp_path, "over", [alert])
    assert alerts.open_alerts(tmp_path) == {}


def test_what_cannot_be_read_is_an_alert_and_hides_no_other(home: Path) -> None:
    (home / "build" / "20260601").mkdir(parents=True)
    (home / "build" / "20260601" / pipeline.VERDICT).write_text("{")
    with environment(WAREHOUSE_HOME=str(home)):
        found = {one["subject"]: one["kind"] for one in pipeline.alerts()}
    assert found["alerts: build"] == alerts.STEP_FAILED
    assert found["safe_bop"] == alerts.SOURCE_LATE


# --- the runbook ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("landed")
    with environment(WAREHOUSE_HOME=str(place), WAREHOUSE_MIRROR=str(NIGHT)):
        assert pipeline.accept(SOURCE, pipeline.fetch(SOURCE))
    return place


@pytest.fixture
def home(landed: Path, tmp_path: Path) -> Iterator[Path]:
    import shutil

    place = tmp_path / "home"
    shutil.copytree(landed, place)
    yield place


def section(heading: str) -> str:
    """Return a section of the runbook."""
    found = re.search(rf"^### {heading}\n(.*?)(?=^##)", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"OPERATIONS.md has no section {heading}"
    return found[1]


def commands(text: str) -> list[list[str]]:
    """Return the `warehouse …` commands of a text, in code blocks and in quotes."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    quoted = re.findall(r"`(warehouse [a-z][^`\n]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line for line in blocks.splitlines() if line.startswith("warehouse ")]
    return [shlex.split(line, comments=True)[1:] for line in [*lines, *quoted]]


def test_the_runbook_has_a_section_for_each_kind_with_a_command() -> None:
    headings = re.findall(r"^### (\w+)$", RUNBOOK.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(alerts.REMIND_AFTER)
    for kind in alerts.REMIND_AFTER:
        told = section(kind)
        assert "**Means**" in told and "**Stands:**" in told
        assert commands(told)


def test_every_command_of_the_runbook_is_one_that_there_is() -> None:
    found = commands(RUNBOOK.read_text())
    assert len(found) > 25
    for words in found:
        command: Any = typer.main.get_command(app)
        rest = list(words)
        while isinstance(command, click.Group) or hasattr(command, "commands"):
            assert rest and rest[0] in command.commands, f"warehouse {' '.join(words)}: no such word"
            command = command.commands[rest.pop(0)]
        # parsed, not run: unknown options, missing arguments and wrong dates are refused here
        command.make_context(words[-1], rest)


def says(home: Path, words: list[str], code: int, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", *words],
        cwd=PROJECT_ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "WAREHOUSE_HOME": str(home),
            "GX_ANALYTICS_ENABLED": "false",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def the_alert(home: Path, kind: str, **environ: str) -> dict[str, Any]:
    found = [one for one in json.loads(says(home, ["alerts", "--json"], 0, **environ)) if one["kind"] == kind]
    assert found
    return dict(found[0])


def words_of(alert: dict[str, Any]) -> list[str]:
    """Return the words of an alert's own command, which must be one that the runbook's section shows."""
    words = shlex.split(alert["command"])
    assert words[0] == "warehouse"
    assert words[1] in {shown[0] for shown in commands(section(alert["kind"]))}
    return words[1:]


def test_the_command_of_a_failed_step_mends_it(home: Path) -> None:
    silent = home.parent / "silent"
    silent.mkdir()
    (silent / "index.json").write_text('{"name": "silent", "answers": []}')
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(silent)), pytest.raises(WarehouseError):
        pipeline.fetch(SOURCE)
    alert = the_alert(home, alerts.STEP_FAILED)
    assert "step_failed" in says(home, ["alerts"], 0)
    assert "warehouse alerts" in says(home, ["status"], 0)
    assert "unchanged" in says(home, words_of(alert), 0, WAREHOUSE_MIRROR=str(NIGHT))
    assert alerts.STEP_FAILED not in says(home, ["alerts"], 0)


def test_the_command_of_a_rejected_load_shows_why(home: Path, tmp_path: Path) -> None:
    mirror = str(spoiled_mirror(tmp_path / "spoiled"))
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=mirror), pytest.raises(Rejected):
        pipeline.accept(SOURCE, pipeline.fetch(SOURCE))
    alert = the_alert(home, alerts.LOAD_REJECTED)
    assert f"{SOURCE} 2026-03-19" in alert["stands"]
    assert "Q{<" in says(home, words_of(alert), 0)


def test_the_command_of_a_late_source_brings_it(home: Path) -> None:
    found = json.loads(says(home, ["alerts", "--json"], 0))
    late = {one["subject"]: one for one in found if one["kind"] == alerts.SOURCE_LATE}
    assert "unctad_goods" in late and SOURCE not in late
    assert "accepted" in says(home, words_of(late["unctad_goods"]), 0, WAREHOUSE_MIRROR=str(NIGHT))
    (newest,) = landing.vintages(home / "landing", "unctad_goods")
    due = alerts.last_due(CALENDAR, "unctad_goods", datetime.now(UTC).date())
    assert due is not None
    still = "unctad_goods is late" in says(home, ["alerts"], 0)
    assert still == (newest.day < due.counts_from)


def test_the_command_of_a_big_revision_lists_it(home: Path) -> None:
    release_with_a_big_revision(home)
    alert = the_alert(home, alerts.BIG_REVISION)
    assert "+80.0 %" in alert["happened"]
    assert "CHN / SDIG / exports" in says(home, words_of(alert), 0)


def test_the_command_of_low_disk_looks_for_room(home: Path) -> None:
    alert = the_alert(home, alerts.DISK_LOW, WAREHOUSE_DISK_FACTOR="1e12")
    says(home, words_of(alert), 1, WAREHOUSE_DISK_FACTOR="1e12")  # nothing could go: it still says too little
    assert alerts.DISK_LOW not in says(home, ["alerts"], 0)
