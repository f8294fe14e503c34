"""The WTO's services file, read by the reader of the merchandise file.

The fixture is synthetic, in the documented form: no published file was available.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.model import raw_schema
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
