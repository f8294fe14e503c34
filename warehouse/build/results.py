"""What dbt wrote about its last run: the nodes of `run_results.json` in the log."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path

LOG = logging.getLogger(__name__)
SLOWEST = 10  # nodes with their seconds
UNCHANGED = "UNCHANGED"  # the message of a node that was not run again: macros/reuse.sql
ONLY = "ONLY "  # begins the message of a model of which the rows of some sources were made again
FAILED = ("error", "fail", "runtime error")  # the statuses of a node that failed


def log_nodes(results: Path) -> None:
    """Log the nodes of a dbt run: counts by status, the failed ones, and the slowest with their seconds."""
    if not results.exists():
        LOG.info("dbt wrote no %s: it ended before it ran a node", results.name)
        return
    record = json.loads(results.read_text(encoding="utf-8"))
    nodes = record["results"]
    counts = Counter(node["status"] for node in nodes)
    shown = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    unchanged = sum(node.get("message") == UNCHANGED for node in nodes)
    partly = sum(str(node.get("message")).startswith(ONLY) for node in nodes)
    LOG.info(
        "dbt ran %d nodes in %.1f s: %s; %d models have not changed since the last build, "
        "and %d only for some sources",
        len(nodes),
        record["elapsed_time"],
        shown or "none",
        unchanged,
        partly,
    )
    for node in nodes:
        if node["status"] in FAILED:
            LOG.info("dbt node %s failed after %.1f s", node["unique_id"], node["execution_time"])
    slowest = sorted(nodes, key=lambda node: -node["execution_time"])[:SLOWEST]
    listed = ", ".join(f"{node['unique_id']} {node['execution_time']:.1f} s" for node in slowest)
    LOG.info("slowest dbt nodes: %s", listed or "none")
