"""Publishing a release to a database server, and recording it in the history of releases."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.config import Settings
from warehouse.publication.address import masked, require_postgres
from warehouse.publication.postgres import Copied, ReleaseFacts, copy_release
from warehouse.publication.tables import read_tables
from warehouse.releases.history import append_entry
from warehouse.releases.keys import DBT_MANIFEST, table_keys
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE, LATEST, find_release, latest_name, reading, switching

READER = "bi_reader"


@dataclass(frozen=True)
class Publication:
    """A release that was copied to a database; `address` has no password."""

    release: str
    address: str
    copied: Copied


def publish_to(
    settings: Settings, address: str, release: str = LATEST, reader: str | None = READER
) -> Publication:
    """Copy the published tables of a release to the PostgreSQL database at `address`.

    `release` is an id, `latest` or `previous`; `reader` is the role that may select, None for no grants.
    Raises WarehouseError when there is no such release, when it is damaged, and when the copy fails; the
    release and what readers of the database see are then unchanged.
    """
    require_postgres(address)
    directory = find_release(settings.published, release)
    manifest = read_manifest(directory)
    facts = ReleaseFacts(
        release=directory.name,
        as_of=manifest.as_of.isoformat(),
        published_at=manifest.published_at.isoformat(),
        git_revision=manifest.git_revision,
    )
    with reading(directory / DATABASE) as db:
        copied = copy_release(
            address, db, read_tables(db, table_keys(directory / DBT_MANIFEST)), facts, reader
        )
    with switching(settings.published):
        latest = latest_name(settings.published)
        append_entry(
            settings.published,
            "publish-to",
            directory.name,
            (latest, latest),
            settings.operator,
            f"copied to {masked(address)}",
            address=masked(address),
        )
    return Publication(directory.name, masked(address), copied)
