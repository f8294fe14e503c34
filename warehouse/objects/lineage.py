"""What a home has in common with a bucket: `objects.json` in the home."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from warehouse.files import read_record

LINEAGE = "objects.json"


class Lineage(BaseModel, frozen=True):
    """The content of `objects.json`.

    `states` are the states that `latest` of the bucket may have if no other home has pushed: the last one
    that was pushed or pulled, and one that is being pushed. `release` is that of the last complete push or
    pull; None before the first.
    """

    address: str
    states: tuple[str, ...]
    release: str | None


def read_lineage(home: Path) -> Lineage | None:
    """Return what a home has in common with a bucket; None if it was neither pushed nor pulled."""
    path = home / LINEAGE
    remedy = "Remove the file, which has no figures, and push with the option that the next error names"
    return read_record(path, Lineage, remedy) if path.exists() else None
