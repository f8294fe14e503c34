"""Marts that are made in parts have the rows of marts that are made at once."""

from __future__ import annotations

import json
import shutil
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


@pytest.mark.slow
def test_mart_in_parts_equals_the_mart_made_at_once(warehouse: Warehouse, tmp_path: Path) -> None:
    kept = kept_build(settings_of(warehouse.home))
    for name in reuse.FILES:
        shutil.copyfile(kept / name, tmp_path / name)
    nodes = ", ".join(f"'model.services_trade.{mart}'" for mart in MARTS)
    with duckdb.connect(str(tmp_path / reuse.WORKING)) as db:
        for table in ("built_node", "reusable_node", "built_part", "reusable_part"):
            db.execute(f"delete from raw.{table} where unique_id in ({nodes})")
    command = ["build", "--select", *MARTS, "--vars", json.dumps({"rows_per_part": ROWS_PER_PART})]
    for kind in ("unit_test", "test"):
        command += ["--exclude-resource-type", kind]
    artifacts, parsed = tmp_path / "dbt", tmp_path / "parsed" / "code.msgpack"
    dbt.run_dbt([command], tmp_path / reuse.WORKING, DBT_PROJECT_DIR, artifacts, parsed)
    results = json.loads((tmp_path / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    assert {one["message"] for one in results if one["unique_id"].startswith("model.")} == {"OK"}
    with duckdb.connect(str(tmp_path / DATABASE), read_only=True) as db:
        db.execute(f"attach '{warehouse.database}' as at_once (read_only)")
        facts = "at_once.core.fct_bilateral_services_trade"
        [(rows, parts, services)] = db.execute(
            f"select count(*), count(distinct reporter), count(distinct service) from {facts}"
        ).fetchall()
        assert rows > 4 * ROWS_PER_PART and min(parts, services) > 3, "there is more than one part"
        for mart in MARTS:
            for one, other in (("", "at_once."), ("at_once.", "")):
                query = f"from {one}marts.{mart} except all from {other}marts.{mart}"
                assert db.execute(query).fetchall() == [], mart
