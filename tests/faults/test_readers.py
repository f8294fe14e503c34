"""Readers query while releases are published and rolled back: no query fails or mixes two releases."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from small_releases import build_record

from warehouse.build.dbt import seal
from warehouse.releases.news import news_against
from warehouse.releases.publish import publish, rollback

pytestmark = pytest.mark.faults

READERS = ("fresh", "long") * 4
RELEASES = 50
ROLLBACK_AFTER = (10, 20, 30, 40, 50)
ROWS = 20_000
PAUSE_SECONDS = 0.3
SECONDS_TO_SEE_THE_NEWEST = 1.0


def publish_number(home: Path, number: int) -> float:
    """Publish a release with its number in every row of its two marts; return the time of publication."""
    name = f"release-{number:03}"
    file = home / "build" / name / "warehouse.duckdb"
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as db:
        db.execute("create schema core; create schema marts")
        for mart in ("mart_one", "mart_two"):
            db.execute(
                f"create table marts.{mart} as select {number} as number, i from range({ROWS}) as r(i)"
            )
    seal(file)
    record = build_record(name)
    published = home / "published"
    news = news_against(published, file, record)
    publish(published, name, file, {}, record, {}, news=news, is_latest=True, actor="tests")
    return time.time()


def test_readers_see_exactly_one_release_during_fifty_publications(tmp_path: Path) -> None:
    published, stop = tmp_path / "published", tmp_path / "stop"
    published_at = [(publish_number(tmp_path, 0), 0)]
    readers = [
        subprocess.Popen(
            [sys.executable, Path(__file__).with_name("reader.py"), published, stop, tmp_path / f"{n}", kind],
            stderr=subprocess.PIPE,
            text=True,
        )
        for n, kind in enumerate(READERS)
    ]
    try:
        for number in range(1, RELEASES + 1):
            published_at.append((publish_number(tmp_path, number), number))
            time.sleep(PAUSE_SECONDS)
            if number in ROLLBACK_AFTER:
                rollback(published, f"release-{number - 3:03}", "a test", "tests")
                published_at.append((time.time(), number - 3))
                time.sleep(PAUSE_SECONDS)
    finally:
        stop.touch()
        errors = [reader.communicate(timeout=60)[1] for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * len(READERS), "\n".join(errors)
    assert len(published_at) == 1 + RELEASES + len(ROLLBACK_AFTER)

    connections = [
        (kind, json.loads(line))
        for n, kind in enumerate(READERS)
        for line in (tmp_path / f"{n}").read_text().splitlines()
    ]
    assert {kind for kind, _ in connections} == set(READERS)
    assert len(connections) > 500
    seen_numbers = set()
    for kind, connection in connections:
        ((numbers, n),) = connection["seen"]  # a single result, for the life of the connection
        (number,) = numbers
        assert n == 2 * ROWS
        seen_numbers.add(number)
        # The release that was current a second before the connection was opened, or a later release.
        before = [
            release_number
            for at, release_number in published_at
            if at <= connection["opened_at"] - SECONDS_TO_SEE_THE_NEWEST
        ]
        later = [
            release_number
            for at, release_number in published_at
            if at > connection["opened_at"] - SECONDS_TO_SEE_THE_NEWEST
        ]
        assert number in {*before[-1:], *later}, f"{kind}: {number}, opened at {connection['opened_at']}"
    assert len(seen_numbers) >= RELEASES * 3 // 4
    asked = sum(connection["asked"] for _, connection in connections)
    print(f"{asked} queries over {len(connections)} connections read {len(seen_numbers)} releases")
    assert asked > 5 * len(connections)
