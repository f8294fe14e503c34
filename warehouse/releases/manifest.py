"""Records of a build (`build.json`) and of a release (`MANIFEST.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from warehouse.errors import WarehouseError
from warehouse.files import read_record
from warehouse.model import Decision, Fetched, Vintage

MANIFEST = "MANIFEST.json"
RELEASE_REMEDY = (
    "Restore the release from the backup. `warehouse releases` lists the others; "
    "`warehouse rollback RELEASE --why …` makes one of them the current release"
)


def is_none(value: object) -> bool:
    """Return whether a field is left out of the JSON."""
    return value is None


class VintageRef(BaseModel, frozen=True):
    """The name of a vintage."""

    source: str
    vintage: str


class VintageEntry(BaseModel, frozen=True):
    """A vintage that a build contains.

    `overruled` is the decision that accepted it over the load gate; `backfilled` is the id of the backfill
    that brought it. Both are left out of the JSON when they are None.
    """

    source: str
    vintage: str
    retrieved_at: datetime
    row_count: int
    rows_digest: str
    overruled: Decision | None = Field(default=None, exclude_if=is_none)
    backfilled: str | None = Field(default=None, exclude_if=is_none)
    files: tuple[Fetched, ...]

    @property
    def ref(self) -> VintageRef:
        """Return the name of the vintage."""
        return VintageRef(source=self.source, vintage=self.vintage)


class SetAside(VintageRef, frozen=True):
    """A vintage that a build left out because its source failed, and why; an older one is used instead."""

    reason: str
    used_instead: str | None


class Contents(BaseModel, frozen=True):
    """The digests of the rows of the tables of a build, by the name of the table: its contents.json.

    `tables` has one for each table; `parts` has those of the rows of each source, where a table is made by
    source.
    """

    tables: dict[str, str] = Field(default_factory=dict)
    parts: dict[str, dict[str, str]] = Field(default_factory=dict)


class BuildRecord(BaseModel, frozen=True):
    """What a build was made of: the content of its build.json.

    `is_of_the_past` is set when landed vintages are left out, `is_as_of` when a day was given. `fingerprint`
    digests all that the build was asked to contain. `set_aside` lists vintages that it left out because their
    source failed. `revisions_from` names the release whose known revisions were
    reused. The fields with defaults are missing from releases before 0.2.
    """

    as_of: date
    is_of_the_past: bool
    is_as_of: bool = False
    fingerprint: str
    git_revision: str
    code_sha256: str = ""
    started_at: datetime
    versions: dict[str, str]
    vintages: tuple[VintageEntry, ...]
    set_aside: tuple[SetAside, ...] = ()
    revisions_from: str | None = None


class News(BaseModel, frozen=True):
    """What a release contains that the release before it, `against`, did not.

    `revisions` counts the revisions of these vintages by kind (new, changed, withdrawn); `big_revisions`
    counts those beyond their threshold.
    """

    against: str | None
    vintages: tuple[VintageRef, ...]
    revisions: dict[str, int]
    big_revisions: int


class TableEntry(BaseModel, frozen=True):
    """A table of a release and its Parquet file.

    `content` digests the rows, whatever their order: equal for equal rows of builds with the same code and
    DuckDB. It is None where it is not known: on Spark, and after a refresh. `parts` has the same for the rows
    of each source, of a table that is made by source, and is None for other tables.
    """

    schema_name: str = Field(alias="schema")
    rows: int
    size_bytes: int
    sha256: str
    content: str | None = Field(default=None, exclude_if=is_none)
    parts: dict[str, str] | None = Field(default=None, exclude_if=is_none)


class ChangedSources(NamedTuple):
    """The sources whose rows differ in two versions of a table, and the number of rows of all others."""

    sources: frozenset[str]
    rows_unchanged: int

    @classmethod
    def between(cls, before: Mapping[str, str], after: Mapping[str, str]) -> ChangedSources:
        """Compare the digests of a table's rows by source, which begin with the number of rows."""
        same = before.items() & after.items()
        sources = (before.keys() | after.keys()) - {source for source, _ in same}
        return cls(frozenset(sources), sum(int(digest.split()[0]) for _, digest in same))


class DatabaseEntry(BaseModel, frozen=True):
    """The database file of a release."""

    file: str
    sha256: str
    size_bytes: int


class ReleaseManifest(BuildRecord, frozen=True):
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

    def unchanged(self, contents: Contents, record: BuildRecord) -> dict[str, TableEntry]:
        """Return the tables that a build has with the same rows, made by the same code and versions.

        `contents` are the digests of the build's tables, `record` is its build.json.
        """
        if not self._is_comparable(record):
            return {}
        known = {name: one for name, one in self.tables.items() if one.content is not None}
        return {name: one for name, one in known.items() if one.content == contents.tables.get(name)}

    def changed_sources(self, contents: Contents, record: BuildRecord) -> dict[str, ChangedSources]:
        """Return the sources of which a build has other rows, for the tables that both know by source.

        A source of which only one of them has rows is among them.
        """
        if not self._is_comparable(record):
            return {}
        return {
            name: ChangedSources.between(one.parts, contents.parts[name])
            for name, one in self.tables.items()
            if one.parts is not None and name in contents.parts
        }

    def contents(self) -> Contents:
        """Return the digests of the rows of the release's tables, as far as they are known."""
        entries = self.tables.items()
        return Contents(
            tables={name: one.content for name, one in entries if one.content is not None},
            parts={name: one.parts for name, one in entries if one.parts is not None},
        )

    def _is_comparable(self, record: BuildRecord) -> bool:
        """Tell whether equal digests of a build are of equal rows: its code and versions are the same."""
        made_by = (self.code_sha256, self.versions)
        return bool(self.code_sha256) and made_by == (record.code_sha256, record.versions)

    def checksums(self, directory: Path) -> dict[Path, str]:
        """Return the recorded sha256 of the database and of each Parquet file in the release's directory."""
        parquet = {directory / "parquet" / f"{name}.parquet": one.sha256 for name, one in self.tables.items()}
        return {directory / self.database.file: self.database.sha256} | parquet


def read_manifest(release: Path) -> ReleaseManifest:
    """Read the manifest of a release; raise WarehouseError with file, field and remedy if it is invalid."""
    return read_record(release / MANIFEST, ReleaseManifest, RELEASE_REMEDY)


def contents_replaced(release: Path) -> dict[str, Any]:
    """Return what a rollback records of the release that it replaces: fingerprint and newest vintages.

    Nothing if its manifest is unreadable: a release that is damaged or gone may well be built again.
    """
    try:
        manifest = read_manifest(release)
    except WarehouseError:
        return {}
    newest = {one.source: one.vintage for one in sorted(manifest.vintages, key=lambda one: one.vintage)}
    return {"fingerprint": manifest.fingerprint, "newest": newest}


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
