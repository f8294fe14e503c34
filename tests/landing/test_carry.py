"""Parts of a file that cannot be read: their rows come from the last vintage's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy import NOW, SOURCE, pull

from warehouse.errors import SourceError
from warehouse.fetch import Pulled
from warehouse.landing import parse, store
from warehouse.landing.carry import carry_unread
from warehouse.model import Note, Vintage, no_note, raw_schema


def read_sections(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Read lines `section,code,value`; a section with a value `x` fails alone."""
    sections: dict[str, list[tuple[int, list[str]]]] = {}
    for row, line in enumerate(files["rows.csv"].read_text().splitlines(), start=1):
        section, *values = line.split(",")
        sections.setdefault(section, []).append((row, values))
    for section, rows in sections.items():
        if any(values[1] == "x" for _, values in rows):
            note("rows.csv", f"row {rows[0][0]} is no number", failed_part=section)
            continue
        codes, amounts = zip(*(values for _, values in rows), strict=True)
        files_column = [f"rows.csv#{section}!A{row}" for row, _ in rows]
        columns = [list(codes), list(amounts), files_column, [row for row, _ in rows]]
        yield pa.record_batch(columns, schema=raw_schema(("code", "value")))


SECTIONED = replace(SOURCE, read=read_sections)


def land(root: Path, text: str, day: int, previous: Vintage | None) -> Vintage:
    """Land a load as `evaluate` does, without the load gate."""
    incoming, files = pull(root, text, NOW + timedelta(days=day))
    pulled, rows = Pulled(files=files), incoming / "rows.parquet"
    parsed = parse.parse(SECTIONED, files, incoming, rows)
    if parsed.unread:
        pulled = carry_unread(incoming, pulled, parsed, previous)
        parsed = parse.parse(SECTIONED, pulled.files, incoming, rows)
    return store.add_vintage(root, SECTIONED, incoming, pulled, parsed, {"success": True}, NOW)


def rows_of(path: Path) -> list[tuple[str, str, str, int]]:
    table = pq.read_table(path).to_pylist()
    return sorted((row["code"], row["value"], row["_file"], row["_row"]) for row in table)


def test_unread_part_has_the_rows_and_the_file_of_the_last_vintage(tmp_path: Path) -> None:
    first = land(tmp_path, "S1,a,1\nS2,b,2\n", 0, None)
    second = land(tmp_path, "S1,a,5\nS2,b,x\nS3,c,7\n", 1, first)
    carried = "rows.from-2024-05-02.csv"
    assert rows_of(second.rows_path) == [
        ("a", "5", "rows.csv#S1!A1", 1),
        ("b", "2", f"{carried}#S2!A2", 2),
        ("c", "7", "rows.csv#S3!A3", 3),
    ]
    assert (second.directory / "files" / carried).read_text() == "S1,a,1\nS2,b,2\n"
    assert [(one.part, one.carried_from) for one in second.failed_parts] == [("S2", "2024-05-02")]

    # The next load that fails in the same part carries the same file on, under its name.
    third = land(tmp_path, "S1,a,6\nS2,b,x\nS3,c,7\n", 2, second)
    assert rows_of(third.rows_path)[1] == ("b", "2", f"{carried}#S2!A2", 2)
    assert [(one.part, one.carried_from) for one in third.failed_parts] == [("S2", "2024-05-02")]

    # A newer reader parses the same files again to the same rows; one that reads the part reads the new file.
    newer = replace(SECTIONED, reader_version=2)
    assert rows_of(parse.rows_of(newer, third, tmp_path / "reread")) == rows_of(third.rows_path)


def test_part_that_fails_later_is_read_from_the_later_file_alone(tmp_path: Path) -> None:
    """S1 is carried from the second vintage, and S2 from the first, which also has an S1."""
    first = land(tmp_path, "S1,a,1\nS2,b,2\nS3,c,3\n", 0, None)
    second = land(tmp_path, "S1,a,4\nS2,b,x\nS3,c,3\n", 1, first)
    third = land(tmp_path, "S1,a,x\nS2,b,x\nS3,c,5\n", 2, second)
    assert [(one.part, one.carried_from) for one in third.failed_parts] == [
        ("S1", second.id),
        ("S2", first.id),
    ]
    expected = [
        ("a", "4", f"rows.from-{second.id}.csv#S1!A1", 1),
        ("b", "2", f"rows.from-{first.id}.csv#S2!A2", 2),
        ("c", "5", "rows.csv#S3!A3", 3),
    ]
    assert rows_of(third.rows_path) == expected
    newer = replace(SECTIONED, reader_version=2)
    assert rows_of(parse.rows_of(newer, third, tmp_path / "reread")) == expected


def test_part_that_a_newer_reader_does_not_read_is_an_error(tmp_path: Path) -> None:
    """A part that the vintage has, in its own file or in a carried one, is not lost; one that it lacks is."""
    first = land(tmp_path, "S1,a,1\nS2,b,2\nS4,d,x\n", 0, None)
    second = land(tmp_path, "S1,a,5\nS2,b,x\nS4,d,x\n", 1, first)
    again = replace(SECTIONED, reader_version=2)
    for vintage in (first, second):
        assert rows_of(parse.rows_of(again, vintage, tmp_path / "again")) == rows_of(vintage.rows_path)

    def read_without_last(files, work, note=no_note):  # type: ignore[no-untyped-def]
        for batch in read_sections(files, work, note):
            if "#S2!" in batch.column("_file")[0].as_py():
                note("rows.csv", "row 2: b is no code", failed_part="S2")
            else:
                yield batch

    newer, cache = replace(SECTIONED, reader_version=2, read=read_without_last), tmp_path / "cache"
    for vintage, file in ((first, "rows.csv"), (second, "rows.from-2024-05-02.csv")):
        with pytest.raises(SourceError) as caught:
            parse.rows_of(newer, vintage, cache)
        assert str(caught.value) == (
            f"toy: reader version 2 does not read 'S2' of vintage {vintage.id}, which version 1 read: "
            f"row 2: b is no code (file {file}). Correct warehouse/sources/toy.py; or, if the part was "
            f"wrong, run: warehouse vintages withdraw toy {vintage.id} --why '…'"
        )
        assert not list(cache.rglob("*.parquet"))


def test_part_is_carried_again_after_a_try_that_was_killed(tmp_path: Path) -> None:
    """The link of the first try is there already, perhaps to a file that is no longer the last one."""
    first = land(tmp_path, "S1,a,1\nS2,b,2\n", 0, None)
    incoming, files = pull(tmp_path, "S1,a,5\nS2,b,x\n", NOW + timedelta(days=1))
    carried = incoming / "files" / "rows.from-2024-05-02.csv"
    carried.write_text("S1,a,0\nS2,b,0\n")
    parsed = parse.parse(SECTIONED, files, incoming, incoming / "rows.parquet")
    pulled = carry_unread(incoming, Pulled(files=files), parsed, first)
    assert [one.name for one in pulled.files] == ["rows.csv", carried.name]
    assert carried.samefile(first.directory / "files" / "rows.csv")


def test_unread_part_without_a_vintage_has_no_rows(tmp_path: Path) -> None:
    vintage = land(tmp_path, "S1,a,1\nS2,b,x\n", 0, None)
    assert [row[0] for row in rows_of(vintage.rows_path)] == ["a"]
    assert [(one.part, one.carried_from) for one in vintage.failed_parts] == [("S2", None)]


def test_load_without_a_part_that_can_be_read_is_an_error(tmp_path: Path) -> None:
    incoming, files = pull(tmp_path, "S1,a,x\n")
    with pytest.raises(SourceError, match="no part could be read; S1: row 1 is no number"):
        parse.parse(SECTIONED, files, incoming, incoming / "rows.parquet")
