"""Which expectations the findings of the current release answer, and for which sources the others are run.

A query that reads only tables with the rows of the current release is not run again. A query that declares
`by_source` is run on the rows of the sources that changed, when every table that it reads has either the same
rows or is known by source.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import duckdb

from warehouse.quality.suites import Suite
from warehouse.verdict import Finding

DECIDED = "current.decided_source"
Key = tuple[str, str]  # table with its schema, and name of the expectation


class KnownFindings(NamedTuple):
    """What a gate found for a release, by the same code, and what of it a build has with the same rows.

    `tables` are the tables with the same rows, named with their schema. `changed` has other tables, each with
    the sources whose rows differ. `decided` are the sources that the gate did not compare.
    """

    release: str
    findings: Sequence[Finding]
    tables: Set[str]
    changed: Mapping[str, Set[str]] = {}
    decided: Set[str] = frozenset()


class Known(NamedTuple):
    """What needs no run on all rows: findings that hold without one, and expectations to run by source.

    `by_source` has the expectations to run on the rows of some sources alone, by these sources. Those of the
    other sources met an expectation in the release that `releases` names.
    """

    findings: Mapping[Key, Finding]
    by_source: Mapping[frozenset[str], Set[Key]]
    releases: Mapping[Key, str]


def known_to(
    connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite], known: KnownFindings, decided: Set[str]
) -> Known:
    """Return which expectations of some suites need no run on all rows; `decided` are not compared now.

    An expectation that was not met, or has no query, is run on all rows.
    """
    validated = {suite.name for suite in suites}
    met = {(one.table, one.expectation): one for one in known.findings if one.success}
    releases = {key: one.known_from or known.release for key, one in met.items()}
    findings: dict[Key, Finding] = {}
    by_source: dict[frozenset[str], set[Key]] = defaultdict(set)
    for suite in suites:
        for expectation in suite.expectations:
            key = (suite.name, expectation.name)
            if expectation.query is None or key not in met:
                continue
            tables = tables_read(connection, expectation.query.replace("{batch}", suite.name))
            reads = expectation.reads_sources
            changed = _changed_sources(tables, reads, validated, known, known.decided - decided)
            if changed == set():
                findings[key] = met[key].model_copy(
                    update={"known_from": releases[key], "run_on": (), "why": expectation.why}
                )
            elif changed is not None and expectation.by_source:
                by_source[frozenset(changed)].add(key)
    return Known(findings, by_source, releases)


def _changed_sources(
    tables: Set[str] | None,
    reads: Mapping[str, Sequence[str]],
    validated: Set[str],
    known: KnownFindings,
    undecided: Set[str],
) -> Set[str] | None:
    """Return the sources of which a query reads other rows than it did; None if that is not known.

    `reads` has the sources that the query reads of some tables. A table that is not `validated` is compared
    with the current release also when it has the same rows there. `undecided` are the sources that were not
    compared before, and are now.
    """
    if tables is None:
        return None
    found: set[str] = set()
    for table in tables:
        if table == DECIDED:
            found |= undecided
            continue
        schema, name = table.split(".")
        of_build = table
        if schema == "current":
            of_build = next((one for one in validated if one.endswith(f".{name}")), "")
        changed: Set[str] | None = set() if of_build in known.tables else known.changed.get(of_build)
        if changed is None:
            return None
        found |= changed & set(reads[table]) if table in reads else changed
    return found


def tables_read(connection: duckdb.DuckDBPyConnection, query: str) -> Set[str] | None:
    """Return the tables that a query names, with their schemas; None where they cannot be known.

    The names are read from the parsed statement: DuckDB's `get_table_names` fails for an `unpivot`.
    """
    [(text,)] = connection.execute("select json_serialize_sql(cast(? as varchar))", [query]).fetchall()
    parsed = json.loads(text)
    if parsed["error"]:
        return None
    nodes = list(_objects(parsed))
    defined = {entry["key"].lower() for node in nodes for entry in node.get("cte_map", {}).get("map", [])}
    found = set()
    for node in nodes:
        if node.get("type") != "BASE_TABLE":
            continue
        schema, name = node["schema_name"].lower(), node["table_name"].lower()
        if schema and not node["catalog_name"]:
            found.add(f"{schema}.{name}")
        elif schema or name not in defined:
            return None
    return found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object within a parsed JSON value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _objects(one)
