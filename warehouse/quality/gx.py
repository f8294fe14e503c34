"""Great Expectations: building suites and running them in DuckDB, over every row and never over a sample.

This is the only module that imports Great Expectations and SQLAlchemy. The import takes seconds, therefore it
happens at the first use.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from warehouse.errors import WarehouseError
from warehouse.quality.database import connect
from warehouse.quality.suites import QUERY_KWARG, SCHEMAS, Expectation, Suite
from warehouse.verdict import Finding

ROWS_SHOWN = 20
RESULT_FORMAT = {"result_format": "COMPLETE", "partial_unexpected_count": ROWS_SHOWN}
TABLE_EXISTS = "the table exists"
COUNT_COLUMN = "_rows_found"


def build_suite(suite: Suite) -> Any:
    """Return the suite as Great Expectations' own object.

    Raises WarehouseError for an invalid expectation, which Great Expectations would log and leave out.
    """
    import_great_expectations()
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    built = []
    for expectation in suite.expectations:
        try:
            built.append(ExpectationConfiguration(**_configuration(expectation)).to_domain_obj())
        except (GreatExpectationsError, ValueError, TypeError, KeyError) as error:
            raise WarehouseError(
                f"{suite.path}: expectation {expectation.name!r} ({expectation.type}) is not valid: "
                f"{error}. Fix its type or its kwargs"
            ) from error
    return ExpectationSuite(name=suite.name, expectations=built)


def _configuration(expectation: Expectation) -> dict[str, Any]:
    """Return Great Expectations' configuration; a query becomes a query of its rows with their count."""
    configuration = expectation.configuration()
    if expectation.query is not None:
        query = configuration["kwargs"][QUERY_KWARG].rstrip("; \n")
        counted = f"select *, count(*) over () as {COUNT_COLUMN} from (\n{query}\n) as found"
        configuration |= {"type": _query_type(), "kwargs": {QUERY_KWARG: counted}}
    return configuration


def run_suites(
    file: Path, attached: Mapping[str, Path], suites: Sequence[Suite], tables: set[str]
) -> list[Finding]:
    """Run suites in one session of a gate database; return their findings in order.

    `attached` are further databases (name to file) that views of `file` read; `tables` are the names of the
    tables that exist. A suite whose table does not exist gives one failed finding.
    """
    if not suites:
        return []
    import_great_expectations()  # also where no suite is built
    with closing(connect(file, attached)) as connection:
        # All are built, and so checked, before the first one runs.
        parts = {
            suite.name: [build_suite(part) for part in _parts(connection, suite)]
            for suite in suites
            if suite.name in tables
        }
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    # The log of a task is not a terminal.
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    sources: Any = context.data_sources  # its typed signature has no `kwargs`
    datasource = sources.add_sql(
        name="gate",
        connection_string=f"duckdb+gate:///{file}",
        kwargs={"connect_args": {"attached": {name: str(path) for name, path in attached.items()}}},
        # Added one by one, the context would write all of its configuration for each of them.
        assets=[
            {"type": "table", "name": suite.name, "table_name": suite.table}
            for suite in suites
            if suite.name in parts
        ],
    )
    findings: list[Finding] = []
    try:
        for suite in suites:
            if suite.name not in parts:
                findings.append(_missing_table(suite))
                continue
            asset = datasource.get_asset(suite.name)
            batch = asset.get_batch(asset.build_batch_request())
            results: list[Any] = []
            for part in parts[suite.name]:
                results += batch.validate(part, result_format=RESULT_FORMAT).results
            findings.extend(_findings(suite, results))
    finally:
        # An open session would hold the build's file, which is renamed next.
        datasource.get_execution_engine().close()
        datasource.get_engine().dispose()
    return findings


def _parts(connection: duckdb.DuckDBPyConnection, suite: Suite) -> list[Suite]:
    """Split a suite into the expectations that can run and the queries that cannot, if there are any.

    Each error makes Great Expectations repeat all queries of a run several times. After a renamed column, the
    queries that do not use it would run 15 times over all rows.
    """
    broken = []
    for expectation in suite.expectations:
        if expectation.query is not None:
            try:
                # It is planned as by `explain`, without the drawing, which takes twice as long as the plan.
                connection.execute("prepare one as " + expectation.query.replace("{batch}", suite.name))
            except duckdb.Error:  # the run reports it as the error of this expectation
                broken.append(expectation)
    sound = [expectation for expectation in suite.expectations if expectation not in broken]
    return [suite.model_copy(update={"expectations": tuple(part)}) for part in (sound, broken) if part]


def _missing_table(suite: Suite) -> Finding:
    """Return the failed finding of a suite whose table does not exist."""
    return Finding(
        table=suite.name,
        expectation=TABLE_EXISTS,
        why=f"{suite.path.name} validates this table.",
        success=False,
        detail=f"there is no table {suite.name}",
    )


def _findings(suite: Suite, results: Sequence[Any]) -> list[Finding]:
    """Return Great Expectations' results as findings, in the order of the suite."""
    by_name = {result.expectation_config.meta["name"]: result for result in results}
    missing = [e.name for e in suite.expectations if e.name not in by_name]
    if missing or len(results) != len(suite.expectations):
        raise WarehouseError(
            f"{suite.path}: expectations without a result: {', '.join(missing) or 'unknown'}"
        )
    return [
        Finding(
            table=suite.name,
            expectation=expectation.name,
            why=expectation.why,
            success=bool(by_name[expectation.name].success),
            detail=_detail(by_name[expectation.name]),
            is_form=expectation.is_form,
        )
        for expectation in suite.expectations
    ]


def _detail(result: Any) -> str:
    """Return what was found: the rows of a query, an error, or unexpected values with their count."""
    error = _error_message(result.exception_info or {})
    if error:
        return f"the expectation raised an error: {error}"
    if result.success:
        return ""
    found = result.result
    details = found.get("details", {})
    if details.get("unexpected_rows") is not None:
        rows = [_row_text(row) for row in details["unexpected_rows"][:ROWS_SHOWN]]
        more = int(found["observed_value"]) - len(rows)
        return "; ".join(rows) + (f"; and {more} more" if more > 0 else "")
    if details.get("mismatched"):
        return ", ".join(
            f"column {column['Expected Column Position'] + 1} is {column['Found']!r}, "
            f"expected {column['Expected']!r}"
            for column in details["mismatched"]
        )
    if found.get("partial_unexpected_list"):
        examples = found["partial_unexpected_list"][:5]
        return f"{found.get('unexpected_count')} of {found.get('element_count')} rows, such as {examples!r}"
    if found.get("unexpected_count"):
        return f"{found['unexpected_count']} of {found.get('element_count')} rows"
    return f"found {found.get('observed_value')!r}"


def _row_text(row: Mapping[str, Any]) -> str:
    """Return a query row's column `finding`, or all its columns."""
    if "finding" in row:
        return str(row["finding"])
    return ", ".join(f"{name} {value!r}" for name, value in row.items() if name != COUNT_COLUMN)


def _error_message(info: Mapping[str, Any]) -> str:
    """Return the first three lines of the error that an expectation raised, or an empty text.

    Great Expectations gives one record, or a mapping of metric to record.
    """
    records = [info] if "raised_exception" in info else [r for r in info.values() if isinstance(r, dict)]
    for record in records:
        if record.get("raised_exception"):
            lines = [line for line in str(record.get("exception_message") or "").splitlines() if line.strip()]
            return " ".join(lines[:3]) or "an error without a message"
    return ""


@cache
def import_great_expectations() -> None:
    """Import Great Expectations without analytics and log messages, and register the DuckDB dialect."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # it is read once, at import
    import great_expectations  # noqa: F401
    from sqlalchemy.dialects import registry

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    registry.impls["duckdb.gate"] = _gate_dialect


@cache
def _query_type() -> str:
    """Register an expectation that runs its query once, and return its type.

    The query has column COUNT_COLUMN, the number of its rows. Great Expectations' own runs each query twice:
    to count its rows, and to show some of them.
    """
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

    class QueryFindsNoRows(UnexpectedRowsExpectation):
        metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

        def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
            rows = metrics["unexpected_rows_query.table"]
            count = rows[0][COUNT_COLUMN] if rows else 0
            found = {"observed_value": count, "details": {"unexpected_rows": rows}}
            return {"success": not rows, "result": found}

    return str(QueryFindsNoRows.expectation_type)


@cache
def _gate_dialect() -> type[Any]:
    """Return a DuckDB dialect for sessions of the gate: no transactions, other databases attached.

    Great Expectations closes its connection before it fetches. The rollback on closing would drop DuckDB's
    pending result, and every query would return nothing.
    """
    from duckdb_sqlalchemy import ConnectionWrapper, Dialect

    class GateDialect(Dialect):
        supports_statement_cache = False

        def connect(self, database: str, attached: Mapping[str, Path], **_: Any) -> Any:
            connection = connect(Path(database), attached)
            # Great Expectations leaves the schema out of some of its queries.
            connection.execute(f"set search_path = 'main,{','.join(SCHEMAS)}'")
            return ConnectionWrapper(connection)

        def do_begin(self, connection: Any) -> None:
            """Do nothing: a gate only reads."""

        def do_commit(self, connection: Any) -> None:
            """Do nothing: a gate only reads."""

        def do_rollback(self, connection: Any) -> None:
            """Do nothing: a rollback would drop the pending result."""

    return GateDialect
