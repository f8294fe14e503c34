"""The WTO's bulk files: the recorded annual merchandise table, and bad rows."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.config import SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.model import raw_schema
from warehouse.sources import wto_merchandise
from warehouse.sources._wto_bulk import HEADERS, read

SOURCE, REPORT = wto_merchandise.SOURCE, wto_merchandise.REPORT
SAMPLE = SAMPLE_DIR / "night-2" / "stats.wto.org" / "assets" / "UserGuide" / REPORT.archive
ROWS = (Path(__file__).parents[1] / "fixtures" / SOURCE.name / "rows.csv").read_bytes()


def rows(archive: Path, work: Path) -> list[dict[str, object]]:
    batches = list(SOURCE.read({REPORT.archive: archive}, work))
    assert all(batch.schema == raw_schema(SOURCE.columns) for batch in batches)
    return pa.Table.from_batches(batches).to_pylist()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    return rows(SAMPLE, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[bytes], Path]:
    def pack(data: bytes) -> Path:
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("merchandise_values_annual_dataset.csv", data)
        return tmp_path / "a.zip"

    return pack


def test_every_row_equals_the_reading_of_the_csv_module(whole: list[dict[str, object]]) -> None:
    with zipfile.ZipFile(SAMPLE) as archive:
        text = archive.read("merchandise_values_annual_dataset.csv").decode("cp1252")
    header, *expected = csv.reader(io.StringIO(text, newline=""))
    assert header == list(HEADERS)
    assert len(whole) == len(expected) == 231391  # wc -l, minus the header
    for index in (0, 1, 99_999, 231_390):
        assert [whole[index][column] or "" for column in SOURCE.columns] == expected[index]
    assert [row["value"] for row in whole] == [row[-1] for row in expected]
    assert [row["_row"] for row in whole] == list(range(2, 231393))


def test_figures_are_the_text_of_the_publisher(whole: list[dict[str, object]]) -> None:
    # unzip -p … | grep 'ITS_MTV_A[XM],.*,\(156\|000\|076\|516\),.*,000,,World,.*,TO,.*,2021,'
    found = {
        (row["indicator_code"], row["reporter_code"]): row["value"]
        for row in whole
        if row["year"] == "2021" and row["product_code"] == "TO" and row["partner_code"] == "000"
    }
    assert found["ITS_MTV_AX", "156"] == "3316022"
    assert found["ITS_MTV_AM", "156"] == "2679412"
    assert found["ITS_MTV_AX", "000"] == "22300176"
    assert found["ITS_MTV_AM", "000"] == "22579520"
    assert found["ITS_MTV_AX", "076"] == "280815"
    assert found["ITS_MTV_AM", "516"] == "6377"
    assert min(str(row["year"]) for row in whole) == "1948"


def test_codes_and_accents_are_kept(whole: list[dict[str, object]]) -> None:
    names = {row["reporter_code"]: (row["reporter_iso3a"], row["reporter"]) for row in whole}
    assert len(names) == 282
    assert names["792"] == ("TUR", "Türkiye")
    assert names["384"] == ("CIV", "Côte d'Ivoire")
    assert names["531"] == ("CUW", "Curaçao")
    assert names["678"] == ("STP", "Sao Tomé and Principe")
    assert names["516"] == ("NAM", "Namibia")
    assert names["000"] == (None, "World")
    assert names["LAX"] == (None, "LDC exporters of agriculture")


def test_plan_is_a_request_for_the_published_address() -> None:
    plan = SOURCE.plan()
    request = next(plan)
    assert request.address == "https://stats.wto.org/assets/UserGuide/merchandise_values_annual_dataset.zip"
    assert request.kind == "zip"
    with pytest.raises(StopIteration):
        plan.send(SAMPLE)


def test_expanded_file_is_removed_after_reading(packed: Callable[[bytes], Path], tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    assert len(rows(packed(ROWS), tmp_path / "work")) == 9
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("sent", "meant", "reason", "row"),
    [
        (b",3316022", b',"3,316,022"', "not a plain decimal number in column value: '3,316,022'", 2),
        (b",3316022", b",n/a", "not a plain decimal number in column value: 'n/a'", 2),
        (b",3316022", b",3316022,", "has 24 values, expected 23", 2),
        (b"ITS_MTV_AM", b"ITS_MTV_QM", "an unexpected value in column indicator_code: 'ITS_MTV_QM'", 3),
        (b"SITC3,", b"HS,", "an unexpected value in column product_classification_code: 'HS'", 2),
        (b",USM,", b",IDX,", "an unexpected value in column unit_code: 'IDX'", 2),
        (b",A,Annual,A,", b",Q1,Annual,A,", "an unexpected value in column period_code: 'Q1'", 2),
        (b",A,Annual,USM", b",Q,Annual,USM", "an unexpected value in column frequency_code: 'Q'", 2),
        (
            b"Merchandise trade values,",
            b"Tariffs,",
            "an unexpected value in column indicator_category: 'Tariffs'",
            2,
        ),
        (b",156,CHN", b",,CHN", "a value is missing in column reporter_code", 2),
        (b",2021,", b",21,", "not a year of four digits in column year: '21'", 2),
        (b"ReporterCode", b"Reporter Code", "missing 'ReporterCode'; not known 'Reporter Code'", 1),
        (b"\xfc", b"\x81", "line 7 has bytes that are not cp1252", None),  # the u-umlaut in Türkiye
        (b",3316022", b',"3316,5"', "not a plain decimal number in column value: '3316,5'", 2),
    ],
)
def test_unexpected_content_is_rejected(
    sent: bytes, meant: bytes, reason: str, row: int | None, packed: Callable[[bytes], Path], tmp_path: Path
) -> None:
    assert sent in ROWS
    with pytest.raises(SourceError) as caught:
        rows(packed(ROWS.replace(sent, meant, 1)), tmp_path)
    assert reason in str(caught.value)
    assert caught.value.row == row
    assert caught.value.file == REPORT.archive


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf8_has_the_same_rows(encoding: str, packed: Callable[[bytes], Path], tmp_path: Path) -> None:
    expected = rows(packed(ROWS), tmp_path)
    assert {row["reporter"] for row in expected} >= {"Türkiye"}
    assert rows(packed(ROWS.decode("cp1252").encode(encoding)), tmp_path) == expected


def test_readme_and_files_of_macos_are_ignored(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("__MACOSX/._merchandise_values_annual_dataset.csv", b"\0\1")
        archive.writestr("readme.txt", "Notes of the WTO")
        archive.writestr("merchandise_values_annual_dataset.csv", ROWS)
    notes: list[str] = []
    batches = SOURCE.read(
        {REPORT.archive: tmp_path / "a.zip"}, tmp_path, lambda file, detail, **_: notes.append(detail)
    )
    assert next(row["value"] for row in pa.Table.from_batches(list(batches)).to_pylist()) == "3316022"
    assert notes == ["further file 'readme.txt' in the archive"]


def test_large_truncated_or_unexpected_archive_is_rejected(tmp_path: Path) -> None:
    tight = partial(read, replace(REPORT, max_expanded_bytes=1000), SOURCE.name)
    with pytest.raises(SourceError, match="past the limit of 1000 bytes"):
        list(tight({REPORT.archive: SAMPLE}, tmp_path))
    (tmp_path / "cut.zip").write_bytes(SAMPLE.read_bytes()[:100_000])
    with pytest.raises(SourceError, match="truncated, corrupt"):
        rows(tmp_path / "cut.zip", tmp_path)
    with pytest.raises(SourceError, match="expected the one file"):
        list(SOURCE.read({"other.zip": SAMPLE}, tmp_path))
