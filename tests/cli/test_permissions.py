"""What the user of the warehouse may not read is named with owner and mode, is no loss, and hides nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_homes import EARLIER_RELEASE, LOADS, OTHER, RELEASE, SOURCE, VINTAGE

from warehouse.config import PROJECT_ROOT

ROOT_AS_ANY_USER = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
DENIED = "mode 000). Correct owner or mode, so that the user who runs the warehouse can read it"


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user for whom permissions apply."""
    as_user = ROOT_AS_ANY_USER if os.geteuid() == 0 else ()
    ended = subprocess.run(
        [*as_user, sys.executable, "-m", "warehouse", *arguments],
        env=os.environ | {"WAREHOUSE_HOME": str(home), "WAREHOUSE_MIRROR": ""},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Errno" not in ended.stderr and "Traceback" not in ended.stderr, ended.stderr
    return ended


@pytest.fixture
def closed(small: Path) -> Iterator[Path]:
    """Return a home of which the directory of a source cannot be looked into."""
    yield from close(small, f"landing/{SOURCE}")


def close(home: Path, path: str) -> Iterator[Path]:
    (home / path).chmod(0)
    yield home
    (home / path).chmod(0o755)


def test_source_that_cannot_be_read_is_a_problem_beside_the_others(closed: Path) -> None:
    path = closed / "landing" / SOURCE
    problem = f"{path}: cannot be read (Permission denied; owner is user {os.geteuid()}, {DENIED}"
    status = run(closed, "status", "--json")
    shown = json.loads(status.stdout)
    assert status.returncode == 1
    assert any(one.startswith(problem) for one in shown["problems"])
    assert any(one.startswith(f"{path}/checks.jsonl: cannot be read") for one in shown["problems"])
    rows = {row["source"]: row for row in shown["sources"]}
    assert (rows[SOURCE]["freshness"], rows[SOURCE]["outcome"]) == ("unknown", "unknown")
    assert (rows[OTHER]["in_force"], rows[OTHER]["outcome"]) == (VINTAGE, "unchanged")
    alerts = run(closed, "alerts", "--json")
    found = [(one["kind"], one["subject"]) for one in json.loads(alerts.stdout)]
    assert alerts.returncode == 1 and ("unreadable", SOURCE) in found and ("source_late", OTHER) in found
    assert f"there is no vintage of {SOURCE}" not in alerts.stdout
    listed = run(closed, "vintages", "list", SOURCE)
    assert listed.returncode == 1 and problem in listed.stderr and "fetch one" not in listed.stdout


def test_permissions_are_no_loss(closed: Path) -> None:
    maintained = run(closed, "maintain")
    assert maintained.returncode == 1 and f"{closed}/landing/{SOURCE}: cannot be read" in maintained.stdout
    assert "vintages withdraw" not in maintained.stdout and "backup" not in maintained.stdout
    published = run(closed, "publish")
    assert published.returncode == 1 and f"landing/{SOURCE}: cannot be read" in published.stderr
    assert "lost" not in published.stderr


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"landing/{SOURCE}/{VINTAGE}", f"landing/{SOURCE}/{VINTAGE}/manifest.json"),
        (f"landing/{SOURCE}/{VINTAGE}/manifest.json", f"landing/{SOURCE}/{VINTAGE}/manifest.json"),
        (f"landing/{SOURCE}/checks.jsonl", f"landing/{SOURCE}/checks.jsonl"),
        ("landing", "landing"),
        (f"rejected/{SOURCE}", f"rejected/{SOURCE}"),
        (f"rejected/{SOURCE}/{LOADS[0]}", f"rejected/{SOURCE}/{LOADS[0]}/report.json"),
        ("backfill", "backfill"),
        ("published/history.jsonl", "published/history.jsonl"),
        (f"published/{RELEASE}", f"published/{RELEASE}/MANIFEST.json"),
        (f"published/{EARLIER_RELEASE}/MANIFEST.json", f"published/{EARLIER_RELEASE}/MANIFEST.json"),
    ],
)
def test_what_cannot_be_read_is_named_by_status_and_alerts(path: str, named: str, small: Path) -> None:
    for home in close(small, path):
        for command in ("status", "alerts"):
            ended = run(home, command)
            text = ended.stdout + ended.stderr
            assert ended.returncode == 1 and f"{home}/{named}: cannot be read (Permission denied" in text
            assert text.count(DENIED) < 9 and DENIED in text and "vintages withdraw" not in text


@pytest.mark.parametrize("path", ["rows.parquet", "files", "manifest.json"])
def test_audit_names_files_that_cannot_be_read(path: str, small: Path) -> None:
    for home in close(small, f"landing/{SOURCE}/{VINTAGE}/{path}"):
        ended = run(home, "maintain")
        assert ended.returncode == 1 and f"{SOURCE}/{VINTAGE}/{path}" in ended.stdout
        assert DENIED in ended.stdout and "vintages withdraw" not in ended.stdout
