"""The snippets of README.md that read a release run as they are written. README.zh.md has the same."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from conftest import Warehouse
from rich.console import Console

from warehouse.config import PROJECT_ROOT

CLIENTS = {"adbc_driver_duckdb", "duckdb", "pandas", "polars", "pyarrow", "sqlalchemy"}


def blocks(page: str, language: str = "python") -> list[str]:
    text = (PROJECT_ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def clients(code: str) -> set[str]:
    """Return the packages that a snippet imports."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


SNIPPETS = blocks("README.md")


def test_snippets_are_those_of_the_clients_that_readers_have() -> None:
    assert set().union(*map(clients, SNIPPETS)) >= CLIENTS


def test_both_pages_have_the_same_snippets() -> None:
    assert blocks("README.zh.md") == SNIPPETS
    assert blocks("README.zh.md", "r") == blocks("README.md", "r") != []


def test_both_pages_have_the_tables_that_make_run_prints(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SAFE's workbook has services of 855.3336 and -1422.2846 hundred million dollars for 2023Q4."""
    monkeypatch.syspath_prepend(str(PROJECT_ROOT / "dags"))
    import nightly

    console = Console(width=nightly.WIDTH, file=StringIO())
    console.print(nightly.china_years(warehouse.database))
    console.print(nightly.china_periods(warehouse.database))
    printed = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()).strip()
    assert "2023-Q4 USD   85 533  142 228  -56 695" in printed
    for page in ("README.md", "README.zh.md"):
        assert printed in (PROJECT_ROOT / page).read_text(encoding="utf-8"), page


@pytest.mark.parametrize("code", SNIPPETS, ids=lambda code: "-".join(sorted(clients(code))))
def test_snippet_reads_the_release(code: str, warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "var").symlink_to(warehouse.home)
    # In a process of its own: a file is open with one configuration in a process, and the snippets differ.
    count = "\nprint(len(annual.fetchall() if hasattr(annual, 'fetchall') else annual))\n"
    done = subprocess.run(
        [sys.executable, "-c", code + count], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 10, code
