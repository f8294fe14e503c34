"""Airflow pools: one for builds, and one for each host that sources are fetched from.

A task of a pool waits for a free slot without spending a retry. A task whose pool does not exist never runs:
`create_pools` is called by `docker/init.py`, `make run` and `make ui` after each migration of the metadata.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from warehouse.model import Source, first_request
from warehouse.sources import SOURCES

DEFAULT = "default_pool"
BUILDS = "builds"


def host_pool(source: Source) -> str:
    """Return the pool of a source's host, such as `host_stats.wto.org`; the default pool if it has none."""
    host = urlsplit(first_request(source.plan()).url).hostname
    return f"host_{host}" if host else DEFAULT


def pools() -> dict[str, str]:
    """Return the pools of this folder's tasks, each with its description. Each has one slot."""
    hosts: dict[str, list[str]] = {}
    for name, source in SOURCES.items():
        if (pool := host_pool(source)) != DEFAULT:
            hosts.setdefault(pool, []).append(name)
    described = {pool: f"Fetches from one host: {', '.join(names)}" for pool, names in hosts.items()}
    return {BUILDS: "Steps that hold the lock of builds", **described}


def create_pools() -> list[str]:
    """Create or update every pool in Airflow's metadata; return their names."""
    from airflow.models.pool import Pool

    for name, description in pools().items():
        Pool.create_or_update_pool(name, slots=1, description=description, include_deferred=False)
    return list(pools())
