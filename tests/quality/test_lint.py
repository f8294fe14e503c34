"""The linter of the suites' SQL: it finds a planted fault, with file and line of the suite, and fixes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from warehouse.config import PROJECT_ROOT

SUITE = """expectations:
  - name: there are rows
    why: To test the linter.
    type: expect_table_row_count_to_be_between
    kwargs: {min_value: 1}

  - name: years are known
    why: To test the linter.
    query: |
      select year as finding
      from {batch}
      WHERE year is null
"""


def lint(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROJECT_ROOT / ".ci" / "lint_expectations.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_planted_fault_is_found_with_its_line_and_fixed(tmp_path: Path) -> None:
    file = tmp_path / "raw.toy.yml"
    file.write_text(SUITE, encoding="utf-8")
    found = lint(str(file))
    assert found.returncode == 1, found.stderr
    assert "raw.toy.yml:12:7: CP01 Keywords must be lower case. (capitalisation.keywords" in found.stdout
    assert "in 'years are known'" in found.stdout
    assert lint("--fix", str(file)).returncode == 0
    assert file.read_text(encoding="utf-8") == SUITE.replace("WHERE", "where")
    assert lint(str(file)).returncode == 0


def test_query_that_is_not_a_block_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "raw.toy.yml"
    file.write_text(SUITE.replace("query: |", "query: >"), encoding="utf-8")
    found = lint(str(file))
    assert found.returncode == 1
    assert "write the query as a block" in found.stderr
