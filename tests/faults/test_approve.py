"""An approval of a backfill killed at its durable operations, and given again, is one approval.

The backfill is a real one: a recorded edition of 2023 that was never fetched, built and compared beside the
live release. Each case kills the process that approves it by SIGKILL before its n-th link, rename,
removal or sync.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nights
import pytest
import time_machine
from conftest import environment
from killing import COUNTED

from warehouse import backfill, landing, pipeline, publish
from warehouse.config import PROJECT_ROOT
from warehouse.files import sha256_of

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

NAME = "worldbank_wdi"
# In the recorded night's BX.GSR.NFSV.CD: China's services exports of 2021 in dollars, and what replaces it.
THEN, OTHERWISE = b"338440775474.07", b"338500000000.07"

APPROVE = (
    """
import os, shutil, signal, sys
from pathlib import Path
from warehouse import files, landing, pipeline, publish
left = int(sys.argv[2])
"""
    + COUNTED
    + """
os.fsync = counted(os.fsync)
os.link = counted(os.link)
os.rename = counted(os.rename)
os.replace = counted(os.replace)
os.symlink = counted(os.symlink)
os.unlink = counted(os.unlink)
shutil.rmtree = counted(shutil.rmtree)
whole = left
pipeline.approve_backfill(sys.argv[1], "a test")
print(whole - left)
"""
)


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first night's answers recorded again, as of May 2023 and with one figure another."""
    mirror = nights.mirror_of("night-1", tmp_path_factory.mktemp("edition") / "mirror")
    index = json.loads((mirror / "index.json").read_text())
    changed = 0
    for one in index["answers"]:
        one["retrieved_at"] = "2023-05-05T00:00:00Z"
        path = mirror / one["file"]
        if (sent := path.read_bytes()).count(THEN) == 1:
            path.chmod(0o644)
            path.write_bytes(sent.replace(THEN, OTHERWISE))
            changed += 1
        one["sha256"] = sha256_of(path)
    assert changed == 1
    (mirror / "index.json").write_text(json.dumps(index))
    return mirror


@pytest.fixture(scope="module")
def waiting(stood: Path, edition: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a home with a release, and the id of a backfill that waits in it for a word."""
    home = tmp_path_factory.mktemp("waiting") / "home"
    shutil.copytree(stood, home, symlinks=True)
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=""):
        made = pipeline.backfill_begin(NAME, "2023-01-01", "2023-12-31", (str(edition),))
        assert made is not None
        told = pipeline.backfill_compare(pipeline.backfill_build(made))
    assert told["state"] == "waiting" and told["in_the_way"] == []
    return home, made


def approve(home: Path, made: str, left: int) -> subprocess.CompletedProcess[str]:
    """Approve in a process that ends itself before an operation; return how it ended."""
    return subprocess.run(
        [sys.executable, "-c", APPROVE, made, str(left)],
        cwd=PROJECT_ROOT,
        env=nights.surroundings(home, None),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_approval_killed_anywhere_and_given_again_is_one_approval(
    waiting: tuple[Path, str], tmp_path: Path
) -> None:
    origin, made = waiting

    def fresh(name: str) -> Path:
        return Path(shutil.copytree(origin, tmp_path / name, symlinks=True))

    alone = fresh("alone")
    ended = approve(alone, made, sys.maxsize)
    assert ended.returncode == 0, ended.stderr
    operations = int(ended.stdout.split()[-1])
    assert operations > 40
    right, release = nights.tables_of(nights.standing(alone)), nights.standing(alone).name
    vintages = [(one.id, one.rows_digest) for one in landing.vintages(alone / "landing", NAME)]
    assert [one for one, _ in vintages] == ["2022-09-16", "2023-05-05"]
    before, stood = nights.never_to_change(origin), nights.standing(origin).name

    left_with = set()
    # All of the few first and last ones, and through the many between by steps.
    points = sorted({*range(0, 12), *range(12, operations, max(1, operations // 25)), operations - 1})
    for point in points:
        home = fresh(str(point))
        assert approve(home, made, point).returncode == -9, f"nothing was killed at {point}"
        nights.nothing_is_half(home)
        assert nights.standing(home).name in (stood, release)
        state = backfill.state(home / "backfill", made)
        left_with.add((state, nights.standing(home).name == release))
        again = nights.says(home, "backfill", "approve", made, "--why", "a test")
        if state == "approved":
            assert again.returncode == 1 and "is approved" in again.stderr + again.stdout
        else:
            assert again.returncode == 0, (point, again.stdout, again.stderr)
        assert backfill.state(home / "backfill", made) == "approved"
        assert nights.standing(home).name == release and nights.tables_of(nights.standing(home)) == right
        assert [(o.id, o.rows_digest) for o in landing.vintages(home / "landing", NAME)] == vintages
        assert [one.action for one in publish.history(home / "published")].count("publish") == 2
        looks = [one.vintage for one in landing.checks(home / "landing", NAME)]
        assert looks == ["2022-09-16", "2023-05-05"], "a look is on record once"
        nights.nothing_is_half(home)
        after = nights.never_to_change(home)
        assert before == {name: after.get(name) for name in before}
        with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=""):
            assert pipeline.load() is None, "a night after it finds nothing new"
            with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
                left = (home / "backfill" / made / "home").exists()
                told = pipeline.retain()
            assert told["removed"]["backfills"] == ([made] if left else [])
        assert not (home / "backfill" / made / "home").exists()
        assert not list((home / "published").glob(".partial-*"))
        shutil.rmtree(home)
    print(f"{len(points)} of {operations} operations; left with {sorted(left_with)}")
    assert left_with == {("approving", False), ("approving", True), ("approved", True)}
