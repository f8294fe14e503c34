"""The reader of .xlsx files: the text of each cell, and the files that it rejects."""

import struct
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import SourceError
from warehouse.formats import xlsx, xlsx_package

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def parts(
    rows: str, *, strings: str = "", names: tuple[str, ...] = ("Trade ",), after_table: str = ""
) -> dict[str, str]:
    """Return the XML parts of a small workbook whose sheets all have the same rows."""
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
            f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{after_table}</worksheet>'
        )
    return found


def write(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def cells(path: Path, sheet: str = "Trade ") -> list[tuple[int, dict[int, str]]]:
    return [tuple(row) for row in xlsx.read_rows(xlsx.open_workbook(path, "trade"), sheet)]


def rejection(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        cells(path)
    message = str(caught.value)
    assert message.startswith("trade: ")
    assert path.name in message
    assert caught.value.remedy
    return message


def test_numbers_are_the_shortest_form_of_their_double_and_every_type_of_cell_has_its_text(
    tmp_path: Path,
) -> None:
    rows = (
        '<row r="2"><c r="A2"><v>141.87873043179999</v></c><c r="B2" t="n"><v>-1.2881215062576201E-4</v></c>'
        '<c r="C2" t="s"><v>0</v></c><c r="D2" t="s"><v>1</v></c><c r="E2" t="s"><v>2</v></c>'
        '<c r="F2" t="inlineStr"><is><r><t>in</t></r><r><t xml:space="preserve">line </t></r></is></c>'
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
                1: "141.8787304318",
                2: "-0.000128812150625762",
                3: "  1.A.b 服务 ",
                4: "1.A 货物和服务",
                5: "東京",
                6: "inline ",
                7: "cached",
                8: "0.3333333333333333",
                9: "TRUE",
                10: "2024-03-29T06:51:00Z",
            },
        )
    ]


def test_empty_cells_and_rows_are_absent_and_missing_references_are_counted(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" s="5"/><c r="B1"><v></v></c><c r="C1" t="s"><v>0</v></c></row>'
        '<row r="3"><c r="B3"><v>1</v></c><c><v>2</v></c><c r="AB3"><v>3</v></c></row>'
        "<row><c><v>4</v></c></row>"
    )
    path = write(tmp_path / "a.xlsx", parts(rows, strings="<si><t/></si>"))
    assert cells(path) == [(3, {2: "1", 3: "2", 28: "3"}), (4, {1: "4"})]
    assert xlsx_package.cell_name(28, 3) == "AB3"
    assert xlsx_package.cell_name(26, 1) == "Z1"
    assert xlsx_package.cell_name(703, 1) == "AAA1"


def test_escaped_characters_are_written_out_in_strings_and_not_in_numbers(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    strings = "<si><t>a_x000A_b</t></si><si><t>_xD800_</t></si>"
    assert cells(write(tmp_path / "a.xlsx", parts(rows, strings=strings))) == [(1, {1: "a\nb", 2: "_xD800_"})]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("3393.9321019559002", "3393.9321019559"),
        ("5.2900000000000003E-2", "0.0529"),
        ("0.1", "0.1"),
        ("2010", "2010"),
        ("2010.0", "2010"),
        ("100", "100"),
        ("1E3", "1000"),
        ("-44", "-44"),
        ("0", "0"),
        ("1.5E-7", "0.00000015"),
        ("12345678901234567890", "12345678901234567000"),
        ("1E16", "10000000000000000"),
        ("-2.5E+19", "-25000000000000000000"),
    ],
)
def test_number_is_plain_text_that_sql_casts_to_a_decimal(tmp_path: Path, number: str, text: str) -> None:
    rows = f'<row r="1"><c r="A1"><v>{number}</v></c></row>'
    assert cells(write(tmp_path / "a.xlsx", parts(rows))) == [(1, {1: text})]
    with duckdb.connect() as connection:
        cast = connection.execute("select cast(? as decimal(38, 18))", [text]).fetchone()
    assert cast == (Decimal(text),)


def test_table_that_does_not_begin_at_a1_has_correct_references(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" s="3"/></row><row r="7"><c r="C7"><v>1</v></c><c r="E7"><v>2</v></c></row>'
        '<row r="9"><c r="D9"><v>3</v></c></row>'
    )
    path = write(tmp_path / "a.xlsx", parts(rows))
    assert cells(path) == [(7, {3: "1", 5: "2"}), (9, {4: "3"})]


def test_cells_with_a_date_format_are_iso_dates(tmp_path: Path) -> None:
    members = parts(
        '<row r="1"><c r="A1" s="1"><v>45380</v></c><c r="B1" s="2"><v>45380.5</v></c>'
        '<c r="C1"><v>45380</v></c></row>'
    )
    members["xl/styles.xml"] = (
        f'{HEAD}<styleSheet xmlns="{MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>'
    )
    assert cells(write(tmp_path / "a.xlsx", members)) == [
        (1, {1: "2024-03-29", 2: "2024-03-29T12:00:00", 3: "45380"})
    ]


def test_merged_cells_have_their_value_in_the_first_cell(tmp_path: Path) -> None:
    rows = (
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2"/><c r="C2"><v>2</v></c></row>'
        '<row r="3"><c r="A3"/><c r="B3"/><c r="C3"><v>3</v></c></row>'
    )
    merged = '<mergeCells count="1"><mergeCell ref="A2:B3"/></mergeCells>'
    path = write(tmp_path / "a.xlsx", parts(rows, after_table=merged))
    assert cells(path) == [(2, {1: "1", 3: "2"}), (3, {3: "3"})]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_sheet_is_listed_and_read(tmp_path: Path, state: str) -> None:
    members = parts('<row r="1"><c r="A1"><v>1</v></c></row>', names=("Trade ", "notes"))
    part = "xl/workbook.xml"
    members[part] = members[part].replace('sheetId="2"', f'sheetId="2" state="{state}"')
    path = write(tmp_path / "a.xlsx", members)
    workbook = xlsx.open_workbook(path, "trade")
    assert tuple(workbook.sheets) == ("Trade ", "notes")
    assert workbook.hidden == {"notes"}
    assert cells(path, "notes") == [(1, {1: "1"})]


def test_only_requested_sheet_is_checked(tmp_path: Path) -> None:
    members = parts('<row r="1"><c r="A1"><v>1</v></c></row>', names=("Trade ", "notes"))
    members["xl/worksheets/sheet2.xml"] = members["xl/worksheets/sheet2.xml"].replace("<c r", '<c t="e" r')
    path = write(tmp_path / "a.xlsx", members)
    assert cells(path) == [(1, {1: "1"})]
    with pytest.raises(SourceError, match="sheet 'notes', A1: the cell is an error"):
        cells(path, "notes")


def test_prefix_of_the_namespace_changes_nothing(tmp_path: Path) -> None:
    members = parts("")
    table = (
        "<x:sheetData><x:row r='1'><x:c t='str' r='A1'><x:v>a</x:v></x:c></x:row>"
        "<x:row r='2'><x:c r='A2' t='e'><x:v>#N/A</x:v></x:c></x:row></x:sheetData>"
    )
    members["xl/worksheets/sheet1.xml"] = f'<x:worksheet xmlns:x="{MAIN}">{table}</x:worksheet>'
    assert "sheet 'Trade ', A2: the cell is an error, #N/A" in rejection(write(tmp_path / "a.xlsx", members))


def test_sheets_keep_their_names_and_order(tmp_path: Path) -> None:
    names = ("年度BOP（美元） ", "年度BOP（SDR)", "a")
    path = write(tmp_path / "a.xlsx", parts('<row r="1"><c r="A1"><v>1</v></c></row>', names=names))
    assert tuple(xlsx.open_workbook(path, "trade").sheets) == names


def test_unknown_sheet_is_rejected_with_existing_sheets(tmp_path: Path) -> None:
    book = xlsx.open_workbook(write(tmp_path / "a.xlsx", parts("")), "trade")
    with pytest.raises(SourceError, match=r"no sheet 'Trade'; its sheets are \['Trade '\]"):
        next(xlsx.read_rows(book, "Trade"))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<c r="B7" t="e"><v>#REF!</v></c>', "'Trade ', B7: the cell is an error, #REF!"),
        ('<c r="B7"></c><c r="C7" t="e"><v>#REF!</v></c>', "'Trade ', C7: the cell is an error, #REF!"),
        ('<c r="B7"><f>A1+A2</f></c>', "'Trade ', B7: the formula has no cached result"),
        ('<c r="B7"><f>A1+A2</f><v/></c>', "'Trade ', B7: the formula has no cached result"),
        ('<c r="B7"><f t="shared" si="0"/><v></v></c>', "'Trade ', B7: the formula has no cached result"),
        (
            '<c r="B7" t="s"><v>9</v></c>',
            "sheet 'Trade ': calamine cannot read the workbook (Cell string index",
        ),
        ('<c r="B7" t="s"><v>-1</v></c>', "'Trade ', B7: there is no shared string '-1'"),
        (
            '<c r="B7" t="b"><v>yes</v></c>',
            "calamine cannot read the workbook (Unrecognized boolean cell value: yes)",
        ),
        ('<c r="B7" t="zz"><v>1</v></c>', "'Trade ', B7: the cell has the unknown type 'zz'"),
        ('<c r="B8"><v>1</v></c>', "'Trade ': cell 'B8' follows the start of row 7"),
        ('<c r="B7"><v>1</v></c><c r="B7"><v>2</v></c>', "'Trade ': cell 'B7' follows B7"),
        ('<c r="XFE7"><v>1</v></c>', "'Trade ': cell 'XFE7' follows the start of row 7"),
        ('<c r="B7"><v>1e400</v></c>', "'Trade ', B7: the number inf is not finite"),
        ('<c r="B7"><v>NaN</v></c>', "'Trade ', B7: the number nan is not finite"),
    ],
)
def test_cell_that_cannot_be_read_is_rejected_with_its_reference(
    tmp_path: Path, cell: str, expected: str
) -> None:
    path = write(tmp_path / "a.xlsx", parts(f'<row r="7">{cell}</row>', strings="<si><t>x</t></si>"))
    assert expected in rejection(path)


def test_rows_out_of_order_are_rejected(tmp_path: Path) -> None:
    rows = '<row r="3"><c r="A3"><v>1</v></c></row><row r="3"><c r="A3"><v>2</v></c></row>'
    assert "'Trade ': row '3' follows row 3" in rejection(write(tmp_path / "a.xlsx", parts(rows)))


def test_file_truncated_at_any_position_is_rejected(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{i}"><c r="A{i}"><v>{i * 7919}</v></c></row>' for i in range(1, 200))
    whole = write(tmp_path / "whole.xlsx", parts(rows)).read_bytes()
    cut = tmp_path / "cut.xlsx"
    for size in range(0, len(whole) - 1, len(whole) // 25):
        cut.write_bytes(whole[:size])
        assert "not a readable .xlsx" in rejection(cut)


def test_zip_directory_with_an_offset_outside_the_file_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", parts(""))
    body = bytearray(path.read_bytes())
    struct.pack_into("<I", body, body.index(b"PK\x05\x06") + 12, 1_000_000)  # the directory's size
    path.write_bytes(body)
    assert "not a readable .xlsx" in rejection(path)


def test_web_page_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("<!DOCTYPE html><html>busy</html>")
    assert "not a readable .xlsx" in rejection(path)


def test_flipped_bytes_are_rejected(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{i}"><c r="A{i}"><v>{i * 7919}</v></c></row>' for i in range(1, 200))
    path = write(tmp_path / "a.xlsx", parts(rows))
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    body = bytearray(path.read_bytes())
    body[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 0xFF
    path.write_bytes(body)
    assert "not a readable .xlsx" in rejection(path)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("_rels/.rels", "calamine cannot read the workbook (File not found '_rels/.rels')"),
        ("xl/workbook.xml", "the part xl/workbook.xml is missing"),
        ("xl/_rels/workbook.xml.rels", "the part xl/_rels/workbook.xml.rels is missing"),
        ("xl/worksheets/sheet1.xml", "the part xl/worksheets/sheet1.xml is missing"),
        ("xl/sharedStrings.xml", "calamine cannot read the workbook (Cell string index"),
    ],
)
def test_missing_part_is_rejected(tmp_path: Path, part: str, reason: str) -> None:
    members = parts('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings="<si><t>x</t></si>")
    del members[part]
    assert reason in rejection(write(tmp_path / "a.xlsx", members))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize(
    "document_type",
    [
        '<!DOCTYPE x [<!ENTITY a "1"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
def test_document_types_and_entities_are_rejected(tmp_path: Path, part: str, document_type: str) -> None:
    members = parts('<row r="1"><c r="A1"><v>1</v></c></row>')
    members[part] = members[part].replace(HEAD, HEAD + document_type)
    assert f"the part {part} declares a document type or an entity" in rejection(
        write(tmp_path / "a.xlsx", members)
    )


def test_external_entities_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    members = parts('<row r="1"><c r="A1" t="str"><v>&a;</v></c></row>')
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(
        HEAD, f'{HEAD}<!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]>'
    )
    assert "declares a document type or an entity" in rejection(write(tmp_path / "a.xlsx", members))


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030"])
def test_xml_that_is_not_utf_8_is_rejected(tmp_path: Path, encoding: str) -> None:
    members = parts('<row r="1"><c r="A1" t="str"><v>服务</v></c></row>')
    part = "xl/worksheets/sheet1.xml"
    text = members[part].replace("UTF-8", encoding)
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, text.encode(encoding) if name == part else content)
    assert f"the part {part} is not well-formed XML in UTF-8" in rejection(path)


@pytest.mark.parametrize("text", ["<worksheet><sheetData>", '<?xml version="1.0" encoding="klingon"?><a/>'])
def test_broken_xml_is_rejected(tmp_path: Path, text: str) -> None:
    members = parts("")
    members["xl/worksheets/sheet1.xml"] = text
    assert "sheet1.xml is not well-formed XML in UTF-8" in rejection(write(tmp_path / "a.xlsx", members))


def test_sheet_without_its_table_is_rejected(tmp_path: Path) -> None:
    members = parts("")
    members["xl/worksheets/sheet1.xml"] = f'<worksheet xmlns="{MAIN}"/>'
    assert "'Trade ' has no sheetData" in rejection(write(tmp_path / "a.xlsx", members))


def test_two_sheets_of_the_same_name_are_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", parts("", names=("Trade ", "Trade ")))
    assert "two sheets are named 'Trade '" in rejection(path)


def test_chart_sheet_is_rejected(tmp_path: Path) -> None:
    members = parts("")
    name = "xl/_rels/workbook.xml.rels"
    members[name] = members[name].replace("/worksheet", "/chartsheet", 1)
    assert "'Trade ' is not a worksheet but a ChartSheet" in rejection(write(tmp_path / "a.xlsx", members))


def test_encrypted_file_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", parts(""))
    body = bytearray(path.read_bytes())
    body[body.index(b"PK\x01\x02") + 8] |= 0x1  # the flag of the first entry in the central directory
    path.write_bytes(body)
    assert "the file is encrypted" in rejection(path)


def test_file_over_unpacked_limit_is_rejected_before_unpacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.xlsx", parts("<row/>" * 5_000))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(xlsx_package, "MAX_UNPACKED_BYTES", 20_000)
    assert "more than the limit of 20000" in rejection(path)


def test_part_that_is_larger_than_its_declared_size_is_rejected(tmp_path: Path) -> None:
    """The unpacked bytes count, not only the declared size."""
    rows = "".join(f'<row r="{i}"><c r="A{i}"><v>1</v></c></row>' for i in range(1, 5_000))
    path = write(tmp_path / "a.xlsx", parts(rows))
    body = bytearray(path.read_bytes())
    entry = body.index(b"PK\x01\x02", body.rindex(b"xl/sharedStrings.xml"))  # the last entry is the sheet's
    struct.pack_into("<I", body, entry + 24, 1_000)
    path.write_bytes(body)
    assert "not a readable .xlsx" in rejection(path)


def test_cell_far_from_the_table_is_rejected_before_calamine_allocates(tmp_path: Path) -> None:
    """calamine aborts the process when it cannot allocate all cells between the first and the last cell."""
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    message = rejection(write(tmp_path / "a.xlsx", parts(rows)))
    assert "has cells in rows 1 to 1048576 and in 16384 columns, more than the limit of 5000000" in message


def test_too_many_parts_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_package, "MAX_ENTRIES", 4)
    assert "has 5 parts, more than the limit of 4" in rejection(write(tmp_path / "a.xlsx", parts("")))
