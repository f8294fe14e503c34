"""From a published figure back to the bytes it came from.

Keeps: the way back is read off what the release and the landing say of themselves. The release's dbt
manifest holds, for each mart, `meta.trace`: `model`, the core model that its rows come from; `keys`, the key
columns they share; `where`, a condition, in which `$column` is what the published row has there; `if_empty`,
the reason why a row may have no core rows. The core rows hold `source`, `vintage`, `_file` and `_row`; the
vintage's manifest holds the file's address, checksum and time; its `rows.parquet` holds the row as sent.

Refuses: to guess. A figure whose file is not in the landing, or whose checksum no longer holds, is said so.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import WarehouseError
from warehouse.files import sha256_of

MOST_FIGURES = 12
RowsOf = Callable[[str, str], Path]


@dataclass(frozen=True)
class Origin:
    """The bytes behind one core row: the row as sent, its file, address, checksum and time."""

    raw_row: dict[str, Any]
    source: str
    vintage: str
    file: Path
    place: str
    row: int
    sha256: str
    is_checksum_right: bool
    address: str
    retrieved_at: str


@dataclass(frozen=True)
class Trail:
    """One published row, the models it went through, and where its figures came from."""

    table: str
    published: dict[str, Any]
    models: tuple[str, ...]
    origins: tuple[Origin, ...]


def trace(
    release: Path, landing: Path, rows_of: RowsOf, table: str, wanted: Mapping[str, str]
) -> tuple[Trail, ...]:
    """Find the rows of a mart (`marts.<name>`) where each named column prints as wanted, and their origins.

    `rows_of` finds the Parquet file of a vintage's parsed rows, by source and vintage.
    Raises WarehouseError for an unknown table or column, for no such row, and for more than a dozen.
    """
    manifest = json.loads((release / "dbt_docs" / "manifest.json").read_text(encoding="utf-8"))
    name = table.removeprefix("marts.")
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    if name not in models or models[name]["schema"] != "marts":
        known = sorted(node["name"] for node in models.values() if node["schema"] == "marts")
        raise WarehouseError(f"there is no mart {name!r}; known are {', '.join(known)}")
    rule = models[name]["config"]["meta"].get("trace")
    if not rule:
        raise WarehouseError(f"marts.{name} tells of loads and not of figures: it has no rows to trace")
    with duckdb.connect(str(release / "warehouse.duckdb"), read_only=True) as db:
        rows = select(db, f"marts.{name}", wanted)
        if not rows:
            raise WarehouseError(f"no row of marts.{name} has {spell(wanted)}")
        if len(rows) > MOST_FIGURES:
            raise WarehouseError(
                f"{len(rows)} rows of marts.{name} have {spell(wanted)}; name more columns, "
                f"such as {', '.join(key for key in key_columns(rule) if key not in wanted)}"
            )
        trails = []
        for row in rows:
            shared = {key: row[key] for key in rule["keys"]}
            figures = select(db, f"core.{rule['model']}", shared, rule.get("where"), row)
            for source in sorted({str(one["source"]) for one in figures}):
                trails.append(
                    Trail(
                        table=f"marts.{name}",
                        published=row,
                        models=way(manifest, models[name]["unique_id"], rule["model"], source),
                        origins=tuple(
                            origin_of(landing, rows_of, *place)
                            for place in dict.fromkeys(
                                place for one in figures if one["source"] == source for place in places(one)
                            )
                        ),
                    )
                )
            if not figures:
                raise WarehouseError(
                    f"marts.{name}: no row of core.{rule['model']} is behind {spell(shared)}"
                    + (f". {rule['if_empty']}" if rule.get("if_empty") else "")
                )
    return tuple(trails)


def key_columns(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of a mart that its trace rule reads, each once."""
    return tuple(dict.fromkeys([*rule["keys"], *re.findall(r"\$(\w+)", rule.get("where") or "")]))


def select(
    db: duckdb.DuckDBPyConnection,
    table: str,
    wanted: Mapping[str, Any],
    condition: str | None = None,
    given: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of a table whose columns print as wanted, as dicts, in the order of all columns.

    In `condition`, `$column` is the value that `given` has for it.
    """
    columns = [name for name, *_ in db.execute(f"select * from {table} limit 0").description or ()]
    unknown = [name for name in wanted if name not in columns]
    if unknown:
        raise WarehouseError(f"{table} has no column {', '.join(unknown)}; it has {', '.join(columns)}")
    tests = [
        f'cast("{name}" as varchar) is not distinct from cast($wanted_{place} as varchar)'
        for place, name in enumerate(wanted)
    ]
    where = " and ".join([*tests, *([f"({condition})"] if condition else [])]) or "true"
    values = {f"wanted_{place}": value for place, value in enumerate(wanted.values())}
    values |= {name: (given or {})[name] for name in re.findall(r"\$(\w+)", condition or "")}
    found = db.execute(f"select * from {table} where {where} order by all", values)
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def way(manifest: Mapping[str, Any], mart: str, through: str, source: str) -> tuple[str, ...]:
    """Return the shortest chain of models from a mart, through a core model, to a source's raw relation."""
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    core = next(unique for unique in parents if unique.split(".")[-1] == through)
    raw = next(
        (one for one in parents if one.startswith("source.") and one.split(".")[-1] == source),
        None,
    )
    if raw is None:
        raise WarehouseError(f"dbt's manifest knows no raw relation of {source}")
    chain = shortest(parents, mart, core)[:-1] + shortest(parents, core, raw)
    named = {**manifest["nodes"], **manifest["sources"]}
    return tuple(f"{named[one]['schema']}.{named[one]['name']}" for one in chain)


def shortest(parents: Mapping[str, list[str]], start: str, goal: str) -> list[str]:
    """Return the shortest way from a node to one of its ancestors, both included."""
    ways = deque([[start]])
    seen = {start}
    while ways:
        path = ways.popleft()
        if path[-1] == goal:
            return path
        for parent in sorted(parents.get(path[-1], [])):
            if parent not in seen:
                seen.add(parent)
                ways.append([*path, parent])
    raise WarehouseError(f"dbt's manifest has no way from {start} to {goal}")


def places(figure: Mapping[str, Any]) -> list[tuple[str, str, str, int]]:
    """Return source, vintage, file and row of a core row: of a revision, those before and after it.

    A figure that a publisher withdrew may have no row in the newer vintage.
    """
    sides = [("previous_vintage", "_previous_file", "_previous_row"), ("vintage", "_file", "_row")]
    return [
        (figure["source"], figure[vintage], figure[file], figure[row])
        for vintage, file, row in sides
        if figure.get(file) is not None
    ]


def origin_of(landing: Path, rows_of: RowsOf, source: str, vintage: str, place: str, row: int) -> Origin:
    """Find the file, checksum, address and raw row behind a place in a vintage."""
    directory = landing / source / vintage
    if not (directory / "manifest.json").exists():
        raise WarehouseError(f"{directory}: this vintage is not in the landing. Restore it from the backup")
    told = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    name = place.partition("#")[0]
    file = next(one for one in told["files"] if one["name"] == name)
    path = directory / "files" / file["name"]
    with duckdb.connect() as db:
        rows = select(
            db,
            f"read_parquet('{str(rows_of(source, vintage)).replace(chr(39), chr(39) * 2)}')",
            {"_file": place, "_row": row},
        )
    if len(rows) != 1:
        raise WarehouseError(f"{path}: {len(rows)} parsed rows are {place} row {row}")
    return Origin(
        raw_row=rows[0],
        source=source,
        vintage=vintage,
        file=path,
        place=place.partition("#")[2],
        row=int(row),
        sha256=file["sha256"],
        is_checksum_right=path.exists() and sha256_of(path) == file["sha256"],
        address=file["address"],
        retrieved_at=file["retrieved_at"],
    )


def spell(wanted: Mapping[str, Any]) -> str:
    """Spell conditions as they were given."""
    return " ".join(f"{name}={value}" for name, value in wanted.items()) or "no conditions"
