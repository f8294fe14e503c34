"""An approval of a backfill that is killed at any durable operation and run again is one approval.

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
from conftest import settings_of
from killing import COUNTED

from warehouse.backfill import decide, records, stage
from warehouse.build import steps
from warehouse.config import PROJECT_ROOT
from warehouse.files import sha256_of
from warehouse.landing import store
from warehouse.maintenance import remove_expired
from warehouse.releases.history import read_history

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

NAME = "worldbank_wdi"
# In the recorded night's BX.GSR.NFSV.CD: China's services exports of 2021 in dollars, and what replaces it.
FIRST, CHANGED = b"338440775474.07", b"338500000000.07"

APPROVE = (
    """
import os, shutil, signal, sys
from pathlib import Path
from warehouse import config
from warehouse.backfill import decide
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
decide.approve(config.load_settings(), sys.argv[1], "a test")
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
        if (sent := path.read_bytes()).count(FIRST) == 1:
            path.chmod(0o644)
            path.write_bytes(sent.replace(FIRST, CHANGED))
            changed += 1
        one["sha256"] = sha256_of(path)
    assert changed == 1
    (mirror / "index.json").write_text(json.dumps(index))
    return mirror


@pytest.fixture(scope="module")
def waiting(released: Path, edition: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a home with a release, and the id of a backfill that waits for a decision."""
    home = tmp_path_factory.mktemp("waiting") / "home"
    shutil.copytree(released, home, symlinks=True)
    settings = settings_of(home)
    backfill = stage.begin(settings, NAME, "2023-01-01", "2023-12-31", (str(edition),))
    stage.compare(settings, stage.build(settings, backfill))
    status = decide.show(settings, backfill)
    assert status.state == "waiting" and status.blockers == ()
    return home, backfill


def approve(home: Path, made: str, left: int) -> subprocess.CompletedProcess[str]:
    """Approve in a process that ends itself before an operation; return how it ended."""
    return subprocess.run(
        [sys.executable, "-c", APPROVE, made, str(left)],
        cwd=PROJECT_ROOT,
        env=nights.environment_of(home, None),
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
    right, release = nights.tables_of(nights.current_release(alone)), nights.current_release(alone).name
    vintages = [(one.id, one.rows_digest) for one in store.vintages(alone / "landing", NAME)]
    assert [one for one, _ in vintages] == ["2022-09-16", "2023-05-05"]
    before, released = nights.immutable_files(origin), nights.current_release(origin).name

    left_with = set()
    # All of the few first and last ones, and through the many between by steps.
    points = sorted({*range(0, 12), *range(12, operations, max(1, operations // 25)), operations - 1})
    for point in points:
        home = fresh(str(point))
        assert approve(home, made, point).returncode == -9, f"nothing was killed at {point}"
        nights.require_complete(home)
        assert nights.current_release(home).name in (released, release)
        state = records.state(home / "backfill", made)
        left_with.add((state, nights.current_release(home).name == release))
        again = nights.run(home, "backfill", "approve", made, "--why", "a test")
        if state == "approved":
            assert again.returncode == 1 and "is approved" in again.stderr + again.stdout
        else:
            assert again.returncode == 0, (point, again.stdout, again.stderr)
        assert records.state(home / "backfill", made) == "approved"
        assert (
            nights.current_release(home).name == release
            and nights.tables_of(nights.current_release(home)) == right
        )
        assert [(o.id, o.rows_digest) for o in store.vintages(home / "landing", NAME)] == vintages
        assert [one.action for one in read_history(home / "published").require()].count("publish") == 2
        looks = [one.vintage for one in store.list_checks(home / "landing", NAME).require()]
        assert looks == ["2022-09-16", "2023-05-05"], "a poll is recorded once"
        nights.require_complete(home)
        after = nights.immutable_files(home)
        assert before == {name: after.get(name) for name in before}
        assert steps.load(settings_of(home)) is None, "the next nightly run finds nothing new"
        with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
            left = (home / "backfill" / made / "home").exists()
            removed = remove_expired(settings_of(home))
        assert removed.backfills == ((made,) if left else ())
        assert not (home / "backfill" / made / "home").exists()
        assert not list((home / "published").glob(".partial-*"))
        shutil.rmtree(home)
    print(f"{len(points)} of {operations} operations; left with {sorted(left_with)}")
    assert left_with == {("approving", False), ("approving", True), ("approved", True)}
