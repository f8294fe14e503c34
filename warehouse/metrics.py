"""Metrics of a warehouse in Prometheus' text format, for node_exporter's textfile collector.

`update` writes `metrics.prom` in the home. Ages are those at the moment of writing; the timestamps beside
them let a dashboard compute the age at any time.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import duckdb
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from warehouse.alerts import KINDS, find_alerts
from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.files import write_atomic
from warehouse.landing import store
from warehouse.landing.freshness import Status, freshness_of
from warehouse.model import Outcome
from warehouse.releases.manifest import read_manifest
from warehouse.releases.publish import read_release_timings
from warehouse.releases.store import current
from warehouse.sources import SOURCES

LOG = logging.getLogger(__name__)
FILE = "metrics.prom"
PREFIX = "services_trade_warehouse"
OUTCOMES = get_args(Outcome)
STATUSES = get_args(Status)


def format_metrics(settings: Settings, now: datetime | None = None) -> str:
    """Return the metrics of now as text."""
    at, registry = now or datetime.now(UTC), CollectorRegistry()
    gauge(registry, "written_timestamp_seconds", "When these metrics were written").set(at.timestamp())
    add_sources(registry, settings, at)
    add_release(registry, settings, at)
    existing = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = gauge(registry, "disk_free_bytes", "Free bytes of the file system of the home")
    free.set(shutil.disk_usage(existing).free)
    alerts = gauge(registry, "alerts", "Alerts now, by kind", "kind")
    counts = Counter(alert.kind for alert in find_alerts(settings, at.date()))
    for kind in KINDS:
        alerts.labels(kind).set(counts[kind])
    return generate_latest(registry).decode()


def gauge(registry: CollectorRegistry, name: str, description: str, *labels: str) -> Gauge:
    """Return a new gauge of the warehouse."""
    return Gauge(f"{PREFIX}_{name}", f"{description}.", labels, registry=registry)


def add_sources(registry: CollectorRegistry, settings: Settings, at: datetime) -> None:
    """Add the newest vintage, the last poll and the freshness of each source."""
    age = gauge(registry, "source_vintage_age_seconds", "Age of the newest vintage when written", "source")
    taken = gauge(registry, "source_vintage_timestamp_seconds", "Retrieval of the newest vintage", "source")
    rows = gauge(registry, "source_rows", "Rows of the newest vintage", "source")
    polled = gauge(registry, "source_last_poll_timestamp_seconds", "Time of the last poll", "source")
    outcome = gauge(
        registry, "source_last_poll_outcome", "1 for the outcome of the last poll", "source", "outcome"
    )
    fresh = gauge(registry, "source_freshness", "1 for the freshness of the source", "source", "status")
    for name in SOURCES:
        vintages = store.list_vintages(settings.landing, name).records
        if vintages:
            retrieved = vintages[-1].retrieved_at
            age.labels(name).set((at - retrieved).total_seconds())
            taken.labels(name).set(retrieved.timestamp())
            rows.labels(name).set(vintages[-1].row_count)
        freshness = freshness_of(settings, name, at.date())
        for status in STATUSES:
            fresh.labels(name, status).set(freshness.status == status)
        if last := freshness.last_check:
            polled.labels(name).set(last.polled_at.timestamp())
            for one in OUTCOMES:
                outcome.labels(name, one).set(last.outcome == one)


def add_release(registry: CollectorRegistry, settings: Settings, at: datetime) -> None:
    """Add age, tables and step durations of the current release; nothing if it does not exist."""
    age = gauge(registry, "release_age_seconds", "Age of the current release when written")
    published = gauge(registry, "release_timestamp_seconds", "Publication of the current release")
    rows = gauge(registry, "table_rows", "Rows of each published table", "schema", "table")
    steps = gauge(registry, "build_step_duration_seconds", "Duration of each step of the build", "step")
    try:
        release = current(settings.published)
        manifest = read_manifest(release) if release else None
        timings = read_release_timings(release) if release else ()
    except (WarehouseError, OSError) as error:
        LOG.warning("metrics: the current release cannot be read: %s", error)
        release = manifest = None
    if release is None or manifest is None:
        for one in (age, published):
            registry.unregister(one)
        return
    age.set((at - manifest.published_at).total_seconds())
    published.set(manifest.published_at.timestamp())
    for name, table in manifest.tables.items():
        rows.labels(table.schema_name, name).set(table.rows)
    for timing in timings:
        steps.labels(timing.step).set(timing.seconds)


def write(settings: Settings) -> Path:
    """Write `metrics.prom` in the home, atomically; return its path."""
    path = settings.home / FILE
    write_atomic(path, format_metrics(settings))
    return path


def update(settings: Settings) -> None:
    """Write `metrics.prom` after a step; a failure to do so is logged and fails no step."""
    try:
        write(settings)
    except (WarehouseError, OSError, duckdb.Error) as error:
        LOG.warning("%s cannot be written: %s", settings.home / FILE, error)
