"""What SAFE's workbooks have in common: the page that links them, their typography, marks without a figure.

The address of a workbook changes with each update (`/safe/file/file/{YYYYMMDD}/{32 hex}.xlsx`, on some pages
with `?n=…` behind it), so the title of the link on its page identifies it. Titles and labels are compared
without their typography (Unicode's NFKC, blanks, footnote marks).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.html import read_links
from warehouse.formats.typography import without_footnote
from warehouse.formats.xlsx import Row, Workbook, open_workbook
from warehouse.formats.xlsx_package import cell_name
from warehouse.model import Note

HOST = "www.safe.gov.cn"
ATTACHMENT_PATH = re.compile(r"/safe/file/file/[0-9]{8}/[0-9a-fA-F]{32}\.xlsx")
LICENCE = "None stated; public statistics of SAFE"
NO_FIGURE = frozenset({"/", "／", "-", "－", "–", "—", "——", "…"})  # staging keeps them as status
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def compact(text: str) -> str:
    """Return a Chinese text without typography, blanks and footnote marks, for comparison."""
    return without_footnote(text).replace(" ", "")


def attachment_address(
    source: str, page: bytes, landing_page: str, file: str, title: str, is_titled: Callable[[str], bool]
) -> str:
    """Return the https address of the attachment that a page links under a title.

    `file` is the page's name in the vintage, `title` the title in the error. `is_titled` returns whether
    a text is the wanted title. It is asked for the titles of the links, and for their texts where no title
    fits. Raises SourceError unless exactly one link is found and leads to an attachment on SAFE's host.
    """

    def page_error(reason: str) -> SourceError:
        remedy = (
            f"Open the page in a browser; if SAFE renamed the series, change warehouse/sources/{source}.py"
        )
        return SourceError(source, reason, address=landing_page, file=file, remedy=remedy)

    try:
        links = read_links(page)
    except UnicodeDecodeError as error:
        raise page_error(f"the page is not UTF-8 ({error})") from error
    titled = {link.target for link in links if is_titled(link.title)}
    found = sorted(titled or {link.target for link in links if is_titled(link.text)})
    if len(found) != 1:
        titles = sorted({link.title or link.text for link in links} - {""})
        raise page_error(
            f"{len(found)} attachments are titled {title!r}, expected 1; the titles on the page are {titles}"
        )
    reason = f"the link of {title!r} leads to {found[0]!r}, not to an attachment on {HOST}"
    try:
        parts = urlsplit(urljoin(landing_page, found[0]))
    except ValueError as error:
        raise page_error(reason) from error
    is_on_host = (parts.scheme, parts.netloc, parts.fragment) == ("https", HOST, "")
    if not is_on_host or ATTACHMENT_PATH.fullmatch(parts.path) is None:
        raise page_error(reason)
    query = f"?{quote(parts.query, safe='%=&+')}" if parts.query else ""
    return f"https://{HOST}{parts.path}{query}"


def read_sheets(
    source: str,
    file: str,
    path: Path,
    names: Iterable[str],
    read_sheet: Callable[[Workbook, str, list[str], Note], pa.RecordBatch],
    note: Note,
) -> Iterator[pa.RecordBatch]:
    """Yield one batch of raw rows for each named sheet of a workbook, in the order of `names`.

    `file` is the workbook's name in the vintage, `path` where it is. `read_sheet` gets the workbook, the name
    of a sheet and the names in the workbook that are equal to it but for typography. A sheet for which it
    raises SourceError is noted as a failed part, with its row, and yields nothing; a further sheet is noted
    as drift. Raises SourceError for a file that is not a readable workbook.
    """
    workbook = open_workbook(path, source)
    found: dict[str, list[str]] = {}
    for printed in workbook.sheets:
        found.setdefault(compact(printed), []).append(printed)
    for name in names:
        try:
            batch = read_sheet(workbook, name, found.pop(compact(name), []), note)
        except SourceError as error:
            row = "" if error.row is None else f" (row {error.row})"
            note(file, f"{error.reason}{row}. {error.remedy}", failed_part=name)
        else:
            yield batch
    for printed in (name for names in found.values() for name in names):
        note(file, f"further {'hidden ' if printed in workbook.hidden else ''}sheet {printed!r}")


def figure_of(row: Row, column: int, sheet_error: Callable[[int, str], SourceError]) -> str | None:
    """Return the text of a cell: a number, a mark of `NO_FIGURE`, or None if it is empty.

    Raises what `sheet_error` makes of the number of the row and the reason, for any other text.
    """
    text = row.cells.get(column)
    if text is None or NUMBER.fullmatch(text):
        return text
    if text.strip() in NO_FIGURE:
        return text.strip()
    cell = cell_name(column, row.number)
    raise sheet_error(row.number, f"{cell} is {text!r}, neither a number nor '/'")
