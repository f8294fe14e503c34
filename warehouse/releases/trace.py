"""From a published figure back to the bytes that it came from.

The dbt manifest of a release holds `config.meta.trace` of each mart: a rule, or a list of rules, `{role,
model, keys, where}`. A rule finds the rows of `model` (in schema core or marts) that have the same values as
the published row in the columns `keys` and meet the condition `where`, in which `$column` is the value of the
published row. Rows of core facts name source, vintage, `_file` and `_row`. A helper table has these columns
too, and may have `role`; or it has rules of its own, which are followed. The vintage's manifest gives the
file's address, checksum and time of retrieval, and its `rows.parquet` the row as sent.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from warehouse.errors import WarehouseError
from warehouse.files import describe_invalid
from warehouse.releases.diff import DBT_MANIFEST
from warehouse.releases.manifest import RELEASE_REMEDY
from warehouse.releases.origins import Origin, RowRef, find_origins
from warehouse.releases.store import DATABASE, reading

MOST_FIGURES = 12
MOST_STEPS = 4  # a mart, a helper table, a core fact, and one to spare
DEFAULT_ROLE = "figure"
PARAMETER = re.compile(r"\$(\w+)")
Row = dict[str, Any]
Node = Mapping[str, Any]
Group = tuple[str, tuple[str, ...], str]  # role, path, source


class TraceRule(BaseModel):
    """Where the figures of a published row come from; `role` is what they are to it, e.g. denominator.

    `if_empty` is the reason why a row may have no figures.
    """

    model_config = ConfigDict(frozen=True)

    role: str | None = None
    model: str
    keys: tuple[str, ...] = ()
    where: str | None = None
    if_empty: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the published row that the rule reads."""
        return tuple(dict.fromkeys([*self.keys, *PARAMETER.findall(self.where or "")]))


RULES = TypeAdapter(tuple[TraceRule, ...])


@dataclass(frozen=True)
class Lineage:
    """One published row, the models between it and a source, and the origins of its figures.

    `role` is what the figures of these origins are to the published row: `figure`, `numerator`, …
    """

    table: str
    published: Row
    role: str
    models: tuple[str, ...]
    origins: tuple[Origin, ...]

    @property
    def is_intact(self) -> bool:
        """Return whether the checksums of all origins match."""
        return all(origin.is_intact for origin in self.origins)


@dataclass(frozen=True)
class Figure:
    """A row that names a file and row, the names of the models that led to it, and its role."""

    role: str
    path: tuple[str, ...]
    row: Row


def trace(
    release: Path, landing: Path, cache: Path, table: str, conditions: Mapping[str, str]
) -> tuple[Lineage, ...]:
    """Find the rows of a table where each column of `conditions` prints as given, and their origins.

    `table` is a mart or a core fact (`marts.mart_trade_scale`, `core.fct_services_trade`). `cache` is the
    directory of vintages parsed again by a newer reader. Returns one Lineage for each published row, role and
    source. Raises WarehouseError for an unknown table or column, a table without figures, no such row, more
    than a dozen rows, and a row that the rules find no origin for.
    """
    dbt = _read_dbt_manifest(release)
    models = _models(dbt)
    name = _model_named(models, table)
    full_name = _full_name(models[name])
    found: list[tuple[Row, str, tuple[str, ...], list[RowRef]]] = []
    with reading(release / DATABASE) as db:
        for row in _published_rows(db, models, name, conditions):
            groups: dict[Group, dict[RowRef, None]] = {}  # one row may serve twice; the order is kept
            for figure in _follow(db, models, name, row, None, (name,)):
                group = (figure.role, figure.path, str(figure.row["source"]))
                groups.setdefault(group, {}).update(dict.fromkeys(_references(figure.row)))
            if not groups:
                raise WarehouseError(_no_origin(models[name], row))
            for (role, path, source), references in _in_order(groups):
                found.append((row, role, _model_path(dbt, models, path, source), references))
    origins = find_origins(landing, cache, (reference for *_, some in found for reference in some))
    return tuple(
        Lineage(full_name, row, role, model_path, tuple(origins[reference] for reference in references))
        for row, role, model_path, references in found
    )


def _published_rows(
    db: duckdb.DuckDBPyConnection, models: Mapping[str, Node], name: str, conditions: Mapping[str, str]
) -> list[Row]:
    """Return the rows to trace, at most a dozen; raise WarehouseError when there are none or more."""
    full_name, rules = _full_name(models[name]), _rules(models[name])
    columns = _columns(db, full_name)
    if not rules and not _names_origin(columns):
        raise WarehouseError(
            f"{full_name} has no figures to trace: its rows name no row of a publisher's file, and the "
            f"release has no trace rule for it. {models[name].get('description', '').strip()}".strip()
        )
    rows = _select(db, full_name, conditions, limit=MOST_FIGURES + 1)
    if not rows:
        raise WarehouseError(f"no row of {full_name} has {_format(conditions)}")
    if len(rows) > MOST_FIGURES:
        keys = {column for rule in rules for column in rule.columns}
        others = [column for column in columns if column not in conditions]
        more = [column for column in others if column in keys] or others
        raise WarehouseError(
            f"more than {MOST_FIGURES} rows of {full_name} have {_format(conditions)}. Name more columns, "
            f"such as {', '.join(more)}"
        )
    return rows


def _follow(
    db: duckdb.DuckDBPyConnection,
    models: Mapping[str, Node],
    name: str,
    row: Row,
    role: str | None,
    path: tuple[str, ...],
) -> Iterator[Figure]:
    """Yield the rows that name a file and row, found from a row of a model by its trace rules."""
    if _names_origin(row):
        yield Figure(row.get("role") or role or DEFAULT_ROLE, path, row)
        return
    if len(path) >= MOST_STEPS:
        raise WarehouseError(f"the trace rules of {' → '.join(path)} do not end. Fix them in the dbt project")
    for rule in _rules(models[name]):
        if rule.model not in models:
            raise WarehouseError(
                f"the trace rule of {name} names the model {rule.model}, which does not exist. Fix it in the "
                "dbt project"
            )
        if missing := [column for column in rule.columns if column not in row]:
            raise WarehouseError(
                f"the trace rule of {name} names {', '.join(missing)}, which {_full_name(models[name])} does "
                "not have. Fix it in the dbt project"
            )
        keys = {key: row[key] for key in rule.keys}
        for found in _select(db, _full_name(models[rule.model]), keys, rule.where, row):
            yield from _follow(db, models, rule.model, found, rule.role or role, (*path, rule.model))


def _no_origin(node: Node, row: Row) -> str:
    """Return the message for a published row that no rule finds a figure for."""
    rules = _rules(node)
    values = {column: row.get(column) for rule in rules for column in rule.columns}
    reasons = "".join(f". {reason}" for reason in dict.fromkeys(rule.if_empty for rule in rules) if reason)
    reasons += f". Reason in the row: {row['reason']}" if row.get("reason") else ""
    targets = ", ".join(dict.fromkeys(rule.model for rule in rules))
    return f"{_full_name(node)}: no row of {targets} has a figure behind {_format(values)}{reasons}"


def _in_order(groups: dict[Group, dict[RowRef, None]]) -> list[tuple[Group, list[RowRef]]]:
    """Return the groups with roles in the order of the rules, and sources by name within a role."""
    roles = list(dict.fromkeys(role for role, _, _ in groups))
    ordered = sorted(groups, key=lambda group: (roles.index(group[0]), group[2], group[1]))
    return [(group, list(groups[group])) for group in ordered]


# --- the dbt manifest of a release ---


def _read_dbt_manifest(release: Path) -> Row:
    path = release / DBT_MANIFEST
    try:
        manifest: Row = json.loads(path.read_text(encoding="utf-8"))
        missing = [part for part in ("nodes", "sources", "parent_map") if part not in manifest]
    except (OSError, ValueError, TypeError) as error:
        raise WarehouseError(f"{path}: cannot be read ({error}). {RELEASE_REMEDY}") from error
    if missing:
        raise WarehouseError(f"{path}: has no {', '.join(missing)}. {RELEASE_REMEDY}")
    return manifest


def _models(dbt: Row) -> dict[str, Node]:
    return {
        node["name"]: node
        for node in dbt["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in ("core", "marts")
    }


def _model_named(models: Mapping[str, Node], table: str) -> str:
    """Return the model's name of a table, given with or without its schema."""
    schema, _, name = table.rpartition(".")
    if name not in models or schema not in ("", models[name]["schema"]):
        known = sorted(
            _full_name(node) for node in models.values() if _rules(node) or node["name"].startswith("fct_")
        )
        raise WarehouseError(f"there is no table {table!r} to trace. Tables with figures: {', '.join(known)}")
    return name


def _full_name(node: Node) -> str:
    return f"{node['schema']}.{node['name']}"


def _rules(node: Node) -> tuple[TraceRule, ...]:
    """Return the trace rules of a model; releases before 0.2 have one rule in place of a list."""
    stated = node.get("config", {}).get("meta", {}).get("trace") or []
    try:
        return RULES.validate_python([stated] if isinstance(stated, Mapping) else stated)
    except ValidationError as error:
        raise WarehouseError(
            f"config.meta.trace of {node['name']}: {describe_invalid(error)}. Fix it in the dbt project"
        ) from error


def _model_path(dbt: Row, models: Mapping[str, Node], path: tuple[str, ...], source: str) -> tuple[str, ...]:
    """Return the shortest chain of models through those of `path` to the raw table of a source."""
    parents: Mapping[str, list[str]] = dbt["parent_map"]
    raw = next((id for id in parents if id.startswith("source.") and id.split(".")[-1] == source), None)
    if raw is None:
        raise WarehouseError(f"the dbt manifest of the release has no raw table of {source}")
    stops = [*(models[name]["unique_id"] for name in path), raw]
    chain = stops[:1]
    for start, goal in pairwise(stops):
        chain += _shortest(parents, start, goal)[1:]
    nodes = {**dbt["nodes"], **dbt["sources"]}
    return tuple(_full_name(nodes[id]) for id in chain)


def _shortest(parents: Mapping[str, list[str]], start: str, goal: str) -> list[str]:
    """Return the shortest path from a node to an ancestor; just the two for a helper that is no ancestor."""
    paths, seen = deque([[start]]), {start}
    while paths:
        path = paths.popleft()
        if path[-1] == goal:
            return path
        for parent in sorted(parents.get(path[-1], [])):
            if parent not in seen:
                seen.add(parent)
                paths.append([*path, parent])
    return [start, goal]


# --- rows of the release ---


def _select(
    db: duckdb.DuckDBPyConnection,
    table: str,
    values: Mapping[str, Any],
    where: str | None = None,
    given: Mapping[str, Any] | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Return the rows of a table whose columns print as `values`, ordered by all columns, at most `limit`.

    In the condition `where`, `$column` is the value that `given` has for it.
    """
    columns = _columns(db, table)
    if unknown := [name for name in values if name not in columns]:
        raise WarehouseError(f"{table} has no column {', '.join(unknown)}; it has {', '.join(columns)}")
    tests = [
        f'cast("{name}" as varchar) is not distinct from cast($value_{number} as varchar)'
        for number, name in enumerate(values)
    ]
    condition = " and ".join([*tests, *([f"({where})"] if where else [])]) or "true"
    parameters = {f"value_{number}": value for number, value in enumerate(values.values())}
    parameters |= {name: (given or {})[name] for name in PARAMETER.findall(where or "")}
    found = db.execute(
        f"select * from {table} where {condition} order by all limit {limit or 'all'}", parameters
    )
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def _columns(db: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [name for name, *_ in db.execute(f"select * from {table} limit 0").description or ()]


def _names_origin(columns: Row | list[str]) -> bool:
    return all(name in columns for name in ("source", "vintage", "_file", "_row"))


def _references(row: Row) -> list[RowRef]:
    """Return the file rows of a core row: of a revision, those before and after it.

    A figure that a publisher withdrew may have no row in the newer vintage.
    """
    sides = [("previous_vintage", "_previous_file", "_previous_row"), ("vintage", "_file", "_row")]
    return [
        RowRef(row["source"], row[vintage], row[file], int(row[number]))
        for vintage, file, number in sides
        if row.get(file) is not None
    ]


def _format(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items()) or "no conditions"
