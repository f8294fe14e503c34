"""The WTO's services file, read by the reader of the merchandise file.

The fixture is synthetic, in the documented form: no published file was available.
"""

# ruff: noqa: E501 (SQL: a statement on each line)

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR
from warehouse.model import raw_schema
from warehouse.quality import Verdict, validate_vintage
from warehouse.sources import wto_services

SOURCE, REPORT = wto_services.SOURCE, wto_services.REPORT
ARCHIVE = Path(__file__).parents[1] / "fixtures" / SOURCE.name / REPORT.archive


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, object]]:
    batches = list(SOURCE.read({REPORT.archive: ARCHIVE}, tmp_path))
    return pa.Table.from_batches(batches, schema=raw_schema(SOURCE.columns)).to_pylist()


def test_rows_of_the_older_classification_are_ignored(rows: list[dict[str, object]]) -> None:
    """The sixth of the eight rows, ITS_CS_AX5 by BOP5, is ignored; the others keep their row numbers."""
    assert [row["_row"] for row in rows] == [2, 3, 4, 5, 6, 8, 9]
    assert {row["product_classification_code"] for row in rows} == {"BOP6"}


def test_partners_flags_and_accents_are_kept(rows: list[dict[str, object]]) -> None:
    by_row = {row["_row"]: row for row in rows}
    travel, ivoire, brazil = by_row[6], by_row[8], by_row[9]
    assert (travel["partner_code"], travel["partner"], travel["value"]) == ("792", "Türkiye", "5.5")
    assert (travel["value_flag_code"], travel["value_flag"]) == ("B", "Break in series")
    assert ivoire["reporter"] == "Côte d'Ivoire"
    assert ivoire["product"] == "Telecommunications, computer, and information services"
    assert (brazil["reporter_code"], brazil["value"]) == ("076", "-8")


def test_plan_is_a_request_for_the_published_address() -> None:
    [request] = list(SOURCE.plan())
    assert request.address == "https://stats.wto.org/assets/UserGuide/services_annual_dataset.zip"
    assert request.max_bytes > 79_000_000, "the file has 78.6 million bytes"


def seed(name: str) -> list[dict[str, str]]:
    with (DBT_PROJECT_DIR / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_item_of_ebops_2010_is_a_product() -> None:
    """Groups of this warehouse, of MOFCOM, of the Atlas and of TiSMoS are not EBOPS 2010, nor is a BPM5 total."""
    groups = {"DDEL", "DDS", "G", "GS", "KIS", "TRAD"}
    groups |= {
        "SDASDB3",
        "SDB1SK21",
        "SDB2SK22",
        "SFSG",
        "SISK1",
        "SJXSJ34",
        "SOXSW",
        "SOX_BPM5",
        "SW",
        "SWSJ34",
    }
    items = {row["service"] for row in seed("services")} - groups
    items = {item for item in items if not item.startswith("ATLAS")}
    assert len(items) > 100 and items >= {"S", "SC1", "SI221", "SDA", "SJ1121"}
    assert {row["product_code"] for row in seed("wto_services_item")} == items
    meanings = {(row["product_code"], row["label"]): row["service"] for row in seed("wto_services_item")}
    assert meanings["SD1", "Business travel"] == "SDA"
    assert meanings["SD1", "Goods"] == "SD1"
    assert [row["service"] for row in seed("wto_services_item") if row["product_code"] == "SI221"] == [
        "SI221"
    ]


def validated(work: Path, *statements: str) -> Verdict:
    batches = list(SOURCE.read({REPORT.archive: ARCHIVE}, work))
    pq.write_table(pa.Table.from_batches(batches), work / "good.parquet")
    with duckdb.connect() as db:
        db.execute(f"create table rows as from '{work / 'good.parquet'}'")
        for statement in statements:
            db.execute(statement)
        db.execute(f"copy rows to '{work / 'rows.parquet'}' (format parquet)")
    seeds = DBT_PROJECT_DIR / "seeds"
    return validate_vintage(SOURCE, work / "rows.parquet", None, seeds, EXPECTATIONS_DIR, work / "gate")


def test_sub_items_flags_exponents_and_suppressed_cells_pass_the_gate(tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    verdict = validated(
        tmp_path,
        "insert into rows select * replace ('SI221' as product_code, 'E' as value_flag_code, '1.5e2' as value, 20 as _row) from rows where _row = 2",
        "insert into rows select * replace ('SC1' as product_code, 'P' as value_flag_code, 'Provisional' as value_flag, 21 as _row) from rows where _row = 2",
        "insert into rows select * replace ('SD1' as product_code, 'C' as value_flag_code, null as value, 22 as _row) from rows where _row = 2",
        "update rows set indicator = null, value_flag = null where _row = 20",
        "insert into rows select * replace ('SX9' as product_code, 'N' as value_flag_code, 23 as _row) from rows where _row = 2",
    )
    assert verdict.reasons() == ()
    assert verdict.success
