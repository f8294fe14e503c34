"""A disk that is full at any writing step, or read-only: a clear failure, and nothing incomplete or lost.

The disk is a tmpfs of some megabytes; to mount one takes root, or a user who may be root in a namespace.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nights
import pytest
from conftest import settings_of

from warehouse.build import steps
from warehouse.config import RetentionPolicy, Settings
from warehouse.errors import WarehouseError
from warehouse.files import write_record
from warehouse.landing import store
from warehouse.maintenance import remove_expired
from warehouse.quality import Verdict
from warehouse.releases.publish import rollback

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

DISK_MIB = 192
NAME = "worldbank_wdi"
# Of what a step writes when there is room, so much is left to it.
PORTIONS = (0.0, 0.2, 0.5, 0.8)


def system(program: str, *words: str) -> None:
    found = shutil.which(program)
    assert found, f"there is no {program} on the path"
    subprocess.run([found, *words], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system of our own."""
    place = tmp_path / "disk"
    place.mkdir()
    system("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(place))
    try:
        yield place
    finally:
        system("umount", "--lazy", str(place))


@contextlib.contextmanager
def only(disk: Path, free_bytes: int) -> Iterator[None]:
    """Fill a disk so that so much is free."""
    ballast = disk / "ballast"
    os.sync()
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(disk).free - free_bytes))
    try:
        yield
    finally:
        ballast.unlink()


def used(disk: Path) -> int:
    return shutil.disk_usage(disk).used


def run_steps(settings: Settings, taken: dict[str, int], disk: Path, fails_at: dict[str, int]) -> None:
    """Run the steps of the second night; before each, try it with too little space, and see it fail cleanly.

    `taken` is what each step took when there was room, filled on the first walk; `fails_at` counts the tries.
    """
    home = settings.home
    results: dict[str, str] = {}
    functions = {
        "fetch": lambda: steps.fetch(settings, NAME),
        "accept": lambda: steps.accept(settings, NAME, results["fetch"]),
        "load": lambda: steps.load(settings),
        "transform": lambda: steps.transform(settings, results["load"]),
        "validate": lambda: steps.validate(settings, results["load"]),
        "publish": lambda: steps.publish(settings, results["load"]),
    }
    before, release = nights.immutable_files(home), nights.current_release(home).name
    for step, run in functions.items():
        for portion in PORTIONS if step in taken else ():
            room = int(taken[step] * portion)
            with only(disk, room), pytest.raises((WarehouseError, OSError)) as failed:
                run()
            fails_at[step] = fails_at.get(step, 0) + 1
            assert says_full(failed.value), f"{step} with {room} bytes free: {failed.value!r}"
            nights.require_complete(home)
            after = nights.immutable_files(home)
            assert before == {name: after.get(name) for name in before}
            assert nights.current_release(home).name == release
            if step == "accept":  # the load is discarded or left as it was: a run begins with a new one
                results["fetch"] = steps.fetch(settings, NAME)
        least = used(disk)
        results[step] = run() or ""
        if step not in taken:
            taken[step] = max(used(disk) - least, 8192)


def says_full(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno == errno.ENOSPC) or any(
        words in str(error) for words in ("No space left on device", "free")
    )


def test_a_night_on_a_disk_that_is_full_at_every_step(disk: Path, released: Path, second_night: Path) -> None:
    taken: dict[str, int] = {}
    fails_at: dict[str, int] = {}
    roomy, tight = disk / "roomy", disk / "tight"
    ends = []
    for home in (roomy, tight):
        shutil.copytree(released, home, symlinks=True)
        run_steps(settings_of(home, second_night, disk_factor=0), taken, disk, fails_at)
        ends.append(nights.tables_of(nights.current_release(home)))
    print(f"bytes that each step takes: {taken}; tries with too little room: {fails_at}")
    assert fails_at == dict.fromkeys(taken, len(PORTIONS))
    assert ends[0] == ends[1], "the run that failed at every step ends as the one that did not"
    roll_back_and_clear(disk, tight)
    settings = settings_of(tight)
    assert not list(settings.published.glob(".partial-*"))
    assert len(store.vintages(settings.landing, NAME)) == 2


def roll_back_and_clear(disk: Path, home: Path) -> None:
    """Roll back, and remove a failed build, on a disk without a free byte."""
    release = nights.current_release(home).name
    policy = RetentionPolicy(builds=0, builds_days=0)
    settings = settings_of(home, disk_factor=0, keep=policy)
    build = steps.load(settings, force=True)
    assert build is not None
    write_record(steps.build_dir(settings, build) / steps.VERDICT, Verdict(success=False))
    with only(disk, 0):
        # One line, which fits behind the others, and a symlink.
        rollback(settings.published, "previous", "a test", "tests")
        assert nights.current_release(home).name != release
        assert remove_expired(settings).builds == (build,), "a full disk can be cleared"
    nights.require_complete(home)
    rollback(settings.published, "previous", "back again", "tests")
    assert nights.current_release(home).name == release


READING = (
    ("status",),
    ("releases",),
    ("sources",),
    ("alerts",),
    ("rejected", "list"),
    ("backfill", "list"),
    ("query", "select count(*) from marts.mart_trade_scale"),
)
WRITING = (
    ("fetch", NAME),
    ("run",),
    ("publish", "--force"),
    ("maintain",),
    ("backfill", "start", NAME, "--from", "2023-01-01", "--to", "2024-12-31"),
)


def test_a_read_only_disk_is_read_and_refuses_every_write_in_one_line(
    disk: Path, released: Path, second_night: Path
) -> None:
    home = disk / "home"
    shutil.copytree(released, home, symlinks=True)
    before = nights.immutable_files(home)
    system("mount", "-o", "remount,ro", str(disk))
    for words in READING:
        done = nights.run(home, *words, mirror=second_night)
        assert done.returncode == 0, (words, done.stderr)
        assert "Traceback" not in done.stderr
    for words in WRITING:
        done = nights.run(home, *words, mirror=second_night)
        assert done.returncode == 1, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stdout + done.stderr, (words, done.stderr[-3000:])
        assert "ead-only" in done.stdout + done.stderr, (words, done.stdout, done.stderr)
    assert nights.immutable_files(home) == before
    system("mount", "-o", "remount,rw", str(disk))
    assert nights.run(home, "fetch", NAME, mirror=second_night).returncode == 0
