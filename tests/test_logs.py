"""Logs of the steps: what they say, their two forms, and that no password is in them."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from command_line import invoke
from conftest import settings_of
from small_homes import make_home
from small_releases import make_release

from warehouse.build import steps
from warehouse.build.results import ONLY, UNCHANGED, log_nodes
from warehouse.config import SAMPLE_DIR
from warehouse.logs import Timing, format_bytes, read_timings, timed
from warehouse.releases.publish import read_release_timings

NIGHT = SAMPLE_DIR / "night-2"


@pytest.fixture(autouse=True)
def unchanged_logger() -> Iterator[None]:
    """Remove what a command with `-v` sets up, for the tests that run after these in one process."""
    logger = logging.getLogger("warehouse")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


def test_fetch_logs_files_bytes_rows_and_expectations(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "warehouse")
    settings = settings_of(tmp_path, NIGHT)
    for _ in range(2):
        steps.accept(settings, "unctad_goods", steps.fetch(settings, "unctad_goods"))
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []
    lines = "\n".join(caplog.messages)
    for words in (
        r"fetched unctad_goods: 1 file, [\d.]+ k?B in \d+\.\d s",
        r"validated unctad_goods: \d+ rows, [1-9]\d* expectations passed, 0 failed in \d+\.\d s",
        r"accepted unctad_goods: \d+ rows; vintage 2026-03-19 in force, 0 drift notes, 0 failed parts, in ",
        r"unchanged unctad_goods: the same files; vintage 2026-03-19 in force",
    ):
        assert len(re.findall(words, lines)) >= 1, (words, lines)


def test_no_log_without_options_and_one_json_object_a_line_with_them(tmp_path: Path) -> None:
    quiet = invoke(tmp_path / "a", "fetch", "unctad_goods", mirror=NIGHT)
    assert "fetched" not in quiet.stderr
    spoken = invoke(
        tmp_path / "b", "-v", "--log-format", "json", "fetch", "unctad_goods", "--json", mirror=NIGHT
    )
    assert spoken.json[0]["outcome"] == "accepted"
    lines = [json.loads(line) for line in spoken.stderr.splitlines()]
    fetched = next(line for line in lines if line["message"].startswith("fetched unctad_goods"))
    assert fetched["level"] == "INFO" and fetched["logger"] == "warehouse.landing.ingest"
    assert fetched["source"] == "unctad_goods"
    assert datetime.fromisoformat(fetched["time"]).utcoffset() is not None
    again = invoke(tmp_path / "b", "-v", "fetch", "unctad_goods", mirror=NIGHT)
    assert len([line for line in again.stderr.splitlines() if "INFO fetched unctad_goods" in line]) == 1
    after = invoke(tmp_path / "b", "--log-format", "json", "fetch", "unctad_goods", mirror=NIGHT)
    assert "fetched" not in after.stderr, "INFO needs -v"


def test_no_password_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between the attempts
    arguments = ("-v", "--log-format", "json", "fetch", "unctad_goods")
    mirror = "http://me:hush@127.0.0.1:1/mirror?token=hush"
    ended = invoke(tmp_path, *arguments, mirror=mirror, exit_code=1, WAREHOUSE_LOCK_SECONDS="0")
    assert "127.0.0.1" in ended.stderr and "hush" not in ended.stderr + ended.stdout


def test_dbt_nodes_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "warehouse")
    nodes = [
        {"unique_id": f"model.m{number}", "status": "success", "execution_time": number / 2}
        for number in range(12)
    ]
    nodes[0]["message"], nodes[1]["message"] = UNCHANGED, f"{ONLY}ons_services"
    nodes.append({"unique_id": "test.bad", "status": "fail", "execution_time": 0.1})
    path = tmp_path / "run_results.json"
    path.write_text(json.dumps({"elapsed_time": 9.5, "results": nodes}))
    log_nodes(path)
    unchanged = "1 models have not changed since the last build, and 1 only for some sources"
    counts = f"1 fail, 12 success; {unchanged}"
    assert caplog.messages[0] == f"dbt ran 13 nodes in 9.5 s: {counts}"
    assert caplog.messages[1] == "dbt node test.bad failed after 0.1 s"
    assert caplog.messages[2].startswith("slowest dbt nodes: model.m11 5.5 s, model.m10 5.0 s")
    assert "model.m2 1.0 s" in caplog.messages[2] and "model.m1 " not in caplog.messages[2]


def test_skipped_refresh_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "warehouse")
    assert steps.refresh(settings_of(tmp_path)) is None
    assert "refresh skipped: no release yet" in caplog.messages


def test_timings_are_kept_with_the_release(tmp_path: Path) -> None:
    with timed("load", tmp_path) as timer:
        timer.rows = 7
    with pytest.raises(ValueError, match="broken"), timed("transform", tmp_path):
        raise ValueError("broken")
    (kept,) = read_timings(tmp_path).require()
    assert (kept.step, kept.rows) == ("load", 7) and 0 <= kept.seconds < 5
    release = make_release(tmp_path / "home", "20240502T000000000000Z", timings=(kept,))
    steps_kept = read_release_timings(release)
    assert [one.step for one in steps_kept] == ["load", "publish"]
    assert steps_kept[0] == Timing.model_validate(kept) and steps_kept[1].rows == 4


def test_maintain_logs_counts(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    ended = invoke(home, "-v", "maintain")
    assert "INFO audited 2 vintages and 2 releases: " in ended.stderr
    assert "INFO removed 0 releases, 0 builds, 0 rejected loads and 0 backfills, 0 B in " in ended.stderr


@pytest.mark.parametrize(("size", "text"), [(999, "999 B"), (1_200_000, "1.2 MB"), (3_400_000_000, "3.4 GB")])
def test_sizes_are_readable(size: int, text: str) -> None:
    assert format_bytes(size) == text


def test_release_keeps_the_records_of_dbt_that_exist(tmp_path: Path) -> None:
    (tmp_path / "dbt").mkdir()
    results = tmp_path / "dbt" / "run_results.json"
    results.write_text("{}")
    assert steps.kept_records(tmp_path) == {"build_records/run_results.json": results}
