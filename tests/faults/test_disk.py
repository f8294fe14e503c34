"""A disk that is full at any writing step, or read-only: a failure in plain words, and nothing half or lost.

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
from conftest import environment

from warehouse import landing, pipeline
from warehouse.config import Settings
from warehouse.errors import WarehouseError

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


def through(home: Path, taken: dict[str, int], disk: Path, fails_at: dict[str, int]) -> None:
    """Walk through the second night; before each step, try it with too little room, and see it fail well.

    `taken` is what each step took when there was room, filled on the first walk; `fails_at` counts the tries.
    """
    handed: dict[str, str] = {}
    steps = {
        "fetch": lambda: pipeline.fetch(NAME),
        "accept": lambda: pipeline.accept(NAME, handed["fetch"]),
        "load": pipeline.load,
        "transform": lambda: pipeline.transform(handed["load"]),
        "validate": lambda: pipeline.validate(handed["load"]),
        "publish": lambda: pipeline.publish(handed["load"]),
    }
    before, release = nights.never_to_change(home), nights.standing(home).name
    for step, run in steps.items():
        for portion in PORTIONS if step in taken else ():
            room = int(taken[step] * portion)
            with only(disk, room), pytest.raises((WarehouseError, OSError)) as told:
                run()
            fails_at[step] = fails_at.get(step, 0) + 1
            assert says_full(told.value), f"{step} with {room} bytes free: {told.value!r}"
            nights.nothing_is_half(home)
            after = nights.never_to_change(home)
            assert before == {name: after.get(name) for name in before}
            assert nights.standing(home).name == release
            if step == "accept":  # what the pull was is gone, or lies where it was: a plain night begins anew
                handed["fetch"] = pipeline.fetch(NAME)
        least = used(disk)
        handed[step] = run() or ""
        if step not in taken:
            taken[step] = max(used(disk) - least, 8192)


def says_full(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno == errno.ENOSPC) or any(
        words in str(error) for words in ("No space left on device", "free")
    )


def test_a_night_on_a_disk_that_is_full_at_every_step(disk: Path, stood: Path, second_night: Path) -> None:
    taken: dict[str, int] = {}
    fails_at: dict[str, int] = {}
    roomy, tight = disk / "roomy", disk / "tight"
    ends = []
    for home in (roomy, tight):
        shutil.copytree(stood, home, symlinks=True)
        with environment(
            WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(second_night), WAREHOUSE_DISK_FACTOR="0"
        ):
            through(home, taken, disk, fails_at)
        ends.append(nights.tables_of(nights.standing(home)))
    print(f"bytes that each step takes: {taken}; tries with too little room: {fails_at}")
    assert fails_at == dict.fromkeys(taken, len(PORTIONS))
    assert ends[0] == ends[1], "the night that failed at every step ends as the one that did not"
    turned_and_tidied(disk, tight)
    place = Settings(home=tight)
    assert not list(place.published.glob(".partial-*"))
    assert len(landing.vintages(place.landing, NAME)) == 2


def turned_and_tidied(disk: Path, home: Path) -> None:
    """Roll back, and make room, on a disk without a free byte."""
    release = nights.standing(home).name
    with environment(
        WAREHOUSE_HOME=str(home),
        WAREHOUSE_KEEP_BUILDS="0",
        WAREHOUSE_KEEP_BUILDS_DAYS="0",
        WAREHOUSE_DISK_FACTOR="0",
    ):
        build = pipeline.load(force=True)
        assert build is not None
        pipeline.keep_verdict(Path(build), {"success": False})
        with only(disk, 0):
            pipeline.rollback("previous", "a test")  # one line, which fits behind the others, and a symlink
            assert nights.standing(home).name != release
            assert pipeline.retain()["removed"]["builds"] == [Path(build).name], "a full disk can be cleared"
        nights.nothing_is_half(home)
        pipeline.rollback("previous", "back again")
        assert nights.standing(home).name == release


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
    ("backfill", NAME, "--from", "2023-01-01", "--to", "2024-12-31"),
)


def test_a_read_only_disk_is_read_and_refuses_every_write_in_one_line(
    disk: Path, stood: Path, second_night: Path
) -> None:
    home = disk / "home"
    shutil.copytree(stood, home, symlinks=True)
    before = nights.never_to_change(home)
    system("mount", "-o", "remount,ro", str(disk))
    for words in READING:
        told = nights.says(home, *words, mirror=second_night)
        assert told.returncode == 0, (words, told.stderr)
        assert "Traceback" not in told.stderr
    for words in WRITING:
        told = nights.says(home, *words, mirror=second_night)
        assert told.returncode == 1, (words, told.stdout, told.stderr)
        assert "Traceback" not in told.stdout + told.stderr, (words, told.stderr[-3000:])
        assert "ead-only" in told.stdout + told.stderr, (words, told.stdout, told.stderr)
    assert nights.never_to_change(home) == before
    system("mount", "-o", "remount,rw", str(disk))
    assert nights.says(home, "fetch", NAME, mirror=second_night).returncode == 0
