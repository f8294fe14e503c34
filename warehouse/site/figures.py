"""Read the declared pages and figures, and fill the figures with the rows of a release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml
from pydantic import TypeAdapter

from warehouse.errors import WarehouseError
from warehouse.site.model import LANGUAGES, PAIR, Drawn, Figure, Language, Lexicon, Origin, Page, Row, Text
from warehouse.site.specs import spec_of

CONTENT = Path(__file__).resolve().parent / "content"
# A chart of fewer rows says less than its table.
LEAST_ROWS = 5
# Between publishers, and between the years of one, in a note.
MARKS: tuple[tuple[Language, str, str], ...] = (("en", "; ", ", "), ("zh", "；", "、"))
# Columns that name a source, and the column that has its vintage.
SOURCE_COLUMNS = {
    "source": "vintage",
    "source_a": "vintage_a",
    "source_b": "vintage_b",
    "partner_source": "partner_vintage",
}


def read_pages() -> tuple[Page, ...]:
    """Return the pages of the menu, in its order."""
    return TypeAdapter(tuple[Page, ...]).validate_python(_yaml("pages.yml"))


def read_figures() -> tuple[Figure, ...]:
    """Return the declared figures."""
    return TypeAdapter(tuple[Figure, ...]).validate_python(_yaml("figures.yml"))


def read_texts(name: str) -> dict[str, Text]:
    """Return the texts of a file of `content`, by key."""
    return TypeAdapter(dict[str, Text]).validate_python(_yaml(name))


def read_lexicon() -> Lexicon:
    """Return the headings of columns and the words of values."""
    return Lexicon(labels=read_texts("labels.yml"), words=read_texts("words.yml"))


def _yaml(name: str) -> Any:
    return yaml.safe_load((CONTENT / name).read_text(encoding="utf-8"))


def query_of(name: str, flow: str | None = None) -> str:
    """Return the SQL of a query of the site, for a flow if it has the place for one."""
    text = (CONTENT / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return text.replace("{{ flow }}", flow) if flow else text


def query_of_figure(figure: Figure) -> str:
    """Return the SQL of a figure."""
    return query_of(figure.query or figure.id, figure.flow)


def rows_of(db: duckdb.DuckDBPyConnection, name: str, query: str) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Run a query of the site; return its columns and rows. Raises WarehouseError with the name."""
    try:
        found = db.execute(query)
    except duckdb.Error as error:
        raise WarehouseError(
            f"the query of {name} in {CONTENT}: the site cannot be made from this release: {error}"
        ) from error
    columns = tuple(column[0] for column in found.description or ())
    return columns, tuple(found.fetchall())


def labels_of(db: duckdb.DuckDBPyConnection) -> dict[str, Origin]:
    """Return each source of the release, without vintages, by its code; those with figures come first.

    Colours follow this order after those of specs.COMPARED, so that a source without figures takes none.
    The label is the publisher's acronym where it has one, else its name up to the first comma or colon. In
    Chinese it is the publisher's name without what is in brackets.
    """
    found = db.execute(
        "select source, publisher, publisher_zh, title_en, title_zh, licence, homepage from core.dim_source "
        "order by source not in (select source from core.dim_vintage), source"
    ).fetchall()
    return {
        source: Origin(
            source=source,
            label=_short_name(publisher),
            label_zh=publisher_zh.split("（")[0],
            title=Text(en=title_en, zh=title_zh),
            publisher=publisher,
            publisher_zh=publisher_zh,
            licence=licence,
            homepage=homepage,
            vintages=(),
            retrieved_on=(),
        )
        for source, publisher, publisher_zh, title_en, title_zh, licence, homepage in found
    }


def with_publishers(lexicon: Lexicon, sources: Mapping[str, Origin]) -> Lexicon:
    """Return the lexicon with the names and labels of the publishers of a release."""
    words: dict[str, Text] = {}
    for one in sources.values():
        names = ((one.publisher, one.publisher_zh), (one.label, one.label_zh), _labels_with_source(one))
        words |= {en: Text(en=en, zh=zh) for en, zh in names}
    return lexicon.model_copy(update={"words": words | lexicon.words})


def _labels_with_source(one: Origin) -> tuple[str, str]:
    """Return the labels of a source beside another of the same publisher."""
    return f"{one.label} ({one.source})", f"{one.label_zh}（{one.source}）"


def _short_name(publisher: str) -> str:
    acronym = re.search(r"\(([^()]+)\)\s*$", publisher)
    return acronym.group(1) if acronym else re.split(r"[,:]", publisher)[0].strip()


def draw(
    db: duckdb.DuckDBPyConnection,
    figure: Figure,
    sources: Mapping[str, Origin],
    retrieved: Mapping[tuple[str, str], date],
    lexicon: Lexicon,
) -> Drawn:
    """Return a figure with its rows.

    `sources` are those of the release, `retrieved` gives the day on which a vintage (source, id) was fetched.
    """
    columns, rows = rows_of(db, figure.id, query_of_figure(figure))
    sources = _with_distinct_labels(columns, rows, sources)
    columns, rows = _with_labels(columns, rows, sources)
    periods = (
        sorted({row[columns.index("period_label")] for row in rows}) if "period_label" in columns else []
    )
    first, last = (periods[0], periods[-1]) if periods else ("–", "–")
    period = {"first": first, "last": last}
    title = Text(en=figure.title.en.format(**period), zh=figure.title.zh.format(**period))
    origins = _origins(columns, rows, sources, retrieved)
    is_drawn = figure.form != "table" and len(rows) >= LEAST_ROWS
    specs = (
        {one: spec_of(figure, one, columns, rows, sources, lexicon) for one in LANGUAGES} if is_drawn else {}
    )
    note = note_of(figure, columns, rows, lexicon)
    return Drawn(figure, title, note, query_of_figure(figure), columns, rows, origins, specs)


def note_of(figure: Figure, columns: tuple[str, ...], rows: Iterable[Row], lexicon: Lexicon) -> Text | None:
    """Return the note of a figure, and after it what the marked years mean, if any are marked."""
    notes = [figure.note] if figure.note else []
    if figure.rule and figure.rule_note:
        year = columns.index(figure.rule)
        label = columns.index("pair_label" if "pair_label" in columns else "source_label")
        marks: dict[str, set[str]] = {}
        for row in rows:
            if row[year] is not None:
                marks.setdefault(row[label], set()).add(str(row[year]))
        en, zh = (
            separator.join(
                f"{lexicon.word(name, language)} {comma.join(sorted(marks[name]))}" for name in sorted(marks)
            )
            for language, separator, comma in MARKS
        )
        if marks:
            notes.append(
                Text(en=figure.rule_note.en.format(marks=en), zh=figure.rule_note.zh.format(marks=zh))
            )
    if not notes:
        return None
    return Text(en=" ".join(one.en for one in notes), zh="".join(one.zh for one in notes))


def _with_distinct_labels(
    columns: tuple[str, ...], rows: tuple[Row, ...], sources: Mapping[str, Origin]
) -> Mapping[str, Origin]:
    """Return the sources, with the code in the labels of those in the rows that have one publisher."""
    at = [columns.index(column) for column in SOURCE_COLUMNS if column in columns]
    present = {row[i] for row in rows for i in at} & sources.keys()
    labels = [sources[source].label for source in present]
    shared = {source for source in present if labels.count(sources[source].label) > 1}
    return {
        source: one.model_copy(update=dict(zip(("label", "label_zh"), _labels_with_source(one), strict=True)))
        if source in shared
        else one
        for source, one in sources.items()
    }


def _with_labels(
    columns: tuple[str, ...], rows: tuple[Row, ...], sources: Mapping[str, Origin]
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Add the label of the source, or of the pair of sources, as the last column."""

    def label(code: str | None) -> str | None:
        return sources[code].label if code is not None and code in sources else code

    if "source_a" in columns:
        a, b = columns.index("source_a"), columns.index("source_b")
        return (*columns, "pair_label"), tuple(
            (*row, f"{label(row[a])}{PAIR}{label(row[b])}") for row in rows
        )
    if "source" in columns:
        at = columns.index("source")
        return (*columns, "source_label"), tuple((*row, label(row[at])) for row in rows)
    return columns, rows


def _origins(
    columns: tuple[str, ...],
    rows: Iterable[Row],
    sources: Mapping[str, Origin],
    retrieved: Mapping[tuple[str, str], date],
) -> tuple[Origin, ...]:
    """Return the sources that the rows name, each with its vintages and the days of their retrieval."""
    pairs = [(columns.index(a), columns.index(b)) for a, b in SOURCE_COLUMNS.items() if a in columns]
    found: dict[str, set[str]] = {}
    for row in rows:
        for source, vintage in ((row[a], row[b]) for a, b in pairs):
            if source in sources and vintage is not None:
                found.setdefault(source, set()).add(vintage)
    return tuple(
        sources[source].model_copy(
            update={
                "vintages": tuple(sorted(vintages)),
                "retrieved_on": tuple(
                    sorted({retrieved[source, one] for one in vintages if (source, one) in retrieved})
                ),
            }
        )
        for source, vintages in sorted(found.items())
    )
