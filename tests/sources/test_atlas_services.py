"""The Atlas's services: the recorded Stata file, the Dataverse listing, and rejected files."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from warehouse.config import SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.formats.stata import DOUBLE, INTEGER, read_stata
from warehouse.model import raw_schema
from warehouse.sources import atlas_services
from warehouse.sources.atlas_services import CSV_FILE, FILE, LISTING, find_file

SOURCE = atlas_services.SOURCE
HOST = SAMPLE_DIR / "night-2" / "dataverse.harvard.edu"
SAMPLE = HOST / "api" / "access" / "datafile" / FILE
SAMPLE_LISTING = HOST / "api" / "datasets" / "persistentId" / "DVN-NDDMSN.json"
NOT_FOUND = Path(__file__).parents[1] / "fixtures" / SOURCE.name / "not_found.json"

# The layout of the file, read without pandas: format 114, header of 109 bytes, for 7 variables types (7),
# names (7 x 33), sort order (2 x 8), formats (7 x 49), value labels (7 x 33), labels (7 x 81), and the
# expansion fields, which have only the end mark (5). A row is int32, int16, int32 and four doubles.
START = 109 + 7 + 7 * 33 + 2 * 8 + 7 * 49 + 7 * 33 + 7 * 81 + 5
ROW = struct.Struct("<ihi4d")


def expected_rows() -> list[tuple[Any, ...]]:
    return list(ROW.iter_unpack(SAMPLE.read_bytes()[START:]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    batches = list(SOURCE.read({LISTING: SAMPLE_LISTING, FILE: SAMPLE}, tmp_path_factory.mktemp("work")))
    assert all(batch.schema == raw_schema(SOURCE.columns) for batch in batches)
    return pa.Table.from_batches(batches).to_pylist()


def test_every_text_converts_to_the_binary_number_of_the_file(whole: list[dict[str, Any]]) -> None:
    assert len(whole) == int.from_bytes(SAMPLE.read_bytes()[6:10], "little") == 44505
    assert [row["_row"] for row in whole] == list(range(1, 44506))
    for row, sent in zip(whole, expected_rows(), strict=True):
        country, product, year, exports, imports, _, _ = sent
        assert (row["country_id"], row["product_id"], row["year"]) == (str(country), str(product), str(year))
        assert (row["export_value"], row["import_value"]) == (repr(exports), repr(imports))


def test_figures_of_china(whole: list[dict[str, Any]]) -> None:
    # From expected_rows(), the rows where country_id is 156 and year is 2019.
    china = {
        row["product_id"]: (row["export_value"], row["import_value"], row["_row"])
        for row in whole
        if row["country_id"] == "156" and row["year"] == "2019"
    }
    assert china == {
        "4000": ("29130.0", "0.0", 8113),
        "4001": ("35831795712.0", "254620565504.0", 17014),
        "4002": ("46173130752.0", "105154224128.0", 25915),
        "4003": ("153646989312.0", "132311474176.0", 34816),
        "4004": ("8707219456.0", "13421914112.0", 43717),
    }


def test_balancing_entry_negatives_and_zeros_are_kept(whole: list[dict[str, Any]]) -> None:
    assert sum(row["country_id"] == "914" for row in whole) == 215
    assert sum(row["export_value"].startswith("-") for row in whole) == 37
    assert sum(row["import_value"].startswith("-") for row in whole) == 11
    assert sum(row["export_value"] == "0.0" for row in whole) == 18103
    assert {row["country_id"] for row in whole} >= {"4", "8", "76", "156", "914"}


def test_plan_finds_the_file_in_the_listing() -> None:
    plan = SOURCE.plan()
    listing = next(plan)
    assert listing.address == (
        "https://dataverse.harvard.edu/api/datasets/:persistentId/?persistentId=doi%3A10.7910%2FDVN%2FNDDMSN"
    )
    file = plan.send(SAMPLE_LISTING)
    assert file.address == "https://dataverse.harvard.edu/api/access/datafile/1000004?format=original"
    assert (file.name, file.kind) == (FILE, "dta")
    with pytest.raises(StopIteration):
        plan.send(SAMPLE)


def listing(tmp_path: Path, **changes: Any) -> Path:
    answer = json.loads(SAMPLE_LISTING.read_text())
    answer["data"]["latestVersion"]["files"][1] |= changes
    (tmp_path / LISTING).write_text(json.dumps(answer))
    return tmp_path / LISTING


def test_file_not_ingested_by_dataverse_is_requested_without_format(tmp_path: Path) -> None:
    plan = SOURCE.plan()
    next(plan)
    file = plan.send(listing(tmp_path, label=FILE))
    assert file.address == "https://dataverse.harvard.edu/api/access/datafile/1000004"


CSV_ORIGINAL = {"id": 1000004, "originalFileName": CSV_FILE, "originalFileFormat": "text/csv"}


@pytest.mark.parametrize(
    ("changes", "name", "kind", "query"),
    [
        ({"label": CSV_FILE}, CSV_FILE, "csv", ""),
        ({"dataFile": CSV_ORIGINAL}, CSV_FILE, "csv", "?format=original"),
        (
            {"dataFile": {"id": 1000004, "originalFileFormat": "text/csv"}},
            CSV_FILE,
            "csv",
            "?format=original",
        ),
        ({"dataFile": {"id": 1000004}}, FILE, "dta", "?format=original"),
    ],
    ids=["csv", "tab of a csv", "tab of a csv by its format", "tab of an unnamed original"],
)
def test_format_is_chosen_by_what_is_listed(
    changes: dict[str, Any], name: str, kind: str, query: str, tmp_path: Path
) -> None:
    plan = SOURCE.plan()
    next(plan)
    file = plan.send(listing(tmp_path, **changes))
    assert (file.name, file.kind) == (name, kind)
    assert file.address == f"https://dataverse.harvard.edu/api/access/datafile/1000004{query}"


def test_csv_is_preferred_and_two_files_of_a_name_are_rejected(tmp_path: Path) -> None:
    answer = json.loads(SAMPLE_LISTING.read_text())
    files = answer["data"]["latestVersion"]["files"]
    files.append(files[1] | {"label": CSV_FILE, "dataFile": {"id": 5}})
    (tmp_path / LISTING).write_text(json.dumps(answer))
    assert find_file(tmp_path / LISTING) == (CSV_FILE, "5", False)
    files.append(files[-1])
    (tmp_path / LISTING).write_text(json.dumps(answer))
    with pytest.raises(SourceError, match="lists 2 files named"):
        find_file(tmp_path / LISTING)


# --- the CSV of the edition that reaches 2024 -------------------------------------------------------------

COLUMNS = (
    "country_id,country_iso3_code,product_id,product_services_unilateral_code,year,"
    "export_value,import_value,global_market_share"
)
LINES = (
    "156,CHN,4003,ict,2024,153646989312,132311474176.5,0.08",
    "914,,4000,unspecified,1981,-960.25,2.5E+3,5.90E-07",
    "4,AFG,4001,travel,2024,,.5,",
)


def read_csv(tmp_path: Path, *lines: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Read a CSV; return its rows and the drift."""
    notes: list[str] = []
    path = tmp_path / CSV_FILE
    path.write_bytes(("\ufeff" + "\n".join(lines) + "\n").encode())

    def note(file: str, detail: str, *, failed_part: str = "") -> None:
        notes.append(f"{file}: {detail}")

    batches = list(SOURCE.read({LISTING: SAMPLE_LISTING, CSV_FILE: path}, tmp_path, note))
    return pa.Table.from_batches(batches).to_pylist(), notes


def test_csv_is_read_by_its_header_with_the_text_as_sent(tmp_path: Path) -> None:
    rows, notes = read_csv(tmp_path, COLUMNS, *LINES)
    assert [tuple(row.values()) for row in rows] == [
        ("156", "4003", "2024", "153646989312", "132311474176.5", CSV_FILE, 2),
        ("914", "4000", "1981", "-960.25", "2.5E+3", CSV_FILE, 3),
        ("4", "4001", "2024", None, ".5", CSV_FILE, 4),
    ]
    assert notes == []
    assert read_csv(tmp_path, f"{COLUMNS},cog", *(f"{line},1" for line in LINES)) == (
        rows,
        [f"{CSV_FILE}: further column 'cog'"],
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINES[0].replace("4003", "ict"), "no whole number in column product_id: 'ict'"),
        (LINES[0].replace("2024", ""), "a value is missing in column year"),
        (LINES[0].replace("153646989312", "n/a"), "no number in column export_value: 'n/a'"),
        (LINES[0].replace("132311474176.5", "132 311"), "no number in column import_value: '132 311'"),
    ],
)
def test_invalid_value_of_the_csv_is_rejected_with_its_row(line: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read_csv(tmp_path, COLUMNS, LINES[1], line)
    assert reason in str(caught.value)
    assert (caught.value.file, caught.value.row) == (CSV_FILE, 3)
    with pytest.raises(SourceError, match="missing 'product_id'"):
        read_csv(tmp_path, COLUMNS.replace("product_id", "product"), LINES[1])


def test_stata_with_further_variables_is_read(tmp_path: Path) -> None:
    """A newer edition has country_iso3_code beside country_id, and variables in another order."""
    frame = pd.DataFrame(
        {
            "country_id": [156],
            "country_iso3_code": ["CHN"],
            "year": [2019],
            "product_id": [4003],
            "import_value": [132311474176.0],
            "export_value": [153646989312.0],
            "cog": [1.5],
        }
    )
    frame.to_stata(tmp_path / FILE, write_index=False)
    notes: list[str] = []

    def note(file: str, detail: str, *, failed_part: str = "") -> None:
        notes.append(detail)

    batches = list(SOURCE.read({LISTING: SAMPLE_LISTING, FILE: tmp_path / FILE}, tmp_path, note))
    assert [tuple(row.values()) for row in pa.Table.from_batches(batches).to_pylist()] == [
        ("156", "4003", "2019", "153646989312.0", "132311474176.0", FILE, 1)
    ]
    assert notes == ["further variable 'cog'"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": "other.tab"}, "lists 0 files named .*, expected 1"),
        ({"restricted": True}, "the file is restricted or has no id"),
        ({"dataFile": {}}, "the file is restricted or has no id"),
        ({"dataFile": {"id": "../../x"}}, "the file is restricted or has no id"),
    ],
)
def test_listing_without_the_file_is_rejected(changes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=reason):
        find_file(listing(tmp_path, **changes))


def test_error_of_dataverse_is_rejected_with_its_message() -> None:
    with pytest.raises(SourceError, match=r"status 'ERROR': Dataset with Persistent ID .* not found"):
        find_file(NOT_FOUND)


def test_unexpected_files_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"expected dataset\.json and"):
        list(SOURCE.read({FILE: SAMPLE}, tmp_path))


# --- the format ---------------------------------------------------------------------------------------

AGREED = {"code": INTEGER, "value": DOUBLE}


def stata(tmp_path: Path, frame: pd.DataFrame) -> Path:
    frame.to_stata(tmp_path / "a.dta", write_index=False)
    return tmp_path / "a.dta"


def texts(path: Path, chunk_rows: int = 2) -> list[dict[str, Any]]:
    batches = list(read_stata(path, AGREED, source="it", file="a.dta", chunk_rows=chunk_rows))
    return pa.Table.from_batches(batches).to_pylist()


def test_chunks_are_read_in_order_and_stata_missing_is_null(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": [1, 2, 3], "value": [0.1, None, 1e-7]})
    assert [(row["code"], row["value"], row["_row"]) for row in texts(stata(tmp_path, frame))] == [
        ("1", "0.1", 1),
        ("2", None, 2),
        ("3", "1e-07", 3),
    ]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"code": [1], "other": [0.5]}, "the variables are code, other; missing are value"),
        ({"code": [1.5], "value": [0.5]}, "code is float64; expected is an integer without missing values"),
        ({"code": [1], "value": [5]}, "value is int32; expected is a double"),
        ({"code": [1], "value": ["x"]}, "value is .*; expected is a double"),
    ],
)
def test_unexpected_variables_are_rejected(frame: dict[str, list[Any]], reason: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=reason):
        texts(stata(tmp_path, pd.DataFrame(frame)))


def test_truncated_file_or_web_page_is_rejected(tmp_path: Path) -> None:
    whole = SAMPLE.read_bytes()
    for data in (whole[:50], whole[: START - 100], whole[: START + 1000], whole[:-1], b"<html>No</html>"):
        (tmp_path / FILE).write_bytes(data)
        with pytest.raises(SourceError, match="truncated, corrupt or not a Stata file"):
            list(SOURCE.read({LISTING: SAMPLE_LISTING, FILE: tmp_path / FILE}, tmp_path))
