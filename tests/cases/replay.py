"""Replay all cases and print a table of them; `make cases` runs this. Ends with 1 if a case is not as wanted.

A name, or how names begin, selects cases: `make cases CASES="17 24b"`.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from pathlib import Path

import conftest
from cases.case import Replayed, faults_of, replay_all
from cases.table import CASES
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from warehouse.config import SAMPLE_DIR

WIDTH = 120  # of the table, where the output is no terminal
REASON_LENGTH = 200
COLOURS = {"rejected": "yellow", "failed": "yellow", "aside": "red", "part": "cyan", "held": "cyan"}


def main(wanted: list[str]) -> int:
    """Replay the cases whose names begin with a wanted text, all if there is none; return the exit code."""
    logging.disable(logging.ERROR)
    began = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    selected = tuple(case for case in CASES if not wanted or case.name.startswith(tuple(wanted)))
    if not selected:
        console.print(f"No case begins with {' or '.join(wanted)}.")
        return 1
    with tempfile.TemporaryDirectory() as folder, console.status("Landing the recorded nights …") as status:
        recorded = Path(folder) / "recorded"
        for night in sorted(SAMPLE_DIR.glob("night-*")):
            conftest.replay(recorded, night)
        status.update(f"Replaying {len(selected)} cases …")
        replayed = replay_all(selected, recorded, Path(folder) / "cases", CASES)
        faults = {name: found for name, one in replayed.items() if (found := faults_of(one))}
    console.print(table_of(replayed, faults))
    for name, found in faults.items():
        for fault in found:
            console.print(f"[red]{name}[/]: {fault}", highlight=False, soft_wrap=True)
    seconds = time.monotonic() - began
    console.print(
        f"{len(replayed) - len(faults)} of {len(replayed)} cases are as wanted ({seconds:.0f} s). "
        "make test-faults also publishes them.",
        highlight=False,
    )
    return 1 if faults else 0


def table_of(replayed: dict[str, Replayed], faults: dict[str, list[str]]) -> Table:
    """Return the table of cases, by source."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, expand=True)
    table.add_column("case", no_wrap=True)
    table.add_column("source", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("reason", overflow="fold", ratio=1)
    previous = ""
    for name, one in replayed.items():
        source = one.case.source
        if previous not in ("", source):
            table.add_section()
        colour = "bold red" if name in faults else COLOURS.get(one.outcome, "green")
        reason = one.reason.removeprefix(f"{source}: ").replace(f"raw.{source}: ", "")
        if len(reason) > REASON_LENGTH:
            reason = f"{reason[:REASON_LENGTH]} …"
        shown = "" if source == previous else source
        table.add_row(name, shown, f"[{colour}]{one.outcome}[/]", escape(reason))
        previous = source
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
