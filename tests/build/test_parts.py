"""Marts that are made in parts have the rows of marts that are made at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, settings_of

from warehouse.build import dbt, reuse
from warehouse.build.contents import kept_build
from warehouse.config import DBT_PROJECT_DIR
from warehouse.releases.store import DATABASE

MARTS = {"mart_trade_partner": "reporter", "mart_trade_partner_group": "reporter", "mart_mirror": "service"}
ROWS_PER_PART = 500
BY_SOURCE, CHANGED = "mart_trade_partner", "batis"  # a mart in parts that is also made by source


def made_in_parts(folder: Path, marts: Iterable[str]) -> set[str]:
    """Run dbt on the marts of a build, in parts of a few rows; return dbt's messages."""
    command = ["build", "--select", *marts, "--vars", json.dumps({"rows_per_part": ROWS_PER_PART})]
    for kind in ("unit_test", "test"):
        command += ["--exclude-resource-type", kind]
    artifacts, parsed = folder / "dbt", folder / "parsed" / "code.msgpack"
    dbt.run_dbt([command], folder / reuse.WORKING, DBT_PROJECT_DIR, artifacts, parsed)
    results = json.loads((artifacts / "run_results.json").read_text(encoding="utf-8"))["results"]
    return {one["message"] for one in results if one["unique_id"].startswith("model.")}


def require_equal(built: Path, at_once: Path, marts: Iterable[str]) -> None:
    """Fail if a mart of two databases has other rows."""
    with duckdb.connect(str(built), read_only=True) as db:
        db.execute(f"attach '{at_once}' as at_once (read_only)")
        for mart in marts:
            for one, other in (("", "at_once."), ("at_once.", "")):
                query = f"from {one}marts.{mart} except all from {other}marts.{mart}"
                assert db.execute(query).fetchall() == [], mart


@pytest.mark.slow
def test_mart_in_parts_equals_the_mart_made_at_once(warehouse: Warehouse, tmp_path: Path) -> None:
    kept = kept_build(settings_of(warehouse.home))
    for name in reuse.FILES:
        shutil.copyfile(kept / name, tmp_path / name)
    nodes = ", ".join(f"'model.services_trade.{mart}'" for mart in MARTS)
    with duckdb.connect(str(tmp_path / reuse.WORKING)) as db:
        for table in ("built_node", "reusable_node", "built_part", "reusable_part"):
            db.execute(f"delete from raw.{table} where unique_id in ({nodes})")
    assert made_in_parts(tmp_path, MARTS) == {"OK"}
    require_equal(tmp_path / DATABASE, warehouse.database, MARTS)
    with duckdb.connect(str(tmp_path / DATABASE), read_only=True) as db:
        [(rows, parts, services)] = db.execute(
            "select count(*), count(distinct reporter), count(distinct service) "
            "from core.fct_bilateral_services_trade"
        ).fetchall()
    assert rows > 4 * ROWS_PER_PART and min(parts, services) > 3, "there is more than one part"


@pytest.mark.slow
def test_rows_of_one_source_are_made_again_in_parts(warehouse: Warehouse, tmp_path: Path) -> None:
    """The mart has lost a part of the source's rows, and the source counts as changed."""
    kept = kept_build(settings_of(warehouse.home))
    for name in reuse.FILES:
        shutil.copyfile(kept / name, tmp_path / name)
    node = f"model.services_trade.{BY_SOURCE}"
    with duckdb.connect(str(tmp_path / reuse.WORKING)) as db:
        for table in ("node", "part"):
            db.execute(f"delete from raw.reusable_{table} where unique_id = ?", [node])
            db.execute(f"insert into raw.reusable_{table} from raw.built_{table} where unique_id = ?", [node])
            db.execute(f"delete from raw.built_{table} where unique_id = ?", [node])
        db.execute("update raw.reusable_node set inputs = 'other' where unique_id = ?", [node])
        db.execute(
            "update raw.reusable_part set inputs = 'other' where unique_id = ? and source = ?",
            [node, CHANGED],
        )
    with duckdb.connect(str(tmp_path / DATABASE)) as db:
        [(lost,)] = db.execute(
            f"delete from marts.{BY_SOURCE} where source = ? and flow = 'exports'", [CHANGED]
        ).fetchall()
    assert lost > ROWS_PER_PART
    assert made_in_parts(tmp_path, [BY_SOURCE]) == {f"ONLY {CHANGED}"}
    require_equal(tmp_path / DATABASE, warehouse.database, [BY_SOURCE])
