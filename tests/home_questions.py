"""What an operator asks of a home: to compare a copy of it, a restored or a pulled one, with the original."""

from __future__ import annotations

from pathlib import Path

from command_line import invoke
from small_homes import SOURCE

QUESTIONS = (
    ("status", "--json"),
    ("alerts", "--json"),
    ("releases", "--json"),
    ("query", "select * from core.fct_services_trade order by all", "--json"),
    ("trace", "marts.mart_share", "reporter=CHN", "--json"),
    ("vintages", "list", SOURCE, "--json"),
    ("rejected", "list", "--json"),
    ("backfill", "list", "--json"),
)


def answers(home: Path, *further: tuple[str, ...]) -> list[str]:
    """Return what the commands print on a home, without its path and the free disk space."""
    found = []
    for words in (*QUESTIONS, *further):
        ended = invoke(home, *words)
        text = ended.stdout + ended.stderr
        assert text.strip(), words
        lines = [line for line in text.splitlines() if '"free_disk_gib"' not in line]
        found.append("\n".join(lines).replace(str(home), "HOME"))
    return found
