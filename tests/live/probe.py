"""Probe the publishers: whether each still answers at its address, in the form that its reader expects.

`make live` prints one line for each source: what it sends that is not declared, or why it cannot be read. It
ends with 1 if a source cannot be read. All rows are read, nothing lands, and WAREHOUSE_MIRROR is ignored.
Proxy variables and REQUESTS_CA_BUNDLE are honoured, and each source's pace is observed.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from warehouse.build.steps import source_named
from warehouse.config import load_settings
from warehouse.errors import NotConfigured, WarehouseError
from warehouse.fetch import fetch, read_pull
from warehouse.landing.parse import parse
from warehouse.sources import SOURCES

TEXT_LIMIT = 600  # characters of a line


class Probe(NamedTuple):
    """What a probe of a source found: `word` is as declared, differs, fails or not configured."""

    source: str
    word: str
    detail: str

    def __str__(self) -> str:
        """Format the probe as one line."""
        detail = " ".join(self.detail.split())
        return f"{self.source:<27} {self.word:<14} {detail:.{TEXT_LIMIT}}"


def probe(name: str, work: Path, mirror: str | None = None, key: str | None = None) -> Probe:
    """Fetch and read a source in a new directory; `mirror` answers in place of the publisher, for tests."""
    source = source_named(name)
    try:
        fetch(source, work / "files", mirror=mirror, key=key)
        pulled = read_pull(work / "files")
        parsed = parse(source, pulled.files, work, work / "rows.parquet")
    except NotConfigured as error:
        return Probe(name, "not configured", str(error).removeprefix(f"{name}: "))
    except (WarehouseError, OSError) as error:
        return Probe(name, "fails", str(error).removeprefix(f"{name}: "))
    found = [f"part {one.part} failed: {one.reason}" for one in pulled.failed_parts]
    found += [f"{file}, {part} was not read: {reason}" for file, part, reason in parsed.unread]
    found += [f"{one.file}: {one.detail}" for one in parsed.drift]
    size = sum(file.size_bytes for file in pulled.files)
    count = f"{parsed.row_count} rows, {len(pulled.files)} answers, {size} bytes"
    return Probe(name, "differs" if found else "as declared", "; ".join([count, *found]))


def main(names: list[str]) -> int:
    """Probe the named sources, all if there is none, and print a line for each; return the exit code."""
    settings, has_failed = load_settings(), False
    try:
        wanted = [source_named(name) for name in names or SOURCES]
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return 2
    for source in wanted:
        with tempfile.TemporaryDirectory() as work:
            found = probe(source.name, Path(work), key=settings.key(source.key_variable))
        print(found, flush=True)
        has_failed = has_failed or found.word == "fails"
    return 1 if has_failed else 0


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # retries
    sys.exit(main(sys.argv[1:]))
