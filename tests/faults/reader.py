"""One BI client, as a process of its own: it asks the release that stands over and over.

    python reader.py PUBLISHED STOP INTO KIND

KIND `fresh` opens a connection for each question; `long` keeps each for two hundred, as a pooled one is kept.
It ends when the file STOP is there, and writes a JSON line for each connection: when it was opened, and every
set of figures that it was given. It ends with the traceback of the first error: nothing is asked twice.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

QUESTION = """
    select list_sort(list(distinct number)) as numbers, count(*) as n
    from (select number from marts.mart_one union all select number from marts.mart_two)
"""
QUESTIONS = {"fresh": 1, "long": 200}


def ask(published: Path, stop: Path, into: Path, questions: int) -> None:
    with into.open("w", encoding="utf-8") as told:
        while not stop.exists():
            opened_at = time.time()
            with duckdb.connect(str(published / "latest" / "warehouse.duckdb"), read_only=True) as db:
                seen = set()
                asked = 0
                while asked < questions:
                    asked += 1
                    numbers, n = db.execute(QUESTION).fetchall()[0]
                    seen.add((tuple(numbers), n))
                    if stop.exists():
                        break
            told.write(json.dumps({"opened_at": opened_at, "seen": sorted(seen), "asked": asked}) + "\n")


if __name__ == "__main__":
    ask(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), QUESTIONS[sys.argv[4]])
