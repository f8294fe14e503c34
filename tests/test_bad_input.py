"""Bad answers, from the mirror to the landing: each ends with a clear error, and no vintage is lost.

Each case changes a file of the recorded night, and runs the real fetch, reader and load gate. The checksum in
the index is updated, since an error of the publisher would have a matching checksum.
"""

from __future__ import annotations

import codecs
import csv
import errno
import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import py7zr
import pytest
from conftest import ingest, settings_of

from warehouse import files
from warehouse.build import steps
from warehouse.config import SAMPLE_DIR
from warehouse.errors import WarehouseError
from warehouse.landing import store
from warehouse.sources import _unctad_bulk, unctad_goods

NIGHT = SAMPLE_DIR / "night-2"
HTML = b"<!DOCTYPE html><html><body>Service temporarily unavailable</body></html>"
Spoil = Callable[[bytes], bytes]
QUICK_7Z = [{"id": py7zr.FILTER_LZMA2, "preset": 0}]  # the compression of 7z, with the least effort


def inside_7z(change: Callable[[str], str], member: str | None = None) -> Spoil:
    def spoil(packed: bytes) -> bytes:
        with py7zr.SevenZipFile(io.BytesIO(packed)) as archive:
            (name,) = archive.getnames()
            factory = py7zr.io.BytesIOFactory(64 << 20)
            archive.extract(targets=[name], factory=factory)
            text = factory.get(name).read().decode("utf-8")
        out = io.BytesIO()
        with (
            mock.patch("py7zr.py7zr.check_archive_path", return_value=True),  # to write a path with ".."
            py7zr.SevenZipFile(out, "w", filters=QUICK_7Z) as archive,
        ):
            archive.writestr(change(text).encode("utf-8"), member or name)
        return out.getvalue()

    return spoil


def cells(change: Callable[[list[list[str]]], list[list[str]]]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        rows = change(list(csv.reader(io.StringIO(text.removeprefix("\ufeff")))))
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        return "\ufeff" + out.getvalue()

    return edit


def put(row: int, column: str, value: str) -> Callable[[list[list[str]]], list[list[str]]]:
    def edit(rows: list[list[str]]) -> list[list[str]]:
        rows[row][rows[0].index(column)] = value
        return rows

    return edit


def renamed(old: str, new: str) -> Callable[[list[list[str]]], list[list[str]]]:
    return lambda rows: [[new if name == old else name for name in rows[0]], *rows[1:]]


def in_json(change: Callable[[list[object]], object]) -> Spoil:
    return lambda sent: json.dumps(change(json.loads(sent))).encode()


def first_observation(**values: object) -> Spoil:
    def change(answer: list[object]) -> object:
        answer[1][1].update(values)  # type: ignore[index]
        return answer

    return in_json(change)


def in_xlsx(part: str, old: bytes, new: bytes) -> Spoil:
    def spoil(sent: bytes) -> bytes:
        out = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(sent)) as book,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as changed,
        ):
            for entry in book.infolist():
                content = book.read(entry)
                if entry.filename == part:
                    assert old in content, f"{part} does not contain {old!r}"
                    content = content.replace(old, new, 1)
                changed.writestr(entry, content)
        return out.getvalue()

    return spoil


def truncated(sent: bytes) -> bytes:
    return sent[: len(sent) // 2]


def empty_page(answer: list[object]) -> object:
    return [{"page": 0, "pages": 0, "per_page": 20000, "total": 0, "lastupdated": None}, None]


ERROR_ARRAY = [
    {"message": [{"id": "120", "key": "Invalid value", "value": "The provided parameter value is not valid"}]}
]
US = "US$ at current prices in millions"
CASES: dict[str, tuple[str, str, Spoil, str]] = {
    "truncated xlsx": ("safe_bop", ".xlsx", truncated, "xlsx|zip|truncated"),
    "truncated 7z": ("unctad_services", "TradeServ", truncated, "7z|truncated|archive"),
    "truncated json": ("worldbank_wdi", "BX.GSR.NFSV.CD", truncated, "JSON|json"),
    "html for 7z": ("unctad_goods", "TradeMerch", lambda _: HTML, "HTML|html"),
    "html for json": ("worldbank_wdi", "BX.GSR.NFSV.CD", lambda _: HTML, "HTML|html"),
    "html for xlsx": ("safe_bop", ".xlsx", lambda _: HTML, "HTML|html"),
    "unknown M49": ("unctad_services", "TradeServ", inside_7z(cells(put(5, "Economy", "999"))), "999"),
    "unknown service": ("unctad_services", "TradeServ", inside_7z(cells(put(5, "Category", "SQ9"))), "SQ9"),
    "unknown indicator": (
        "worldbank_wdi",
        "BX.GSR.NFSV.CD",
        first_observation(indicator={"id": "BX.GSR.NONE.CD", "value": "?"}),
        "BX.GSR.NONE.CD",
    ),
    "unknown item": (
        "safe_bop",
        ".xlsx",
        in_xlsx("xl/sharedStrings.xml", "1.A.b.3 运输".encode(), "1.A.b.13 运输".encode()),
        r"1\.A\.b\.13",
    ),
    "a column more": (
        "unctad_services",
        "TradeServ",
        inside_7z(cells(lambda rows: [[*rows[0], "Extra"], *([*row, ""] for row in rows[1:])])),
        "Extra",
    ),
    "a column less": (
        "unctad_services",
        "TradeServ",
        inside_7z(cells(lambda rows: [row[:-1] for row in rows])),
        "Missing value",
    ),
    "a renamed column": (
        "unctad_goods",
        "TradeMerch",
        inside_7z(cells(renamed("Economy", "Reporter"))),
        "Reporter",
    ),
    "a duplicate key": (
        "unctad_services",
        "TradeServ",
        inside_7z(cells(lambda rows: [*rows, rows[5]])),
        "(?i)duplicate|unique|twice|more than once",
    ),
    "a thousands comma": (
        "unctad_services",
        "TradeServ",
        inside_7z(cells(put(5, US, "1,234.5"))),
        r"1,234\.5",
    ),
    "n/a": ("unctad_goods", "TradeMerch", inside_7z(cells(put(5, US, "n/a"))), "n/a"),
    "n/a in json": ("worldbank_wdi", "NY.GDP.MKTP.CD", first_observation(value="n/a"), "n/a"),
    "a comma in the workbook": (
        "safe_bop",
        ".xlsx",
        in_xlsx("xl/worksheets/sheet3.xml", b"<v>143.2050032631</v>", b"<v>1,143.2</v>"),
        r"1,143\.2",
    ),
    "an empty answer": (
        "worldbank_wdi",
        "BX.GSR.NFSV.CD",
        in_json(empty_page),
        "(?i)empty|no data|no observations",
    ),
    "an empty table": (
        "unctad_services",
        "TradeServ",
        inside_7z(cells(lambda rows: rows[:1])),
        "(?i)row|empty",
    ),
    "a trailing comma": (
        "unctad_goods",
        "TradeMerch",
        inside_7z(lambda text: text.replace("\r\n", ",\r\n")),
        "(?i)column|comma|header",
    ),
    "a BOM and a trailing comma in json": (
        "worldbank_wdi",
        "BX.GSR.NFSV.CD",
        lambda sent: codecs.BOM_UTF8 + sent.rstrip()[:-1] + b",]",
        "JSON|json",
    ),
    "an error array": ("worldbank_wdi", "BX.GSR.NFSV.CD", in_json(lambda _: ERROR_ARRAY), "120|not valid"),
    "a path with ..": (
        "unctad_goods",
        "TradeMerch",
        inside_7z(str, "../climbed.csv"),
        "leaves the extraction directory",
    ),
}


def mirror_with(tmp_path: Path, part: str, spoil: Spoil) -> Path:
    """Copy the recorded night and change the file whose name contains `part`."""
    mirror = tmp_path / "mirror"
    shutil.copytree(NIGHT, mirror)
    index = json.loads((mirror / "index.json").read_text())
    (answer,) = [entry for entry in index["answers"] if part in entry["file"]]
    path = mirror / answer["file"]
    path.write_bytes(spoil(path.read_bytes()))
    answer["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    answer["retrieved_at"] = "2026-06-01T00:00:00Z"  # later than every vintage, so never "older"
    (mirror / "index.json").write_text(json.dumps(index))
    return mirror


OF_PARTS = [case for case, (source, *_) in CASES.items() if source == "worldbank_wdi"]
# What changes no figure, or only figures that cannot be placed, is landed: unknown codes are held out later.
TOLERATED = ("unknown M49", "unknown service", "a column more", "a trailing comma", "a comma in the workbook")


@pytest.mark.parametrize("case", OF_PARTS)
def test_bad_answer_of_an_indicator_fails_alone(case: str, tmp_path: Path, replayed: Path) -> None:
    source, part, spoil, message = CASES[case]
    home = tmp_path / "home"
    shutil.copytree(replayed / "landing" / source, home / "landing" / source)
    before = store.vintages(home / "landing", source)
    assert ingest(settings_of(home, mirror_with(tmp_path, part, spoil)), source) == before[-1].id
    assert store.vintages(home / "landing", source) == before
    last = store.list_checks(home / "landing", source).require()[-1]
    assert last.outcome == "unchanged"
    [failed] = last.failed_parts
    assert (failed.part, failed.carried_from) == (CASES[case][1], before[-1].id)
    assert re.search(message, failed.reason), failed.reason


def test_further_field_is_drift(tmp_path: Path, replayed: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(replayed / "landing" / "worldbank_wdi", home / "landing" / "worldbank_wdi")
    mirror = mirror_with(tmp_path, "BX.GSR.NFSV.CD", first_observation(footnote="x"))
    ingest(settings_of(home, mirror), "worldbank_wdi")
    last = store.list_checks(home / "landing", "worldbank_wdi").require()[-1]
    assert last.outcome == "unchanged"
    assert [drift.detail for drift in last.drift] == ["further key 'footnote' in the observation"]


@pytest.mark.parametrize(
    ("case", "rows_more", "drift", "failed_part"),
    [
        ("unknown M49", 0, (), None),
        ("unknown service", 0, (), None),
        ("a column more", None, ("further column 'Extra'",), None),
        ("a trailing comma", None, ("further column ''",), None),
        ("a comma in the workbook", 0, (), "年度BOP（美元） "),
    ],
)
def test_answer_with_something_new_is_landed(
    case: str,
    rows_more: int | None,
    drift: tuple[str, ...],
    failed_part: str | None,
    tmp_path: Path,
    replayed: Path,
) -> None:
    """`rows_more` is None where the rows are those of the last vintage, so that nothing lands."""
    source, part, spoil, message = CASES[case]
    home = tmp_path / "home"
    shutil.copytree(replayed / "landing" / source, home / "landing" / source)
    before = store.vintages(home / "landing", source)
    ingest(settings_of(home, mirror_with(tmp_path, part, spoil)), source)
    after = store.vintages(home / "landing", source)
    last = store.list_checks(home / "landing", source).require()[-1]
    assert tuple(one.detail for one in last.drift) == drift
    if failed_part:
        [failed] = last.failed_parts
        assert (failed.part, failed.carried_from) == (failed_part, before[-1].id)
        assert re.search(message, failed.reason), failed.reason
        assert last.outcome == "unchanged" and after == before
    elif rows_more is None:
        assert last.outcome == "unchanged" and after == before
    else:
        assert last.outcome == "accepted" and len(after) == len(before) + 1
        assert after[-1].row_count == before[-1].row_count + rows_more


@pytest.mark.parametrize("case", [case for case in CASES if case not in (*OF_PARTS, *TOLERATED)])
def test_bad_answer_is_rejected_by_name_and_existing_vintages_are_unchanged(
    case: str, tmp_path: Path, replayed: Path
) -> None:
    source, part, spoil, message = CASES[case]
    home = tmp_path / "home"
    shutil.copytree(replayed / "landing" / source, home / "landing" / source)
    before = store.vintages(home / "landing", source)
    assert before
    with pytest.raises(WarehouseError, match=message) as rejected:
        ingest(settings_of(home, mirror_with(tmp_path, part, spoil)), source)
    assert source in str(rejected.value)
    assert store.vintages(home / "landing", source) == before
    last = store.list_checks(home / "landing", source).require()[-1]
    assert last.outcome in ("rejected", "failed")
    if last.outcome == "rejected":
        (report,) = (home / "rejected" / source).glob("*/report.json")
        assert json.loads(report.read_text())["reasons"]
        assert list((report.parent / "files").iterdir())
    assert not list(tmp_path.rglob("climbed.csv"))


def test_repacked_files_without_changes_are_accepted(tmp_path: Path) -> None:
    """The cases above fail because of the changes, not because of repacking."""
    for source, part, spoil in (
        ("unctad_goods", "TradeMerch", inside_7z(cells(lambda rows: rows))),
        ("worldbank_wdi", "BX.GSR.NFSV.CD", in_json(lambda answer: answer)),
        ("safe_bop", ".xlsx", in_xlsx("xl/workbook.xml", b"<sheets>", b"<sheets>")),
    ):
        mirror = mirror_with(tmp_path / source, part, spoil)
        assert ingest(settings_of(tmp_path / "home", mirror), source) is not None


def test_unctad_aggregate_is_not_an_unknown_economy(tmp_path: Path) -> None:
    aggregate = [
        "2021",
        "1400",
        "Developing economies",
        "02",
        "Exports",
        "S",
        "Total services",
        "1.5",
        "",
        "",
    ]
    mirror = mirror_with(tmp_path, "TradeServ", inside_7z(cells(lambda rows: [*rows, aggregate])))
    assert ingest(settings_of(tmp_path / "home", mirror), "unctad_services") == "2026-06-01"


def test_archive_that_expands_over_limit_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(unctad_goods.REPORT, max_expanded_bytes=100_000)
    source = replace(unctad_goods.SOURCE, read=partial(_unctad_bulk.read, small, "unctad_goods"))
    monkeypatch.setattr(steps, "SOURCES", {"unctad_goods": source})
    with pytest.raises(WarehouseError, match=r"unctad_goods.*100.?000"):
        ingest(settings_of(tmp_path, NIGHT), "unctad_goods")
    assert store.vintages(tmp_path / "landing", "unctad_goods") == ()


def test_full_disk_while_landing_is_reported_and_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_disk_full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    settings = settings_of(tmp_path, NIGHT)
    incoming = steps.fetch(settings, "unctad_goods")
    monkeypatch.setattr(files, "write_atomic", raise_disk_full)
    with pytest.raises(WarehouseError, match=r"No space left on device.*free disk space"):
        steps.accept(settings, "unctad_goods", incoming)
    assert store.vintages(settings.landing, "unctad_goods") == ()
    assert not Path(incoming).exists()
    monkeypatch.undo()
    assert ingest(settings, "unctad_goods") == "2026-03-19"


def test_concurrent_fetch_of_a_source_is_rejected(tmp_path: Path) -> None:
    with (
        store.source_lock(tmp_path / "landing", "unctad_goods"),
        pytest.raises(WarehouseError, match="another process is writing this source now"),
    ):
        steps.fetch(settings_of(tmp_path, NIGHT), "unctad_goods")
