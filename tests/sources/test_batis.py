"""BaTiS: both editions' layouts, the sample's figures, bad rows, and memory that does not grow with the file."""
# ruff: noqa: E501 (the payloads are tables: a statement and a finding on each line)

from __future__ import annotations

import csv
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spoiled import failures

from warehouse.config import EXPECTATIONS_DIR, SAMPLE_DIR
from warehouse.errors import SourceError, Unavailable
from warehouse.fetch import fetch
from warehouse.model import MEBIBYTE, Request, raw_schema
from warehouse.quality import read_suite
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


NEXT_EDITION = batis.ADDRESS.replace("December2025", "December2026")
OECD_ANSWER = {
    "data": {
        "dataflows": [
            {
                "annotations": [
                    {"type": "NOTE", "text": "<a href='https://webfs-sdd.oecd.org/batis_old.zip'>Old</a>"},
                    {
                        "type": "EXT_RESOURCE",
                        "text": "<a href='https://www.oecd.org/batis.pdf'>Notes</a>",
                        "texts": {"en": f'<a href="{NEXT_EDITION}"><img src="x.png"/> Bulk</a>'},
                    },
                    {"type": "EXT_RESOURCE", "text": "<a href='https://example.org/batis.zip'>Copy</a>"},
                ]
            }
        ]
    }
}


def pull(folder: Path, answers: dict[str, bytes]) -> dict[str, str]:
    """Fetch BaTiS from a mirror of these answers; return the address of each file."""
    mirror = folder / "mirror"
    mirror.mkdir()
    for number, body in enumerate(answers.values()):
        (mirror / str(number)).write_bytes(body)
    entries = [{"address": address, "file": str(number)} for number, address in enumerate(answers)]
    (mirror / "index.json").write_text(json.dumps({"name": "toy", "answers": entries}))
    files = fetch(batis.SOURCE, folder / "files", mirror=str(mirror))
    assert {path.name for path in (folder / "files").iterdir()} == {"fetched.json", *(f.name for f in files)}
    return {file.name: file.address for file in files}


@pytest.mark.parametrize(
    ("dataflow", "served", "expected"),
    [
        (json.dumps(OECD_ANSWER), (NEXT_EDITION, batis.ADDRESS, batis.WTO_ADDRESS), NEXT_EDITION),
        (json.dumps(OECD_ANSWER), (batis.ADDRESS, batis.WTO_ADDRESS), batis.ADDRESS),
        ('{"data": {"dataflows": []}}', (batis.ADDRESS, batis.WTO_ADDRESS), batis.ADDRESS),
        ("{not json}", (batis.ADDRESS,), batis.ADDRESS),
        (None, (batis.ADDRESS, batis.WTO_ADDRESS), batis.ADDRESS),
        (None, (batis.WTO_ADDRESS,), batis.WTO_ADDRESS),
    ],
)
def test_plan_takes_the_first_address_that_has_the_archive(
    dataflow: str | None, served: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    archive = packed(f"{HEADER}\n{ROW}\n".encode(), tmp_path)
    answers = dict.fromkeys(served, archive.read_bytes())
    if dataflow is not None:
        answers[batis.DATAFLOW_ADDRESS] = dataflow.encode()
    found = pull(tmp_path, answers)
    assert found[batis.ARCHIVE] == expected
    files = {name: tmp_path / "files" / name for name in found}
    assert [
        row["balanced_value"]
        for row in pa.Table.from_batches(list(batis.SOURCE.read(files, tmp_path))).to_pylist()
    ] == ["3"]


def test_pull_without_any_archive_names_every_address(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no address has the archive") as caught:
        pull(tmp_path, {batis.DATAFLOW_ADDRESS: json.dumps(OECD_ANSWER).encode()})
    for address in (NEXT_EDITION, batis.ADDRESS, batis.WTO_ADDRESS, batis.HOMEPAGE):
        assert address in str(caught.value)


def test_server_without_an_answer_fails_the_pull() -> None:
    plan = batis.SOURCE.plan()
    next(plan)
    request = plan.throw(Unavailable("batis", "no complete answer in 4 attempts"))
    assert isinstance(request, Request)
    assert (request.address, request.kind, request.max_bytes) == (batis.ADDRESS, "zip", 1024 * MEBIBYTE)
    with pytest.raises(Unavailable):
        plan.throw(Unavailable("batis", "no complete answer in 4 attempts"))


def read_error(work: Path, *lines: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        rows_of(packed(("\n".join(lines) + "\n").encode(), work), work)
    assert (caught.value.source, caught.value.file) == ("batis", "batis.zip")
    return caught.value


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.replace("Methodology", "Method"), "missing 'Methodology'; not known 'Method'"),
        (f"{HEADER},Year", "repeated 'Year'"),
        (HEADER.replace(",", ";"), "missing 'Reporter', "),
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
        (ROW.replace(",1,2,", ',"0,5",2,'), "not a plain number in column reported_value: '0,5'"),
        (ROW.replace(",1,2,", ",0,5,2,"), "has 13 values, expected 12"),
        (ROW.removesuffix("3") + "inf", "not a plain number in column balanced_value: 'inf'"),
        (ROW + ",4", "has 13 values, expected 12"),
    ],
)
@pytest.mark.parametrize("before", [0, 3])
def test_invalid_row_is_rejected_with_its_number(row: str, reason: str, before: int, tmp_path: Path) -> None:
    error = read_error(tmp_path, HEADER, *[ROW] * before, row, ROW)
    assert reason in str(error)
    assert error.row == before + 2


def test_exponents_signs_and_leading_points_are_accepted(tmp_path: Path) -> None:
    data = f"{HEADER}\n{ROW.replace(',1,2,', ',-1.5,1e-06,').removesuffix('3')}.5\n".encode()
    [row] = rows_of(packed(data, tmp_path), tmp_path)
    assert (row["reported_value"], row["final_value"], row["balanced_value"]) == ("-1.5", "1e-06", ".5")


def test_further_column_and_another_order_change_no_figure(tmp_path: Path) -> None:
    header = HEADER.replace("Reporter,type_Reporter", "type_Reporter,Reporter") + ",Note"
    row = ROW.replace("CHN,c,", "c,CHN,", 1) + ",x"
    [got] = rows_of(packed(f"{header}\n{row}\n".encode(), tmp_path), tmp_path)
    assert (got["reporter"], got["type_reporter"], got["balanced_value"]) == ("CHN", "c", "3")


def test_carriage_returns_alone_end_lines(tmp_path: Path) -> None:
    got = rows_of(
        packed("\r".join([HEADER, ROW, ROW.replace("2019", "2018"), ""]).encode(), tmp_path), tmp_path
    )
    assert [(row["year"], row["balanced_value"], row["_row"]) for row in got] == [
        ("2019", "3", 2),
        ("2018", "3", 3),
    ]


def test_code_lists_beside_the_table_are_noted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "answer.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("OECD-WTO_BATIS_BPM6_December2025_code_lists.xlsx", b"PK")
        made.writestr("OECD-WTO_BATIS_BPM6_December2025_bulk.csv", f"{HEADER}\n{ROW}\n")
    notes: list[str] = []
    batches = batis.SOURCE.read(
        {batis.ARCHIVE: tmp_path / "answer.zip"}, tmp_path, lambda file, detail, **_: notes.append(detail)
    )
    [row] = pa.Table.from_batches(list(batches)).to_pylist()
    assert row["balanced_value"] == "3"
    assert notes == ["further file 'OECD-WTO_BATIS_BPM6_December2025_code_lists.xlsx' in the archive"]


@pytest.mark.parametrize(
    ("name", "method", "reason"),
    [
        ("bulk.csv", zipfile.ZIP_BZIP2, "'bulk.csv' is compressed with method 12 (bzip2), not deflate"),
        ("bulk.zip", zipfile.ZIP_DEFLATED, "must have exactly one file *.csv; it has 'bulk.zip'"),
    ],
)
def test_packing_that_is_not_read_is_rejected_with_a_remedy(
    name: str, method: int, reason: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "answer.zip", "w", method) as made:
        made.writestr(name, f"{HEADER}\n{ROW}\n")
    with pytest.raises(SourceError) as caught:
        rows_of(tmp_path / "answer.zip", tmp_path)
    assert reason in str(caught.value)
    assert "pack it alone with deflate" in str(caught.value)
    assert "WAREHOUSE_MIRROR" in str(caught.value)


def test_deflate64_is_rejected_by_its_name(tmp_path: Path) -> None:
    data = bytearray(packed(f"{HEADER}\n{ROW}\n".encode(), tmp_path).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # APPNOTE.TXT 4.3.7 and 4.3.12
        data[data.index(signature) + offset] = 9
    (tmp_path / "answer.zip").write_bytes(data)
    with pytest.raises(SourceError, match=r"compressed with method 9 .Deflate64., not deflate"):
        rows_of(tmp_path / "answer.zip", tmp_path)


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


def test_sample_passes_the_load_gate(good: Path, tmp_path: Path) -> None:
    assert failures(batis.SOURCE, good, tmp_path) == {}


SPOILED = {
    "columns are as expected": ("alter table rows rename type_item to item_type", ""),
    "there are rows": ("delete from rows", ""),
    "key is filled": ("update rows set partner = null where _row = 5", "no partner in file batis.zip row 5"),
    "key is unique": ("insert into rows from rows where _row = 7", "occurs 2 times (2 rows, first in file"),
    "lineage is filled": ("update rows set _row = 0 where _row = 9", "row number from 1 on (1 row"),
    "the edition is known": ("update rows set edition = 'imf' where _row = 9", "unknown edition 'imf'"),
    "reporter codes are known for most rows": (
        "update rows set reporter = 'QQQ' where _row < 20800",
        "unknown reporter 'QQQ' in edition oecd (20798 rows",
    ),
    "partner codes are known for most rows": (
        "update rows set partner = 'QQ' where _row < 20800",
        "unknown partner 'QQ' in edition oecd (20798 rows",
    ),
    "item codes are known for most rows": (
        "update rows set item_code = 'SZ9' where _row < 20800",
        "unknown item 'SZ9' (20798 rows",
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
    has_previous = name != "columns are as expected"
    found = failures(batis.SOURCE, good, tmp_path, statement, has_previous=has_previous, only=[name])
    assert name in found
    assert expected_text in found[name]


def test_every_expectation_has_a_payload() -> None:
    suite = read_suite(EXPECTATIONS_DIR / "raw.batis.yml")
    assert {expectation.name for expectation in suite.expectations} == set(SPOILED)
