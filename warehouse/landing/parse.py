"""Parse the bytes of a load into rows of text in one Parquet file, and digest the rows."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warehouse.arrow import pa, pc, pq
from warehouse.database import connect
from warehouse.errors import SourceError, WarehouseError
from warehouse.files import fsync, locked, sha256_of
from warehouse.model import Drift, Fetched, Note, Source, Vintage, raw_schema

UNIT_SEPARATOR = 31  # joins the columns of a row for its digest
CARRIED = ".from-"  # in the name of a file of an older vintage, from which unread parts are read
_CARRIED_NAME = re.compile(re.escape(CARRIED) + r"(\d{4}-\d\d-\d\d(?:\.\d\d)?)")
MOST_DRIFT = 50  # records of one load: beyond this the layout is another one, and the gate says so
SCRATCH = ".scratch-"  # begins the names of scratch directories
LONGEST_PARSE_SECONDS = 3600  # another process may parse a vintage of the largest table
NULL_MARK = 30  # represents null in the digest, so that null and empty text differ


@dataclass(frozen=True)
class Parsed:
    """The parsed rows of a load: their Parquet file, count and digest, and what the reader went on from.

    `unread` has each file with a part of it that could not be read, and the reason; also a carried file that
    does not give such a part.
    """

    rows: Path
    row_count: int
    rows_digest: str
    drift: tuple[Drift, ...] = ()
    unread: tuple[tuple[str, str, str], ...] = ()


def parse(source: Source, files: tuple[Fetched, ...], directory: Path, rows: Path) -> Parsed:
    """Parse the files of a load into one Parquet file of text.

    `directory` holds `files/`; no other process writes `rows` at the same time. What the reader unpacks is
    removed, and an incomplete Parquet file too. Raises SourceError when a file does not have its recorded
    checksum, when the reader yields other columns than the source declares, and for every error of the
    reader.
    """
    paths = {file.name: _verified(source, file, directory / "files" / file.name) for file in files}
    current = {name: path for name, path in paths.items() if CARRIED not in name}
    work = directory / "work"
    work.mkdir(exist_ok=True)
    schema = raw_schema(source.columns)
    partial = rows.with_suffix(".partial")
    count = 0
    drift: dict[Drift, None] = {}  # in the order of the notes, without repetitions
    unread: dict[tuple[str, str], str] = {}

    def note(file: str, detail: str, *, failed_part: str = "") -> None:
        if failed_part:
            unread[file, failed_part] = detail
        elif len(drift) < MOST_DRIFT:
            drift[Drift(file=file, detail=detail)] = None

    try:
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for batch in _batches(source, current, work, note):
                writer.write_batch(batch.cast(schema))
                count += batch.num_rows
            pending = set(unread)
            for name in sorted(paths.keys() - current.keys(), key=_carried_from, reverse=True):
                older = current | {_CARRIED_NAME.sub("", name): paths[name]}
                for batch in _carried_batches(source, older, name, work, pending, note):
                    writer.write_batch(batch.cast(schema))
                    count += batch.num_rows
        if unread and not count:
            (file, part), reason = next(iter(unread.items()))
            raise SourceError(source.name, f"no part could be read; {part}: {reason}", file=file)
        fsync(partial)
        partial.replace(rows)
    finally:
        shutil.rmtree(work)
        partial.unlink(missing_ok=True)
    return Parsed(
        rows=rows,
        row_count=count,
        rows_digest=digest_rows(rows, source.columns),
        drift=tuple(drift),
        unread=tuple((file, part, reason) for (file, part), reason in unread.items()),
    )


def _verified(source: Source, file: Fetched, path: Path) -> Path:
    if not path.is_file() or sha256_of(path) != file.sha256:
        raise SourceError(
            source.name,
            "the file on disk is not the one that was fetched",
            address=file.address,
            file=str(path),
            remedy="Fetch again; if this recurs, check the disk",
        )
    return path


def _batches(source: Source, paths: dict[str, Path], work: Path, note: Note) -> Iterator[pa.RecordBatch]:
    """Yield the reader's batches; an error that the reader did not foresee becomes a SourceError."""
    expected = raw_schema(source.columns).names
    try:
        for batch in source.read(paths, work, note):
            if batch.schema.names != expected:
                raise SourceError(
                    source.name,
                    f"the reader yields columns {batch.schema.names}, expected {expected}",
                    remedy=f"Fix warehouse/sources/{source.name}.py",
                )
            yield batch
    except (ValueError, LookupError, TypeError, ArithmeticError, EOFError, pa.ArrowException) as error:
        raise SourceError(
            source.name,
            f"the reader failed with {error!r}",
            remedy=f"Inspect the files, and have warehouse/sources/{source.name}.py reject or read them",
        ) from error


def _carried_from(file: str) -> str:
    """Return the vintage in the name of a carried file; nothing for another file."""
    found = _CARRIED_NAME.search(file)
    return found[1] if found else ""


def _carried_batches(
    source: Source, files: dict[str, Path], name: str, work: Path, pending: set[tuple[str, str]], note: Note
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the pending parts from the file of an older vintage, named after that file.

    `files` has the older file in place of the new one. A part that it gives is pending no more, so that none
    is read from two files; one that it does not give either is noted. Other notes on it are left out: they
    were made when the file was read first.
    """
    original = _CARRIED_NAME.sub("", name)
    parts = {part for file, part in pending if file == original}
    if not parts:  # a newer reader reads the part from the new file
        return
    failed: set[str] = set()

    def note_part(file: str, detail: str, *, failed_part: str = "") -> None:
        if file == original and failed_part in parts:
            failed.add(failed_part)
            note(name, detail, failed_part=failed_part)

    for batch in _batches(source, files, work, note_part):
        location = pc.replace_substring_regex(batch.column("_file"), r"^[^#]*#?", "")
        part = pc.replace_substring_regex(location, r"!.*$", "")
        chosen = batch.filter(pc.is_in(part, value_set=pa.array(sorted(parts), pa.string())))
        named = pc.replace_substring_regex(chosen.column("_file"), r"^[^#]*", name)
        yield chosen.set_column(chosen.schema.get_field_index("_file"), "_file", named)
    pending.difference_update((original, part) for part in parts - failed)


def digest_rows(rows: Path, columns: tuple[str, ...]) -> str:
    """Return a digest of the rows of a Parquet file that does not depend on their order.

    It is the SHA-256 of the row count and the sums of the upper and lower halves of each row's MD5.
    """
    row_text = f", chr({UNIT_SEPARATOR}), ".join(f'coalesce("{name}", chr({NULL_MARK}))' for name in columns)
    with connect() as db:
        sums = db.execute(
            f"""
            select count(*), coalesce(sum(cast(md5_number_lower(row_text) as hugeint)), 0),
                coalesce(sum(cast(md5_number_upper(row_text) as hugeint)), 0)
            from (select concat({row_text}) as row_text from read_parquet(?))
            """,
            [str(rows)],
        ).fetchone()
    if sums is None:
        raise WarehouseError(f"{rows}: DuckDB returned no digest. Run it again")
    return hashlib.sha256(":".join(str(part) for part in sums).encode()).hexdigest()


def rows_of(source: Source, vintage: Vintage, cache: Path) -> Path:
    """Return the Parquet file of a vintage's rows, parsed again into `cache` if the reader has changed since.

    Raises WarehouseError when `rows.parquet` does not have the checksum of the manifest, or another process
    parses vintages of the source for an hour; SourceError when the reader does not read a part that the
    vintage has.
    """
    if vintage.reader_version == source.reader_version:
        if not vintage.rows_path.is_file() or sha256_of(vintage.rows_path) != vintage.rows_sha256:
            raise WarehouseError(
                f"{vintage.rows_path}: missing, or its SHA-256 is not that of the manifest, so its rows are "
                f"not used. Move it away and make it again: warehouse fetch {source.name}"
            )
        return vintage.rows_path
    rows = cache / source.name / f"{vintage.id}.v{source.reader_version}.parquet"
    if not rows.exists():
        message = f"{source.name}: another process parses older vintages again now"
        with locked(rows.parent / ".lock", message, LONGEST_PARSE_SECONDS):
            if not rows.exists():
                _parse_again(source, vintage, rows)
    return rows


def _parse_again(source: Source, vintage: Vintage, rows: Path) -> None:
    """Parse a vintage into a file of the cache, and remove what it replaces and what was left by a kill.

    The caller holds the lock of the directory, so that scratch directories there are of ended processes. A
    file of a newer reader stays: a process of newer code may be about to read it.
    """
    with scratch_directory(rows.parent, vintage) as scratch:
        parsed = parse(source, vintage.files, scratch, scratch / "rows.parquet")
        _require_all_parts(source, vintage, parsed)
        parsed.rows.replace(rows)
    for left in rows.parent.glob(f"{SCRATCH}*/"):
        shutil.rmtree(left)
    for path in rows.parent.glob(f"{vintage.id}.v*"):
        version = path.name.removeprefix(f"{vintage.id}.v").partition(".")[0]
        if path.suffix == ".partial" or int(version) < source.reader_version:
            path.unlink()


def _require_all_parts(source: Source, vintage: Vintage, parsed: Parsed) -> None:
    """Raise SourceError for a part of a vintage that a newer reader does not read.

    A part that failed when the vintage landed is read from the carried file, or has no rows.
    """
    failed = {one.part: one.carried_from for one in vintage.failed_parts}
    for file, part, reason in parsed.unread:
        if part not in failed or _carried_from(file) == failed[part]:
            raise SourceError(
                source.name,
                f"reader version {source.reader_version} does not read {part!r} of vintage {vintage.id}, "
                f"which version {vintage.reader_version} read: {reason}",
                file=file,
                remedy=f"Correct warehouse/sources/{source.name}.py; or, if the part was wrong, run: "
                f"warehouse vintages withdraw {source.name} {vintage.id} --why '…'",
            )


@contextmanager
def scratch_directory(parent: Path, vintage: Vintage) -> Iterator[Path]:
    """Create a scratch directory with the files of a vintage, and remove it afterwards."""
    scratch = parent / f"{SCRATCH}{os.getpid()}-{time.monotonic_ns()}"
    scratch.mkdir(parents=True)
    (scratch / "files").symlink_to(vintage.directory / "files")
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)
