"""Models that are made by source: the rows of a source depend on its own rows, and are made again alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, copy_home, ingest, release_of, settings_of
from recordings import recording

from warehouse.build import builds, reuse, steps
from warehouse.build.contents import kept_build
from warehouse.config import SAMPLE_DIR
from warehouse.quality import Verdict
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE

CHANGED, OTHERS = "worldbank_wdi", ("mofcom_totals", "ons_services")
# Digits copied from night 2's BX.GSR.NFSV.CD: China's services exports of 2021 in dollars.
FIRST, LATER = b"339393210195.59", b"339393210195.99"


def read_by_source(node: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the relations that a model declares to read by source."""
    declared = node["config"].get("by_source", [])
    parents = {one.split(".")[-1]: one for one in sorted(set(node["depends_on"]["nodes"]))}
    return list(parents.values()) if declared is True else [parents[name] for name in declared]


@pytest.mark.slow
def test_rows_of_a_source_depend_on_its_own_rows_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    for name in reuse.FILES:
        shutil.copyfile(kept_build(settings_of(warehouse.home)) / name, tmp_path / name)
    manifest = json.loads((warehouse.release / "dbt_docs" / "manifest.json").read_text(encoding="utf-8"))
    relations = manifest["nodes"] | manifest["sources"]
    records = (warehouse.release / "build_records" / "run_results.json").read_text(encoding="utf-8")
    compiled = {one["unique_id"]: one["compiled_code"] for one in json.loads(records)["results"]}
    models = [
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and read_by_source(node)
    ]
    assert len(models) > 40
    with duckdb.connect(str(tmp_path / reuse.WORKING), read_only=True) as db:
        db.execute(f"attach '{tmp_path / DATABASE}' as warehouse (read_only)")
        sources = [
            name
            for (name,) in db.execute(
                "select distinct source from warehouse.core.dim_vintage order by 1"
            ).fetchall()
        ]
        for name in models:
            node = relations[name]
            for chosen in (sources[::2], sources[1::2]):
                listed = ", ".join(f"'{source}'" for source in chosen)
                query = compiled[name]
                for parent in read_by_source(node):
                    relation = relations[parent]["relation_name"]
                    assert relation in query, f"{name} does not read {parent}"
                    query = query.replace(relation, f"(select * from {relation} where source in ({listed}))")
                whole = f"select * from {node['relation_name']} where source in ({listed})"
                columns = ", ".join(f'"{one[0]}"' for one in db.execute(f"describe {whole}").fetchall())
                for one, other in ((query, whole), (whole, query)):
                    found = db.execute(
                        f"select {columns} from ({one}) except all select {columns} from ({other}) limit 3"
                    ).fetchall()
                    assert found == [], f"{name}, for {chosen}: {found}"


@pytest.mark.slow
def test_rows_of_the_changed_source_alone_are_made_again(bank: Warehouse, tmp_path: Path) -> None:
    home = copy_home(bank.home, tmp_path / "home")
    for name in OTHERS:
        assert ingest(settings_of(home, SAMPLE_DIR / "night-2"), name) is not None
    release_of(home)
    mirror = recording(tmp_path / "night-3", "2024-09-09T00:00:00Z", FIRST, LATER, SAMPLE_DIR / "night-2")
    assert ingest(settings_of(home, mirror), CHANGED) is not None
    settings = settings_of(home)
    build = steps.load(settings)
    assert build is not None
    directory = builds.build_dir(settings, steps.transform(settings, build))
    with duckdb.connect(str(directory / DATABASE), read_only=True) as db:
        sources = db.execute("select distinct source from core.fct_services_trade order by 1").fetchall()
    assert sources == [("mofcom_totals",), ("ons_services",), ("worldbank_wdi",)]
    results = json.loads((directory / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    messages = {one["unique_id"].split(".")[2]: one["message"] for one in results}
    for name in (
        "int_observations_staged",
        "fct_services_trade",
        "int_trade_by_cell",
        "mart_trade_structure",
    ):
        assert messages[name] == f"ONLY {CHANGED}", name
    assert messages["mart_trade_scale"] == "OK", "GDP of the changed source is beside the rows of all sources"
    by_source = steps.publish(settings, steps.validate(settings, build))
    anew = release_of(home, force=True).name
    released = [read_manifest(settings.published / name) for name in (by_source, anew)]
    assert released[0].tables.keys() == released[1].tables.keys()
    differing = [
        name for name, one in released[0].tables.items() if one.sha256 != released[1].tables[name].sha256
    ]
    assert differing == []
    for name in ("content", "parts"):
        assert [getattr(one, name) for one in released[0].tables.values()] == [
            getattr(one, name) for one in released[1].tables.values()
        ]
    verdicts = [Verdict.model_validate(one.validation) for one in released]
    found = [
        [(one.table, one.expectation, one.success, one.detail) for one in verdict.findings]
        for verdict in verdicts
    ]
    assert found[0] == found[1]
    run_on = {(one.table, one.expectation): one.run_on for one in verdicts[0].findings}
    assert run_on["marts.mart_trade_structure", "figures are those of core"] == (CHANGED,)
    assert run_on["core.fct_services_trade", "no source lost rows"] == (CHANGED,)
    assert run_on["core.fct_services_trade", "no source differs from its neighbours by a unit"] == ()
