"""The load gate and the release gate: what they compare, what they reject, and that they only read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import toys
from toys import HAS_ROWS, TOY, database, parquet, query, suite, validate_toy

from warehouse.database import Limits
from warehouse.errors import WarehouseError
from warehouse.quality import Finding, KnownFindings, Verdict, validate_release, validate_vintage
from warehouse.quality.gx import import_great_expectations


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return toys.seeds(tmp_path / "seeds")


def test_met_expectation_passes_and_codes_stay_text(tmp_path: Path, seeds: Path) -> None:
    verdict = validate_toy(
        tmp_path,
        HAS_ROWS,
        query(
            "seeds are text",
            "select 'lost ' || code as finding from {batch}, (select code from seeds.economy_code union all "
            "select millions from seeds.scale) where code not in ('076', 'NA', '100', '1.50')",
        ),
    )
    assert verdict.success
    assert verdict.reasons() == ()
    assert [finding.expectation for finding in verdict.findings] == ["there are rows", "seeds are text"]


def test_broken_expectation_names_value_file_and_row(tmp_path: Path, seeds: Path) -> None:
    verdict = validate_toy(
        tmp_path,
        query(
            "numbers",
            "select 'value ''' || value || ''' is no number ' || row_refs(_file, _row) as finding "
            "from {batch} where value is not null and not is_number(value) group by value",
        ),
    )
    assert not verdict.success
    assert verdict.reasons() == (
        "raw.toy: numbers: value '1,5' is no number (1 row, first in file toy.csv row 3)",
    )


def test_exception_inside_an_expectation_blocks(tmp_path: Path, seeds: Path) -> None:
    verdict = validate_toy(tmp_path, HAS_ROWS, query("broken", "select nowhere as finding from {batch}"))
    assert not verdict.success
    (reason,) = verdict.reasons()
    assert "raw.toy: broken: the expectation raised an error" in reason
    assert "nowhere" in reason


def test_previous_vintage_is_empty_if_there_is_none(tmp_path: Path, seeds: Path) -> None:
    lost = query(
        "lost", "select 'lost ' || count(*) as finding from {batch}, previous.toy having count(*) > 0"
    )
    assert validate_toy(tmp_path, lost).success
    previous = parquet(tmp_path / "previous.parquet", ("2019", "1.50"))
    assert validate_toy(tmp_path, lost, previous=previous).reasons() == ("raw.toy: lost: lost 3",)


def test_previous_vintage_of_fewer_columns_is_read_with_nulls(tmp_path: Path, seeds: Path) -> None:
    pq.write_table(pa.table({"year": ["2019"]}), tmp_path / "previous.parquet")
    compared = query(
        "compared",
        "select 'a value' as finding from {batch}, previous.toy as accepted where accepted.value > ''",
    )
    assert validate_toy(tmp_path, compared, previous=tmp_path / "previous.parquet").success


def test_queries_have_the_limits_of_the_process(
    tmp_path: Path, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.database._limits", [Limits(memory="700MiB", threads=1)])
    settings = "current_setting('memory_limit') || ', ' || current_setting('threads')"
    verdict = validate_toy(tmp_path, query("limits", f"select {settings} as finding from {{batch}} limit 1"))
    assert "700.0 MiB, 1" in verdict.findings[0].detail


def test_missing_suite_is_rejected(tmp_path: Path, seeds: Path) -> None:
    suite(tmp_path / "suites", "raw.other", HAS_ROWS)
    rows = parquet(tmp_path / "rows.parquet", ("2019", "1.50"))
    with pytest.raises(WarehouseError, match=r"raw\.toy\.yml: no such suite"):
        validate_vintage(TOY, rows, None, seeds, tmp_path / "suites", tmp_path / "work")


def test_missing_seed_that_a_query_names_is_rejected(tmp_path: Path) -> None:
    assert validate_toy(tmp_path, HAS_ROWS).success, "this one needs no seed"
    known = query(
        "known", "select year as finding from {batch} where year not in (select code from seeds.lost)"
    )
    with pytest.raises(WarehouseError, match=r"lost\.csv: no such seed file"):
        validate_toy(tmp_path, known)


def test_release_without_a_suite_for_core_or_marts_is_an_error(tmp_path: Path) -> None:
    suite(tmp_path / "suites", "raw.toy", HAS_ROWS)
    build = database(tmp_path / "build.duckdb", "create table marts.mart_toy as select 1 as n")
    with pytest.raises(WarehouseError, match="no suite for core or marts"):
        validate_release(build, None, tmp_path / "suites", None, tmp_path / "work")


def test_suite_without_its_table_fails_the_release(tmp_path: Path) -> None:
    suite(tmp_path / "suites", "marts.mart_toy", HAS_ROWS)
    build = database(tmp_path / "build.duckdb", "create table core.dim_toy as select 1 as n")
    verdict = validate_release(build, None, tmp_path / "suites", None, tmp_path / "work")
    assert verdict.reasons() == ("marts.mart_toy: the table exists: there is no table marts.mart_toy",)


def test_mart_without_a_suite_is_rejected(tmp_path: Path) -> None:
    suite(tmp_path / "suites", "marts.mart_toy", HAS_ROWS)
    tables = ("create table marts.mart_toy as select 1 as n", "create table core.fct_new as select 1 as n")
    build = database(tmp_path / "build.duckdb", *tables)
    with pytest.raises(WarehouseError, match=r"core\.fct_new: no suite validates it"):
        validate_release(build, None, tmp_path / "suites", None, tmp_path / "work")


FEWER = query(
    "fewer",
    "select 'now ' || a.n || ', before ' || b.n || coalesce(b.added, '') as finding from "
    "(select count(*) as n from {batch}) as a, "
    "(select count(*) as n, max(added) as added from current.mart_toy) as b where a.n < b.n",
)


def test_build_is_compared_with_the_current_release(tmp_path: Path) -> None:
    """A column that the current release does not have is null in the comparison."""
    suite(tmp_path / "suites", "marts.mart_toy", FEWER)
    build = database(tmp_path / "build.duckdb", "create table marts.mart_toy as select 1 as n, 'x' as added")
    current = database(
        tmp_path / "current.duckdb", "create table marts.mart_toy as select n from range(3) as t (n)"
    )
    alone = validate_release(build, None, tmp_path / "suites", None, tmp_path / "work")
    beside = validate_release(build, current, tmp_path / "suites", None, tmp_path / "work")
    assert alone.success
    assert beside.reasons() == ("marts.mart_toy: fewer: now 1, before 3",)


def test_table_with_the_rows_of_the_current_release_is_not_compared_with_itself(tmp_path: Path) -> None:
    found = query("compared", "select 'found' as finding from {batch} cross join current.mart_toy")
    helper = query("helper", "select 'found' as finding from {batch} cross join current.dim_toy")
    suite(tmp_path / "suites", "marts.mart_toy", found, helper)
    tables = ("create table marts.mart_toy as select 1 as n", "create table core.dim_toy as select 1 as n")
    build, current = (database(tmp_path / f"{name}.duckdb", *tables) for name in ("build", "current"))
    reasons = {}
    for unchanged in ({"marts.mart_toy", "core.dim_toy"}, {"core.dim_toy"}):
        known = KnownFindings("20260101T000000000000Z", [], unchanged)
        verdict = validate_release(build, current, tmp_path / "suites", None, tmp_path / "work", known=known)
        reasons[len(unchanged)] = verdict.reasons()
    both = ("marts.mart_toy: compared: found", "marts.mart_toy: helper: found")
    assert reasons == {2: both[1:], 1: both}, "a table without a suite is a helper of comparisons"


def test_gate_knows_the_sources_that_an_operator_has_decided_on(tmp_path: Path) -> None:
    undecided = query(
        "undecided",
        "select source as finding from {batch} "
        "where source not in (select decided.source from current.decided_source as decided)",
    )
    suite(tmp_path / "suites", "marts.mart_toy", undecided)
    build = database(
        tmp_path / "build.duckdb", "create table marts.mart_toy as select unnest(['one', 'two']) as source"
    )
    verdict = validate_release(build, None, tmp_path / "suites", None, tmp_path / "work", accepted=["one"])
    assert verdict.reasons() == ("marts.mart_toy: undecided: two",)


FAILS = "select 'found' as finding from {batch}"
JOINS = "select 'found' as finding from {batch} as mart cross join core.dim_toy as dim"
COMPARES = "select 'found' as finding from {batch} as mart cross join current.mart_toy as before"


@pytest.mark.parametrize(
    ("sql", "unchanged", "was_met", "is_run"),
    [
        (FAILS, {"marts.mart_toy"}, True, False),
        (FAILS, {"core.dim_toy"}, True, True),
        (FAILS, {"marts.mart_toy"}, False, True),
        (FAILS, {"marts.mart_toy"}, None, True),
        (JOINS, {"marts.mart_toy"}, True, True),
        (JOINS, {"marts.mart_toy", "core.dim_toy"}, True, False),
        (COMPARES, {"marts.mart_toy"}, True, False),
        (COMPARES, {"core.dim_toy"}, True, True),
    ],
)
def test_query_is_not_run_again_on_rows_that_met_it_in_the_current_release(
    sql: str, unchanged: set[str], was_met: bool | None, is_run: bool, tmp_path: Path
) -> None:
    """The query finds a row whenever it is run."""
    suite(tmp_path / "suites", "marts.mart_toy", query("finds", sql), HAS_ROWS)
    tables = ("create table marts.mart_toy as select 1 as n", "create table core.dim_toy as select 1 as n")
    build, current = (database(tmp_path / f"{name}.duckdb", *tables) for name in ("build", "current"))
    before = [
        Finding(table="marts.mart_toy", expectation="finds", why="", success=was_met, detail="")
        for _ in range(was_met is not None)
        if was_met is not None
    ]
    known = KnownFindings("20260101T000000000000Z", before, unchanged)
    verdict = validate_release(
        build, current, tmp_path / "suites", tmp_path / "docs", tmp_path / "work", known=known
    )
    assert [one.expectation for one in verdict.findings] == ["finds", "there are rows"]
    assert [one.known_from for one in verdict.findings] == [None if is_run else known.release, None]
    assert verdict.success is not is_run
    page = (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")
    assert ("the rows are those of release 20260101T000000000000Z" in page) is not is_run


NEGATIVE = "select source as finding from {batch} where n < 0 order by source"
OF_DIM = (
    "select mart.source as finding from {batch} as mart cross join core.dim_toy where mart.n < 0 order by all"
)
UNDECIDED = (
    "select source as finding from {batch} "
    "where n < 0 and source not in (select source from current.decided_source) order by source"
)
LOST = (
    "select before.source as finding from current.mart_toy as before "
    "left join {batch} as mart on before.source = mart.source where mart.source is null order by all"
)
MART, DIM = "marts.mart_toy", "core.dim_toy"


@pytest.mark.parametrize(
    ("sql", "options", "unchanged", "changed", "found", "run_on"),
    [
        (NEGATIVE, {"by_source": True}, set(), {MART: {"one"}}, ["one"], ("one",)),
        (NEGATIVE, {"by_source": True}, set(), {MART: {"three"}}, [], ("three",)),
        (NEGATIVE, {"by_source": True}, set(), {MART: {"one", "two"}}, ["one", "two"], ("one", "two")),
        (NEGATIVE, {"by_source": True}, {MART}, {}, [], ()),
        (NEGATIVE, {"by_source": True}, set(), {}, ["one", "two"], ()),
        (NEGATIVE, {}, set(), {MART: {"one"}}, ["one", "two"], ()),
        (OF_DIM, {"by_source": True}, set(), {MART: {"one"}}, ["one", "two"], ()),
        (OF_DIM, {"by_source": True}, {DIM}, {MART: {"one"}}, ["one"], ("one",)),
        (OF_DIM, {"by_source": True}, {MART}, {DIM: {"one"}}, ["one"], ("one",)),
        (OF_DIM, {"reads_sources": {DIM: ["two"]}}, {MART}, {DIM: {"one"}}, [], ()),
        (OF_DIM, {"reads_sources": {DIM: ["one"]}}, {MART}, {DIM: {"one"}}, ["one", "two"], ()),
        (UNDECIDED, {"by_source": True}, {MART}, {}, ["two"], ("two",)),
        (UNDECIDED, {"by_source": True}, set(), {MART: {"one"}}, ["one", "two"], ("one", "two")),
        (UNDECIDED, {}, {MART}, {}, ["one", "two"], ()),
        (LOST, {"by_source": True}, set(), {MART: {"lost"}}, ["lost"], ("lost",)),
        (LOST, {"by_source": True}, set(), {MART: {"one"}}, [], ("one",)),
    ],
)
def test_query_by_source_is_run_on_the_rows_of_changed_sources(
    sql: str,
    options: dict[str, Any],
    unchanged: set[str],
    changed: dict[str, set[str]],
    found: list[str],
    run_on: tuple[str, ...],
    tmp_path: Path,
) -> None:
    """Sources `one` and `two` have a row that the query finds; an operator had decided on `two` before."""
    suite(tmp_path / "suites", MART, query("finds", sql) | options)
    tables = (
        "create table core.dim_toy as select 'one' as source",
        "create table marts.mart_toy as "
        "from (values ('one', -1), ('two', -1), ('three', 1)) as t (source, n)",
    )
    build, current = (database(tmp_path / f"{name}.duckdb", *tables) for name in ("build", "current"))
    with duckdb.connect(str(current)) as db:
        db.execute("insert into marts.mart_toy values ('lost', 1), ('lost too', 1)")
    before = [Finding(table=MART, expectation="finds", why="", success=True, detail="")]
    known = KnownFindings("20260101T000000000000Z", before, unchanged, changed, {"two"})
    verdict = validate_release(
        build, current, tmp_path / "suites", tmp_path / "docs", tmp_path / "work", known=known
    )
    [finding] = verdict.findings
    assert finding.detail == "; ".join(found)
    assert finding.success is not bool(found)
    assert finding.run_on == run_on
    is_known = bool(run_on) or not found
    assert finding.known_from == (known.release if is_known else None)
    page = (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")
    assert (f"Run again on the rows of {', '.join(run_on)}:" in page) is (bool(run_on) and not found)


def test_sources_that_an_operator_has_decided_on_are_recorded(tmp_path: Path) -> None:
    suite(tmp_path / "suites", MART, HAS_ROWS)
    build = database(tmp_path / "build.duckdb", "create table marts.mart_toy as select 1 as n")
    verdict = validate_release(build, None, tmp_path / "suites", None, tmp_path / "work", ["two", "one"])
    assert verdict.decided == ("one", "two")
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_validation_locks_no_reader_out_and_closes_the_build(tmp_path: Path) -> None:
    """A reader in another process keeps the release open during the validation."""
    suite(tmp_path / "suites", "marts.mart_toy", FEWER)
    table = "create table marts.mart_toy as select 1 as n, 'x' as added"
    build, current = database(tmp_path / "build.duckdb", table), database(tmp_path / "current.duckdb", table)
    before = (build.read_bytes(), current.read_bytes())
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; db = duckdb.connect(sys.argv[1], read_only=True); "
            "print('open', flush=True); sys.stdin.read(); "
            "print(db.execute('select count(*) from marts.mart_toy').fetchone()[0])",
            str(current),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    assert validate_release(build, current, tmp_path / "suites", None, tmp_path / "work").success
    assert reader.communicate()[0] == "1\n"
    assert (build.read_bytes(), current.read_bytes()) == before
    with duckdb.connect(str(build)) as db:  # no session of this process has it open
        db.execute("drop table marts.mart_toy")


def test_every_finding_of_a_query_is_counted_and_the_first_ones_are_shown(
    tmp_path: Path, seeds: Path
) -> None:
    rows = "select 'row ' || i as finding from range(300) as r(i), (select count(*) from {batch}) order by i"
    verdict = validate_toy(tmp_path, query("none", rows), query("all columns", "select year from {batch}"))
    many, columns = verdict.reasons()
    assert many.startswith("raw.toy: none: row 0; row 1; ") and many.endswith("; row 19; and 280 more")
    assert columns == "raw.toy: all columns: year '2019'; year '2020'; year '2021'"


def test_query_runs_once(tmp_path: Path, seeds: Path) -> None:
    import_great_expectations()
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    statements: list[str] = []

    def record(connection: object, cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        validate_toy(tmp_path, query("once", "select 'marked' as finding from {batch} where false"))
    finally:
        event.remove(Engine, "before_cursor_execute", record)
    assert [statement.count("'marked'") for statement in statements if "'marked'" in statement] == [1]
