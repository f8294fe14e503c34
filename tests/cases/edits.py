"""Edits of recorded answers: the smallest change that makes a case."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import nbs_mirror
import pandas as pd
from cases.case import Answer, Answers, Edit
from mutations import Form, in_text, packed, unpacked
from recordings import answer_plan
from workbooks import workbook

from warehouse.config import PROJECT_ROOT
from warehouse.model import Request
from warehouse.sources import SOURCES, wto_tismos

Change = Callable[[bytes], bytes]
Table = list[list[str]]


def recorded(answers: Answers) -> Answers:
    """Change nothing."""
    return answers


def changed(part: str, *changes: Change) -> Edit:
    """Return an edit of the body of each answer whose name has `part`."""

    def edit(answers: Answers) -> Answers:
        assert any(part in name for name in answers), f"no answer is named {part}: {list(answers)}"
        found = dict(answers)
        for name, answer in answers.items():
            if part in name:
                body = answer.body
                for change in changes:
                    body = change(body)
                found[name] = answer._replace(body=body)
        return found

    return edit


def all_of(*edits: Edit) -> Edit:
    """Return an edit that makes several edits after another."""

    def edit(answers: Answers) -> Answers:
        for one in edits:
            answers = one(answers)
        return answers

    return edit


def replaced(*pairs: tuple[str, str], encoding: str = "utf-8") -> Change:
    """Replace every occurrence of texts; each must occur."""

    return lambda body: in_text_of(*pairs)(body.decode(encoding)).encode(encoding)


def matched(pattern: str, new: str) -> Change:
    """Replace every match of a pattern, which must occur."""

    def change(body: bytes) -> bytes:
        text, count = re.subn(pattern, new, body.decode("utf-8"), flags=re.MULTILINE)
        assert count, pattern
        return text.encode("utf-8")

    return change


def in_table(change: Callable[[Table], Table]) -> Change:
    """Change the rows of a CSV; the first is the header."""

    def on_bytes(body: bytes) -> bytes:
        rows = change(list(csv.reader(io.StringIO(body.decode("utf-8"), newline=""))))
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue().encode("utf-8")

    return on_bytes


# --- archives -----------------------------------------------------------------------------------------

SAFE_MONTHLY = "https://www.safe.gov.cn/safe/2018/0427/8886.html"
WTO_SERVICES = "https://stats.wto.org/assets/UserGuide/services_annual_dataset.zip"
SEVEN, ZIP, ZIP_1252 = Form("csv", "7z"), Form("csv", "zip"), Form("csv", "zip", "cp1252")


def in_archive(form: Form, change: Callable[[str], str | bytes]) -> Change:
    """Change the text of the one table in an archive."""
    return lambda body: in_text(form, body, change)


def repacked(form: Form, name: str = "table.csv", **further: bytes) -> Change:
    """Pack the table again, with further members."""
    return lambda body: packed(form, unpacked(form, body), name, **further)


def zip_in_zip(body: bytes) -> bytes:
    """Pack a zip archive into a zip archive."""
    return packed(ZIP, body, "BATIS.zip")


def with_bzip2(body: bytes) -> bytes:
    """Compress the member of a zip archive with bzip2."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("BATIS.csv", unpacked(ZIP, body))
    return out.getvalue()


# --- ONS ----------------------------------------------------------------------------------------------

ONS_TITLE = "UK trade in services: service type by partner country, non-seasonally adjusted"


def with_title_rows(rows: Table) -> Table:
    """Put the two lines above the header that the workbook has, as Excel saves them."""
    padding = [""] * (len(rows[0]) - 1)
    return [[ONS_TITLE, *padding], ["Current prices, million pounds", *padding], *rows]


def with_nil_marks(rows: Table) -> Table:
    """Put - in place of each figure that is 0; the codes are in the first five columns."""
    return [rows[0], *([*row[:5], *("-" if text == "0" else text for text in row[5:])] for row in rows[1:])]


def without_columns(prefix: str) -> Callable[[Table], Table]:
    """Leave out the columns whose header begins with a text."""

    def change(rows: Table) -> Table:
        kept = [number for number, name in enumerate(rows[0]) if not name.startswith(prefix)]
        return [[row[number] for number in kept] for row in rows]

    return change


def as_ons_workbook(answers: Answers) -> Answers:
    """Offer the table as a workbook alone, with two lines above its header."""
    page, table = answers["dataset.html"], answers["services_by_partner.csv"]
    rows = with_title_rows(list(csv.reader(io.StringIO(table.body.decode("utf-8"), newline=""))))
    cells = [[int(text) if re.fullmatch("-?[0-9]+", text) else text or None for text in row] for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        path = workbook(Path(folder) / "table.xlsx", {"Sheet 1. Time Series": cells})
        book = path.read_bytes()
    links = replaced(("service_trade.csv", "servicetypebycountry.xlsx"))
    return {
        "dataset.html": page._replace(body=links(page.body)),
        "services_by_partner.xlsx": Answer(
            table.address.replace("service_trade.csv", "servicetypebycountry.xlsx"), book, "application/xlsx"
        ),
    }


# --- the Atlas ----------------------------------------------------------------------------------------

ATLAS = "services_unilateral_country_product_year_4"
ATLAS_WORDS = {4000: "unspecified", 4001: "travel", 4002: "transport", 4003: "ict", 4004: "financial"}


def read_atlas(body: bytes) -> pd.DataFrame:
    """Return the table of the recorded Stata file."""
    return pd.read_stata(io.BytesIO(body))


def as_atlas_csv(label: str, query: str) -> Edit:
    """Serve the table as a CSV, which the Dataverse lists under a label."""

    def edit(answers: Answers) -> Answers:
        listing, table = answers["dataset.json"], answers[f"{ATLAS}.dta"]
        frame = read_atlas(table.body)
        frame["product_services_unilateral_code"] = frame["product_id"].map(ATLAS_WORDS)
        frame["country_iso3_code"] = ""
        frame["global_market_share"] = ""
        columns = [
            "country_id",
            "country_iso3_code",
            "product_id",
            "product_services_unilateral_code",
            "year",
        ]
        columns += ["export_value", "import_value", "global_market_share"]
        names = replaced(
            (f'"{ATLAS}.tab"', f'"{label}"'),
            (f"{ATLAS}.dta", f"{ATLAS}.csv"),
            ('"application/x-stata"', '"text/csv"'),
        )
        return {
            "dataset.json": listing._replace(body=names(listing.body)),
            f"{ATLAS}.csv": Answer(
                table.address.partition("?")[0] + query,
                frame[columns].to_csv(index=False).encode(),
                "text/csv",
            ),
        }

    return edit


def with_country_code(body: bytes) -> bytes:
    """Add the variable country_iso3_code to the Stata file, as the first one."""
    frame = read_atlas(body)
    frame.insert(0, "country_iso3_code", frame["country_id"].map({156: "CHN"}).fillna(""))
    out = io.BytesIO()
    frame.to_stata(out, write_index=False)
    return out.getvalue()


# --- NBS ----------------------------------------------------------------------------------------------


def nbs(answer: nbs_mirror.Answer = nbs_mirror.of_fixture) -> Edit:
    """Return the answers to all requests of the plan of NBS, made from the fixtures."""

    def edit(_: Answers) -> Answers:
        with tempfile.TemporaryDirectory() as folder:
            mirror = nbs_mirror.write_mirror(Path(folder), answer)
            entries = json.loads((mirror / "index.json").read_text())["answers"]
            return {
                entry["file"]: Answer(
                    entry["address"], (mirror / entry["file"]).read_bytes(), "application/json"
                )
                for entry in entries
            }

    return edit


def nbs_plain_names(request: Request) -> bytes | None:
    """Answer with names of indicators without their unit."""
    body = nbs_mirror.of_fixture(request)
    return body.replace(" (亿元) ".encode(), b"") if body and ".values." in request.name else body


def nbs_exponents(request: Request) -> bytes | None:
    """Answer with an exponent in the GDP of 2021."""
    body = nbs_mirror.of_fixture(request)
    return body.replace(b'"1149237"', b'"1.149237E6"') if body else None


# --- the World Bank -----------------------------------------------------------------------------------


def with_observations(*observations: Mapping[str, Any]) -> Change:
    """Add observations to an answer: copies of its second one with other values."""

    def change(body: bytes) -> bytes:
        header, sent = json.loads(body)
        more = [sent[1] | dict(one) for one in observations]
        total = header["total"] + len(more)
        text = body.decode().rstrip().removesuffix("]]") + ", "
        text += ", ".join(json.dumps(one) for one in more) + "]]"
        return text.replace(f'"total": {header["total"]}', f'"total": {total}').encode()

    return change


def of_economy(code: str, name: str, iso3: str, year: int, value: float) -> dict[str, Any]:
    """Return an observation of another economy."""
    return {
        "country": {"id": code, "value": name},
        "countryiso3code": iso3,
        "date": str(year),
        "value": value,
    }


def with_exponents(body: bytes) -> bytes:
    """Write the large values with an exponent: 17820459342451.7 as 1.78204593424517E+13."""

    def text(found: re.Match[bytes]) -> bytes:
        digits = found[2] + found[3].removeprefix(b".")
        return b'"value": %s.%sE+%d%s' % (found[1], digits, len(found[2]), found[4])

    changed_body, count = re.subn(rb'"value": ([1-9])([0-9]{11,13})((?:\.[0-9]+)?)([,}])', text, body)
    assert count
    return changed_body


def in_pages_of_fifty(answers: Answers) -> Answers:
    """Answer with the default size of pages, stated as a text."""
    found: dict[str, Answer] = {}
    for name, answer in answers.items():
        header, observations = json.loads(answer.body, parse_float=_Digits, parse_int=_Digits)
        for number, part in enumerate((observations[:50], observations[50:]), start=1):
            page = [header | {"page": number, "pages": 2, "per_page": "50"}, part]
            text = re.sub(r'"<([^>]*)>"', r"\1", json.dumps(page))
            found[name.replace("page-1", f"page-{number}")] = Answer(
                answer.address.replace("page=1", f"page={number}"), text.encode(), answer.content_type
            )
    return found


class _Digits(str):
    """A number of a JSON text, in its digits: json.dumps writes it as a marked text."""

    def __new__(cls, digits: str) -> _Digits:
        return super().__new__(cls, f"<{digits}>")


# --- SAFE's workbook ----------------------------------------------------------------------------------

Parts = dict[str, str]
SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"  # the sheet 年度BOP（人民币）, years 2010 to 2023


def in_book(*edits: Callable[[Parts], None]) -> Change:
    """Change parts of a workbook."""

    def change(body: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        parts = {name: data.decode() for name, data in members.items() if name.endswith((".xml", ".rels"))}
        for edit in edits:
            edit(parts)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, data in {**members, **{name: text.encode() for name, text in parts.items()}}.items():
                archive.writestr(name, data)
        return out.getvalue()

    return change


def put(cell: str, text: str, part: str = SHEET) -> Callable[[Parts], None]:
    """Replace a cell by a text."""

    def edit(parts: Parts) -> None:
        new = f'<c r="{cell}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
        parts[part], count = re.subn(rf'<c r="{cell}"(?: [^>]*?)?(?:/>|>.*?</c>)', new, parts[part])
        assert count == 1, cell

    return edit


def safe_monthly(*changes: Callable[[Parts], None]) -> Edit:
    """Answer with the fixtures of SAFE's monthly workbook, with changes of its parts."""

    def edit(_: Answers) -> Answers:
        folder = PROJECT_ROOT / "tests" / "fixtures" / "safe_monthly"
        page, book = (folder / name for name in ("landing.html", "goods_and_services.xlsx"))
        [link] = re.findall(r'href="([^"]+\.xlsx)"', page.read_text(encoding="utf-8"))
        return {
            page.name: Answer(SAFE_MONTHLY, page.read_bytes(), "text/html"),
            book.name: Answer(f"https://www.safe.gov.cn{link}", in_book(*changes)(book.read_bytes())),
        }

    return edit


def before(mark: str, text: str, part: str = SHEET) -> Callable[[Parts], None]:
    """Insert a text before a mark."""

    def edit(parts: Parts) -> None:
        assert parts[part].count(mark) == 1, mark
        parts[part] = parts[part].replace(mark, text + mark)

    return edit


def with_hidden_sheet(parts: Parts) -> None:
    """Add the hidden, empty sheet Sheet1 behind the others."""
    office = "http://schemas.openxmlformats.org"
    parts["xl/worksheets/sheet99.xml"] = (
        f'<worksheet xmlns="{office}/spreadsheetml/2006/main"><sheetData/></worksheet>'
    )
    sheet = '<sheet name="Sheet1" sheetId="99" state="hidden" r:id="rId99"/>'
    before("</sheets>", sheet, BOOK)(parts)
    relation = (
        f'<Relationship Id="rId99" Type="{office}/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet99.xml"/>'
    )
    before("</Relationships>", relation, "xl/_rels/workbook.xml.rels")(parts)


def source_line(parts: Parts) -> None:
    """Add a last line with the source below the notes."""
    row = '<row r="240"><c r="A240" t="inlineStr"><is><t>资料来源：国家外汇管理局</t></is></c></row>'
    before("</sheetData>", row)(parts)


# --- curated figures ----------------------------------------------------------------------------------

CURATED_HEADER = "period,area,area_type,measure,service,flow,value,unit,currency,page,excerpt,status,note"
PAGE = "https://www.mofcom.gov.cn/example/2024.html"  # an address in the form of the ministry's
EXPORTS = f"2023,China,economy,trade,S,exports,26856.6,100 million,CNY,{PAGE},,stated,"
IMPORTS = f"2023,China,economy,trade,S,imports,38898.0,100 million,CNY,{PAGE},,stated,"


def curated_file(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Edit:
    """Add a file of an analyst, and its name to the listing."""

    def edit(answers: Answers) -> Answers:
        text = "".join(line + end for line in (CURATED_HEADER, *lines))
        listing = answers["files.json"]
        names = json.dumps([*json.loads(listing.body), "zz_new.csv"])
        added = Answer("curated://zz_new.csv", text.encode(encoding), "text/csv")
        return {**answers, "files.json": listing._replace(body=names.encode()), "zz_new.csv": added}

    return edit


# --- WTO ----------------------------------------------------------------------------------------------


# The made-up totals of the fixture, and in their place totals as large as those of China and the world.
AMOUNTS = (("2021,,,101", "2021,,,392000"), ("2021,E,Estimate,102", "2021,E,Estimate,441000"))
AMOUNTS += (("2021,,,1003", "2021,,,6100000"), ("2021,,,1004", "2021,,,5600000"))


def wto_services(*changes: Callable[[str], str]) -> Edit:
    """Answer with the synthetic fixture of the WTO's services file, with plausible totals, changed."""

    def edit(_: Answers) -> Answers:
        name = "services_annual_dataset.zip"
        body = (PROJECT_ROOT / "tests" / "fixtures" / "wto_services" / name).read_bytes()
        for change in (in_text_of(*AMOUNTS), *changes):
            body = in_text(ZIP_1252, body, change)
        return {name: Answer(WTO_SERVICES, body, "application/zip")}

    return edit


def fixture(source: str, *changes: Callable[[str], str]) -> Edit:
    """Answer the requests of a source with the fixtures of its tests, the first with changes of its text."""

    def edit(_: Answers) -> Answers:
        answers = {}

        def answer(request: Request) -> Path:
            path = PROJECT_ROOT / "tests" / "fixtures" / source / request.name
            body = path.read_bytes()
            for change in () if answers else changes:
                body = (
                    in_text(SEVEN, body, change) if request.kind == "7z" else change(body.decode()).encode()
                )
            answers[request.name] = Answer(request.address, body)
            return path

        answer_plan(SOURCES[source].plan(), answer)
        return answers

    return edit


def tismos(*changes: Callable[[str], str]) -> Edit:
    """Answer with the made-up fixtures of the two archives of TiSMoS, that of exports changed."""

    def edit(_: Answers) -> Answers:
        answers = {}
        for name in wto_tismos.ARCHIVES.values():
            body = (PROJECT_ROOT / "tests" / "fixtures" / "wto_tismos" / name).read_bytes()
            answers[name] = Answer(f"{wto_tismos.ADDRESS}/{name}", body, "application/zip")
        exports = wto_tismos.ARCHIVES["exports"]
        for change in changes:
            body = in_text(ZIP_1252, answers[exports].body, change)
            answers[exports] = answers[exports]._replace(body=body)
        return answers

    return edit


def as_made_up(_: Answers) -> Answers:
    """Answer with the synthetic fixture of the WTO's services file: China's exports are 101 million."""
    path = PROJECT_ROOT / "tests" / "fixtures" / "wto_services" / "services_annual_dataset.zip"
    return {path.name: Answer(WTO_SERVICES, path.read_bytes(), "application/zip")}


def in_text_of(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """Return a change of a text: each old text becomes the new one, and must occur."""

    def change(text: str) -> str:
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        return text

    return change


def with_products(products: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    """Add China's exports to the world in further products, with made-up figures."""

    def change(text: str) -> str:
        line = next(line for line in text.splitlines() if ",156,CHN,China,000,,World,BOP6," in line)
        assert ",S,Memo item: Total services," in line and line.endswith(",392000")
        lines = [
            line.replace(",S,Memo item: Total services,", f",{code},{label},").removesuffix("392000")
            + str(number)
            for number, (code, label) in enumerate(products, start=11)
        ]
        end = "\r\n" if "\r\n" in text else "\n"
        return text.rstrip("\r\n") + end + end.join(lines) + end

    return change


def of_three_reporters(body: bytes) -> bytes:
    """Return a table of other, made-up figures under the header of the WTO's file: 90 rows, 2022 to 2024."""
    header = body.split(b"\n", 1)[0].rstrip(b"\r").decode()
    items = {
        "DDS": "Total digitally delivered services",
        "SF": "Insurance and pension services",
        "SI1": "Telecommunications services",
        "SI2": "Computer services",
        "SI3": "Information services",
    }
    lines = [
        f"{flow},{reporter},World,{year},{code},{label},Mode 1,Million US dollar,{number}{year % 100}.5,"
        for flow in "XM"
        for reporter in ("CN,China", "ZW,Zimbabwe", "NA,Namibia")
        for year in (2022, 2023, 2024)
        for number, (code, label) in enumerate(items.items(), start=1)
    ]
    return ("\r\n".join([header, *lines]) + "\r\n").encode("latin-1")
