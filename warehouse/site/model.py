"""Records of the site: pages and figures as `content/*.yml` declares them, and what a release gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from warehouse.releases.diff import DiffReport
from warehouse.releases.manifest import News, SetAside, VintageEntry

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Form = Literal["lines", "points", "bars", "ranked", "grouped", "stacked", "shares", "heatmap", "table"]
Row = tuple[Any, ...]
# Between the labels of two sources that are compared.
PAIR = " − "


class Text(BaseModel, frozen=True, extra="forbid"):
    """A text in both languages."""

    en: str
    zh: str

    def of(self, language: Language) -> str:
        """Return the text in a language."""
        return self.en if language == "en" else self.zh


class Lexicon(BaseModel, frozen=True):
    """Headings of columns, and values of columns in words."""

    labels: dict[str, Text]
    words: dict[str, Text]

    def label(self, column: str, language: Language) -> str:
        """Return the heading of a column, whose name may end in a language; the name if there is none."""
        found = self.labels.get(column.removesuffix(f"_{language}"))
        return found.of(language) if found else column.replace("_", " ")

    def word(self, value: str, language: Language) -> str:
        """Return a value of a column in words, also several with commas or a minus, else the value."""
        separator, comma = (PAIR, PAIR) if PAIR in value else (", ", "，" if language == "zh" else ", ")
        parts = [value] if value in self.words else value.split(separator)
        if not all(part in self.words for part in parts):
            return value
        return comma.join(self.words[part].of(language) for part in parts)


class Figure(BaseModel, frozen=True, extra="forbid"):
    """A figure as it is declared: a query's rows as a chart with its table, or as a table alone.

    `query` names the query, the id by default, and `flow` replaces `{{ flow }}` in it. `x`, `y`, `color`,
    `dash` and `rule` name columns of the query; `{lang}` in a name is replaced by the language.
    `y` is the measure, but for a heat map, whose measure is `color`. `rule` is a column of years to mark, and
    `rule_note` what the marks mean: it is shown when there are any, with publishers and years for `{marks}`.
    `below` is a column of long texts, which tables show below each row.
    """

    id: str
    form: Form
    title: Text
    unit: Text
    note: Text | None = None
    query: str | None = None
    flow: Literal["exports", "imports"] | None = None
    x: str = "period_label"
    y: str | None = None
    color: str | None = None
    dash: str | None = None
    rule: str | None = None
    rule_note: Text | None = None
    below: str | None = None


class Page(BaseModel, frozen=True, extra="forbid"):
    """A page of the menu: its template and the ids of its figures."""

    id: str
    template: str = "figures"
    title: Text
    lead: Text
    figures: tuple[str, ...]


class Origin(BaseModel, frozen=True):
    """A source of a figure: its names and terms, and the vintages and dates that the rows are from.

    `label` is the publisher's short name, by which rows name the source; `label_zh` is shown in Chinese.
    """

    source: str
    label: str
    label_zh: str
    title: Text
    publisher: str
    publisher_zh: str
    licence: str
    homepage: str
    vintages: tuple[str, ...]
    retrieved_on: tuple[date, ...]


@dataclass(frozen=True)
class Drawn:
    """A figure of a release: its rows, their origins, and its Vega-Lite specification for each language.

    `specs` is empty for a table, and for a chart of too few rows.
    """

    figure: Figure
    title: Text
    note: Text | None
    query: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    origins: tuple[Origin, ...]
    specs: Mapping[Language, Mapping[str, Any]]


@dataclass(frozen=True)
class SiteInput:
    """What a site is made from: the database of a release or build, and the records beside it.

    `diff` compares with the release before, None for the first. `expectations` is met and all expectations of
    the release gate. `before` is the site of the release before, None without one; `unchanged` are the tables
    that this release has with the same rows, by the same code.
    """

    release: str
    as_of: date
    built_at: datetime
    database: Path
    dbt_manifest: Path
    vintages: tuple[VintageEntry, ...]
    set_aside: tuple[SetAside, ...]
    expectations: tuple[int, int]
    news: News | None
    diff: DiffReport | None
    before: Path | None = None
    unchanged: frozenset[str] = frozenset()
