"""What may go to make room, and how much room there is.

Keeps: of releases, builds and rejected vintages the newest few *and* everything that is young; a thing goes
only when it is neither. The release that readers see, and the two between which `latest` moved last, stay
whatever their age. What goes is first renamed to a hidden name, in one step, and then removed: nobody ever
sees half of it, a removal that was killed is ended by the next, and a reader that has it open reads on.

Refuses: to know of the landing. Accepted vintages are for ever, and no path in here leads to one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from warehouse.files import fsync

REMOVING_PREFIX = ".removing-"


@dataclass(frozen=True)
class Room:
    """The free bytes of a file system, what a build needs of them, and what that was reckoned from."""

    free_bytes: int
    needed_bytes: int
    basis: str

    @property
    def is_enough(self) -> bool:
        """Tell whether a build may begin."""
        return self.free_bytes >= self.needed_bytes


def outdated(
    aged: Iterable[tuple[Path, datetime]],
    *,
    keep: int,
    days: int,
    now: datetime,
    never: Collection[str] = (),
) -> tuple[Path, ...]:
    """Return what is beyond the newest `keep` and older than `days`, given oldest first.

    The order given says what is newest, so that a clock that went wrong can cost nothing that is recent.
    """
    things = list(aged)
    beyond = things[: max(0, len(things) - keep)]
    return tuple(
        path for path, born in beyond if born < now - timedelta(days=days) and path.name not in never
    )


def hide(path: Path) -> Path:
    """Take a directory out of sight by one rename, and return its new place."""
    hidden = path.with_name(f"{REMOVING_PREFIX}{path.name}")
    if hidden.exists():  # of a removal that was killed, and something of that name came again
        shutil.rmtree(hidden)
    path.rename(hidden)
    fsync(path.parent)
    return hidden


def remove_hidden(folder: Path) -> int:
    """Remove what was taken out of sight in a folder, now or by a run that was killed; return the bytes.

    A file that lies elsewhere too, by a hard link, frees none.
    """
    freed = 0
    for hidden in sorted(folder.glob(f"{REMOVING_PREFIX}*")):
        facts = [path.lstat() for path in hidden.rglob("*") if not path.is_dir() or path.is_symlink()]
        freed += sum(one.st_size for one in facts if one.st_nlink == 1)
        shutil.rmtree(hidden)
    return freed


def size_of(directory: Path) -> int:
    """Return the bytes of all files under a directory."""
    return sum(
        (Path(parent) / name).lstat().st_size for parent, _, names in os.walk(directory) for name in names
    )


def room(place: Path, built_bytes: int, basis: str, factor: float) -> Room:
    """Reckon the room for a build: `factor` times `built_bytes`, against what is free where it will lie."""
    return Room(shutil.disk_usage(place).free, int(built_bytes * factor), basis)
