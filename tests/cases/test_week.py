"""A working week of answers of all sources, served on loopback and loaded by Airflow: one release a night.

The publishers' double is one HTTP server with the answers of a night: recorded ones, and files in the
evidenced form for sources that were never recorded. On the second and the fourth night half of the sources
have a second edition each, with one figure revised; on the other nights nothing is new.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
from cases.case import Answers, recorded_answers, write_mirror
from cases.test_second_editions import FIRST, SECOND
from conftest import settings_of

from warehouse.config import PROJECT_ROOT
from warehouse.landing import store
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE, list_releases, require_current
from warehouse.sources import SOURCES

pytestmark = [pytest.mark.faults, pytest.mark.slow]

NIGHTS = 5
NAMES = sorted(SOURCES)
REVISED = {2: NAMES[::2], 4: NAMES[1::2]}  # the sources with a second edition, by night


def since(name: str, night: int) -> int:
    """Return the night in which the edition that a source serves came out."""
    return max([1, *(one for one, names in REVISED.items() if name in names and one <= night)])


def day_of(name: str, night: int) -> str:
    """Return the day of the edition that a source serves in a night; it is the name of its vintage."""
    return f"2026-06-{9 + since(name, night):02}"


def answers_of(name: str, night: int, recorded: Path) -> Answers:
    """Return what a source answers in a night."""
    answers = recorded_answers(recorded / "landing", name)
    if since(name, night) > 1:
        return SECOND[name](answers)
    return FIRST[name](answers) if name in FIRST else answers


def write_night(folder: Path, night: int, recorded: Path) -> Path:
    """Write the mirror of a night, the answers of all sources under one index; return the folder."""
    entries = []
    for name in NAMES:
        one = write_mirror(folder / name, answers_of(name, night, recorded), day_of(name, night))
        index = json.loads((one / "index.json").read_text())
        entries += [entry | {"file": f"{name}/{entry['file']}"} for entry in index["answers"]]
    (folder / "index.json").write_text(json.dumps({"name": "a week", "answers": entries}))
    return folder


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a directory on loopback; yield its address."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *message: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run_night(home: Path, mirror: str) -> str:
    """Run the ingest DAG of every source, and publish; return what is printed."""
    ended = subprocess.run(
        [sys.executable, str(PROJECT_ROOT / "dags" / "nightly.py")],
        env={
            **os.environ,
            "WAREHOUSE_HOME": str(home),
            "WAREHOUSE_MIRROR": mirror,
            "WAREHOUSE_SITE": "false",
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_week_of_all_sources_makes_one_release_a_night_with_news(replayed: Path, tmp_path: Path) -> None:
    home, served = tmp_path / "home", tmp_path / "served"
    settings = settings_of(home)
    releases: list[str] = []
    with serving(served) as address:
        for night in range(1, NIGHTS + 1):
            folder = write_night(tmp_path / f"night-{night}", night, replayed)
            served.unlink(missing_ok=True)
            served.symlink_to(folder)
            printed = run_night(home, address)
            found = [one.release for one in list_releases(settings.published).require()]
            has_news = night == 1 or night in REVISED
            assert len(found) == len(releases) + has_news, f"night {night}: {printed}"
            assert found[: len(releases)] == releases
            releases = found
            release = require_current(settings.published)
            assert release.name == releases[-1]
            expected = {name: day_of(name, night) for name in NAMES}
            manifest = read_manifest(release)
            assert {one.source: one.vintage for one in manifest.vintages} == expected, f"night {night}"
            assert manifest.set_aside == ()
    polls = {
        name: [one.outcome for one in store.list_checks(settings.landing, name).require()] for name in NAMES
    }
    for name, outcomes in polls.items():
        wanted = [
            "accepted" if night == since(name, night) else "unchanged" for night in range(1, NIGHTS + 1)
        ]
        assert outcomes == wanted, name
    with duckdb.connect(str(require_current(settings.published) / DATABASE), read_only=True) as db:
        revised = db.execute(
            "select source, count(*) from core.fct_revision group by 1 order by 1"
        ).fetchall()
    assert revised == [(name, 1) for name in NAMES]
