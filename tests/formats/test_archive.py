"""Extraction of a member from a 7z or zip archive, and the rejected archives."""

from __future__ import annotations

import errno
import io
import stat
import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import py7zr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.errors import SourceError
from warehouse.formats import archive
from warehouse.formats.archive import Member, copy_capped, extract_member, leaves_directory, select_member

CAP = 1024 * 1024
FAIL = partial(SourceError, "s", file="f")
PER_EXAMPLE_FILES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def make_7z(path: Path, members: dict[str, bytes], **options: Any) -> Path:
    with py7zr.SevenZipFile(path, "w", **options) as opened:
        if "password" not in options:
            opened.set_encoded_header_mode(False)  # a test can forge a plain header
        for name, data in members.items():
            opened.writestr(data, name)
    return path


def forge_7z_header(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes of a plain 7z header by as many others, and recompute both its checksums."""
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
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return path


def make(kind: str, path: Path, members: dict[str, bytes]) -> Path:
    return make_7z(path, members) if kind == "7z" else make_zip(path, members)


def extract(path: Path, kind: str, work: Path, *, max_bytes: int = CAP, **options: Any) -> bytes:
    work.mkdir(exist_ok=True)
    kind_name: Any = kind
    out = extract_member(
        path, work, source="unctad_goods", file=path.name, kind=kind_name, max_bytes=max_bytes, **options
    )
    assert out.parent == work
    return out.read_bytes()


def extraction_error(path: Path, kind: str, work: Path, **options: Any) -> str:
    """Extract, expect a SourceError with source and file, check that no file is left, return its text."""
    with pytest.raises(SourceError) as caught:
        extract(path, kind, work, **options)
    assert caught.value.source == "unctad_goods"
    assert caught.value.file == path.name
    assert list(work.iterdir()) == []
    return str(caught.value)


KINDS = pytest.mark.parametrize("kind", ["7z", "zip"])


@KINDS
def test_single_member_is_extracted_under_fixed_name(kind: str, tmp_path: Path) -> None:
    path = make(kind, tmp_path / f"a.{kind}", {"folder/Table (final).csv": b"a,b\r\n1,2\r\n"})
    assert extract(path, kind, tmp_path / "work") == b"a,b\r\n1,2\r\n"
    assert [entry.name for entry in (tmp_path / "work").iterdir()] == [f"a.{kind}.member"]


@KINDS
def test_further_files_are_drift_and_those_of_macos_are_not_counted(kind: str, tmp_path: Path) -> None:
    members = {"readme.txt": b"hello", "b.CSV": b"b", "__MACOSX/._b.csv": b"m", "codes.xlsx": b"c"}
    notes: list[tuple[str, str]] = []
    path = make(kind, tmp_path / f"a.{kind}", members)
    note = lambda file, detail: notes.append((file, detail))  # noqa: E731
    assert extract(path, kind, tmp_path / "work", suffix=".csv", note=note) == b"b"
    assert notes == [
        (path.name, f"further file {name!r} in the archive") for name in ("readme.txt", "codes.xlsx")
    ]


@KINDS
def test_archive_without_exactly_one_matching_file_is_rejected(kind: str, tmp_path: Path) -> None:
    two = make(kind, tmp_path / f"two.{kind}", {"a.csv": b"a", "b.csv": b"b"})
    work = tmp_path / "work"
    assert "must have exactly one file; it has 'a.csv', 'b.csv'" in extraction_error(two, kind, work)
    assert "exactly one file *.dta; it has" in extraction_error(two, kind, work, suffix=".dta")
    assert "exactly one file *.csv; it has" in extraction_error(two, kind, work, suffix=".csv")
    empty = make(kind, tmp_path / f"empty.{kind}", {})
    assert "one file" in (message := extraction_error(empty, kind, work)) or "corrupt" in message


PATHS_OUTSIDE = ["../x.csv", "/etc/x.c", "a/../../x", "..\\x.csv", "C:\\x.csv", "\\\\host\\x", "C:x.csv1"]


@pytest.mark.parametrize("name", PATHS_OUTSIDE)
@KINDS
def test_member_path_outside_the_directory_is_rejected(kind: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "7z":
        innocent = "x" * len(name)  # py7zr rejects such a name: write another, then forge it
        make_7z(path, {innocent: b"payload"})
        forge_7z_header(path, innocent.encode("utf-16-le"), name.encode("utf-16-le"))
    else:
        make_zip(path, {name: b"payload"})
    assert "leaves the extraction directory" in extraction_error(path, kind, tmp_path / "work")
    assert not (tmp_path / "x.csv").exists()


def test_other_member_with_path_outside_is_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"b.csv": b"b", "../evil": b"e"})
    assert "leaves the extraction directory" in extraction_error(
        path, "zip", tmp_path / "work", suffix=".csv"
    )


def test_ordinary_names_do_not_leave_the_directory() -> None:
    assert not any(
        leaves_directory(name) for name in ("a.csv", "a/b.csv", "..a.csv", "a..b/c.csv", "年度.csv")
    )


@KINDS
def test_symbolic_link_is_rejected(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "7z":
        link = tmp_path / "link.csv"
        link.symlink_to("/etc/passwd")
        with py7zr.SevenZipFile(path, "w") as opened:
            opened.write(link, "link.csv")
        link.unlink()
    else:
        entry = zipfile.ZipInfo("link.csv")
        entry.create_system = 3
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        with zipfile.ZipFile(path, "w") as opened:
            opened.writestr(entry, "/etc/passwd")
    assert "a link or a device" in extraction_error(path, kind, tmp_path / "work")


@KINDS
def test_archive_with_declared_size_over_limit_is_rejected(kind: str, tmp_path: Path) -> None:
    path = make(kind, tmp_path / f"bomb.{kind}", {"zeros.csv": bytes(CAP + 1)})
    assert path.stat().st_size < 20_000
    assert f"past the limit of {CAP} bytes" in extraction_error(path, kind, tmp_path / "work")
    assert len(extract(path, kind, tmp_path / "work", max_bytes=CAP + 1)) == CAP + 1


def test_declared_size_over_limit_is_rejected_before_extraction() -> None:
    huge = Member("a.csv", size=10**15, is_directory=False, is_file=True, is_encrypted=False)
    with pytest.raises(SourceError, match="past the limit"):
        select_member([huge], "", CAP, FAIL, print)


def test_7z_with_other_members_over_limit_is_rejected_during_extraction(tmp_path: Path) -> None:
    # A solid archive: the large first member must be expanded to reach the small one.
    path = make_7z(tmp_path / "solid.7z", {"zeros.bin": bytes(8 * CAP), "b.csv": b"small"})
    assert "past the limit" in extraction_error(path, "7z", tmp_path / "work", suffix=".csv")


def test_7z_with_false_size_is_rejected(tmp_path: Path) -> None:
    # 3 MiB of zeros declared as 17 bytes. 7z writes a size of three bytes as 0xe0 and the bytes, once for
    # each of the archive's two coders.
    path = make_7z(tmp_path / "false_size.7z", {"zeros.csv": bytes(3 * CAP)})
    true_size = bytes([0b11100000]) + (3 * CAP).to_bytes(3, "little")
    forge_7z_header(path, true_size, bytes([0b11100000]) + (17).to_bytes(3, "little"))
    assert "corrupt" in extraction_error(path, "7z", tmp_path / "work")


def test_zip_with_false_size_is_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "false_size.zip", {"zeros.csv": bytes(3 * CAP)})
    true_size = (3 * CAP).to_bytes(4, "little")
    data = path.read_bytes()
    assert data.count(true_size) == 2  # the local header and the directory
    path.write_bytes(data.replace(true_size, (17).to_bytes(4, "little")))
    assert "corrupt" in extraction_error(path, "zip", tmp_path / "work")


def test_stream_stops_before_it_writes_over_limit() -> None:
    out = io.BytesIO()
    with pytest.raises(SourceError, match="past the limit of 10 bytes"):
        copy_capped(io.BytesIO(bytes(11)), out, 10, FAIL)
    assert out.getvalue() == b""
    copy_capped(io.BytesIO(bytes(10)), out, 10, FAIL)
    assert len(out.getvalue()) == 10


def test_encrypted_archive_is_rejected(tmp_path: Path) -> None:
    path = make_7z(tmp_path / "a.7z", {"a.csv": b"secret"}, password="word")
    assert "encrypted" in extraction_error(path, "7z", tmp_path / "work")
    hidden = make_7z(tmp_path / "b.7z", {"a.csv": b"secret"}, password="word", header_encryption=True)
    assert "encrypted" in extraction_error(hidden, "7z", tmp_path / "work")
    plain = make_zip(tmp_path / "a.zip", {"a.csv": b"secret"})
    data = bytearray(plain.read_bytes())
    data[6] |= 1  # the flag, in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    plain.write_bytes(data)
    message = extraction_error(plain, "zip", tmp_path / "work")
    assert "encrypted" in message and "corrupt" not in message


def test_zip_with_unsupported_compression_is_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.csv": bytes(1000)}, zipfile.ZIP_BZIP2)
    assert "not deflate" in extraction_error(path, "zip", tmp_path / "work")


@KINDS
def test_truncated_archive_or_web_page_is_rejected(kind: str, tmp_path: Path) -> None:
    whole = make(kind, tmp_path / "whole", {"a.csv": bytes(range(256)) * 40}).read_bytes()
    path = tmp_path / f"a.{kind}"
    for length in (0, 3, 31, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "truncated, corrupt or not a" in extraction_error(path, kind, tmp_path / "work")
    path.write_bytes(b"<!DOCTYPE html><html><body>Service unavailable</body></html>")
    assert "truncated, corrupt or not a" in extraction_error(path, kind, tmp_path / "work")


@KINDS
@PER_EXAMPLE_FILES
@given(position=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_single_changed_byte_never_changes_content(
    kind: str, position: float, byte: int, tmp_path: Path
) -> None:
    content = b"".join(b"%d,%d\n" % (i, i * i) for i in range(500))
    data = bytearray(make(kind, tmp_path / "whole", {"a.csv": content}).read_bytes())
    data[int(position * len(data))] ^= byte
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    try:
        # A changed name, date or mode does not matter; changed content does.
        assert extract(path, kind, tmp_path / "work") == content
    except SourceError as error:
        assert error.file == path.name


def test_full_disk_is_not_reported_as_corrupt_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_disk_full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "copy_capped", raise_disk_full)
    path = make_zip(tmp_path / "a.zip", {"a.csv": b"a"})
    with pytest.raises(OSError, match="No space left"):
        extract(path, "zip", tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []
