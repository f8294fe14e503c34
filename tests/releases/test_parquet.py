"""The Parquet files of a release: what they say of themselves, the order of their rows, equal bytes."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars
import pyarrow.parquet as pq
import pytest
from conftest import Warehouse

from warehouse.releases.keys import DBT_MANIFEST, table_keys
from warehouse.releases.parquet import Unchanged, export_parquet


def database_of(path: Path, rows: str) -> Path:
    with duckdb.connect(str(path)) as db:
        db.execute("create schema bi")
        db.execute(
            "create table bi.figures (period date, code varchar, amount decimal(38, 18), label varchar)"
        )
        db.execute(f"insert into bi.figures values {rows}")
        db.execute("comment on table bi.figures is 'It''s a table. One row per code and period.'")
        db.execute("comment on column bi.figures.amount is 'Millions of dollars, “exact”; null: 未公布。'")
    return path


ONE = "(date '2021-01-01', 'CHN', 1.5, 'a')"
TWO = "(date '2020-01-01', 'CHN', 2.5, null)"
THREE = "(date '2022-01-01', 'AUS', null, 'c')"


def test_rows_are_sorted_by_the_key_and_nulls_are_last(tmp_path: Path) -> None:
    database = database_of(tmp_path / "a.duckdb", f"{ONE}, {TWO}, {THREE}")
    entries = export_parquet(database, tmp_path, {"figures": ("code", "period")})
    assert entries["figures"].rows == 3
    found = pq.read_table(tmp_path / "figures.parquet")
    assert found["code"].to_pylist() == ["AUS", "CHN", "CHN"]
    assert [day.year for day in found["period"].to_pylist()] == [2022, 2020, 2021]
    assert pq.read_metadata(tmp_path / "figures.parquet").metadata[b"sorted_by"] == b"code, period"


def test_rows_are_sorted_by_all_columns_where_the_table_lacks_a_column_of_the_key(tmp_path: Path) -> None:
    export_parquet(
        database_of(tmp_path / "a.duckdb", f"{ONE}, {TWO}"), tmp_path, {"figures": ("code", "gone")}
    )
    stated = pq.read_metadata(tmp_path / "figures.parquet").metadata
    assert stated[b"sorted_by"] == b"period, code, amount, label"


def test_a_file_describes_its_table_and_columns(tmp_path: Path) -> None:
    export_parquet(database_of(tmp_path / "a.duckdb", ONE), tmp_path, {})
    path = tmp_path / "figures.parquet"
    amount = "Millions of dollars, “exact”; null: 未公布。"
    stated = pq.read_metadata(path).metadata
    assert stated[b"description"].decode() == "It's a table. One row per code and period."
    assert json.loads(stated[b"columns"]) == {"period": "", "code": "", "amount": amount, "label": ""}
    assert stated[b"sorted_by"] == b"period, code, amount, label"
    schema = pq.read_schema(path)
    assert schema.field("amount").metadata == {b"comment": amount.encode()}
    assert str(schema.field("amount").type) == "decimal128(38, 18)"
    assert polars.read_parquet(path)["amount"].dtype == polars.Decimal(38, 18)


def test_equal_rows_in_another_order_give_equal_bytes(tmp_path: Path) -> None:
    for name, rows in (("a", f"{ONE}, {TWO}, {THREE}"), ("b", f"{THREE}, {ONE}, {TWO}")):
        (tmp_path / name).mkdir()
        export_parquet(
            database_of(tmp_path / f"{name}.duckdb", rows), tmp_path / name, {"figures": ("code", "period")}
        )
    first, second = ((tmp_path / name / "figures.parquet").read_bytes() for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize("state", ["whole", "damaged", "missing"])
def test_file_of_an_unchanged_table_is_linked_if_it_is_whole(state: str, tmp_path: Path) -> None:
    database, before, after = database_of(tmp_path / "a.duckdb", ONE), tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    entries = export_parquet(database, before, {})
    whole = (before / "figures.parquet").read_bytes()
    if state == "damaged":
        (before / "figures.parquet").write_bytes(whole[:-1] + b"!")
    if state == "missing":
        (before / "figures.parquet").unlink()
    assert export_parquet(database, after, {}, Unchanged(before, entries)) == entries
    assert (after / "figures.parquet").stat().st_nlink == (2 if state == "whole" else 1)
    assert (after / "figures.parquet").read_bytes() == whole


@pytest.mark.slow
def test_every_file_of_a_release_has_the_comments_and_the_order_of_its_key(warehouse: Warehouse) -> None:
    keys = table_keys(warehouse.release / DBT_MANIFEST)
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        tables = db.execute(
            "select table_name, comment, estimated_size from duckdb_tables() where not internal order by all"
        ).fetchall()
        assert {name for name, _, _ in tables} == {
            path.stem for path in (warehouse.release / "parquet").iterdir()
        }
        for name, comment, _ in tables:
            path = warehouse.release / "parquet" / f"{name}.parquet"
            columns = dict(
                db.execute(
                    "select column_name, comment from duckdb_columns() where table_name = ? "
                    "order by column_index",
                    [name],
                ).fetchall()
            )
            assert comment and all(columns.values()), name
            stated = dict(
                db.execute(
                    "select decode(key), decode(value) from parquet_kv_metadata(?)", [str(path)]
                ).fetchall()
            )
            assert stated["description"] == comment, name
            assert list(json.loads(stated["columns"]).items()) == list(columns.items()), name
            schema = pq.read_schema(path)
            assert {field.name: field.metadata[b"comment"].decode() for field in schema} == columns, name
            key = ", ".join(keys[name])
            assert stated["sorted_by"].startswith(key), name
            assert db.execute(
                f"select count(*) from (select row_number() over (order by {key}) - 1 as wanted, "
                f"file_row_number as found from read_parquet('{path}', file_row_number = true)) "
                "where wanted <> found"
            ).fetchone() == (0,), name
