"""The pages of the sources are those of their modules."""

from __future__ import annotations

import sys

import pytest

from warehouse.config import PROJECT_ROOT
from warehouse.sources import SOURCES

sys.path.insert(0, str(PROJECT_ROOT / "docs"))
import source_pages


@pytest.mark.parametrize("name", SOURCES)
def test_page_of_a_source_is_up_to_date(name: str) -> None:
    page = (source_pages.PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert page == source_pages.page_of(SOURCES[name]), "run: python docs/source_pages.py"


def test_there_is_a_page_for_each_source_and_no_other() -> None:
    assert sorted(path.stem for path in source_pages.PAGES.glob("*.md")) == sorted(SOURCES)


def test_every_source_states_when_it_was_last_evidenced() -> None:
    assert not [name for name, source in SOURCES.items() if source.evidenced == "never"]
