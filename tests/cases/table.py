"""The cases: what publishers and people send, and what the warehouse is to do with it.

Each case is a situation that public bug reports, other projects' clients or files show, in its smallest form:
an edit of the recorded answer of the source (`warehouse/sample/`), or of the fixtures of a source that was
never recorded (NBS and the WTO's services). Figures are those of the recorded files, or of the edit itself.
To add a case, see CONTRIBUTING.md.
"""
# ruff: noqa: E501 (a table)

from __future__ import annotations

from cases import edits
from cases.case import Case, Edit, Figure
from cases.edits import EXPORTS, IMPORTS, PAGE, all_of, changed, replaced

SUPPRESSED = r"(?<=,)\.\.(?=,|\r?$)"
UNCTAD = "US$ at current prices in millions"
US_DOLLARS = "US dollars at current prices in millions"
CHINA_2021 = "indicator_id = 'BX.GSR.NFSV.CD' and country_id = 'CN' and date = '2021'"
GDP_2021 = "indicator = 'NY.GDP.MKTP.CD' and reporter = 'CHN' and period_start = '2021-01-01'"
FIRST_GROUP = "entry = 'credit' and item_code = '1.A.b' and period = '2011' and sheet = '年度BOP（人民币）'"
MADE_UP = (
    "area = 'China' and period like '2023%' and service = 'S' and flow = 'exports' and measure = 'trade'"
)
STAGED_2023 = "reporter = 'CHN' and partner = 'WLD' and service = 'S' and flow = 'exports' and period_start = '2023-01-01' and _file = 'zz_new.csv'"

# --- ONS --------------------------------------------------------------------------------------------------

EU_2020 = "direction = 'Exports' and service_type_code = '1' and country_code = '4A' and period = '2020'"
ECB_2016 = "direction = 'Exports' and service_type_code = '0' and country_code = '4F' and period = '2016'"
ONS_CHINA = "direction = 'Exports' and service_type_code = '0' and country_code = 'CN' and period = '2021'"
ONS_STAGED = "flow = 'exports' and frequency = 'A' and _row = {row} and period_start = '{year}-01-01'"

ONS = (
    Case(
        "01-ons-marker-c-and-nil",
        "ons_services",
        "Suppressed cells have C where they had two points.",
        changed("services_by_partner", edits.matched(SUPPRESSED, "C")),
        "accepted",
        figures=(
            Figure("raw", EU_2020, "value", "C"),
            Figure("raw", ONS_CHINA, "value", "8168"),
            Figure("staged", ONS_STAGED.format(row=85, year=2020), "value", None),
            Figure("staged", ONS_STAGED.format(row=85, year=2020), "status", "C"),
            Figure(
                "core.fct_bilateral_services_trade",
                "source = 'ons_services' and status = '..'",
                "count(*)",
                "0",
            ),
        ),
    ),
    Case(
        "01b-ons-marker-nil",
        "ons_services",
        "A cell of nil or less than half the unit has - where it had 0.",
        changed("services_by_partner", edits.in_table(edits.with_nil_marks)),
        "accepted",
        figures=(
            Figure("raw", ECB_2016, "value", "-"),
            Figure("staged", ONS_STAGED.format(row=3, year=2016), "value", None),
            Figure("staged", ONS_STAGED.format(row=3, year=2016), "status", "-"),
        ),
    ),
    Case(
        "02-ons-title-rows",
        "ons_services",
        "The workbook's sheet was saved as CSV: two title rows are above the header.",
        changed("services_by_partner", edits.in_table(edits.with_title_rows)),
        "drift",
        ("above the header",),
        (Figure("raw", ONS_CHINA, "value", "8168"),),
    ),
    Case(
        "02b-ons-page-links-xlsx",
        "ons_services",
        "The dataset's page links a workbook and no CSV.",
        edits.as_ons_workbook,
        "drift",
        ("above the header",),
        (Figure("raw", ONS_CHINA, "value", "8168"),),
    ),
    Case(
        "18-ons-drops-2016",
        "ons_services",
        "The table is a year shorter; the operator confirms that the publisher has cut it.",
        changed("services_by_partner", edits.in_table(edits.without_columns("2016"))),
        "rejected",
        ("no period is lost", "2016", "it begins with 2017"),
        (
            Figure("raw", ONS_CHINA, "value", "8168"),
            Figure(
                "core.fct_bilateral_services_trade",
                "source = 'ons_services'",
                "min(period_start)",
                "2017-01-01",
            ),
        ),
        why="the ONS no longer publishes 2016",
    ),
    Case(
        "18b-ons-old-table-served-again",
        "ons_services",
        "The old table is served again from a mirror, with a newer date, after the shorter one was accepted.",
        edits.recorded,
        "accepted",
        figures=(
            Figure("raw", ECB_2016, "value", "0"),
            Figure(
                "core.fct_bilateral_services_trade",
                "source = 'ons_services'",
                "min(period_start)",
                "2016-01-01",
            ),
        ),
        after="18-ons-drops-2016",
    ),
)

# --- the Atlas --------------------------------------------------------------------------------------------

ATLAS_CHINA = "country_id = '156' and product_id = '4003' and year = '2019'"
ATLAS = (
    Case(
        "03-atlas-csv-listed",
        "atlas_services",
        "The dataset lists a CSV with further columns and words for the products.",
        edits.as_atlas_csv(f"{edits.ATLAS}.csv", ""),
        "unchanged",
        figures=(Figure("raw", ATLAS_CHINA, "cast(export_value as double)", "153646989312.0"),),
    ),
    Case(
        "03b-atlas-tab-of-csv",
        "atlas_services",
        "Dataverse has read in a CSV: it lists a .tab whose original is a CSV.",
        edits.as_atlas_csv(f"{edits.ATLAS}.tab", "?format=original"),
        "unchanged",
        figures=(Figure("raw", ATLAS_CHINA, "cast(export_value as double)", "153646989312.0"),),
    ),
    Case(
        "03c-atlas-new-variable",
        "atlas_services",
        "The Stata file has the variable country_iso3_code beside country_id.",
        changed(".dta", edits.with_country_code),
        "unchanged",
        figures=(Figure("raw", ATLAS_CHINA, "cast(export_value as double)", "153646989312.0"),),
    ),
)

# --- NBS --------------------------------------------------------------------------------------------------

NATION = "region = '000000' and period = '{year}YY' and indicator_name = '国内生产总值'"
NBS_FIGURES = (
    Figure("raw", NATION.format(year=2021), "value", "1149237"),
    Figure("raw", NATION.format(year=2019), "value", "986515.2"),
    Figure("raw", "true", "unit", "亿元"),
    Figure(
        "staged",
        "indicator = 'NBS.GDP' and region is null and period_start = '2021-01-01'",
        "cast(value as double)",
        "114923700.0",
    ),
)
NBS = (
    Case(
        "04-nbs-showname-with-unit",
        "nbs_accounts",
        "The names of indicators end with their unit in brackets.",
        edits.nbs(),
        "accepted",
        figures=NBS_FIGURES,
    ),
    Case(
        "04b-nbs-plain-names",
        "nbs_accounts",
        "The names of indicators are plain.",
        edits.nbs(edits.nbs_plain_names),
        "accepted",
        figures=NBS_FIGURES,
    ),
    Case(
        "05-nbs-table-cut-by-period",
        "nbs_accounts",
        "One table is cut into two, by period; both names are the same without their brackets.",
        edits.nbs(edits.nbs_mirror.with_parts),
        "accepted",
        figures=(
            *NBS_FIGURES,
            Figure("raw", NATION.format(year=2019), "_file", "new.3.1952-2019.values.000000.json"),
            Figure("raw", NATION.format(year=2021), "_file", "new.3.2020-.values.000000.json"),
        ),
    ),
    Case(
        "09b-nbs-exponent-numbers",
        "nbs_accounts",
        "A value has an exponent, as Java writes doubles: 1.149237E6.",
        edits.nbs(edits.nbs_exponents),
        "accepted",
        figures=(
            Figure("raw", NATION.format(year=2021), "value", "1.149237E6"),
            Figure(
                "staged",
                "indicator = 'NBS.GDP' and region is null and period_start = '2021-01-01'",
                "cast(value as decimal(20, 1))",
                "114923700.0",
            ),
        ),
    ),
)

# --- the World Bank ---------------------------------------------------------------------------------------

ARCHIVED = b'[{"message":[{"id":"175","key":"Invalid format","value":"The indicator was not found. It may have been deleted or archived."}]}]'
PORTAL = (
    b"<!DOCTYPE html><html><head><title>World Bank Open Data</title></head><body>We are moving</body></html>"
)
ECONOMIES = (
    ("NA", "Namibia", "NAM", "NAM", 1.1e9),
    ("XU", "North America", "NAC", "NAC", 1.1e12),
    ("XK", "Kosovo", "XKX", "XKX", 3.1e9),
    ("CW", "Curacao", "CUW", "CUW", 1.3e9),
    ("TR", "Turkiye", "TUR", "TUR", 9.1e10),
    ("JG", "Channel Islands", "CHI", "CHI", 1.5e10),
    ("ZQ", "Middle East, North Africa, Afghanistan & Pakistan", "MEA", "MEA", 3.1e11),
)
NEW_GROUP = edits.of_economy("ZZ9", "A new group", "ZZ9", 2022, 1.5)
WORLD_BANK = (
    Case(
        "06-wb-indicator-archived",
        "worldbank_wdi",
        "One of 22 indicators is archived (message 175).",
        changed("BX.GSR.CMCP.ZS", lambda _: ARCHIVED),
        "part",
        ("BX.GSR.CMCP.ZS: ", "It may have been deleted or archived"),
        (
            Figure("raw", CHINA_2021, "value", "339393210195.59"),
            Figure("raw", "indicator_id = 'BX.GSR.CMCP.ZS'", "count(value)", "41"),
        ),
    ),
    Case(
        "07-wb-hard-codes",
        "worldbank_wdi",
        "NA is Namibia and North America is XU; Kosovo, Curacao, Turkiye, the Channel Islands; MEA has a new name.",
        changed(
            "BX.GSR.NFSV.CD",
            edits.with_observations(
                *(edits.of_economy(code, name, iso3, 2022, value) for code, name, iso3, _, value in ECONOMIES)
            ),
        ),
        "accepted",
        figures=(
            *(
                Figure(
                    "staged", f"indicator = 'BX.GSR.NFSV.CD' and value = {value / 1e6}", "reporter", economy
                )
                for *_, economy, value in ECONOMIES
            ),
            Figure(
                "marts.mart_trade_scale",
                "source = 'worldbank_wdi' and reporter in ('NAC', 'MEA', 'CHI')",
                "world_rank",
                None,
            ),
            Figure(
                "marts.mart_trade_scale",
                "source = 'worldbank_wdi' and reporter = 'NAM'",
                "exports_million",
                "1100.0",
            ),
        ),
    ),
    Case(
        "08-wb-new-aggregate",
        "worldbank_wdi",
        "A new aggregate is in every indicator, as in July 2025.",
        changed("page-1.json", edits.with_observations(NEW_GROUP)),
        "held",
        ("country id 'ZZ9' (economy_code.csv)", "held"),
        (
            Figure("raw", "country_id = 'ZZ9'", "count(*)", "22"),
            Figure("raw", CHINA_2021, "value", "339393210195.59"),
            Figure(
                "core.held_row", "source = 'worldbank_wdi' and code = 'ZZ9'", "sum(observation_count)", "22"
            ),
            Figure(
                "core.held_row",
                "source = 'worldbank_wdi' and code = 'ZZ9'",
                "remedy",
                'Add country id "ZZ9" to dbt_project/seeds/economy_code.csv with its source_url; the next build brings its rows in',
            ),
        ),
    ),
    Case(
        "09-wb-exponent-numbers",
        "worldbank_wdi",
        "Values have an exponent: 1.78E+13.",
        changed("NY.GDP.MKTP.CD", edits.with_exponents),
        "accepted",
        figures=(
            Figure(
                "raw", "indicator_id = 'NY.GDP.MKTP.CD' and date = '2021'", "value", "1.78204595088522E+13"
            ),
            Figure("staged", GDP_2021, "cast(value as decimal(20, 4))", "17820459.5089"),
        ),
    ),
    Case(
        "10-wb-html-portal-200",
        "worldbank_wdi",
        "The API leads to another portal: HTML with status 200.",
        changed("page-1.json", lambda _: PORTAL),
        "failed",
        ("the answer is not json: it is HTML",),
        (Figure("raw", CHINA_2021, "value", "339393210195.59"),),
    ),
    Case(
        "31-wb-per-page-capped",
        "worldbank_wdi",
        "The API caps the size of pages at 50, which it states as a text.",
        edits.in_pages_of_fifty,
        "unchanged",
        figures=(Figure("raw", CHINA_2021, "value", "339393210195.59"),),
    ),
    Case(
        "32-wb-header-gets-a-field",
        "worldbank_wdi",
        "The envelope has one more field.",
        changed("page-1.json", replaced(('[{"page": 1', '[{"sourcelicense": "CC BY 4.0", "page": 1'))),
        "drift",
        ("further key 'sourcelicense' in the header",),
        (Figure("raw", CHINA_2021, "value", "339393210195.59"),),
    ),
    Case(
        "30-mirror-older-date",
        "worldbank_wdi",
        "A corrected file is served from a mirror with the date of the publisher's file, older than the vintage in force.",
        changed("BX.GSR.NFSV.CD", replaced(("339393210195.59", "340000000000.5"))),
        "older",
        ("the mirror's answer of 2024-07-11 is older than vintage 2024-07-12, in force",),
        (Figure("raw", CHINA_2021, "value", "339393210195.59"),),
        retrieved="2024-07-11",
    ),
)

# --- SAFE -------------------------------------------------------------------------------------------------


def safe(number: str, name: str, situation: str, edit: Edit, outcome: str, *reasons: str) -> Case:
    """Return a case of SAFE's page or workbook in which no figure changes."""
    figure = Figure("raw", FIRST_GROUP, "value", "12987.1077397247")
    return Case(f"{number}-safe-{name}", "safe_bop", situation, edit, outcome, reasons, (figure,))


def book(*changes: edits.Callable[[edits.Parts], None]) -> Edit:
    """Return an edit of parts of SAFE's workbook."""
    return changed("bop_bpm6.xlsx", edits.in_book(*changes))


TITLE = "中国国际收支平衡表时间序列(BPM6)"
SAFE = (
    safe("11", "hidden-empty-sheet", "A hidden, empty sheet Sheet1 was left in the workbook.", book(edits.with_hidden_sheet), "drift", "further hidden sheet 'Sheet1'"),
    safe("11b", "unit-fullwidth-colon", "The colon of the unit is full-width.", book(edits.put("A3", "单位：亿元人民币")), "unchanged"),
    safe("11c", "item-label-space", "A blank is behind the name of an item.", book(edits.put("A18", "    1.A.b.1 加工服务 ")), "unchanged"),
    safe("11d", "item-footnote-mark", "A footnote mark is behind the name of an item.", book(edits.put("A18", "    1.A.b.1 加工服务①")), "drift", "row 18: a footnote mark behind '1.A.b.1 加工服务'"),
    safe("11e", "title-dated", "The title of a sheet has a remark.", book(edits.put("A2", "中国国际收支平衡表（年度表） 2024年3月29日更新")), "drift", "2024年3月29日更新' above the header"),
    safe("11f", "page-fullwidth-brackets", "The page writes the title with full-width brackets.", changed("landing.html", replaced((TITLE, "中国国际收支平衡表时间序列（BPM6）"))), "unchanged"),
    safe("11g", "page-no-title-attribute", "The link has no title attribute; its text is the title.", changed("landing.html", replaced((f' title="{TITLE}.xlsx"', ""))), "unchanged"),
    Case(
        "11h-safe-dash-for-slash",
        "safe_bop",
        "A dash is where SAFE gives no figure, and wrote a slash.",
        book(edits.put("B19", "—")),
        "accepted",
        figures=(
            Figure("raw", "_file = 'bop_bpm6.xlsx#年度BOP（人民币）!B19'", "value", "—"),
            Figure("staged", "_file = 'bop_bpm6.xlsx#年度BOP（人民币）!B19'", "value", None),
            Figure("staged", "_file = 'bop_bpm6.xlsx#年度BOP（人民币）!B19'", "status", "—"),
            Figure("raw", FIRST_GROUP, "value", "12987.1077397247"),
        ),
    ),
    safe("11i", "trailing-source-line", "A last line below the notes names the source.", book(edits.source_line), "unchanged"),
)  # fmt: skip

# --- UNCTAD and the WTO -----------------------------------------------------------------------------------

UNCTAD_CHINA = "economy = '156' and flow = '02' and category = 'S' and year = '2021'"
UNCTAD_VALUE = Figure("raw", UNCTAD_CHINA, "value", "394272.573")
TRADE_CHINA = "indicator_code = 'ITS_MTV_AX' and reporter_code = '156' and partner_code = '000' and product_code = 'TO' and year = '2021'"
TRADE_FIGURES = (
    Figure("raw", TRADE_CHINA, "value", "3316022"),
    Figure("raw", "reporter_code = '384'", "reporter", "Côte d'Ivoire"),
)
BULK = (
    Case(
        "13-unctad-measure-renamed",
        "unctad_services",
        "The measure has another name: US dollars at current prices in millions.",
        changed("US_TradeServ", edits.in_archive(edits.SEVEN, lambda text: text.replace(UNCTAD, US_DOLLARS))),
        "drift",
        (f"column '{US_DOLLARS}' is accepted as '{UNCTAD}'",),
        (UNCTAD_VALUE,),
    ),
    Case(
        "13b-unctad-measure-thousands",
        "unctad_services",
        "The unit in the header is thousands.",
        changed(
            "US_TradeServ",
            edits.in_archive(edits.SEVEN, lambda text: text.replace("in millions", "in thousands")),
        ),
        "rejected",
        (f"missing '{UNCTAD}'", "not known 'US$ at current prices in thousands'"),
        (UNCTAD_VALUE,),
    ),
    Case(
        "13d-unctad-readme-in-archive",
        "unctad_services",
        "The 7z archive has a second member, a readme.",
        changed(
            "US_TradeServ",
            edits.repacked(edits.SEVEN, "US_TradeServCatTotal.csv", **{"readme.txt": b"Notes"}),
        ),
        "drift",
        ("further file 'readme.txt' in the archive",),
        (UNCTAD_VALUE,),
    ),
    Case(
        "14-wto-zip-with-readme",
        "wto_merchandise",
        "The zip archive has a second member, a note of the publisher.",
        changed(".zip", edits.repacked(edits.ZIP, "merchandise.csv", **{"readme.txt": b"Notes"})),
        "drift",
        ("further file 'readme.txt' in the archive",),
        TRADE_FIGURES,
    ),
    Case(
        "14b-wto-zip-macosx",
        "wto_merchandise",
        "The zip archive was made on a Mac.",
        changed(
            ".zip",
            edits.repacked(edits.ZIP, "merchandise.csv", **{"__MACOSX/._merchandise.csv": b"\0\5\26\7"}),
        ),
        "unchanged",
        figures=TRADE_FIGURES,
    ),
    Case(
        "15-wto-utf8",
        "wto_merchandise",
        "The table is in UTF-8.",
        changed(".zip", edits.in_archive(edits.ZIP_1252, lambda text: text.encode("utf-8"))),
        "drift",
        ("the text is UTF-8, declared is cp1252",),
        TRADE_FIGURES,
    ),
    Case(
        "15b-wto-utf8-bom",
        "wto_merchandise",
        "The table is in UTF-8 with a byte order mark.",
        changed(".zip", edits.in_archive(edits.ZIP_1252, lambda text: text.encode("utf-8-sig"))),
        "drift",
        ("the text is UTF-8, declared is cp1252",),
        TRADE_FIGURES,
    ),
    Case(
        "23-wto-flag-f-forecast",
        "wto_services",
        "A new flag: P, Provisional.",
        edits.wto_services(edits.in_text_of((",2021,,,392000", ",2021,P,Provisional,392000"))),
        "accepted",
        figures=(
            Figure(
                "staged",
                "reporter = 'CHN' and partner = 'WLD' and service = 'S' and flow = 'exports'",
                "status",
                "P: Provisional",
            ),
            Figure(
                "staged",
                "reporter = 'CHN' and partner = 'WLD' and service = 'S' and flow = 'exports'",
                "cast(value as double)",
                "392000.0",
            ),
            Figure(
                "staged",
                "reporter = 'CHN' and partner = 'WLD' and service = 'S' and flow = 'imports'",
                "value_type",
                "estimated",
            ),
        ),
    ),
    Case(
        "27-wto-services-items-of-ebops",
        "wto_services",
        "The table has sub-items: SC1, SD1, SI221.",
        edits.wto_services(
            edits.with_products(
                (
                    ("SC1", "Sea transport"),
                    ("SI221", "Of which: cloud computing and data storage services"),
                    ("SD1", "Business travel"),
                )
            )
        ),
        "accepted",
        figures=tuple(
            Figure("staged", f"flow = 'exports' and value = {value}", "service", service)
            for value, service in ((11, "SC1"), (12, "SI221"), (13, "SDA"))
        ),
    ),
)

SAFE_MONTHLY = (
    Case(
        "28-safe-monthly-as-printed",
        "safe_monthly",
        "Months from 2015 in whole numbers; the headings of January and October are both 2015.1.",
        edits.safe_monthly(),
        "accepted",
        figures=tuple(
            Figure(
                "staged",
                f"service = 'S' and flow = '{flow}' and period_start = '2025-06-01' and currency = '{currency}'",
                "concat_ws(' ', frequency, period_end, cast(value as decimal(10, 1)), status)",
                f"M 2025-06-30 {value} rounded",
            )
            for flow, currency, value in (("exports", "USD", "34000.0"), ("imports", "CNY", "348000.0"))
        ),
    ),
    Case(
        "28b-safe-monthly-month-left-out",
        "safe_monthly",
        "A month is left out of the header of the sheet in US dollars.",
        edits.safe_monthly(edits.put("N4", "2016.2")),
        "part",
        ("按美元计值: ", "N4 is '2016.2', and 2016.1 is expected by its position"),
        (Figure("raw", "true", "sheet", "按人民币计值"),),
        is_first=True,
    ),
)

# --- BaTiS ------------------------------------------------------------------------------------------------

BATIS_ARUBA = "reporter = 'CHN' and partner = 'ABW' and flow = 'EXP' and item_code = 'S' and year = '2005'"
BATIS_VALUE = Figure("raw", BATIS_ARUBA, "balanced_value", "11.287497")
BATIS = (
    Case(
        "16-batis-leading-dot",
        "batis",
        "Stata writes .5 for 0.5.",
        changed(".zip", edits.in_archive(edits.ZIP, lambda text: text.replace(",0.", ",."))),
        "accepted",
        figures=(
            Figure("raw", BATIS_ARUBA.replace("'S'", "'SA'"), "balanced_value", ".000015"),
            Figure("staged", "partner = 'ABW' and service = 'SA' and flow = 'exports' and period_start = '2005-01-01'", "cast(value as decimal(10, 6))", "0.000015"),
        ),
    ),
    Case("16c-batis-zip-in-zip", "batis", "A zip archive is in the zip archive.", changed(".zip", edits.zip_in_zip), "rejected", ("'BATIS.zip'", "pack it alone with deflate"), (BATIS_VALUE,)),
    Case("16d-batis-bzip2", "batis", "The member of the archive is compressed with bzip2.", changed(".zip", edits.with_bzip2), "rejected", ("method 12 (bzip2), not deflate", "pack it alone with deflate"), (BATIS_VALUE,)),
    Case("16e-batis-cr-only", "batis", "Lines end with a carriage return alone.", changed(".zip", edits.in_archive(edits.ZIP, lambda text: text.replace("\n", "\r"))), "unchanged", figures=(BATIS_VALUE,)),
    Case(
        "16f-batis-decimal-comma",
        "batis",
        "Values have a decimal comma, in quotes.",
        changed(".zip", edits.in_archive(edits.ZIP, lambda text: edits.re.sub(r",([0-9]+)\.([0-9]+)$", r',"\1,\2"', text, flags=edits.re.MULTILINE))),
        "rejected",
        ("not a plain number in column balanced_value: '11,287497'", "row 2"),
        (BATIS_VALUE,),
    ),
)  # fmt: skip

# --- curated figures --------------------------------------------------------------------------------------

BILATERAL = f"2024,United Kingdom,mirror_economy,trade,S,exports,13.2,billion,RMB,{PAGE},,stated,"


def curated(number: str, name: str, situation: str, edit: Edit, *reasons: str) -> Case:
    """Return a case of a file with a problem: it is left out, and the other files are read."""
    figures = (
        Figure("raw", "_file = 'zz_new.csv'", "count(*)", "0"),
        Figure("raw", "_file = 'national_releases.csv' and _row = 2", "value", "52982.7"),
    )
    return Case(
        f"{number}-curated-{name}", "curated", situation, edit, "part", ("zz_new.csv: ", *reasons), figures
    )


def landed(number: str, name: str, situation: str, edit: Edit) -> Case:
    """Return a case of a file that is read."""
    figures = (
        Figure("raw", f"{MADE_UP} and _file = 'zz_new.csv'", "value", "26856.6"),
        Figure("staged", STAGED_2023, "cast(value as double)", "2685660.0"),
        Figure("staged", STAGED_2023, "concat_ws(' ', frequency, currency, period_end)", "A CNY 2023-12-31"),
    )
    return Case(f"{number}-curated-{name}", "curated", situation, edit, "accepted", figures=figures)


CURATED = (
    curated("17", "rmb", "An analyst writes RMB in place of CNY.", edits.curated_file(EXPORTS.replace("CNY", "RMB"), IMPORTS.replace("CNY", "RMB")), "line 2, currency 'RMB'; expected CNY or USD, the ISO 4217 codes"),
    Case(
        "17b-curated-scale-slip",
        "curated",
        "The unit is one step off: 100 million entered as billion.",
        edits.curated_file(EXPORTS.replace("100 million", "billion"), IMPORTS.replace("100 million", "billion")),
        "held",
        ("implausible", "9.4 times"),
        (
            Figure("raw", "_file = 'zz_new.csv'", "implausible is not null", "true"),
            Figure("core.held_row", "source = 'curated' and _file = 'zz_new.csv'", "column_name", "value"),
            Figure("core.fct_services_trade", "source = 'curated' and _file = 'zz_new.csv'", "count(*)", "0"),
        ),
    ),
    curated("17c", "gb18030", "Excel on a Chinese Windows saves a CSV as GBK.", edits.curated_file(EXPORTS + "商务部", encoding="gb18030"), "line 2: ", "text in GBK", 'save the file as "CSV UTF-8'),
    landed("17d", "bom-crlf", "Excel's CSV UTF-8 has a byte order mark and CRLF.", edits.curated_file(EXPORTS, IMPORTS, encoding="utf-8-sig", end="\r\n")),
    curated("17e", "semicolon", "Excel with a European locale writes semicolons.", all_of(edits.curated_file(EXPORTS, IMPORTS), changed("zz_new", lambda body: body.replace(b",", b";"))), "line 1: ", "semicolons between the columns"),
    curated("17f", "fullwidth", "A Chinese input method gives full-width digits.", edits.curated_file(EXPORTS.replace("26856.6", "２６８５６.６"), IMPORTS.replace("2023", "２０２３")), "line 2, value '２６８５６.６'", "and 1 more"),
    curated("17g", "nbsp-endash", "An en dash is the minus sign, and blanks do not break.", edits.curated_file(EXPORTS.replace("exports,26856.6", "balance,–12041.4"), IMPORTS.replace("China", "China\u00a0"), IMPORTS.replace("38898.0", "38\u00a0898.0")), "line 2, value '–12041.4'", "and 3 more"),
    landed("17i", "jan-dec-span", "January to December is written as a span.", edits.curated_file(EXPORTS.replace("2023", "2023-01/2023-12", 1), IMPORTS.replace("2023", "2023-01/2023-12", 1))),
    curated("17j", "usd-lower-and-date", "Excel made a date of the period; the currency is in lower case.", edits.curated_file(EXPORTS.replace("2023", "2023/12/31", 1).replace("CNY", "USD"), IMPORTS.replace("CNY", "usd")), "line 2, period '2023/12/31'", "and 1 more"),
    curated("17m", "bilateral-currency-typo", "The currency of a partner's figure is mistyped (RMB, GPB).", edits.curated_file(BILATERAL, BILATERAL.replace("2024", "2023", 1).replace("United Kingdom", "Australia").replace("RMB", "GPB")), "line 2, currency 'RMB'; expected GBP or USD", "and 1 more"),
    Case(
        "17x-curated-rmb-fixed",
        "curated",
        "The analyst corrects the typing error the next day.",
        edits.curated_file(EXPORTS, IMPORTS),
        "accepted",
        figures=(
            Figure("raw", f"{MADE_UP} and _file = 'zz_new.csv'", "value", "26856.6"),
            Figure("core.fct_services_trade", "source = 'curated' and _file = 'zz_new.csv' and flow = 'exports'", "cast(value_million as double)", "2685660.0"),
        ),
        after="17-curated-rmb",
    ),
    Case(
        "30b-curated-older-date-and-typo",
        "curated",
        "A mirror serves the figures with an older date; one of its files has a problem.",
        edits.curated_file(EXPORTS.replace("CNY", "RMB")),
        "older",
        ("the mirror's answer of 2026-03-18 is older than vintage 2026-03-19", "zz_new.csv: line 2, currency 'RMB'"),
        retrieved="2026-03-18",
    ),
)  # fmt: skip

# --- MOFCOM, Data360, the WTO's digitally delivered services ----------------------------------------------

TEN_MONTHS = '{"rows": [{"year": "2026", "importAndExportVolumeRMB": "47,000.3", "exportVolumeRMB": "21,000.1", "importVolumeRMB": "26,000.2", "differenceRMB": "-5,000.1", "importAndExportVolumeUSD": null, "exportVolumeUSD": null, "importVolumeUSD": null, "differenceUSD": null}, '
DATA360 = "ref_area = 'CHN' and time_period = '{year}'"
LATEST = "reporter = 'CHN' and flow = 'exports' and period_start = '2023-01-01'"
DDS_2024 = "flow = 'X' and reporter_code = 'CN' and year = '2024' and indicator = 'DDS'"
DDS_STAGED = "reporter = 'CHN' and flow = 'exports' and service = 'DDEL' and period_start = '2024-01-01'"
DDS = "DDS_bulk_download.csv"
OTHERS = (
    Case(
        "09c-mofcom-exponent-numbers",
        "mofcom_totals",
        "An amount has an exponent: 2.5435E+04.",
        changed("page-1", replaced(('"25,435.0"', '"2.5435E+04"'))),
        "accepted",
        figures=(
            Figure("raw", "year = '2021'", "exports_rmb", "2.5435E+04"),
            Figure(
                "staged",
                "flow = 'exports' and currency = 'CNY' and period_start = '2021-01-01'",
                "cast(value as decimal(20, 1))",
                "2543500.0",
            ),
        ),
    ),
    Case(
        "20-mofcom-running-year",
        "mofcom_totals",
        "The running year is in the table of years, with the figures of some months.",
        changed("page-1", replaced(('{"rows": [', TEN_MONTHS), ('"total": 4', '"total": 5'))),
        "held",
        ("the period until 2026-12-31 had not ended",),
        (
            Figure("raw", "year = '2026'", "exports_rmb", "21,000.1"),
            Figure(
                "core.held_row",
                "source = 'mofcom_totals'",
                "concat_ws(' ', code_kind, code)",
                "period not ended 2026",
            ),
            Figure("marts.mart_trade_scale", "source = 'mofcom_totals'", "max(period_label)", "2021"),
        ),
    ),
    Case(
        "21-data360-status-estimated",
        "data360_digital",
        "The newest year has the status E, estimated.",
        changed("UNCTAD_DE", edits.matched(r"^(.*,2023,.*),A,Normal value,", r"\1,E,Estimated value,")),
        "accepted",
        figures=(
            Figure("raw", DATA360.format(year=2023), "obs_status", "E"),
            Figure("staged", LATEST, "status", "E: Estimated value"),
            Figure("staged", LATEST, "value_type", "estimated"),
            Figure("staged", LATEST.replace("2023", "2022"), "value_type", "reported"),
        ),
    ),
    Case(
        "21b-data360-new-column",
        "data360_digital",
        "A new, empty column is at the end.",
        changed(
            "UNCTAD_DE",
            edits.matched(r"^(STRUCTURE,.*?)(\r?)$", r"\1,NOTE_LABEL\2"),
            edits.matched(r"^(datastructure,.*?)(\r?)$", r"\1,\2"),
        ),
        "drift",
        ("further column 'NOTE_LABEL'",),
    ),
    Case(
        "24-dds-as-published",
        "wto_digital",
        "First contact with the table in the publisher's own texts: World, Mode 1, SI1 to SI3.",
        edits.recorded,
        "accepted",
        figures=(
            Figure("raw", DDS_2024, "value", "220567.7463"),
            Figure(
                "raw",
                "flow = 'M' and reporter_code = 'CN' and year = '2017' and indicator = 'SI3'",
                "value",
                "5.90E-07",
            ),
            Figure("staged", DDS_STAGED, "cast(value as double)", "220567.7463"),
        ),
        is_first=True,
    ),
    Case(
        "24b-dds-total-only",
        "wto_digital",
        "First contact with the table without SI1 to SI3, and publish.",
        changed(DDS, edits.matched(r"^[XM],.*,SI[123],.*\n", "")),
        "accepted",
        figures=(
            Figure("raw", DDS_2024, "value", "220567.7463"),
            Figure("raw", "true", "count(*) filter (where indicator like 'SI%')", "0"),
            Figure("staged", DDS_STAGED, "cast(value as double)", "220567.7463"),
        ),
        is_first=True,
    ),
    Case(
        "24c-dds-another-table",
        "wto_digital",
        "Another table of three reporters and three years follows; the operator accepts it.",
        changed(DDS, edits.of_three_reporters),
        "rejected",
        ("no rows are lost: there are 90 rows", "no series jumps in scale"),
        (Figure("raw", DDS_2024, "value", "220567.7463"),),
        is_first=True,
        after="24-dds-as-published",
        why="the edition was cut by its publisher",
    ),
    Case(
        "24d-dds-unknown-partner",
        "wto_digital",
        "China's total exports of 2024 have a partner that no seed has.",
        changed(DDS, edits.matched(r"^(X,CN,China,)World(,2024,DDS,.*)$", r"\1Elsewhere\2")),
        "held",
        ("partner 'Elsewhere' (economy_code.csv)", "held"),
        figures=(
            Figure("raw", DDS_2024, "value", "220567.7463"),
            Figure(
                "core.held_row",
                "source = 'wto_digital'",
                "concat_ws(' ', column_name, code, observation_count)",
                "partner Elsewhere 1",
            ),
        ),
        is_first=True,
    ),
)

CASES = (*ONS, *ATLAS, *NBS, *WORLD_BANK, *SAFE, *SAFE_MONTHLY, *BULK, *BATIS, *CURATED, *OTHERS)
