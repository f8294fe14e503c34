"""The dbt project gives the same tables on a cluster of Apache Spark as on DuckDB."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparison import compare
from spark_cluster import PYTHON, cluster

from warehouse.build import load as loading
from warehouse.build import spark
from warehouse.build.contents import known_checks
from warehouse.config import DBT_PROJECT_DIR, load_settings
from warehouse.landing import parse, store
from warehouse.landing.freshness import assess
from warehouse.releases.diff import DBT_MANIFEST, table_keys
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE
from warehouse.sources import SOURCES

pytestmark = pytest.mark.spark


def statements_of(home: Path, release: Path, directory: Path) -> list[str]:
    """Return the SQL of the relations from which dbt builds the release, staging included."""
    settings, manifest = load_settings(home=home), read_manifest(release)
    used = {(one.source, one.vintage) for one in manifest.vintages}
    vintages = {
        n: tuple(v for v in store.vintages(settings.landing, n) if (n, v.id) in used) for n in SOURCES
    }
    rows = [(v, parse.rows_of(SOURCES[v.source], v, settings.reparsed)) for n in SOURCES for v in vintages[n]]
    assert len(rows) == len(used)
    checks = {name: known_checks(settings, name, None) for name in SOURCES}
    freshness = [assess(name, vintages[name], checks[name], manifest.as_of) for name in SOURCES]
    loading.load(directory / "loaded.duckdb", SOURCES, rows, checks, freshness)
    return spark.relations(directory / "loaded.duckdb", SOURCES, rows, None, directory / "raw")


def test_every_table_is_that_of_duckdb(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = (home / "published" / "latest").resolve()
    statements = statements_of(home, release, tmp_path)
    with cluster(tmp_path) as master:
        on_spark = spark.Cluster(PYTHON, master)
        tables = spark.run(on_spark, statements, [["seed"], ["run"]], tmp_path / "spark", DBT_PROJECT_DIR)
    spark.write_database(tables, tmp_path / DATABASE)
    compared = compare(release / DATABASE, tmp_path / DATABASE, table_keys(release / DBT_MANIFEST))
    with capsys.disabled():
        print(
            f"\n{'table':<40} {'rows':>8} {'unmatched':>9} {'differences':>11}   largest relative difference"
        )
        print("\n".join(map(str, compared)))
    assert len(compared) >= 52
    assert [str(one) for one in compared if not one.is_equal] == []
