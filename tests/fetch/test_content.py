"""The kind of an answer, by its bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import py7zr
import pytest
from pytest_httpserver import HTTPServer
from serving import CSV, PAGE, QUICK, failure, names_in, source_for, stable_id

from warehouse.errors import SourceError
from warehouse.fetch import fetch
from warehouse.fetch.content import content_fault, excerpt
from warehouse.sources import SOURCES

pytest_plugins = ("proxies",)
pytestmark = pytest.mark.usefixtures("no_proxy")


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, f"the content of {name}" * 20)
    return packed.getvalue()


def seven_zipped() -> bytes:
    packed = io.BytesIO()
    with py7zr.SevenZipFile(packed, "w") as archive:
        archive.writestr("year,value\n" * 50, "t.csv")
    return packed.getvalue()


XLSX = zipped("[Content_Types].xml", "xl/workbook.xml")
SEVEN = seven_zipped()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("csv", CSV),
        ("csv", b"\xef\xbb\xbf" + CSV),
        ("csv", "économie\n".encode("cp1252")),
        ("html", PAGE),
        ("html", b'<?xml version="1.0"?>\n<!DOCTYPE html>\n<p>'),
        ("json", b'\xef\xbb\xbf {"a": [1]}\n'),
        ("json", b"[]"),
        ("xlsx", XLSX),
        ("zip", zipped("t.csv")),
        ("7z", SEVEN),
        ("dta", b"<stata_dta><header><release>118"),
        ("dta", bytes((115, 2, 1)) + bytes(120)),
    ],
    ids=stable_id,
)
def test_requested_kind_is_accepted(httpserver: HTTPServer, tmp_path: Path, kind: str, body: bytes) -> None:
    httpserver.expect_request("/").respond_with_data(body, content_type="application/octet-stream")
    fetch(source_for(httpserver.url_for("/"), kind=kind), tmp_path, limits=QUICK)
    assert (tmp_path / "data.csv").read_bytes() == body


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        *((kind, b"", "it is empty") for kind in ("csv", "dta", "html", "json", "xlsx", "zip", "7z")),
        *((kind, PAGE, "it is HTML or XML") for kind in ("csv", "dta", "json", "xlsx", "zip", "7z")),
        ("csv", XLSX, "contains null bytes"),
        ("csv", b"<?xml version='1.0'?><Error/>", "it is HTML or XML"),
        ("html", b"year,value", "does not begin as HTML"),
        ("html", b"<?xml version='1.0'?><Error/>", "does not begin as HTML"),
        ("json", b"year,value", "neither { nor ["),
        ("json", b'[{"page":1},[{"value":', "cut off"),
        ("json", b'{"a": [1]', "cut off"),
        ("zip", b"x" + zipped("t.csv"), "no header of zip"),
        ("zip", SEVEN, "no header of zip"),
        ("zip", zipped(), "no header of zip"),
        ("7z", zipped("t.csv"), "no header of 7z"),
        ("dta", bytes((115, 2, 1)), "no header of dta"),
        ("dta", bytes(120), "no header of dta"),
        ("parquet", b"PAR1", "no such kind"),
    ],
    ids=stable_id,
)
def test_another_kind_is_an_error_with_its_first_characters(
    httpserver: HTTPServer, tmp_path: Path, kind: str, body: bytes, reason: str
) -> None:
    httpserver.expect_request("/t").respond_with_data(body, content_type="text/csv")
    message = failure(source_for(httpserver.url_for("/t"), kind=kind), tmp_path)
    assert message.startswith(f"toy: the answer is not {kind}: ") and reason in message
    assert httpserver.url_for("/t") in message and "data.csv" in message
    assert "维护 maintenance" in message or body != PAGE
    assert "data.csv" not in names_in(tmp_path)


ZIP, WORKBOOK, SEVEN_ZIP = (
    ("batis", "batis.zip", "zip"),
    ("safe_bop", "bop_bpm6.xlsx", "xlsx"),
    ("unctad_services", "US_TradeServCatTotal.csv.7z", "7z"),
)


@pytest.mark.parametrize(
    ("of", "body"),
    [
        pytest.param(ZIP, zipped("t.csv")[:-10], id="zip without its end"),
        pytest.param(ZIP, zipped("t.csv")[:60], id="zip without its directory"),
        pytest.param(WORKBOOK, XLSX[: len(XLSX) // 2], id="xlsx cut in half"),
        pytest.param(WORKBOOK, zipped("t.csv"), id="xlsx without a workbook"),
        pytest.param(SEVEN_ZIP, SEVEN[:-1], id="7z without its last byte"),
        pytest.param(SEVEN_ZIP, SEVEN[:20], id="7z cut in its first header"),
        pytest.param(SEVEN_ZIP, SEVEN[:12] + b"\xff" + SEVEN[13:], id="7z with a damaged first header"),
        pytest.param(SEVEN_ZIP, SEVEN[:-1] + bytes([SEVEN[-1] ^ 1]), id="7z with a damaged end header"),
    ],
)
def test_damaged_archive_is_rejected_by_the_reader(
    tmp_path: Path, of: tuple[str, str, str], body: bytes
) -> None:
    source, name, kind = of
    path = tmp_path / name
    path.write_bytes(body)
    assert content_fault(kind, path) == "", "fetch leaves the structure of archives to the readers"
    (tmp_path / "work").mkdir()
    with pytest.raises(SourceError, match=rf"^{source}: .*file {name}"):
        list(SOURCES[source].read({name: path}, tmp_path / "work"))


def test_excerpt_is_short_and_printable() -> None:
    assert excerpt(b"a\x00\x1b[31m\r\n b\xff" + b"c" * 200) == "a[31m b" + "c" * 73
