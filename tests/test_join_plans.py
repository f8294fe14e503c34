"""Joins of the models: none compares every row of a large relation with every row of another.

DuckDB does so where a left join has an `or`, or a condition on one side alone. The sample is too small to
show it in seconds, so the plan of each model is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
from conftest import Warehouse

from warehouse.build.reuse import WORKING
from warehouse.database import literal

NESTED = ("BLOCKWISE_NL_JOIN", "NESTED_LOOP_JOIN")
# Models with such a join that cannot grow: one side is a seed, or as short as one.
WITH_A_SHORT_SIDE = {
    "int_claim_cells": "claims",
    "int_claim_members": "claims and groups of economies",
    "int_claim_parts": "claims and groups of economies",
    "int_group_membership": "days of two seeds",
    "mart_revision_alert": "thresholds",
    "mart_trade_partner_group": "17 flags",
    "revision": "indicators of the World Bank",
    "revision_summary": "indicators of the World Bank",
}


def operators(plan: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the operators of a plan."""
    yield plan["name"].strip()
    for child in plan["children"]:
        yield from operators(child)


def test_no_model_compares_every_row_of_two_large_relations(warehouse: Warehouse) -> None:
    results = json.loads((warehouse.release / "build_records" / "run_results.json").read_text())["results"]
    (working,) = (warehouse.home / "kept").glob(f"*/{WORKING}")
    found, planned = set(), 0
    with duckdb.connect(str(working), read_only=True) as db:
        db.execute(f"attach {literal(warehouse.database)} as warehouse (read_only)")
        for result in results:
            name = result["unique_id"].split(".")[-1]
            if result["unique_id"].startswith("model.") and not result["compiled_code"].startswith('"""'):
                explained = db.execute(f"explain (format json) {result['compiled_code']}").fetchone()
                assert explained
                planned += 1
                if set(NESTED) & {one for plan in json.loads(explained[1]) for one in operators(plan)}:
                    found.add(name)
    assert planned > 90
    assert found <= set(WITH_A_SHORT_SIDE), f"write the join without `or`: {found - set(WITH_A_SHORT_SIDE)}"
