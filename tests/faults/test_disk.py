"""A full disk at each writing step, and a read-only disk: clear failures, no incomplete or lost files.

The disk is a small tmpfs; mounting it requires root, or a user who may be root in a namespace.
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
from command_line import invoke
from conftest import settings_of

from warehouse.build import builds, steps
from warehouse.config import RetentionPolicy, Settings
from warehouse.errors import WarehouseError
from warehouse.files import write_record
from warehouse.landing import store
from warehouse.maintenance import remove_expired
from warehouse.quality import Verdict
from warehouse.releases.publish import rollback

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

DISK_MIB = 384
NAME = "worldbank_wdi"
# Free space in a case, as a share of the bytes that the step writes.
PORTIONS = (0.0, 0.2, 0.5, 0.8)


def system(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    assert found, f"{program} is not on the path"
    subprocess.run([found, *arguments], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system."""
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    system("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(mount_point))
    try:
        yield mount_point
    finally:
        system("umount", "--lazy", str(mount_point))


@contextlib.contextmanager
def limited_space(disk: Path, free_bytes: int) -> Iterator[None]:
    """Fill a disk until only `free_bytes` are free."""
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


def run_steps(
    settings: Settings, bytes_written: dict[str, int], disk: Path, fails_at: dict[str, int]
) -> None:
    """Run the steps of the second night; try each with too little space first, and expect a clean failure.

    `bytes_written`: disk space that each step uses, measured in the first run; `fails_at` counts the tries.
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
        for portion in PORTIONS if step in bytes_written else ():
            free_bytes = int(bytes_written[step] * portion)
            with limited_space(disk, free_bytes), pytest.raises((WarehouseError, OSError)) as failed:
                run()
            fails_at[step] = fails_at.get(step, 0) + 1
            assert reports_full_disk(failed.value), f"{step} with {free_bytes} bytes free: {failed.value!r}"
            nights.require_complete(home)
            after = nights.immutable_files(home)
            assert before == {name: after.get(name) for name in before}
            assert nights.current_release(home).name == release
            if (
                step == "accept"
            ):  # the load is discarded or left unchanged; the next run begins with a new load
                results["fetch"] = steps.fetch(settings, NAME)
        used_before = used(disk)
        results[step] = run() or ""
        if step not in bytes_written:
            bytes_written[step] = max(used(disk) - used_before, 8192)


def reports_full_disk(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno == errno.ENOSPC) or any(
        arguments in str(error) for arguments in ("No space left on device", "free")
    )


def test_run_recovers_from_full_disk_at_every_step(disk: Path, released: Path, second_night: Path) -> None:
    bytes_written: dict[str, int] = {}
    fails_at: dict[str, int] = {}
    with_space, without_space = disk / "with_space", disk / "without_space"
    tables = []
    for home in (with_space, without_space):
        shutil.copytree(released, home, symlinks=True)
        run_steps(settings_of(home, second_night, disk_factor=0), bytes_written, disk, fails_at)
        tables.append(nights.tables_of(nights.current_release(home)))
    print(f"bytes that each step writes: {bytes_written}; tries with too little space: {fails_at}")
    assert fails_at == dict.fromkeys(bytes_written, len(PORTIONS))
    assert tables[0] == tables[1], "a run with a failure at every step ends like a run without failures"
    roll_back_and_clear(disk, without_space)
    settings = settings_of(without_space)
    assert not list(settings.published.glob(".partial-*"))
    assert len(store.vintages(settings.landing, NAME)) == 2


def roll_back_and_clear(disk: Path, home: Path) -> None:
    """Roll back, and remove a failed build, on a disk without a free byte."""
    release = nights.current_release(home).name
    policy = RetentionPolicy(builds=0, builds_days=0)
    settings = settings_of(home, disk_factor=0, keep=policy)
    build = steps.load(settings, force=True)
    assert build is not None
    write_record(builds.build_dir(settings, build) / builds.VERDICT, Verdict(success=False))
    with limited_space(disk, 0):
        # A rollback appends a line, which fits into the last block of the file, and replaces a symlink.
        rollback(settings.published, "previous", "a test", "tests")
        assert nights.current_release(home).name != release
        assert remove_expired(settings).builds == (build,), "a full disk can be cleared"
    nights.require_complete(home)
    rollback(settings.published, release, "back again", "tests")
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


def test_read_only_disk_allows_reads_and_rejects_writes_with_message(
    disk: Path, released: Path, second_night: Path
) -> None:
    home = disk / "home"
    shutil.copytree(released, home, symlinks=True)
    before = nights.immutable_files(home)
    system("mount", "-o", "remount,ro", str(disk))
    for arguments in READING:
        invoke(home, *arguments, mirror=second_night)
    for arguments in WRITING:
        done = invoke(home, *arguments, mirror=second_night, exit_code=1)
        assert "Traceback" not in done.stdout + done.stderr, (arguments, done.stderr[-3000:])
        assert "ead-only" in done.stdout + done.stderr, (arguments, done.stdout, done.stderr)
    assert nights.immutable_files(home) == before
    system("mount", "-o", "remount,rw", str(disk))
    invoke(home, "fetch", NAME, mirror=second_night)
