"""Read and write small files in the form of UNCTAD's bulk reports."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import py7zr
import pytest

from warehouse.errors import SourceError
from warehouse.model import Source
from warehouse.sources._unctad_bulk import MEASURE_PARTS, BulkReport


def write_report(
    path: Path, report: BulkReport, rows: Iterable[Sequence[str]], *replaced: tuple[str, str]
) -> Path:
    """Write an archive with one CSV: dimensions, and each measure with its two columns; replace texts."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")
    measures = (report.measure, *(measure for measure, _ in report.values_of))
    table.writerow(
        [
            *(name for name, _ in report.dimensions),
            *(f"{measure}{part}" for measure in measures for part in MEASURE_PARTS),
        ]
    )
    table.writerows(rows)
    text = out.getvalue()
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new)
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writestr(f"\ufeff{text}".encode(), path.name.removesuffix(".7z"))
    return path


def require_rejected(
    source: Source, path: Path, report: BulkReport, rows: Iterable[Sequence[str]], change: tuple[str, str]
) -> str:
    """Assert that a report with a changed text is rejected by the name of its archive; return the reason."""
    changed = write_report(path / report.archive, report, rows, change)
    with pytest.raises(SourceError) as caught:
        list(source.read({report.archive: changed}, path))
    assert caught.value.file == report.archive
    return str(caught.value)


def read_report(path: Path) -> list[list[str]]:
    """Return the header and the rows of the CSV, read by the standard library."""
    with tempfile.TemporaryDirectory() as folder:
        with py7zr.SevenZipFile(path) as archive:
            archive.extractall(folder)
        (table,) = Path(folder).iterdir()
        with table.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))
