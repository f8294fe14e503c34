"""What a build has with the rows of a release, by the digests that both have recorded."""

from __future__ import annotations

import pytest

from warehouse.releases.manifest import BuildRecord, Contents, ReleaseManifest, TableEntry

VERSIONS = {"duckdb": "1"}


def entry(content: str | None, parts: dict[str, str] | None = None) -> TableEntry:
    return TableEntry(schema="marts", rows=1, size_bytes=1, sha256="", content=content, parts=parts)


def release(**tables: TableEntry) -> ReleaseManifest:
    return ReleaseManifest.model_construct(code_sha256="c0de", versions=VERSIONS, tables=tables)


def record(code: str = "c0de", versions: dict[str, str] = VERSIONS) -> BuildRecord:
    return BuildRecord.model_construct(code_sha256=code, versions=versions)


TABLES = {
    "same": entry("1 1", {"bank": "1 1"}),
    "other": entry("4 4", {"bank": "2 1", "ons": "1 2", "gone": "1 3"}),
    "whole": entry("5 5"),
    "empty": entry("0", {}),
    "refreshed": entry(None),
}
CONTENTS = Contents(
    tables={"same": "1 1", "other": "6 6", "whole": "6 6", "empty": "1 1", "refreshed": "6 6", "new": "6 6"},
    parts={
        "same": {"bank": "1 1"},
        "other": {"bank": "2 1", "ons": "9 9", "added": "2 2"},
        "empty": {"bank": "1 1"},
        "refreshed": {"bank": "9 9"},
        "new": {"bank": "9 9"},
    },
)


def test_tables_and_sources_with_other_rows_are_found_by_their_digests() -> None:
    manifest = release(**TABLES)
    assert set(manifest.unchanged(CONTENTS, record())) == {"same"}
    assert manifest.changed_sources(CONTENTS, record()) == {
        "same": (set(), 1),
        "other": ({"ons", "added", "gone"}, 2),
        "empty": ({"bank"}, 0),
    }


@pytest.mark.parametrize("by", [record(code="other"), record(versions={"duckdb": "2"})])
def test_digests_of_other_code_are_not_compared(by: BuildRecord) -> None:
    manifest = release(**TABLES)
    assert manifest.unchanged(CONTENTS, by) == {}
    assert manifest.changed_sources(CONTENTS, by) == {}


def test_parts_of_a_table_are_kept_in_the_manifest() -> None:
    kept = TableEntry.model_validate_json(TABLES["other"].model_dump_json(by_alias=True))
    assert kept.parts == {"bank": "2 1", "ons": "1 2", "gone": "1 3"}
    assert "parts" not in TABLES["whole"].model_dump_json(by_alias=True)
