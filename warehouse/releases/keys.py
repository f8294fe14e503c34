"""The key of each table of a release, read from the manifest of dbt that the release keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from warehouse.errors import WarehouseError
from warehouse.releases.manifest import RELEASE_REMEDY

DBT_MANIFEST = Path("dbt_docs") / "manifest.json"  # in the directory of a release
# The tests that name a key, and the argument that does; the second is of releases made before 2026-11-28.
KEY_ARGUMENTS = {"valid_rows": "key", "unique_combination_of_columns": "combination_of_columns"}
Keys = Mapping[str, tuple[str, ...]]


def table_keys(dbt_manifest: Path) -> dict[str, tuple[str, ...]]:
    """Return, for each model of a dbt manifest, the longest key that it was tested to be unique by.

    Without the file there are no keys. Raises WarehouseError when the file is invalid.
    """
    if not dbt_manifest.exists():
        return {}
    keys: dict[str, tuple[str, ...]] = {}
    try:
        for node in json.loads(dbt_manifest.read_text(encoding="utf-8"))["nodes"].values():
            test = node.get("test_metadata") or {}
            argument = KEY_ARGUMENTS.get(test.get("name", ""))
            if argument and node.get("attached_node"):
                model, key = node["attached_node"].rsplit(".", 1)[-1], tuple(test["kwargs"][argument])
                keys[model] = max(keys.get(model, ()), key, key=len)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WarehouseError(
            f"{dbt_manifest}: not a manifest of dbt ({error!r}). {RELEASE_REMEDY}"
        ) from error
    return keys
