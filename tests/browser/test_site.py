"""The site of the sample's release in Chromium: what a reader sees, in both languages, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from chromium import chromium
from conftest import Warehouse

from warehouse.site.figures import query_of_figure, read_figures, read_pages

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "zh")
WIDTHS = (1440, 390)
PAGES = [page.id for page in read_pages()]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as launched:
        yield launched


def axe_findings(tab: Any) -> list[dict[str, Any]]:
    """Return what axe-core finds on a page."""
    from axe_playwright_python.sync_playwright import Axe  # not in the group dev

    return list(Axe().run(tab, options={"preload": False}).response["violations"])


class Reader:
    """A tab with what it reported: messages of the console, and requests that leave the release."""

    def __init__(self, browser: Any, site: Path, width: int, **options: Any) -> None:
        self.site = site
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.tab = self.context.new_page()
        self.messages: list[str] = []
        self.outside: list[str] = []
        self.tab.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        self.tab.on("pageerror", lambda error: self.messages.append(str(error)))
        self.tab.on("request", lambda request: self._see(request.url))

    def _see(self, address: str) -> None:
        if not address.startswith((self.site.parent.as_uri(), "data:", "blob:")):
            self.outside.append(address)

    def open(self, page: str, language: str = "en", state: str = "") -> Any:
        folder = "" if language == "en" else "zh/"
        self.tab.goto("about:blank")  # from the same page, another state alone would load nothing
        self.tab.goto(f"{self.site.as_uri()}/{folder}{page}.html{state}")
        self.tab.wait_for_selector("body[data-ready=yes]", timeout=30_000)
        return self.tab


@pytest.fixture(scope="module")
def site(warehouse: Warehouse) -> Path:
    return warehouse.release / "site"


@pytest.fixture(scope="module")
def readers(browser: Any, site: Path) -> dict[int, Reader]:
    return {width: Reader(browser, site, width) for width in WIDTHS}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_whole_and_accessible(
    readers: dict[int, Reader], width: int, language: str, page: str
) -> None:
    reader = readers[width]
    reader.messages.clear()
    reader.outside.clear()
    tab = reader.open(page, language)
    assert reader.messages == []
    assert reader.outside == []
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    for box in tab.query_selector_all(".plot"):
        assert box.query_selector("svg path, svg rect"), "a chart is not drawn"
    found = axe_findings(tab)
    serious = [
        (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_axe_finds_what_is_wrong(readers: dict[int, Reader]) -> None:
    """Guard the check above: a broken page must fail it."""
    tab = readers[1440].open("regions")
    tab.evaluate("document.documentElement.removeAttribute('lang')")
    found = axe_findings(tab)
    assert "html-has-lang" in [one["id"] for one in found]


@pytest.mark.parametrize("page", [page.id for page in read_pages() if page.figures])
def test_every_number_of_every_chart_is_that_of_sql(
    readers: dict[int, Reader], built: Path, page: str
) -> None:
    tab = readers[1440].open(page)
    drawn = tab.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('[data-figure] .plot')]
            .map(box => [box.closest('figure').id, box.view.data('rows')]))"""
    )
    figures = {one.id: one for one in read_figures()}
    with duckdb.connect(str(built), read_only=True) as db:
        for name, marks in drawn.items():
            figure = figures[name]
            measure = figure.color if figure.form == "heatmap" else figure.y
            found = db.execute(query_of_figure(figure))
            at = [column[0] for column in found.description or ()].index(str(measure))
            expected = sorted(float(row[at]) for row in found.fetchall() if row[at] is not None)
            shown = sorted(mark[measure] for mark in marks if mark[measure] is not None)
            assert shown == pytest.approx(expected, rel=1e-12), name
    declared = next(one for one in read_pages() if one.id == page).figures
    assert set(drawn) == {name for name in declared if figures[name].form != "table"}


def test_the_table_behind_a_chart_has_all_its_points(readers: dict[int, Reader]) -> None:
    tab = readers[1440].open("scale")
    tab.click("#world_share details.data summary")
    tab.wait_for_selector("#world_share tbody tr")
    assert tab.locator("#world_share tbody tr").count() == 40
    cells = tab.locator("#world_share tbody tr").nth(19).locator("td").all_inner_texts()
    assert cells[:3] == ["2024", "exports", "5.04"]


def test_a_choice_of_economies_is_kept_in_the_address(readers: dict[int, Reader], built: Path) -> None:
    tab = readers[1440].open("compare", state="#e=CHN.IRL&m=balance_usd_million")
    rows = tab.evaluate("document.querySelector('#comparison .plot').view.data('rows')")
    with duckdb.connect(str(built), read_only=True) as db:
        expected = db.execute(
            """
            select reporter, period_label, balance_usd_million from bi.compare_sources
            where
                source = 'unctad_services' and reporter in ('CHN', 'IRL')
                and balance_usd_million is not null
            order by all
            """
        ).fetchall()
    shown = sorted((row["reporter"], row["period_label"], row["balance_usd_million"]) for row in rows)
    assert shown == [(code, year, pytest.approx(float(value))) for code, year, value in expected]
    tab.fill("#economy", "Singapore")
    tab.press("#economy", "Enter")
    state = "#e=CHN.IRL.SGP&m=balance_usd_million&s=unctad_services"
    tab.wait_for_url(lambda address: address.endswith(f"/site/compare.html{state}"))
    tab.click("[data-keep-hash]")
    tab.wait_for_url(lambda address: address.endswith(f"/site/zh/compare.html{state}"))
    tab.wait_for_selector("body[data-ready=yes]")
    assert "爱尔兰" in tab.inner_text("#chosen")


def test_economies_are_compared_by_one_source_that_the_reader_may_choose(readers: dict[int, Reader]) -> None:
    """The source with most economies is the first. India is in no table of SAFE."""
    tab = readers[1440].open("compare", state="#e=CHN.IND&m=exports_usd_million")

    def shown() -> set[tuple[str, str]]:
        rows = tab.evaluate("document.querySelector('#comparison .plot').view.data('rows')")
        return {(row["source"], row["reporter"]) for row in rows}

    assert shown() == {("unctad_services", "CHN"), ("unctad_services", "IND")}
    tab.select_option("#source", "safe_bop")
    tab.wait_for_url(lambda address: address.endswith("s=safe_bop"))
    tab.wait_for_function("document.querySelector('#comparison .origins').textContent.includes('safe_bop')")
    assert shown() == {("safe_bop", "CHN")}


def test_a_line_of_an_economy_ends_where_its_publisher_changes(readers: dict[int, Reader]) -> None:
    tab = readers[1440].open("economy", state="#e=CHN")
    rows = tab.evaluate("document.querySelector('#history .plot').view.data('rows')")
    assert {row["source"] for row in rows} == {"safe_bop", "unctad_services"}
    assert tab.locator("#history .plot .mark-line path").count() == 4  # of each source, exports and imports


def test_a_source_has_one_colour_in_the_chart_of_an_economy_and_in_figures(
    readers: dict[int, Reader],
) -> None:
    colors = []
    for page, box in (("economy", "#history"), ("index", "#china_trade")):
        tab = readers[1440].open(page)
        paths = tab.locator(f"{box} .plot .mark-line path").all()
        colors.append({path.get_attribute("stroke") for path in paths})
    assert colors[0] == colors[1] and len(colors[0]) == 2


def test_a_gap_between_sources_needs_two_of_them(readers: dict[int, Reader]) -> None:
    tab = readers[1440].open("economy", state="#e=IRL")
    row = tab.locator("#profile tr", has_text="Widest gap").inner_text()
    assert "fewer than two sources" in row
    tab = readers[1440].open("economy", language="zh", state="#e=IRL")
    assert "不足两个来源" in tab.locator("#profile tr", has_text="来源间最大差异").inner_text()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_many_claims_are_seen_at_once_and_their_reasons_without_moving_sideways(
    readers: dict[int, Reader], width: int, language: str
) -> None:
    tab = readers[width].open("trust", language, "#claims")
    box = tab.locator("#claims .scroll").bounding_box()
    rows = [row.bounding_box() for row in tab.locator("#claims tbody tr:not(.below)").all()[:20]]
    assert sum(row["y"] + row["height"] <= box["y"] + box["height"] for row in rows) >= 8
    source = tab.locator("#claims tbody tr").first.locator("td").nth(6).bounding_box()
    assert width < 1000 or source["x"] + source["width"] <= box["x"] + box["width"]
    summary = tab.locator("#claims .below summary").first
    assert summary.bounding_box()["height"] < 30
    summary.click()
    opened = summary.bounding_box()
    assert box["x"] <= opened["x"] and opened["x"] + opened["width"] <= box["x"] + box["width"]
    assert summary.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_at_most_eight_economies_are_compared(readers: dict[int, Reader]) -> None:
    tab = readers[1440].open("compare", state="#e=CHN.IRL.SGP.USA.GBR.DEU.FRA.JPN.IND")
    assert tab.locator("#chosen li").count() == 8
    tab.fill("#economy", "India (IND)")
    tab.press("#economy", "Enter")
    tab.wait_for_selector("#message:has-text('Remove one first')")
    assert tab.locator("#chosen li").count() == 8
    tab.click("#chosen li >> nth=0")
    tab.wait_for_function("document.querySelectorAll('#chosen li').length === 7")


def test_the_profile_of_an_economy_has_its_figures(readers: dict[int, Reader], built: Path) -> None:
    tab = readers[1440].open("economy", state="#e=IRL")
    with duckdb.connect(str(built), read_only=True) as db:
        found = db.execute(
            """
            select period_label, exports_usd_million, world_rank from bi.profile
            where reporter = 'IRL' order by period_label desc limit 1
            """
        ).fetchone()
    assert found
    assert tab.inner_text("#profile h2") == "Ireland"
    assert f"{found[1]:,.0f}" in tab.inner_text("#profile table")
    row = tab.locator("#profile tr", has_text="World rank").inner_text()
    assert re.split(r"\s+", row)[2:4] == [str(found[2]), found[0]]


@pytest.mark.parametrize(
    ("language", "figure", "year", "source"),
    [
        ("en", "Exports, US$ million", "2024", "UNCTAD"),
        ("en", "Services trade to GDP, %", "2022", "SAFE"),
        ("en", "Largest export item", "2023", "SAFE"),
        ("zh", "最大出口项目", "2023", "国家外汇管理局"),
        ("zh", "最大市场", "2019", "经合组织、世贸组织"),
    ],
)
def test_each_figure_of_a_profile_has_its_year_and_source(
    readers: dict[int, Reader], language: str, figure: str, year: str, source: str
) -> None:
    tab = readers[1440].open("economy", language, "#e=CHN")
    cells = tab.locator("#profile tr", has_text=figure).first.locator("td").all_inner_texts()
    assert cells[0] and cells[1] == year
    assert cells[2] == source
    assert source in tab.inner_text("#history .origins") or year == "2019"
    assert "no source" not in tab.inner_text("#profile table")
    assert tab.eval_on_selector("#profile .scroll", "box => box.scrollWidth <= box.clientWidth")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_chart_is_saved_as_a_picture(readers: dict[int, Reader], tmp_path: Path, kind: str) -> None:
    tab = readers[1440].open("index")
    with tab.expect_download() as waiting:
        tab.click(f"#balance [data-save={kind}]")
    waiting.value.save_as(tmp_path / "picture")
    data = (tmp_path / "picture").read_bytes()
    assert waiting.value.suggested_filename == f"balance.{kind}"
    assert data.startswith(b"\x89PNG" if kind == "png" else b"<svg") and len(data) > 5000


def test_the_choice_is_saved_as_csv(readers: dict[int, Reader], tmp_path: Path) -> None:
    tab = readers[1440].open("compare", "zh", "#e=CHN&m=exports_usd_million")
    with tab.expect_download() as waiting:
        tab.click("[data-save=csv]")
    waiting.value.save_as(tmp_path / "x.csv")
    lines = (tmp_path / "x.csv").read_bytes().decode("utf-8").split("\r\n")
    assert lines[0].startswith("\ufeffreporter_name_zh,") and lines[-2].startswith("中国,CHN,2024,")


def test_a_figure_can_be_cited_and_framed(readers: dict[int, Reader], warehouse: Warehouse) -> None:
    tab = readers[1440].open("index")
    tab.click("#balance .cite summary")
    tab.wait_for_selector("#balance .cite pre")
    texts = tab.locator("#balance .cite pre").all_inner_texts()
    assert len(texts) == 4
    assert warehouse.release.name in texts[0] and texts[0].endswith("index.html#balance")
    assert "2024-03-29" in texts[1]
    assert texts[2].startswith("@misc{stw-") and texts[3].startswith("<iframe")
    address = re.search(r'src="([^"]+)"', texts[3])
    assert address
    tab.goto(address.group(1).replace("l=en", "l=zh"))
    tab.wait_for_selector("body[data-ready=yes]")
    assert tab.inner_text("h1").startswith("中国服务贸易差额") and tab.query_selector(".plot svg")
    tab = readers[390].open("embed", state="#c=exports_by_publisher&l=zh")
    caption = tab.inner_text("figcaption")
    assert "虚线标出发布机构自身序列一年内降幅" in caption and "未载明许可；公开发布的官方统计数据" in caption


def test_the_pages_follow_the_scheme_of_the_reader(browser: Any, site: Path) -> None:
    reader = Reader(browser, site, 1440, color_scheme="dark")
    tab = reader.open("scale")
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in re.findall(r"\d+", ground)[:3]) < 120
    labels = tab.evaluate("getComputedStyle(document.querySelector('.plot svg .mark-text text')).fill")
    assert sum(int(part) for part in re.findall(r"\d+", labels)[:3]) > 380
    found = axe_findings(tab)
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_the_menu_is_reached_by_keyboard(readers: dict[int, Reader]) -> None:
    tab = readers[1440].open("index")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    for _ in range(4):
        tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Scale"
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/scale.html")


def test_without_a_script_the_data_is_offered(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{site.as_uri()}/index.html")
    assert "need JavaScript" in tab.inner_text("main") and "445,892" in tab.inner_text("main")
