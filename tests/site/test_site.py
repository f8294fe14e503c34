"""The site of the sample's release: its files, links and figures, against SQL and hand-worked numbers."""

from __future__ import annotations

import csv
import html
import io
import itertools
import json
import math
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
from altair.vegalite.v6.schema.core import Root
from conftest import Warehouse

from warehouse.config import SAMPLE_DIR
from warehouse.site.figures import (
    labels_of,
    query_of_figure,
    read_figures,
    read_lexicon,
    read_pages,
    read_texts,
    with_publishers,
)
from warehouse.site.specs import COMPARED, FEW, SOURCE_COLORS, colors_of
from warehouse.sources import SOURCES

MEBIBYTE = 2**20


class Page(HTMLParser):
    """The links, resources, ids and headings of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.ids: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "html":
            self.language = str(found["lang"])
        if tag == "a":
            self.links.append(str(found["href"]))
        for name in ("src", "data", "poster"):
            if found.get(name):
                self.resources.append(str(found[name]))
        if tag == "link" and found.get("rel") != "alternate":
            self.resources.append(str(found["href"]))


@pytest.fixture(scope="session")
def site(warehouse: Warehouse) -> Path:
    return warehouse.release / "site"


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def payload(site: Path, name: str) -> dict[str, Any]:
    """Return what a data script hands to the page."""
    text = (site / "data" / f"{name}.js").read_text(encoding="utf-8")
    match = re.fullmatch(r'STW\.add\("(\w+)",(.*)\);\n', text, re.DOTALL)
    assert match and match.group(1) == name
    return dict(json.loads(match.group(2)))


def csv_rows(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf"), "Excel reads Chinese only after a byte order mark"
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_each_page_exists_in_both_languages(site: Path, pages: dict[Path, Page]) -> None:
    names = {page.id for page in read_pages()}
    assert {path.stem for path in site.glob("*.html")} == names | {"embed"}
    assert {path.stem for path in (site / "zh").glob("*.html")} == names
    for path, page in pages.items():
        assert page.language == ("zh-Hans" if path.parent.name == "zh" else "en"), path
        assert len(page.ids) == len(set(page.ids)), path


def test_every_link_and_anchor_resolves(site: Path, pages: dict[Path, Page]) -> None:
    checked = 0
    for path, page in pages.items():
        for link in page.links:
            if link.startswith(("https://", "http://")):
                continue
            target, _, anchor = link.partition("#")
            file = (path.parent / target).resolve() if target else path
            assert file.is_file(), f"{path.relative_to(site)}: {link}"
            if anchor and file in pages:
                assert anchor in pages[file].ids, f"{path.relative_to(site)}: {link}"
            checked += 1
    assert checked > 500


def test_no_page_loads_anything_from_outside(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for resource in page.resources:
            if not resource.startswith("data:,"):
                assert ":" not in resource and (path.parent / resource).is_file(), f"{path}: {resource}"


def test_the_site_is_smaller_than_six_mebibytes(site: Path) -> None:
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert 2 * MEBIBYTE < size < 6 * MEBIBYTE


def test_every_figure_has_the_rows_of_its_query(site: Path, built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as db:
        for figure in read_figures():
            query = query_of_figure(figure)
            expected = db.execute(query).fetchall()
            found = payload(site, figure.id)
            width = len(db.execute(query).description or ())
            assert expected, figure.id
            assert len(found["rows"]) == len(expected), figure.id
            for row, wanted in zip(found["rows"], expected, strict=True):
                for value, right in zip(row[:width], wanted, strict=True):
                    same = (
                        value == right
                        if isinstance(right, str | bool | None)
                        else value == pytest.approx(float(right), rel=1e-12)
                        if isinstance(right, int | float) or hasattr(right, "as_tuple")
                        else value == str(right)
                    )
                    assert same, (figure.id, value, right)
            heading, *rows = csv_rows(site / "data" / f"{figure.id}.csv")
            assert heading == found["columns"] and len(rows) == len(expected), figure.id


# From the raw files: UNCTAD's archive has for China, 2023, exports of 381120.576 million dollars, the fifth,
# and imports of 551995.107, the second; UNCTAD_DE.csv has digitally deliverable exports of 216265, the sixth.
# SAFE, which is preferred for China, states 2023 too.
RANKED_2023 = {
    "largest_exporters": (5, 381120.576),
    "largest_importers": (2, 551995.107),
    "digital_exporters": (6, 216265.0),
}
TABLES_OF_RANKINGS = {"bi": ("annual", "digital"), "marts": ("mart_trade_scale", "mart_digital_trade")}


@pytest.mark.parametrize("name", RANKED_2023)
def test_a_ranking_of_economies_is_of_one_source_and_has_china(name: str, built: Path) -> None:
    figure = next(figure for figure in read_figures() if figure.id == name)
    with duckdb.connect() as db:
        db.execute(f"attach '{built}' as release (read_only)")
        for schema, tables in TABLES_OF_RANKINGS.items():
            db.execute(f"create schema {schema}")
            for table in tables:
                rows_to_2023 = f"from release.{schema}.{table} where period_label <= '2023'"
                db.execute(f"create view {schema}.{table} as select * {rows_to_2023}")
        found = db.execute(query_of_figure(figure))
        columns = [column[0] for column in found.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    assert len({row["source"] for row in rows}) == 1 and {row["period_label"] for row in rows} == {"2023"}
    place, amount = RANKED_2023[name]
    assert len(rows) == 20 and rows[place - 1]["reporter"] == "CHN"
    assert rows[place - 1][columns[4]] == amount


# From the raw files: UNCTAD's archive US.TradeServCatTotal has for China, 2024, exports of 445891.924 and
# imports of 610564.772 million dollars; SAFE's workbook has for services, 2023, a credit of 3320.5478998862
# and a debit of -5398.8811186913 hundred million dollars.
def test_the_overview_states_the_figures_of_the_publishers(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    for figure in ("445,892", "610,565", "332,055", "539,888", "-207,833"):
        assert f"<strong>{figure}</strong>" in text, figure
    rows = payload(site, "china_trade")
    at = rows["columns"].index
    newest = [row for row in rows["rows"] if row[at("period_label")] == "2024"]
    assert [(row[at("flow")], row[at("value_usd_million")], row[at("source")]) for row in newest] == [
        ("exports", 445891.924, "unctad_services"),
        ("imports", 610564.772, "unctad_services"),
    ]
    assert all(row[at("is_source_break")] for row in newest)


# The period and the source of a figure in the data of the page, and where bi.profile has the source.
PROFILE_PARTS = {
    "exports_usd_million": ("exports", "source"),
    "imports_growth_pct": ("imports_growth", "source"),
    "balance_usd_million": ("balance", "source"),
    "world_rank": ("world_shares", "world_source"),
    "services_share_of_trade_pct": ("all_trade", "source"),
    "openness_pct": ("openness", "source"),
    "top_exports_service_name_zh": ("export_item", "items_source"),
    "top_imports_service_share_pct": ("import_item", "items_source"),
    "hhi_services": ("items_index", "items_source"),
    "top_exports_partner_name_en": ("market", "partner_source"),
    "top_imports_partner_share_pct": ("supplier", "partner_source"),
    "hhi_partners": ("partners_index", "partner_source"),
    "digital_exports_share_pct": ("digital_exports", "digital_source"),
    "digital_imports_share_pct": ("digital_imports", "digital_source"),
    "sources_gap_pct": ("sources", "source"),
}


@pytest.mark.parametrize("figure", PROFILE_PARTS)
def test_a_profile_has_each_figure_in_the_newest_year_that_has_it(
    site: Path, built: Path, figure: str
) -> None:
    part, source = PROFILE_PARTS[figure]
    found = payload(site, "profiles")
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    shown = {
        row["reporter"]: (row[f"{part}_period"], row[f"{part}_source"], row[figure])
        for row in rows
        if row[figure] is not None
    }
    with duckdb.connect(str(built), read_only=True) as db:
        stated = db.execute(
            f"select reporter, period_label, {source}, {figure} from bi.profile "
            f"where {figure} is not null order by period_label"
        ).fetchall()
        (economies,) = db.execute("select count(distinct reporter) from bi.profile").fetchone() or (0,)
    assert shown and shown == {
        code: (year, source, value if isinstance(value, str) else pytest.approx(value, rel=1e-12))
        for code, year, source, value in stated
    }
    assert len(rows) == economies > 200


# From the raw files: SAFE's workbook has for services, 2022, a credit of 3724.9531157951 and a debit of
# -4599.354224473 hundred million dollars; the World Bank's GDP of China of 2022 is 17963171479205.3 dollars.
def test_the_profile_of_china_has_what_is_known_of_earlier_years(site: Path) -> None:
    found = payload(site, "profiles")
    (row,) = [row for row in found["rows"] if row[0] == "CHN"]
    china = dict(zip(found["columns"], row, strict=True))
    assert china["exports_usd_million"] == 445891.924 and china["exports_period"] == "2024"
    trade, gdp = 372495.31157951 + 459935.4224473, 17963171.4792053
    assert china["openness_pct"] == pytest.approx(100 * trade / gdp, rel=1e-9)
    years = {"openness": "2022", "export_item": "2023", "market": "2019", "digital_exports": "2023"}
    assert {part: china[f"{part}_period"] for part in years} == years
    assert china["export_item_source"] == "safe_bop" and china["market_source"] == "batis"
    reasons = [name for name in found["columns"] if name.endswith("_reason")]
    assert len(reasons) == 5 and [name for name in reasons if china[name] is not None] == []


def test_the_profile_of_an_economy_without_a_figure_in_any_year_has_the_reason(site: Path) -> None:
    found = payload(site, "profiles")
    (row,) = [row for row in found["rows"] if row[0] == "IRL"]
    ireland = dict(zip(found["columns"], row, strict=True))
    assert ireland["hhi_services"] is None and ireland["items_reason"] == "no source states most items"
    assert ireland["digital_exports_share_pct"] is not None and ireland["digital_reason"] is None


def test_growth_and_share_of_the_overview_are_in_the_order_of_the_language(site: Path) -> None:
    for path, texts in (
        ("index.html", ("+17.0 % on the year", "5.04 % of the world, rank 5")),
        ("zh/index.html", ("同比 +17.0%", "占世界 5.04%，第 5 位")),
    ):
        text = (site / path).read_text(encoding="utf-8")
        assert all(f"<span>{one}</span>" in text for one in texts), path


def test_a_figure_names_source_vintage_day_and_licence(site: Path, warehouse: Warehouse) -> None:
    metadata = json.loads((site / "data" / "mix_exports.metadata.json").read_text(encoding="utf-8"))
    assert metadata["release"] == warehouse.release.name
    assert metadata["rows"] == len(csv_rows(site / "data" / "mix_exports.csv")) - 1
    (origin,) = metadata["sources"]
    assert origin["source"] == "safe_bop" and origin["label"] == "SAFE"
    assert origin["vintages"] == ["2024-03-29"] and origin["retrieved_on"] == ["2024-03-29"]
    assert origin["licence"].startswith("No licence stated")
    for name in ("index.html", "zh/index.html"):
        assert "2024-03-29" in (site / name).read_text(encoding="utf-8")
    assert "million" in metadata["columns"]["value_usd_million"]
    assert warehouse.release.name in metadata["citation"]["zh"]
    assert re.match(r"@misc\{stw-\w+-mix-exports,\n", metadata["bibtex"])


def test_the_metadata_gives_the_query_that_makes_the_rows(site: Path, built: Path) -> None:
    metadata = json.loads((site / "data" / "balance.metadata.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(built), read_only=True) as db:
        assert len(db.execute(metadata["query"]).fetchall()) == metadata["rows"]


def test_every_chart_is_valid_vega_lite(site: Path) -> None:
    specs = [spec for one in read_figures() for spec in payload(site, one.id)["specs"].values()]
    assert len(specs) >= 40
    for spec in specs:
        Root.validate(spec)


def test_a_source_has_one_colour_in_every_figure(site: Path) -> None:
    colors: dict[str, set[str]] = {}
    for figure in read_figures():
        spec = payload(site, figure.id)["specs"].get("en") or {}
        for layer in spec.get("layer", [spec]):
            color = layer.get("encoding", {}).get("color", {})
            if color.get("field") == "source_label":
                for label, value in zip(color["scale"]["domain"], color["scale"]["range"], strict=True):
                    colors.setdefault(label, set()).add(value)
    assert len(colors) >= 5
    assert all(len(values) == 1 for values in colors.values()), colors
    assert len({value for values in colors.values() for value in values}) == len(colors)


# Linear RGB as readers without red and without green receptors see it: Machado, Oliveira and Fernandes 2009.
SEEN = {
    "all": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "without red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "without green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
TO_XYZ = ((0.4339, 0.3762, 0.1899), (0.2126, 0.7152, 0.0722), (0.0177, 0.1095, 0.8728))  # of the white point


def lab(color: str, eye: str) -> tuple[float, float, float]:
    """Return the CIE L*a*b* values of a colour as an eye sees it."""

    def times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
        return [sum(a * b for a, b in zip(line, vector, strict=True)) for line in matrix]

    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    seen = [min(1.0, max(0.0, one)) for one in times(SEEN[eye], light)]
    x, y, z = (one ** (1 / 3) if one > 0.008856 else 7.787 * one + 16 / 116 for one in times(TO_XYZ, seen))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def layers_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [spec, *(layer for one in spec.get("layer", []) for layer in layers_of(one))]


def test_lines_of_one_chart_have_distant_colours_for_all_readers(site: Path) -> None:
    """A distance of 2 is just seen side by side; thin lines and small points need far more."""
    charts = [("first colours", SOURCE_COLORS[:FEW])]
    for figure in read_figures():
        for layer in layers_of(payload(site, figure.id)["specs"].get("en") or {}):
            scale = layer.get("encoding", {}).get("color", {}).get("scale", {})
            if figure.form == "lines" and scale:
                charts.append((figure.id, scale["range"][: len(scale["domain"])]))
    assert {"exports_by_publisher", "digital_by_publisher", "publisher_gap"} <= {name for name, _ in charts}
    for name, colors in charts:
        for one, other in itertools.combinations(colors, 2):
            apart = {eye: math.dist(lab(one, eye), lab(other, eye)) for eye in SEEN}
            assert apart["all"] > 40 and min(apart.values()) > 20, (name, one, other, apart)


def test_the_first_colours_are_of_sources_that_exist() -> None:
    assert set(COMPARED) <= SOURCES.keys() and len(set(SOURCE_COLORS)) == len(SOURCE_COLORS)
    assert colors_of(["other", "safe_bop"]) == {"other": SOURCE_COLORS[len(COMPARED)], "safe_bop": "#bb1100"}


def test_every_column_and_word_is_shown_in_both_languages(site: Path) -> None:
    lexicon = read_lexicon()
    for figure in read_figures():
        for column in payload(site, figure.id)["columns"]:
            if column != "period_start":
                name = column.removesuffix("_en").removesuffix("_zh")
                assert name in lexicon.labels, f"{figure.id}: {column}"
    for texts in (lexicon.labels, lexicon.words):
        assert all(text.en and text.zh for text in texts.values())
    chinese = {
        key: text.zh for key, text in read_texts("texts.yml").items() if key not in ("csv", "png", "svg")
    }
    assert all(
        re.search(r"[\u4e00-\u9fff]", text)
        for key, text in chinese.items()
        if key not in ("bibtex", "other_language")
    )


def test_every_reason_of_a_missing_figure_is_in_both_languages(built: Path) -> None:
    words = read_lexicon().words
    with duckdb.connect(str(built), read_only=True) as db:
        columns = db.execute(
            "select table_schema || '.' || table_name, column_name from information_schema.columns "
            "where column_name like '%reason' and (table_schema = 'bi' or table_name = 'mart_mirror') "
            "and table_name not in ('claim_verdict', 'freshness')"  # in whole sentences, on no page
        ).fetchall()
        assert ("bi.profile", "partner_reason") in columns
        for table, column in columns:
            if column != "usd_reason":  # on no page
                reasons = db.execute(f"select distinct {column} from {table} where {column} <> ''").fetchall()
                assert reasons and {reason for (reason,) in reasons} <= set(words), f"{table}.{column}"


def test_every_code_of_provinces_and_unit_of_claims_is_in_chinese(built: Path) -> None:
    lexicon = read_lexicon()
    with duckdb.connect(str(built), read_only=True) as db:
        found = db.execute(
            "select status from marts.mart_trade_regional union select basis from marts.mart_trade_regional "
            "union select region_type from core.dim_region union select unit from marts.mart_claim"
        ).fetchall()
    codes = {code for (code,) in found if code}
    assert {"nbs_region", "stated, rounded", "USD billion"} <= codes
    assert not [code for code in codes if re.search("[A-Za-z]", lexicon.word(code, "zh"))]


def test_every_measure_of_claims_and_licence_is_in_chinese(site: Path, built: Path) -> None:
    lexicon = read_lexicon()
    with duckdb.connect(str(built), read_only=True) as db:
        measures = db.execute("select distinct measure, basis_named from marts.mart_claim").fetchall()
        licences = db.execute("select distinct licence from core.dim_source").fetchall()
    # Names of organisations and of general licences are the same in both languages.
    same = {"CC BY 4.0", "CC0 1.0", "MOFCOM", "NBS", "UNCTAD"}
    texts = {text for row in (*measures, *licences) for text in row if text} - same
    assert {"services trade deficit", "WTO terms of use (attribution)"} <= texts and len(texts) > 30
    chinese = {text: lexicon.word(text, "zh") for text in texts}
    assert not [text for text, word in chinese.items() if not re.search("[\u4e00-\u9fff]", word)]
    licence = "No licence stated; official statistics published for public use"
    for name in ("structure", "catalogue"):
        assert licence in (site / f"{name}.html").read_text(encoding="utf-8")
        page = (site / "zh" / f"{name}.html").read_text(encoding="utf-8")
        assert licence not in page and chinese[licence] in page, name
    assert "<td>服务贸易逆差</td>" in (site / "zh" / "trust.html").read_text(encoding="utf-8")


def test_modelled_figures_of_the_overview_are_marked(site: Path) -> None:
    texts = {"index.html": "Balanced values: modelled", "zh/index.html": "平衡值：经模型调整"}
    for name, modelled in texts.items():
        tiles = (site / name).read_text(encoding="utf-8").split('<article class="tile">')[1:]
        found = {re.findall(r'<p class="origin">(\w+),', tile)[0]: modelled in tile for tile in tiles}
        assert {source for source, is_marked in found.items() if is_marked} == {"batis"}
        assert {"safe_bop", "unctad_services", "worldbank_wdi"} <= found.keys()


# From the World Bank's file of 2024: China's exports of 102166.25 million dollars in 2002, 57678.56 in 2003.
def test_a_break_in_the_series_of_a_publisher_is_marked_and_named(site: Path) -> None:
    found = payload(site, "exports_by_publisher")
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    assert {(row["source"], row["series_break_year"]) for row in rows if row["series_break_year"]} == {
        ("worldbank_wdi", 2003),
    }
    assert '"break_start": "2003-01-01"' in json.dumps(found["specs"]["en"])
    marked = {"en": "World Bank 2003", "zh": "世界银行 2003"}
    for language, name in (("en", "scale.html"), ("zh", "zh/scale.html")):
        assert marked[language] in found["note"][language]
        assert marked[language] in (site / name).read_text(encoding="utf-8")
    # its imports rise by a fifth in that year
    imports = payload(site, "imports_by_publisher")
    assert imports["note"] is None and "break_start" not in json.dumps(imports["specs"])
    assert "SAFE − UNCTAD" in payload(site, "publisher_gap")["note"]["en"]
    # the Atlas has the exports of the World Bank by group: 20601 in 1996, 57550 in 1997
    groups = payload(site, "rca_groups")
    assert {row[groups["columns"].index("series_break_year")] for row in groups["rows"]} == {None, 1997, 2003}


def test_revisions_are_of_china_and_say_so(site: Path) -> None:
    found = payload(site, "revision_sizes")
    assert {row[found["columns"].index("reporter_name_en")] for row in found["rows"]} == {"China"}
    assert "China" in found["title"]["en"] and "中国" in found["title"]["zh"]
    lexicon = read_lexicon()
    named = {row[found["columns"].index("series_label")] for row in found["rows"]}
    assert "GDP (current US$)" in named and named <= lexicon.words.keys()
    domain = found["specs"]["zh"]["encoding"]["color"]["scale"]["domain"]
    assert lexicon.words["GDP (current US$)"].zh in domain


def test_english_reasons_of_claims_are_marked_on_the_chinese_page(site: Path) -> None:
    reasons = {
        language: re.findall(r"<summary([^>]*)>Does not round", (site / path).read_text(encoding="utf-8"))
        for language, path in (("zh", "zh/trust.html"), ("en", "trust.html"))
    }
    assert set(reasons["zh"]) == {' lang="en"'} and set(reasons["en"]) == {""}


def test_each_claim_has_its_reason_below_its_row(site: Path, built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as db:
        reasons = db.execute("select reason from marts.mart_claim where reason is not null").fetchall()
    for name in ("trust.html", "zh/trust.html"):
        figure = (site / name).read_text(encoding="utf-8").split('id="claims"')[1].split("</figure>")[0]
        rows = re.findall(r"<tr class=\"below\">.*?<summary[^>]*>(.*?)</summary>", figure)
        assert sorted(map(html.unescape, rows)) == sorted(reason for (reason,) in reasons)
        headings = re.findall(r"<th[^>]*>([^<]+)</th>", figure)
        first = {
            "trust.html": ["Claim", "Period", "Quoted", "Found", "Unit", "Verdict", "Publisher"],
            "zh/trust.html": ["引用", "时期", "引用值", "查得值", "单位", "结论", "发布机构"],
        }
        assert headings[:7] == first[name] and not {"Reason", "说明"} & set(headings)


def test_the_catalogue_has_each_table_with_each_column(site: Path, built: Path) -> None:
    text = (site / "catalogue.html").read_text(encoding="utf-8")
    with duckdb.connect(str(built), read_only=True) as db:
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in ('bi', 'marts', 'core')"
        ).fetchall()
        assert len(tables) > 40
        for schema, table in tables:
            part = text.split(f'id="{schema}.{table}"')[1].split("</details>")[0]
            (count,) = db.execute(f'select count(*) from "{schema}"."{table}"').fetchone() or (None,)
            assert f"<span>{count:,} rows</span>" in part, table
            columns = db.execute(
                "select column_name from duckdb_columns() where schema_name = ? and table_name = ?",
                [schema, table],
            ).fetchall()
            assert [column for (column,) in columns if f"<code>{column}</code>" not in part] == [], table
    assert "mart_trade_scale" in text.split('id="bi.annual"')[1].split("</details>")[0]


def test_headings_of_the_catalogue_begin_with_a_capital_and_promise_no_sum(site: Path) -> None:
    text = (site / "catalogue.html").read_text(encoding="utf-8")
    headings = re.findall(r"<(?:h2|th)[^>]*>([^<]+)</", text)
    assert {"Licence", "Publisher", "Meaning and unit"} <= set(headings)
    assert [one for one in headings if not one[0].isupper()] == []
    assert "Schema bi: for charts; the description of each table says what may be added" in headings


@pytest.mark.parametrize(
    ("figure", "column", "table"),
    [
        ("publisher_gap", "difference_pct", "marts.mart_reconciliation"),
        ("claims", "difference_pct", "marts.mart_claim"),
        ("revisions", "threshold_pct", "bi.revision"),
        ("freshness", "series", "marts.mart_freshness"),
    ],
)
def test_the_meaning_of_a_column_is_that_of_the_table_that_is_read(
    site: Path, built: Path, figure: str, column: str, table: str
) -> None:
    with duckdb.connect(str(built), read_only=True) as db:
        (comment,) = db.execute(
            "select comment from duckdb_columns() "
            "where concat_ws('.', schema_name, table_name) = ? and column_name = ?",
            [table, column],
        ).fetchone() or (None,)
    metadata = json.loads((site / "data" / f"{figure}.metadata.json").read_text(encoding="utf-8"))
    assert metadata["columns"][column] == comment


def test_the_workbook_has_the_tables_of_bi(site: Path, built: Path) -> None:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(site / "services_trade.xlsx"))
    with duckdb.connect(str(built), read_only=True) as db:
        names = [
            name
            for (name,) in db.execute(
                "select table_name from duckdb_tables() where schema_name = 'bi'"
            ).fetchall()
        ]
        assert sorted(book.sheet_names) == sorted({"columns", *names} - {"profile"})
        for name in set(names) - {"profile"}:
            rows = book.get_sheet_by_name(name).to_python()
            (count,) = db.execute(f"select count(*) from bi.{name}").fetchone() or (0,)
            assert len(rows) == count + 1, name
        annual = book.get_sheet_by_name("annual").to_python()
    row = next(row for row in annual if row[0] == "CHN" and row[5] == "2024")
    assert row[annual[0].index("exports_usd_million")] == 445891.924
    meanings = book.get_sheet_by_name("columns").to_python()
    assert all(row[2] for row in meanings)
    assert [row for row in meanings if row[0] == "profile"] == [
        ["profile", "", "Not in this workbook: it repeats the other tables. See parquet/profile.parquet."]
    ]
    for name, word in (("catalogue.html", "without profile"), ("zh/catalogue.html", "不含 profile")):
        assert re.search(rf"services_trade.xlsx[^<]*{word}", (site / name).read_text(encoding="utf-8"))


def test_the_regions_page_shows_what_is_not_published_and_no_group_without_all_members(site: Path) -> None:
    text = (site / "regions.html").read_text(encoding="utf-8")
    rows = text.split("<tr>")
    assert any("<td></td>" in row and "Beijing</td>" in row for row in rows)
    assert "Beijing-Tianjin-Hebei" not in text and "members are missing" not in text.split("<figcaption>")[0]
    assert "An empty cell is not published, or cannot be computed" in text
    assert "Groups of which members are missing are left out" in text


def test_the_unit_of_the_gap_between_publishers_is_that_of_its_figures(site: Path) -> None:
    # Raw exports of 2020: SAFE 2288.8336467679 hundred million dollars, UNCTAD 280628.773 million.
    safe, unctad = 228883.36467679, 280628.773
    found = payload(site, "publisher_gap")
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    (gap,) = [row for row in rows if (row["pair_label"], row["period_label"]) == ("SAFE − UNCTAD", "2020")]
    assert gap["difference_pct"] == pytest.approx(100 * (safe - unctad) / ((safe + unctad) / 2), rel=1e-9)
    assert found["unit"] == {
        "en": "the first less the second, in percent of the mean of the two",
        "zh": "前者减后者，占两者均值的百分比",
    }


def test_changes_of_vintages_are_those_between_both_files_of_the_world_bank(site: Path) -> None:
    indicator = "api.worldbank.org/v2/country/all/indicator/BX.GSR.NFSV.CD.json"
    sent: dict[str, dict[str, float]] = {"2022-09-16": {}, "2024-07-12": {}}
    for night, vintage in (("night-1", "2022-09-16"), ("night-2", "2024-07-12")):
        for one in json.loads((SAMPLE_DIR / night / indicator).read_text(encoding="utf-8"))[1]:
            if one["countryiso3code"] == "CHN" and one["value"] is not None and one["date"] >= "2010":
                sent[vintage][one["date"]] = one["value"] / 1e6
    first, later = sent.values()
    expected = {year: (first[year], later[year], 100 * (later[year] / first[year] - 1)) for year in first}
    text = (site / "data" / "vintages.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(one["first_vintage"], one["vintage"]) for one in rows} == {("2022-09-16", "2024-07-12")}
    found = {
        one["period_label"]: tuple(
            float(one[name]) for name in ("first_value_usd_million", "exports_usd_million", "change_pct")
        )
        for one in rows
    }
    assert found == {year: pytest.approx(values, rel=1e-9, abs=1e-9) for year, values in expected.items()}
    assert len(found) == 12 and round(max(abs(change) for _, _, change in found.values()), 2) == 0.28
    spec = json.dumps(payload(site, "vintages")["specs"]["en"])
    assert '"field": "change_pct"' in spec and "2022-09-16" not in spec


def test_the_note_of_an_economy_is_not_that_of_the_comparison(site: Path) -> None:
    """The lines of an economy are of the preferred source of each year: for China SAFE, then UNCTAD."""
    one_source = {"en": "All lines are of one source", "zh": "所有线条均来自同一来源"}
    changes = {"en": "A line ends where the source changes", "zh": "来源变更处线条断开"}
    for language, folder in (("en", site), ("zh", site / "zh")):
        pages = {
            name: (folder / f"{name}.html").read_text(encoding="utf-8") for name in ("compare", "economy")
        }
        assert one_source[language] in pages["compare"] and one_source[language] not in pages["economy"]
        assert changes[language] in pages["economy"]


def test_publishers_have_their_chinese_names_on_chinese_pages(site: Path, built: Path) -> None:
    """In cards, legends, source lines, tables, notes and citations; the files keep the English labels."""
    with duckdb.connect(str(built), read_only=True) as db:
        names = db.execute("select distinct publisher, publisher_zh from core.dim_source").fetchall()
    bank, safe, batis = "世界银行", "国家外汇管理局", "经合组织、世贸组织"
    assert {("World Bank", bank), ("OECD and WTO", batis)} <= set(names)
    cards, scale, trust = (
        (site / "zh" / f"{page}.html").read_text(encoding="utf-8") for page in ("index", "scale", "trust")
    )
    assert all(f"<h3>{name} ·" in cards for name in (bank, safe, batis))
    assert all(f">{name}</a>，" in scale for name in (bank, safe, batis))
    assert not re.search(r">(World Bank|OECD and WTO|SAFE|UNCTAD|Various)( Data360)?<", cards + scale + trust)
    assert f"<td>{bank}</td>" in trust and "国家外汇管理局 − 联合国贸发会议 2015" in trust
    catalogue = (site / "zh" / "catalogue.html").read_text(encoding="utf-8")
    assert all(f"<td>{name}</td>" in catalogue for name in (bank, batis, "国家外汇管理局"))
    found = payload(site, "exports_by_publisher")
    assert {bank, safe, batis} <= set(json.dumps(found["specs"]["zh"], ensure_ascii=False).split('"'))
    assert "World Bank" in json.dumps(found["specs"]["en"]) and bank in found["citation"]["zh"]
    assert "World Bank" in {row[-1] for row in csv_rows(site / "data" / "exports_by_publisher.csv")}
    text = (site / "assets" / "texts.js").read_text(encoding="utf-8")
    assert f'"World Bank":"{bank}"' in text


def test_two_sources_and_pairs_have_the_chinese_names_of_their_publishers(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as db:
        lexicon = with_publishers(read_lexicon(), labels_of(db))
    assert lexicon.word("SAFE − UNCTAD (unctad_services)", "zh") == (
        "国家外汇管理局 − 联合国贸发会议（unctad_services）"
    )
    assert lexicon.word("Various", "zh") == "多家机构"
    assert lexicon.word("World Bank Data360", "zh") == "世界银行Data360"
    assert lexicon.word("SAFE − UNCTAD", "en") == "SAFE − UNCTAD"
