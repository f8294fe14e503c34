"""What SAFE's workbooks have in common: the page that links them, their typography, marks without a figure.

The address of a workbook changes with each update (`/safe/file/file/{YYYYMMDD}/{32 hex}.xlsx`, on some pages
with `?n=…` behind it), so the title of the link on its page identifies it. Titles and labels are compared
without their typography (Unicode's NFKC, blanks, footnote marks).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urljoin, urlsplit

from warehouse.errors import SourceError
from warehouse.formats.html import read_links
from warehouse.formats.typography import without_footnote

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

    `file` is the page's name in the vintage, `title` what the error calls the title. `is_titled` tells
    whether a text is the wanted title: of the titles of the links or, where none is, of their texts. Raises
    SourceError unless exactly one link is found and leads to an attachment on SAFE's host.
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
