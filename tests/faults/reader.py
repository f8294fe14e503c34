"""A BI client in a separate process: it queries the current release repeatedly.

    python reader.py PUBLISHED STOP INTO KIND

KIND `fresh` opens a connection for each query; `long` uses each connection for two hundred queries, as a pool
does. It ends when the file STOP exists, and writes a JSON line for each connection: the time it was opened,
and each distinct result. The first error ends it with a traceback: no query is retried.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

QUERY = """
    select list_sort(list(distinct number)) as numbers, count(*) as n
    from (select number from marts.mart_one union all select number from marts.mart_two)
"""
QUERIES = {"fresh": 1, "long": 200}


def run_queries(published: Path, stop: Path, into: Path, queries: int) -> None:
    with into.open("w", encoding="utf-8") as output:
        while not stop.exists():
            opened_at = time.time()
            with duckdb.connect(str(published / "latest" / "warehouse.duckdb"), read_only=True) as db:
                seen = set()
                count = 0
                while count < queries:
                    count += 1
                    numbers, n = db.execute(QUERY).fetchall()[0]
                    seen.add((tuple(numbers), n))
                    if stop.exists():
                        break
            output.write(json.dumps({"opened_at": opened_at, "seen": sorted(seen), "asked": count}) + "\n")


if __name__ == "__main__":
    run_queries(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), QUERIES[sys.argv[4]])
