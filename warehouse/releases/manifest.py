"""Records of a build (`build.json`) and of a release (`MANIFEST.json`)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from warehouse.files import read_record
from warehouse.model import Decision, Fetched, Vintage

MANIFEST = "MANIFEST.json"
RELEASE_REMEDY = (
    "Restore the release from the backup. `warehouse releases` lists the others; "
    "`warehouse rollback RELEASE --why …` makes one of them the current release"
)


def _is_none(value: object) -> bool:
    return value is None


class VintageRef(BaseModel):
    """The name of a vintage."""

    model_config = ConfigDict(frozen=True)

    source: str
    vintage: str


class VintageEntry(BaseModel):
    """A vintage that a build contains.

    `overruled` is the decision that accepted it over the load gate; `backfilled` is the id of the backfill
    that brought it. Both are left out of the JSON when they are None.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    vintage: str
    retrieved_at: datetime
    row_count: int
    rows_digest: str
    overruled: Decision | None = Field(default=None, exclude_if=_is_none)
    backfilled: str | None = Field(default=None, exclude_if=_is_none)
    files: tuple[Fetched, ...]

    @property
    def ref(self) -> VintageRef:
        """Return the name of the vintage."""
        return VintageRef(source=self.source, vintage=self.vintage)


class BuildRecord(BaseModel):
    """What a build was made of: the content of its build.json.

    `is_of_the_past` is set when landed vintages are left out, `is_as_of` when a day was given. `fingerprint`
    digests all that the build depends on. `revisions_from` names the release whose known revisions were
    reused. The fields with defaults are missing from releases before 0.2.
    """

    model_config = ConfigDict(frozen=True)

    as_of: date
    is_of_the_past: bool
    is_as_of: bool = False
    fingerprint: str
    git_revision: str
    code_sha256: str = ""
    started_at: datetime
    versions: dict[str, str]
    vintages: tuple[VintageEntry, ...]
    revisions_from: str | None = None


class News(BaseModel):
    """What a release contains that the release before it, `against`, did not.

    `revisions` counts the revisions of these vintages by kind (new, changed, withdrawn); `big_revisions`
    counts those beyond their threshold.
    """

    model_config = ConfigDict(frozen=True)

    against: str | None
    vintages: tuple[VintageRef, ...]
    revisions: dict[str, int]
    big_revisions: int


class TableEntry(BaseModel):
    """A table of a release and its Parquet file."""

    model_config = ConfigDict(frozen=True)

    schema_name: str = Field(alias="schema")
    rows: int
    size_bytes: int
    sha256: str


class DatabaseEntry(BaseModel):
    """The database file of a release."""

    model_config = ConfigDict(frozen=True)

    file: str
    sha256: str
    size_bytes: int


class ReleaseManifest(BuildRecord):
    """The content of a release's MANIFEST.json.

    `refreshes` names the release that this one repeats with the freshness of `refreshed_at`. `news` is None
    in releases before 0.2.
    """

    published_at: datetime
    refreshes: str | None = None
    refreshed_at: datetime | None = None
    validation: dict[str, Any]
    news: News | None = None
    release: str
    database: DatabaseEntry
    tables: dict[str, TableEntry]


def read_manifest(release: Path) -> ReleaseManifest:
    """Read the manifest of a release; raise WarehouseError with file, field and remedy if it is invalid."""
    return read_record(release / MANIFEST, ReleaseManifest, RELEASE_REMEDY)


def entry_of(vintage: Vintage) -> VintageEntry:
    """Return the entry of a landed vintage."""
    return VintageEntry(
        source=vintage.source,
        vintage=vintage.id,
        retrieved_at=vintage.retrieved_at,
        row_count=vintage.row_count,
        rows_digest=vintage.rows_digest,
        overruled=vintage.overruled,
        backfilled=vintage.backfilled.subject if vintage.backfilled else None,
        files=vintage.files,
    )
