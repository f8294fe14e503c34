"""Parsing: what is left on the disk by a reader that fails, and vintages that a newer reader parses again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
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
    assert names(tmp_path / "reread") == ["toy", "toy/.lock"]


def test_older_reader_and_killed_processes_leave_nothing_beside_the_rows(tmp_path: Path) -> None:
    first = land(tmp_path, ROWS)
    second = land(tmp_path, f"{ROWS}c,3\n")  # 2024-05-02.02, whose name begins like that of the first
    cache, folder = tmp_path / "reread", tmp_path / "reread" / "toy"
    for vintage in (first, second):
        parse.rows_of(replace(SOURCE, reader_version=2), vintage, cache)
    (folder / f"{first.id}.v4.parquet").write_bytes(b"of newer code, which a build may be reading")
    (folder / f"{first.id}.v2.4711.partial").write_bytes(b"half")  # as earlier versions left it
    left = folder / ".scratch-4711-1"
    (left / "work").mkdir(parents=True)
    (left / "work" / "member.csv").write_bytes(b"unpacked")
    (left / "files").symlink_to(first.directory / "files")
    rows = parse.rows_of(replace(SOURCE, reader_version=3), first, cache)
    assert names(folder) == [".lock", f"{second.id}.v2.parquet", rows.name, f"{first.id}.v4.parquet"]
    assert names(first.directory / "files") == ["rows.csv"]


def test_process_waits_for_another_that_parses_the_same_vintage(tmp_path: Path) -> None:
    vintage, cache = land(tmp_path, ROWS), tmp_path / "reread"
    has_begun, may_end, reads = threading.Event(), threading.Event(), []

    def read_slowly(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
        reads.append(work)
        yield from read(files, work, note)
        has_begun.set()
        assert may_end.wait(30)

    newer = replace(SOURCE, reader_version=2, read=read_slowly)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(parse.rows_of, newer, vintage, cache)
        assert has_begun.wait(30)
        other = pool.submit(parse.rows_of, newer, vintage, cache)
        with pytest.raises(TimeoutError):
            other.result(0.5)
        may_end.set()
        rows = [future.result(30) for future in (one, other)]
    assert rows[0] == rows[1] and pq.read_table(rows[0]).num_rows == 2
    assert len(reads) == 1
