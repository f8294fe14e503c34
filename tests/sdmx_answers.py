"""The made-up answers of sources by SDMX, and their rows after a change of the text."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from warehouse.config import PROJECT_ROOT
from warehouse.model import Source, first_request, raw_schema


def answer_of(source: Source) -> Path:
    """Return the path of a source's fixture, named as its request is."""
    return PROJECT_ROOT / "tests" / "fixtures" / source.name / first_request(source.plan()).name


def rows_of(source: Source, folder: Path, text: str) -> list[dict[str, object]]:
    """Return the rows that a source reads from a text, which is written to a folder."""
    file = folder / answer_of(source).name
    file.write_text(text, encoding="utf-8")
    batches = list(source.read({file.name: file}, folder))
    return pa.Table.from_batches(batches, schema=raw_schema(source.columns)).to_pylist()
