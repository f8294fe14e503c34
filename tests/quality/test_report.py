"""The validation report: a page with every finding, failures first, and without external resources."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from toys import HAS_ROWS, database, query, suite

from warehouse.quality import Finding, read_suites, validate_release
from warehouse.quality.report import render_report, write_report

UNSAFE = "<b>none</b> & nothing"


class Page(HTMLParser):
    """The elements of a page in order, their attributes, and its texts; raises if a tag is not closed."""

    VOID = frozenset({"meta", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] not in ("style", "script"):
            self.texts.append(" ".join(data.split()))


def assert_loads_nothing(html: str) -> None:
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "source", "image", "use"}, tag
        assert not attributes.keys() & {"src", "srcset", "data", "action", "style", "poster", "background"}
        assert not [name for name in attributes if name.startswith("on")]
        if "href" in attributes:
            assert attributes["href"] is not None and attributes["href"].removeprefix("#") in ids
    policies = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies and str(policies[0]).startswith("default-src 'none';")
    for code in re.findall(r"<(?:style|script)[^>]*>(.*?)</", html, re.DOTALL):
        assert not re.search(r"url\(|@import|//|\bimport\b|fetch|XMLHttp|WebSocket|Image\(|innerHTML", code)


def test_report_shows_every_finding_without_external_resources(tmp_path: Path) -> None:
    suite(
        tmp_path / "suites",
        "marts.mart_toy",
        HAS_ROWS,
        query("said", f"select '{UNSAFE}' as finding from {{batch}}"),
    )
    suite(tmp_path / "suites", "marts.mart_gone", HAS_ROWS)
    build = database(tmp_path / "build.duckdb", "create table marts.mart_toy as select 1 as n")
    docs = tmp_path / "docs"
    for _ in range(2):  # a second validation replaces the page of the first
        verdict = validate_release(build, None, tmp_path / "suites", docs, tmp_path / "work")
    assert not verdict.success
    assert [path.name for path in docs.iterdir()] == ["index.html"]
    html = (docs / "index.html").read_text(encoding="utf-8")
    texts = Page(html).texts
    assert "Release validation: 1 of 3 expectations met." in texts
    assert UNSAFE in texts
    assert UNSAFE not in html
    assert "there is no table marts.mart_gone" in texts
    assert "select '<b>none</b> & nothing' as finding from {batch}" in texts
    assert_loads_nothing(html)


def finding(table: str, name: str, success: bool) -> Finding:
    return Finding(
        table=table, expectation=name, why="To test.", success=success, detail="" if success else "x"
    )


def test_failures_are_listed_first_and_counted_by_table() -> None:
    findings = [
        finding("core.fct_a", "a met", True),
        finding("marts.mart_b", "b met", True),
        finding("marts.mart_b", "b failed", False),
    ]
    html = render_report([], findings)
    sections = [attributes["id"] for tag, attributes in Page(html).elements if tag == "section"]
    assert sections == ["marts.mart_b", "core.fct_a"]
    texts = Page(html).texts
    assert texts.index("b failed") < texts.index("b met") < texts.index("a met")
    assert texts.count("1 met,") == 2 and texts.count("1 failed") == 2  # the overview and the section
    assert "Release validation: 2 of 3 expectations met." in texts
    assert "1 failed." in texts


@pytest.mark.parametrize(
    ("findings", "summary"),
    [
        ([finding("core.fct_a", "a", True)], "Release validation: 1 of 1 expectations met."),
        ([], "Nothing was validated."),
    ],
)
def test_summary_states_whether_the_release_passed(findings: list[Finding], summary: str) -> None:
    html = render_report([], findings)
    assert summary in Page(html).texts
    assert ('<h1 class="met">' in html) is bool(findings)
    assert_loads_nothing(html)


def test_every_definition_is_shown(tmp_path: Path) -> None:
    suite(tmp_path, "marts.mart_toy", HAS_ROWS, query("q", "select 1 as finding from {batch}"))
    findings = [finding("marts.mart_toy", "there are rows", True), finding("marts.mart_toy", "q", True)]
    html = render_report(read_suites(tmp_path), findings)
    assert "select 1 as finding from {batch}" in Page(html).texts
    assert "type: expect_table_row_count_to_be_between kwargs: min_value: 1" in Page(html).texts
    assert html.count("<details>") == 2


def test_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(OSError, match=r"index\.html"):
        write_report(tmp_path, [], [])
