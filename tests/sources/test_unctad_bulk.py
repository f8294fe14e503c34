"""UNCTAD's bulk reports on services and goods: the recorded archives, the plan, and bad input."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import py7zr
import pyarrow as pa
import pytest
from unctad_reports import read_report, write_report

from warehouse.errors import SourceError
from warehouse.fetch import fetch
from warehouse.model import Request, Source, raw_schema
from warehouse.sources import unctad_goods, unctad_services
from warehouse.sources._unctad_bulk import BulkReport, read

FIXTURES = Path(__file__).parents[1] / "fixtures"
BOTH = pytest.mark.parametrize(
    ("source", "report"),
    [
        (unctad_services.SOURCE, unctad_services.REPORT),
        (unctad_goods.SOURCE, unctad_goods.REPORT),
    ],
    ids=["services", "goods"],
)


def fixture(source: Source, report: BulkReport) -> Path:
    return FIXTURES / source.name / report.archive


def expected_rows(archive: Path, work: Path) -> list[list[str]]:
    """Unpack with py7zr and read with the csv module: no code of the product, and no Arrow."""
    with py7zr.SevenZipFile(archive) as opened:
        opened.extractall(work)
    [table] = work.iterdir()
    with table.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.reader(handle))


def rows(source: Source, report: BulkReport, archive: Path, work: Path) -> list[dict[str, object]]:
    batches = list(source.read({report.archive: archive}, work))
    assert all(batch.schema == raw_schema(source.columns) for batch in batches)
    return pa.Table.from_batches(batches).to_pylist()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    source, report = unctad_services.SOURCE, unctad_services.REPORT
    return rows(source, report, fixture(source, report), tmp_path_factory.mktemp("services"))


@pytest.fixture(scope="module")
def goods(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    source, report = unctad_goods.SOURCE, unctad_goods.REPORT
    return rows(source, report, fixture(source, report), tmp_path_factory.mktemp("goods"))


@BOTH
def test_every_row_equals_the_reading_of_the_csv_module(
    source: Source, report: BulkReport, tmp_path: Path
) -> None:
    (tmp_path / "hand").mkdir()
    (tmp_path / "work").mkdir()
    header, *expected = expected_rows(fixture(source, report), tmp_path / "hand")
    assert (
        len(expected) == {"unctad_services": 7978, "unctad_goods": 29266}[source.name]
    )  # wc -l, minus the header
    assert len(header) == len(source.columns)
    got = rows(source, report, fixture(source, report), tmp_path / "work")
    assert [[row[column] or "" for column in source.columns] for row in got] == expected
    assert [row["_row"] for row in got] == list(range(2, len(expected) + 2))
    assert {row["_file"] for row in got} == {report.archive}
    assert list((tmp_path / "work").iterdir()) == [], "the expanded file is removed after reading"


def figure(table: list[dict[str, object]], **key: str) -> object:
    found = [row["value"] for row in table if all(row[column] == text for column, text in key.items())]
    assert len(found) == 1
    return found[0]


def test_services_figures_are_the_text_of_the_publisher(services: list[dict[str, object]]) -> None:
    # grep '^2021,156,\|^2021,0000,\|^2021,076,' US_TradeServCatTotal.csv
    assert figure(services, year="2021", economy="156", flow="02") == "394272.573"
    assert figure(services, year="2021", economy="156", flow="01") == "426997.952"
    assert figure(services, year="2021", economy="0000", flow="02") == "6407102.088"
    assert figure(services, year="2021", economy="0000", flow="01") == "5859878.437"
    assert figure(services, year="2021", economy="076", flow="02") == "31481.823"
    assert {row["category"] for row in services} == {"S"}
    assert len({row["economy"] for row in services} - {"0000"}) == 206


def test_goods_figures_are_the_text_of_the_publisher(goods: list[dict[str, object]]) -> None:
    # grep '^2021,156,\|^2021,0000,\|^2021,076,' US_TradeMerchTotal.csv: integers stay integers
    assert figure(goods, year="2021", economy="156", flow="01") == "2679412"
    assert figure(goods, year="2021", economy="156", flow="02") == "3316022.1"
    assert figure(goods, year="2021", economy="0000", flow="02") == "22289988.78"
    assert figure(goods, year="2021", economy="076", flow="01") == "234690.445"
    # A label with a comma in quotes: grep '^1948,158,' US_TradeMerchTotal.csv
    [taiwan] = [r for r in goods if r["year"] == "1948" and r["economy"] == "158" and r["flow"] == "01"]
    assert (taiwan["economy_label"], taiwan["value"]) == ("China, Taiwan Province of", "5")


@BOTH
def test_plan_is_a_request_for_the_published_address(source: Source, report: BulkReport) -> None:
    plan = source.plan()
    request = next(plan)
    assert isinstance(request, Request)
    name = report.name
    assert request.address == (
        f"https://unctadstat-api.unctad.org/bulkdownload/{name}/{name.replace('.', '_')}"
    )
    assert (request.kind, request.name) == ("7z", f"{name.replace('.', '_')}.csv.7z")
    with pytest.raises(StopIteration):
        plan.send(fixture(source, report))


# --- a report in several archives, made from the rows of the goods -------------------------------------


def mirrored(folder: Path, answers: dict[str, bytes]) -> str:
    """Write a mirror with answers by address, and return its path."""
    folder.mkdir()
    index = []
    for number, (address, data) in enumerate(answers.items()):
        (folder / f"{number}").write_bytes(data)
        index.append({"address": address, "file": f"{number}"})
    (folder / "index.json").write_text(json.dumps({"name": "parts", "answers": index}))
    return str(folder)


def listing(*names: object) -> bytes:
    return json.dumps(
        [{"fileId": number, "fileBlobName": name} for number, name in enumerate(names)]
    ).encode()


BLOBS = ("US_TradeMerchTotal_1948_1999", "US_TradeMerchTotal_2000_2024")
LIST_OF_GOODS = "https://unctadstat-api.unctad.org/api/reportMetadata/US.TradeMerchTotal/bulkfiles/en"
ARCHIVES = "https://unctadstat-api.unctad.org/bulkdownload/US.TradeMerchTotal"


def test_report_in_several_archives_is_read_whole(tmp_path: Path) -> None:
    source, report = unctad_goods.SOURCE, unctad_goods.REPORT
    _, *sent = read_report(fixture(source, report))
    parts = [[row for row in sent if (row[0] < "2000") == is_early] for is_early in (True, False)]
    assert min(map(len, parts)) > 1000
    answers = {LIST_OF_GOODS: listing(*BLOBS)}
    for blob, part in zip(BLOBS, parts, strict=True):
        archive = write_report(tmp_path / f"{blob}.csv.7z", report, ([*row[:8]] for row in part))
        answers[f"{ARCHIVES}/{blob}"] = archive.read_bytes()
    fetched = fetch(source, tmp_path / "pull", mirror=mirrored(tmp_path / "mirror", answers))
    assert [one.name for one in fetched] == ["bulkfiles.json", *(f"{blob}.csv.7z" for blob in BLOBS)]
    (tmp_path / "work").mkdir()
    files = {one.name: tmp_path / "pull" / one.name for one in fetched}
    got = pa.Table.from_batches(list(source.read(files, tmp_path / "work"))).to_pylist()
    assert sorted(row["year"] + row["economy"] + row["flow"] for row in got) == sorted(
        row[0] + row[1] + row[3] for row in sent
    )
    found = {(row["_file"], row["_row"]) for row in got}
    assert len(found) == len(sent), "a row has one place in one archive"
    assert {file for file, _ in found} == {f"{blob}.csv.7z" for blob in BLOBS}


def test_refused_address_without_a_list_is_the_error(tmp_path: Path) -> None:
    mirror = mirrored(tmp_path / "mirror", {"https://example.org/other": b"{}"})
    with pytest.raises(SourceError, match=r"bulkdownload/US\.TradeMerchTotal/US_TradeMerchTotal"):
        fetch(unctad_goods.SOURCE, tmp_path / "pull", mirror=mirror, last_vintage="2026-01-01")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"[]", "the list of archives has no archive"),
        (b'{"status": 404}', "not a list of archives with fileBlobName: TypeError"),
        (b'[{"fileId": 7}]', "not a list of archives with fileBlobName: KeyError"),
        (listing("../secret"), "the list of archives has the name '../secret'"),
        (listing(7), "the list of archives has the name 7"),
    ],
)
def test_list_of_archives_in_another_form_is_an_error(answer: bytes, reason: str, tmp_path: Path) -> None:
    mirror = mirrored(tmp_path / "mirror", {LIST_OF_GOODS: answer})
    with pytest.raises(SourceError, match=re.escape(reason)) as error:
        fetch(unctad_goods.SOURCE, tmp_path / "pull", mirror=mirror, last_vintage="2026-01-01")
    assert "file bulkfiles.json" in str(error.value)


# --- bad input, made from the goods layout -------------------------------------------------------------

MEASURE = "US$ at current prices in millions"
HEADER = f"Year,Economy,Economy Label,Flow,Flow Label,{MEASURE},{MEASURE} Footnote,{MEASURE} Missing value"
ROW = "2021,156,China,02,Exports,3316022.1,,"
RENAMED = "Millions of US$ at current prices"
TRIPLET = f"{MEASURE},{MEASURE} Footnote,{MEASURE} Missing value"
SHARE = "Percentage of total world"
SHARES = f"{SHARE},{SHARE} Footnote,{SHARE} Missing value"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "answer.7z"


def read_goods(archive: Path, csv_bytes: bytes) -> list[dict[str, object]]:
    with py7zr.SevenZipFile(archive, "w") as made:
        made.writef(io.BytesIO(csv_bytes), "US_TradeMerchTotal.csv")
    work = archive.parent / "work"
    work.mkdir(exist_ok=True)
    return rows(unctad_goods.SOURCE, unctad_goods.REPORT, archive, work)


def read_error(archive: Path, *lines: str, end: str = "\r\n") -> SourceError:
    with pytest.raises(SourceError) as caught:
        read_goods(archive, ("\ufeff" + end.join(lines) + end).encode())
    assert caught.value.source == "unctad_goods"
    assert caught.value.file == "US_TradeMerchTotal.csv.7z"
    return caught.value


def test_codes_keep_leading_zeros_and_na_is_text(archive: Path) -> None:
    lines = [HEADER, "2021,0000,World,01,Imports,1,,", "2021,076,NA,02,null,,,Not available"]
    [world, brazil] = read_goods(archive, ("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    assert (world["economy"], world["flow"]) == ("0000", "01")
    assert (brazil["economy"], brazil["economy_label"], brazil["flow_label"]) == ("076", "NA", "null")
    assert (brazil["value"], brazil["footnote"], brazil["missing_value"]) == (None, None, "Not available")


def test_ignored_measure_is_dropped(archive: Path) -> None:
    data = f"\ufeff{HEADER},{SHARES}\r\n{ROW},14.9,,\r\n".encode()
    [row] = read_goods(archive, data)
    assert row["value"] == "3316022.1"
    assert set(row) == {*unctad_goods.SOURCE.columns, "_file", "_row"}


def test_ignored_measures_of_services_are_accepted_in_any_order(tmp_path: Path) -> None:
    report, source = unctad_services.REPORT, unctad_services.SOURCE
    assert len(report.ignored_measures) == 4
    measures = [report.measure, *reversed(report.ignored_measures)]
    header = [name for name, _ in report.dimensions]
    header += [f"{measure}{part}" for measure in measures for part in ("", " Footnote", " Missing value")]
    row = ["2021", "156", "China", "02", "Exports", "S", "Total", "394272.573", *[""] * 14]
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as made:
        made.writestr((",".join(header) + "\r\n" + ",".join(row) + "\r\n").encode(), "a.csv")
    [got] = rows(source, report, tmp_path / "a.7z", tmp_path)
    assert (got["value"], got["category"]) == ("394272.573", "S")


@pytest.mark.parametrize(
    "name", [RENAMED, "US dollars at current prices in millions", "Millions of US dollars at current prices"]
)
def test_renamed_measure_is_the_same_measure(name: str, archive: Path) -> None:
    expected = read_goods(archive, f"{HEADER}\r\n{ROW}\r\n".encode())
    assert expected[0]["value"] == "3316022.1"
    assert read_goods(archive, f"{HEADER.replace(MEASURE, name)}\r\n{ROW}\r\n".encode()) == expected


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (f"{HEADER},Population", f"{ROW},5"),
        (f"{HEADER},", f"{ROW},5"),
        (f"{HEADER},{SHARE}", f"{ROW},5"),
        (f"{HEADER},Percentage of gross Domestic Product", f"{ROW},5"),
        (HEADER.replace("Economy Label", "Country"), ROW),
        (
            HEADER.replace("Flow,Flow Label", "Flow Label,Flow"),
            ROW.replace("02,Exports", "Exports,02"),
        ),
    ],
)
def test_further_measures_labels_and_order_change_no_figure(header: str, row: str, archive: Path) -> None:
    [got] = read_goods(archive, f"{header}\r\n{row}\r\n".encode())
    assert (got["year"], got["economy"], got["flow"], got["value"]) == ("2021", "156", "02", "3316022.1")


def test_readme_in_the_archive_is_noted(tmp_path: Path) -> None:
    source, report, notes = unctad_goods.SOURCE, unctad_goods.REPORT, []
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as made:
        made.writestr(b"See the website.", "readme.txt")
        made.writestr(f"{HEADER}\r\n{ROW}\r\n".encode(), "US_TradeMerchTotal.csv")
    batches = source.read(
        {report.archive: tmp_path / "a.7z"}, tmp_path, lambda file, detail, **_: notes.append(detail)
    )
    [row] = pa.Table.from_batches(list(batches)).to_pylist()
    assert row["value"] == "3316022.1"
    assert notes == ["further file 'readme.txt' in the archive"]


def test_several_tables_in_the_archive_are_rejected(tmp_path: Path) -> None:
    """No evidence shows how a report that comes in parts is cut: its parts are never joined unseen."""
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as made:
        for number in (1, 2):
            made.writestr(f"{HEADER}\r\n{ROW}\r\n".encode(), f"US_TradeMerchTotal_{number}.csv")
    with pytest.raises(SourceError, match=r"exactly one file .*; it has 'US_TradeMerchTotal_1.csv', 'US_"):
        rows(unctad_goods.SOURCE, unctad_goods.REPORT, tmp_path / "a.7z", tmp_path)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.removesuffix(f",{MEASURE} Missing value"), f"missing '{MEASURE} Missing value'"),
        (HEADER.replace("Economy,", "Country,"), "missing 'Economy'; not known 'Country'"),
        (f"{HEADER},Year", "repeated 'Year'"),
        (f"{HEADER},{TRIPLET.replace(MEASURE, RENAMED)}", f"repeated '{MEASURE}'"),
        (HEADER.replace("in millions", "in thousands"), f"missing '{MEASURE}'"),
        (
            HEADER.replace(MEASURE, "Thousands of US$ at current prices"),
            "not known 'Thousands of US$ at current",
        ),
        (HEADER.replace("US$", "Euro"), f"missing '{MEASURE}'"),
        ("<!DOCTYPE html>", "an HTML or XML page"),
    ],
)
def test_changed_column_is_rejected_by_name(header: str, reason: str, archive: Path) -> None:
    error = read_error(archive, header, ROW)
    assert reason in str(error)
    assert error.row == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            '2021,156,China,02,Exports,"3,316,022.1",,',
            "not a plain decimal number in column value: '3,316,022.1'",
        ),
        ("2021,156,China,02,Exports,n/a,,", "not a plain decimal number in column value: 'n/a'"),
        ("2021,156,China,02,Exports, 5,,", "not a plain decimal number in column value: ' 5'"),
        ("2021,156,China,02,Exports,5.,,", "not a plain decimal number in column value: '5.'"),
        ('2021,156,China,02,Exports,"5\n",,', "not a plain decimal number in column value: '5\\n'"),
        ("2021,156,China,02,Exports,NaN,,", "not a plain decimal number in column value: 'NaN'"),
        ("2021,156,China,02,Exports,٣,,", "not a plain decimal number in column value: '٣'"),
        ("21,156,China,02,Exports,5,,", "not a year of four digits in column year: '21'"),
        ("2021,,China,02,Exports,5,,", "a value is missing in column economy"),
        (",156,China,02,Exports,5,,", "a value is missing in column year"),
        ("2021,156,China,02,Exports,5,,,", "has 9 values, expected 8"),
        ("2021,156,China,02,Exports,3,316,,,", "has 10 values, expected 8"),
        ("2021,156,China,02,Exports,5", "has 6 values, expected 8"),
    ],
)
@pytest.mark.parametrize("before", [0, 3])
def test_invalid_row_is_rejected_with_its_number(row: str, reason: str, before: int, archive: Path) -> None:
    error = read_error(archive, HEADER, *[ROW] * before, row, ROW)
    assert reason in str(error)
    assert error.row == before + 2


NUMBERS = ("-0.50", "7", ".5", "5.90E-07", "1.469E+13")


def test_negative_numbers_integers_and_exponents_are_accepted(archive: Path) -> None:
    lines = [HEADER, *(f"{2021 - i},156,China,02,Exports,{text},," for i, text in enumerate(NUMBERS))]
    got = read_goods(archive, "\r\n".join(lines).encode())
    assert [row["value"] for row in got] == list(NUMBERS)


def test_header_without_rows_is_rejected_as_empty(archive: Path) -> None:
    assert "the file has a header and no rows" in str(read_error(archive, HEADER))


@BOTH
def test_truncated_archive_or_web_page_is_rejected(
    source: Source, report: BulkReport, tmp_path: Path
) -> None:
    whole = fixture(source, report).read_bytes()
    path = tmp_path / "answer"
    for data in (whole[: len(whole) // 2], whole[:-1], b"", b"<html>Service unavailable</html>"):
        path.write_bytes(data)
        with pytest.raises(SourceError, match="truncated, corrupt or not a 7z archive") as caught:
            rows(source, report, path, tmp_path)
        assert caught.value.file == report.archive


def test_archive_over_size_limit_is_rejected(tmp_path: Path) -> None:
    source, report = unctad_goods.SOURCE, unctad_goods.REPORT
    tight = replace(report, max_expanded_bytes=1000)
    with pytest.raises(SourceError, match="past the limit of 1000 bytes"):
        list(read(tight, source.name, {report.archive: fixture(source, report)}, tmp_path))


@BOTH
def test_unexpected_file_is_rejected(source: Source, report: BulkReport, tmp_path: Path) -> None:
    path = fixture(source, report)
    for files in ({}, {"other.7z": path}, {report.archive: path, "other.7z": path}):
        with pytest.raises(SourceError, match="expected the one file"):
            list(source.read(files, tmp_path))
