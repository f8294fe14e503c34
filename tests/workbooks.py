"""Write small workbooks for tests: the parts of an xlsx file that a reader needs."""
# ruff: noqa: E501 (XML)

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from warehouse.formats.xlsx_package import cell_name


def workbook(path: Path, sheets: dict[str, Sequence[Sequence[str | int | None]]]) -> Path:
    """Write a workbook: a number is a number cell, a text an inline string, None no cell."""
    package, office = "http://schemas.openxmlformats.org/package/2006", "http://schemas.openxmlformats.org"
    main, relations = f"{office}/spreadsheetml/2006/main", f"{office}/officeDocument/2006/relationships"
    listed, links, parts = "", "", {}
    for index, (name, rows) in enumerate(sheets.items(), start=1):
        listed += f'<sheet name="{name}" sheetId="{index}" r:id="rId{index}"/>'
        links += f'<Relationship Id="rId{index}" Type="{relations}/worksheet" Target="worksheets/sheet{index}.xml"/>'
        body = ""
        for number, row in enumerate(rows, start=1):
            cells = ""
            for column, value in enumerate(row, start=1):
                ref = cell_name(column, number)
                if isinstance(value, str):
                    cells += f'<c r="{ref}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
                elif value is not None:
                    cells += f'<c r="{ref}"><v>{value}</v></c>'
            body += f'<row r="{number}">{cells}</row>'
        parts[f"xl/worksheets/sheet{index}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
        )
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{listed}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
    )
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )
    parts["[Content_Types].xml"] = (
        f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path
