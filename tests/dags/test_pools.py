"""Pools: every pool of a task exists; tasks that share a lock or a host share a pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from warehouse.sources import SOURCES


def existing() -> dict[str, int]:
    from airflow.models.pool import Pool

    return {str(pool.pool): pool.slots for pool in Pool.get_pools()}


def test_every_pool_that_a_task_uses_exists(parsed: Any) -> None:
    used = {task.pool for dag in parsed.dags.values() for task in dag.tasks}
    assert len(used) > 5
    assert used <= set(existing())


def test_creating_pools_twice_changes_nothing(parsed: Any) -> None:
    import pools

    before = existing()
    assert set(pools.create_pools()) == set(before) - {pools.DEFAULT}
    assert existing() == before
    assert all(slots == 1 for name, slots in before.items() if name != pools.DEFAULT)


def test_sources_of_the_same_host_share_a_pool(parsed: Any) -> None:
    pool = {name: parsed.dags[f"ingest_{name}"].task_dict["ingest"].pool for name in SOURCES}
    assert pool["wto_services"] == pool["wto_merchandise"] == "host_stats.wto.org"
    assert pool["wto_digital"] == "host_www.wto.org"
    assert pool["unctad_goods"] == pool["unctad_services"]
    assert pool["curated"] == "default_pool"  # it is read from this host


@pytest.mark.parametrize(
    ("dag", "tasks"),
    [
        ("publish", ("load", "transform", "validate", "publish")),
        ("backfill", ("build", "approve", "discard")),
        ("maintenance", ("retention",)),
        ("checks", ("refresh",)),
    ],
)
def test_tasks_that_take_the_build_lock_are_in_its_pool(
    parsed: Any, dag: str, tasks: tuple[str, ...]
) -> None:
    found = [task.task_id for task in parsed.dags[dag].tasks if task.pool == "builds"]
    assert sorted(found) == sorted(tasks)


def test_names_of_pools_are_valid_in_metrics(airflow_home: Path) -> None:
    import pools
    from airflow.models.pool import normalize_pool_name_for_stats

    for name in pools.pools():
        assert normalize_pool_name_for_stats(name) == name
