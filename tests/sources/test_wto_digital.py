"""The WTO's digitally delivered services: a synthetic fixture in the documented form."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.errors import SourceError
from warehouse.sources import wto_digital

SOURCE, FILE = wto_digital.SOURCE, wto_digital.FILE
FIXTURE = Path(__file__).parents[1] / "fixtures" / SOURCE.name / FILE


def read(path: Path, work: Path) -> list[dict[str, object]]:
    return pa.Table.from_batches(list(SOURCE.read({FILE: path}, work))).to_pylist()


def test_namibia_and_accents_are_kept(tmp_path: Path) -> None:
    china, _, namibia, ivoire, part = read(FIXTURE, tmp_path)
    assert (china["flow"], china["reporter_code"], china["value"]) == ("X", "CN", "201.5")
    assert china["breaking_series"] is None
    assert (namibia["reporter_code"], namibia["reporter_name"]) == ("NA", "Namibia")
    assert (ivoire["reporter_name"], ivoire["breaking_series"]) == ("Côte d'Ivoire", "Y")
    assert (part["indicator"], part["_row"]) == ("SG", 6)


@pytest.mark.parametrize(
    ("sent", "meant", "reason", "row"),
    [
        (b"X,CN", b"T,CN", "an unexpected value in column flow: 'T'", 2),
        (b",201.5,", b",2e2,", "not a plain decimal number in column value: '2e2'", 2),
        (b",NA,", b",,", "a value is missing in column reporter_code", 4),
        (b",2021,", b",2021Q1,", "not a year of four digits in column year: '2021Q1'", 2),
        (b"BREAKING_SERIES", b"NOTE", "missing 'BREAKING_SERIES'; unknown 'NOTE'", 1),
    ],
)
def test_unexpected_content_is_rejected(
    sent: bytes, meant: bytes, reason: str, row: int, tmp_path: Path
) -> None:
    body = FIXTURE.read_bytes()
    assert sent in body
    (tmp_path / FILE).write_bytes(body.replace(sent, meant, 1))
    with pytest.raises(SourceError) as caught:
        read(tmp_path / FILE, tmp_path)
    assert reason in str(caught.value)
    assert caught.value.row == row


def test_plan_requests_one_file_and_reader_rejects_others(tmp_path: Path) -> None:
    [request] = list(SOURCE.plan())
    assert request.address.endswith("/DDS_bulk_download.csv")
    assert request.kind == "csv"
    with pytest.raises(SourceError, match="expected the one file"):
        list(SOURCE.read({"other.csv": FIXTURE}, tmp_path))
