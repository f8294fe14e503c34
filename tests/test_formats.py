"""The formats on their own: archives, delimited text, JSON. Bad files are made here, byte by byte."""

from __future__ import annotations

import csv
import errno
import io
import json
import stat
import struct
import zipfile
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import py7zr
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.errors import SourceError
from warehouse.formats import archive
from warehouse.formats import csv as delimited
from warehouse.formats.archive import Member, copy_capped, extract_member, leaves_directory, select_member
from warehouse.formats.csv import read_delimited
from warehouse.formats.json import Number, parse_json, read_json

CAP = 1024 * 1024
PER_EXAMPLE_FILES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# --- archives ---------------------------------------------------------------------------------------


def make_7z(path: Path, members: dict[str, bytes], **options: Any) -> Path:
    with py7zr.SevenZipFile(path, "w", **options) as made:
        if "password" not in options:
            made.set_encoded_header_mode(False)  # a plain header is one that a test can forge
        for name, data in members.items():
            made.writestr(data, name)
    return path


def forge_7z_header(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes of a plain 7z header by as many others, and make both its checksums right again."""
    data = bytearray(path.read_bytes())
    offset, size = struct.unpack("<QQ", data[12:28])
    start = 32 + offset
    header = bytes(data[start : start + size])
    assert old in header and len(old) == len(new)
    forged = header.replace(old, new)
    data[start : start + size] = forged
    data[28:32] = struct.pack("<I", zlib.crc32(forged))
    data[8:12] = struct.pack("<I", zlib.crc32(bytes(data[12:32])))
    path.write_bytes(data)


def make_zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def make(kind: str, path: Path, members: dict[str, bytes]) -> Path:
    return make_7z(path, members) if kind == "7z" else make_zip(path, members)


def extract(path: Path, kind: str, work: Path, *, max_bytes: int = CAP, member: str | None = None) -> bytes:
    work.mkdir(exist_ok=True)
    kind_name: Any = kind
    out = extract_member(
        path, work, source="unctad_goods", file=path.name, kind=kind_name, max_bytes=max_bytes, member=member
    )
    assert out.parent == work
    return out.read_bytes()


def refused(path: Path, kind: str, work: Path, **options: Any) -> str:
    """Extract, expect a refusal that names source and file, see that no byte was left, return its text."""
    with pytest.raises(SourceError) as caught:
        extract(path, kind, work, **options)
    assert caught.value.source == "unctad_goods"
    assert caught.value.file == path.name
    assert list(work.iterdir()) == []
    return str(caught.value)


KINDS = pytest.mark.parametrize("kind", ["7z", "zip"])


@KINDS
def test_the_one_member_comes_out_under_our_name(kind: str, tmp_path: Path) -> None:
    path = make(kind, tmp_path / f"a.{kind}", {"folder/Table (final).csv": b"a,b\r\n1,2\r\n"})
    assert extract(path, kind, tmp_path / "work") == b"a,b\r\n1,2\r\n"
    assert [entry.name for entry in (tmp_path / "work").iterdir()] == [f"a.{kind}.member"]


@KINDS
def test_a_named_member_is_found_among_others(kind: str, tmp_path: Path) -> None:
    path = make(kind, tmp_path / f"a.{kind}", {"readme.txt": b"hello", "b.csv": b"b", "c.csv": b"c"})
    assert extract(path, kind, tmp_path / "work", member="b.csv") == b"b"


@KINDS
def test_more_than_one_file_none_or_not_the_named_one_is_refused(kind: str, tmp_path: Path) -> None:
    two = make(kind, tmp_path / f"two.{kind}", {"a.csv": b"a", "b.csv": b"b"})
    work = tmp_path / "work"
    assert "must have exactly one file; it has 'a.csv', 'b.csv'" in refused(two, kind, work)
    assert "exactly one file 'c.csv'" in refused(two, kind, work, member="c.csv")
    empty = make(kind, tmp_path / f"empty.{kind}", {})
    assert "one file" in (said := refused(empty, kind, work)) or "corrupt" in said


CLIMBING = ["../x.csv", "/etc/x.c", "a/../../x", "..\\x.csv", "C:\\x.csv", "\\\\host\\x", "C:x.csv1"]


@pytest.mark.parametrize("name", CLIMBING)
@KINDS
def test_a_path_that_leaves_directory_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "7z":
        innocent = "x" * len(name)  # py7zr refuses to write such a name: write another, then forge it
        make_7z(path, {innocent: b"payload"})
        forge_7z_header(path, innocent.encode("utf-16-le"), name.encode("utf-16-le"))
    else:
        make_zip(path, {name: b"payload"})
    assert "leaves the extraction directory" in refused(path, kind, tmp_path / "work")
    assert not (tmp_path / "x.csv").exists()


def test_a_climbing_member_beside_the_wanted_one_is_refused_as_well(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"b.csv": b"b", "../evil": b"e"})
    assert "leaves the extraction directory" in refused(path, "zip", tmp_path / "work", member="b.csv")


def test_ordinary_names_do_not_climb() -> None:
    assert not any(
        leaves_directory(name) for name in ("a.csv", "a/b.csv", "..a.csv", "a..b/c.csv", "年度.csv")
    )


@KINDS
def test_a_symbolic_link_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "7z":
        link = tmp_path / "link.csv"
        link.symlink_to("/etc/passwd")
        with py7zr.SevenZipFile(path, "w") as made:
            made.write(link, "link.csv")
        link.unlink()
    else:
        entry = zipfile.ZipInfo("link.csv")
        entry.create_system = 3
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        with zipfile.ZipFile(path, "w") as made:
            made.writestr(entry, "/etc/passwd")
    assert "a link or a device" in refused(path, kind, tmp_path / "work")


@KINDS
def test_an_archive_that_declares_more_than_the_cap_is_refused(kind: str, tmp_path: Path) -> None:
    path = make(kind, tmp_path / f"bomb.{kind}", {"zeros.csv": bytes(CAP + 1)})
    assert path.stat().st_size < 20_000
    assert f"past the limit of {CAP} bytes" in refused(path, kind, tmp_path / "work")
    assert len(extract(path, kind, tmp_path / "work", max_bytes=CAP + 1)) == CAP + 1


def test_a_declaration_past_the_cap_is_refused_before_a_byte_comes_out() -> None:
    huge = Member("a.csv", size=10**15, is_directory=False, is_file=True, is_encrypted=False)
    with pytest.raises(SourceError, match="past the limit"):
        select_member([huge], source="s", file="f", max_bytes=CAP, member=None)


def test_a_7z_whose_other_members_expand_past_the_cap_is_stopped_on_the_way(tmp_path: Path) -> None:
    # A solid archive: to reach the small member, the big one before it has to be expanded.
    path = make_7z(tmp_path / "solid.7z", {"zeros.bin": bytes(8 * CAP), "b.csv": b"small"})
    assert "past the limit" in refused(path, "7z", tmp_path / "work", member="b.csv")


def test_a_7z_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    # 3 MiB of zeros declared as 17 bytes. 7z spells a size of three bytes as 0xe0 and the bytes, once for
    # each of the archive's two coders.
    path = make_7z(tmp_path / "liar.7z", {"zeros.csv": bytes(3 * CAP)})
    true_size = bytes([0b11100000]) + (3 * CAP).to_bytes(3, "little")
    forge_7z_header(path, true_size, bytes([0b11100000]) + (17).to_bytes(3, "little"))
    assert "corrupt" in refused(path, "7z", tmp_path / "work")


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "liar.zip", {"zeros.csv": bytes(3 * CAP)})
    true_size = (3 * CAP).to_bytes(4, "little")
    data = path.read_bytes()
    assert data.count(true_size) == 2  # the local header and the directory
    path.write_bytes(data.replace(true_size, (17).to_bytes(4, "little")))
    assert "corrupt" in refused(path, "zip", tmp_path / "work")


def test_a_stream_is_stopped_before_it_writes_past_the_cap() -> None:
    out = io.BytesIO()
    with pytest.raises(SourceError, match="past the limit of 10 bytes"):
        copy_capped(io.BytesIO(bytes(11)), out, source="s", file="f", max_bytes=10)
    assert out.getvalue() == b""
    copy_capped(io.BytesIO(bytes(10)), out, source="s", file="f", max_bytes=10)
    assert len(out.getvalue()) == 10


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = make_7z(tmp_path / "a.7z", {"a.csv": b"secret"}, password="word")
    assert "encrypted" in refused(path, "7z", tmp_path / "work")
    hidden = make_7z(tmp_path / "b.7z", {"a.csv": b"secret"}, password="word", header_encryption=True)
    assert "encrypted" in refused(hidden, "7z", tmp_path / "work")
    plain = make_zip(tmp_path / "a.zip", {"a.csv": b"secret"})
    data = bytearray(plain.read_bytes())
    data[6] |= 1  # the flag, in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    plain.write_bytes(data)
    said = refused(plain, "zip", tmp_path / "work")
    assert "encrypted" in said and "corrupt" not in said


def test_a_zip_packed_by_a_method_without_a_bound_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.csv": bytes(1000)}, zipfile.ZIP_BZIP2)
    assert "not deflate" in refused(path, "zip", tmp_path / "work")


@KINDS
def test_a_truncated_archive_or_a_web_page_is_refused(kind: str, tmp_path: Path) -> None:
    whole = make(kind, tmp_path / "whole", {"a.csv": bytes(range(256)) * 40}).read_bytes()
    path = tmp_path / f"a.{kind}"
    for length in (0, 3, 31, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "truncated, corrupt or not a" in refused(path, kind, tmp_path / "work")
    path.write_bytes(b"<!DOCTYPE html><html><body>Service unavailable</body></html>")
    assert "truncated, corrupt or not a" in refused(path, kind, tmp_path / "work")


@KINDS
@PER_EXAMPLE_FILES
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_one_wrong_byte_never_gives_wrong_rows(kind: str, place: float, byte: int, tmp_path: Path) -> None:
    content = b"".join(b"%d,%d\n" % (i, i * i) for i in range(500))
    data = bytearray(make(kind, tmp_path / "whole", {"a.csv": content}).read_bytes())
    data[int(place * len(data))] ^= byte
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    try:
        # A changed name, date or mode is no news; a changed content is.
        assert extract(path, kind, tmp_path / "work") == content
    except SourceError as error:
        assert error.file == path.name


def test_a_full_disk_is_not_called_a_corrupt_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "copy_capped", full)
    path = make_zip(tmp_path / "a.zip", {"a.csv": b"a"})
    with pytest.raises(OSError, match="No space left"):
        extract(path, "zip", tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


# --- delimited text ---------------------------------------------------------------------------------


def table(path: Path, columns: tuple[str, ...] = ("a", "b", "c"), **options: Any) -> list[dict[str, Any]]:
    batches = list(read_delimited(path, columns, source="unctad_goods", file="t.csv", **options))
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


def test_every_value_stays_text_and_only_emptiness_is_null(tmp_path: Path) -> None:
    data = b'a,b,c\r\n076,0000,02\r\nNA,"NA",null\r\n,"",NULL\r\nnan,1e5,-0\r\n" x",true,1.10\r\n'
    assert table(written(tmp_path, data)) == [
        {"a": "076", "b": "0000", "c": "02", "_file": "t.csv", "_row": 2},
        {"a": "NA", "b": "NA", "c": "null", "_file": "t.csv", "_row": 3},
        {"a": None, "b": None, "c": "NULL", "_file": "t.csv", "_row": 4},
        {"a": "nan", "b": "1e5", "c": "-0", "_file": "t.csv", "_row": 5},
        {"a": " x", "b": "true", "c": "1.10", "_file": "t.csv", "_row": 6},
    ]


def test_a_newline_inside_quotes_is_part_of_the_value_even_across_blocks(tmp_path: Path) -> None:
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
        (b"a,b,c,d", "unknown 'd'"),
        (b"a,b,c,", "unknown ''"),
        (b"a,b", "missing 'c'"),
        (b"a,B,c", "missing 'b'; unknown 'B'"),
        (b"a,c,b", "column 2 is 'c', expected 'b'"),
        (b"a,b,b,c", "repeated 'b'"),
        (b"a;b;c", "missing 'a', 'b', 'c'; unknown 'a;b;c'"),
    ],
)
def test_a_header_other_than_the_agreed_one_is_refused(header: bytes, reason: str, tmp_path: Path) -> None:
    error = csv_error(tmp_path, header + b"\r\n1,2,3\r\n")
    assert reason in str(error)
    assert error.row == 1


def test_a_byte_order_mark_is_taken_where_agreed_and_refused_elsewhere(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfa,b,c\r\n1,2,3\r\n"
    assert "byte order mark" in str(csv_error(tmp_path, data))
    assert [row["a"] for row in table(written(tmp_path, data), encoding="utf-8-sig")] == ["1"]
    assert [row["a"] for row in table(written(tmp_path, data[3:]), encoding="utf-8-sig")] == ["1"]
    quoted = b'\xef\xbb\xbf"a","b","c"\r\n"1","2","3"\r\n'
    assert [row["a"] for row in table(written(tmp_path, quoted), encoding="utf-8-sig")] == ["1"]


@pytest.mark.parametrize(
    ("bad", "values"), [(b"1,2", 2), (b"1,2,3,", 4), (b"1,2,3,4", 4), (b'"1,2",3', 2), (b"", 0), (b",,", 0)]
)
@pytest.mark.parametrize("before", [0, 1, 500])
def test_a_ragged_or_empty_row_is_refused_by_its_number(
    bad: bytes, values: int, before: int, tmp_path: Path
) -> None:
    data = b"a,b,c\n" + b"1,2,3\n" * before + bad + b"\n4,5,6\n"
    error = csv_error(tmp_path, data, block_bytes=64)
    assert error.row == before + 2
    assert (f"the row has {values} values, expected 3" if values else "the row has no value") in str(error)


def test_a_ragged_row_after_a_quoted_newline_keeps_its_number(tmp_path: Path) -> None:
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
def test_malformed_text_is_refused(body: bytes, reason: str, tmp_path: Path) -> None:
    assert reason in str(csv_error(tmp_path, b"a,b,c\n" + body, block_bytes=1024))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_header_without_rows_is_refused(end: bytes, tmp_path: Path) -> None:
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
def test_an_empty_file_or_a_web_page_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    assert reason in str(csv_error(tmp_path, data, encoding="utf-8-sig"))


def test_another_encoding_is_decoded_and_its_gaps_are_refused(tmp_path: Path) -> None:
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
def test_whatever_a_csv_writer_writes_comes_back_untouched(
    rows: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    got = table(written(tmp_path, text.getvalue().encode()), block_bytes=512)
    assert [(row["a"], row["b"] or "", row["c"] or "") for row in got] == rows


def test_a_large_file_streams_in_bounded_memory(tmp_path: Path) -> None:
    # 1.2 million rows, 45 MB of text: as one table they would take more than that of Arrow's memory.
    # Arrow reads some 32 blocks ahead, so the bound follows from the size of a block.
    path = tmp_path / "t.csv"
    chunk = b"2021,0156,China,02,Exports,394272.573\n" * 10_000
    with path.open("wb") as out:
        out.write(b"year,economy,label,flow,flow_label,value\n")
        for _ in range(120):
            out.write(chunk)
    columns = ("year", "economy", "label", "flow", "flow_label", "value")
    before, peak, rows, last = pa.total_allocated_bytes(), 0, 0, None
    for batch in read_delimited(path, columns, source="s", file="t.csv", block_bytes=256 * 1024):
        peak = max(peak, pa.total_allocated_bytes() - before)
        rows += batch.num_rows
        last = batch.slice(batch.num_rows - 1).to_pylist()[0]
    assert rows == 1_200_000
    assert last is not None and last["_row"] == 1_200_001 and last["value"] == "394272.573"
    assert peak < 16 * 1024 * 1024, f"{peak} bytes held at once"


def test_the_check_for_stray_quotes_sees_across_blocks(tmp_path: Path) -> None:
    path = written(tmp_path, b'a,b\n12345,x"y\n')
    for block_bytes in range(1, 16):
        with pytest.raises(SourceError, match="in line 2"):
            delimited.check_characters(path, source="s", file="t.csv", delimiter=",", block_bytes=block_bytes)


# --- JSON -------------------------------------------------------------------------------------------


def json_error(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "t.json"
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read_json(path, source="worldbank_wdi", file="t.json", address="https://example.org/x")
    assert caught.value.source == "worldbank_wdi"
    assert caught.value.file == "t.json"
    assert caught.value.address == "https://example.org/x"
    return str(caught.value)


def test_numbers_keep_their_text_and_texts_stay_texts() -> None:
    value = parse_json(b'[338440775474.07, -0, 1.10, 1E+400, 0.1000000000000000055511151231257827, "12", ""]')
    assert value == [
        "338440775474.07",
        "-0",
        "1.10",
        "1E+400",
        "0.1000000000000000055511151231257827",
        "12",
        "",
    ]
    assert isinstance(value, list)
    assert [isinstance(part, Number) for part in value] == [True] * 5 + [False] * 2


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_round_trips_digit_by_digit(number: Decimal) -> None:
    text = str(number)
    assert parse_json(f'{{"value": {text}}}'.encode()) == {"value": text}


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
        max_leaves=15,
    )
)
def test_everything_that_is_no_number_is_read_as_the_standard_reads_it(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(value, ensure_ascii=False).encode()) == value


def test_truncated_json_is_refused_with_its_position(tmp_path: Path) -> None:
    whole = b'[{"page": 1},\n [{"value": 12.5}]]'
    said = json_error(tmp_path, whole[:-4])
    assert "the JSON is not complete" in said and "line 2" in said and f"of {len(whole) - 4}" in said
    for length in range(1, len(whole)):
        assert "JSON" in json_error(tmp_path, whole[:length])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty; JSON is expected"),
        (b"\n <html>502 Bad Gateway</html>", "an HTML or XML page; JSON is expected"),
        (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' is repeated"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"[1] [2]", "the JSON is not complete"),
        (b"[01]", "the JSON is not complete"),
        (b'["\xff"]', "not UTF-8 text: byte 2"),
        (b'["\\ud800"]', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_json_that_is_no_clean_table_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    assert reason in json_error(tmp_path, data)


def test_a_whole_surrogate_pair_is_one_letter() -> None:
    assert parse_json(b'["\\ud83d\\ude00"]') == ["\U0001f600"]
