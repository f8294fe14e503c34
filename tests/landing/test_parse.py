"""Parsing: what is left on the disk by a reader that fails, and vintages that a newer reader parses again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from toy import SOURCE, land, pull, read

from warehouse.errors import SourceError
from warehouse.landing import parse
from warehouse.model import Note, no_note

ROWS = "code,value\na,1\nb,2\n"


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def fail_after_rows(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Unpack a file, yield all rows, and fail."""
    (work / "member.csv").write_bytes(b"unpacked")
    yield from read(files, work, note)
    raise SourceError("toy", "value 'n/a' is no number", row=3)


def test_load_that_cannot_be_read_leaves_its_files_alone(tmp_path: Path) -> None:
    incoming, files = pull(tmp_path, ROWS)
    with pytest.raises(SourceError, match="'n/a' is no number"):
        parse.parse(replace(SOURCE, read=fail_after_rows), files, incoming, incoming / "rows.parquet")
    assert names(incoming) == ["files", "files/rows.csv"]


def test_vintage_that_a_newer_reader_cannot_read_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    vintage = land(tmp_path, ROWS)
    newer = replace(SOURCE, reader_version=2, read=fail_after_rows)
    with pytest.raises(SourceError, match="'n/a' is no number"):
        parse.rows_of(newer, vintage, tmp_path / "reread")
    assert [path for path in (tmp_path / "reread").rglob("*") if path.is_file()] == []
