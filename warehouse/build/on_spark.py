"""Transform a build on Apache Spark, where `WAREHOUSE_ENGINE` is `spark`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from warehouse.build import spark
from warehouse.build.builds import LOADED, read_build
from warehouse.build.stage import code_digest, staged_path
from warehouse.config import DBT_PROJECT_DIR, Settings
from warehouse.landing import parse, store
from warehouse.releases.store import DATABASE
from warehouse.sources import SOURCES


def cluster_of(settings: Settings) -> spark.Cluster:
    """Return the cluster that the settings name."""
    return spark.Cluster(
        python=settings.spark_python,
        master=settings.spark_master,
        driver_host=settings.spark_driver_host,
        driver_memory=settings.spark_driver_memory,
        executor_memory=settings.spark_executor_memory,
    )


def transform_build(settings: Settings, build: Path, staged: Sequence[str], parsed: Path) -> None:
    """Build the models of a loaded build on Spark from its staged files; write its DuckDB file.

    `staged` are the staging models, `parsed` the file that keeps what dbt parsed. Raises Rejected, naming the
    failed nodes, when a model or test fails.
    """
    used = {(one.source, one.vintage) for one in read_build(build).vintages}
    rows = [
        (one, parse.rows_of(source, one, settings.reparsed))
        for source in SOURCES.values()
        for one in store.vintages(settings.landing, source.name)
        if (one.source, one.id) in used
    ]
    codes = {name: code_digest(name) for name in SOURCES}
    files = {(one.source, one.id): staged_path(settings.staged, one, codes[one.source]) for one, _ in rows}
    artifacts = build / "dbt"
    statements = spark.relations(build / LOADED, SOURCES, rows, files, artifacts / "raw")
    spark.transform(
        cluster_of(settings), statements, staged, build / DATABASE, DBT_PROJECT_DIR, artifacts, parsed
    )
