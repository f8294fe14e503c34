"""A load that passes its load gate and fails later is set aside, and the news of other sources is published.

One load fails a test of a core table, which a copy of the project has; the other one fails the release gate.
Manifest, status, mart and alert name the vintage that is left out, the one that is used, and the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from cases.case import Case, ingest_case
from cases.edits import as_made_up, changed, replaced
from cases.table import CASES
from command_line import invoke
from conftest import environment, settings_of

from warehouse.config import PROJECT_ROOT
from warehouse.landing import store
from warehouse.releases.manifest import ReleaseManifest, SetAside, read_manifest
from warehouse.releases.store import DATABASE, current

pytestmark = [pytest.mark.faults, pytest.mark.slow]
pytest_plugins = ("homes",)

[NEWS] = [case for case in CASES if case.name == "21-data360-status-estimated"]
REVISED = Case(
    "mofcom-revised",
    "mofcom_totals",
    "The exports of 2021 are 0.1 billion yuan more, and so are total and balance.",
    changed("page-1", replaced(("25,435.0", "25,436.0"), ("52,982.7", "52,983.7"), ("-2,112.8", "-2,111.8"))),
    "aside",
    retrieved="2026-06-01",
)
MADE_UP = Case(
    "wto-services-made-up",
    "wto_services",
    "China's exports of services are 101 million: first contact with a table in another unit.",
    as_made_up,
    "aside",
    retrieved="2026-06-01",
)
TEST = """
select source, period_label, value_million
from {{ ref('fct_services_trade') }}
where source = 'mofcom_totals' and flow = 'exports' and value_million = 2543600
"""


def land(case: Case, recorded: Path, home: Path) -> str:
    """Land the answers of a case; return the vintage."""
    check = ingest_case(case, CASES, recorded, home)
    assert check.outcome == "accepted" and check.vintage, check.detail
    return check.vintage


def current_manifest(home: Path) -> tuple[Path, ReleaseManifest]:
    """Return the current release and its manifest."""
    release = current(home / "published")
    assert release is not None
    return release, read_manifest(release)


def require_reported(home: Path, aside: SetAside) -> None:
    """Assert that manifest, `status`, `mart_freshness` and an alert report a source that is set aside."""
    release, manifest = current_manifest(home)
    assert manifest.set_aside == (aside,)
    [row] = [one for one in invoke(home, "status", "--json").json["sources"] if one["source"] == aside.source]
    used = aside.used_instead or "nothing"
    left_out = f"vintage {aside.vintage} is left out of the release, {used} is used: {aside.reason}"
    assert left_out in row["remarks"]
    [alert] = [one for one in invoke(home, "alerts", "--json").json if one["kind"] == "source_set_aside"]
    assert alert["subject"] == aside.source
    assert aside.vintage in alert["happened"] and aside.reason[:200] in alert["reason"]
    with duckdb.connect(str(release / DATABASE), read_only=True) as db:
        shown = db.execute(
            "select distinct source, set_aside_vintage from marts.mart_freshness "
            "where set_aside_vintage is not null"
        ).fetchall()
    assert shown == [(aside.source, aside.vintage)]


def require_published(home: Path, vintage: str) -> None:
    """Assert that the news of the other source is in the current release."""
    _, manifest = current_manifest(home)
    assert (NEWS.source, vintage) in {(one.source, one.vintage) for one in manifest.vintages}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project that has one more test of a core table."""
    folder = tmp_path / "project"
    unused = shutil.ignore_patterns("__pycache__", "sample", "target", "logs")
    for name in ("warehouse", "dbt_project", "expectations"):
        shutil.copytree(PROJECT_ROOT / name, folder / name, ignore=unused)
    (folder / "dbt_project" / "tests" / "exports_of_2021_are_not_revised.sql").write_text(TEST)
    return folder


def test_load_that_fails_a_core_test_is_set_aside(
    second_alone: Path, replayed: Path, project: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(second_alone, tmp_path / "home", symlinks=True))
    before, _ = current_manifest(home)
    failing, news = land(REVISED, replayed, home), land(NEWS, replayed, home)
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=""):
        subprocess.run(
            [sys.executable, "-m", "warehouse", "publish"], cwd=project, env=dict(os.environ), check=True
        )
    release, manifest = current_manifest(home)
    assert release != before
    [aside] = manifest.set_aside
    assert (aside.source, aside.vintage, aside.used_instead) == ("mofcom_totals", failing, "2022-05-27")
    assert "test.services_trade.exports_of_2021_are_not_revised: Got 1 result" in aside.reason
    assert "source mofcom_totals, period_label 2021, value_million 2543600" in aside.reason
    require_reported(home, aside)
    require_published(home, news)
    with duckdb.connect(str(release / DATABASE), read_only=True) as db:
        shown = db.execute(
            "select cast(value_million as double) from core.fct_services_trade "
            "where source = 'mofcom_totals' and flow = 'exports' and period_label = '2021'"
        ).fetchall()
    assert shown == [(2543500.0,)]


def test_load_that_fails_the_release_gate_is_set_aside_until_it_is_withdrawn(
    second_alone: Path, replayed: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(second_alone, tmp_path / "home", symlinks=True))
    failing, news = land(MADE_UP, replayed, home), land(NEWS, replayed, home)
    invoke(home, "publish")
    _, manifest = current_manifest(home)
    [aside] = manifest.set_aside
    assert (aside.source, aside.vintage, aside.used_instead) == ("wto_services", failing, None)
    assert (
        "no source differs from its neighbours by a unit: wto_services, exports of S in USD" in aside.reason
    )
    require_reported(home, aside)
    require_published(home, news)

    # What OPERATIONS.md proposes for it.
    invoke(home, "vintages", "withdraw", "wto_services", failing, "--why", "the figures are made up")
    invoke(home, "publish")
    _, manifest = current_manifest(home)
    assert manifest.set_aside == ()
    require_published(home, news)
    assert store.vintages(settings_of(home).landing, "wto_services") == ()
