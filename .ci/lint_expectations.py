"""Lint the SQL of the expectation suites with sqlfluff and the project's rules (`make check`).

Each query is extracted into a temporary file, sqlfluff runs once over all of them, and its findings are
printed with file and line of the suite. `--fix` applies sqlfluff's fixes to the suites. Without file names,
all suites of `expectations/` are linted.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
SUITES = ROOT / "expectations"
SQLFLUFF = Path(sys.executable).with_name("sqlfluff")
BATCH = "batch__"  # as long as {batch}, so that line lengths stay the same


@dataclass(frozen=True)
class Query:
    """A query of a suite: `line` is the number of its first line in the file, from 1."""

    suite: Path
    name: str
    line: int
    indent: int
    sql: str

    @property
    def file(self) -> str:
        """Return the name of the temporary file, unique in all suites."""
        return f"{self.suite.stem}.{re.sub('[^a-z0-9]+', '_', self.name.lower())}.{self.line}.sql"


def queries(suite: Path) -> Iterator[Query]:
    """Read the queries of a suite with their positions; each is a literal block (`query: |`)."""
    document = yaml.compose(suite.read_text(encoding="utf-8"), yaml.SafeLoader)
    lines = suite.read_text(encoding="utf-8").split("\n")
    entries = next(value for key, value in document.value if key.value == "expectations").value
    for entry in entries:
        fields = {key.value: value for key, value in entry.value}
        if "query" not in fields:
            continue
        if fields["query"].style != "|":
            raise SystemExit(f"{suite}: {fields['name'].value}: write the query as a block, `query: |`")
        first = fields["query"].start_mark.line + 1
        indent = len(lines[first]) - len(lines[first].lstrip())
        yield Query(suite, fields["name"].value, first + 1, indent, fields["query"].value)


def sqlfluff(command: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run sqlfluff over the extracted queries."""
    arguments = [str(SQLFLUFF), command, "--config", str(ROOT / ".sqlfluff"), "--templater", "raw"]
    return subprocess.run(
        [*arguments, "--processes", "0", "--disable-progress-bar", *options, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )


def fix(found: list[Query], folder: Path) -> None:
    """Apply sqlfluff's fixes and write the changed queries back, from the last one of each file up."""
    sqlfluff("fix", folder, "--quiet")
    for query in sorted(found, key=lambda query: query.line, reverse=True):
        fixed = (folder / query.file).read_text(encoding="utf-8").replace(BATCH, "{batch}")
        lines = query.suite.read_text(encoding="utf-8").split("\n")
        block = [(" " * query.indent + line).rstrip() for line in fixed.rstrip("\n").split("\n")]
        lines[query.line - 1 : query.line - 1 + query.sql.rstrip("\n").count("\n") + 1] = block
        query.suite.write_text("\n".join(lines), encoding="utf-8")


def lint(found: list[Query], folder: Path) -> int:
    """Print sqlfluff's findings with file and line of the suite; return their number."""
    by_file = {query.file: query for query in found}
    done = sqlfluff("lint", folder, "--format", "json")
    try:
        reports = json.loads(done.stdout)
    except ValueError as error:
        raise SystemExit(f"sqlfluff failed: {done.stderr or done.stdout}") from error
    if len(reports) != len(found):
        raise SystemExit(f"sqlfluff read {len(reports)} of {len(found)} queries: {done.stderr}")
    count = 0
    for report in reports:
        query = by_file[Path(report["filepath"]).name]
        for violation in report["violations"]:
            count += 1
            line = query.line + violation["start_line_no"] - 1
            column = query.indent + violation["start_line_pos"]
            print(
                f"{os.path.relpath(query.suite)}:{line}:{column}: {violation['code']} "
                f"{violation['description']} ({violation['name']}, in {query.name!r})"
            )
    return count


def main(arguments: list[str]) -> int:
    """Lint or fix the given suites, or all of them; return the exit code."""
    named = [Path(argument) for argument in arguments if argument != "--fix"]
    suites = named or sorted(SUITES.glob("*.yml"))
    for suite in suites:
        if not suite.exists():
            raise SystemExit(f"{suite}: there is no such suite. Write it, or correct the name")
    found = [query for suite in suites for query in queries(suite)]
    if not found:
        raise SystemExit(f"{SUITES}: no query found")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for query in found:
            (folder / query.file).write_text(query.sql.replace("{batch}", BATCH), encoding="utf-8")
        if "--fix" in arguments:
            fix(found, folder)
            return 0
        return 1 if lint(found, folder) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
