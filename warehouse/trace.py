"""From a published figure back to the bytes it came from.

Keeps: the way back is read off what the release and the landing say of themselves. The release's dbt
manifest holds, for each mart, `meta.trace`: a list of rules, each with the role of the rows it leads to (the
figure, a denominator, a previous year), their core model, the key columns that they share with the published
row, and a condition, in which `$column` is what the published row has there. The core rows hold `source`,
`vintage`, `_file` and `_row`; the vintage's manifest holds the file's address, checksum and time; its
`rows.parquet` holds the row as sent.

Refuses: to guess. A figure whose file is not in the landing, or whose checksum no longer holds, is said so.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
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
    """One published row, what the rows of this trail are to it, their models and their origins."""

    table: str
    role: str
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
    rules = models[name]["config"]["meta"].get("trace")
    if not rules:
        raise WarehouseError(f"marts.{name} tells of loads and not of figures: it has no rows to trace")
    # Releases made before rules had roles have one rule, which leads to the figure itself.
    rules = [{"role": "figure", **rules}] if isinstance(rules, dict) else rules
    with duckdb.connect(str(release / "warehouse.duckdb"), read_only=True) as db:
        rows = select(db, f"marts.{name}", wanted)
        if not rows:
            raise WarehouseError(f"no row of marts.{name} has {spell(wanted)}")
        if len(rows) > MOST_FIGURES:
            raise WarehouseError(
                f"{len(rows)} rows of marts.{name} have {spell(wanted)}; name more columns, "
                f"such as {', '.join(key for key in rules[0]['keys'] if key not in wanted)}"
            )
        trails = []
        for row in rows:
            for rule in rules:
                shared = {key: row[key] for key in rule["keys"]}
                figures = select(db, f"core.{rule['model']}", shared, rule.get("where"), row)
                # A denominator or a previous year may be missing: the figure that rests on it is null then.
                if not figures and rule is rules[0]:
                    raise WarehouseError(
                        f"marts.{name}: no row of core.{rule['model']} is behind {spell(shared)}"
                    )
                for source in sorted({str(one["source"]) for one in figures}):
                    found = [place for one in figures if one["source"] == source for place in places(one)]
                    trails.append(
                        Trail(
                            table=f"marts.{name}",
                            role=rule["role"],
                            published=row,
                            models=way(manifest, models[name]["unique_id"], rule["model"], source),
                            origins=origins_of(landing, rows_of, found),
                        )
                    )
    return tuple(trails)


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


def origins_of(
    landing: Path, rows_of: RowsOf, found: Sequence[tuple[str, str, str, int]]
) -> tuple[Origin, ...]:
    """Find file, checksum, address and raw row behind each (source, vintage, file, row), in their order.

    Each vintage is read once and each file's checksum is computed once, however many rows are asked for.
    """
    origins: dict[tuple[str, str, str, int], Origin] = {}
    for source, vintage in sorted({one[:2] for one in found}):
        directory = landing / source / vintage
        if not (directory / "manifest.json").exists():
            raise WarehouseError(
                f"{directory}: this vintage is not in the landing. Restore it from the backup"
            )
        told = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        files = {one["name"]: one for one in told["files"]}
        raw_rows = raw_rows_of(
            rows_of(source, vintage), {one[2:] for one in found if one[:2] == (source, vintage)}
        )
        checked: dict[str, bool] = {}
        for (place, row), raw_row in raw_rows.items():
            name, _, rest = place.partition("#")
            path = directory / "files" / name
            if name not in checked:
                checked[name] = path.exists() and sha256_of(path) == files[name]["sha256"]
            origins[source, vintage, place, row] = Origin(
                raw_row=raw_row,
                source=source,
                vintage=vintage,
                file=path,
                place=rest,
                row=int(row),
                sha256=files[name]["sha256"],
                is_checksum_right=checked[name],
                address=files[name]["address"],
                retrieved_at=files[name]["retrieved_at"],
            )
    return tuple(origins[one] for one in found)


def raw_rows_of(rows: Path, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """Read the rows of a vintage's Parquet file by file and row number; each must be there once."""
    with duckdb.connect() as db:
        relation = db.execute(
            "select * from read_parquet(?) where list_contains(?, _file || chr(0) || _row) order by all",
            [str(rows), [f"{file}\0{row}" for file, row in wanted]],
        )
        columns = [name for name, *_ in relation.description or ()]
        found = [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]
    by_place = {(one["_file"], one["_row"]): one for one in found}
    lacking = sorted(set(wanted) - set(by_place))
    if lacking or len(by_place) != len(found):
        raise WarehouseError(
            f"{rows}: {len(found)} parsed rows are the {len(wanted)} wanted; missing: {lacking[:3]}"
        )
    return by_place


def spell(wanted: Mapping[str, Any]) -> str:
    """Spell conditions as they were given."""
    return " ".join(f"{name}={value}" for name, value in wanted.items()) or "no conditions"
