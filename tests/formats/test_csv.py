"""Delimited text as batches of text, and the files that are rejected."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.errors import SourceError
from warehouse.formats import csv as delimited
from warehouse.formats.csv import read_delimited
from warehouse.model import Contract, no_note

PER_EXAMPLE_FILES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def table(path: Path, columns: tuple[str, ...] = ("a", "b", "c"), **options: Any) -> list[dict[str, Any]]:
    options = {"note": no_note} | options
    contract = Contract(read={name: name for name in columns})
    batches = list(read_delimited(path, contract, source="unctad_goods", file="t.csv", **options))
    return pa.Table.from_batches(batches).to_pylist() if batches else []


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    return path


def csv_error(tmp_path: Path, data: bytes, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        table(written(tmp_path, data), **options)
    assert caught.value.source == "unctad_goods"
    assert caught.value.file == "t.csv"
    return caught.value


def test_every_value_is_text_and_only_empty_cells_are_null(tmp_path: Path) -> None:
    data = b'a,b,c\r\n076,0000,02\r\nNA,"NA",null\r\n,"",NULL\r\nnan,1e5,-0\r\n" x",true,1.10\r\n'
    assert table(written(tmp_path, data)) == [
        {"a": "076", "b": "0000", "c": "02", "_file": "t.csv", "_row": 2},
        {"a": "NA", "b": "NA", "c": "null", "_file": "t.csv", "_row": 3},
        {"a": None, "b": None, "c": "NULL", "_file": "t.csv", "_row": 4},
        {"a": "nan", "b": "1e5", "c": "-0", "_file": "t.csv", "_row": 5},
        {"a": " x", "b": "true", "c": "1.10", "_file": "t.csv", "_row": 6},
    ]


def test_newline_inside_quotes_is_part_of_the_value_even_across_blocks(tmp_path: Path) -> None:
    rows = [(str(i), f"line one\nline {i}, two", 'a "word"') for i in range(300)]
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    got = table(written(tmp_path, text.getvalue().encode()), block_bytes=71)
    assert [(row["a"], row["b"], row["c"]) for row in got] == rows
    # A record is a row, as a spreadsheet counts: the last of 300 under the header is row 301.
    assert [row["_row"] for row in got] == list(range(2, 302))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"a,b", "missing 'c'"),
        (b"a,B,c", "missing 'b'; not known 'B'"),
        (b"a,b,b,c", "repeated 'b'"),
        (b"a;b;c", "missing 'a', 'b', 'c'; not known 'a;b;c'"),
    ],
)
def test_unexpected_header_is_rejected(header: bytes, reason: str, tmp_path: Path) -> None:
    error = csv_error(tmp_path, header + b"\r\n1,2,3\r\n")
    assert reason in str(error)
    assert error.row == 1


@pytest.mark.parametrize(
    ("header", "row", "notes"),
    [
        (b"a,c,b", b"1,3,2", []),
        (b"a,b,c,d", b"1,2,3,4", ["further column 'd'"]),
        (b"d,a,d,b,c,", b",1,,2,3,", ["further column 'd'", "further column 'd'", "further column ''"]),
        ("\uff41, b ,c".encode(), b"1,2,3", []),
        (b"a,b,gamma", b"1,2,3", ["column 'gamma' is accepted as 'c'"]),
        (b"a,b,c,known", b"1,2,3,4", []),
    ],
)
def test_columns_are_found_by_header_and_the_rest_is_drift(
    header: bytes, row: bytes, notes: list[str], tmp_path: Path
) -> None:
    found: list[str] = []
    contract = Contract(
        read={"a": "a", "b": "b", "c": "c"}, spellings={"gamma": "c"}, ignored=("known",), optional=()
    )
    path = written(tmp_path, header + b"\r\n" + row + b"\r\n")
    read = read_delimited(
        path, contract, source="s", file="t.csv", note=lambda file, detail: found.append(detail)
    )
    assert pa.Table.from_batches(read).select(["a", "b", "c"]).to_pylist() == [{"a": "1", "b": "2", "c": "3"}]
    assert found == notes


def test_absent_optional_column_is_null(tmp_path: Path) -> None:
    contract = Contract(read={"a": "a", "b": "b"}, optional=("b",))
    path = written(tmp_path, b"a\r\n1\r\n")
    [batch] = read_delimited(path, contract, source="s", file="t.csv", note=no_note)
    assert batch.to_pylist() == [{"a": "1", "b": None, "_file": "t.csv", "_row": 2}]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_utf8_is_read_where_another_encoding_is_declared(mark: bytes, tmp_path: Path) -> None:
    text = "a,b,c\r\nT\u00fcrkiye,2,3\r\n"
    for data in (mark + text.encode(), text.encode("cp1252")):
        assert table(written(tmp_path, data), encoding="cp1252")[0]["a"] == "T\u00fcrkiye"


def test_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfa,b,c\r\n1,2,3\r\n"
    assert [row["a"] for row in table(written(tmp_path, data))] == ["1"]
    assert [row["a"] for row in table(written(tmp_path, data), encoding="utf-8-sig")] == ["1"]
    assert [row["a"] for row in table(written(tmp_path, data[3:]), encoding="utf-8-sig")] == ["1"]
    quoted = b'\xef\xbb\xbf"a","b","c"\r\n"1","2","3"\r\n'
    assert [row["a"] for row in table(written(tmp_path, quoted), encoding="utf-8-sig")] == ["1"]


@pytest.mark.parametrize(
    ("bad", "values"), [(b"1,2", 2), (b"1,2,3,", 4), (b"1,2,3,4", 4), (b'"1,2",3', 2), (b"", 0), (b",,", 0)]
)
@pytest.mark.parametrize("before", [0, 1, 500])
def test_ragged_or_empty_row_is_rejected_with_its_number(
    bad: bytes, values: int, before: int, tmp_path: Path
) -> None:
    data = b"a,b,c\n" + b"1,2,3\n" * before + bad + b"\n4,5,6\n"
    error = csv_error(tmp_path, data, block_bytes=64)
    assert error.row == before + 2
    assert (f"the row has {values} values, expected 3" if values else "the row has no value") in str(error)


def test_ragged_row_after_quoted_newline_has_its_row_number(tmp_path: Path) -> None:
    assert csv_error(tmp_path, b'a,b,c\n1,"2\n\n2",3\n1,2\n').row == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'1,"2"2,3\n', "quotation mark in the middle of a value in line 2"),
        (b'1,2,3\n1,2"2,3\n', "quotation mark in the middle of a value in line 3"),
        (b'1,"2,3\n4,5,6\n', "values, expected 3"),
        (b"1,2,\x003\n", "a NUL byte in line 2"),
        (b"1,2,3\n1,\xff,3\n", "line 3 has bytes that are not utf-8"),
        (b"1," + b"2" * 5000 + b",3\n", "cannot be parsed into rows"),
    ],
)
def test_malformed_text_is_rejected(body: bytes, reason: str, tmp_path: Path) -> None:
    assert reason in str(csv_error(tmp_path, b"a,b,c\n" + body, block_bytes=1024))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_header_without_rows_is_rejected(end: bytes, tmp_path: Path) -> None:
    assert "a header and no rows" in str(csv_error(tmp_path, b"a,b,c" + end))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\r\n", "the file is empty"),
        (b"\na,b,c\n1,2,3\n", "the first line is empty"),
        (b"\n  <!DOCTYPE html>\n", "the first line is empty"),
        (b"<html><body>Maintenance</body></html>", "an HTML or XML page"),
    ],
)
def test_empty_file_or_web_page_is_rejected(data: bytes, reason: str, tmp_path: Path) -> None:
    assert reason in str(csv_error(tmp_path, data, encoding="utf-8-sig"))


def test_other_encoding_is_decoded_and_invalid_bytes_are_rejected(tmp_path: Path) -> None:
    data = "a,b,c\nTürkiye,Côte d'Ivoire,Curaçao\n".encode("cp1252")
    [row] = table(written(tmp_path, data), encoding="cp1252")
    assert (row["a"], row["b"], row["c"]) == ("Türkiye", "Côte d'Ivoire", "Curaçao")
    assert "line 2 has bytes that are not utf-8" in str(csv_error(tmp_path, data))
    assert "line 2 has bytes that are not cp1252" in str(
        csv_error(tmp_path, b"a,b,c\n1,\x81,3\n", encoding="cp1252")
    )


VALUE = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


@PER_EXAMPLE_FILES
@given(rows=st.lists(st.tuples(VALUE.filter(bool), VALUE, VALUE), min_size=1, max_size=30))
def test_output_of_csv_writer_is_read_unchanged(rows: list[tuple[str, str, str]], tmp_path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    got = table(written(tmp_path, text.getvalue().encode()), block_bytes=512)
    assert [(row["a"], row["b"] or "", row["c"] or "") for row in got] == rows


def test_large_file_streams_in_bounded_memory(tmp_path: Path) -> None:
    # 1.2 million rows, 45 MB of text: as a table they would take more than that in Arrow's memory.
    # Arrow reads about 32 blocks ahead, so the bound follows from the size of a block.
    path = tmp_path / "t.csv"
    chunk = b"2021,0156,China,02,Exports,394272.573\n" * 10_000
    with path.open("wb") as out:
        out.write(b"year,economy,label,flow,flow_label,value\n")
        for _ in range(120):
            out.write(chunk)
    columns = ("year", "economy", "label", "flow", "flow_label", "value")
    before, peak, rows, last = pa.total_allocated_bytes(), 0, 0, None
    contract = Contract(read={name: name for name in columns})
    options = {"source": "s", "file": "t.csv", "note": no_note}
    for batch in read_delimited(path, contract, **options, block_bytes=256 * 1024):
        peak = max(peak, pa.total_allocated_bytes() - before)
        rows += batch.num_rows
        last = batch.slice(batch.num_rows - 1).to_pylist()[0]
    assert rows == 1_200_000
    assert last is not None and last["_row"] == 1_200_001 and last["value"] == "394272.573"
    assert peak < 16 * 1024 * 1024, f"{peak} bytes in use"


def test_check_for_stray_quotes_sees_across_blocks(tmp_path: Path) -> None:
    path = written(tmp_path, b'a,b\n12345,x"y\n')
    for block_bytes in range(1, 16):
        with pytest.raises(SourceError, match="in line 2"):
            delimited.check_characters(path, source="s", file="t.csv", delimiter=",", block_bytes=block_bytes)
