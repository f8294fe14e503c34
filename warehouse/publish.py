"""Swaps a validated build in as the newest release, and a published one back in: all that moves `latest`.

Keeps: a release is a directory `published/<release>/` with `warehouse.duckdb`, `parquet/<table>.parquet`,
`data_docs/`, `dbt_docs/` and `MANIFEST.json`. It is made beside the others under a hidden name, renamed
when it is whole, and only then does the symlink `published/latest` move, by one rename. Readers have the
old release or the new one, never a mixture, and an open one stays as it was.

Every move is told in `published/history.jsonl`, append-only, *before* it is made: what is not told never
happened, and a move that was cut off between the two is made good by asking for it again. A release is
published once: a task that is tried again after somebody rolled its release back leaves `latest` alone.

Refuses: to change a release that stands; to publish a build that another release already is; to roll back
without a reason, or to a release whose database is not the one that was published; to write a Parquet file
whose rows' order depends on anything but the rows.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from warehouse.errors import WarehouseError
from warehouse.files import append_line, complete_lines, fsync, sha256_of

PARTIAL_PREFIX = ".partial-"
ROW_GROUP_ROWS = 122_880
HISTORY = "history.jsonl"
MOVING_TIMEOUT_SECONDS = 60  # a move takes milliseconds; only a stopped process holds the place longer


@dataclass(frozen=True)
class Move:
    """One line of the history: what was done with a release, and what `latest` was before and after.

    `action` is publish, rollback or remove. Publishing a build of the past, or removing an old release,
    leaves `latest` where it is. `fingerprint` and `newest` (source to newest vintage) are of the release that
    a rollback took out of force.
    """

    at: datetime
    action: str
    release: str
    before: str | None
    after: str | None
    who: str
    why: str
    fingerprint: str | None = None
    newest: Mapping[str, str] | None = None


def publish(
    published: Path,
    release: str,
    build_file: Path,
    docs: Mapping[str, Path],
    facts: Mapping[str, Any],
    *,
    is_latest: bool = True,
    who: str = "unknown",
) -> Path:
    """Make release `release` of a sealed and validated build file and, if it is the latest, say so.

    `docs` maps a name within the release to a directory or file to take in; `facts` go to MANIFEST.json.
    The build file is linked into the release and not moved, so that a publish that was killed is simply run
    again; both must lie on one file system.
    """
    published.mkdir(parents=True, exist_ok=True)
    place = published / release
    if place.exists():
        if read_manifest(place)["database"]["sha256"] != sha256_of(build_file):
            raise WarehouseError(f"{place}: this release exists already; a release is never changed")
        enter(published, release, who, is_latest=is_latest)
        return place
    for left in published.glob(f"{PARTIAL_PREFIX}*"):
        shutil.rmtree(left)
    partial = published / f"{PARTIAL_PREFIX}{release}"
    (partial / "parquet").mkdir(parents=True)
    tables = export_parquet(build_file, partial / "parquet")
    for name, origin in docs.items():
        if origin.is_dir():
            shutil.copytree(origin, partial / name)
        else:
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, partial / name)
    manifest = dict(facts) | {
        "release": release,
        "database": {
            "file": "warehouse.duckdb",
            "sha256": sha256_of(build_file),
            "size_bytes": build_file.stat().st_size,
        },
        "tables": tables,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2, default=str) + "\n"
    (partial / "MANIFEST.json").write_text(text, encoding="utf-8")
    (partial / "warehouse.duckdb").hardlink_to(build_file)
    for path in sorted(partial.rglob("*")):
        if path.is_file():
            path.chmod(0o444)
        fsync(path)
    partial.rename(place)
    fsync(published)
    enter(published, release, who, is_latest=is_latest)
    return place


def enter(published: Path, release: str, who: str, *, is_latest: bool) -> None:
    """Tell of a whole release in the history and, if it is the latest, turn `latest` to it; once only."""
    with moving(published):
        past, before = history(published), pointed_at(published)
        if not any(release in (one.release, one.before, one.after) for one in past):
            after = release if is_latest else before
            why = "a new build passed" if is_latest else "a build of the past, beside the others"
            record(published, Move(datetime.now(UTC), "publish", release, before, after, who, why))
        elif (last := last_turn(past)) is not None and last.after != release:
            return  # it had its turn, and somebody has moved `latest` on since
        if is_latest:
            point_latest(published, release)


def rollback(published: Path, release: str, why: str, who: str) -> Move:
    """Turn `latest` to a release that was published before, on record; return the record.

    Asked again after it was cut off, it finishes; asked again after it was done, it changes nothing. Raises
    WarehouseError when there is no such release, its database is damaged, or it stands already.
    """
    if not why.strip():
        raise WarehouseError("a rollback needs a reason: say it with --why, for whoever reads the history")
    with moving(published):
        known = [one.name for one in releases(published)]
        if release not in known:
            raise WarehouseError(
                f"{published}: no release {release!r}; there are {', '.join(known) or 'none'}"
            )
        told = read_manifest(published / release)["database"]
        if sha256_of(published / release / told["file"]) != told["sha256"]:
            raise WarehouseError(
                f"{published / release / told['file']}: not the bytes that were published, so `latest` stays "
                "as it is. Roll back to another release, or restore this one from the backup"
            )
        past, before = history(published), pointed_at(published)
        last = last_turn(past)
        is_told = last is not None and last.action == "rollback" and last.after == release
        if before == release and not is_told:
            raise WarehouseError(f"{release} is the release that stands; there is nothing to roll back")
        if last is not None and is_told:
            move = last
        else:
            fingerprint, newest = facts_of(published, before)
            now = datetime.now(UTC)
            move = Move(now, "rollback", release, before, release, who, why.strip(), fingerprint, newest)
            record(published, move)
        point_latest(published, release)
    return move


def last_turn(past: tuple[Move, ...]) -> Move | None:
    """Return the last line of the history that was to turn `latest`, or None."""
    turns = [one for one in past if one.action == "rollback" or one.release == one.after != one.before]
    return turns[-1] if turns else None


def facts_of(published: Path, release: str | None) -> tuple[str | None, dict[str, str] | None]:
    """Return a release's fingerprint and its newest vintage of each source; nothing if it is gone."""
    if release is None or not (published / release / "MANIFEST.json").exists():
        return None, None
    told = read_manifest(published / release)
    newest: dict[str, str] = {}
    for one in told.get("vintages", ()):
        newest[one["source"]] = max(one["vintage"], newest.get(one["source"], ""))
    return told.get("fingerprint"), newest


def withdrawn(published: Path) -> dict[str, Move]:
    """Map each release that was rolled back from, not overtaken nor brought back since, to its rollback."""
    found: dict[str, Move] = {}
    for one in history(published):
        if one.action == "publish" and one.after == one.release:
            found.clear()
        elif one.action == "rollback":
            if one.before is not None:
                found[one.before] = one
            found.pop(one.release, None)
    return found


def releases(published: Path) -> tuple[Path, ...]:
    """List the whole releases in the order in which they were published.

    The history's order comes before any clock's; releases older than the history come first, by name.
    """
    order = {one.release: n for n, one in enumerate(history(published)) if one.action == "publish"}
    found = [
        path.parent for path in published.glob("*/MANIFEST.json") if not path.parent.name.startswith(".")
    ]
    return tuple(
        sorted(
            (one for one in found if not one.is_symlink()),
            key=lambda one: (order.get(one.name, -1), one.name),
        )
    )


def history(published: Path) -> tuple[Move, ...]:
    """Read the history, oldest first; a last line that a crash cut in two is left out."""
    path = published / HISTORY
    moves = []
    for number, line in enumerate(complete_lines(path), start=1):
        try:
            told = json.loads(line)
            at = datetime.fromisoformat(told["at"])
            before, after = told.pop("from"), told.pop("to")
            moves.append(Move(**(told | {"at": at, "before": before, "after": after})))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WarehouseError(
                f"{path}, line {number}: unreadable ({error!r}). Restore the file from the backup, or take "
                "the line out; `latest` and the releases are not touched by it"
            ) from error
    return tuple(moves)


def record(published: Path, move: Move) -> None:
    """Append one line to the history; it is on the disk when this returns."""
    told: dict[str, Any] = {
        "at": move.at.isoformat(),
        "action": move.action,
        "release": move.release,
        "from": move.before,
        "to": move.after,
        "who": move.who,
        "why": move.why,
    }
    if move.action == "rollback":
        told |= {"fingerprint": move.fingerprint, "newest": move.newest}
    append_line(published / HISTORY, json.dumps(told, ensure_ascii=False))


@contextmanager
def moving(published: Path) -> Iterator[None]:
    """Hold the place of the one who moves `latest` or removes a release; a build at work does not hold it."""
    try:
        with FileLock(published / ".lock", timeout=MOVING_TIMEOUT_SECONDS):
            yield
    except Timeout:
        raise WarehouseError(
            f"another process is moving `latest` now (lock {published / '.lock'}). Wait for it to end; the "
            "lock goes with its process"
        ) from None


def point_latest(published: Path, release: str) -> None:
    """Turn the symlink `latest` to a release by one rename, so that it is never missing."""
    fresh = published / ".latest.partial"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(release)
    fresh.replace(published / "latest")
    fsync(published)


def standing(published: Path) -> Path | None:
    """Return the release that readers see now, or None before the first."""
    latest = published / "latest"
    return latest.resolve(strict=True) if latest.is_symlink() else None


def pointed_at(published: Path) -> str | None:
    """Return the name that `latest` points at, whether or not a release is there; None without `latest`."""
    latest = published / "latest"
    return latest.readlink().name if latest.is_symlink() else None


def read_manifest(release: Path) -> dict[str, Any]:
    """Read a release's MANIFEST.json."""
    told: dict[str, Any] = json.loads((release / "MANIFEST.json").read_text(encoding="utf-8"))
    return told


def revisions_by_kind(database: Path, vintages: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Count the revisions that some vintages (source, vintage) brought: new, changed, withdrawn."""
    fresh = [f"{one['source']}/{one['vintage']}" for one in vintages]
    with duckdb.connect(str(database), read_only=True) as db:
        found = db.execute(
            "select kind, count(*) from core.fct_revision "
            "where list_contains(?, source || '/' || vintage) group by kind order by kind",
            [fresh],
        ).fetchall()
    return {"new": 0, "changed": 0, "withdrawn": 0} | dict(found)


def big_revisions(database: Path, vintages: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """List the revisions beyond their threshold that vintages (source, vintage) brought, the biggest first.

    One from zero, which has no percentage, goes before all others.
    """
    fresh = [f"{one['source']}/{one['vintage']}" for one in vintages]
    with duckdb.connect(str(database), read_only=True) as db:
        found = db.execute(
            "select source, vintage, previous_vintage, series, period_label, previous_value, value, "
            "change_pct, threshold_pct from marts.mart_revision_alert "
            "where list_contains(?, source || '/' || vintage) "
            "order by abs(change_pct) desc nulls first, source, series, period_label, vintage",
            [fresh],
        )
        columns = [name for name, *_ in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def export_parquet(build_file: Path, into: Path) -> dict[str, dict[str, Any]]:
    """Write each table, its rows in the order of all columns, to `<table>.parquet`.

    Returns for each table its schema, row count, size, and the checksum of the file.
    """
    told: dict[str, dict[str, Any]] = {}
    with duckdb.connect(str(build_file), read_only=True) as db:
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where not internal order by all"
        ).fetchall()
        if not tables:
            raise WarehouseError(f"{build_file}: no table to publish")
        for schema, table in tables:
            if table in told:
                raise WarehouseError(f"two tables named {table}: their Parquet files would collide")
            path = into / f"{table}.parquet"
            db.execute(
                f'copy (select * from "{schema}"."{table}" order by all) to '
                f"'{str(path).replace(chr(39), chr(39) * 2)}' "
                f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
            )
            counted = db.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
            told[table] = {
                "schema": schema,
                "rows": counted[0] if counted else 0,
                "size_bytes": path.stat().st_size,
                "sha256": sha256_of(path),
            }
    return told
