"""What is done for Spark without Spark: SQL of relations, results of failed tests, tables into DuckDB's file.

tests/spark runs it on a cluster.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.build import spark, spark_job
from warehouse.config import load_settings
from warehouse.errors import WarehouseError
from warehouse.sources import SOURCES


class Row(dict[str, Any]):
    def asDict(self) -> dict[str, Any]:
        return dict(self)


class Session:
    """A session that answers every query with one row, and keeps the queries."""

    def __init__(self) -> None:
        self.queries: list[str] = []

    def sql(self, query: str) -> Session:
        self.queries.append(query)
        return self

    def collect(self) -> list[Row]:
        return [Row(source="batis", period=None, value=3)]


def test_message_of_a_failed_test_gets_its_rows(tmp_path: Path) -> None:
    results = tmp_path / "run_results.json"
    failed = {"status": "fail", "message": "Got 1 result", "compiled_code": "select 1"}
    passed = {"status": "pass", "message": None, "compiled_code": "select 2"}
    results.write_text(json.dumps({"results": [failed, passed]}))
    session = Session()
    spark_job.record_rows(session, results)
    assert session.queries == ["select * from (\nselect 1\n) limit 3"]
    messages = [one["message"] for one in json.loads(results.read_text())["results"]]
    assert messages == ["Got 1 result (source batis, value 3)", None]


def test_source_without_a_vintage_is_an_empty_view() -> None:
    sql = spark.source_view(SOURCES["unctad_goods"], [])
    assert sql.startswith(
        "create or replace view raw.`unctad_goods` as select cast(null as string) as `year`"
    )
    assert sql.endswith("cast(null as string) as `vintage` where 1 = 0")


def test_tables_of_spark_become_those_of_a_release(tmp_path: Path) -> None:
    """Files in order, and a time with a zone as the same time in UTC without one."""
    for schema in ("core", "marts", "bi"):
        table = tmp_path / f"{schema}.db" / "t"
        table.mkdir(parents=True)
        for part, number in (("part-00001", 2), ("part-00000", 1)):
            duckdb.sql(
                f"copy (select {number} as n, make_timestamptz(1710979200000000) as at) "
                f"to '{table / part}.parquet'"
            )
    spark.write_database(tmp_path, tmp_path / "w.duckdb")
    with duckdb.connect(str(tmp_path / "w.duckdb")) as db:
        assert db.execute("select * from marts.t").fetchall() == [
            (1, datetime(2024, 3, 21)),
            (2, datetime(2024, 3, 21)),
        ]


def test_only_two_engines_are_known() -> None:
    assert load_settings().engine == "duckdb"
    with pytest.raises(WarehouseError, match="WAREHOUSE_ENGINE='flink'"):
        load_settings(engine="flink")
