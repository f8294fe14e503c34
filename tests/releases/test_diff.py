"""A comparison counts rows and cells and finds the biggest changes; expected values are written by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse
from small_releases import LATER, make_release, overwrite, vintage_entry

from warehouse.errors import WarehouseError
from warehouse.releases.diff import BigMove, VintagesDiff, compare, diff
from warehouse.releases.keys import table_keys
from warehouse.releases.manifest import MANIFEST, ChangedSources, TableEntry


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with two releases; the second is the current release."""
    make_release(tmp_path, "one")
    make_release(tmp_path, "two", LATER)
    return tmp_path


def test_comparison_counts_rows_and_cells_and_lists_the_biggest_changes(home: Path) -> None:
    found = diff(home / "published", "previous", "latest", moves=1)
    assert (found.before, found.after) == ("one", "two")
    (table,) = found.tables
    assert table.table == "marts.mart"
    assert table.key == ("reporter", "period", "is_preferred")
    assert (table.rows_before, table.rows_after) == (4, 5)
    assert (table.rows_added, table.rows_gone, table.rows_changed) == (1, 0, 3)
    assert table.cells == {"exports_million": 2, "world_rank": 2}
    assert table.cells_changed == 4
    moves = [(move.measure, move.before, move.after, move.difference) for move in table.moves]
    assert moves == [("exports_million", 110.0, 150.0, 40.0), ("world_rank", 4.0, 3.0, -1.0)]
    china = {"reporter": "CHN", "period": "2021-01-01", "is_preferred": True}
    assert [{**move.key, "period": str(move.key["period"])} for move in table.moves] == [china, china]
    assert isinstance(table.moves[0], BigMove)
    (backwards,) = diff(home / "published", "latest", "previous").tables
    assert (backwards.rows_added, backwards.rows_gone, backwards.cells_changed) == (0, 1, 4)
    (unmoved,) = diff(home / "published", "one", "two", moves=0).tables
    assert unmoved.moves == () and unmoved.cells == table.cells
    same = diff(home / "published", "two", "latest")
    assert same.tables == () and same.tables_equal == ("marts.mart",)


def test_added_and_removed_tables_and_columns_are_named(tmp_path: Path) -> None:
    for name, sql in (
        ("a", "create table t (id varchar, x double, old_one int); create table gone as select 1 as a"),
        ("b", "create table t (id varchar, x double, new_one int); create table fresh as select 1 as a"),
    ):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute(sql)
    found = {t.table: t for t in compare(tmp_path / "a.duckdb", tmp_path / "b.duckdb", {})}
    assert (found["main.t"].columns_added, found["main.t"].columns_gone) == (("new_one",), ("old_one",))
    assert (found["main.gone"].rows_before, found["main.gone"].rows_after) == (1, None)
    assert (found["main.fresh"].rows_before, found["main.fresh"].rows_after) == (None, 1)
    assert all(table.is_different for table in found.values())


def test_rows_with_the_same_key_are_matched_in_pairs(tmp_path: Path) -> None:
    for name, last in (("a", 3), ("b", 4)):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute(
                f"create table t as select * from (values ('k', 1), ('k', 2), ('k', {last})) v (id, x)"
            )
    (found,) = compare(tmp_path / "a.duckdb", tmp_path / "b.duckdb", {})
    assert (found.rows_before, found.rows_after, found.rows_changed, found.cells) == (3, 3, 1, {"x": 1})


@pytest.mark.parametrize(
    ("kind", "before", "after", "differs"),
    [
        ("double", "0.1e0 + 0.2e0", "0.3e0", False),  # 0.30000000000000004 and 0.3: 1.9e-16 of it
        ("double", "-0.3e0", "-0.1e0 - 0.2e0", False),
        ("double", "1e15", "1e15 + 0.5", False),
        ("double", "1", "1.00000000001", True),  # 1e-11
        ("double", "1e9", "1e9 + 0.01", True),  # 1e-11 of it
        ("double", "2.3e-14", "-3.1e-14", False),  # differences of two rates that are equal
        ("double", "0", "1e-11", True),
        ("double", "null", "0.3", True),
        ("double", "'nan'", "0.3", True),
        ("double", "'nan'", "'nan'", False),
        ("double", "'inf'", "1", True),
        ("double", "'inf'", "'-inf'", True),
        ("decimal(38, 18)", "1", "1.000000000000000001", True),
        ("bigint", "9007199254740993", "9007199254740992", True),  # equal as doubles
        ("varchar", "'1'", "'1.0'", True),
    ],
)
def test_doubles_differ_by_more_than_rounding_and_all_else_by_anything(
    kind: str, before: str, after: str, differs: bool, tmp_path: Path
) -> None:
    for name, value in (("a", before), ("b", after)):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute(f"create table t as select 'k' as id, cast({value} as {kind}) as x")
    (found,) = compare(tmp_path / "a.duckdb", tmp_path / "b.duckdb", {"t": ("id",)})
    assert (found.rows_changed, found.cells) == (int(differs), {"x": 1} if differs else {})
    assert found.is_different is differs


def test_integers_move_by_integers_beyond_64_bits_too(tmp_path: Path) -> None:
    for name, value in (("a", "1"), ("b", "1267650600228229401496703205376")):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute(f"create table t as select 'k' as id, cast({value} as hugeint) as x")
    (found,) = compare(tmp_path / "a.duckdb", tmp_path / "b.duckdb", {})
    [move] = found.moves
    assert (move.before, move.after, move.difference) == (1, 2**100, 2**100 - 1)


def test_type_of_a_column_may_change(tmp_path: Path) -> None:
    for name, kind in (("a", "decimal(20, 10)"), ("b", "double")):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute(f"create table t as select 'k' as id, cast(0.3 as {kind}) as x")
    (found,) = compare(tmp_path / "a.duckdb", tmp_path / "b.duckdb", {"t": ("id",)})
    assert not found.is_different


def test_rows_of_a_table_that_is_known_to_be_unchanged_are_not_read(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", 2)):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute("create schema marts")
            for table in ("one", "other"):
                db.execute(f"create table marts.{table} as select 'x' as id, {value} as value_million")
    files = (tmp_path / "a.duckdb", tmp_path / "b.duckdb")
    entry = TableEntry(schema="marts", rows=1, size_bytes=1, sha256="", content="1 1")
    found = compare(*files, {"one": ("id",)}, unchanged={"one": entry})
    assert [(one.table, one.is_different, one.key) for one in found] == [
        ("marts.one", False, ("id",)),
        ("marts.other", True, ("id",)),
    ]


@pytest.mark.parametrize(("digests", "differs"), [(("4 1", "4 1"), False), (("4 1", "5 2"), True)])
def test_tables_of_releases_with_equal_digests_are_not_read(
    digests: tuple[str, str], differs: bool, home: Path
) -> None:
    """The rows of both releases differ: equal digests by the same code are taken to be right."""
    for name, digest in zip(("one", "two"), digests, strict=True):
        path = home / "published" / name / MANIFEST
        manifest = json.loads(path.read_text())
        manifest["tables"]["mart"] |= {"content": digest, "parts": {"bank": digest}}
        overwrite(path, json.dumps(manifest).encode())
    assert bool(diff(home / "published", "one", "two").tables) is differs


def test_rows_of_sources_that_are_known_to_be_unchanged_are_not_read(tmp_path: Path) -> None:
    """The rows of `b` differ, and would be found if they were read; `other` is matched by `id` alone."""
    for name, figures in (("before", (1, 2, 3)), ("after", (1, 9, 4))):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute("create schema marts")
            for table in ("one", "other"):
                values = ", ".join(f"('{s}', '{s}', {n})" for s, n in zip("abc", figures, strict=True))
                db.execute(f"create table marts.{table} as from (values {values}) as t (source, id, n)")
            db.execute(f"insert into marts.one values ('{name}', 'new', 7)")
    files = (tmp_path / "before.duckdb", tmp_path / "after.duckdb")
    part = ChangedSources(frozenset({"c", "before", "after"}), 2)
    keys = {"one": ("source", "id"), "other": ("id",)}
    one, other = compare(*files, keys, changed={"one": part, "other": part})
    counts = (one.rows_before, one.rows_after, one.rows_added, one.rows_gone, one.rows_changed, one.cells)
    assert counts == (4, 4, 1, 1, 1, {"n": 1})
    assert (other.rows_before, other.rows_changed) == (3, 2)
    none = compare(*files, keys, changed={"one": ChangedSources(frozenset(), 4)})[0]
    assert (none.rows_before, none.is_different) == (4, False)


def test_differing_vintages_are_listed(tmp_path: Path) -> None:
    both = vintage_entry("safe_bop", "2024-03-29")
    make_release(tmp_path, "one", vintages=[both, vintage_entry("worldbank_wdi", "2022-09-16")])
    make_release(tmp_path, "two", vintages=[both, vintage_entry("worldbank_wdi", "2024-07-12")])
    assert diff(tmp_path / "published", "one", "two").vintages == (
        VintagesDiff("worldbank_wdi", added=("2024-07-12",), gone=("2022-09-16",)),
    )
    with pytest.raises(WarehouseError, match="there is no release 'three'"):
        diff(tmp_path / "published", "one", "three")


def test_missing_or_damaged_database_is_reported_with_path(home: Path) -> None:
    first, second = (home / "published" / name / "warehouse.duckdb" for name in ("one", "two"))
    overwrite(second, b"no database" * 1000)
    with pytest.raises(WarehouseError) as caught:
        diff(home / "published", "one", "two")
    assert str(caught.value).startswith(f"{second}: cannot be read") and "warehouse releases" in str(
        caught.value
    )
    first.unlink()
    with pytest.raises(
        WarehouseError, match=r"one/warehouse\.duckdb: cannot be read \(the file is missing\)"
    ):
        diff(home / "published", "one", "two")


def test_changed_cell_in_sample_release_is_found_by_its_tested_keys(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    keys = table_keys(warehouse.release / "dbt_docs" / "manifest.json")
    same = compare(warehouse.database, warehouse.database, keys)
    assert len(same) > 15 and not any(table.is_different for table in same)
    assert {table.table.partition(".")[2] for table in same} <= set(keys), "a table has no tested key"
    changed = tmp_path / "changed.duckdb"
    shutil.copyfile(warehouse.database, changed)
    changed.chmod(0o644)
    where = "source = 'safe_bop' and period_label = '2021' and currency = 'USD' and reporter = 'CHN'"
    with duckdb.connect(str(changed)) as db:
        db.execute(
            f"update marts.mart_trade_scale set exports_million = exports_million + 1000 where {where}"
        )
        db.execute("delete from marts.mart_trade_scale where source = 'safe_bop' and period_label = '2020'")
        left = db.execute("select count(*) from marts.mart_trade_scale").fetchone()
    (found,) = (table for table in compare(warehouse.database, changed, keys) if table.is_different)
    assert found.table == "marts.mart_trade_scale"
    assert found.cells == {"exports_million": 1}
    assert left is not None and found.rows_gone == (found.rows_before or 0) - left[0] > 0
    (move,) = found.moves
    assert move.difference == pytest.approx(1000) and move.key["reporter"] == "CHN"
