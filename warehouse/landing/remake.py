"""Making a lost or damaged `rows.parquet` again from the archived files of its vintage.

The file is put into place only when it has the checksum of the manifest, so that the vintage is the one that
was accepted. The rows of a vintage of an older reader are not made: they are not read, since a build parses
the files of such a vintage into a cache.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from warehouse.errors import SourceError, WarehouseError
from warehouse.files import sha256_of
from warehouse.landing import store
from warehouse.landing.parse import parse, scratch_directory
from warehouse.model import Fetched, Source, Vintage

LOG = logging.getLogger(__name__)


def remake_rows(landing: Path, source: Source) -> None:
    """Make again each `rows.parquet` of a source that is missing, and a damaged one of the newest vintage.

    The caller holds the lock of the source. Raises WarehouseError when that of the newest vintage in force
    cannot be made; `warehouse maintain` reports the others.
    """
    newest = store.vintages(landing, source.name)[-1:]
    for vintage in store.list_all(landing, source.name).records:
        is_newest = [vintage.id] == [one.id for one in newest]
        if not can_remake(source, vintage) or is_intact(vintage, with_checksum=is_newest):
            continue
        try:
            remake(landing, source, vintage)
        except WarehouseError as error:
            if is_newest:
                raise
            LOG.warning("%s", error, extra={"source": source.name})
        else:
            made = "made again from the archived files; it was missing or damaged"
            LOG.warning("%s: %s", vintage.rows_path, made, extra={"source": source.name})


def can_remake(source: Source, vintage: Vintage) -> bool:
    """Return whether the present reader is the one that made the rows of a vintage."""
    return vintage.reader_version == source.reader_version


def is_intact(vintage: Vintage, *, with_checksum: bool) -> bool:
    """Return whether the rows of a vintage are there, and optionally whether they have their checksum."""
    path = vintage.rows_path
    return path.is_file() and (not with_checksum or sha256_of(path) == vintage.rows_sha256)


def remake(landing: Path, source: Source, vintage: Vintage) -> None:
    """Parse the archived files of a vintage, and put the rows into place if they have their checksum."""
    incoming = landing / source.name / store.INCOMING  # on the file system of the vintage
    try:
        for files in _orders(vintage):
            with scratch_directory(incoming, vintage) as scratch:
                rows = parse(source, files, scratch, scratch / "rows.parquet").rows
                if sha256_of(rows) == vintage.rows_sha256:
                    rows.replace(vintage.rows_path)
                    return
        reason = "the archived files give another file now, as after a new version of pyarrow"
    except SourceError as error:
        reason = f"{error.reason} ({error.file})" if error.file else error.reason
    raise WarehouseError(
        f"{vintage.rows_path}: missing or damaged, and cannot be made again from the archived files: "
        f"{reason}. Restore the directory of the vintage from the backup of the landing, then run: "
        "warehouse maintain. If there is no backup, record the loss: "
        f"warehouse vintages withdraw {source.name} {vintage.id} --why '…'"
    )


def _orders(vintage: Vintage) -> Iterator[tuple[Fetched, ...]]:
    """Yield the files in the orders in which they may have been parsed: by name, and as they were fetched."""
    yield vintage.files
    fetched = tuple(sorted(vintage.files, key=lambda file: file.retrieved_at))
    if fetched != vintage.files:
        yield fetched
