"""The shelf of pulls that the gate refused, and the record of those that a person accepted all the same.

An entry is a directory `rejected/<source>/<pull>/`: `files/`, the bytes as sent, with `fetched.json`, which
tells their addresses and checksums; and `report.json`, the gate's report and its reasons. Its id is the
pull's name.

Keeps: bytes, report and reasons as they were put there. Accepting an entry adds `overruled.json`, who, when,
why and as which vintage, and takes nothing away; the landing gets the bytes by hard link.

Refuses: an id that no entry or more than one has, an entry that was accepted already, a decision without a
reason. What can be read at all, and whether the bytes are those that were fetched, is found by reading them
again, and nothing in here overrules that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse.errors import WarehouseError
from warehouse.files import fsync, write_atomic
from warehouse.model import Ruling

REPORT = "report.json"
OVERRULED = "overruled.json"


@dataclass(frozen=True)
class Shelved:
    """One refused pull. `vintage` and `ruling` are there when a person accepted it."""

    id: str
    source: str
    directory: Path
    rejected_at: datetime
    reasons: tuple[str, ...]
    report: dict[str, Any]
    vintage: str | None
    ruling: Ruling | None

    @property
    def is_judged(self) -> bool:
        """Tell whether its rows were read and judged; if not, there is nothing that could be overruled."""
        return "findings" in self.report


def shelf(rejected: Path) -> tuple[Shelved, ...]:
    """List all entries, oldest first; raise WarehouseError for one whose report can't be read."""
    found = [read(path.parent) for path in rejected.glob(f"*/*/{REPORT}") if path.parent.name[0] != "."]
    return tuple(sorted(found, key=lambda one: (one.rejected_at, one.source, one.id)))


def read(directory: Path) -> Shelved:
    """Read one entry."""
    path, ruled = directory / REPORT, directory / OVERRULED
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        decided = json.loads(ruled.read_text(encoding="utf-8")) if ruled.exists() else None
        return Shelved(
            id=directory.name,
            source=told["source"],
            directory=directory,
            rejected_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
            reasons=tuple(told["reasons"]),
            report=told["report"],
            vintage=decided["vintage"] if decided else None,
            ruling=Ruling(
                decided["by"], datetime.fromisoformat(decided["at"]), decided["why"], decided["about"]
            )
            if decided
            else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"{path}: unreadable ({error!r}). Restore it from the backup, or remove {directory}"
        ) from error


def find(rejected: Path, wanted: str) -> Shelved:
    """Return the entry whose id is, or alone begins with, `wanted`."""
    entries = shelf(rejected)
    found = [one for one in entries if one.id == wanted] or [
        one for one in entries if wanted and one.id.startswith(wanted)
    ]
    if len(found) != 1:
        known = ", ".join(one.id for one in found or entries) or "none"
        raise WarehouseError(
            f"{wanted!r} names {len(found) or 'no'} rejected vintage{'s' if found else ''}; "
            f"{'they are' if found else 'there are'}: {known}. See `warehouse rejected list`"
        )
    return found[0]


def take_out(entry: Shelved, incoming: Path) -> None:
    """Make a pull in progress of an entry's bytes, by hard links; the entry stays as it is."""
    (incoming / "files").mkdir(parents=True)
    for path in sorted((entry.directory / "files").iterdir()):
        (incoming / "files" / path.name).hardlink_to(path)


def mark(entry: Shelved, ruling: Ruling, vintage: str) -> None:
    """Write into an entry who accepted it, when, why and as which vintage."""
    told = {
        "vintage": vintage,
        "by": ruling.by,
        "at": ruling.at.isoformat(),
        "why": ruling.why,
        "about": ruling.about,
    }
    write_atomic(entry.directory / OVERRULED, json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    fsync(entry.directory)
