"""Staging of a backfill on small homes: the key of a publisher."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import settings_of
from pydantic import SecretStr
from small_homes import make_home

from warehouse.backfill import stage
from warehouse.errors import SourceError, WarehouseError
from warehouse.model import Source
from warehouse.sources import SOURCES


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.mark.parametrize("name", ["bea_services", "wto_timeseries"])
def test_publisher_that_asks_for_a_key_is_sent_it(
    name: str, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = SOURCES[name].key_variable
    assert variable is not None
    given: list[object] = []

    def answer(source: Source, into: Path, *, key: str | None = None, **_: object) -> None:
        given.append(key)
        raise SourceError(source.name, "asked")

    monkeypatch.setattr(stage, "fetch", answer)
    settings = settings_of(small, keys={variable: SecretStr("a key")})
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    with pytest.raises(WarehouseError, match="asked"):
        stage.begin(settings, name, today, today)
    assert given == ["a key"]
