"""The SQL of published tables: types, keys, changes of a table that exists, comments, quoting."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from warehouse.errors import WarehouseError
from warehouse.publication import ddl
from warehouse.publication.ddl import ExistingColumn, ExistingTable
from warehouse.publication.tables import Column, Table, csv_of, digest, read_tables

TABLE = Table(
    schema="marts",
    name="mart",
    comment="It's a mart",
    columns=(
        Column("reporter", "VARCHAR", "The economy"),
        Column("value", "DECIMAL(38,18)", None),
        Column("share", "DOUBLE", "In percent"),
    ),
    key=("reporter",),
    is_key_filled=True,
)
SAME = ExistingTable(
    comment="It's a mart",
    columns={
        "reporter": ExistingColumn("text", True, "The economy"),
        "value": ExistingColumn("numeric(38,18)", False, None),
        "share": ExistingColumn("double precision", False, "In percent"),
    },
    keys={"mart_key": ("p", ("reporter",))},
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("DECIMAL(38,18)", "numeric(38,18)"),
        ("DOUBLE", "double precision"),
        ("BOOLEAN", "boolean"),
        ("DATE", "date"),
        ("TIMESTAMP", "timestamp without time zone"),
        ("VARCHAR", "text"),
        ("INTEGER", "integer"),
        ("BIGINT", "bigint"),
    ],
)
def test_type_of_each_column_in_use(kind: str, expected: str) -> None:
    assert ddl.postgres_type(TABLE, Column("one", kind, None)) == expected


def test_type_that_is_not_in_use_is_rejected_by_table_column_and_type() -> None:
    with pytest.raises(WarehouseError, match=r"marts\.mart: column one has the type MAP\(VARCHAR, INTEGER\)"):
        ddl.postgres_type(TABLE, Column("one", "MAP(VARCHAR, INTEGER)", None))


def test_name_that_postgresql_would_cut_is_rejected() -> None:
    long = replace(TABLE, columns=(Column("贸" * 22, "VARCHAR", None),))
    ddl.require_names(TABLE)
    with pytest.raises(WarehouseError, match="longer than 63 bytes"):
        ddl.require_names(long)


def test_new_table_has_quoted_names_and_types() -> None:
    quoted = replace(TABLE, columns=(Column('a"b', "DATE", None),))
    assert ddl.create_table(quoted) == 'create table "marts"."mart" ("a""b" date)'


def test_key_is_a_primary_key_only_without_nulls() -> None:
    assert ddl.add_key(TABLE).endswith('add constraint "mart_key" primary key ("reporter")')
    assert ddl.add_key(replace(TABLE, is_key_filled=False)).endswith('"mart_key" unique ("reporter")')
    assert ddl.has_key(TABLE, SAME)
    assert not ddl.has_key(replace(TABLE, is_key_filled=False), SAME)
    assert not ddl.has_key(TABLE, ExistingTable())
    assert ddl.has_key(replace(TABLE, key=()), ExistingTable())


def test_tables_that_compare_economies_have_an_index_by_service_flow_and_period() -> None:
    names = ("source", "reporter", "service", "flow", "period_start")
    mart = replace(TABLE, columns=tuple(Column(name, "VARCHAR", None) for name in names))
    assert ddl.index_name(mart) == "mart_across_economies"
    assert ddl.add_index(mart, "mart_across_economies") == (
        'create index "mart_across_economies" on "marts"."mart" ("source", "service", "flow", "period_start")'
    )
    assert ddl.index_name(replace(mart, name="m" * ddl.LONGEST_NAME)) == f"{'m' * 46}_across_economies"
    bilateral = replace(mart, columns=(*mart.columns, Column("partner", "VARCHAR", None)))
    for without in (TABLE, bilateral, replace(mart, columns=mart.columns[:-1])):
        assert ddl.index_name(without) is None


def test_same_table_is_not_changed() -> None:
    assert ddl.changes_of(TABLE, SAME) == ddl.Changes((), (), ())
    assert ddl.comments_of(TABLE, SAME, "release") == []


def test_new_column_is_added_and_an_old_one_is_kept() -> None:
    columns = {name: one for name, one in SAME.columns.items() if name != "share"}
    old = replace(SAME, columns=columns | {"gone": ExistingColumn("text", False, "As it was")})
    changes = ddl.changes_of(TABLE, old)
    assert changes.statements == ('alter table "marts"."mart" add column "share" double precision',)
    assert (changes.added, changes.kept) == (("share",), ("gone",))
    comments = ddl.comments_of(TABLE, old, "R1")
    assert """comment on column "marts"."mart"."share" is 'In percent'""" in comments
    gone = """comment on column "marts"."mart"."gone" is 'Not in the releases since R1; null in every row'"""
    assert gone in comments
    later = replace(
        old, columns=old.columns | {"gone": ExistingColumn("text", False, "Not in the releases since R1; …")}
    )
    assert not any("gone" in one for one in ddl.comments_of(TABLE, later, "R2"))


def test_changed_type_keeps_the_values() -> None:
    old = replace(SAME, columns=SAME.columns | {"share": ExistingColumn("integer", False, "In percent")})
    (statement,) = ddl.changes_of(TABLE, old).statements
    assert statement.endswith(
        'alter column "share" type double precision using cast("share" as double precision)'
    )


def test_changed_key_is_dropped_before_the_rows_are_replaced() -> None:
    wider = replace(TABLE, key=("reporter", "share"), is_key_filled=False)
    assert ddl.changes_of(wider, SAME).statements == (
        'alter table "marts"."mart" drop constraint "mart_key"',
        'alter table "marts"."mart" alter column "reporter" drop not null',
    )


def test_comment_is_quoted() -> None:
    comments = ddl.comments_of(TABLE, ExistingTable(), "release")
    assert comments[0] == """comment on table "marts"."mart" is 'It''s a mart'"""


def test_tables_of_a_release_that_are_published() -> None:
    with duckdb.connect() as db:
        db.execute("""
            create schema core; create schema marts; create schema bi;
            create table core.dim_economy (economy varchar, name varchar);
            create table core.fct_trade (value double);
            create table marts.mart (reporter varchar, partner varchar, share double);
            create table bi.annual (reporter varchar);
            comment on table marts.mart is 'A mart'; comment on column marts.mart.share is 'In percent';
            insert into marts.mart values ('CHN', null, 1), ('DEU', 'CHN', 2)""")
        keys = {"dim_economy": ("economy",), "mart": ("reporter", "partner"), "annual": ("no_such_column",)}
        tables = {table.full_name: table for table in read_tables(db, keys)}
    assert list(tables) == ["bi.annual", "core.dim_economy", "marts.mart"]
    mart = tables["marts.mart"]
    assert (mart.comment, mart.key, mart.is_key_filled) == ("A mart", ("reporter", "partner"), False)
    assert [column.comment for column in mart.columns] == [None, None, "In percent"]
    assert tables["core.dim_economy"].is_key_filled
    assert tables["bi.annual"].key == ()


def test_digest_ignores_the_order_of_rows_and_sees_every_cell() -> None:
    with duckdb.connect() as db:
        db.execute("create table one (name varchar, value double)")
        (table,) = (
            Table(
                "main",
                "one",
                None,
                (Column("name", "VARCHAR", None), Column("value", "DOUBLE", None)),
                (),
                True,
            ),
        )

        def of(values: str) -> object:
            db.execute(f"delete from one; insert into one values {values}")
            return digest(db, table)

        first = of("('a', 0.1), ('b', 0.3)")
        assert of("('b', 0.3), ('a', 0.1)") == first
        others = ["('a', 0.1)", "('a', 0.3), ('b', 0.1)", "('a', 0.1), ('b', 0.1::double + 0.2)"]
        others += ["('a', 0.1), ('', 0.3)", "('a', 0.1), (null, 0.3)", "('a', 0.1), ('b', null)"]
        digests = [first, *map(of, others)]
        assert len(set(digests)) == len(digests)


def test_failure_of_the_writer_is_raised_after_the_rows_are_read() -> None:
    broken = replace(TABLE, schema="main", name="missing")
    with duckdb.connect() as db, pytest.raises(duckdb.CatalogException), csv_of(db, broken) as stream:
        assert stream.read() == b""


def test_reader_that_stops_early_does_not_block() -> None:
    with duckdb.connect() as db:
        db.execute("create table many as select range as reporter from range(2_000_000)")
        many = Table("main", "many", None, (Column("reporter", "BIGINT", None),), (), True)
        with pytest.raises(ZeroDivisionError), csv_of(db, many) as stream:
            assert stream.read(4) == b"0\n1\n"
            raise ZeroDivisionError
        assert db.execute("select count(*) from many").fetchone() == (2_000_000,)
