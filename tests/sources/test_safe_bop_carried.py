"""A workbook with a sheet that cannot be read: its rows are those of the last vintage, down to the bytes."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from conftest import ingest, settings_of

from warehouse.config import SAMPLE_DIR
from warehouse.errors import Rejected
from warehouse.landing import quarantine, store
from warehouse.landing.parse import rows_of
from warehouse.model import FailedPart, Vintage
from warehouse.releases.origins import RowRef, find_origins
from warehouse.sources import SOURCES

NIGHT, NAME = SAMPLE_DIR / "night-2", "safe_bop"
SHEET = "年度BOP（人民币）"  # xl/worksheets/sheet1.xml, 45 rows for each of 14 years
ROWS, ROWS_OF_SHEET = 45 * 288, 45 * 14
BROKEN = {"xl/worksheets/sheet1.xml": {"C16": "n/a"}}


def mirror_of(folder: Path, day: str, cells: dict[str, dict[str, str]]) -> Path:
    """Record SAFE's page and a copy of its workbook with other texts in these cells, by part of the file."""
    index = json.loads((NIGHT / "index.json").read_text())
    page, book = sorted(
        (entry for entry in index["answers"] if "safe.gov.cn" in entry["address"]),
        key=lambda entry: entry["address"].endswith(".xlsx"),
    )
    folder.mkdir()
    (folder / "page.html").write_bytes((NIGHT / page["file"]).read_bytes())
    with zipfile.ZipFile(NIGHT / book["file"]) as old, zipfile.ZipFile(folder / "book.xlsx", "w") as new:
        for part in old.namelist():
            content = old.read(part).decode("utf-8") if part in cells else ""
            for ref, text in cells.get(part, {}).items():
                cell = f'<c r="{ref}" t="inlineStr"><is><t>{text}</t></is></c>'
                content, count = re.subn(rf'<c r="{ref}"(?: [^>]*?)?(?:/>|>.*?</c>)', cell, content)
                assert count == 1
            new.writestr(part, content or old.read(part))
    answers = [
        entry
        | {
            "file": name,
            "retrieved_at": f"{day}T00:00:00Z",
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        }
        for entry, name in ((page, "page.html"), (book, "book.xlsx"))
    ]
    (folder / "index.json").write_text(json.dumps({"name": folder.name, "answers": answers}))
    return folder


def load(home: Path, mirror: Path) -> Vintage:
    """Fetch and land a load; return the vintage."""
    assert ingest(settings_of(home, mirror), NAME)
    return store.vintages(home / "landing", NAME)[-1]


def news(cell: str) -> dict[str, dict[str, str]]:
    """Return a figure that SAFE withdraws: a cell of the last sheet, so that the rows are not known."""
    return {"xl/worksheets/sheet6.xml": {cell: "—"}}


def counted(rows: Path) -> dict[str, int]:
    """Return the number of rows of the sheet by file, and of all others."""
    with duckdb.connect() as db:
        return dict(
            db.execute(
                "select case when sheet = ? then split_part(_file, '#', 1) else 'others' end, count(*) "
                "from read_parquet(?) group by 1",
                [SHEET, str(rows)],
            ).fetchall()
        )


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Vintage]]:
    """Return a home and its vintages: a whole workbook, and two nights with a broken sheet."""
    folder = tmp_path_factory.mktemp("carry")
    mirrors = [
        mirror_of(folder / "whole", "2024-03-29", {}),
        mirror_of(folder / "broken", "2024-06-28", BROKEN | news("AG53")),
        mirror_of(folder / "broken-again", "2024-09-27", BROKEN | news("AG52")),
    ]
    return folder / "home", [load(folder / "home", mirror) for mirror in mirrors]


def test_unread_sheet_has_the_rows_of_the_last_vintage(nights: tuple[Path, list[Vintage]]) -> None:
    _, (whole, broken, _) = nights
    assert whole.failed_parts == ()
    [failed] = broken.failed_parts
    assert (failed.part, failed.carried_from) == (SHEET, "2024-03-29")
    assert f"sheet {SHEET!r}: C16 is 'n/a'" in failed.reason
    assert counted(broken.rows_path) == {
        "bop_bpm6.from-2024-03-29.xlsx": ROWS_OF_SHEET,
        "others": ROWS - ROWS_OF_SHEET,
    }
    assert {file.name: file.carried_from for file in broken.files} == {
        "landing.html": None,
        "bop_bpm6.xlsx": None,
        "bop_bpm6.from-2024-03-29.xlsx": "2024-03-29",
    }


def test_second_night_in_a_row_carries_the_same_vintage(nights: tuple[Path, list[Vintage]]) -> None:
    _, (_, broken, again) = nights
    assert again.previous_vintage == broken.id
    assert [part.carried_from for part in again.failed_parts] == ["2024-03-29"]
    assert counted(again.rows_path) == counted(broken.rows_path)


@pytest.mark.parametrize("night", [1, 2])
def test_carried_figure_leads_to_the_bytes_of_the_older_workbook(
    nights: tuple[Path, list[Vintage]], night: int
) -> None:
    """China's exports of services in 2011, C16 of the sheet: 12987.1077… in the recorded workbook."""
    home, (whole, *broken) = nights
    vintage = broken[night - 1]
    reference = RowRef(NAME, vintage.id, f"bop_bpm6.from-2024-03-29.xlsx#{SHEET}!C16", 16)
    origin = find_origins(home / "landing", home / "cache", [reference])[reference]
    assert origin.is_intact
    assert origin.raw_row["value"] == "12987.1077397247"
    assert origin.location == f"{SHEET}!C16"
    first = next(file for file in whole.files if file.name == "bop_bpm6.xlsx")
    assert (origin.sha256, origin.address, origin.retrieved_at) == (
        first.sha256,
        first.address,
        first.retrieved_at,
    )


def test_newer_reader_reads_the_carried_sheet_again(
    nights: tuple[Path, list[Vintage]], tmp_path: Path
) -> None:
    _, (_, broken, again) = nights
    newer = replace(SOURCES[NAME], reader_version=SOURCES[NAME].reader_version + 1)
    for vintage in (broken, again):
        assert counted(rows_of(newer, vintage, tmp_path)) == counted(vintage.rows_path)


def test_sheet_that_was_never_read_has_no_rows(tmp_path: Path) -> None:
    """The first load lacks the sheet; the next one, broken too, has nothing to carry; the third has it."""
    home = tmp_path / "home"
    first = load(home, mirror_of(tmp_path / "1", "2024-03-29", BROKEN))
    second = load(home, mirror_of(tmp_path / "2", "2024-06-28", BROKEN | news("AG53")))
    for vintage in (first, second):
        assert counted(vintage.rows_path) == {"others": ROWS - ROWS_OF_SHEET}
        assert vintage.failed_parts == (
            FailedPart(part=SHEET, reason=vintage.failed_parts[0].reason, carried_from=None),
        )
    third = load(home, mirror_of(tmp_path / "3", "2024-09-27", {}))
    assert third.failed_parts == ()
    assert counted(third.rows_path) == {"bop_bpm6.xlsx": ROWS_OF_SHEET, "others": ROWS - ROWS_OF_SHEET}


@pytest.mark.parametrize("between", [None, "2024-05-31"])
def test_rejected_load_with_a_carried_sheet_can_be_accepted(tmp_path: Path, between: str | None) -> None:
    """A vintage that landed in the meantime is the one whose sheet is carried, and no other file is kept."""
    home = tmp_path / "home"
    load(home, mirror_of(tmp_path / "1", "2024-03-29", {}))
    wrong = BROKEN | {"xl/worksheets/sheet6.xml": {"AG53": "99999999"}}
    with pytest.raises(Rejected, match="credit and debit add up to the balance"):
        load(home, mirror_of(tmp_path / "2", "2024-06-28", wrong))
    if between:
        load(home, mirror_of(tmp_path / "3", between, news("AG52")))
    carried_from = between or "2024-03-29"
    (entry,) = quarantine.list_rejected(home / "rejected").require()
    vintage = quarantine.accept(settings_of(home), SOURCES[NAME], entry, "SAFE has confirmed it")
    assert vintage.id == "2024-06-28"
    assert [part.carried_from for part in vintage.failed_parts] == [carried_from]
    carried = f"bop_bpm6.from-{carried_from}.xlsx"
    assert counted(vintage.rows_path) == {carried: ROWS_OF_SHEET, "others": ROWS - ROWS_OF_SHEET}
    names = sorted(path.name for path in (vintage.directory / "files").iterdir())
    assert names == sorted(file.name for file in vintage.files) == [carried, "bop_bpm6.xlsx", "landing.html"]
