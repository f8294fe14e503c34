"""The rows of publishers' files in the landing that published figures come from, with their checksums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache as memoize
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.landing.parse import rows_of
from warehouse.landing.store import read_vintage
from warehouse.model import Vintage
from warehouse.sources import SOURCES


@dataclass(frozen=True)
class Origin:
    """The bytes behind one core row: the row as sent, its file, address, checksum and time of retrieval.

    `location` is the part of the file where a row number is not enough, e.g. `sheet!BV26`, else empty.
    `is_file_intact` and `is_rows_intact` say whether the file and the vintage's `rows.parquet` have the
    checksums of the vintage's manifest. `raw_row` is empty when `rows.parquet` has not.
    """

    raw_row: dict[str, Any]
    source: str
    vintage: str
    file: Path
    location: str
    row: int
    sha256: str
    is_file_intact: bool
    is_rows_intact: bool
    address: str
    retrieved_at: datetime

    @property
    def is_intact(self) -> bool:
        """Return whether both checksums match."""
        return self.is_file_intact and self.is_rows_intact


def origin_finder(landing: Path, cache: Path) -> Callable[[str, str, str, int], Origin]:
    """Return a function from source, vintage, `_file` and `_row` to an origin; it hashes each file once.

    `cache` is the directory of vintages parsed again by a newer reader. The function raises WarehouseError
    when the landing has no such vintage, file or row.
    """
    open_vintage = memoize(partial(_open_vintage, landing, cache))
    digest = memoize(_sha256_or_none)

    def find(source: str, vintage_id: str, file_ref: str, row: int) -> Origin:
        vintage, rows, is_rows_intact = open_vintage(source, vintage_id)
        name, _, location = file_ref.partition("#")
        file = next((one for one in vintage.files if one.name == name), None)
        if file is None:
            raise WarehouseError(
                f"{vintage.directory}/manifest.json: lists no file {name}. Restore it from the backup"
            )
        path = vintage.directory / "files" / name
        return Origin(
            raw_row=_raw_row(rows, file_ref, row) if is_rows_intact else {},
            source=source,
            vintage=vintage_id,
            file=path,
            location=location,
            row=row,
            sha256=file.sha256,
            is_file_intact=digest(path) == file.sha256,
            is_rows_intact=is_rows_intact,
            address=file.address,
            retrieved_at=file.retrieved_at,
        )

    return find


def _open_vintage(landing: Path, cache: Path, source: str, vintage_id: str) -> tuple[Vintage, Path, bool]:
    """Return a vintage, the file of its rows, and whether `rows.parquet` has the manifest's checksum."""
    vintage = read_vintage(landing / source / vintage_id)
    is_intact = _sha256_or_none(vintage.rows_path) == vintage.rows_sha256
    rows = vintage.rows_path
    if is_intact and source in SOURCES:
        rows = rows_of(SOURCES[source], vintage, cache)
    return vintage, rows, is_intact


def _sha256_or_none(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None


def _raw_row(rows: Path, file_ref: str, row: int) -> dict[str, Any]:
    """Return the row of a Parquet file of parsed rows that has this `_file` and `_row`."""
    try:
        with duckdb.connect() as db:
            result = db.execute(
                "select * from read_parquet(?) where _file = ? and _row = ?", [str(rows), file_ref, row]
            )
            columns = [name for name, *_ in result.description or ()]
            found = result.fetchall()
    except duckdb.Error as error:
        raise WarehouseError(
            f"{rows}: cannot be read ({error}). Check it with: warehouse maintain"
        ) from error
    if len(found) != 1:
        raise WarehouseError(
            f"{rows}: has {len(found)} rows with _file={file_ref} _row={row}, expected 1. Check it with: "
            "warehouse maintain"
        )
    return dict(zip(columns, found[0], strict=True))
