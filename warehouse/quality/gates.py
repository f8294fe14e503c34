"""The two quality gates: a vintage before it is landed, and a build before it is published.

Each gate creates a gate database in a scratch folder (see `warehouse.quality.database`) and runs the suites
of its tables. The verdict fails if an expectation is not met or raises an error, or if a suite's table does
not exist. The gates only read what they validate.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import duckdb

from warehouse.database import literal
from warehouse.errors import WarehouseError
from warehouse.model import Source
from warehouse.quality import database, gx
from warehouse.quality.report import write_report
from warehouse.quality.suites import Suite, read_suite, read_suites
from warehouse.verdict import Finding, Verdict, verdict_on


class KnownFindings(NamedTuple):
    """What a gate found for a release, by the same code, and the tables that a build has with the same rows.

    The tables are named with their schema.
    """

    release: str
    findings: Sequence[Finding]
    tables: Set[str]


def validate_vintage(
    source: Source, rows: Path, previous_rows: Path | None, seeds: Path, suites: Path, work: Path
) -> Verdict:
    """Validate a candidate vintage's rows, compared with those of the last accepted vintage (the load gate).

    `rows` and `previous_rows` are Parquet files of the source's columns with `_file` and `_row`; `seeds` is
    the folder of seed CSV files, `suites` the folder of suite files, `work` a scratch folder. Raises
    WarehouseError if the suite or the seeds cannot be read.
    """
    suite = read_suite(suites / f"raw.{source.name}.yml")
    file = database.create(work)
    with closing(database.connect(file, {})) as connection:
        candidate = f"read_parquet({literal(rows)})"
        connection.execute(f"create view raw.{source.name} as select * from {candidate}")
        columns = database.columns_of(connection, candidate)
        if previous_rows is None:
            previous = database.select_as(candidate, columns, columns, "where false")
        else:
            stored = f"read_parquet({literal(previous_rows)})"
            previous = database.select_as(stored, columns, database.columns_of(connection, stored))
        connection.execute(f"create view previous.{source.name} as {previous}")
        database.add_seeds(connection, seeds, [one.query for one in suite.expectations if one.query])
    return verdict_on(gx.run_suites(file, {}, [suite], {suite.name}))


def validate_release(
    build: Path,
    current: Path | None,
    suites: Path,
    docs: Path | None,
    work: Path,
    accepted: Sequence[str] = (),
    known: KnownFindings | None = None,
) -> Verdict:
    """Validate core and marts of a finished build, compared with the current release (the release gate).

    `build` and `current` are DuckDB files. The sources `accepted` are not compared: an operator has accepted
    that their newest vintage differs from what was expected. Expectations that `known` answers are not run
    again, and a table with the rows of `current` is not compared with itself. If `docs` is given, the
    validation report is written into that folder. Raises WarehouseError if a suite cannot be read, or if a
    mart or a fact of the build has none.
    """
    found = [suite for suite in read_suites(suites) if suite.schema_name in ("core", "marts")]
    if not found:
        raise WarehouseError(f"{suites}: no suite for core or marts. Restore the expectations folder")
    attached = {"build": build} | ({"release": current} if current is not None else {})
    file = database.create(work)
    unchanged: Set[str] = known.tables if known else set()
    tables = _create_release_views(file, attached, found, suites, accepted, unchanged)
    answered = _answered(file, attached, found, known) if known else {}
    asked = [suite.without({name for table, name in answered if table == suite.name}) for suite in found]
    run = gx.run_suites(file, attached, [suite for suite in asked if suite.expectations], tables)
    results = answered | {(finding.table, finding.expectation): finding for finding in run}
    ordered = [(suite.name, expectation.name) for suite in found for expectation in suite.expectations]
    missing = [finding for finding in run if finding.expectation == gx.TABLE_EXISTS]
    findings = [*missing, *(results[key] for key in ordered if key in results)]
    if docs is not None:
        write_report(docs, found, findings)
    return verdict_on(findings)


def _answered(
    file: Path, attached: dict[str, Path], suites: Sequence[Suite], known: KnownFindings
) -> dict[tuple[str, str], Finding]:
    """Return the findings that hold without a run: those of a query on tables with the same rows alone.

    A comparison with the current release is among them only if the table has the same rows there.
    """
    met = {(one.table, one.expectation): one for one in known.findings if one.success}
    unchanged = {f"build.{table}" for table in known.tables}  # what DuckDB calls the tables behind the views
    found = {}
    with closing(database.connect(file, attached, read_only=True)) as connection:
        for suite in suites:
            for expectation in suite.expectations:
                key = (suite.name, expectation.name)
                if expectation.query is None or key not in met:
                    continue
                query = expectation.query.replace("{batch}", suite.name)
                if _reads_only(connection, query, unchanged):
                    release = met[key].known_from or known.release
                    found[key] = met[key].model_copy(update={"known_from": release, "why": expectation.why})
    return found


def _reads_only(connection: duckdb.DuckDBPyConnection, query: str, tables: Set[str]) -> bool:
    """Tell whether a query reads no other tables than some; false where DuckDB cannot name them."""
    try:
        return connection.get_table_names(query, qualified=True) <= tables
    except duckdb.Error:  # of an unpivot, and of a query that the run will report
        return False


def _create_release_views(
    file: Path,
    attached: dict[str, Path],
    found: list[Suite],
    suites: Path,
    accepted: Sequence[str],
    unchanged: Set[str],
) -> set[str]:
    """Create the views of the release gate; return the names of the build's tables.

    A validated table that is `unchanged` has an empty view of the current release. Raises WarehouseError if a
    mart or a fact has no suite.
    """
    validated = {suite.name for suite in found}
    with closing(database.connect(file, attached)) as connection:
        tables = database.tables_of(connection, "build")
        current = database.tables_of(connection, "release") if "release" in attached else {}
        connection.execute("create table current.decided_source (source varchar)")
        for source in accepted:
            connection.execute("insert into current.decided_source values (?)", [source])
        for name, columns in tables.items():
            schema, table = name.split(".")
            connection.execute(f"create view {name} as select * from build.{name}")
            listed = ", ".join(literal(source) for source in accepted)
            condition = f"where source not in ({listed})" if accepted and "source" in columns else ""
            comparison = (
                database.select_as(f"release.{name}", columns, current[name], condition)
                if name in current and not (name in unchanged and name in validated)
                else database.select_as(f"build.{name}", columns, columns, "where false")
            )
            connection.execute(f"create view current.{table} as {comparison}")
            if (schema == "marts" or table.startswith("fct_")) and name not in validated:
                raise WarehouseError(
                    f"{name}: no suite validates it. Write {suites.name}/{name}.yml before publishing it"
                )
    return set(tables)
