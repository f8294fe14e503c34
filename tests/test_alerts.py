"""Alerts and their runbook: every kind is found, and has a section of OPERATIONS.md with its command.

tests/cli/test_status.py runs the command of each alert; tests/dags/test_checks_dag.py reports them.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from alert_cases import (
    NIGHT,
    RELEASE,
    SOURCE,
    VINTAGE,
    release_with_a_big_revision,
    silent_mirror,
    spoiled_mirror,
)
from conftest import ingest, settings_of

from warehouse import alerts
from warehouse.alerts import Alert
from warehouse.cli.app import app
from warehouse.config import PROJECT_ROOT
from warehouse.errors import WarehouseError
from warehouse.landing import store
from warehouse.model import Drift, FailedPart
from warehouse.releases.served import in_force

RUNBOOK = PROJECT_ROOT / "OPERATIONS.md"


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


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Alert]:
    """Return an alert of each kind, by its kind, from two faulty homes."""
    base = tmp_path_factory.mktemp("wrong")
    failing, rejecting = base / "failing", base / "rejecting"
    for home, mirror in (
        (failing, silent_mirror(base / "silent")),
        (rejecting, spoiled_mirror(base / "spoiled")),
    ):
        ingest(settings_of(home, NIGHT), SOURCE)
        with pytest.raises(WarehouseError):
            ingest(settings_of(home, mirror), SOURCE)
    release_with_a_big_revision(rejecting)
    partial = settings_of(base / "partial", NIGHT)
    vintage = ingest(partial, SOURCE)
    store.record_poll(
        partial.landing,
        SOURCE,
        "accepted",
        vintage,
        "5721 rows",
        drift=(Drift(file="UNCTAD_DE.csv", detail="further column 'NOTE'"),),
        failed_parts=(FailedPart(part="SDIG", reason="HTTP 500", carried_from="2025-01-01"),),
    )
    build = failing / "build" / RELEASE
    build.mkdir(parents=True)
    (build / "validation.json").write_text('{"success": false, "error": "model.mart_x: no column y"}')
    with (failing / "landing" / SOURCE / "checks.jsonl").open("ab") as log:
        log.write(b"{\n")
    address = "postgresql://writer:secret@127.0.0.1:1/figures"
    bucket = "s3://figures/warehouse"
    alerts_of_both = [
        *alerts.find_alerts(settings_of(failing, disk_factor=1e12)),
        *alerts.find_alerts(settings_of(rejecting, publish_to=address, objects=bucket)),
        *alerts.find_alerts(partial),
    ]
    return {alert.kind: alert for alert in reversed(alerts_of_both)}


def test_every_kind_of_alert_is_found(found: dict[str, Alert]) -> None:
    assert set(found) == set(alerts.KINDS)
    for kind in ("fetch_failed", "load_rejected", "big_revision", "part_failed", "drift", "rows_held"):
        assert found[kind].subject == SOURCE
    assert "further column 'NOTE'" in found["drift"].reason
    assert found["part_failed"].happened == f"1 part of {SOURCE} failed, the others landed"
    assert "SDIG: HTTP 500 (figures of 2025-01-01)" in found["part_failed"].reason
    assert "7 observations" in found["rows_held"].happened and "XQX" in found["rows_held"].reason
    aside = found["source_set_aside"]
    assert f"vintage {VINTAGE} is left out" in aside.happened and "2025-01-01 is used" in aside.happened
    assert aside.reason == "a test failed"
    assert all(alert.reason and alert.served for alert in found.values())
    assert "Q{<" in found["load_rejected"].reason
    assert "+80.0 %" in found["big_revision"].reason
    assert "model.mart_x: no column y" in found["build_failed"].reason
    assert "checks.jsonl" in found["unreadable"].reason
    assert f"no release, and `latest` is {RELEASE}" in found["database_behind"].reason
    assert f"no release of this home, and `latest` is {RELEASE}" in found["objects_behind"].reason
    assert "secret" not in found["database_behind"].model_dump_json()


@pytest.mark.parametrize("kind", alerts.KINDS)
def test_command_of_alert_is_in_its_section_of_the_documentation(found: dict[str, Alert], kind: str) -> None:
    words = shlex.split(found[kind].command)
    assert words[0] == "warehouse"
    assert words[1] in {shown[0] for shown in commands(section(kind))}


def test_alert_counts_one_and_several_in_words() -> None:
    assert [alerts.counted(count, "part") for count in (0, 1, 2)] == ["0 parts", "1 part", "2 parts"]
    failed = [FailedPart(part=name, reason="HTTP 500", carried_from=None) for name in "ab"]
    assert alerts.parts_alert(SOURCE, failed).happened == f"2 parts of {SOURCE} failed, the others landed"


def test_message_has_reason_command_section_and_current_release(found: dict[str, Alert]) -> None:
    text = alerts.format_alerts([found["disk_low"], found["fetch_failed"]], "release R; vintages: none")
    first, second, last = text.split("\n\n")
    assert first.startswith("disk_low: disk\nWhat failed: ")
    assert f"What to run next: warehouse fetch {SOURCE}\n" in second
    assert re.search(r"\nWhy: .+\nServed now: .+\nWhat to run next: ", second)
    assert second.endswith("Runbook: OPERATIONS.md, section fetch_failed")
    assert last == "In force: release R; vintages: none"


def test_unreadable_record_is_an_alert_and_other_alerts_are_listed(tmp_path: Path) -> None:
    ingest(settings_of(tmp_path, NIGHT), SOURCE)
    (tmp_path / "build" / RELEASE).mkdir(parents=True)
    (tmp_path / "build" / RELEASE / "validation.json").write_text("{")
    subjects = {alert.subject: alert.kind for alert in alerts.find_alerts(settings_of(tmp_path))}
    assert subjects["builds"] == "unreadable"
    assert subjects["safe_bop"] == "source_late"
    assert f"{SOURCE} {VINTAGE}" in in_force(settings_of(tmp_path))


# --- the runbook ---


def test_runbook_has_a_section_for_each_kind_with_a_command() -> None:
    headings = re.findall(r"^### (\w+)$", RUNBOOK.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(alerts.KINDS)
    for kind in alerts.KINDS:
        text = section(kind)
        assert "**Means**" in text and "**Served now**" in text
        assert commands(text)


def test_every_command_of_the_runbook_exists() -> None:
    shown = commands(RUNBOOK.read_text())
    assert len(shown) > 25
    for words in shown:
        command: Any = typer.main.get_command(app)
        rest = list(words)
        while isinstance(command, click.Group) or hasattr(command, "commands"):
            assert rest and rest[0] in command.commands, f"warehouse {' '.join(words)}: no such command"
            command = command.commands[rest.pop(0)]
        # parsed, not run: the parser rejects unknown options, missing arguments and wrong dates
        command.make_context(words[-1], rest)
