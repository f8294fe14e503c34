"""A night of all sources that Airflow builds on a cluster of Apache Spark."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cases.case import write_mirror
from cases.test_second_editions import FIRST
from conftest import copy_home, ingest, settings_of
from spark_cluster import JAVA, PYTHON, cluster

from warehouse.config import PROJECT_ROOT
from warehouse.landing import store

DAY = "2026-06-10"


@dataclass(frozen=True)
class Night:
    """A night on Spark: its home, the home before it, and how `dags/nightly.py` ended."""

    home: Path
    before: Path
    code: int
    printed: str


def run_night(home: Path, work: Path) -> Night:
    """Run a night through Airflow on a cluster of Spark, in a copy of the home of the sample.

    It brings the first vintage of each source that the sample has no recording of, so that all tables have
    rows: the fixtures of the sources' tests, at the addresses of the publishers.
    """
    before = copy_home(home, work / "before")
    shutil.rmtree(before / "airflow", ignore_errors=True)
    own = copy_home(before, work / "home")
    write_night(work / "nights" / "night-3", home / "landing")
    with cluster(work) as master:
        ended = subprocess.run(
            [sys.executable, str(PROJECT_ROOT / "dags" / "nightly.py")],
            env=os.environ
            | JAVA
            | {
                "WAREHOUSE_HOME": str(own),
                "WAREHOUSE_MIRROR": str(work / "nights"),
                "WAREHOUSE_SITE": "false",
                "WAREHOUSE_ENGINE": "spark",
                "WAREHOUSE_SPARK_MASTER": master,
                "WAREHOUSE_SPARK_PYTHON": str(PYTHON),
            },
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )
    return Night(own, before, ended.returncode, ended.stdout + ended.stderr)


def land_night(home: Path, work: Path) -> Path:
    """Return a home with the landing of another one, and the vintages that the night brings."""
    own = work / "landed"
    shutil.copytree(home / "landing", own / "landing")
    names = write_night(work / "mirror", home / "landing")
    settings = settings_of(own, work / "mirror")
    assert names and all(ingest(settings, name) for name in names)
    return own


def write_night(folder: Path, landing: Path) -> list[str]:
    """Write the mirror of a night; return the sources in it: those that have no vintage in a landing."""
    entries = []
    names = sorted(name for name in FIRST if not store.vintages(landing, name))
    for name in names:
        one = write_mirror(folder / name, FIRST[name]({}), DAY)
        answers = json.loads((one / "index.json").read_text())["answers"]
        entries += [answer | {"file": f"{name}/{answer['file']}"} for answer in answers]
    (folder / "index.json").write_text(json.dumps({"name": "made up", "answers": entries}))
    return names
