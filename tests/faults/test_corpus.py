"""Two thousand damaged payloads, from the mirror to the landing: each load is correct, or rejected.

Each file of the recorded nights, and the fixtures of the sources without a recording, is changed by the
mutations of `mutations.py` that fit its format. The real fetch, reader and load gate then process it in a
separate home that already has the original vintage. Each case is checked:

- accepted or unchanged rows equal the rows that an independent simple reader finds in the same bytes (`csv`,
  `json`, ElementTree and struct, none of the project's readers);
- a rejection is a WarehouseError that names the source and a location, and the files are in the quarantine;
- a change of form alone (line ends, order of rows, white space, packing) is never rejected;
- the case ends within its time limit, and no byte of the existing vintage or the current release changes.

Large files are first cut, by columns and years, to a size that the load gate still accepts. A case is named
by file, number and mutation, and can be reproduced by that name. `make test-faults` runs them, in minutes.
"""

from __future__ import annotations

import csv
import faulthandler
import hashlib
import io
import json
import math
import multiprocessing
import re
import shutil
import signal
import struct
import tempfile
import unicodedata
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import settings_of
from faults.mutations import Form, Mutation, Stata, packed, spoiled, stata, table, unpacked, written, zip_of
from nbs_mirror import write_mirror as write_nbs_mirror
from recordings import WITHOUT_RECORDING, answer_plan

from warehouse.build import steps
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR, Settings
from warehouse.errors import WarehouseError
from warehouse.files import write_record
from warehouse.landing import store
from warehouse.model import Contract, Request
from warehouse.releases.manifest import DatabaseEntry, ReleaseManifest, entry_of
from warehouse.sources import SOURCES, batis, data360_digital, ons_services, safe_bop, safe_monthly

pytestmark = pytest.mark.faults

FIXTURES = PROJECT_ROOT / "tests" / "fixtures"
SECONDS_FOR_A_CASE = 30.0
SECONDS_FOR_ALL = 1500
CASES_OF_A_FILE = 72
CASES_OF_A_FILE_AMONG_MANY = 14  # the World Bank has a file for each indicator and night
CASES_OF_A_SHARED_READER = 24  # of a source without a recording, whose reader another source has too
WORKERS = 2
Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Task:
    """A source of a recorded night, and the part of its files to mutate."""

    night: str
    source: str
    part: int


@dataclass(frozen=True)
class Outcome:
    """The result of a case: accepted, unchanged, rejected or failed; `fault` describes a failed check."""

    source: str
    file: str
    case: str
    outcome: str
    message: str
    fault: str


class Hung(BaseException):
    """A case that exceeded its time limit; no handler of the product may catch it."""


# --- the files, cut to size ---------------------------------------------------------------------------


def form_of(source: str, file: str) -> Form:
    """Return the form of a recorded file, by its source and name."""
    end = file.rpartition(".")[2]
    if source.startswith("unctad_"):
        return Form("csv", packed="7z", has_mark=True)
    if source in ("wto_merchandise", "wto_services", "wto_tismos"):
        return Form("csv", packed="zip", encoding="cp1252")
    if source == "batis" and end == "zip":
        return Form("csv", packed="zip", has_mark=True)
    if source == "wto_digital":
        return Form("csv", encoding="latin-1")
    if end == "csv":
        return Form("csv", has_mark=source != "data360_digital")
    return Form(end, is_ordered=source in ("mofcom_totals", "curated", "wto_timeseries"))


def cut(source: str, form: Form, data: bytes) -> bytes:
    """Cut a large file to a size that its load gate still accepts; return a small file unchanged."""
    if form.kind == "dta":
        parsed_file = stata(data)
        years = parsed_file.names.index("year")
        kept = tuple(row for row in parsed_file.rows if struct.unpack(parsed_file.layout, row)[years] >= 2019)
        return Stata(parsed_file.head, parsed_file.layout, parsed_file.names, kept, parsed_file.tail).data
    if form.kind == "xlsx":
        return cut_workbook(data)
    cut_rows = CUTS.get(source)
    if form.kind != "csv" or cut_rows is None:
        return data
    sent = unpacked(form, data)
    mark = b"\xef\xbb\xbf" if sent.startswith(b"\xef\xbb\xbf") else b""
    rows = table(sent.removeprefix(mark).decode(form.encoding))
    return packed(form, mark + written(cut_rows(rows)).encode(form.encoding))


def where(condition: Callable[[dict[str, str]], bool]) -> Callable[[list[list[str]]], list[list[str]]]:
    return lambda rows: [
        rows[0],
        *(row for row in rows[1:] if condition(dict(zip(rows[0], row, strict=True)))),
    ]


def cut_ons(rows: list[list[str]]) -> list[list[str]]:
    positions = [
        n for n, name in enumerate(rows[0]) if n < 5 or ("Q" in name and name >= "2020Q3") or name in LATE
    ]
    selected = [rows[0], *(row for row in rows[1:] if row[3] in ("W1", "CN", "B5", "D5", "US", "DE"))]
    return [[row[n] for n in positions] for row in selected]


def cut_workbook(data: bytes) -> bytes:
    """Drop the rows below the last item of services, which the reader skips."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        members = {name: book.read(name) for name in book.namelist()}
    for name in [name for name in members if name.startswith("xl/worksheets/sheet")]:
        members[name] = re.sub(
            rb'<row r="([0-9]+)".*?</row>',
            lambda row: row[0] if int(row[1]) <= LAST_ROW_OF_SERVICES else b"",
            members[name],
            flags=re.DOTALL,
        )
    return zip_of(members)


LATE = ("2019", "2020", "2021")
LAST_ROW_OF_SERVICES = 55
CUTS: Mapping[str, Callable[[list[list[str]]], list[list[str]]]] = {
    "unctad_goods": where(lambda row: row["Year"] >= "2018"),
    "unctad_services": where(lambda row: row["Year"] >= "2018"),
    "wto_merchandise": where(lambda row: row["ProductCode"] == "TO" and row["Year"] >= "2021"),
    "batis": where(lambda row: row["Year"] >= "2019"),
    "data360_digital": where(
        lambda row: (
            row["TIME_PERIOD"] >= "2020"
            and (row["INDICATOR"] in data360_digital.INDICATORS or row["REF_AREA"] == "FRA")
        )
    ),
    "ons_services": cut_ons,
}


def recorded(night: str, source: str) -> dict[str, tuple[str, bytes, dict[str, Any]]]:
    """Return a source's recorded answers, cut, by address: file, bytes and the index entry."""
    if source == "nbs_accounts":
        return recorded_nbs()  # a walk: the answers are those of nbs_mirror
    if source in WITHOUT_RECORDING:
        return recorded_fixtures(source)
    index = json.loads((SAMPLE_DIR / night / "index.json").read_text(encoding="utf-8"))
    return {
        answer["address"]: (
            answer["file"],
            cut(source, form_of(source, answer["file"]), (SAMPLE_DIR / night / answer["file"]).read_bytes()),
            {name: answer[name] for name in ("retrieved_at", "content_type")},
        )
        for answer in index["answers"]
        if source_of(answer["address"]) == source
    }


def recorded_fixtures(source: str) -> dict[str, tuple[str, bytes, dict[str, Any]]]:
    """Return the fixtures of a source, which have the names of its requests, as `recorded` does."""
    entry = {"retrieved_at": "2025-10-01T00:00:00Z", "content_type": None}
    found: dict[str, tuple[str, bytes, dict[str, Any]]] = {}

    def answer(request: Request) -> Path:
        path = FIXTURES / source / request.name
        found[request.address] = (request.name, path.read_bytes(), entry)
        return path

    answer_plan(SOURCES[source].plan(), answer)
    return found


def recorded_nbs() -> dict[str, tuple[str, bytes, dict[str, Any]]]:
    """Return the answers of the fixtures to all requests of NBS's plan, as `recorded` does."""
    with tempfile.TemporaryDirectory(prefix="nbs-") as scratch:
        folder = write_nbs_mirror(Path(scratch))
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        return {
            answer["address"]: (
                answer["file"],
                (folder / answer["file"]).read_bytes(),
                {"retrieved_at": "2022-01-01T00:00:00Z", "content_type": None},
            )
            for answer in index["answers"]
        }


def source_of(address: str) -> str:
    """Return the source of an address."""
    for part, source in WHOSE.items():
        if part in address:
            return source
    raise AssertionError(f"no source for the recorded address {address}")


WHOSE = {
    "api.worldbank.org": "worldbank_wdi",
    "data360files": "data360_digital",
    "curated:": "curated",
    "mofcom": "mofcom_totals",
    "dataverse": "atlas_services",
    "stats.wto.org": "wto_merchandise",
    "DDS_bulk_download": "wto_digital",
    "TradeMerch": "unctad_goods",
    "TradeServ": "unctad_services",
    "/data/OECD.SDD.TPS": "batis_sdmx",
    "BATIS": "batis",
    "ons.gov.uk": "ons_services",
    "safe.gov.cn": "safe_bop",
}


# --- an independent simple reading --------------------------------------------------------------------


def delimited(form: Form, data: bytes) -> tuple[list[str], list[list[str]]]:
    """Read a table by the standard library; raise when a row has more or fewer cells than the header."""
    sent = unpacked(form, data).removeprefix(b"\xef\xbb\xbf")
    try:
        text = sent.decode("utf-8")
    except UnicodeDecodeError:
        text = sent.decode(form.encoding, "replace")  # a damaged byte in a column that is not read
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(row)]
    if form.has_mark:  # what Excel writes: empty cells beyond the last column
        rows = [row if any(row[len(header) :]) else row[: len(header)] for row in rows]
    if any(len(row) != len(header) for row in rows):
        raise ValueError("a ragged row")
    # Blanks around a header are typography.
    return [" ".join(unicodedata.normalize("NFKC", name).split()) for name in header], rows


def chosen(form: Form, data: bytes, names: list[str], optional: Collection[str] = ()) -> list[Row]:
    """Read columns by their header; one that may be absent is null."""
    header, rows = delimited(form, data)
    positions = [header.index(name) if name in header else None for name in names]
    if any(name not in header and name not in optional for name in names):
        raise ValueError("a column is missing")
    return [
        tuple(None if position is None else row[position] or None for position in positions) for row in rows
    ]


def digits(text: str) -> str:
    return text


def json_of(data: bytes) -> Any:
    return json.loads(data.decode("utf-8-sig"), parse_float=digits, parse_int=digits)


def read_unctad(files: Mapping[str, bytes], source: str) -> list[Row]:
    (data,) = files.values()
    contract = contract_of(source)
    return chosen(Form("csv", packed="7z", has_mark=True), data, list(contract.read), contract.optional)


def contract_of(source: str) -> Contract:
    contract = SOURCES[source].contract
    assert contract is not None
    return contract


US = "US$ at current prices in millions"


def read_wto(files: Mapping[str, bytes], source: str) -> list[Row]:
    (data,) = files.values()
    contract = contract_of(source)
    rows = chosen(form_of(source, "x.csv"), data, list(contract.read), contract.optional)
    ignored = dict(IGNORED.get(source, ()))
    names = list(SOURCES[source].columns)
    return [
        row for row in rows if not any(row[names.index(name)] in texts for name, texts in ignored.items())
    ]


def read_tismos(files: Mapping[str, bytes], source: str) -> list[Row]:
    contract = contract_of(source)
    form, names = form_of(source, "x.zip"), list(contract.read)
    return [row for data in files.values() for row in chosen(form, data, names, contract.optional)]


def read_sdmx(files: Mapping[str, bytes], source: str) -> list[Row]:
    (data,) = files.values()
    contract = contract_of(source)
    return chosen(form_of(source, "x.csv"), data, list(contract.read), contract.optional)


IGNORED = {
    name: SOURCES[name].read.args[0].ignored  # type: ignore[attr-defined]
    for name in ("wto_merchandise", "wto_services")
}


def read_batis(files: Mapping[str, bytes], source: str) -> list[Row]:
    (data,) = (data for name, data in files.items() if name != batis.DATAFLOW)
    form = form_of("batis", "x.zip")
    header, _ = delimited(form, data)
    (edition,) = [name for name, layout in batis.LAYOUTS.items() if set(layout) <= set(header)]
    return [(edition, *row) for row in chosen(form, data, list(batis.LAYOUTS[edition]))]


def read_bea(files: Mapping[str, bytes], source: str) -> list[Row]:
    names = list(contract_of(source).read)
    rows = json.loads(files["services.json"])["BEAAPI"]["Results"]["Data"]
    flows = ("Exports", "Imports")
    return [tuple(row[name] for name in names) for row in rows if row["TradeDirection"] in flows]


def read_timeseries(files: Mapping[str, bytes], source: str) -> list[Row]:
    names = list(contract_of(source).read)
    pages = {name: json_of(data)["Dataset"] for name, data in files.items()}
    # A page begins with the last record of the page before; the last one has no other.
    rows = [row for name, page in pages.items() for row in page[0 if name.endswith(".page-1.json") else 1 :]]
    return [tuple(row.get(name) for name in names) for row in rows]


def read_data360(files: Mapping[str, bytes], source: str) -> list[Row]:
    names = list(data360_digital.LOADED)
    rows = chosen(Form("csv"), files["UNCTAD_DE.csv"], names)
    return [row for row in rows if row[0] in data360_digital.INDICATORS]


def read_ons(files: Mapping[str, bytes], source: str) -> list[Row]:
    form, data = Form("csv", has_mark=True), files["services_by_partner.csv"]
    periods = [name for name in delimited(form, data)[0] if re.fullmatch(r"\d{4}(Q[1-4])?", name)]
    rows = chosen(form, data, [*ons_services.LABELS, *periods])
    return [(*row[:5], period, row[5 + n]) for row in rows for n, period in enumerate(periods)]


def read_curated(files: Mapping[str, bytes], source: str) -> list[Row]:
    form, columns = Form("csv", has_mark=True), published_columns(source)
    return [
        row for name, data in files.items() if name != "files.json" for row in chosen(form, data, columns)
    ]


def read_worldbank(files: Mapping[str, bytes], source: str) -> list[Row]:
    found: list[Row] = []
    for data in files.values():
        for record in json_of(data)[1]:
            cells = [record["indicator"]["id"], record["indicator"]["value"], record["country"]["id"]]
            cells += [record["country"]["value"], record["countryiso3code"], record["date"], record["value"]]
            found.append(
                tuple(
                    cell or None for cell in (*cells, record["unit"], record["obs_status"], record["decimal"])
                )
            )
    return found


def read_mofcom(files: Mapping[str, bytes], source: str) -> list[Row]:
    names: tuple[str, ...] = ("year",)
    for money in ("RMB", "USD"):
        names += (f"importAndExportVolume{money}", f"exportVolume{money}", f"importVolume{money}")
        names += (f"difference{money}",)
    return [
        tuple(record[name] for name in names) for data in files.values() for record in json_of(data)["rows"]
    ]


def read_nbs(files: Mapping[str, bytes], source: str) -> list[Row]:
    return [
        (
            name[: len("new.3")],
            cell["_id"],
            re.sub(r"\s*[(（].*", "", unicodedata.normalize("NFKC", cell["i_showname"]).strip()),
            unicodedata.normalize("NFKC", cell.get("du_name") or "亿元").strip(),
            name.split(".")[-2],
            cell.get("da_name") or None,
            period["code"],
            cell["value"] or None,
        )
        for name, data in files.items()
        if ".values." in name
        for period in json_of(data)["data"]
        for cell in period["values"]
    ]


def read_atlas(files: Mapping[str, bytes], source: str) -> list[Row]:
    parsed_file = stata(files["services_unilateral_country_product_year_4.dta"])
    assert set(parsed_file.names) == {*SOURCES[source].columns, "global_market_share", "pci"}
    positions = [parsed_file.names.index(name) for name in SOURCES[source].columns]
    missing = {"b": 101, "h": 32741, "i": 2147483621, "d": 2.0**1023, "f": 2.0**127}
    rows = [
        tuple(
            # pandas takes a double below Stata's range as missing, as it does one above
            None if number != number or number >= missing[kind] or number == -math.inf else repr(number)
            for kind, number in zip(
                parsed_file.layout[1:], struct.unpack(parsed_file.layout, row), strict=True
            )
        )
        for row in parsed_file.rows
    ]
    return [tuple(row[position] for position in positions) for row in rows]


def read_safe(files: Mapping[str, bytes], source: str) -> list[Row]:
    found: list[Row] = []
    for sheet, rows in sheets_of(files["bop_bpm6.xlsx"]):
        heads = [row for _, row in sorted(rows.items()) if row]
        unit = heads[1]["A"].strip().partition(":")[2]
        periods = {column: text for column, text in heads[2].items() if column != "A"}
        code, entries = "", iter(())
        for row in heads[3:]:
            label = row.get("A", "").strip()
            match = re.fullmatch(r"([0-9.A-Za-z]+?)\.?\s*([^0-9.\sA-Za-z].*)", label)
            if match and safe_bop.ITEMS.get(match[1]) == match[2]:
                code, entries = match[1], iter(("credit", "debit"))
                entry: str | None = "balance"
            else:
                entry = next(entries, None)
            if entry:
                named = safe_bop.ITEMS[code]
                found += [(sheet, unit, text, code, named, entry, row.get(c)) for c, text in periods.items()]
    return found


def read_safe_monthly(files: Mapping[str, bytes], source: str) -> list[Row]:
    found: list[Row] = []
    for sheet, rows in sheets_of(files["goods_and_services.xlsx"]):
        lines = [row for _, row in sorted(rows.items()) if row]
        # lines above the header may be missing, but for the one with the unit
        header = next(n for n, row in enumerate(lines) if re.fullmatch(r"[0-9]{4}\.[0-9]+", row.get("2", "")))
        unit = re.search("亿(美元|元)", " ".join(text for row in lines[:header] for text in row.values()))
        columns = [column for column in lines[header] if column != "A"]
        months = {column: f"{2015 + n // 12}-{n % 12 + 1:02}" for n, column in enumerate(columns)}
        figures = batched(lines[header + 1 : header + 46], 3)
        for code, rows_of_item in zip(safe_monthly.ITEMS, figures, strict=True):
            for entry, row in zip(("balance", "credit", "debit"), rows_of_item, strict=True):
                named = safe_monthly.ITEMS[code]
                assert (named in row["A"]) == (entry == "balance"), row["A"]
                found += [
                    (sheet, unit and unit[0], month, code, named, entry, row.get(column))
                    for column, month in months.items()
                ]
    return found


def batched(rows: list[dict[str, str]], count: int) -> Iterator[list[dict[str, str]]]:
    """Yield lists of `count` rows."""
    yield from (rows[first : first + count] for first in range(0, len(rows), count))


def shortest(text: str) -> str:
    """Return the shortest plain form of the double in a cell, or the text if it has no number."""
    try:
        digits = f"{Decimal(repr(float(text))):f}"
    except ValueError:
        return text
    return digits.removesuffix(".0")


def sheets_of(data: bytes) -> Iterator[tuple[str, dict[int, dict[str, str]]]]:
    """Yield each sheet of a workbook: its name, and its cells as text by row and column."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    relation = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        strings = [
            "".join(t.text or "" for run in (si, *si.findall(f"{main}r")) for t in run.findall(f"{main}t"))
            for si in ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314
        ]
        targets = {
            element.get("Id"): element.get("Target", "")
            for element in ET.fromstring(book.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        }
        for sheet in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{main}sheet"):  # noqa: S314
            rows: dict[int, dict[str, str]] = {}
            row_number = 0
            for row in ET.fromstring(book.read(f"xl/{targets[sheet.get(relation)]}")).iter(f"{main}row"):  # noqa: S314
                row_number = int(row.get("r", row_number + 1))
                cells: dict[str, str] = {}
                column = 0
                for element in row.findall(f"{main}c"):
                    column = column_number(element.get("r", "")) or column + 1
                    value = element.find(f"{main}v")
                    text = (value.text or "") if value is not None else ""
                    kind = element.get("t", "n")
                    text = strings[int(text)] if kind == "s" and text else text
                    text = shortest(text) if kind == "n" and text else text
                    if text:
                        cells["A" if column == 1 else str(column)] = text
                rows[row_number] = cells
            yield sheet.get("name", ""), rows


def column_number(cell_ref: str) -> int:
    number = 0
    for character in re.sub("[0-9]", "", cell_ref):
        number = number * 26 + ord(character) - 64
    return number


READ: Mapping[str, Callable[[Mapping[str, bytes], str], list[Row]]] = {
    "atlas_services": read_atlas,
    "batis": read_batis,
    "batis_sdmx": read_sdmx,
    "bea_services": read_bea,
    "curated": read_curated,
    "data360_digital": read_data360,
    "eurostat_bop": read_sdmx,
    "imf_bop": read_sdmx,
    "imf_exchange_rates": read_sdmx,
    "mofcom_totals": read_mofcom,
    "nbs_accounts": read_nbs,
    "ons_services": read_ons,
    "safe_bop": read_safe,
    "safe_monthly": read_safe_monthly,
    **dict.fromkeys((name for name in SOURCES if name.startswith("unctad_")), read_unctad),
    "worldbank_wdi": read_worldbank,
    "wto_digital": read_wto,
    "wto_merchandise": read_wto,
    "wto_services": read_wto,
    "wto_timeseries": read_timeseries,
    "wto_tismos": read_tismos,
}


# --- a case -------------------------------------------------------------------------------------------


def write_mirror(folder: Path, answers: Mapping[str, tuple[str, bytes, dict[str, Any]]]) -> None:
    entries = []
    for address, (file, data, entry) in answers.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        entries.append(
            {"address": address, "file": file, "sha256": hashlib.sha256(data).hexdigest(), **entry}
        )
    (folder / "index.json").write_text(json.dumps({"name": "spoiled", "answers": entries}), encoding="utf-8")


def add_release(home: Path, source: str) -> None:
    """Add a release with the landed vintage to the home; no case may change it."""
    release = home / "published" / "20200101T000000000000Z"
    release.mkdir(parents=True)
    (release / "warehouse.duckdb").write_bytes(b"what readers have open")
    now = datetime.now(UTC)
    manifest = ReleaseManifest(
        as_of=now.date(),
        is_of_the_past=False,
        fingerprint="",
        git_revision="",
        started_at=now,
        versions={},
        vintages=tuple(entry_of(vintage) for vintage in store.vintages(home / "landing", source)),
        published_at=now,
        validation={},
        release=release.name,
        database=DatabaseEntry(file="warehouse.duckdb", sha256="", size_bytes=0),
        tables={},
    )
    write_record(release / "MANIFEST.json", manifest)
    (home / "published" / "latest").symlink_to(release.name)


def fingerprint(home: Path, vintage: Path) -> dict[str, str]:
    """Digest every file of the vintage and of the releases."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (vintage, home / "published")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raise Hung when the block takes longer; end the process if it goes on after that."""

    def too_long(number: int, frame: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(3 * seconds, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


def pull(settings: Settings, source: str) -> tuple[str, str, dict[str, bytes]]:
    """Fetch and accept; return the outcome, the message, and the files as pulled."""
    files: dict[str, bytes] = {}
    incoming = ""
    try:
        incoming = steps.fetch(settings, source)
        pulled = Path(incoming) / "files"
        files = {path.name: path.read_bytes() for path in pulled.iterdir() if path.name != "fetched.json"}
        return "accepted" if steps.accept(settings, source, incoming) else "unchanged", "", files
    except WarehouseError as error:
        return ("rejected" if incoming else "failed"), str(error), files


def run_case(
    settings: Settings, source: str, mutation: Mutation, names: set[str], base: list[Row]
) -> tuple[str, str, str]:
    """Run a case in a home; return its result, the message, and a failed check or an empty text."""
    home = settings.home
    source_dir = home / "landing" / source
    try:
        with bounded(SECONDS_FOR_A_CASE):
            outcome, message, files = pull(settings, source)
    except Hung:
        return "hung", "", f"no end within {SECONDS_FOR_A_CASE} s"
    except Exception as error:  # noqa: BLE001 (an exception other than WarehouseError is a fault)
        return "broke", repr(error)[:300], f"a traceback: {error!r}"[:600]
    last = store.list_checks(home / "landing", source).require()[-1]
    if last.outcome != outcome:
        return outcome, message, f"the recorded outcome is {last.outcome}"
    if any((source_dir / store.INCOMING).iterdir()):
        return outcome, message, "a pull is left in the incoming folder"
    if last.failed_parts:  # an indicator, a sheet or a file with a problem fails alone
        message = "; ".join(f"{part.part}: {part.reason}" for part in last.failed_parts)
    if source == "curated" and last.failed_parts:
        reasons = "; ".join(part.reason for part in last.failed_parts)
        if mutation.is_void:
            return outcome, message, f"a file failed, but no row has changed: {reasons}"
        if not all(part.part in part.reason for part in last.failed_parts):
            return outcome, message, f"the reason does not name the file: {reasons}"
    if outcome in ("accepted", "unchanged"):
        return outcome, message, check_rows(home, source, outcome, files, base, bool(last.failed_parts))
    if mutation.is_void:
        return outcome, message, f"rejected, but no row has changed: {message}"
    return outcome, message, check_message(home, source, outcome, message, names)


def check_rows(
    home: Path, source: str, outcome: str, files: dict[str, bytes], base: list[Row], has_failed: bool
) -> str:
    """Compare the rows of the last vintage with an independent reading of the bytes.

    Where a part failed, each row must be of the bytes or of the vintage before, from which it is carried.
    """
    accepted_vintage = store.vintages(home / "landing", source)[-1] if outcome == "accepted" else None
    rows = rows_in(accepted_vintage.rows_path, source) if accepted_vintage else base
    try:
        read = READ[source](files, source)
    except Exception as error:  # noqa: BLE001 (a file that the simple reader can't read must not be accepted)
        if not has_failed:
            return f"accepted, but the simple reader fails with {error!r}"[:600]
        read = []
    if Counter(rows) == Counter(read):
        return ""
    if has_failed:
        strange = Counter(rows) - Counter(read) - Counter(base)
        return f"{outcome}: rows of neither {list(strange.items())[:2]}" if strange else ""
    more, less = list((Counter(rows) - Counter(read)).items()), list((Counter(read) - Counter(rows)).items())
    return f"{outcome}: rows too many {more[:2]}, rows missing {less[:2]}"[:900]


def check_message(home: Path, source: str, outcome: str, message: str, names: set[str]) -> str:
    """Check that a rejection names the source and a location, and is in the quarantine with its bytes."""
    if source not in message:
        return f"the message does not name the source: {message}"
    suite = f"raw.{source}: "
    if suite not in message and not any(
        f"{sign}" in message for sign in (*names, "address ", " row ", " line ")
    ):
        return f"the message names no location: {message}"
    if "the reader failed with" in message or "Traceback" in message:
        return f"unexpected exception in the reader: {message}"
    if outcome == "rejected":
        (report,) = (home / "rejected" / source).glob("*/report.json")
        report_json = json.loads(report.read_text(encoding="utf-8"))
        if not report_json["reasons"] or not any((report.parent / "files").iterdir()):
            return "the quarantine has no reasons or no bytes"
    return ""


def rows_in(path: Path, source: str) -> list[Row]:
    table = pq.read_table(path, columns=published_columns(source))
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def published_columns(source: str) -> list[str]:
    """Return the raw columns that come from the files; the reader of curated figures adds `implausible`."""
    return [column for column in SOURCES[source].columns if (source, column) != ("curated", "implausible")]


def restore(home: Path, source: str, vintage: str) -> None:
    """Remove the files that a case left behind."""
    for path in (home / "landing" / source).iterdir():
        if path.is_dir() and path.name not in (vintage, store.INCOMING):
            shutil.rmtree(path)
    for path in (home / "landing" / source / store.INCOMING).iterdir():
        shutil.rmtree(path)
    shutil.rmtree(home / "rejected", ignore_errors=True)


def run(task: Task) -> list[Outcome]:
    """Run all cases of a task in a separate home."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as scratch:
        home, mirror = Path(scratch, "home"), Path(scratch, "mirror")
        return list(_run(task, settings_of(home, mirror), mirror))


def _run(task: Task, settings: Settings, mirror: Path) -> Iterator[Outcome]:
    home = settings.home
    source, answers = task.source, recorded(task.night, task.source)
    write_mirror(mirror, answers)
    outcome, message, files = pull(settings, source)
    assert outcome == "accepted", f"{source}: the original answers are {outcome}: {message}"
    (released_vintage,) = store.vintages(home / "landing", source)
    base = rows_in(released_vintage.rows_path, source)
    assert Counter(base) == Counter(READ[source](files, source)), (
        f"{source}: the simple reader finds other rows"
    )
    add_release(home, source)
    before = fingerprint(home, released_vintage.directory)
    names = set(files)
    many = len(answers) > 10
    for number, (address, (file, data, entry)) in enumerate(answers.items()):
        if number % parts_of(source) != task.part:
            continue
        count = CASES_OF_A_FILE_AMONG_MANY if many else cases_of(source)
        seed = f"{task.night} {file}"
        for mutation in spoiled(form_of(source, file), data, seed, count, number * count if many else 0):
            later = entry | {"retrieved_at": "2026-06-01T00:00:00Z"}  # never older than the existing vintage
            write_mirror(mirror, answers | {address: (file, mutation.data, later)})
            outcome, message, fault = run_case(settings, source, mutation, names, base)
            if fingerprint(home, released_vintage.directory) != before:
                fault = f"{fault} the existing vintage or release has changed"
            restore(home, source, released_vintage.id)
            yield Outcome(source, f"{task.night}/{file}", mutation.name, outcome, message[:400], fault)
        write_mirror(mirror, answers)


def shares_reader(source: str) -> bool:
    """Return whether an earlier source has the function that reads this one, and all cases of its form."""
    reader = getattr(SOURCES[source].read, "func", None)
    others = [name for name, one in SOURCES.items() if getattr(one.read, "func", None) is reader]
    first = next((name for name in others if name not in WITHOUT_RECORDING), others[0])
    return reader is not None and source in WITHOUT_RECORDING and source != first


def cases_of(source: str) -> int:
    """Return the number of cases of a source's file."""
    return CASES_OF_A_SHARED_READER if shares_reader(source) else CASES_OF_A_FILE


def parts_of(source: str) -> int:
    return {"worldbank_wdi": 2, "nbs_accounts": 2, "curated": 2}.get(source, 1)


def tasks(asked: Collection[str]) -> list[Task]:
    nights = sorted(SAMPLE_DIR.glob("night-*"))
    assert len(nights) == 2
    found = {(night, source) for night in ("night-2",) for source in WITHOUT_RECORDING}
    for night in nights:
        index = json.loads((night / "index.json").read_text(encoding="utf-8"))
        found |= {(night.name, source_of(answer["address"])) for answer in index["answers"]}
    assert {source for _, source in found} == set(SOURCES)
    return [
        Task(night, source, part)
        for night, source in sorted(found)
        if source in asked
        for part in range(parts_of(source))
    ]


# --- the tests ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes(asked_sources: tuple[str, ...]) -> list[Outcome]:
    """Run the corpus of the sources in WORKERS processes."""
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(run, task) for task in tasks(asked_sources)]
        found = [outcome for future in waiting for outcome in future.result(timeout=SECONDS_FOR_ALL)]
    counts = Counter((outcome.source, outcome.outcome) for outcome in found)
    for source in asked_sources:
        summary = ", ".join(
            f"{counts[source, outcome]} {outcome}"
            for outcome in ("accepted", "unchanged", "rejected", "failed")
        )
        print(f"{source}: {summary}")
    print(f"{len(found)} cases of {len({outcome.file for outcome in found})} files")
    return found


def test_corpus_covers_every_sample_file(outcomes: list[Outcome]) -> None:
    assert len(outcomes) >= 2000
    cases_by_file = Counter(entry.file for entry in outcomes)
    recorded_files = {
        f"{night.name}/{entry['file']}"
        for night in SAMPLE_DIR.glob("night-*")
        for entry in json.loads((night / "index.json").read_text(encoding="utf-8"))["answers"]
    }
    assert len(recorded_files) > 60
    assert recorded_files <= set(cases_by_file)
    assert min(cases_by_file.values()) >= CASES_OF_A_FILE_AMONG_MANY
    shipped = sorted((PROJECT_ROOT / "warehouse" / "curated").glob("*.csv"))
    assert shipped
    for path in shipped:  # the shipped files equal the recorded files, so they are covered too
        assert path.read_bytes() == (SAMPLE_DIR / "night-2" / "curated" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("source", SOURCES)
def test_damaged_payload_is_read_correctly_or_rejected_with_reason(
    source: str, outcomes: list[Outcome]
) -> None:
    of_source = [outcome for outcome in outcomes if outcome.source == source]
    assert len(of_source) >= cases_of(source)
    fault = [f"{outcome.file}, {outcome.case}: {outcome.fault}" for outcome in of_source if outcome.fault]
    assert not fault, f"{len(fault)} of {len(of_source)}:\n" + "\n".join(fault)


@pytest.mark.parametrize("source", SOURCES)
def test_corpus_of_source_has_accepted_and_rejected_cases(source: str, outcomes: list[Outcome]) -> None:
    """A corpus with only rejected or only accepted cases would check nothing."""
    counts = Counter(outcome.outcome for outcome in outcomes if outcome.source == source)
    assert counts["accepted"] + counts["unchanged"] >= 5, counts
    failed_alone = sum(1 for outcome in outcomes if outcome.source == source and outcome.message)
    assert failed_alone >= cases_of(source) // 4, counts  # rejected, failed, or with a part that failed
