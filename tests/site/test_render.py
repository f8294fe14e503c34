"""Sites of other releases: of one source, with hostile texts, with newer freshness, beside an older one."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, copy_home, settings_of
from python_calamine import CalamineWorkbook
from small_releases import vintage_entry

from warehouse.build import steps
from warehouse.errors import WarehouseError
from warehouse.releases.diff import DiffReport, TableDiff, VintagesDiff
from warehouse.releases.manifest import News, SetAside, VintageRef, read_manifest
from warehouse.site import SiteInput, build_site, update_freshness, workbook
from warehouse.site import figures as site_figures
from warehouse.site.files import bibtex, write_csv, write_script
from warehouse.site.model import LANGUAGES, Drawn, Figure, Origin, Text
from warehouse.site.render import bundle_name, figure_value, news_line, shown_columns, trust_of


def input_of(release: Path) -> SiteInput:
    manifest = read_manifest(release)
    return SiteInput(
        release=release.name,
        as_of=manifest.as_of,
        built_at=manifest.started_at,
        database=release / "warehouse.duckdb",
        dbt_manifest=release / "dbt_docs" / "manifest.json",
        vintages=manifest.vintages,
        set_aside=(),
        expectations=(9, 9),
        news=manifest.news,
        diff=None,
    )


@pytest.fixture(scope="module")
def bank_site(bank: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site of a release of the World Bank alone, in which most marts are empty."""
    out = tmp_path_factory.mktemp("site") / "site"
    assert build_site(input_of(bank.release), out) == 25
    return out


def test_a_release_of_one_source_has_a_whole_site(bank_site: Path) -> None:
    partners = (bank_site / "partners.html").read_text(encoding="utf-8")
    assert partners.count("This release has no data for this figure.") == 5
    assert "World Bank · 2022" in (bank_site / "index.html").read_text(encoding="utf-8")


def test_a_figure_of_few_rows_is_a_table_and_says_why(bank: Warehouse) -> None:
    figure = next(one for one in site_figures.read_figures() if one.id == "world_share")
    lexicon = site_figures.read_lexicon()
    with duckdb.connect(str(bank.database), read_only=True) as db:
        sources = site_figures.labels_of(db)
        for count, is_drawn in ((4, False), (5, True)):
            query = f"""
                select cast(2000 + i as varchar) as period_label, 'exports' as flow, i as world_share_pct,
                    'worldbank_wdi' as source, '2024-07-12' as vintage
                from range({count}) as numbers (i)
            """
            drawn = drawn_of(db, figure, query, sources, lexicon)
            assert bool(drawn.specs) is is_drawn
            assert drawn.title.en.endswith(f"2000 to {1999 + count}")


def drawn_of(
    db: duckdb.DuckDBPyConnection,
    figure: Figure,
    query: str,
    sources: dict[str, Origin],
    lexicon: site_figures.Lexicon,
) -> Drawn:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site_figures, "query_of_figure", lambda figure: query)
        return site_figures.draw(db, figure, sources, {}, lexicon)


def test_two_tables_of_one_publisher_are_told_apart(bank: Warehouse) -> None:
    figure = next(one for one in site_figures.read_figures() if one.id == "world_share")
    with duckdb.connect(str(bank.database), read_only=True) as db:
        sources = site_figures.labels_of(db)
        assert sources["unctad_services"].label == sources["unctad_goods"].label == "UNCTAD"
        query = """
            select '2020' as period_label, 'v' as vintage,
                unnest(['unctad_services', 'unctad_goods', 'safe_bop']) as source
        """
        drawn = drawn_of(db, figure, query, sources, site_figures.read_lexicon())
    labels = [row[drawn.columns.index("source_label")] for row in drawn.rows]
    assert labels == ["UNCTAD (unctad_services)", "UNCTAD (unctad_goods)", "SAFE"]


def test_a_query_that_the_release_cannot_answer_is_named(bank: Warehouse) -> None:
    figure = next(one for one in site_figures.read_figures() if one.id == "world_share")
    with (
        duckdb.connect(str(bank.database), read_only=True) as db,
        pytest.raises(WarehouseError, match="the query of world_share"),
    ):
        drawn_of(db, figure, "select * from bi.no_such_table", {}, site_figures.read_lexicon())


def test_texts_of_the_data_cannot_end_a_script_or_add_markup(bank: Warehouse, tmp_path: Path) -> None:
    write_script(tmp_path / "x.js", "x", {"rows": [["</script><b>", "\u2028"]]})
    text = (tmp_path / "x.js").read_text(encoding="utf-8")
    assert "</script" not in text and "\u2028" not in text
    assert json.loads(text.removeprefix('STW.add("x",').removesuffix(");\n")) == {
        "rows": [["</script><b>", "\u2028"]]
    }
    aside = SetAside(
        source="safe_bop", vintage="2024-03-29", reason="<img src=x onerror=alert(1)>", used_instead=None
    )
    build_site(replace(input_of(bank.release), set_aside=(aside,)), tmp_path / "site")
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "<img" not in index and "&lt;img src=x onerror=alert(1)&gt;" in index


def test_the_page_of_releases_shows_what_changed(bank: Warehouse, tmp_path: Path) -> None:
    table = TableDiff(
        table="marts.mart_trade_scale",
        key=("source",),
        rows_before=3990,
        rows_after=4404,
        rows_added=414,
        rows_gone=0,
        rows_changed=7,
        cells={"exports_million": 12345},
        columns_added=(),
        columns_gone=(),
        moves=(),
    )
    diff = DiffReport(
        before="20260101T000000000000Z",
        after=bank.release.name,
        vintages=(VintagesDiff("safe_bop", ("2024-03-29",), ()),),
        tables=(table,),
        tables_equal=("marts.mart_claim", "marts.mart_mirror"),
    )
    build_site(replace(input_of(bank.release), diff=diff), tmp_path / "site")
    text = (tmp_path / "site" / "releases.html").read_text(encoding="utf-8")
    assert "Compared with 20260101T000000000000Z" in text
    row = text.split("marts.mart_trade_scale")[1].split("</tr>")[0]
    assert [row.count(f">{value}<") for value in ("3,990", "4,404", "414", "7", "12,345")] == [1, 1, 1, 1, 1]
    assert "2 tables are equal." in text and "2024-03-29" in text


def test_equal_releases_give_equal_sites(bank: Warehouse, bank_site: Path, tmp_path: Path) -> None:
    build_site(input_of(bank.release), tmp_path / "again")
    files = sorted(path.relative_to(bank_site) for path in bank_site.rglob("*") if path.is_file())
    assert files == sorted(
        path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*") if path.is_file()
    )
    differing = [
        name for name in files if (bank_site / name).read_bytes() != (tmp_path / "again" / name).read_bytes()
    ]
    assert differing == []


def test_scripts_of_vega_are_taken_from_the_site_before(bank: Warehouse, tmp_path: Path) -> None:
    before = tmp_path / "before"
    (before / "assets").mkdir(parents=True)
    (before / bundle_name()).write_text("// made before", encoding="utf-8")
    build_site(replace(input_of(bank.release), before=before), tmp_path / "site")
    assert (tmp_path / "site" / bundle_name()).read_text(encoding="utf-8") == "// made before"
    page = (tmp_path / "site" / "scale.html").read_text(encoding="utf-8")
    assert f'src="{bundle_name()}"' in page


def test_newer_freshness_on_a_site_of_another_version_has_its_scripts(
    bank: Warehouse, bank_site: Path, tmp_path: Path
) -> None:
    before = Path(shutil.copytree(bank_site, tmp_path / "before"))
    (before / bundle_name()).rename(before / "assets" / "vega-of-another-version.js")
    update_freshness(input_of(bank.release), before, tmp_path / "new")
    assert (tmp_path / "new" / bundle_name()).stat().st_size > 500_000
    assert f'src="{bundle_name()}"' in (tmp_path / "new" / "trust.html").read_text(encoding="utf-8")


def test_newer_freshness_changes_only_the_pages_that_show_it(
    bank: Warehouse, bank_site: Path, tmp_path: Path
) -> None:
    database = Path(shutil.copyfile(bank.database, tmp_path / "warehouse.duckdb"))
    database.chmod(0o644)
    with duckdb.connect(str(database)) as db:
        for table in ("marts.mart_freshness", "bi.freshness"):
            db.execute(f"update {table} set status = 'failing'")
    update_freshness(replace(input_of(bank.release), database=database), bank_site, tmp_path / "new")
    assert "failing</td>" in (tmp_path / "new" / "trust.html").read_text(encoding="utf-8")
    assert "failing</td>" not in (bank_site / "trust.html").read_text(encoding="utf-8")
    changed = {
        str(path.relative_to(tmp_path / "new"))
        for path in (tmp_path / "new").rglob("*")
        if path.is_file() and not path.samefile(bank_site / path.relative_to(tmp_path / "new"))
    }
    pages = {f"{folder}{name}.html" for folder in ("", "zh/") for name in ("index", "trust")}
    data = {f"data/freshness.{ending}" for ending in ("js", "csv", "metadata.json")}
    assert changed == pages | data | {"services_trade.xlsx"}
    sheet = CalamineWorkbook.from_path(tmp_path / "new" / "services_trade.xlsx").get_sheet_by_name(
        "freshness"
    )
    heading, *rows = sheet.to_python()
    assert {row[heading.index("status")] for row in rows} == {"failing"}
    assert (tmp_path / "new" / "scale.html").read_bytes() == (bank_site / "scale.html").read_bytes()


def test_table_with_too_many_rows_for_a_sheet_is_named_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    with duckdb.connect() as db:
        db.execute("create schema bi")
        for name, rows in (("long", 3), ("short", 2)):
            db.execute(f"create table bi.{name} as select range as figure from range({rows})")
            db.execute(f"comment on table bi.{name} is 'One row per figure.'")
            db.execute(f"comment on column bi.{name}.figure is 'Number, **not** `text`;\nnull as *.\n'")
        workbook.write_workbook(db, tmp_path / "book.xlsx", "r", datetime(2024, 1, 1, tzinfo=UTC))
    book = CalamineWorkbook.from_path(tmp_path / "book.xlsx")
    assert book.sheet_names == ["columns", "short"]
    assert book.get_sheet_by_name("columns").to_python()[1:] == [
        ["long", "", "Not in this workbook: it has 3 rows. See parquet/long.parquet."],
        ["short", "", "One row per figure."],
        ["short", "figure", "Number, not text; null as *."],
    ]


def test_values_of_a_sheet_are_those_of_the_table_with_their_types(tmp_path: Path) -> None:
    """A text that begins like a formula or an address is a text: `=` is an operator in bi.claim."""
    with duckdb.connect() as db:
        db.execute(
            "create schema bi; create table bi.claim as select '=' as a, 'https://unctad.org' as b, 1.5 as c,"
            " true as d, date '2024-03-01' as e, cast(null as varchar) as f, '0012' as g, 7 as h"
        )
        workbook.write_workbook(db, tmp_path / "book.xlsx", "r", datetime(2024, 1, 1, tzinfo=UTC))
    found = CalamineWorkbook.from_path(tmp_path / "book.xlsx").get_sheet_by_name("claim").to_python()
    assert found == [
        ["a", "b", "c", "d", "e", "f", "g", "h"],
        ["=", "https://unctad.org", 1.5, True, date(2024, 3, 1), "", "0012", 7],
    ]


def test_sheets_of_unchanged_tables_are_those_of_the_workbook_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rows of `long` are others than before: its sheet would have them if it was written."""
    made = datetime(2024, 1, 1, tzinfo=UTC)
    before, anew, same, damaged = (
        tmp_path / f"{name}.xlsx" for name in ("before", "anew", "same", "damaged")
    )
    with duckdb.connect() as db:
        db.execute("create schema bi")
        for name in ("annual", "long", "monthly"):
            db.execute(
                f"create table bi.{name} as select '2024' as t, date '2024-03-01' as day, 1.5 as figure"
            )
        workbook.write_workbook(db, before, "r", made)
        db.execute("update bi.annual set figure = 2.5")
        workbook.write_workbook(db, anew, "s", made)
        workbook.write_workbook(db, same, "s", made, before, {"long", "monthly", "fct_goods_trade"})
        assert same.read_bytes() == anew.read_bytes()
        workbook.write_workbook(db, same, "s", made, anew, {"annual", "long", "monthly"})
        assert same.read_bytes() == anew.read_bytes(), "without a sheet that is written, the formats stay"
        db.execute("update bi.long set figure = 3.5")
        workbook.write_workbook(db, same, "s", made, before, {"long"})
        content = bytearray(before.read_bytes())
        content[content.index(b"xl/worksheets/sheet3.xml") + 40] ^= 1
        damaged.write_bytes(content)
        workbook.write_workbook(db, tmp_path / "new.xlsx", "s", made, damaged, {"long"})
        workbook.write_workbook(db, tmp_path / "none.xlsx", "s", made, tmp_path / "missing.xlsx", {"long"})
    figures = {
        path.stem: [
            CalamineWorkbook.from_path(path).get_sheet_by_name(name).to_python()[1][2]
            for name in ("annual", "long")
        ]
        for path in (same, tmp_path / "new.xlsx", tmp_path / "none.xlsx")
    }
    assert figures == {"same": [2.5, 1.5], "new": [2.5, 3.5], "none": [2.5, 3.5]}
    assert "every sheet is written again" in caplog.text


def test_publishing_makes_the_site_and_a_refresh_keeps_its_links(
    bank_rebuilt: tuple[Path, str], tmp_path: Path
) -> None:
    home, build = bank_rebuilt
    settings = settings_of(copy_home(home, tmp_path / "home"), site=True)
    release = settings.published / steps.publish(settings, build)
    assert f"release {release.name}" in (release / "site" / "scale.html").read_text(encoding="utf-8")
    assert "Compared with" in (release / "site" / "releases.html").read_text(encoding="utf-8")
    assert (release / "site" / "index.html").stat().st_mode & 0o777 == 0o444
    refreshed = steps.refresh(settings, today=date(2031, 1, 1))
    assert refreshed is not None
    trust = (settings.published / refreshed / "site" / "trust.html").read_text(encoding="utf-8")
    assert "late</td>" in trust and f"release {release.name}" in trust


def test_a_release_has_no_site_when_it_is_switched_off(bank: Warehouse) -> None:
    assert not (bank.release / "site").exists()


LEXICON = site_figures.read_lexicon()


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (None, "exports_usd_million", ""),
        (1234567.891, "exports_usd_million", "1,234,568"),
        (445.66, "exports_usd_million", "445.7"),
        (-0.1275, "tc", "-0.13"),
        (2015, "break_year", "2015"),
        (1280, "publication_lag_days", "1,280"),
        (True, "is_complete", "yes"),
        ("exports", "flow", "exports"),
        ("A / USD", "series", "A / USD"),
        (datetime(2024, 3, 29, tzinfo=UTC), "last_success_at", "2024-03-29"),
    ],
)
def test_a_value_is_shown_as_readers_expect(value: object, column: str, text: str) -> None:
    assert figure_value(value, column, LEXICON, "en") == text


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        ("stated, less than", "stated, less than", "原文载明，不足"),
        ("unverified", "unverified", "未核实"),
        ("nbs_region", "NBS region", "四大区域"),
        ("percentage point", "percentage point", "百分点"),
        ("stated, otherwise", "stated, otherwise", "stated, otherwise"),
    ],
)
def test_a_code_is_shown_in_words_each_part_of_its_own(value: str, en: str, zh: str) -> None:
    assert [figure_value(value, "status", LEXICON, one) for one in LANGUAGES] == [en, zh]


def test_a_table_shows_the_names_of_its_language() -> None:
    columns = ("reporter_name_en", "reporter_name_zh", "period_start", "source", "source_label")
    assert [name for _, name in shown_columns(columns, "zh")] == ["reporter_name_zh", "source_label"]


def test_a_table_has_the_label_where_the_source_is_and_not_what_is_below_its_rows() -> None:
    columns = ("verdict", "source", "vintage", "reason", "source_label")
    shown = [(0, "verdict"), (4, "source_label"), (2, "vintage")]
    assert shown_columns(columns, "en", "reason") == shown
    pairs = ("source_a", "source_b", "flow", "pair_label")
    assert shown_columns(pairs, "en") == [(3, "pair_label"), (2, "flow")]


def test_a_csv_file_has_numbers_and_dates_as_sql_has_them(tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", ["a", "b", "c"], [(1.5, date(2024, 1, 1), None), ("a,b", True, "中")])
    assert (tmp_path / "x.csv").read_bytes() == '\ufeffa,b,c\r\n1.5,2024-01-01,\r\n"a,b",True,中\r\n'.encode()


def test_a_bibtex_entry_escapes_what_bibtex_reads_as_commands(bank: Warehouse) -> None:
    figure = Figure(id="x_y", form="table", title=Text(en="R&D 50 %", zh="x"), unit=Text(en="u", zh="u"))
    drawn = Drawn(figure, figure.title, None, "", (), (), (), {})
    entry = bibtex(drawn, input_of(bank.release))
    assert entry.startswith(f"@misc{{stw-{bank.release.name}-x-y,") and "R\\&D 50 \\%" in entry


def drawn_rows(name: str, columns: tuple[str, ...], *rows: tuple[str | None, ...]) -> Drawn:
    """Return a figure of the site with some rows."""
    figure = next(one for one in site_figures.read_figures() if one.id == name)
    return Drawn(figure, figure.title, None, "", columns, rows, (), {})


def test_the_headline_of_freshness_counts_sources_and_not_their_series() -> None:
    freshness = drawn_rows(
        "freshness",
        ("source", "series", "status"),
        *(("a", series, "late") for series in ("A / USD", "Q / USD", "M / USD")),
        ("b", "A / USD", "ok"),
        ("c", None, "never"),
        ("d", None, "not configured"),
    )
    claims = drawn_rows("claims", ("claim_id", "best_verdict"), ("1", "near"), ("1", "near"))
    counted = trust_of({"freshness": freshness, "claims": claims})
    assert counted["freshness"] == {"late": 1, "ok": 1, "never": 1, "not configured": 1}
    assert counted["claims"] == {"near": 1}


@pytest.mark.parametrize(
    ("vintages", "revisions", "big", "en", "zh"),
    [
        ((), {}, 0, "No new vintages.", "没有新版次。"),
        (
            ("b/2",),
            {"changed": 0, "new": 0, "withdrawn": 0},
            0,
            "1 new vintage, the first of its source.",
            "新增 1 个版次，为其来源的首个版次。",
        ),
        (
            ("a/2", "b/2", "c/3"),
            {"changed": 143, "new": 22, "withdrawn": 24},
            7,
            "3 new vintages, 2 of them the first of their source; in the sources that had one: "
            "143 figures changed, 22 added, 24 withdrawn; 7 beyond their threshold.",
            "新增 3 个版次，其中 2 个为其来源的首个版次；在已有版次的来源中：修订 143 个数字，新增 22 个，"
            "撤回 24 个；其中 7 个超过阈值。",
        ),
        (
            ("a/2",),
            {"changed": 3, "new": 0, "withdrawn": 0},
            0,
            "1 new vintage: 3 figures changed, 0 added, 0 withdrawn; none beyond its threshold.",
            "新增 1 个版次，与上一版次相比：修订 3 个数字，新增 0 个，撤回 0 个；均未超过阈值。",
        ),
        (
            ("a/2", "b/2"),
            {},
            0,
            "2 new vintages, 1 of them the first of their source; in the sources that had one: "
            "no figure was revised.",
            "新增 2 个版次，其中 1 个为其来源的首个版次；在已有版次的来源中：没有数字被修订。",
        ),
    ],
    ids=["none", "the first alone", "some first", "none first", "no revisions"],
)
def test_news_are_those_of_sources_that_had_a_vintage(
    vintages: tuple[str, ...], revisions: dict[str, int], big: int, en: str, zh: str
) -> None:
    """The release has vintages of 2001 and 2002 of source a, of 2002 of b, of 2003 of c."""
    entries = tuple(vintage_entry(one[0], f"200{one[2]}-01-01") for one in ("a/2", "a/1", "b/2", "c/3"))
    refs = tuple(VintageRef(source=one[0], vintage=f"200{one[2]}-01-01") for one in vintages)
    news = News(against="r", vintages=refs, revisions=revisions, big_revisions=big)
    site = SiteInput(
        release="s",
        as_of=date(2024, 1, 1),
        built_at=datetime(2024, 1, 1, tzinfo=UTC),
        database=Path("none"),
        dbt_manifest=Path("none"),
        vintages=entries,
        set_aside=(),
        expectations=(1, 1),
        news=news,
        diff=None,
    )
    texts = site_figures.read_texts("texts.yml")
    assert news_line(site, lambda key, **values: texts[key].en.format(**values)) == en
    assert news_line(site, lambda key, **values: texts[key].zh.format(**values)) == zh


def test_the_script_of_a_page_has_numbers_of_thirteen_digits(tmp_path: Path) -> None:
    rows = [(16.994975364436897, Decimal("445891.924"), 1 / 3), (1234567890123.5, 2, None)]
    write_script(tmp_path / "x.js", "x", {"rows": rows})
    text = (tmp_path / "x.js").read_text(encoding="utf-8")
    assert "[[16.99497536444,445891.924,0.3333333333333],[1234567890124.0,2,null]]" in text
