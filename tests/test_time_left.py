"""A run of the tests that has no time left leaves out its long sets, and says so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest

from warehouse.config import PROJECT_ROOT

LONG = "tests/build/test_parts.py::test_mart_in_parts_equals_the_mart_made_at_once"
QUICK = "tests/build/test_disk.py"


WEEK = "tests/stack/test_week.py"  # it takes longer than the ten minutes that are left for it here


def run_without_time(*files: str, until: float = 1) -> subprocess.CompletedProcess[str]:
    """Run the tests of files after their time, or with little time left."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", *files],
        cwd=PROJECT_ROOT,
        env=os.environ | {"TESTS_UNTIL": str(until)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_long_tests_are_left_out_and_counted_when_there_is_no_time_left() -> None:
    done = run_without_time(LONG, QUICK)
    assert done.returncode == 0, done.stdout
    assert "1 tests were left out: it had not begun by TESTS_UNTIL." in done.stdout
    assert re.search(r"\d+ passed, 1 skipped", done.stdout)


@pytest.mark.slow
def test_run_that_had_time_for_no_test_fails() -> None:
    done = run_without_time(LONG)
    assert done.returncode == 1, done.stdout
    assert "1 tests were left out: it had not begun by TESTS_UNTIL." in done.stdout


@pytest.mark.slow
def test_test_that_would_end_after_the_time_is_left_out() -> None:
    done = run_without_time(WEEK, QUICK, until=time.time() + 600)
    assert done.returncode == 0, done.stdout
    assert "1 tests were left out: it had not begun by TESTS_UNTIL." in done.stdout
