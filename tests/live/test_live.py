"""Probes of the real publishers, one for each source: their answers can still be read.

Deselected by default. `make live` runs them with sockets enabled; proxy variables and REQUESTS_CA_BUNDLE
are honoured, and each source's pace is observed. WAREHOUSE_MIRROR is ignored.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from warehouse.fetch import fetch
from warehouse.model import raw_schema
from warehouse.sources import SOURCES

pytestmark = pytest.mark.live


def test_sources_are_registered() -> None:
    assert SOURCES


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_answers_of_publisher_can_still_be_read(name: str, tmp_path: Path) -> None:
    source = SOURCES[name]
    files = fetch(source, tmp_path / "files")
    assert files, f"{name}: the plan requested nothing"
    for file in files:
        assert file.via == "publisher" and file.size_bytes > 0
        assert datetime.now(UTC) - file.retrieved_at < timedelta(hours=1)
    work = tmp_path / "work"
    work.mkdir()
    batches = source.read({file.name: tmp_path / "files" / file.name for file in files}, work)
    first = next(batch for batch in batches if batch.num_rows)
    assert first.schema.names == raw_schema(source.columns).names
    for column in source.key:
        assert first.column(column).null_count == 0, f"{name}: {column} is part of the key and null"
    assert first.column("_row")[0].as_py() > 0
