"""The append-only store of vintages: every pull of a publisher's table that was ever accepted.

A vintage is a directory `landing/<source>/<vintage>/` with three things in it: `files/`, the bytes as
sent; `rows.parquet`, those bytes parsed to rows of text; and `manifest.json`, which says where the bytes
came from, when, with what checksums, and what the gate said of them.

Keeps:
- Bytes are never changed or removed once accepted. There is no function here that does either.
- The manifest is written last, by rename. A directory without one never happened, and is cleared by
  the next pull.
- Ids only grow: `2024-07-12`, then `2024-07-12.02`; a clock that goes back continues the last day. Only a
  person's ruling (a backfill that was approved, a refusal that was overruled) files an older answer under its
  own day, among the vintages that are there: it becomes history, and never the newest.
- News is decided on rows: equal `rows_digest`, whatever the envelope says, is no news.
- `checks.jsonl` has a line for each nightly look at a source, so that silence can be told from absence.

Refuses: to accept bytes that differ from the checksums taken while they were fetched, rows whose columns
are not the agreed ones, and two writers on one source at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from warehouse.errors import SourceError, WarehouseError
from warehouse.files import append_line, complete_lines, fsync, sha256_of, write_atomic
from warehouse.model import Fetched, Ruling, Source, Vintage, raw_schema

INCOMING = ".incoming"
ABANDONED_AFTER_SECONDS = 24 * 3600
UNIT_SEPARATOR = 31  # joins the columns of a row for its digest; cannot occur in a publisher's text
NULL_MARK = 30  # stands for null in that digest, so that null and empty text differ


@dataclass(frozen=True)
class Parsed:
    """A pull that was read: its rows on disk, their count, and the digest that decides news."""

    rows: Path
    row_count: int
    rows_digest: str


@dataclass(frozen=True)
class Check:
    """One look at a source, and its outcome: accepted, unchanged, rejected or failed.

    `looked_at` is our clock. `checked_at` is when what was seen left the publisher: the same for a live look,
    the recorded time for a mirror's. The log's order, and neither clock, says which look was the last.
    """

    source: str
    looked_at: datetime
    checked_at: datetime
    outcome: str
    vintage: str | None
    detail: str


@contextmanager
def writing(landing: Path, source: str) -> Iterator[None]:
    """Hold the one writer's place of a source; raise when another process holds it."""
    folder = landing / source
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise WarehouseError(
            f"{source}: another run is writing this source now (lock {folder / '.lock'}). "
            "Wait for it to end; the lock goes with its process"
        ) from None


def new_incoming(landing: Path, source: str) -> Path:
    """Make a fresh directory for a pull in progress, and clear those abandoned for over a day."""
    shelf = landing / source / INCOMING
    shelf.mkdir(parents=True, exist_ok=True)
    for old in shelf.iterdir():
        if time.time() - old.stat().st_mtime > ABANDONED_AFTER_SECONDS:
            shutil.rmtree(old)
    fresh = shelf / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}"
    (fresh / "files").mkdir(parents=True)
    return fresh


def parse(source: Source, files: tuple[Fetched, ...], directory: Path, rows: Path) -> Parsed:
    """Read a pull's files into one Parquet file of text, and digest its rows.

    `directory` holds `files/`. Raises SourceError for bytes that are not those that were fetched, and
    for columns other than the agreed ones; whatever the reader raises passes through.
    """
    paths: dict[str, Path] = {}
    for file in files:
        path = directory / "files" / file.name
        if not path.is_file() or sha256_of(path) != file.sha256:
            raise SourceError(
                source.name,
                "the bytes on disk are not those that were fetched",
                address=file.address,
                file=str(path),
                remedy="Fetch again; if it recurs, check the disk",
            )
        paths[file.name] = path
    work = directory / "work"
    work.mkdir(exist_ok=True)
    schema = raw_schema(source.columns)
    partial = rows.with_suffix(f".{os.getpid()}.partial")  # two processes may read an old vintage anew
    partial.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for batch in reading(source, paths, work):
            if batch.schema.names != schema.names:
                raise SourceError(
                    source.name,
                    f"the reader yields columns {batch.schema.names}, agreed are {schema.names}",
                    remedy=f"Mend warehouse/sources/{source.name}.py",
                )
            writer.write_batch(batch.cast(schema))
            count += batch.num_rows
    shutil.rmtree(work)
    fsync(partial)
    partial.replace(rows)
    return Parsed(rows=rows, row_count=count, rows_digest=digest_rows(rows, source.columns))


def reading(source: Source, paths: dict[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield a reader's batches; an error that the reader did not foresee is one of its payload too."""
    try:
        yield from source.read(paths, work)
    except (ValueError, LookupError, TypeError, ArithmeticError, EOFError, pa.ArrowException) as error:
        raise SourceError(
            source.name,
            f"the reader failed with {error!r}",
            remedy=f"Look at the bytes, and have warehouse/sources/{source.name}.py refuse or read them",
        ) from error


def digest_rows(rows: Path, columns: tuple[str, ...]) -> str:
    """Digest the rows of a Parquet file regardless of their order: count and sum of the rows' MD5s."""
    joined = f", chr({UNIT_SEPARATOR}), ".join(f'coalesce("{name}", chr({NULL_MARK}))' for name in columns)
    with duckdb.connect() as db:
        found = db.execute(
            f"""
            select count(*), coalesce(sum(cast(md5_number_lower(row_text) as hugeint)), 0),
                coalesce(sum(cast(md5_number_upper(row_text) as hugeint)), 0)
            from (select concat({joined}) as row_text from read_parquet(?))
            """,
            [str(rows)],
        ).fetchone()
    if found is None:
        raise WarehouseError(f"{rows}: no digest could be computed")
    return hashlib.sha256(":".join(str(part) for part in found).encode()).hexdigest()


def vintages(landing: Path, source: str, as_of: date | None = None) -> tuple[Vintage, ...]:
    """List the accepted vintages of a source, oldest first, known on or before `as_of`."""
    folder = landing / source
    found = [
        read_manifest(path.parent)
        for path in sorted(folder.glob("*/manifest.json"))
        if not path.parent.name.startswith(".")
    ]
    return tuple(one for one in found if as_of is None or one.day <= as_of)


def read_manifest(directory: Path) -> Vintage:
    """Read a vintage's manifest; raise WarehouseError when it is not what this module writes."""
    path = directory / "manifest.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Vintage(
            source=told["source"],
            id=told["vintage"],
            retrieved_at=datetime.fromisoformat(told["retrieved_at"]),
            landed_at=datetime.fromisoformat(told["landed_at"]),
            directory=directory,
            files=tuple(fetched_from(file) for file in told["files"]),
            row_count=told["row_count"],
            rows_digest=told["rows_digest"],
            reader_version=told["reader_version"],
            overruled=ruling_from(told.get("overruled")),
            backfilled=ruling_from(told.get("backfilled")),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"{path}: unreadable manifest ({error!r}). Restore the landing from its backup"
        ) from error


def rows_of(source: Source, vintage: Vintage, cache: Path) -> Path:
    """Return the parsed rows of a vintage, read anew from its bytes when the reader has changed since."""
    if vintage.reader_version == source.reader_version:
        return vintage.rows_path
    rows = cache / source.name / f"{vintage.id}.v{source.reader_version}.parquet"
    if not rows.exists():
        with scratch_directory(cache) as scratch:
            (scratch / "files").symlink_to(vintage.directory / "files")
            parse(source, vintage.files, scratch, rows)
    return rows


@contextmanager
def scratch_directory(cache: Path) -> Iterator[Path]:
    """Lend a scratch directory that is gone afterwards."""
    scratch = cache / f".scratch-{os.getpid()}-{time.monotonic_ns()}"
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


def landed(landing: Path, source: str, pull: str) -> Vintage | None:
    """Return the vintage that a pull became, if it did: a task that is tried again asks first."""
    for vintage in reversed(vintages(landing, source)):
        told = json.loads((vintage.directory / "manifest.json").read_text(encoding="utf-8"))
        if told["pull"] == pull:
            return vintage
    return None


def held_answers(vintage: Vintage | None) -> dict[str, tuple[Fetched, Path]]:
    """Map each address of a vintage to its answer and file, for conditional requests."""
    if vintage is None:
        return {}
    return {file.address: (file, vintage.directory / "files" / file.name) for file in vintage.files}


def next_id(last: Vintage | None, retrieved_at: datetime) -> str:
    """Name the vintage after `last`: the day of retrieval, or the last day with the next suffix."""
    day = retrieved_at.astimezone(UTC).date()
    if last is None or day > last.day:
        return day.isoformat()
    number = int(last.id[11:] or "1") + 1
    if number > 99:  # two digits keep ids in the order of time when they are sorted as text
        raise WarehouseError(
            f"{last.source}: the hundredth vintage of {last.day}; look into what keeps changing"
        )
    return f"{last.day.isoformat()}.{number:02d}"


def before(past: tuple[Vintage, ...], retrieved_at: datetime) -> Vintage | None:
    """Return the vintage, of those listed oldest first, that an answer of `retrieved_at` comes after."""
    day = retrieved_at.astimezone(UTC).date()
    older = [one for one in past if one.day < day or (one.day == day and one.retrieved_at <= retrieved_at)]
    return older[-1] if older else None


def place_id(past: tuple[Vintage, ...], retrieved_at: datetime) -> str:
    """Name a vintage by the day of its retrieval, among those there are, so that ids stay in time's order.

    Raises WarehouseError when that day's vintages leave no id in the right place.
    """
    day = retrieved_at.astimezone(UTC).date()
    later = [one for one in past if one.day == day and one.retrieved_at > retrieved_at]
    if later:
        raise WarehouseError(
            f"{later[0].source}: the answer of {retrieved_at:%Y-%m-%d %H:%MZ} is older than vintage "
            f"{later[0].id} of the same day, and an id after it would put it in force over its successor. "
            "Leave it out"
        )
    same = [one for one in past if one.day == day]
    return next_id(same[-1] if same else None, retrieved_at)


def accept(
    landing: Path,
    source: Source,
    incoming: Path,
    files: tuple[Fetched, ...],
    parsed: Parsed,
    verdict: dict[str, Any],
    now: datetime,
    *,
    overruled: Ruling | None = None,
    backfilled: Ruling | None = None,
) -> Vintage:
    """Move a judged pull into the landing; the manifest's rename is the moment it becomes a vintage.

    A night's pull comes after the newest vintage. One that a person ruled on goes where its day says.
    """
    past = vintages(landing, source.name)
    retrieved_at = max(file.retrieved_at for file in files)
    if overruled or backfilled:
        last, vintage_id = before(past, retrieved_at), place_id(past, retrieved_at)
    else:
        last = past[-1] if past else None
        vintage_id = next_id(last, retrieved_at)
    place = landing / source.name / vintage_id
    if place.exists():  # no manifest, or next_id would have gone past it: a pull that was killed here
        shutil.rmtree(place)
    (incoming / "files" / "fetched.json").unlink(missing_ok=True)
    for path in (incoming / "files").iterdir():
        fsync(path)
    incoming.rename(place)
    manifest = {
        "source": source.name,
        "vintage": vintage_id,
        "title": source.title,
        "publisher": source.publisher,
        "homepage": source.homepage,
        "licence": source.licence,
        "retrieved_at": retrieved_at.isoformat(),
        "landed_at": now.isoformat(),
        "previous_vintage": last.id if last else None,
        "pull": incoming.name,
        "reader_version": source.reader_version,
        "row_count": parsed.row_count,
        "rows_digest": parsed.rows_digest,
        "rows_sha256": sha256_of(place / "rows.parquet"),
        "files": [
            asdict(file) | {"retrieved_at": file.retrieved_at.isoformat()}
            for file in sorted(files, key=lambda file: file.name)
        ],
        "validation": verdict,
    }
    if overruled:
        manifest["overruled"] = ruling_told(overruled)
    if backfilled:
        manifest["backfilled"] = ruling_told(backfilled)
    write_atomic(place / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    fsync(landing / source.name)
    return read_manifest(place)


def reject(rejected: Path, source: str, incoming: Path, report: dict[str, Any]) -> Path:
    """Put a pull on the shelf with its bytes and the report that says why; return the place."""
    shelf = rejected / source
    shelf.mkdir(parents=True, exist_ok=True)
    place = shelf / incoming.name
    write_atomic(incoming / "report.json", json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    incoming.rename(place)
    return place


def discard(incoming: Path) -> None:
    """Remove a pull that brought no news or did not arrive whole."""
    shutil.rmtree(incoming, ignore_errors=True)


def record_check(landing: Path, check: Check) -> None:
    """Append one line to the source's log of checks."""
    path = landing / check.source / "checks.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {name: at.isoformat() if isinstance(at, datetime) else at for name, at in asdict(check).items()}
    append_line(path, json.dumps(told, ensure_ascii=False))


def checks(landing: Path, source: str) -> tuple[Check, ...]:
    """Read the log of checks of a source, oldest first; a last line cut by a crash is left out."""
    lines = [json.loads(line) for line in complete_lines(landing / source / "checks.jsonl")]
    return tuple(
        Check(
            **(line | {clock: datetime.fromisoformat(line[clock]) for clock in ("looked_at", "checked_at")})
        )
        for line in lines
    )


def fetched_from(told: dict[str, Any]) -> Fetched:
    """Rebuild a Fetched from its manifest entry."""
    return Fetched(**(told | {"retrieved_at": datetime.fromisoformat(told["retrieved_at"])}))


def ruling_told(ruling: Ruling) -> dict[str, str]:
    """Spell a ruling for a manifest."""
    return asdict(ruling) | {"at": ruling.at.isoformat()}


def ruling_from(told: dict[str, Any] | None) -> Ruling | None:
    """Rebuild a Ruling from its manifest entry, if there is one."""
    return Ruling(**(told | {"at": datetime.fromisoformat(told["at"])})) if told else None
