"""The WTO's services by mode of supply: two archives, two editions, and what is rejected.

The fixtures are made up, in the form that scripts describe: no published file was at hand.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from warehouse.config import SEEDS_DIR
from warehouse.errors import SourceError
from warehouse.fetch.content import content_fault
from warehouse.model import Part, Request
from warehouse.sources import wto_tismos

SOURCE = wto_tismos.SOURCE
FIXTURES = Path(__file__).parents[1] / "fixtures" / SOURCE.name
EXPORTS, IMPORTS = "Tismos_exports.zip", "Tismos_imports.zip"
Rows = list[dict[str, str | None]]


def read(files: Mapping[str, Path], work: Path) -> tuple[Rows, list[str]]:
    notes: list[str] = []

    def note(file: str, detail: str, *, failed_part: str = "") -> None:
        notes.append(f"{file}: {detail}")

    return [row for batch in SOURCE.read(files, work, note) for row in batch.to_pylist()], notes


def sent(file: str) -> str:
    with zipfile.ZipFile(FIXTURES / file) as archive:
        return archive.read(file.replace(".zip", ".csv")).decode("cp1252")


def packed(path: Path, text: str, encoding: str = "cp1252") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", text.encode(encoding))
    return path


def test_each_archive_is_a_part_with_one_request() -> None:
    requests: dict[str, Request] = {}
    for part in SOURCE.plan():
        assert isinstance(part, Part)
        [requests[part.name]] = list(part.plan)
    folder = "https://www.wto.org/english/res_e/statis_e/daily_update_e"
    assert {name: request.address for name, request in requests.items()} == {
        "exports": f"{folder}/{EXPORTS}",
        "imports": f"{folder}/{IMPORTS}",
    }
    assert all(request.max_bytes > 3_200_000 for request in requests.values()), "3.1 million bytes in 2019"
    assert all(content_fault("zip", FIXTURES / request.name) == "" for request in requests.values())


def test_rows_of_both_archives_are_those_of_the_csv_module(tmp_path: Path) -> None:
    rows, notes = read({file: FIXTURES / file for file in (EXPORTS, IMPORTS)}, tmp_path)
    expected: Rows = []
    for file in (EXPORTS, IMPORTS):
        for number, line in enumerate(csv.DictReader(io.StringIO(sent(file), newline="")), start=2):
            row = {column: line.get(name) for name, column in wto_tismos.CONTRACT.read.items()}
            expected.append(row | {"_file": file, "_row": number})  # type: ignore[dict-item]
    assert len(expected) == 1344
    assert rows == expected
    assert notes == [f"{EXPORTS}: no column 'UNIT'", f"{IMPORTS}: no column 'UNIT'"]
    assert list(tmp_path.iterdir()) == []


def test_one_archive_alone_is_read(tmp_path: Path) -> None:
    rows, _ = read({IMPORTS: FIXTURES / IMPORTS}, tmp_path)
    assert {(row["flow"], row["_file"]) for row in rows} == {("Imports", IMPORTS)}
    assert len(rows) == 672


def test_later_edition_has_labels_and_a_unit(tmp_path: Path) -> None:
    header = "FLOW,REPORTER_CODE,REPORTER_NAME,PARTNER,YEAR,INDICATOR,INDICATOR_NAME,MODE,UNIT,VALUE\r\n"
    line = (
        'X,CI,Côte d\'Ivoire,World,2022,SISK1,"Telecommunications, computer",Mode 4,Million US dollar,0.5\r\n'
    )
    for encoding in ("cp1252", "utf-8-sig"):
        file = packed(tmp_path / EXPORTS, header + line, encoding)
        [row], notes = read({EXPORTS: file}, tmp_path)
        assert (row["reporter"], row["mode"], row["unit"], row["value"]) == (
            "CI",
            "Mode 4",
            "Million US dollar",
            "0.5",
        )
        assert row["meth"] is None
        assert f"{EXPORTS}: column 'REPORTER_CODE' is accepted as 'REPORTER'" in notes
        assert f"{EXPORTS}: no column 'METH'" in notes


def test_another_partner_is_landed_as_sent(tmp_path: Path) -> None:
    """Staging holds the rows of an unknown partner, and the others stay."""
    text = sent(EXPORTS)
    rows, _ = read({EXPORTS: packed(tmp_path / EXPORTS, text.replace(",WL,", ",QQ,", 1))}, tmp_path)
    assert len(rows) == 672
    assert [row["partner"] for row in rows if row["partner"] != "WL"] == ["QQ"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Exports,CN", "Imports,CN", "an unexpected value in column flow: 'Imports'"),
        (",WL,", ",,", "a value is missing in column partner"),
        (",M3,", ",Total,", "an unexpected value in column mode: 'Total'"),
        (",M3,", ",M5,", "an unexpected value in column mode: 'M5'"),
        (",NA,", ",,", "a value is missing in column reporter"),
        (",2017,", ",2017Q1,", "not a year of four digits in column year: '2017Q1'"),
        (",6000,", ',"6,000",', "not a plain decimal number in column value: '6,000'"),
        (",METH", ",UNIT", "an unexpected value in column unit: 'R'"),
        (",MODE,", ",TYPE,", "missing 'MODE'; not known 'TYPE'"),
    ],
)
def test_another_form_is_rejected(old: str, new: str, reason: str, tmp_path: Path) -> None:
    text = sent(EXPORTS)
    assert old in text
    with pytest.raises(SourceError) as caught:
        read({EXPORTS: packed(tmp_path / EXPORTS, text.replace(old, new, 1))}, tmp_path)
    assert reason in str(caught.value) and EXPORTS in str(caught.value)


def test_another_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"expected the files Tismos_exports\.zip, Tismos_imports\.zip, got"
    ):
        read({"other.zip": FIXTURES / EXPORTS}, tmp_path)


def test_seed_has_the_55_sectors_and_the_fourteen_of_the_total() -> None:
    """India's exports of 2022 in mode 1, million dollars, from an extract of the later edition.

    The sectors with `is_in_total` add up to the printed total of 265079.597; SA, SB, SDASDB3 and SE are 0.
    """
    printed = {"SC": 27288.804, "SDB1SK21": 170.809, "SDB2SK22": 1281.066, "SFSG": 10694.266, "SH": 1167.578}
    printed |= {"SISK1": 91105.592, "SJXSJ34": 114491.257, "SK23": 170.809, "SK24": 512.426}
    printed |= {"SWSJ34": 18196.989, "SA": 0, "SB": 0, "SDASDB3": 0, "SE": 0}
    with (SEEDS_DIR / "wto_tismos_item.csv").open(encoding="utf-8", newline="") as file:
        items = list(csv.DictReader(file))
    assert len(items) == len({row["indicator"] for row in items}) == 55
    parts = {row["indicator"] for row in items if row["is_in_total"] == "true"}
    assert parts == set(printed)
    assert sum(printed.values()) == pytest.approx(265079.597, abs=0.0011)
