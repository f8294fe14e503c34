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
from warehouse.sources.atlas_services import FILE, LISTING, find_file

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
        country, product, year, exports, imports, share, pci = sent
        assert (row["country_id"], row["product_id"], row["year"]) == (str(country), str(product), str(year))
        assert (row["export_value"], row["import_value"]) == (repr(exports), repr(imports))
        assert row["global_market_share"] == repr(share)
        assert row["pci"] == (None if product == 4000 else repr(pci))


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
        ({"code": [1], "other": [0.5]}, "the variables are code, other; expected"),
        ({"value": [0.5], "code": [1]}, "the variables are value, code; expected"),
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
