"""The key of a table is the longest that dbt tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from warehouse.errors import WarehouseError
from warehouse.releases.keys import table_keys


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("unique_combination_of_columns", {"combination_of_columns": ["a", "b"]}),
        ("valid_rows", {"key": ["a", "b"]}),
    ],
)
def test_key_of_a_table_is_the_longest_that_was_tested(
    tmp_path: Path, name: str, kwargs: dict[str, list[str]]
) -> None:
    shorter = {key: columns[:1] for key, columns in kwargs.items()}
    nodes: dict[str, dict[str, Any]] = {
        str(number): {"test_metadata": {"name": name, "kwargs": arguments}, "attached_node": "model.w.mart"}
        for number, arguments in enumerate((shorter, kwargs, shorter))
    }
    longer = {"key": ["a", "b", "c"]}
    nodes["other"] = {
        "test_metadata": {"name": "one_preferred_row", "kwargs": longer},
        "attached_node": "model.w.mart",
    }
    path = tmp_path / "manifest.json"
    assert table_keys(path) == {}
    path.write_text(json.dumps({"nodes": nodes}))
    assert table_keys(path) == {"mart": ("a", "b")}
    path.write_text("{")
    with pytest.raises(WarehouseError, match=r"manifest\.json: not a manifest of dbt"):
        table_keys(path)
