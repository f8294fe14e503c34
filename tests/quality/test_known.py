"""Expectations that are run on the rows of changed sources, and those that read few sources of a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse

from warehouse.config import EXPECTATIONS_DIR
from warehouse.database import literal
from warehouse.quality import database, gates, read_suites
from warehouse.quality.suites import Expectation

SUITES = [one for one in read_suites(EXPECTATIONS_DIR) if one.schema_name in ("core", "marts")]
BY_SOURCE = [(suite.name, one) for suite in SUITES for one in suite.expectations if one.by_source]
OF_SOURCES = [(suite.name, one) for suite in SUITES for one in suite.expectations if one.reads_sources]


def spoil(release: Path, spoiled: Path) -> None:
    """Copy the tables of a release, with rows missing, repeated, without figures and with other figures.

    The rows are chosen by their position, so that most sources have some of each. A third of the sources has
    lost its periods since 2015, and the figures of another third are a thousand times as large.
    """
    with duckdb.connect(str(spoiled)) as db:
        db.execute("create schema core; create schema marts")
        db.execute(f"attach {literal(release)} as release (read_only)")
        tables = database.tables_of(db, "release")
        for name, columns in tables.items():
            if name.startswith(("core.dim_", "core.bridge_")):
                db.execute(f"create table {name} as from release.{name}")
                continue
            replaced = {
                column: f"case when row % 29 = {number} then null when row % 31 = {number} "
                f"then 0 - 3 * {column} else {column} * case when third = 1 then 1000 else 1 end end"
                for number, (column, kind) in enumerate(columns.items())
                if kind.startswith(("DOUBLE", "DECIMAL"))
            }
            if "partner" in columns:
                replaced["partner"] = "case when row % 97 = 7 then 'WLD' else partner end"
            listed = ", ".join(
                f"cast({value} as {columns[column]}) as {column}" for column, value in replaced.items()
            )
            third = "dense_rank() over (order by source) % 3" if "source" in columns else "2"
            is_recent = "period_start >= date '2015-01-01'" if "period_start" in columns else "row % 2 = 0"
            db.execute(
                f"create table {name} as with numbered as ("
                f"select *, row_number() over () as row, {third} as third "
                f"from release.{name}) "
                f"select * exclude (row, third) {f'replace ({listed})' if listed else ''} from ("
                "select * from numbered where row % 37 <> 3 union all from numbered where row % 41 = 5) "
                f"where not (third = 0 and {is_recent})"
            )


@pytest.fixture(scope="module")
def inputs(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> gates.ReleaseInputs:
    """Return what the gate reads of a spoiled build beside the release of the sample."""
    build = tmp_path_factory.mktemp("spoiled") / "build.duckdb"
    spoil(warehouse.database, build)
    return gates.ReleaseInputs(
        {"build": build, "release": warehouse.database}, SUITES, "expectations", (), set()
    )


@pytest.fixture(scope="module")
def sessions(
    inputs: gates.ReleaseInputs, warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[duckdb.DuckDBPyConnection, ...]]:
    """Open gate databases with the rows of all sources, of one half of them, and of the other."""
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        [(sources,)] = db.execute("select list(source order by source) from core.dim_source").fetchall()
    opened = []
    with ExitStack() as stack:
        for number, chosen in enumerate((None, set(sources[::2]), set(sources[1::2]))):
            work = tmp_path_factory.mktemp(f"gate-{number}")
            _, connection = stack.enter_context(database.created(work, inputs.attached))
            gates.create_release_views(connection, inputs, chosen)
            opened.append(connection)
        yield tuple(opened)


def findings(db: duckdb.DuckDBPyConnection, table: str, expectation: Expectation) -> list[str]:
    assert expectation.query is not None
    query = expectation.query.replace("{batch}", table).rstrip("; \n")
    found = db.execute(f"select coalesce(finding, 'null') from ({query}) order by 1").fetchall()
    return sorted(one for (one,) in found)


@pytest.mark.parametrize(
    ("table", "expectation"), [pytest.param(*one, id=f"{one[0]}: {one[1].name}") for one in BY_SOURCE]
)
def test_what_is_found_of_a_source_depends_on_its_own_rows(
    table: str, expectation: Expectation, sessions: tuple[duckdb.DuckDBPyConnection, ...]
) -> None:
    whole, *halves = (findings(db, table, expectation) for db in sessions)
    assert sorted([*halves[0], *halves[1]]) == whole
    assert whole, "the spoiled tables have nothing that this expectation finds"


@pytest.mark.parametrize(
    ("table", "expectation"), [pytest.param(*one, id=f"{one[0]}: {one[1].name}") for one in OF_SOURCES]
)
def test_rows_of_sources_that_are_not_named_change_nothing(
    table: str, expectation: Expectation, sessions: tuple[duckdb.DuckDBPyConnection, ...]
) -> None:
    assert expectation.query is not None
    query = expectation.query
    for name, sources in expectation.reads_sources.items():
        listed = ", ".join(literal(source) for source in sources)
        rows = f"(select * from {name} where source in ({listed}))"
        assert name in query, "a table that the query does not read"
        query = query.replace(name, rows)
    whole = findings(sessions[0], table, expectation)
    assert findings(sessions[0], table, expectation.model_copy(update={"query": query})) == whole
    assert whole, "the spoiled tables have nothing that this expectation finds"
