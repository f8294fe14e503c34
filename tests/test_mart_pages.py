"""The pages of the marts: descriptions of the release's manifest, and examples run on its database."""

from __future__ import annotations

import sys

import yaml
from conftest import Warehouse

from warehouse.config import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT / "docs"))
import mart_pages

RUN = "run: python docs/mart_pages.py RELEASE"
WITHOUT_ROWS = "mart_mode_of_supply"  # the sample has no recording of its one source


def test_page_of_each_mart_is_up_to_date(warehouse: Warehouse) -> None:
    manifest = mart_pages.manifest_of(warehouse.release)
    marts = mart_pages.marts_of(manifest)
    assert sorted(path.stem for path in mart_pages.PAGES.glob("*.md")) == marts, RUN
    differing = [
        mart
        for mart in marts
        if (mart_pages.PAGES / f"{mart}.md").read_text(encoding="utf-8")
        != mart_pages.page_of(mart, manifest, warehouse.database)
    ]
    assert not differing, RUN


def test_each_mart_has_three_examples_with_rows_and_its_limits(warehouse: Warehouse) -> None:
    described = yaml.safe_load(mart_pages.EXAMPLES.read_text(encoding="utf-8"))
    assert sorted(described) == mart_pages.marts_of(mart_pages.manifest_of(warehouse.release))
    empty = [
        f"{mart}: {example['question']}"
        for mart, page in described.items()
        for example in page["examples"]
        if "No rows: " in mart_pages.result_of(example["sql"], warehouse.database)
    ]
    assert [line for line in empty if not line.startswith(f"{WITHOUT_ROWS}: ")] == []
    assert len(empty) == 3, "an example of a mart without rows has some"
    assert not [mart for mart, page in described.items() if len(page["examples"]) != 3 or not page["limits"]]
