"""The reader of .xlsx files: the text of each cell as it stands in the file, and clear refusals."""

import struct
import zipfile
from pathlib import Path

import pytest

from warehouse.errors import SourceError
from warehouse.formats import xlsx

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def parts(rows: str, *, strings: str = "", names: tuple[str, ...] = ("Trade ",)) -> dict[str, str]:
    """Write by hand the parts of a small workbook whose sheets all hold the same rows."""
    found = {
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}"><Relationship Id="r" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{i}" r:id="s{i}"/>' for i, name in enumerate(names, 1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}">'
        + "".join(
            f'<Relationship Id="s{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(names) + 1)
        )
        + f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        "</Relationships>",
        "xl/sharedStrings.xml": f'{HEAD}<sst xmlns="{MAIN}">{strings}</sst>',
    }
    for i in range(1, len(names) + 1):
        found[f"xl/worksheets/sheet{i}.xml"] = (
            f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        )
    return found


def write(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def cells(path: Path, sheet: str = "Trade ") -> list[tuple[int, dict[int, str]]]:
    return [tuple(row) for row in xlsx.read_rows(xlsx.open_workbook(path, "trade"), sheet)]


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        cells(path)
    message = str(caught.value)
    assert message.startswith("trade: ")
    assert path.name in message
    assert caught.value.remedy
    return message


def test_numbers_keep_every_digit_and_every_kind_of_cell_has_its_text(tmp_path: Path) -> None:
    rows = (
        '<row r="2"><c r="A2"><v>141.87873043179999</v></c><c r="B2" t="n"><v>-1.2881215062576201E-4</v></c>'
        '<c r="C2" t="s"><v>0</v></c><c r="D2" t="s"><v>1</v></c><c r="E2" t="s"><v>2</v></c>'
        '<c r="F2" t="inlineStr"><is><r><t>in</t></r><r><t>line </t></r></is></c>'
        '<c r="G2" t="str"><f>A2&amp;"x"</f><v>cached</v></c>'
        '<c r="H2"><f>1/3</f><v>0.33333333333333331</v></c>'
        '<c r="I2" t="b"><v>1</v></c><c r="J2" t="d"><v>2024-03-29T06:51:00Z</v></c></row>'
    )
    strings = (
        '<si><t xml:space="preserve">  1.A.b 服务 </t></si>'
        "<si><r><rPr><b/></rPr><t xml:space='preserve'>1.A </t></r><r><t>货物和服务</t></r></si>"
        "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh><phoneticPr fontId='1'/></si>"
    )
    path = write(tmp_path / "a.xlsx", parts(rows, strings=strings))
    assert cells(path) == [
        (
            2,
            {
                1: "141.87873043179999",
                2: "-1.2881215062576201E-4",
                3: "  1.A.b 服务 ",
                4: "1.A 货物和服务",
                5: "東京",
                6: "inline ",
                7: "cached",
                8: "0.33333333333333331",
                9: "TRUE",
                10: "2024-03-29T06:51:00Z",
            },
        )
    ]


def test_empty_cells_and_rows_are_absent_and_unstated_places_are_counted(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" s="5"/><c r="B1"><v></v></c><c r="C1" t="s"><v>0</v></c></row>'
        '<row r="3"><c r="B3"><v>1</v></c><c><v>2</v></c><c r="AB3"><v>3</v></c></row>'
        "<row><c><v>4</v></c></row>"
    )
    path = write(tmp_path / "a.xlsx", parts(rows, strings="<si><t/></si>"))
    assert cells(path) == [(3, {2: "1", 3: "2", 28: "3"}), (4, {1: "4"})]
    assert xlsx.cell_name(28, 3) == "AB3"
    assert xlsx.cell_name(26, 1) == "Z1"
    assert xlsx.cell_name(703, 1) == "AAA1"


def test_escaped_characters_are_written_out_in_strings_and_not_in_numbers(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    strings = "<si><t>a_x000A_b</t></si><si><t>_xD800_</t></si>"
    assert cells(write(tmp_path / "a.xlsx", parts(rows, strings=strings))) == [(1, {1: "a\nb", 2: "_xD800_"})]


def test_sheets_keep_their_names_and_order(tmp_path: Path) -> None:
    names = ("年度BOP（美元） ", "年度BOP（SDR)", "a")
    path = write(tmp_path / "a.xlsx", parts('<row r="1"><c r="A1"><v>1</v></c></row>', names=names))
    assert tuple(xlsx.open_workbook(path, "trade").sheets) == names


def test_an_unknown_sheet_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    book = xlsx.open_workbook(write(tmp_path / "a.xlsx", parts("")), "trade")
    with pytest.raises(SourceError, match=r"no sheet 'Trade' among \['Trade '\]"):
        next(xlsx.read_rows(book, "Trade"))


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('<c r="B7" t="e"><v>#REF!</v></c>', "'Trade ', B7: the cell is an error, #REF!"),
        ('<c r="B7"><f>A1+A2</f></c>', "'Trade ', B7: a formula without its cached result"),
        ('<c r="B7" t="s"><v>9</v></c>', "'Trade ', B7: there is no shared string '9'"),
        ('<c r="B7" t="s"><v>-1</v></c>', "'Trade ', B7: there is no shared string '-1'"),
        ('<c r="B7" t="b"><v>yes</v></c>', "'Trade ', B7: the boolean is 'yes'"),
        ('<c r="B7" t="zz"><v>1</v></c>', "'Trade ', B7: the cell is of the unknown type 'zz'"),
        ('<c r="B8"><v>1</v></c>', "a cell says that it is 'B8'"),
        ('<c r="B7"><v>1</v></c><c r="B7"><v>2</v></c>', "'Trade ', B7: the next cell says that it is 'B7'"),
        ('<c r="XFE7"><v>1</v></c>', "the next cell says that it is 'XFE7'"),
    ],
)
def test_a_cell_that_is_not_understood_is_refused_with_its_place(
    tmp_path: Path, cell: str, said: str
) -> None:
    path = write(tmp_path / "a.xlsx", parts(f'<row r="7">{cell}</row>', strings="<si><t>x</t></si>"))
    assert said in refusal(path)


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    rows = '<row r="3"><c r="A3"><v>1</v></c></row><row r="3"><c r="A3"><v>2</v></c></row>'
    assert "the next row is numbered '3'" in refusal(write(tmp_path / "a.xlsx", parts(rows)))


def test_a_truncated_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{i}"><c r="A{i}"><v>{i * 7919}</v></c></row>' for i in range(1, 200))
    whole = write(tmp_path / "whole.xlsx", parts(rows)).read_bytes()
    cut = tmp_path / "cut.xlsx"
    for size in range(0, len(whole) - 1, len(whole) // 25):
        cut.write_bytes(whole[:size])
        assert "no readable .xlsx" in refusal(cut)


def test_a_directory_that_leads_out_of_the_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", parts(""))
    body = bytearray(path.read_bytes())
    struct.pack_into("<I", body, body.index(b"PK\x05\x06") + 12, 1_000_000)  # the directory's size
    path.write_bytes(body)
    assert "no readable .xlsx" in refusal(path)


def test_a_web_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("<!DOCTYPE html><html>busy</html>")
    assert "no readable .xlsx" in refusal(path)


def test_flipped_bytes_are_refused(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{i}"><c r="A{i}"><v>{i * 7919}</v></c></row>' for i in range(1, 200))
    path = write(tmp_path / "a.xlsx", parts(rows))
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    body = bytearray(path.read_bytes())
    body[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 0xFF
    path.write_bytes(body)
    assert "no readable .xlsx" in refusal(path)


@pytest.mark.parametrize("part", ["_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_a_missing_part_is_refused(tmp_path: Path, part: str) -> None:
    members = parts("")
    del members[part]
    assert f"the part {part} is missing" in refusal(write(tmp_path / "a.xlsx", members))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize(
    "document_type",
    [
        '<!DOCTYPE x [<!ENTITY a "1"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
def test_document_types_and_entities_are_refused(tmp_path: Path, part: str, document_type: str) -> None:
    members = parts('<row r="1"><c r="A1"><v>1</v></c></row>')
    members[part] = members[part].replace(HEAD, HEAD + document_type)
    assert f"the part {part} declares a document type or an entity" in refusal(
        write(tmp_path / "a.xlsx", members)
    )


@pytest.mark.parametrize("text", ["<worksheet><sheetData>", '<?xml version="1.0" encoding="klingon"?><a/>'])
def test_broken_xml_is_refused(tmp_path: Path, text: str) -> None:
    members = parts("")
    members["xl/worksheets/sheet1.xml"] = text
    assert "sheet1.xml is not well-formed XML" in refusal(write(tmp_path / "a.xlsx", members))


def test_a_sheet_without_its_table_is_refused(tmp_path: Path) -> None:
    members = parts("")
    members["xl/worksheets/sheet1.xml"] = f'<worksheet xmlns="{MAIN}"/>'
    assert "'Trade ' holds no sheetData" in refusal(write(tmp_path / "a.xlsx", members))


def test_two_sheets_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", parts("", names=("Trade ", "Trade ")))
    assert "two sheets are named 'Trade '" in refusal(path)


def test_a_chart_sheet_is_refused(tmp_path: Path) -> None:
    members = parts("")
    name = "xl/_rels/workbook.xml.rels"
    members[name] = members[name].replace("/worksheet", "/chartsheet", 1)
    assert "'Trade ' is not a table of cells (chartsheet)" in refusal(write(tmp_path / "a.xlsx", members))


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", parts(""))
    body = bytearray(path.read_bytes())
    body[body.index(b"PK\x01\x02") + 8] |= 0x1  # the flag of the first entry in the central directory
    path.write_bytes(body)
    assert "the file is encrypted" in refusal(path)


def test_a_file_that_unpacks_past_the_cap_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.xlsx", parts("<row/>" * 5_000))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(xlsx, "MAX_UNPACKED_BYTES", 20_000)
    assert "more than the 20000 allowed" in refusal(path)


def test_a_file_that_lies_about_its_unpacked_size_is_refused(tmp_path: Path) -> None:
    """The real bytes count too: what exceeds the declared size is never handed out."""
    rows = "".join(f'<row r="{i}"><c r="A{i}"><v>1</v></c></row>' for i in range(1, 5_000))
    path = write(tmp_path / "a.xlsx", parts(rows))
    body = bytearray(path.read_bytes())
    entry = body.index(b"PK\x01\x02", body.rindex(b"xl/sharedStrings.xml"))  # the sheet's, the last one
    struct.pack_into("<I", body, entry + 24, 1_000)
    path.write_bytes(body)
    assert "no readable .xlsx" in refusal(path)


def test_too_many_parts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_ENTRIES", 4)
    assert "holds 5 parts, more than the 4 allowed" in refusal(write(tmp_path / "a.xlsx", parts("")))
