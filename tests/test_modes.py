"""Modes of files: set in code, whatever the umask of the process that starts the command or the task."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from small_releases import make_release, make_vintage

from warehouse.config import PROJECT_ROOT, SAMPLE_DIR

SECRET = PROJECT_ROOT / "docker" / "secret.py"
UMASKS = (0o077, 0o000)


def modes(folder: Path) -> dict[str, int]:
    """Return the mode of each file and directory, with a slash at the end of a directory's name."""
    found = {
        f"{path.relative_to(folder)}{'/' if path.is_dir() else ''}": stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
    }
    assert len(found) > 3
    return found


def others(found: dict[str, int], directory: int, *file: int) -> dict[str, str]:
    """Return the paths with another mode than those for directories and for files."""
    return {
        name: oct(mode)
        for name, mode in found.items()
        if mode not in ((directory,) if name.endswith("/") else file)
    }


def warehouse(home: Path, umask: int, *arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "warehouse", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "WAREHOUSE_HOME": str(home), "WAREHOUSE_MIRROR": str(SAMPLE_DIR / "night-2")},
        capture_output=True,
        text=True,
        umask=umask,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("umask", UMASKS)
def test_landed_files_are_readable_and_writable_only_by_the_owner(tmp_path: Path, umask: int) -> None:
    home = tmp_path / "home"
    warehouse(home, umask, "fetch", "wto_digital")
    found = modes(tmp_path)
    assert any(name.endswith("rows.parquet") for name in found)
    assert others(found, 0o755, 0o644) == {}


@pytest.mark.parametrize("umask", UMASKS)
def test_release_is_readable_by_all_and_writable_by_nobody(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        release = make_release(tmp_path, "r1")
    finally:
        os.umask(before)
    assert stat.S_IMODE(release.stat().st_mode) == 0o755
    found = modes(release)
    assert others(found, 0o755, 0o444) == {}


@pytest.mark.parametrize("umask", UMASKS)
def test_backup_and_restored_home_are_readable_by_all(tmp_path: Path, umask: int) -> None:
    home = tmp_path / "home"
    make_release(home, "r1")
    make_vintage(home / "landing", "wto_digital", "2024-05-02", [{"v": "1", "_file": "data.csv", "_row": 2}])
    warehouse(home, umask, "backup", str(tmp_path / "backups" / "b"))
    warehouse(tmp_path / "restored", umask, "restore", str(tmp_path / "backups" / "b"))
    for folder in (tmp_path / "backups", tmp_path / "restored"):
        assert others(modes(folder), 0o755, 0o644, 0o444) == {}


@pytest.mark.parametrize("umask", UMASKS)
def test_secrets_are_in_a_directory_that_only_the_owner_enters(tmp_path: Path, umask: int) -> None:
    existing = tmp_path / "existing"
    existing.mkdir(mode=0o755)
    for directory in (existing, tmp_path / "new"):
        subprocess.run([sys.executable, SECRET, "make", directory], check=True, umask=umask, timeout=30)
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert set(modes(directory).values()) == {0o444}
