"""The WTO's digitally delivered services: real rows of the sample, and a made-up file in the coded form."""

from __future__ import annotations

import csv
import zipfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.config import SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.fetch.content import content_fault
from warehouse.model import first_request
from warehouse.sources import wto_digital

SOURCE, FILE = wto_digital.SOURCE, wto_digital.FILE
FIXTURE = Path(__file__).parents[1] / "fixtures" / SOURCE.name / FILE
SAMPLE = SAMPLE_DIR / "night-2/www.wto.org/english/res_e/statis_e/daily_update_e" / FILE
Rows = list[dict[str, str | None]]


def read(path: Path, work: Path) -> Rows:
    rows: Rows = pa.Table.from_batches(list(SOURCE.read({FILE: path}, work))).to_pylist()
    return rows


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return read(SAMPLE, tmp_path_factory.mktemp("sample"))


def test_every_row_equals_the_reading_of_the_csv_module(sample: Rows) -> None:
    with SAMPLE.open(encoding="latin-1", newline="") as file:
        header, *expected = csv.reader(file)
    assert tuple(header) == wto_digital.HEADER
    assert len(expected) == 697  # wc -l, minus the header
    assert [[row[column] or "" for column in SOURCE.columns] for row in sample] == expected
    assert [row["_row"] for row in sample] == list(range(2, 699))


def test_figures_codes_and_breaks_are_those_of_the_file(sample: Rows) -> None:
    # grep '^X,CN,.*,2024,DDS\|^X,WL,.*,2025,DDS\|^M,CN,.*,2017,SI3' …
    values = {(row["flow"], row["reporter_code"], row["year"], row["indicator"]): row for row in sample}
    assert values["X", "CN", "2024", "DDS"]["value"] == "220567.7463"
    assert values["X", "WL", "2025", "DDS"]["value"] == "5258860.132"
    assert values["M", "CN", "2017", "SI3"]["value"] == "5.90E-07"
    assert {(row["partner"], row["mode"], row["unit"]) for row in sample} == {
        ("World", "Mode 1", "Million US dollar")
    }
    assert {row["indicator"] for row in sample} == {
        *("DDS", "SF", "SG", "SH", "SI1", "SI2", "SI3", "SJ", "SK")
    }
    breaks = [
        (row["flow"], row["reporter_code"], row["year"], row["indicator"])
        for row in sample
        if row["breaking_series"] == "B"
    ]
    assert breaks == [("X", "CN", "2014", "DDS"), ("M", "CN", "2014", "DDS")]


def test_parts_add_up_for_economies_and_exceed_the_total_of_the_world(sample: Rows) -> None:
    sums: dict[tuple[str | None, ...], dict[str, Decimal]] = {}
    for row in sample:
        cell = sums.setdefault((row["flow"], row["reporter_code"], row["year"]), {})
        assert row["value"] is not None and row["indicator"] is not None
        cell[row["indicator"]] = Decimal(row["value"])
    excess = {key: sum(cell.values()) - 2 * cell["DDS"] for key, cell in sums.items() if len(cell) == 9}
    world = {key: value for key, value in excess.items() if key[1] == "WL"}
    assert len(world) == 21
    assert all(abs(value) < Decimal("0.0001") for key, value in excess.items() if key[1] != "WL")
    assert all(
        Decimal("0.4") < value < Decimal("2.3") for key, value in world.items() if str(key[2]) < "2023"
    )


def test_coded_form_with_namibia_and_accents_is_read(tmp_path: Path) -> None:
    china, _, namibia, ivoire, part = read(FIXTURE, tmp_path)
    assert (china["flow"], china["reporter_code"], china["value"]) == ("X", "CN", "201.5")
    assert china["breaking_series"] is None
    assert (namibia["reporter_code"], namibia["reporter_name"]) == ("NA", "Namibia")
    assert (ivoire["reporter_name"], ivoire["breaking_series"]) == ("Côte d'Ivoire", "Y")
    assert (part["indicator"], part["_row"]) == ("SG", 6)


def test_zip_archive_has_the_same_rows(sample: Rows, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("DDS_bulk_download.csv", SAMPLE.read_bytes())
        archive.writestr("readme.txt", "Notes")
        archive.writestr("__MACOSX/._DDS_bulk_download.csv", b"\0")
    notes: list[str] = []
    (tmp_path / "work").mkdir()
    batches = SOURCE.read(
        {FILE: tmp_path / FILE}, tmp_path / "work", lambda file, detail, **_: notes.append(detail)
    )
    assert pa.Table.from_batches(list(batches)).to_pylist() == sample
    assert notes == ["the file is a zip archive", "further file 'readme.txt' in the archive"]
    assert list((tmp_path / "work").iterdir()) == []


def test_another_partner_is_landed_as_sent(tmp_path: Path) -> None:
    """Staging holds the rows of an unknown partner, and the others stay."""
    (tmp_path / FILE).write_bytes(FIXTURE.read_bytes().replace(b",W,", b",QQ,", 1))
    assert [row["partner"] for row in read(tmp_path / FILE, tmp_path)] == ["QQ", "W", "W", "W", "W"]


@pytest.mark.parametrize(
    ("sent", "meant", "reason", "row"),
    [
        (b"X,CN", b"T,CN", "an unexpected value in column flow: 'T'", 2),
        (b",201.5,", b',"201,5",', "not a plain decimal number in column value: '201,5'", 2),
        (b",NA,", b",,", "a value is missing in column reporter_code", 4),
        (b",2021,", b",2021Q1,", "not a year of four digits in column year: '2021Q1'", 2),
        (b"BREAKING_SERIES", b"NOTE", "missing 'BREAKING_SERIES'; not known 'NOTE'", 1),
        (b",W,", b",,", "a value is missing in column partner", 2),
        (b",1,USM", b",Mode 3,USM", "an unexpected value in column mode: 'Mode 3'", 2),
        (b"USM", b"Thousand US dollar", "an unexpected value in column unit: 'Thousand US dollar'", 2),
    ],
)
def test_unexpected_content_is_rejected(
    sent: bytes, meant: bytes, reason: str, row: int, tmp_path: Path
) -> None:
    body = FIXTURE.read_bytes()
    assert sent in body
    (tmp_path / FILE).write_bytes(body.replace(sent, meant, 1))
    with pytest.raises(SourceError) as caught:
        read(tmp_path / FILE, tmp_path)
    assert reason in str(caught.value)
    assert caught.value.row == row


def test_plan_requests_one_file_and_reader_rejects_others(tmp_path: Path) -> None:
    request = first_request(SOURCE.plan())
    assert request.address.endswith("/DDS_bulk_download.csv")
    (tmp_path / "packed").write_bytes(b"PK\x03\x04\x14\x00 and more")
    assert content_fault(request.kind, SAMPLE) == content_fault(request.kind, tmp_path / "packed") == ""
    (tmp_path / "notice").write_bytes(b"<!DOCTYPE html><html>")
    assert "it is HTML" in content_fault(request.kind, tmp_path / "notice")
    with pytest.raises(SourceError, match="expected the one file"):
        list(SOURCE.read({"other.csv": FIXTURE}, tmp_path))
