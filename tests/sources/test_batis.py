"""BaTiS: both editions' layouts, the sample's figures, bad rows, and memory that does not grow with the file."""
# ruff: noqa: E501 (the payloads are tables: a statement and a finding on each line)

from __future__ import annotations

import csv
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.model import MEBIBYTE, Request, raw_schema
from warehouse.quality import read_suite, validate_vintage
from warehouse.sources import batis

FIXTURES = Path(__file__).parents[1] / "fixtures" / "batis"
SAMPLE = SAMPLE_DIR / "night-2/webfs-sdd.oecd.org/files/.Stat/BATIS/OECD-WTO_BATIS_BPM6_December2025_bulk.zip"
HEADER = ",".join(batis.LAYOUTS["oecd"])
ROW = "CHN,c,USA,c,EXP,S,s,2019,1,2,E1,3"
Rows = list[dict[str, object]]


def packed(data: bytes, into: Path) -> Path:
    with zipfile.ZipFile(into / "answer.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bulk.csv", data)
    return into / "answer.zip"


def rows_of(archive: Path, work: Path) -> Rows:
    batches = list(batis.SOURCE.read({batis.ARCHIVE: archive}, work))
    assert all(batch.schema == raw_schema(batis.COLUMNS) for batch in batches)
    table: Rows = pa.Table.from_batches(batches).to_pylist()
    return table


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return rows_of(SAMPLE, tmp_path_factory.mktemp("sample"))


def test_every_row_equals_the_reading_of_the_csv_module(sample: Rows) -> None:
    with zipfile.ZipFile(SAMPLE) as archive, archive.open(archive.namelist()[0]) as member:
        header, *expected = csv.reader(io.TextIOWrapper(member, "utf-8", newline=""))
    assert tuple(header) == batis.LAYOUTS["oecd"]
    assert len(expected) == 103530  # unzip -p … | wc -l, minus the header
    assert [[row[column] or "" for column in batis.COLUMNS[1:]] for row in sample] == expected
    assert [row["_row"] for row in sample] == list(range(2, 103532))
    assert {row["edition"] for row in sample} == {"oecd"}
    assert {row["_file"] for row in sample} == {"batis.zip"}


def test_figures_of_china(sample: Rows) -> None:
    # unzip -p … | grep '^CHN,c,W,g,...,S,s,2019\|^CHN,c,USA,c,...,S,s,2019'
    def figure(partner: str, flow: str, item: str = "S") -> str:
        [found] = [
            row["balanced_value"]
            for row in sample
            if (row["partner"], row["flow"], row["item_code"], row["year"]) == (partner, flow, item, "2019")
        ]
        return str(found)

    assert figure("W", "EXP") == "251329.113707"
    assert figure("W", "IMP") == "408156.617802"
    assert figure("USA", "EXP") == "26033.953048"
    assert figure("USA", "IMP") == "70976.738259"
    # SA to SL add up to S with the world: 251329.113708 and 408156.617801, each twelve roundings to six decimals
    for flow, parts in (("EXP", "251329.113708"), ("IMP", "408156.617801")):
        assert sum(Decimal(figure("W", flow, f"S{letter}")) for letter in "ABCDEFGHIJKL") == Decimal(parts)


def test_dissolved_partners_have_no_values(sample: Rows) -> None:
    empty = [row for row in sample if row["balanced_value"] is None]
    assert len(empty) == 1360  # awk -F, '$12==""' | wc -l
    assert {row["partner"] for row in empty} == {"ANT", "CUW", "MNE", "SCG", "SRB", "SXM", "XKV"}
    assert {(row["reported_value"], row["final_value"]) for row in sample} == {(None, None)}


def test_edition_is_read_from_header_and_codes_stay_text(tmp_path: Path) -> None:
    oecd = rows_of(packed((FIXTURES / "oecd.csv").read_bytes(), tmp_path), tmp_path)
    wto = rows_of(packed((FIXTURES / "wto.csv").read_bytes(), tmp_path), tmp_path)
    assert ({row["edition"] for row in oecd}, {row["edition"] for row in wto}) == ({"oecd"}, {"wto"})
    assert [(row["reporter"], row["partner"], row["flow"]) for row in wto] == [
        ("CN", "WL", "X"),
        ("CN", "US", "M"),
        ("CN", "NA", "X"),
        ("CN", "888", "X"),
    ]
    assert [row["balanced_value"] for row in wto] == [
        "251329.113707",
        "70976.738259",
        "39.797521",
        "58.609735",
    ]
    assert {row["balanced_value"] for row in wto[:3]} <= {row["balanced_value"] for row in oecd}


def test_methodology_code_of_wto(tmp_path: Path) -> None:
    data = ",".join(batis.LAYOUTS["wto"]) + "\nCN,c,US,c,X,S,s,2019,1,2,R_NAT,3\n"
    [row] = rows_of(packed(data.encode(), tmp_path), tmp_path)
    assert (row["reported_value"], row["final_value"], row["methodology"], row["balanced_value"]) == (
        *("1", "2", "R_NAT", "3"),
    )


def test_plan_is_a_request_for_the_edition_of_the_month() -> None:
    plan = batis.SOURCE.plan()
    request = next(plan)
    assert isinstance(request, Request)
    assert request.address == (
        "https://webfs-sdd.oecd.org/files/.Stat/BATIS/OECD-WTO_BATIS_BPM6_December2025_bulk.zip"
    )
    assert (request.kind, request.max_bytes) == ("zip", 1024 * MEBIBYTE)
    with pytest.raises(StopIteration):
        plan.send(Path("answer"))


def read_error(work: Path, *lines: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        rows_of(packed(("\n".join(lines) + "\n").encode(), work), work)
    assert (caught.value.source, caught.value.file) == ("batis", "batis.zip")
    return caught.value


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.replace("Methodology", "Method"), "missing 'Methodology'; unknown 'Method'"),
        (HEADER.replace("Methodology", "Methodology,Final_value_methodology"), "unknown 'Methodology'"),
        (HEADER.replace("Reporter,type_Reporter", "type_Reporter,Reporter"), "column 1 is 'type_Reporter'"),
        (f"{HEADER},Note", "unknown 'Note'"),
        ("<html>", "an HTML or XML page"),
    ],
)
def test_unexpected_column_is_rejected_by_name(header: str, reason: str, tmp_path: Path) -> None:
    error = read_error(tmp_path, header, ROW)
    assert reason in str(error)
    assert error.row == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace("2019", "19"), "not a year of four digits in column year: '19'"),
        (ROW.replace("CHN", ""), "a value is missing in column reporter"),
        (ROW.replace("CHN,c", "CHN,"), "a value is missing in column type_reporter"),
        (ROW.replace(",S,", ",,"), "a value is missing in column item_code"),
        (ROW.replace(",1,2,", ",NA,2,"), "not a plain number in column reported_value: 'NA'"),
        (ROW.replace(",1,2,", ',"1,000",2,'), "not a plain number in column reported_value: '1,000'"),
        (ROW.replace(",1,2,", ",1,..,"), "not a plain number in column final_value: '..'"),
        (ROW.removesuffix("3") + "inf", "not a plain number in column balanced_value: 'inf'"),
        (ROW + ",4", "has 13 values, expected 12"),
    ],
)
@pytest.mark.parametrize("before", [0, 3])
def test_invalid_row_is_rejected_with_its_number(row: str, reason: str, before: int, tmp_path: Path) -> None:
    error = read_error(tmp_path, HEADER, *[ROW] * before, row, ROW)
    assert reason in str(error)
    assert error.row == before + 2


def test_exponents_and_signs_are_accepted(tmp_path: Path) -> None:
    data = f"{HEADER}\n{ROW.replace(',1,2,', ',-1.5,1e-06,')}\n".encode()
    [row] = rows_of(packed(data, tmp_path), tmp_path)
    assert (row["reported_value"], row["final_value"]) == ("-1.5", "1e-06")


def test_two_million_rows_are_read_in_bounded_memory(tmp_path: Path) -> None:
    # 104 MB of text: as Arrow arrays it takes more than that. The memory in use is bounded by
    # the CSV reader's blocks (32 of 1 MiB), the batch being filled and the batch being read.
    line = b"CHN,c,USA,c,EXP,S,s,2019,,12345.678901,E12,12345.678901\n"
    with (
        zipfile.ZipFile(tmp_path / "answer.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
        made.open("bulk.csv", "w") as out,
    ):
        out.write(HEADER.encode() + b"\n")
        for _ in range(200):
            out.write(line * 10_000)
    before, most, count, sizes = pa.total_allocated_bytes(), 0, 0, []
    for batch in batis.SOURCE.read({batis.ARCHIVE: tmp_path / "answer.zip"}, tmp_path):
        most = max(most, pa.total_allocated_bytes() - before)
        count += batch.num_rows
        sizes.append(batch.num_rows)
    assert count == 2_000_000
    assert most < 104 * MEBIBYTE
    assert min(sizes[:-1]) >= batis.MIN_BATCH_ROWS, "row groups of the landing are not small"
    assert [path.name for path in tmp_path.iterdir()] == ["answer.zip"], "the expanded file is gone"


def test_archive_over_size_limit_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert batis.MAX_EXPANDED_BYTES == 4096 * MEBIBYTE
    monkeypatch.setattr(batis, "MAX_EXPANDED_BYTES", 1000)
    with pytest.raises(SourceError, match="past the limit of 1000 bytes"):
        rows_of(SAMPLE, tmp_path)


def test_unexpected_file_is_rejected(tmp_path: Path) -> None:
    for files in ({}, {"other.zip": SAMPLE}, {batis.ARCHIVE: SAMPLE, "other.zip": SAMPLE}):
        with pytest.raises(SourceError, match="expected the one file"):
            list(batis.SOURCE.read(files, tmp_path))


# --- the load gate: each expectation fails on a payload that violates it ----------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    table = pa.Table.from_batches(list(batis.SOURCE.read({batis.ARCHIVE: SAMPLE}, folder)))
    pq.write_table(table, folder / "rows.parquet")
    return folder / "rows.parquet"


def findings(good: Path, work: Path, *statements: str, has_previous: bool = False) -> dict[str, str]:
    rows = work / "rows.parquet"
    with duckdb.connect() as db:
        db.execute(f"create table rows as select * from '{good}'")
        for statement in statements:
            db.execute(statement)
        db.execute(f"copy rows to '{rows}' (format parquet)")
    previous = good if has_previous else None
    verdict = validate_vintage(
        batis.SOURCE, rows, previous, DBT_PROJECT_DIR / "seeds", EXPECTATIONS_DIR, work / "validate"
    )
    return {finding.expectation: finding.detail for finding in verdict.findings if not finding.success}


def test_sample_passes_the_load_gate(good: Path, tmp_path: Path) -> None:
    assert findings(good, tmp_path, has_previous=True) == {}


SPOILED = {
    "columns are as expected": ("alter table rows rename type_item to item_type", ""),
    "there are rows": ("delete from rows", ""),
    "key is filled": ("update rows set partner = null where _row = 5", "no partner in file batis.zip row 5"),
    "key is unique": ("insert into rows from rows where _row = 7", "occurs 2 times (2 rows, first in file"),
    "lineage is filled": ("update rows set _row = 0 where _row = 9", "row number from 1 on (1 row"),
    "the edition is known": ("update rows set edition = 'imf' where _row = 9", "unknown edition 'imf'"),
    "reporter codes are known": ("update rows set reporter = 'QQQ' where _row = 9", "unknown reporter 'QQQ'"),
    "partner codes are known": ("update rows set partner = 'QQ' where _row = 9", "unknown partner 'QQ'"),
    "item codes are known": (
        "update rows set item_code = 'SZ9' where _row = 9",
        "unknown item 'SZ9' (1 rows",
    ),
    "flow codes are known": ("update rows set flow = 'X' where _row = 9", "unknown flow 'X' in edition oecd"),
    "types are known": ("update rows set type_item = 'r' where _row = 9", "item 'r' (1 row"),
    "a code has one type": (
        "update rows set type_partner = 'g' where partner = 'USA' and year = '2019'",
        "economy USA has the types c, g",
    ),
    "the world is a group": (
        "update rows set type_partner = 'c' where partner = 'W'",
        "the world as W has type c",
    ),
    "values are plain numbers": ("update rows set final_value = 'n/a' where _row = 9", "final 'n/a'"),
    "values fit their type": (
        "update rows set final_value = '0.1234567890123456789' where _row = 9",
        "more digits than decimal(38, 18) holds in row 9",
    ),
    "years are plausible": ("update rows set year = '1905' where _row = 9", "year '1905'"),
    "years run without a gap": ("delete from rows where year = '2010'", "between year 2009 and 2011"),
    "the newest year does not go back": ("delete from rows where year = '2019'", "newest year is 2018"),
    "China and the world are present": (
        "update rows set balanced_value = null where partner = 'W' and flow = 'IMP' and year = '2019'",
        "imports: the newest balanced value is from 2018",
    ),
    "services add up": (
        "update rows set balanced_value = '1' where partner = 'W' and flow = 'EXP' and item_code = 'SA' and year = '2019'",
        "flow EXP, year 2019: S is 251329.113707",
    ),
    "partners add up to the world": (
        "delete from rows where partner = 'USA'",
        "China, flow EXP, year 2005: partners add up to 90.32 %",
    ),
    "China has the right order of magnitude": (
        "update rows set balanced_value = '198.35' where partner = 'W' and flow = 'EXP' and item_code = 'S' and year = '2015'",
        "China 2015, flow EXP: 198.35",
    ),
    "no rows are lost": (
        "delete from rows where year < '2007'",
        "there are 89726 rows, the last vintage had 103530",
    ),
    "no values are lost": (
        "update rows set balanced_value = null where year < '2007'",
        "the last vintage had 0, 0 and 102170",
    ),
    "no series jumps in scale": (
        "update rows set balanced_value = cast(cast(balanced_value as decimal(38, 6)) * 1000 as varchar)",
        "China with the world, flow EXP: the median of 255 values is 1000.0",
    ),
}


@pytest.mark.parametrize("name", list(SPOILED))
def test_each_expectation_fails_on_its_payload(name: str, good: Path, tmp_path: Path) -> None:
    statement, expected_text = SPOILED[name]
    found = findings(good, tmp_path, statement, has_previous=name not in ("columns are as expected",))
    assert name in found
    assert expected_text in found[name]


def test_every_expectation_has_a_payload() -> None:
    suite = read_suite(EXPECTATIONS_DIR / "raw.batis.yml")
    assert {expectation.name for expectation in suite.expectations} == set(SPOILED)
