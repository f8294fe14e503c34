"""Whether the bucket of WAREHOUSE_OBJECTS has the current release, by `objects.json` of the home.

Nothing connects to the bucket: each push and pull is recorded in the home when it is complete.
"""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.objects.address import parse_address
from warehouse.objects.lineage import read_lineage
from warehouse.releases.history import built_release, read_history
from warehouse.releases.store import latest_name

PUSH_COMMAND = "warehouse objects push"


@dataclass(frozen=True)
class ObjectsState:
    """The release that was last pushed to a bucket, None if none was, and the release to push.

    `is_behind` is false for another refresh of the same release: it has the same figures.
    """

    address: str
    pushed: str | None
    latest: str
    is_behind: bool

    @property
    def text(self) -> str:
        """Return the state in a sentence, with the command to run when the bucket is behind."""
        if not self.is_behind:
            return f"bucket {self.address}: release {self.pushed}"
        held = f"release {self.pushed}" if self.pushed else "no release of this home"
        return f"bucket {self.address}: {held}, and `latest` is {self.latest}. Push it with: {PUSH_COMMAND}"


def objects_state(settings: Settings) -> ObjectsState | None:
    """Return the state of the bucket; None when no address is set or there is no release yet.

    Raises WarehouseError when the address, or the record of the last push, cannot be read.
    """
    latest = latest_name(settings.published)
    if settings.objects is None or latest is None:
        return None
    try:
        address = str(parse_address(settings.objects.get_secret_value()))
    except WarehouseError as error:
        raise WarehouseError(f"WAREHOUSE_OBJECTS: {error}") from error
    lineage = read_lineage(settings.home)
    pushed = lineage.release if lineage and lineage.address == address else None
    entries = read_history(settings.published).records
    is_behind = pushed is None or built_release(entries, pushed) != built_release(entries, latest)
    return ObjectsState(address, pushed, latest, is_behind)
