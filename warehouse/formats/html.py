"""The links of an HTML page: targets, titles and texts, for sources whose page links the current file."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple


class Link(NamedTuple):
    """A link of a page: its `title` attribute, its text and its target, without blanks around them."""

    title: str
    text: str
    target: str


def read_links(page: bytes) -> list[Link]:
    """Return the links of a page in UTF-8, in their order. Raises UnicodeDecodeError for another encoding."""
    parser = _Links()
    parser.feed(page.decode("utf-8-sig"))
    parser.close()
    return parser.links


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            values = dict(attrs)
            title, target = ((values.get(name) or "").strip() for name in ("title", "href"))
            self.links.append(Link(title, "", target))
            self._is_open = True

    def handle_data(self, data: str) -> None:
        if self._is_open:
            self.links[-1] = self.links[-1]._replace(text=(self.links[-1].text + data).strip())

    def handle_endtag(self, tag: str) -> None:
        self._is_open = self._is_open and tag != "a"
