"""The rows of publishers' files in the landing that published figures come from, with their checksums."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from warehouse.database import connect
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.landing.parse import rows_of
from warehouse.landing.store import read_vintage
from warehouse.model import Vintage
from warehouse.sources import SOURCES


class RowRef(NamedTuple):
    """A row of a publisher's file: `file` is the value of `_file`, `row` that of `_row`."""

    source: str
    vintage: str
    file: str
    row: int


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


def find_origins(landing: Path, cache: Path, references: Iterable[RowRef]) -> dict[RowRef, Origin]:
    """Return the origin of each referenced row.

    `cache` is the directory of vintages parsed again by a newer reader. Raises WarehouseError when the
    landing has no such vintage, file or row.
    """
    by_vintage: dict[Path, list[RowRef]] = {}
    for reference in references:
        by_vintage.setdefault(landing / reference.source / reference.vintage, []).append(reference)
    origins: dict[RowRef, Origin] = {}
    for directory, wanted in by_vintage.items():
        origins |= _origins_in(read_vintage(directory), cache, wanted)
    return origins


def _origins_in(vintage: Vintage, cache: Path, wanted: list[RowRef]) -> dict[RowRef, Origin]:
    """Return the origins of rows of one vintage, each of whose files is read once."""
    is_rows_intact = _has_sha256(vintage.rows_path, vintage.rows_sha256)
    raw_rows = _raw_rows(vintage, cache, wanted) if is_rows_intact else {}
    names = {reference.file.partition("#")[0] for reference in wanted}
    files = {file.name: file for file in vintage.files if file.name in names}
    if unknown := sorted(names - files.keys()):
        raise WarehouseError(
            f"{vintage.directory}/manifest.json: lists no file {', '.join(unknown)}. "
            "Restore it from the backup"
        )
    paths = {name: vintage.directory / "files" / name for name in files}
    is_intact = {name: _has_sha256(paths[name], file.sha256) for name, file in files.items()}
    origins = {}
    for reference in wanted:
        name, _, location = reference.file.partition("#")
        origins[reference] = Origin(
            raw_row=raw_rows.get(reference, {}),
            source=vintage.source,
            vintage=vintage.id,
            file=paths[name],
            location=location,
            row=reference.row,
            sha256=files[name].sha256,
            is_file_intact=is_intact[name],
            is_rows_intact=is_rows_intact,
            address=files[name].address,
            retrieved_at=files[name].retrieved_at,
        )
    return origins


def _raw_rows(vintage: Vintage, cache: Path, wanted: list[RowRef]) -> dict[RowRef, dict[str, Any]]:
    """Return the rows of a vintage, as sent, that have the wanted `_file` and `_row`."""
    source = SOURCES.get(vintage.source)  # None for a source that the project has dropped
    path = rows_of(source, vintage, cache) if source else vintage.rows_path
    try:
        with connect() as db:
            found = db.execute(
                "select * from read_parquet(?) semi join (select unnest(?) as _file, unnest(?) as _row) "
                "using (_file, _row)",
                [str(path), [one.file for one in wanted], [one.row for one in wanted]],
            )
            rows = found.to_arrow_table().to_pylist()
    except duckdb.Error as error:
        raise WarehouseError(
            f"{path}: cannot be read ({error}). Check it with: warehouse maintain"
        ) from error
    by_reference = {RowRef(vintage.source, vintage.id, row["_file"], row["_row"]): row for row in rows}
    for reference in wanted:
        if reference not in by_reference or len(by_reference) != len(rows):
            raise WarehouseError(
                f"{path}: has no row, or more than one, with _file={reference.file} _row={reference.row}. "
                "Check it with: warehouse maintain"
            )
    return by_reference


def _has_sha256(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256
