"""The pages of the marts: descriptions of the release's manifest, and examples run on its database."""

from __future__ import annotations

import re
import sys

import pytest
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


@pytest.mark.parametrize(
    ("description", "cell"),
    [
        (
            "The vintage that the figure comes from, named by its day of retrieval: `2024-07-12`. Text.",
            "The vintage that the figure comes from, named by its day of retrieval: `2024-07-12`.",
        ),
        (
            "Of the exports. It is in millions of the currency as it is printed. Null where none is.",
            "Of the exports. It is in millions of the currency as it is printed.",
        ),
        (
            "Whose members are summed:\n\n- `as of the period`: those of its last day.\n  In all years.\n"
            "- `fixed 2024`: those of 2024.\n\nThe two overlap.",
            "Whose members are summed: `as of the period`, `fixed 2024`.",
        ),
    ],
)
def test_cell_of_a_column_is_a_whole_sentence(description: str, cell: str) -> None:
    assert mart_pages.first_sentence(description) == cell


def test_no_cell_of_a_column_ends_within_a_sentence() -> None:
    lines = [
        f"{path.stem}: {line}"
        for path in sorted(mart_pages.PAGES.glob("*.md"))
        for line in path.read_text(encoding="utf-8")
        .partition("## Columns")[2]
        .partition("\n## ")[0]
        .splitlines()
        if line.startswith("| `")
    ]
    assert len(lines) > 400
    assert [line for line in lines if not line.endswith((". |", ".) |", ".” |", '." |'))] == []


def test_flag_of_a_small_base_names_a_rate_of_its_own_mart(warehouse: Warehouse) -> None:
    manifest = mart_pages.manifest_of(warehouse.release)
    named = 0
    for mart in mart_pages.marts_of(manifest):
        columns = manifest["nodes"][f"model.services_trade.{mart}"]["columns"]
        for name, column in columns.items():
            if name.endswith("small_base"):
                rates = set(re.findall(r"`(\w*growth\w*)`", column["description"]))
                assert rates <= columns.keys(), f"{mart}.{name}: {rates - columns.keys()}"
                named += len(rates)
    assert named >= 8


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
