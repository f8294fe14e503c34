"""An approval of a backfill, killed at any durable operation and repeated, takes effect once.

The backfill loads a recorded edition of 2023 that was never fetched, and is built and compared with the
current release. Each case kills the approving process with SIGKILL before its n-th link, rename, removal
or sync.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nights
import pytest
import time_machine
from command_line import invoke
from conftest import settings_of
from killing import forks

from warehouse.backfill import decide, records, stage
from warehouse.build import steps
from warehouse.files import sha256_of
from warehouse.landing import store
from warehouse.maintenance import remove_expired
from warehouse.releases.history import read_history

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

NAME = "worldbank_wdi"
# In the recorded night's BX.GSR.NFSV.CD: China's services exports of 2021 in dollars, and the changed value.
FIRST, CHANGED = b"338440775474.07", b"338500000000.07"

APPROVE = """
import shutil
from warehouse import config
from warehouse.backfill import decide
os.fsync = counted(os.fsync)
os.link = counted(os.link)
os.rename = counted(os.rename)
os.replace = counted(os.replace)
os.symlink = counted(os.symlink)
os.unlink = counted(os.unlink)
shutil.rmtree = counted(shutil.rmtree)
def run(home, backfill, count):
    whole = left
    decide.approve(config.load_settings(home=home), backfill, "a test")
    Path(count).write_text(str(whole - left))
"""


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first night's answers, dated May 2023 and with a changed figure."""
    mirror = nights.mirror_of("night-1", tmp_path_factory.mktemp("edition") / "mirror")
    index = json.loads((mirror / "index.json").read_text())
    changed = 0
    for answer in index["answers"]:
        answer["retrieved_at"] = "2023-05-05T00:00:00Z"
        path = mirror / answer["file"]
        if (sent := path.read_bytes()).count(FIRST) == 1:
            path.chmod(0o644)
            path.write_bytes(sent.replace(FIRST, CHANGED))
            changed += 1
        answer["sha256"] = sha256_of(path)
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


@pytest.fixture
def approve() -> Iterator[Callable[..., int]]:
    """Return a function that approves in a process that kills itself before an operation."""
    with forks(APPROVE) as run:
        yield run


def test_approval_killed_at_any_operation_and_repeated_takes_effect_once(
    waiting: tuple[Path, str], approve: Callable[..., int], tmp_path: Path
) -> None:
    origin, backfill = waiting

    def fresh(name: str) -> Path:
        return Path(shutil.copytree(origin, tmp_path / name, symlinks=True))

    undisturbed, count = fresh("undisturbed"), tmp_path / "operations"
    assert approve(sys.maxsize, str(undisturbed), backfill, str(count)) == 0
    operations = int(count.read_text())
    assert operations > 40
    expected_tables, release = (
        nights.tables_of(nights.current_release(undisturbed)),
        nights.current_release(undisturbed).name,
    )
    vintages = [
        (vintage.id, vintage.rows_digest) for vintage in store.vintages(undisturbed / "landing", NAME)
    ]
    assert [vintage for vintage, _ in vintages] == ["2022-09-16", "2023-05-05"]
    before, released = nights.immutable_files(origin), nights.current_release(origin).name

    left_with = set()
    # All of the first operations, the last one, and a sample of those between.
    points = sorted({*range(0, 12), *range(12, operations, max(1, operations // 25)), operations - 1})
    for point in points:
        home = fresh(str(point))
        killed = approve(point, str(home), backfill, str(count))
        assert killed == -9, f"the process was not killed at operation {point}"
        nights.require_complete(home)
        assert nights.current_release(home).name in (released, release)
        state = records.state(home / "backfill", backfill)
        left_with.add((state, nights.current_release(home).name == release))
        second_approval = invoke(
            home, "backfill", "approve", backfill, "--why", "a test", exit_code=int(state == "approved")
        )
        assert state != "approved" or "is approved" in second_approval.stderr + second_approval.stdout
        assert records.state(home / "backfill", backfill) == "approved"
        assert (
            nights.current_release(home).name == release
            and nights.tables_of(nights.current_release(home)) == expected_tables
        )
        assert [
            (vintage.id, vintage.rows_digest) for vintage in store.vintages(home / "landing", NAME)
        ] == vintages
        assert [entry.action for entry in read_history(home / "published").require()].count("publish") == 2
        polled_vintages = [check.vintage for check in store.list_checks(home / "landing", NAME).require()]
        assert polled_vintages == ["2022-09-16", "2023-05-05"], "a poll is recorded once"
        nights.require_complete(home)
        after = nights.immutable_files(home)
        assert before == {name: after.get(name) for name in before}
        assert steps.load(settings_of(home)) is None, "the next nightly run finds nothing new"
        with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
            left = (home / "backfill" / backfill / "home").exists()
            removed = remove_expired(settings_of(home))
        assert removed.backfills == ((backfill,) if left else ())
        assert not (home / "backfill" / backfill / "home").exists()
        assert not list((home / "published").glob(".partial-*"))
        shutil.rmtree(home)
    print(f"{len(points)} of {operations} operations; left with {sorted(left_with)}")
    assert left_with == {("approving", False), ("approving", True), ("approved", True)}
