"""The history of releases: one line of `history.jsonl` for each action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, Field

from warehouse.files import Listing, append_record, list_log
from warehouse.releases.manifest import is_none

HISTORY = "history.jsonl"
HISTORY_REMEDY = (
    "Restore the file from the backup, or delete the line: the releases and `latest` do not depend on it. "
    "Until then, name a release by its id and not as `previous`"
)
Action = Literal["publish", "refresh", "rollback", "repair", "remove", "publish-to"]
Switch = tuple[str | None, str | None]  # what `latest` pointed at before and after


class HistoryEntry(BaseModel, frozen=True):
    """What was done with a release, and what `latest` pointed at before and after.

    Publishing a build of the past and removing an old release leave `latest` unchanged. A refresh replaces a
    release by the same one with newer freshness. A repair points `latest` at an intact release again. A
    rollback records `fingerprint` and `newest` (source to newest vintage) of the release that it replaced. A
    `publish-to` copies a release to a database: `address`, without its password.
    """

    # `who` and `why` are the names in records written before 0.2.
    at: datetime
    action: Action
    release: str
    before: str | None = Field(validation_alias=AliasChoices("from", "before"), serialization_alias="from")
    after: str | None = Field(validation_alias=AliasChoices("to", "after"), serialization_alias="to")
    actor: str = Field(validation_alias=AliasChoices("actor", "who"))
    reason: str = Field(validation_alias=AliasChoices("reason", "why"))
    fingerprint: str | None = Field(default=None, exclude_if=is_none)
    newest: dict[str, str] | None = Field(default=None, exclude_if=is_none)
    address: str | None = Field(default=None, exclude_if=is_none)

    @property
    def is_switch(self) -> bool:
        """Return whether this was to make `release` the current release."""
        return self.action in ("rollback", "repair") or self.release == self.after != self.before


def read_history(published: Path) -> Listing[HistoryEntry]:
    """Return the history, oldest first, and a message for each unreadable line."""
    return list_log(published / HISTORY, HistoryEntry, HISTORY_REMEDY)


def append_entry(
    published: Path, action: Action, release: str, latest: Switch, actor: str, reason: str, **contents: Any
) -> HistoryEntry:
    """Append an entry to the history and return it; it is on the disk when this returns.

    `contents` are fingerprint and newest vintages of the release that a rollback replaced, and the address
    of a `publish-to`.
    """
    entry = HistoryEntry(
        at=datetime.now(UTC),
        action=action,
        release=release,
        before=latest[0],
        after=latest[1],
        actor=actor,
        reason=reason,
        **contents,
    )
    append_record(published / HISTORY, entry)
    return entry


def last_switch(entries: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """Return the newest entry that was to switch `latest`, or None."""
    return next((entry for entry in reversed(entries) if entry.is_switch), None)


def built_release(entries: Sequence[HistoryEntry], release: str) -> str:
    """Return the release that was built, of which `release` is a refresh or which it is."""
    return _built(_refreshed(entries), release)


def _refreshed(entries: Sequence[HistoryEntry]) -> dict[str, str]:
    """Map each refresh to the release that it refreshes."""
    return {one.release: one.before for one in entries if one.action == "refresh" and one.before}


def _built(refreshed: Mapping[str, str], release: str) -> str:
    seen = {release}
    while (base := refreshed.get(release)) is not None and base not in seen:
        seen.add(base)
        release = base
    return release


def rolled_back(entries: Sequence[HistoryEntry]) -> dict[str, HistoryEntry]:
    """Map each release that was rolled back from, and not back to since, to that rollback.

    A release and its refreshes have the same figures: what is true of one is true of all of them.
    """
    refreshed = _refreshed(entries)
    found: dict[str, HistoryEntry] = {}  # by the release that was built
    names: dict[str, None] = {}
    for entry in entries:
        names |= dict.fromkeys(name for name in (entry.release, entry.before, entry.after) if name)
        if entry.action == "rollback":
            if entry.before is not None:
                found[_built(refreshed, entry.before)] = entry
            found.pop(_built(refreshed, entry.release), None)
    return {name: found[base] for name in names if (base := _built(refreshed, name)) in found}


def withdrawn(entries: Sequence[HistoryEntry]) -> dict[str, HistoryEntry]:
    """Map each release that was rolled back from, and has no successor yet, to that rollback.

    The nightly run must not build such a release again. Its successor is the next release that replaces the
    current release. A build of the past is none, whether it is published beside the others or becomes
    `latest` because there was no link: it contains nothing that the withdrawn release did not.
    """
    replaced = [
        number
        for number, entry in enumerate(entries)
        if entry.action == "publish" and entry.is_switch and entry.before is not None
    ]
    return rolled_back(entries[replaced[-1] + 1 :] if replaced else entries)
