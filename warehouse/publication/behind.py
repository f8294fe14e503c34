"""Whether the database of WAREHOUSE_PUBLISH_TO holds the current release, by the history of releases.

Nothing connects to the database: each copy is recorded in the history when it is complete.
"""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.config import Settings
from warehouse.publication.address import masked
from warehouse.releases.history import built_release, read_history
from warehouse.releases.store import latest_name

COPY_COMMAND = "warehouse publish-to"


@dataclass(frozen=True)
class DatabaseState:
    """The release that was last copied to a database, None if none was, and the release to copy.

    `address` has no password. `is_behind` is false for another refresh of the same release: it has the same
    figures.
    """

    address: str
    copied: str | None
    latest: str
    is_behind: bool

    @property
    def text(self) -> str:
        """Return the state in a sentence, with the command to run when the database is behind."""
        if not self.is_behind:
            return f"database {self.address}: release {self.copied}"
        held = f"release {self.copied}" if self.copied else "no release"
        return f"database {self.address}: {held}, and `latest` is {self.latest}. Copy it with: {COPY_COMMAND}"


def database_state(settings: Settings) -> DatabaseState | None:
    """Return the state of the database; None when no address is set or there is no release yet."""
    latest = latest_name(settings.published)
    if settings.publish_to is None or latest is None:
        return None
    address = masked(settings.publish_to.get_secret_value())
    entries = read_history(settings.published).records
    copies = [one.release for one in entries if one.action == "publish-to" and one.address == address]
    copied = copies[-1] if copies else None
    is_behind = copied is None or built_release(entries, copied) != built_release(entries, latest)
    return DatabaseState(address, copied, latest, is_behind)
