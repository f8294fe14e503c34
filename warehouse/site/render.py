"""Render the pages of a release's site from their templates, and write the files beside them."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from warehouse.files import link_tree
from warehouse.releases.store import reading
from warehouse.site import files
from warehouse.site.catalogue import CatalogueTable, comments_of, tables_of
from warehouse.site.figures import (
    draw,
    labels_of,
    query_of,
    read_figures,
    read_lexicon,
    read_pages,
    read_texts,
    rows_of,
    with_publishers,
)
from warehouse.site.model import LANGUAGES, Drawn, Language, Lexicon, Origin, Page, SiteInput, Text
from warehouse.site.specs import FEW, NEUTRAL, SOURCE_COLORS, colors_of
from warehouse.site.workbook import write_workbook

HERE = Path(__file__).resolve().parent
WORKBOOK = "services_trade.xlsx"
# What the scripts of the pages use of Vega.
SCRIPTS = "window.vegaEmbed = vegaEmbed;"
# The figure that a refresh of a release changes.
FRESHNESS = "freshness"
# Columns that tables do not show: another language's names, and dates that a label has already.
HIDDEN = {"period_start", "source", "source_a", "source_b"}
# The column of a source, or of a pair, and the column with its label, which tables show in its place.
LABELS = {"source": "source_label", "source_a": "pair_label"}
# Data of pages that draw what the reader chooses.
CHOSEN = ("comparison", "economies", "economy_names", "profiles")


@dataclass(frozen=True)
class Contents:
    """All that the pages of a release show."""

    site: SiteInput
    pages: tuple[Page, ...]
    figures: Mapping[str, Drawn]
    headline: tuple[Mapping[str, Any], ...]
    tables: tuple[CatalogueTable, ...]
    sources: tuple[Origin, ...]
    texts: Mapping[str, Text]
    lexicon: Lexicon


def build_site(site: SiteInput, out: Path) -> int:
    """Write the site to a new directory; return the number of its pages.

    Raises WarehouseError when a query of the site cannot be run on the release.
    """
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "data").mkdir(parents=True)
    with reading(site.database) as db:
        contents = _contents(db, site)
        _write_data(db, contents, partial / "data")
        _write_workbook(db, site, partial)
    shutil.copytree(HERE / "static", partial / "assets")
    _write_bundle(site.before, partial)
    lexicon = contents.lexicon
    every = {"texts": contents.texts, "labels": lexicon.labels, "words": lexicon.words}
    payload: dict[str, Any] = {
        name: {one: {key: text.of(one) for key, text in texts.items()} for one in LANGUAGES}
        for name, texts in every.items()
    }
    payload |= {
        "colors": SOURCE_COLORS[:FEW],
        "source_colors": colors_of([one.source for one in contents.sources]),
        "neutral": NEUTRAL,
        "hidden": sorted(HIDDEN),
        "labels_of": LABELS,
    }
    files.write_script(partial / "assets" / "texts.js", "texts", payload)
    (partial / "zh").mkdir()
    count = _write_pages(contents, contents.pages, partial)
    frame = _environment().get_template("embed.html.j2")
    names = {one: contents.texts["site"].of(one) for one in LANGUAGES}
    embedded = frame.render(names=names, release=site.release, bundle=bundle_name())
    (partial / "embed.html").write_text(embedded, encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    return count + 1


def _write_workbook(db: duckdb.DuckDBPyConnection, site: SiteInput, out: Path) -> None:
    """Write the workbook of a site, with the sheets of unchanged tables of the site before."""
    before = site.before / WORKBOOK if site.before else None
    write_workbook(db, out / WORKBOOK, site.release, site.built_at, before, site.unchanged)


def _write_bundle(before: Path | None, out: Path) -> None:
    """Write Vega's scripts as one file of a site, a copy of the one of the site `before` if that has it.

    The name changes with the version and the scripts. It takes 2 s to make the file.
    """
    name = bundle_name()
    if before and (before / name).is_file():
        shutil.copyfile(before / name, out / name)
    else:
        (out / name).write_text(vl_convert.javascript_bundle(SCRIPTS), encoding="utf-8")


def bundle_name() -> str:
    """Return the path of the file of Vega's scripts in a site."""
    digest = hashlib.sha256(f"{version('vl-convert-python')} {SCRIPTS}".encode()).hexdigest()
    return f"assets/vega-{digest[:12]}.js"


def update_freshness(site: SiteInput, before: Path, out: Path) -> None:
    """Write a site to a new directory: `before`, by hard links, with the freshness of another database."""
    link_tree(before, out)
    with reading(site.database) as db:
        contents = _contents(db, site)
        (out / WORKBOOK).unlink()
        _write_workbook(db, site, out)
    shown = [page for page in contents.pages if page.template == "overview" or FRESHNESS in page.figures]
    names = [f"{folder}{page.id}.html" for page in shown for folder in ("", "zh/")]
    names += [f"data/{FRESHNESS}.{ending}" for ending in ("js", "csv", "metadata.json")]
    for name in names:
        (out / name).unlink()
    drawn = contents.figures[FRESHNESS]
    files.write_figure(out / "data", drawn, site, comments_of(contents.tables, drawn.query))
    _write_pages(contents, shown, out)
    if not (out / bundle_name()).exists():  # the site before was made by another version
        _write_bundle(None, out)


def _contents(db: duckdb.DuckDBPyConnection, site: SiteInput) -> Contents:
    """Read what the pages show from the release."""
    sources = labels_of(db)
    lexicon = with_publishers(read_lexicon(), sources)
    retrieved = {(one.source, one.vintage): one.retrieved_at.date() for one in site.vintages}
    figures = {one.id: draw(db, one, sources, retrieved, lexicon) for one in read_figures()}
    columns, rows = rows_of(db, "headline", query_of("headline"))
    headline = tuple(
        dict(zip(columns, row, strict=True)) | {"source_label": sources[row[columns.index("source")]].label}
        for row in rows
    )
    used = tuple(
        sources[source].model_copy(
            update={
                "vintages": tuple(sorted(vintages)),
                "retrieved_on": tuple(sorted({retrieved[source, one] for one in vintages})),
            }
        )
        for source in sources
        if (vintages := [one.vintage for one in site.vintages if one.source == source])
    )
    return Contents(
        site=site,
        pages=read_pages(),
        figures=figures,
        headline=headline,
        tables=tables_of(db, site.dbt_manifest),
        sources=used,
        texts=read_texts("texts.yml"),
        lexicon=lexicon,
    )


def _write_data(db: duckdb.DuckDBPyConnection, contents: Contents, folder: Path) -> None:
    """Write the data of all figures, and of the pages that draw what the reader chooses."""
    for drawn in contents.figures.values():
        files.write_figure(folder, drawn, contents.site, comments_of(contents.tables, drawn.query))
    labels = {one.source: one.label for one in contents.sources}
    for name in CHOSEN:
        columns, rows = rows_of(db, name, query_of(name))
        payload: dict[str, Any] = {"columns": columns, "rows": rows, "sources": labels}
        files.write_script(folder / f"{name}.js", name, payload)


def _environment() -> Environment:
    """Return the templates: every value is escaped, and an unknown name is an error."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure_value"] = figure_value
    return environment


def _write_pages(contents: Contents, pages: Sequence[Page], out: Path) -> int:
    """Write pages in each language; return their number."""
    environment = _environment()
    for language in LANGUAGES:
        base, folder = ("", out) if language == "en" else ("../", out / "zh")
        for page in pages:
            template = environment.get_template(f"{page.template}.html.j2")
            text = template.render(_context(contents, page, language, base))
            (folder / f"{page.id}.html").write_text(text, encoding="utf-8")
    return len(pages) * len(LANGUAGES)


def _context(contents: Contents, page: Page, language: Language, base: str) -> dict[str, Any]:
    """Return what a template is given."""

    def text(key: str, **values: object) -> str:
        return contents.texts[key].of(language).format(**values)

    other: Language = "zh" if language == "en" else "en"
    return {
        "t": text,
        "language": language,
        "other": other,
        "base": base,
        "other_page": f"zh/{page.id}.html" if language == "en" else f"../{page.id}.html",
        "page": page,
        "pages": contents.pages,
        "site": contents.site,
        "figures": [contents.figures[name] for name in page.figures],
        "headline": contents.headline,
        "trust": trust_of(contents.figures),
        "news_line": news_line(contents.site, text),
        "tables": contents.tables,
        "sources": contents.sources,
        "workbook": WORKBOOK,
        "bundle": bundle_name(),
        "lexicon": contents.lexicon,
        "shown": lambda drawn: shown_columns(drawn.columns, language, drawn.figure.below),
    }


def news_line(site: SiteInput, text: Callable[..., str]) -> str:
    """Return what a release brought, in one line: its new vintages, and the figures that they revised.

    The first vintage of a source revises nothing. `text` returns the text of a key with values put in.
    """
    news = site.news
    if news is None or not news.vintages:
        return text("news_none")
    count = len(news.vintages)
    newest_first = sorted(site.vintages, key=lambda one: one.vintage, reverse=True)
    oldest = {one.source: one.vintage for one in newest_first}
    first = sum(one.vintage == oldest.get(one.source) for one in news.vintages)
    line = text("news_vintage" if count == 1 else "news_vintages", vintages=count)
    if first == count:
        return line + text("news_one_first" if count == 1 else "news_all_first")
    line += text("news_some_first", first=first) if first else text("news_none_first")
    if not any(news.revisions.values()):
        return line + text("news_unrevised")
    counts = {kind: news.revisions.get(kind, 0) for kind in ("changed", "new", "withdrawn")}
    big = text("news_big", big=news.big_revisions) if news.big_revisions else text("news_not_big")
    return line + text("news_revisions", **counts) + big


def trust_of(figures: Mapping[str, Drawn]) -> dict[str, Counter[str]]:
    """Count the quoted figures by their best verdict, and the sources by their freshness.

    The status of a source repeats in each of its series.
    """
    claims, freshness = figures["claims"], figures["freshness"]
    claim_id, verdict = claims.columns.index("claim_id"), claims.columns.index("best_verdict")
    best = {row[claim_id]: row[verdict] for row in claims.rows}
    source, status = freshness.columns.index("source"), freshness.columns.index("status")
    of_source = {row[source]: row[status] for row in freshness.rows}
    return {"claims": Counter(best.values()), "freshness": Counter(of_source.values())}


def shown_columns(
    columns: tuple[str, ...], language: Language, below: str | None = None
) -> list[tuple[int, str]]:
    """Return the columns of a table in a language with their positions, without the one shown `below` rows.

    The label of a source, or of a pair, is where the source is.
    """
    other = "_en" if language == "zh" else "_zh"
    places = {columns.index(column): label for column, label in LABELS.items() if label in columns}
    ordered = [places.get(i, name) for i, name in enumerate(columns) if name not in LABELS.values()]
    names = [name for name in ordered if name not in HIDDEN | {below} and not name.endswith(other)]
    return [(columns.index(name), name) for name in names]


def figure_value(value: object, column: str, lexicon: Lexicon, language: Language) -> str:
    """Return a value of a table as readers see it: numbers with their thousands, words for codes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return lexicon.word(str(value).lower(), language)
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, int) or column.endswith(("year", "rank")):
        return f"{value:,}" if isinstance(value, int) and not column.endswith("year") else str(value)
    if isinstance(value, str):
        return lexicon.word(value, language)
    number = float(value)  # type: ignore[arg-type]
    digits = 0 if abs(number) >= 1000 else 1 if abs(number) >= 100 else 2
    return f"{number:,.{digits}f}"
