"""ONS services by partner: wide to long, the sample's figures, the page, bad tables, and the gate."""
# ruff: noqa: E501 (the payloads are tables: a statement and a finding on each line)

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spoiled import failures
from workbooks import workbook

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.model import Request, raw_schema
from warehouse.quality import read_suite
from warehouse.sources import ons_services as ons

FIXTURE = Path(__file__).parents[1] / "fixtures" / "ons_services" / "services_by_partner.csv"
FOLDER = SAMPLE_DIR / "night-2" / ons.HOST / ons.DATASET.rpartition("/")[2]
SAMPLE, PAGE = FOLDER / "current" / "service_trade.csv", FOLDER / "index.html"
HEADER = ",".join((*ons.LABELS, "2020", "2021", "2021Q1"))
ROW = "Exports,0,Total Services,CN,China,8127,8168,1819"
Rows = list[dict[str, object]]


def rows_of(table: Path, work: Path) -> Rows:
    batches = list(ons.SOURCE.read({ons.PAGE_FILE: PAGE, ons.TABLE_FILE: table}, work))
    assert all(batch.schema == raw_schema(ons.COLUMNS) for batch in batches)
    rows: Rows = pa.Table.from_batches(batches).to_pylist()
    return rows


class Notes(list[str]):
    """Records the drift of a reading."""

    def __call__(self, file: str, detail: str, *, failed_part: str = "") -> None:
        assert not failed_part
        self.append(detail)


def read_text(work: Path, *lines: str) -> tuple[Rows, Notes]:
    """Read a CSV of these lines; return its rows and the drift."""
    table, notes = work / "table.csv", Notes()
    table.write_bytes(("\n".join(lines) + "\n").encode())
    batches = list(ons.read({ons.PAGE_FILE: PAGE, ons.TABLE_FILE: table}, work, notes))
    rows: Rows = pa.Table.from_batches(batches).to_pylist()
    return rows, notes


def read_workbook(work: Path, sheets: dict[str, Sequence[Sequence[str | int | None]]]) -> tuple[Rows, Notes]:
    path, notes = workbook(work / "table.xlsx", sheets), Notes()
    batches = list(ons.read({ons.PAGE_FILE: PAGE, ons.WORKBOOK_FILE: path}, work, notes))
    rows: Rows = pa.Table.from_batches(batches).to_pylist()
    return rows, notes


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return rows_of(SAMPLE, tmp_path_factory.mktemp("sample"))


def expected_rows(table: Path) -> set[tuple[str, ...]]:
    with table.open(encoding="utf-8", newline="") as handle:
        header, *lines = csv.reader(handle)
    return {
        (*line[:5], header[column], line[column], str(number))
        for number, line in enumerate(lines, start=2)
        for column in range(5, len(header))
    }


@pytest.mark.parametrize("table", [FIXTURE, SAMPLE], ids=["fixture", "sample"])
def test_every_cell_equals_the_reading_of_the_csv_module(table: Path, tmp_path: Path) -> None:
    got = rows_of(table, tmp_path)
    assert (
        len(got) == {FIXTURE: 12 * 30, SAMPLE: 7802 * 30}[table]
    )  # lines less the header, 6 years and 24 quarters
    found = {(*(str(row[column]) for column in ons.COLUMNS), str(row["_row"])) for row in got}
    assert len(found) == len(got)
    assert found == expected_rows(table)
    assert all(row["_file"] == f"services_by_partner.csv#{row['period']}" for row in got)
    assert len({(row["_file"], row["_row"]) for row in got}) == len(got)


def test_figures_with_china(sample: Rows) -> None:
    # grep '^[EI][a-z]*,0,Total Services,CN' service_trade.csv | cut -d, -f1,11,35: the year 2021 and its last quarter
    def figure(direction: str, period: str) -> object:
        [found] = [
            row["value"]
            for row in sample
            if (row["direction"], row["service_type_code"], row["country_code"], row["period"])
            == (direction, "0", "CN", period)
        ]
        return found

    assert (figure("Exports", "2021"), figure("Imports", "2021")) == ("8168", "2498")
    assert (figure("Exports", "2021Q4"), figure("Imports", "2021Q4")) == ("2205", "692")
    assert sum(1 for row in sample if row["value"] == "..") == 22793  # tr , '\n' | grep -c '^\.\.'


def test_seed_has_every_service_type_and_ignores_three(sample: Rows) -> None:
    with (DBT_PROJECT_DIR / "seeds" / "ons_services_item.csv").open(encoding="utf-8", newline="") as handle:
        seed = {row["service_type_code"]: row for row in csv.DictReader(handle)}
    labels = {(str(row["service_type_code"]), str(row["service_type"]).strip()) for row in sample}
    assert labels == {(code, row["service_type"]) for code, row in seed.items()}
    ignored = {code for code, row in seed.items() if not row["service"]}
    assert ignored == {"10.3.N510", "10.3.N58", "10.3.N59"}
    assert {code for code, row in seed.items() if row["why_ignored"]} == ignored
    services = [row["service"] for row in seed.values() if row["service"]]
    assert len(services) == len(set(services)) == 44
    assert [seed[str(code)]["service"] for code in range(1, 13)] == [
        f"S{letter}" for letter in "ABCDEFGHIJKL"
    ]


def test_plan_requests_the_page_and_the_linked_table() -> None:
    plan = ons.SOURCE.plan()
    page = next(plan)
    assert isinstance(page, Request)
    assert (page.address, page.kind) == (
        "https://www.ons.gov.uk/businessindustryandtrade/internationaltrade/datasets/"
        "uktradeinservicesservicetypebypartnercountrynonseasonallyadjusted",
        "html",
    )
    table = plan.send(PAGE)
    assert (table.name, table.kind) == ("services_by_partner.csv", "csv")
    assert table.address == (f"https://www.ons.gov.uk/file?uri={ons.DATASET}/current/service_trade.csv"), (
        "not the workbook, not the superseded table, not the other dataset's"
    )
    with pytest.raises(StopIteration):
        plan.send(SAMPLE)


def test_plan_requests_the_workbook_where_the_page_links_no_csv(tmp_path: Path) -> None:
    """The page of 2026 links workbooks; the first one is the current edition's."""
    page = tmp_path / "page.html"
    links = ("/current/servicetypebycountry.xlsx", "/current/other.xlsx", "/current/previous/v1/old.xlsx")
    page.write_text("".join(f'<a href="/file?uri={ons.DATASET}{link}">csv</a>' for link in links))
    plan = ons.SOURCE.plan()
    next(plan)
    table = plan.send(page)
    assert isinstance(table, Request)
    assert (table.name, table.kind) == ("services_by_partner.xlsx", "xlsx")
    assert table.address == f"https://www.ons.gov.uk/file?uri={ons.DATASET}/current/servicetypebycountry.xlsx"
    with pytest.raises(StopIteration):
        plan.send(SAMPLE)


TITLE = "UK trade in services: service type by partner country, non-seasonally adjusted"


def test_workbook_is_read_by_its_header_row(tmp_path: Path) -> None:
    """Two lines above the header, years as numbers; whole numbers have no point, marks stay as sent."""
    rows, notes = read_workbook(
        tmp_path,
        {
            "Cover": [["Notes"]],
            "Sheet 1. Time Series": [
                [TITLE],
                ["Current prices, million pounds"],
                [*ons.LABELS, 2020, 2021, "2021Q1"],
                ["Exports", 0, "Total Services", "CN", "China", 8127, 8168, 1819],
                ["Imports", 10.1, "Research", "NA", "Namibia", "C", "-", -3],
            ],
        },
    )
    place = "services_by_partner.xlsx#Sheet 1. Time Series!"
    assert [tuple(row.values()) for row in rows] == [
        ("Exports", "0", "Total Services", "CN", "China", "2020", "8127", f"{place}F4", 4),
        ("Exports", "0", "Total Services", "CN", "China", "2021", "8168", f"{place}G4", 4),
        ("Exports", "0", "Total Services", "CN", "China", "2021Q1", "1819", f"{place}H4", 4),
        ("Imports", "10.1", "Research", "NA", "Namibia", "2020", "C", f"{place}F5", 5),
        ("Imports", "10.1", "Research", "NA", "Namibia", "2021", "-", f"{place}G5", 5),
        ("Imports", "10.1", "Research", "NA", "Namibia", "2021Q1", "-3", f"{place}H5", 5),
    ]
    assert notes == [
        "further sheet 'Cover'",
        f"the line {TITLE!r} above the header",
        "the line 'Current prices, million pounds' above the header",
    ]


def test_csv_saved_from_the_workbook_is_read(tmp_path: Path) -> None:
    """Excel pads the title rows with commas; a source line below the table is no row of it."""
    rows, notes = read_text(
        tmp_path,
        f'"{TITLE}",,,,,,,',
        "Million pounds",
        "",
        HEADER,
        ROW,
        "Source: Office for National Statistics,,,,,,,",
    )
    assert [(row["period"], row["value"], row["_file"], row["_row"]) for row in rows] == [
        ("2020", "8127", "services_by_partner.csv#2020", 5),
        ("2021", "8168", "services_by_partner.csv#2021", 5),
        ("2021Q1", "1819", "services_by_partner.csv#2021Q1", 5),
    ]
    assert notes == [
        f"the line {TITLE!r} above the header",
        "the line 'Million pounds' above the header",
        "row 6: the line 'Source: Office for National Statistics'",
    ]


@pytest.mark.parametrize("mark", ["..", "C", "c", "-", "–", "[x]", "[c]", "[low]", " C "])
def test_mark_in_place_of_a_figure_is_kept_as_sent(mark: str, tmp_path: Path) -> None:
    rows, _ = read_text(tmp_path, HEADER, ROW.replace("8168", mark))
    assert [row["value"] for row in rows] == ["8127", mark.strip(), "1819"]


@pytest.mark.parametrize(
    ("header", "drift"),
    [
        (HEADER + ",Notes", ["further column 'Notes'"]),
        (HEADER.replace("Country code", " Country  code") + ",", []),
        (HEADER.replace("2021Q1", "2021 Q1") + ",x", ["further column 'x'"]),
    ],
)
def test_further_column_is_drift(header: str, drift: list[str], tmp_path: Path) -> None:
    rows, notes = read_text(tmp_path, header, ROW + (",7" if header.count(",") > 7 else ""))
    assert [(row["period"], row["value"]) for row in rows] == [
        ("2020", "8127"),
        ("2021", "8168"),
        ("2021Q1", "1819"),
    ]
    assert notes == drift


def test_periods_in_another_order_are_read_by_their_header(tmp_path: Path) -> None:
    rows, _ = read_text(tmp_path, HEADER.replace("2020,2021", "2021,2020"), ROW)
    assert [(row["period"], row["value"]) for row in rows] == [
        ("2021", "8127"),
        ("2020", "8168"),
        ("2021Q1", "1819"),
    ]


@pytest.mark.parametrize(
    ("sheets", "reason"),
    [
        (
            {"Sheet 2": [["x"]]},
            "0 sheets are named 'Sheet 1. Time Series', expected 1; the sheets are ['Sheet 2']",
        ),
        (
            {ons.SHEET: [["Title"], ["x"]]},
            "no row begins with 'Direction'; the first rows are ['Title', 'x']",
        ),
        (
            {ons.SHEET: [[*ons.LABELS, 2021], ["Exports", 0, "Total", "CN", "China", None]]},
            "a value is missing in column 2021",
        ),
        (
            {ons.SHEET: [[*ons.LABELS, 2021], ["Exports", 0, "Total", "CN", "China", "8.5"]]},
            "neither a whole number nor '..' in column 2021: '8.5'",
        ),
    ],
)
def test_workbook_with_unexpected_content_is_rejected(
    sheets: dict[str, Sequence[Sequence[str | int | None]]], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError) as caught:
        read_workbook(tmp_path, sheets)
    assert reason in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "links",
    [
        [],
        ["/file?uri={}/current/a.xls"],
        ["/file?uri={}/current/a.csv", "/file?uri={}/current/b.csv"],
        ["https://elsewhere.example/file?uri={}/current/a.csv"],
        ["http://www.ons.gov.uk/file?uri={}/current/a.csv"],
        ["/file?uri={}/current/../a.csv"],
        ["/file?uri={}/current/a.csv&uri=/etc/passwd"],
        ["/file?uri={}other/current/a.csv"],
        ["https://[/file?uri={}/current/a.csv"],
    ],
)
def test_page_without_exactly_one_table_is_rejected(links: list[str]) -> None:
    page = "".join(f'<a href="{link.format(ons.DATASET)}">csv</a>' for link in links)
    with pytest.raises(SourceError, match="CSV files of the dataset, expected 1, and 0 workbooks"):
        ons.table_address(page.encode())
    with pytest.raises(SourceError, match="not UTF-8"):
        ons.table_address(b"\xff" + page.encode())


def read_error(work: Path, *lines: str) -> SourceError:
    table = work / "table.csv"
    table.write_bytes(("\n".join(lines) + "\n").encode())
    with pytest.raises(SourceError) as caught:
        rows_of(table, work)
    assert (caught.value.source, caught.value.file) == ("ons_services", "services_by_partner.csv")
    return caught.value


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.replace("Country code", "Code"), "missing 'Country code'"),
        (HEADER.replace("Country code", "Country"), "'Country' is repeated; missing 'Country code'"),
        (HEADER.replace("2021Q1", "2021Q5"), "'2021Q5' is not a period such as 2021 or 2021Q4"),
        (HEADER.replace("2021Q1", "Q1 2021"), "'Q1 2021' is not a period"),
        (HEADER.replace("2021Q1", "2021"), "'2021' is repeated"),
        (",".join(ons.LABELS), "no column is a period"),
        (HEADER.replace("Direction", "Flow"), "no row begins with 'Direction'"),
        ("<!doctype html>", "an HTML or XML page"),
    ],
)
def test_unexpected_column_is_rejected_by_name(header: str, reason: str, tmp_path: Path) -> None:
    error = read_error(tmp_path, header, ROW)
    assert reason in str(error)
    assert error.row == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace("8168", ""), "a value is missing in column 2021"),
        (ROW.replace("CN", ""), "a value is missing in column Country code"),
        (ROW.replace("8168", "n/a"), "neither a whole number nor '..' in column 2021: 'n/a'"),
        (ROW.replace("8168", '"8,168"'), "neither a whole number nor '..' in column 2021: '8,168'"),
        (ROW.replace("1819", "1819.5"), "neither a whole number nor '..' in column 2021Q1: '1819.5'"),
        (ROW + ",1", "has 9 values, expected 8"),
    ],
)
@pytest.mark.parametrize("before", [0, 3])
def test_invalid_row_is_rejected_with_its_number(row: str, reason: str, before: int, tmp_path: Path) -> None:
    error = read_error(tmp_path, HEADER, *[ROW] * before, row, ROW)
    assert reason in str(error)
    assert error.row == before + 2


def test_unexpected_files_are_rejected(tmp_path: Path) -> None:
    for files in ({}, {ons.TABLE_FILE: SAMPLE}, {ons.PAGE_FILE: PAGE, "other.csv": SAMPLE}):
        with pytest.raises(SourceError, match="expected the files"):
            list(ons.SOURCE.read(files, tmp_path))


# --- the load gate: each expectation fails on a payload that violates it ----------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    table = pa.Table.from_batches(
        list(ons.SOURCE.read({ons.PAGE_FILE: PAGE, ons.TABLE_FILE: SAMPLE}, folder))
    )
    pq.write_table(table, folder / "rows.parquet")
    return folder / "rows.parquet"


def test_sample_passes_the_load_gate(good: Path, tmp_path: Path) -> None:
    assert failures(ons.SOURCE, good, tmp_path) == {}


CELL = "direction = 'Exports' and service_type_code = '0' and country_code = 'CN'"
SPOILED = {
    "columns are as expected": ("alter table rows rename country to partner", ""),
    "there are rows": ("delete from rows", ""),
    "key is filled": (
        f"update rows set country_code = null where {CELL}",
        "no country_code in file services_by",
    ),
    "key is unique": (
        f"insert into rows from rows where {CELL} and period = '2021'",
        "period 2021 occurs 2 times",
    ),
    "lineage is filled": (f"update rows set _row = 0 where {CELL}", "row number from 1 on (30 rows"),
    "country codes are known for most rows": (
        "update rows set country_code = 'Q' || country_code where service_type_code < '11'",
        "unknown country 'Q4A' labelled 'EU Institutions'",
    ),
    "service types are known for most rows": (
        "update rows set service_type_code = '10.4' where country_code < 'M'",
        "unknown service type '10.4' labelled",
    ),
    "directions are known": (
        f"update rows set direction = 'Balance' where {CELL}",
        "unknown direction 'Balance'",
    ),
    "periods are years and quarters": (f"update rows set period = '2021M1' where {CELL}", "period '2021M1'"),
    "values are whole numbers or marks": (
        f"update rows set value = '1.5' where {CELL}",
        "value '1.5' is neither",
    ),
    "years run without a gap": ("delete from rows where period like '2018%'", "between year 2017 and 2019"),
    "the newest period does not go back": (
        "delete from rows where period = '2021Q4'",
        "the newest period is 2021Q3",
    ),
    "China and the world are present": (
        f"delete from rows where {CELL} and period = '2021Q4'",
        "country CN, Exports, 2021Q4: no row",
    ),
    "quarters add up to their year": (
        f"update rows set value = '2208' where {CELL} and period = '2021Q4'",
        "country CN, 2021: 8168.0 is printed, the quarters add up to 8171.0",
    ),
    "services add up": (
        "update rows set value = '1' where country_code = 'W1' and service_type_code = '4' and period = '2021'",
        "Exports, 2021: all services are 303582.0",
    ),
    "China has the right order of magnitude": (
        f"update rows set value = '8590000' where {CELL} and period = '2019'",
        "China 2019, Exports: 8590000",
    ),
    "no period is lost": (
        "delete from rows where period like '2016%'",
        "the table has no longer the 5 periods 2016, 2016Q1, 2016Q2, 2016Q3, 2016Q4 of the last vintage; "
        "it begins with 2017",
    ),
    "no rows are lost": (
        "delete from rows where country_code between 'A' and 'C'",
        "the last vintage had 234060",
    ),
    "no values are lost": (
        "update rows set value = '..' where country_code between 'A' and 'C'",
        "the last vintage had 211267",
    ),
    "no series jumps in scale": (
        "update rows set value = value || '000' where value <> '..'",
        "series China, Exports: the median of",
    ),
}


@pytest.mark.parametrize(
    "statement",
    [
        f"update rows set value = 'C' where {CELL}",
        "update rows set value = '-' where service_type_code = '12' and country_code = 'W1' and period = '2021'",
        "update rows set country_code = 'QQ' where country_code = 'AD'",
        "update rows set value = cast(cast(value as int) + 1 as text) where country_code = 'W1' and period = '2020Q1' and value <> '..' and service_type_code = '0'",
        "update rows set value = '-' where value = '0'",
    ],
    ids=[
        "China is suppressed",
        "a part of the world is nil",
        "unknown country",
        "rounding",
        "every nil has a mark",
    ],
)
def test_gate_accepts_what_the_publisher_may_print(statement: str, good: Path, tmp_path: Path) -> None:
    assert failures(ons.SOURCE, good, tmp_path, statement) == {}


@pytest.mark.parametrize("name", list(SPOILED))
def test_each_expectation_fails_on_its_payload(name: str, good: Path, tmp_path: Path) -> None:
    statement, expected_text = SPOILED[name]
    found = failures(ons.SOURCE, good, tmp_path, statement, only=[name])
    assert name in found
    assert expected_text in found[name]


def test_every_expectation_has_a_payload() -> None:
    suite = read_suite(EXPECTATIONS_DIR / "raw.ons_services.yml")
    assert {expectation.name for expectation in suite.expectations} == set(SPOILED)
