"""SAFE's balance of payments: the workbook's address, its six sheets, and rejected files.

The expected figures were read by hand from the XML of the recorded workbook
(`unzip -p … xl/worksheets/sheetN.xml`, the cell of each comment); none comes from the reader.
"""

import re
import shutil
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.config import SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.model import Request, raw_schema
from warehouse.sources import safe_bop

FIXTURES = Path(__file__).parents[1] / "fixtures" / "safe_bop"
SAFE = SAMPLE_DIR / "night-2" / "www.safe.gov.cn"
LANDING = SAFE / "safe" / "2019" / "0627" / "13519.html"
WORKBOOK = SAFE / "safe" / "file" / "file" / "20240329" / "b61d4761d25b53c4c9a63a9e9153c4d5.xlsx"
FIRST = "xl/worksheets/sheet1.xml"  # 年度BOP（人民币）, read first: years 2010 (B) to 2023 (O)

# Of the sheets that a test does not change: their periods, and rows of ignored accounts that are left out.
FEW_PERIODS = 2
IGNORED_ROWS = re.compile(r'<row r="(?:5[6-9]|[6-9][0-9]|1[0-2][0-9])" .*?</row>')

Members = dict[str, str]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    batches = list(safe_bop.read({"bop_bpm6.xlsx": WORKBOOK}, Path()))
    assert len(batches) == 6
    return pa.Table.from_batches(batches)


@pytest.fixture(scope="module")
def members() -> Members:
    """Return the parts of the workbook, to be read quickly: all sheets but the first are small."""
    with zipfile.ZipFile(WORKBOOK) as archive:
        found = {
            name: archive.read(name).decode()
            for name in archive.namelist()
            if name.endswith((".xml", ".rels"))
        }
    first_left_out = chr(ord("B") + FEW_PERIODS)
    cells = re.compile(rf'<c r="(?:[{first_left_out}-Z]|[A-Z]{{2}})[0-9]+"(?: [^>]*?)?(?:/>|>.*?</c>)')
    for name in found.keys() - {FIRST}:
        if name.startswith("xl/worksheets/sheet"):
            found[name] = cells.sub("", IGNORED_ROWS.sub("", found[name]))
    return found


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory, members: Members) -> list[dict[str, object]]:
    """Return the rows of these parts."""
    rows, notes = read_all(changed(tmp_path_factory.mktemp("unchanged"), members))
    assert (notes.drift, notes.unread) == ([], {})
    assert len(rows) == 45 * (14 + 5 * FEW_PERIODS)
    return rows


# --- the request -------------------------------------------------------------------------------------------


def test_plan_requests_the_page_and_the_linked_workbook() -> None:
    plan = safe_bop.SOURCE.plan()
    assert next(plan) == Request("landing.html", "https://www.safe.gov.cn/safe/2019/0627/13519.html", "html")
    assert plan.send(LANDING) == Request(
        "bop_bpm6.xlsx",
        "https://www.safe.gov.cn/safe/file/file/20240329/b61d4761d25b53c4c9a63a9e9153c4d5.xlsx",
        "xlsx",
    )
    with pytest.raises(StopIteration):
        plan.send(WORKBOOK)


def test_title_without_extension_and_absolute_link_are_accepted() -> None:
    page = (FIXTURES / "landing_title_without_extension.html").read_bytes()
    assert safe_bop.attachment_address(page) == (
        "https://www.safe.gov.cn/safe/file/file/20240628/0123456789abcdef0123456789abcdef.xlsx"
    )


def test_repeated_link_counts_as_one_attachment() -> None:
    page = (FIXTURES / "landing_title_without_extension.html").read_bytes()
    assert safe_bop.attachment_address(page + page) == safe_bop.attachment_address(page)


def page_error(page: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        safe_bop.attachment_address(page)
    message = str(caught.value)
    assert message.startswith("safe_bop: ")
    assert "address https://www.safe.gov.cn/safe/2019/0627/13519.html" in message
    assert caught.value.remedy
    return message


def test_renamed_attachment_is_rejected_with_the_titles_found() -> None:
    message = page_error((FIXTURES / "landing_renamed.html").read_bytes())
    assert "0 attachments are titled '中国国际收支平衡表时间序列(BPM6)', expected 1" in message
    assert "['中国国际投资头寸表时间序列(BPM6).xlsx', '中国国际收支平衡表时间序列(BPM7).xlsx']" in message


def test_two_attachments_of_the_title_are_rejected() -> None:
    assert "2 attachments are titled" in page_error((FIXTURES / "landing_two_of_a_title.html").read_bytes())


def test_page_in_another_encoding_is_rejected() -> None:
    assert "not UTF-8" in page_error("<a title='中国'>".encode("gb18030"))


@pytest.mark.parametrize(
    "href",
    [
        "http://www.safe.gov.cn/safe/file/file/20240329/0123456789abcdef0123456789abcdef.xlsx",
        "https://www.safe.gov.cn.example.org/safe/file/file/20240329/0123456789abcdef0123456789abcdef.xlsx",
        "https://www.safe.gov.cn@example.org/safe/file/file/20240329/0123456789abcdef0123456789abcdef.xlsx",
        "https://www.safe.gov.cn:444/safe/file/file/20240329/0123456789abcdef0123456789abcdef.xlsx",
        "//example.org/safe/file/file/20240329/0123456789abcdef0123456789abcdef.xlsx",
        "/safe/file/file/20240329/../../../x/0123456789abcdef0123456789abcdef.xlsx",
        "/safe/file/file/2024/0123456789abcdef0123456789abcdef.xlsx",
        "/safe/file/file/20240329/0123456789abcdef.xlsx",
        "/safe/file/file/20240329/0123456789abcdef0123456789abcdef.xls",
        "/safe/file/file/20240329/0123456789abcdef0123456789abcdef.xlsx#to",
        "file:///etc/passwd",
        "https://[",
        "",
    ],
)
def test_link_to_another_host_is_rejected(href: str) -> None:
    page = f'<a href="{href}" title="中国国际收支平衡表时间序列(BPM6).xlsx">x</a>'
    assert "not to an attachment on www.safe.gov.cn" in page_error(page.encode())


# --- what is read ------------------------------------------------------------------------------------------


def test_every_row_has_text_and_lineage(table: pa.Table) -> None:
    assert table.schema == raw_schema(safe_bop.SOURCE.columns)
    files = table["_file"].to_pylist()
    assert {file.partition("#")[0] for file in files} == {"bop_bpm6.xlsx"}
    assert len(set(files)) == table.num_rows
    assert "bop_bpm6.xlsx#年度BOP（美元） !BU26" in files
    keys = list(zip(*(table[column].to_pylist() for column in safe_bop.SOURCE.key), strict=True))
    assert len(keys) == len(set(keys)) == table.num_rows


def test_each_sheet_has_a_row_for_each_item_entry_and_period(table: pa.Table) -> None:
    """15 items (1.A, 1.A.a, 1.A.b and its 12) of 3 entries: 45 rows for each period of the header."""
    assert Counter(table["sheet"].to_pylist()) == {
        "年度BOP（人民币）": 45 * 14,  # 2010 to 2023
        "季度BOP（人民币）": 45 * 56,  # 14 years of 4 quarters
        "年度BOP（美元） ": 45 * 74,  # 1950 to 2023
        "季度BOP（美元）": 45 * 104,  # 1998 to 2023: 26 years of 4 quarters
        "年度BOP（SDR)": 45 * 8,  # 2016 to 2023
        "季度BOP（SDR）": 45 * 32,
    }
    assert table.num_rows == 45 * 288
    assert set(Counter(table["item_code"].to_pylist()).values()) == {3 * 288}
    assert Counter(table["entry"].to_pylist()) == dict.fromkeys(("balance", "credit", "debit"), 15 * 288)


@pytest.mark.parametrize(
    ("sheet", "unit", "period", "code", "label", "entry", "value", "row"),
    [
        # sheet3.xml, BU: 2021
        ("年度BOP（美元） ", "亿美元", "2021", "1.A.b", "服务", "balance", "-1012.1165342195", 15),
        ("年度BOP（美元） ", "亿美元", "2021", "1.A.b", "服务", "credit", "3393.9321019559", 16),
        ("年度BOP（美元） ", "亿美元", "2021", "1.A.b", "服务", "debit", "-4406.0486361754", 17),
        ("年度BOP（美元） ", "亿美元", "2021", "1.A.b.1", "加工服务", "credit", "141.8787304318", 19),
        # sheet3.xml, B19: 1950; AF44 and AG44: 1980 and 1981, debits that SAFE prints without their minus
        ("年度BOP（美元） ", "亿美元", "1950", "1.A.b.1", "加工服务", "credit", "0", 19),
        (
            "年度BOP（美元） ", "亿美元", "1980", "1.A.b.9", "电信、计算机和信息服务", "debit",
            "0.0529", 44,
        ),
        (
            "年度BOP（美元） ", "亿美元", "1981", "1.A.b.9", "电信、计算机和信息服务", "debit",
            "0.0571", 44,
        ),
        # sheet1.xml, L: 2020; rounded, the published 15746.3, -26293.2 and -10547.0
        ("年度BOP（人民币）", "亿元人民币", "2020", "1.A.b", "服务", "balance", "-10546.9928904087", 15),
        ("年度BOP（人民币）", "亿元人民币", "2020", "1.A.b", "服务", "credit", "15746.2560904416", 16),
        ("年度BOP（人民币）", "亿元人民币", "2020", "1.A.b", "服务", "debit", "-26293.2489808502", 17),
        # sheet1.xml, B9 and O51
        ("年度BOP（人民币）", "亿元人民币", "2010", "1.A", "货物和服务", "balance", "15057.1387606275", 9),
        (
            "年度BOP（人民币）", "亿元人民币", "2023", "1.A.b.12", "别处未提及的政府货物和服务", "balance",
            "-106.544353525795", 51,
        ),
        # sheet4.xml, CS: the 96th period from 1998Q1, 2021Q4
        ("季度BOP（美元）", "亿美元", "2021Q4", "1.A.b", "服务", "credit", "1026.6375839566", 16),
        ("季度BOP（美元）", "亿美元", "2021Q4", "1.A.b", "服务", "debit", "-1164.330254853", 17),
        # sheet2.xml, AS: the 44th period from 2010Q1, 2020Q4; V36: the 21st, 2015Q1
        ("季度BOP（人民币）", "亿元人民币", "2020Q4", "1.A.b", "服务", "debit", "-6273.07306138249", 17),
        (
            "季度BOP（人民币）", "亿元人民币", "2015Q1", "1.A.b.7", "金融服务", "balance",
            "0.0106889728373956", 36,
        ),
        # sheet5.xml, G: 2021; sheet6.xml, V: the 21st period from 2016Q1, 2021Q1
        ("年度BOP（SDR)", "亿SDR", "2021", "1.A.b", "服务", "credit", "2386.32035134228", 16),
        ("季度BOP（SDR）", "亿SDR", "2021Q1", "1.A.b", "服务", "balance", "-209.345407549719", 15),
    ],
)  # fmt: skip
def test_figure_is_the_text_of_its_cell(
    table: pa.Table,
    sheet: str,
    unit: str,
    period: str,
    code: str,
    label: str,
    entry: str,
    value: str,
    row: int,
) -> None:
    found = [
        line
        for line in table.to_pylist()
        if (line["sheet"], line["period"], line["item_code"], line["entry"]) == (sheet, period, code, entry)
    ]
    assert [(f["unit"], f["item_label"], f["value"], f["_row"]) for f in found] == [(unit, label, value, row)]


def test_workbook_is_read_within_time_limit() -> None:
    """1.5 s on two idle cores; the limit allows for a busy machine, not for a slower algorithm."""
    start = time.process_time()
    assert sum(batch.num_rows for batch in safe_bop.read({"bop_bpm6.xlsx": WORKBOOK}, Path())) > 0
    assert time.process_time() - start < 10


# --- accepted and rejected contents of a cell --------------------------------------------------------------


def cell_pattern(cell_ref: str) -> re.Pattern[str]:
    return re.compile(rf'<c r="{cell_ref}"(?: [^>]*?)?(?:/>|>.*?</c>)')


def put(cell_ref: str, text: str, part: str = FIRST) -> Callable[[Members], None]:
    """Replace a cell by an inline string; an empty text empties the cell."""

    def edit(members: Members) -> None:
        cell = f'<c r="{cell_ref}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
        members[part], count = cell_pattern(cell_ref).subn(
            cell if text else f'<c r="{cell_ref}"/>', members[part]
        )
        assert count == 1, cell_ref

    return edit


def drop_row(row: int) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        members[FIRST], count = re.subn(rf'<row r="{row}".*?</row>', "", members[FIRST])
        assert count == 1, row

    return edit


def drop_column(letter: str) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        members[FIRST], count = cell_pattern(rf"{letter}[0-9]+").subn("", members[FIRST])
        assert count > 100, letter

    return edit


def replace(old: str, new: str, part: str = FIRST) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        assert old in members[part], old
        members[part] = members[part].replace(old, new, 1)

    return edit


def swap_rows(first: int, second: int) -> Callable[[Members], None]:
    """Exchange the labels of two rows, which are in column A."""

    def edit(members: Members) -> None:
        text = members[FIRST]
        cells = {row: cell_pattern(f"A{row}").search(text)[0] for row in (first, second)}  # type: ignore[index]
        text = text.replace(cells[first], "@").replace(
            cells[second], cells[first].replace(f'"A{first}"', f'"A{second}"')
        )
        members[FIRST] = text.replace("@", cells[second].replace(f'"A{second}"', f'"A{first}"'))

    return edit


def changed(tmp_path: Path, members: Members, *edits: Callable[[Members], None]) -> Path:
    found = dict(members)
    for edit in edits:
        edit(found)
    path = tmp_path / "changed.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, text in found.items():
            archive.writestr(name, text)
    return path


class Notes:
    """Records the drift and the unread sheets of a reading."""

    def __init__(self) -> None:
        self.drift: list[str] = []
        self.unread: dict[str, str] = {}

    def __call__(self, file: str, detail: str, *, failed_part: str = "") -> None:
        assert file == "bop_bpm6.xlsx"
        if failed_part:
            self.unread[failed_part] = detail
        else:
            self.drift.append(detail)


def read_all(path: Path) -> tuple[list[dict[str, object]], Notes]:
    notes = Notes()
    batches = list(safe_bop.read({"bop_bpm6.xlsx": path}, Path(), notes))
    return [row for batch in batches for row in batch.to_pylist()], notes


def first_sheet(path: Path) -> list[dict[str, object]]:
    return next(iter(safe_bop.read({"bop_bpm6.xlsx": path}, Path()))).to_pylist()


def values_of(rows: list[dict[str, object]], code: str, entry: str) -> list[object]:
    """Return the values of an item in the first sheet, of 2010 and on."""
    wanted = ("年度BOP（人民币）", code, entry)
    return [row["value"] for row in rows if (row["sheet"], row["item_code"], row["entry"]) == wanted]


# --- packaging that changes no figure --------------------------------------------------------------------


HREF = "/safe/file/file/20261030/0123456789abcdef0123456789abcdef.xlsx"
ADDRESS = f"https://www.safe.gov.cn{HREF}"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (f'<a href="{HREF}" title="中国国际收支平衡表时间序列（BPM6）.xlsx">下载</a>', ADDRESS),
        (f'<a href="{HREF}" title="中国国际收支平衡表时间序列 (BPM6)">下载</a>', ADDRESS),
        (f'<a href="{HREF}">中国国际收支平衡表时间序列(BPM6)</a>', ADDRESS),
        (f'<a href="{HREF}" title=""><span>中国国际收支平衡表</span>时间序列（BPM6）.xlsx</a>', ADDRESS),
        (f'<a href="{HREF}?n=2026" title="中国国际收支平衡表时间序列(BPM6)">x</a>', f"{ADDRESS}?n=2026"),
        (
            f'<a href="{HREF}?n=表.xlsx" title="中国国际收支平衡表时间序列(BPM6)">x</a>',
            f"{ADDRESS}?n=%E8%A1%A8.xlsx",
        ),
    ],
    ids=["full-width brackets", "blank", "text", "text in parts", "query", "Chinese query"],
)
def test_attachment_is_found_whatever_its_typography(link: str, address: str) -> None:
    other = '<a href="/safe/file/file/20261030/00000000000000000000000000000003.pdf">编制说明(BPM6)</a>'
    assert safe_bop.attachment_address(f"{other}{link}{other}".encode()) == address


def add_sheet(name: str, state: str = "hidden") -> Callable[[Members], None]:
    """Add an empty sheet behind the six."""

    def edit(members: Members) -> None:
        members["xl/worksheets/sheet99.xml"] = (
            '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>'
        )
        replace(
            "</sheets>", f'<sheet name="{name}" sheetId="99" state="{state}" r:id="rId99"/></sheets>', BOOK
        )(members)
        relation = (
            '<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
            'relationships/worksheet" Target="worksheets/sheet99.xml"/></Relationships>'
        )
        replace("</Relationships>", relation, "xl/_rels/workbook.xml.rels")(members)

    return edit


def add_row(row: int, label: str) -> Callable[[Members], None]:
    return lambda members: replace(
        "</sheetData>",
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>{label}</t></is></c></row></sheetData>',
    )(members)


BOOK = "xl/workbook.xml"
SHEET = "sheet '年度BOP（人民币）'"


@pytest.mark.parametrize(
    ("edit", "drift"),
    [
        (add_sheet("Sheet1"), ["further hidden sheet 'Sheet1'"]),
        (add_sheet("说明", "visible"), ["further sheet '说明'"]),
        (replace('name="年度BOP（美元） "', 'name="年度BOP(美元)"', BOOK), []),
        (put("A3", "单位：亿元人民币"), []),
        (put("A18", "    1.A.b.1 加工服务 "), []),
        (put("A18", "1.A.b.1　加工 服务"), []),
        (put("A18", "    1.A.b.1 加工服务①"),
         [f"{SHEET}, row 18: a footnote mark behind '1.A.b.1 加工服务'"]),
        (put("O4", "2023*"), []),
        (put("A2", "中国国际收支平衡表（年度表） 2024年3月29日更新"),
         [f"{SHEET}: the remark '中国国际收支平衡表（年度表） 2024年3月29日更新' above the header"]),
        (put("O3", "2024年3月29日更新"),
         [f"{SHEET}: the remark '2024年3月29日更新' above the header"]),
        (add_row(240, "资料来源：国家外汇管理局"), []),
        (put("A140", "根据手册编制"), []),
        (put("A138", "资料来源：国家外汇管理局"),
         [f"{SHEET}, row 138: the line '资料来源:国家外汇管理局' has no figures"]),
    ],
    ids=["hidden sheet", "further sheet", "sheet name", "colon of the unit", "blank behind an item",
         "blank in an item", "footnote mark", "footnote mark at a period", "dated title", "dated unit",
         "source line", "note without number", "source line before the notes"],
)  # fmt: skip
def test_packaging_changes_no_figure(
    tmp_path: Path,
    members: Members,
    edit: Callable[[Members], None],
    drift: list[str],
    unchanged: list[dict[str, object]],
) -> None:
    edits = [edit]
    if "138" in "".join(drift):  # the notes themselves then follow without their label
        edits = [edit, *(drop_row(row) for row in range(139, 146))]
    rows, notes = read_all(changed(tmp_path, members, *edits))
    assert rows == unchanged
    assert (notes.drift, notes.unread) == (drift, {})


@pytest.mark.parametrize("mark", ["/", "—", "–", "——", "-", "／", "…", " — "])
def test_mark_in_place_of_a_figure_is_kept_as_sent(tmp_path: Path, members: Members, mark: str) -> None:
    """C16 is the credit of services in 2011: null with the mark as status once it is staged, never 0."""
    rows, notes = read_all(changed(tmp_path, members, put("C16", mark)))
    assert values_of(rows, "1.A.b", "credit")[:2] == ["12064.1864632212", mark.strip()]
    assert notes.unread == {}


@pytest.mark.parametrize(
    ("edit", "sheet", "reason"),
    [
        (replace('<sheet name="季度BOP（SDR）" sheetId="6" r:id="rId6"/>', "", BOOK), "季度BOP（SDR）",
         "0 sheets have this name; the sheets are ['年度BOP（人民币）'"),
        (replace('name="季度BOP（SDR）"', 'name="季度BOP（欧元）"', BOOK),
         "季度BOP（SDR）", "0 sheets have this name"),
        (replace('name="季度BOP（SDR）"', 'name="年度BOP（SDR）"', BOOK),
         "年度BOP（SDR)", "2 sheets have this name"),
    ],
)  # fmt: skip
def test_sheet_that_is_missing_or_not_the_only_one_of_its_name_fails_alone(
    tmp_path: Path, members: Members, edit: Callable[[Members], None], sheet: str, reason: str
) -> None:
    rows, notes = read_all(changed(tmp_path, members, edit))
    assert reason in notes.unread[sheet]
    assert sheet not in {row["sheet"] for row in rows}


def test_slash_is_kept_and_empty_cell_is_null(tmp_path: Path, members: Members) -> None:
    path = changed(tmp_path, members, put("C16", "/"), put("D16", ""))
    found = [
        row["value"] for row in first_sheet(path) if row["item_code"] == "1.A.b" and row["entry"] == "credit"
    ]
    assert found[:3] == ["12064.1864632212", "/", None]


def test_text_years_and_shifted_rows_are_accepted(tmp_path: Path, members: Members) -> None:
    """The layout is found by its labels: without the empty row above the header, all rows move up."""

    def shift(found: Members) -> None:
        text = re.sub(r'<row r="1" .*?</row>', "", found[FIRST], count=1)
        text = re.sub(r'<row r="(\d+)"', lambda m: f'<row r="{int(m[1]) - 1}"', text)
        found[FIRST] = re.sub(r'<c r="([A-Z]+)(\d+)"', lambda m: f'<c r="{m[1]}{int(m[2]) - 1}"', text)

    rows = first_sheet(changed(tmp_path, members, put("B4", "2010"), shift))
    assert len(rows) == 45 * 14
    assert (rows[0]["period"], rows[0]["value"], rows[0]["_row"]) == ("2010", "15057.1387606275", 8)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        # title, unit
        ([put("A2", "中国国际投资头寸表（年度表）")], "expected '中国国际收支平衡表（年度表）'"),
        ([put("A3", "单位:万元人民币")], "expected '单位:亿元人民币'"),
        ([put("A2", "中国国际收支平衡表（季度表）")], "expected '中国国际收支平衡表（年度表）'"),
        ([put("A3", "单位:百万元人民币")], "the unit is ['单位:百万元人民币'], expected '单位:亿元人民币'"),
        ([put("A3", "")], "expected '单位:亿元人民币'"),
        ([put("B3", "1")], "'项目' and periods are expected, found ['1']"),
        # the header
        ([put("A4", "")], "'项目' and periods are expected"),
        ([put("F4", "2013")], "F4 is '2013' after '2013': a gap or a repetition"),
        ([put("F4", "2015")], "F4 is '2015' after '2013': a gap or a repetition"),
        ([put("F4", "2014Q1")], "F4 is '2014Q1', not a period of frequency A"),
        ([put("F4", "")], "F4 is '', not a period of frequency A"),
        ([drop_column("F")], "F4 is '', not a period of frequency A"),
        ([put("O4", "")], "O6 of '1. 经常账户' is '17825.9635911761', and the column has no period"),
        ([put("P4", "2024年")], "P4 is '2024年', not a period of frequency A"),
        ([put("P60", "7")], "P60 of '1.B.2 投资收益' is '7', and the column has no period"),
        ([put("B140", "7")], "B140 of '2. 根据"),
        # items and entries
        ([put("A15", "   1.A.b 服务贸易")], "item 1.A.b is named '服务贸易', expected '服务'"),
        ([put("A54", "  1.A.c 其他")], "the row '1.A.c 其他' is unknown"),
        ([put("A54", "    1.A.b.13 数字服务")], "the row '1.A.b.13 数字服务' is unknown"),
        ([put("A54", "  1.D 其他收入")], "the row '1.D 其他收入' is unknown"),
        ([put("A136", "4.净误差与遗漏")], "the row '4.净误差与遗漏' is unknown"),
        ([put("A136", "合计")], "the row '合计' is unknown"),
        ([put("A6", "贷方")], "the row '贷方' is unknown"),
        ([put("A54", "    1.A.b.12 别处未提及的政府货物和服务")],
         "item '1.A.b.12 别处未提及的政府货物和服务' is repeated"),
        ([put("A51", "  1.B 初次收入")], "missing items: ['1.A.b.12 别处未提及的政府货物和服务']"),
        ([drop_row(17)], "借方 of item 1.A.b is expected, and the row is '1.A.b.1 加工服务'"),
        ([drop_row(16)], "贷方 of item 1.A.b is expected, and the row is '借方'"),
        ([swap_rows(16, 17)], "贷方 of item 1.A.b is expected, and the row is '借方'"),
        ([put("A17", "负债")], "借方 of item 1.A.b is expected, and the row is '负债'"),
        ([put("A18", "贷方")], "the row '贷方' is unknown"),
        ([put("A17", "")], "the row has values and no label: ['-13084.2509320412'"),
        # values
        ([put("C16", "n/a")], "C16 is 'n/a', neither a number nor '/'"),
        ([put("C16", "12,987.1")], "C16 is '12,987.1', neither a number nor '/'"),
        ([put("C16", "..")], "C16 is '..', neither a number nor '/'"),
        ([put("C16", " ")], "C16 is ' ', neither a number nor '/'"),
        ([put("C16", "NaN")], "C16 is 'NaN', neither a number nor '/'"),
        ([put("C16", "１２")], "C16 is '１２', neither a number nor '/'"),
        ([replace('<c r="C16" s="139"><v>12987.107739724701</v>', '<c r="C16" t="b"><v>1</v>')],
         "C16 is 'TRUE', neither a number nor '/'"),
        ([replace('<c r="C16" s="139"><v>12987.107739724701</v>', '<c r="C16" t="e"><v>#REF!</v>')],
         "C16: the cell is an error, #REF!"),
        # the container
        ([replace("<worksheet ", '<!DOCTYPE x [<!ENTITY a "1">]><worksheet ')],
         "sheet1.xml declares a document type or an entity"),
    ],
)  # fmt: skip
def test_sheet_with_unexpected_content_fails_alone_with_its_cell(
    tmp_path: Path, members: Members, edits: list[Callable[[Members], None]], expected: str
) -> None:
    """The sheet fails alone: the rows of the other five are read."""
    rows, notes = read_all(changed(tmp_path, members, *edits))
    assert list(notes.unread) == ["年度BOP（人民币）"]
    assert expected in notes.unread["年度BOP（人民币）"]
    assert {row["sheet"] for row in rows} == set(safe_bop.SHEETS) - {"年度BOP（人民币）"}
    assert len(rows) == 45 * 5 * FEW_PERIODS


def test_sheet_that_ends_between_credit_and_debit_is_rejected(tmp_path: Path, members: Members) -> None:
    def cut(found: Members) -> None:
        found[FIRST] = re.sub(r'<row r="17".*</sheetData>', "</sheetData>", found[FIRST], flags=re.DOTALL)

    _, notes = read_all(changed(tmp_path, members, cut))
    assert "the sheet ends before 借方 of item 1.A.b" in notes.unread["年度BOP（人民币）"]


def test_error_in_the_last_sheet_is_found(tmp_path: Path, members: Members) -> None:
    path = changed(tmp_path, members, put("C53", "n/a", "xl/worksheets/sheet6.xml"))
    assert "sheet '季度BOP（SDR）': C53 is 'n/a'" in read_all(path)[1].unread["季度BOP（SDR）"]
    with pytest.raises(SourceError, match=r"sheet '季度BOP（SDR）': C53 is 'n/a'"):  # without a note
        list(safe_bop.read({"bop_bpm6.xlsx": path}, Path()))


def test_truncated_workbook_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "cut.xlsx"
    shutil.copyfile(WORKBOOK, path)
    with path.open("r+b") as stream:
        stream.truncate(WORKBOOK.stat().st_size // 2)
    with pytest.raises(SourceError, match=r"safe_bop: the file is not a readable \.xlsx, or it is cut short"):
        first_sheet(path)
