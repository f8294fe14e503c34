"""The two quality gates: a vintage before it is landed, and a build before it is published.

Each gate creates a gate database in a scratch folder (see `warehouse.quality.database`) and runs the suites
of its tables. The verdict fails if an expectation is not met or raises an error, or if a suite's table does
not exist. The gates only read what they validate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from warehouse.database import connect, literal
from warehouse.errors import WarehouseError
from warehouse.model import Source
from warehouse.quality import database, gx
from warehouse.quality.known import Key, Known, KnownFindings, known_to
from warehouse.quality.report import write_report
from warehouse.quality.suites import Suite, read_suite, read_suites
from warehouse.verdict import Finding, Verdict, verdict_on


def validate_vintage(
    source: Source, rows: Path, previous_rows: Path | None, seeds: Path, suites: Path, work: Path
) -> Verdict:
    """Validate a candidate vintage's rows, compared with those of the last accepted vintage (the load gate).

    `rows` and `previous_rows` are Parquet files of the source's columns with `_file` and `_row`; `seeds` is
    the folder of seed CSV files, `suites` the folder of suite files, `work` a scratch folder. Raises
    WarehouseError if the suite or the seeds cannot be read.
    """
    suite = read_suite(suites / f"raw.{source.name}.yml")
    with database.created(work) as (file, connection):
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
    again, those that it answers but for some sources are run on the rows of these, and a table with the rows
    of `current` is not compared with itself. If `docs` is given, the
    validation report is written into that folder. Raises WarehouseError if a suite cannot be read, or if a
    mart or a fact of the build has none.
    """
    found = [suite for suite in read_suites(suites) if suite.schema_name in ("core", "marts")]
    if not found:
        raise WarehouseError(f"{suites}: no suite for core or marts. Restore the expectations folder")
    attached = {"build": build} | ({"release": current} if current is not None else {})
    inputs = ReleaseInputs(attached, found, suites.name, accepted, known.tables if known else set())
    answers = Known({}, {}, {})
    if known:
        with connect() as connection:
            answers = known_to(connection, found, known, set(accepted))
    not_run = answers.findings.keys() | set().union(*answers.by_source.values())
    with database.created(work, attached) as (file, connection):
        tables = create_release_views(connection, inputs)
        run = gx.run_suites(file, attached, _without(found, not_run), tables)
    results = dict(answers.findings) | {(one.table, one.expectation): one for one in run}
    for number, (sources, keys) in enumerate(answers.by_source.items()):
        results |= _run_by_source(work / f"by_source_{number}", inputs, keys, sources, answers.releases)
    ordered = [(suite.name, expectation.name) for suite in found for expectation in suite.expectations]
    missing = [finding for finding in run if finding.expectation == gx.TABLE_EXISTS]
    findings = [*missing, *(results[key] for key in ordered if key in results)]
    if docs is not None:
        write_report(docs, found, findings)
    return verdict_on(findings, tuple(sorted(accepted)))


class ReleaseInputs(NamedTuple):
    """What the release gate reads: databases (name to file), suites and the name of their folder, and more.

    The sources `accepted` are not compared. A validated table that is `unchanged` has an empty view of the
    current release.
    """

    attached: Mapping[str, Path]
    suites: Sequence[Suite]
    folder: str
    accepted: Sequence[str]
    unchanged: Set[str]


def _without(suites: Sequence[Suite], keys: Set[Key]) -> list[Suite]:
    """Return suites without the expectations of some keys, and without suites of which none is left."""
    left = [suite.without({name for table, name in keys if table == suite.name}) for suite in suites]
    return [suite for suite in left if suite.expectations]


def _run_by_source(
    work: Path, inputs: ReleaseInputs, keys: Set[Key], sources: Set[str], releases: Mapping[Key, str]
) -> dict[Key, Finding]:
    """Run expectations on the rows of some sources; `releases` met them with the rows of the others."""
    every = {(suite.name, one.name) for suite in inputs.suites for one in suite.expectations}
    with database.created(work, inputs.attached) as (file, connection):
        tables = create_release_views(connection, inputs, sources)
        run = gx.run_suites(file, inputs.attached, _without(inputs.suites, every - keys), tables)
    return {
        key: one.model_copy(update={"known_from": releases[key], "run_on": tuple(sorted(sources))})
        for one in run
        for key in [(one.table, one.expectation)]
    }


def create_release_views(
    connection: DuckDBPyConnection, inputs: ReleaseInputs, sources: Set[str] | None = None
) -> set[str]:
    """Create the views of the release gate; return the names of the build's tables.

    With `sources`, a table with a column `source` has the rows of these only. Raises WarehouseError if a mart
    or a fact has no suite.
    """
    validated = {suite.name for suite in inputs.suites}
    tables = database.tables_of(connection, "build")
    current = database.tables_of(connection, "release") if "release" in inputs.attached else {}
    connection.execute("create table current.decided_source (source varchar)")
    for source in inputs.accepted:
        connection.execute("insert into current.decided_source values (?)", [source])
    for name, columns in tables.items():
        schema, table = name.split(".")
        chosen = [_listed("source in", sources)] if sources is not None and "source" in columns else []
        compared = [*chosen]
        if inputs.accepted and "source" in columns:
            compared.append(_listed("source not in", inputs.accepted))
        connection.execute(f"create view {name} as select * from build.{name} {_where(chosen)}")
        comparison = (
            database.select_as(f"release.{name}", columns, current[name], _where(compared))
            if name in current and not (name in inputs.unchanged and name in validated)
            else database.select_as(f"build.{name}", columns, columns, "where false")
        )
        connection.execute(f"create view current.{table} as {comparison}")
        if (schema == "marts" or table.startswith("fct_")) and name not in validated:
            raise WarehouseError(
                f"{name}: no suite validates it. Write {inputs.folder}/{name}.yml before publishing it"
            )
    return set(tables)


def _listed(operator: str, sources: Iterable[str]) -> str:
    """Return a condition on a list of sources."""
    return f"{operator} ({', '.join(literal(source) for source in sorted(sources))})"


def _where(conditions: Sequence[str]) -> str:
    """Return the clause of some conditions; empty without one."""
    return f"where {' and '.join(conditions)}" if conditions else ""
