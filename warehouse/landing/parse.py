"""Parse the bytes of a load into rows of text in one Parquet file, and digest the rows."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import SourceError, WarehouseError
from warehouse.files import fsync, sha256_of
from warehouse.model import Fetched, Source, Vintage, raw_schema

UNIT_SEPARATOR = 31  # joins the columns of a row for its digest
NULL_MARK = 30  # represents null in the digest, so that null and empty text differ


@dataclass(frozen=True)
class Parsed:
    """The parsed rows of a load: their Parquet file, count and digest."""

    rows: Path
    row_count: int
    rows_digest: str


def parse(source: Source, files: tuple[Fetched, ...], directory: Path, rows: Path) -> Parsed:
    """Parse the files of a load into one Parquet file of text.

    `directory` holds `files/`. Raises SourceError when a file does not have its recorded checksum, when the
    reader yields other columns than the source declares, and for every error of the reader.
    """
    paths = {file.name: _verified(source, file, directory / "files" / file.name) for file in files}
    work = directory / "work"
    work.mkdir(exist_ok=True)
    schema = raw_schema(source.columns)
    partial = rows.with_suffix(f".{os.getpid()}.partial")  # two processes may parse an old vintage at once
    partial.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for batch in _batches(source, paths, work):
            if batch.schema.names != schema.names:
                raise SourceError(
                    source.name,
                    f"the reader yields columns {batch.schema.names}, expected {schema.names}",
                    remedy=f"Fix warehouse/sources/{source.name}.py",
                )
            writer.write_batch(batch.cast(schema))
            count += batch.num_rows
    shutil.rmtree(work)
    fsync(partial)
    partial.replace(rows)
    return Parsed(rows=rows, row_count=count, rows_digest=digest_rows(rows, source.columns))


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


def _batches(source: Source, paths: dict[str, Path], work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the reader's batches; an error that the reader did not foresee becomes a SourceError."""
    try:
        yield from source.read(paths, work)
    except (ValueError, LookupError, TypeError, ArithmeticError, EOFError, pa.ArrowException) as error:
        raise SourceError(
            source.name,
            f"the reader failed with {error!r}",
            remedy=f"Inspect the files, and have warehouse/sources/{source.name}.py reject or read them",
        ) from error


def digest_rows(rows: Path, columns: tuple[str, ...]) -> str:
    """Return a digest of the rows of a Parquet file that does not depend on their order.

    It is the SHA-256 of the row count and the sums of the upper and lower halves of each row's MD5.
    """
    row_text = f", chr({UNIT_SEPARATOR}), ".join(f'coalesce("{name}", chr({NULL_MARK}))' for name in columns)
    with duckdb.connect() as db:
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

    Raises WarehouseError when `rows.parquet` does not have the checksum of the manifest.
    """
    if vintage.reader_version == source.reader_version:
        if not vintage.rows_path.is_file() or sha256_of(vintage.rows_path) != vintage.rows_sha256:
            raise WarehouseError(
                f"{vintage.rows_path}: missing, or its SHA-256 is not that of the manifest, so its rows are "
                "not used. Restore the file from the backup of the landing, then run: warehouse maintain"
            )
        return vintage.rows_path
    rows = cache / source.name / f"{vintage.id}.v{source.reader_version}.parquet"
    if not rows.exists():
        with scratch_directory(cache, vintage) as scratch:
            parse(source, vintage.files, scratch, rows)
    return rows


@contextmanager
def scratch_directory(parent: Path, vintage: Vintage) -> Iterator[Path]:
    """Create a scratch directory with the files of a vintage, and remove it afterwards."""
    scratch = parent / f".scratch-{os.getpid()}-{time.monotonic_ns()}"
    scratch.mkdir(parents=True)
    (scratch / "files").symlink_to(vintage.directory / "files")
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)
