"""Record what a process flushes to the disk and renames, in order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """Return a list that grows by `flush` and `rename`, each with the path that it is of, at its time."""
    events: list[tuple[str, Path]] = []

    def fsync(handle: int) -> None:
        events.append(("flush", Path(f"/proc/self/fd/{handle}").readlink()))
        real_fsync(handle)

    def rename(path: Path, target: Path) -> Path:
        events.append(("rename", path))
        return real_rename(path, target)

    real_fsync, real_rename = os.fsync, Path.rename
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    return events
