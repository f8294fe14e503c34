"""`--source` selects the tests of one source, as `make test-source` runs them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from warehouse.config import PROJECT_ROOT

FILES = ("tests/sources/test_imf_bop.py", "tests/sources/test_batis.py", "tests/quality/test_payloads.py")


def collected(*options: str) -> str:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", *options, *FILES]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT_ROOT).stdout


@pytest.mark.slow
def test_option_source_selects_the_tests_of_one_source() -> None:
    every, chosen = (
        [line for line in collected(*options).splitlines() if "::" in line]
        for options in ((), ("--source", "imf_bop"))
    )
    own = [line for line in every if "test_imf_bop.py" in line or "imf_bop" in line.partition("[")[2]]
    general = "tests/quality/test_payloads.py::test_every_expectation_has_a_payload_that_fails_it"
    assert len(own) > 15 and any("test_bad_vintage" in line for line in own)
    assert len(every) > 3 * len(own) and any("test_batis.py" in line for line in every)
    assert sorted(chosen) == sorted([*own, general])
