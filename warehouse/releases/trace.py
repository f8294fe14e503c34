"""From a published figure back to the bytes that it came from.

The dbt manifest of a release holds `config.meta.trace` of each mart: a rule, or a list of rules, `{role,
model, keys, where}`. A rule finds the rows of `model` (in schema core or marts) that have the same values as
the published row in the columns `keys` and meet the condition `where`, in which `$column` is the value of the
published row. Rows of core facts name source, vintage, `_file` and `_row`. A helper table has these columns
too, and may have `role`; or it has rules of its own, which are followed. The vintage's manifest gives the
file's address, checksum and time of retrieval, and its `rows.parquet` the row as sent. A rule `{role, note,
where}` has no model: its note states where the figures of a published row that meets `where` are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel, TypeAdapter, ValidationError, model_validator

from warehouse.errors import UnknownName, WarehouseError
from warehouse.files import describe_invalid, read_record
from warehouse.releases.keys import DBT_MANIFEST
from warehouse.releases.manifest import RELEASE_REMEDY
from warehouse.releases.origins import Origin, RowRef, find_origins
from warehouse.releases.store import DATABASE, reading

MOST_FIGURES = 12
MOST_STEPS = 4  # a mart, a helper table, a core fact, and one to spare
DEFAULT_ROLE = "figure"
FIX_RULE = "Fix it in the dbt project"
PARAMETER = re.compile(r"\$(\w+)")
Row = dict[str, Any]
Models = Mapping[str, Row]  # the nodes of the dbt manifest, by name
Group = tuple[str, tuple[str, ...], str]  # role, path, source


class TraceRule(BaseModel, frozen=True):
    """Where the figures of a published row come from; `role` is what they are to it, e.g. denominator.

    Of the rules of `model`, only those with one of `roles` are followed, if there are any. `if_empty` is the
    reason why a row may have no figures. `note` takes the place of `model` for figures that
    no table of the release holds.
    """

    role: str | None = None
    model: str | None = None
    note: str | None = None
    keys: tuple[str, ...] = ()
    where: str | None = None
    roles: tuple[str, ...] = ()
    if_empty: str | None = None

    @model_validator(mode="after")
    def _check_model_or_note(self) -> TraceRule:
        if (self.model is None) == (self.note is None):
            raise ValueError("a trace rule has either model or note")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the published row that the rule reads."""
        return tuple(dict.fromkeys([*self.keys, *PARAMETER.findall(self.where or "")]))


RULES = TypeAdapter(tuple[TraceRule, ...])


class DbtManifest(BaseModel, frozen=True):
    """What a trace reads of a dbt manifest: models, raw tables, and the parents of each by id."""

    nodes: dict[str, Row]
    sources: dict[str, Row]
    parent_map: dict[str, list[str]]


@dataclass(frozen=True)
class Lineage:
    """One published row, the models between it and a source, and the origins of its figures.

    `role` is what the figures of these origins are to the published row: `figure`, `numerator`, … Without
    origins, `note` states where the figures are.
    """

    table: str
    published: Row
    role: str
    models: tuple[str, ...]
    origins: tuple[Origin, ...]
    note: str | None = None

    @property
    def is_intact(self) -> bool:
        """Return whether the checksums of all origins match."""
        return all(origin.is_intact for origin in self.origins)


def trace(
    release: Path, landing: Path, cache: Path, table: str, conditions: Mapping[str, str]
) -> tuple[Lineage, ...]:
    """Find the rows of a table where each column of `conditions` prints as given, and their origins.

    `table` is a mart or a core fact (`marts.mart_trade_scale`, `core.fct_services_trade`). `cache` is the
    directory of vintages parsed again by a newer reader. Returns one Lineage for each published row, role and
    source, and for each note. Raises WarehouseError for an unknown table or column, a table without figures,
    no such row, more than a dozen rows, and a row that the rules find no origin for.
    """
    dbt = read_record(release / DBT_MANIFEST, DbtManifest, RELEASE_REMEDY)
    models = {
        node["name"]: node
        for node in dbt.nodes.values()
        if node["resource_type"] == "model" and node["schema"] in ("core", "marts", "bi")
    }
    node = _model_of(models, table)
    found: list[tuple[Row, str, tuple[str, ...], list[RowRef], str | None]] = []
    with reading(release / DATABASE) as db:
        for row in _published_rows(db, node, conditions):
            groups: dict[Group, dict[RowRef, None]] = {}  # one row may serve twice; the order is kept
            for role, path, figure in _follow(db, models, row, None, (node["name"],)):
                references = groups.setdefault((role, path, figure["source"]), {})
                references.update(dict.fromkeys(_references(figure)))
            notes = list(_notes(db, node, row))
            if not groups and not notes:
                raise WarehouseError(_no_origin(node, row))
            roles = [
                role for role, _, _ in groups
            ]  # in the order of the rules, each with its sources by name
            for group in sorted(groups, key=lambda group: (roles.index(group[0]), group[2], group[1])):
                role, path, source = group
                found.append((row, role, _model_path(dbt, models, path, source), list(groups[group]), None))
            found += [(row, role, (_full_name(node),), [], note) for role, note in notes]
    wanted = (reference for _, _, _, references, _ in found for reference in references)
    origins = find_origins(landing, cache, wanted)
    return tuple(
        Lineage(
            _full_name(node), row, role, path, tuple(origins[reference] for reference in references), note
        )
        for row, role, path, references, note in found
    )


def _published_rows(db: duckdb.DuckDBPyConnection, node: Row, conditions: Mapping[str, str]) -> list[Row]:
    """Return the rows to trace, at most a dozen; raise WarehouseError when there are none or more."""
    table, rules, columns = _full_name(node), _rules(node), _columns(db, _full_name(node))
    if not rules and not _names_origin(columns):
        raise WarehouseError(
            f"{table} has no figures to trace: its rows name no row of a publisher's file, and the "
            f"release has no trace rule for it. {node.get('description', '').strip()}".strip()
        )
    rows = _select(db, table, conditions, limit=MOST_FIGURES + 1)
    if not rows:
        raise WarehouseError(f"no row of {table} has {_format(conditions)}")
    if len(rows) > MOST_FIGURES:
        keys = {column for rule in rules for column in rule.columns}
        others = [column for column in columns if column not in conditions]
        more = [column for column in others if column in keys] or others
        raise WarehouseError(
            f"more than {MOST_FIGURES} rows of {table} have {_format(conditions)}. Name more columns, "
            f"such as {', '.join(more)}"
            if conditions
            else f"{table} has more than {MOST_FIGURES} rows. Name columns, such as {', '.join(more)}"
        )
    return rows


def _follow(
    db: duckdb.DuckDBPyConnection,
    models: Models,
    row: Row,
    role: str | None,
    path: tuple[str, ...],
    roles: tuple[str, ...] = (),
) -> Iterator[tuple[str, tuple[str, ...], Row]]:
    """Yield role, path and content of each row with a file that the rules find from a row of `path[-1]`.

    Of its rules, only those with one of `roles` are followed, if there are any.
    """
    node = models[path[-1]]
    if _names_origin(row):
        yield row.get("role") or role or DEFAULT_ROLE, path, row
        return
    if len(path) >= MOST_STEPS:
        raise WarehouseError(f"the trace rules of {' → '.join(path)} do not end. {FIX_RULE}")
    rules = _rules(node)
    if unknown := set(roles) - {rule.role for rule in rules}:
        raise WarehouseError(
            f"no trace rule of {path[-1]} has the role {', '.join(sorted(unknown))}. {FIX_RULE}"
        )
    for rule in rules:
        if roles and rule.role not in roles:
            continue
        _require_columns(node, rule, row)
        if rule.model is None:
            continue
        if rule.model not in models:
            raise WarehouseError(
                f"the trace rule of {path[-1]} names the model {rule.model}, which does not exist. {FIX_RULE}"
            )
        keys = {key: row[key] for key in rule.keys}
        for found in _select(db, _full_name(models[rule.model]), keys, rule.where, row):
            yield from _follow(db, models, found, rule.role or role, (*path, rule.model), rule.roles)


def _require_columns(node: Row, rule: TraceRule, row: Row) -> None:
    """Raise WarehouseError when a rule reads a column that the published row does not have."""
    if missing := [column for column in rule.columns if column not in row]:
        raise WarehouseError(
            f"the trace rule of {node['name']} names {', '.join(missing)}, which {_full_name(node)} does not "
            f"have. {FIX_RULE}"
        )


def _notes(db: duckdb.DuckDBPyConnection, node: Row, row: Row) -> Iterator[tuple[str, str]]:
    """Yield role and note of each rule without a model whose condition the published row meets."""
    for rule in _rules(node):
        parameters = {name: row[name] for name in PARAMETER.findall(rule.where or "")}
        if rule.note and db.execute(f"select 1 where {rule.where or 'true'}", parameters).fetchone():
            yield rule.role or DEFAULT_ROLE, rule.note.strip()


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


def _no_origin(node: Row, row: Row) -> str:
    """Return the message for a published row that no rule finds a figure for."""
    rules = _rules(node)
    values = {column: row.get(column) for rule in rules for column in rule.columns}
    reasons = [reason for reason in dict.fromkeys(rule.if_empty for rule in rules) if reason]
    reasons += [f"Reason in the row: {row['reason']}"] if row.get("reason") else []
    targets = ", ".join(dict.fromkeys(rule.model for rule in rules if rule.model)) or "a core table"
    stated = {column: value for column, value in values.items() if value is not None}
    behind = f"a figure behind {_format(stated)}" if stated else "its figure"
    message = f"{_full_name(node)}: no row of {targets} has {behind}"
    return ". ".join([message, *reasons])


# --- the dbt manifest of a release ---


def _model_of(models: Models, table: str) -> Row:
    """Return the model of a table, given with or without its schema."""
    schema, _, name = table.rpartition(".")
    if name not in models or schema not in ("", models[name]["schema"]):
        facts = [node for node in models.values() if _rules(node) or node["name"].startswith("fct_")]
        known = ", ".join(sorted(map(_full_name, facts)))
        raise UnknownName(f"there is no table {table!r} to trace. Tables with figures: {known}")
    return models[name]


def _full_name(node: Row) -> str:
    return f"{node['schema']}.{node['name']}"


def _rules(node: Row) -> tuple[TraceRule, ...]:
    """Return the trace rules of a model; releases before 0.2 have one rule in place of a list."""
    stated = node.get("config", {}).get("meta", {}).get("trace") or []
    try:
        return RULES.validate_python([stated] if isinstance(stated, Mapping) else stated)
    except ValidationError as error:
        raise WarehouseError(
            f"config.meta.trace of {node['name']}: {describe_invalid(error)}. {FIX_RULE}"
        ) from error


def _model_path(dbt: DbtManifest, models: Models, path: tuple[str, ...], source: str) -> tuple[str, ...]:
    """Return the shortest chain of models through those of `path` to the raw table of a source."""
    raw = next((id for id in dbt.sources if id.split(".")[-1] == source), None)
    if raw is None:
        raise WarehouseError(f"the dbt manifest of the release has no raw table of {source}")
    stops = [*(models[name]["unique_id"] for name in path), raw]
    chain = stops[:1]
    for start, goal in pairwise(stops):
        chain += _shortest(dbt.parent_map, start, goal)[1:]
    return tuple(_full_name((dbt.nodes | dbt.sources)[id]) for id in chain)


def _shortest(parents: Mapping[str, list[str]], start: str, goal: str) -> list[str]:
    """Return the shortest path from a node to an ancestor; just the two for a helper that is no ancestor."""
    paths = {start: [start]}
    for node in (queue := [start]):
        for parent in sorted(parents.get(node, [])):
            if parent not in paths:
                paths[parent] = [*paths[node], parent]
                queue.append(parent)
    return paths.get(goal, [start, goal])


# --- rows of the release ---


def _select(
    db: duckdb.DuckDBPyConnection,
    table: str,
    values: Mapping[str, Any],
    where: str | None = None,
    given: Row | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Return the rows of a table whose columns print as `values`, ordered by all columns, at most `limit`.

    In the condition `where`, `$column` is the value that `given` has for it.
    """
    columns = _columns(db, table)
    if unknown := [name for name in values if name not in columns]:
        raise UnknownName(f"{table} has no column {', '.join(unknown)}; it has {', '.join(columns)}")
    tests = [
        f'cast("{name}" as varchar) is not distinct from cast($value_{number} as varchar)'
        for number, name in enumerate(values)
    ]
    parameters = {f"value_{number}": value for number, value in enumerate(values.values())}
    parameters |= {name: (given or {})[name] for name in PARAMETER.findall(where or "")}
    condition = " and ".join([*tests, f"({where or 'true'})"])
    sql = f"select * from {table} where {condition} order by all limit {limit or 'all'}"
    return [dict(zip(columns, row, strict=True)) for row in db.execute(sql, parameters).fetchall()]


def _columns(db: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [name for name, *_ in db.execute(f"select * from {table} limit 0").description or ()]


def _names_origin(columns: Row | list[str]) -> bool:
    return all(name in columns for name in ("source", "vintage", "_file", "_row"))


def _format(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items()) or "no conditions"
