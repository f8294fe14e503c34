"""What a release brought, as one small record for programs that react to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from warehouse.releases.manifest import read_manifest


def news_of(published: Path, release: str) -> dict[str, Any]:
    """Return the release, what it is compared with, its new vintages and revisions, and its changed tables.

    The values are JSON. `changed_tables` are those whose rows differ from the release before, by checksums
    of the two manifests, and those that only one of the two has. For the first release they are all tables.
    """
    manifest = read_manifest(published / release)
    news = manifest.news
    against = news.against if news else None
    before = read_manifest(published / against).tables if against and (published / against).exists() else {}
    after = manifest.tables
    changed = [
        name
        for name in sorted(before.keys() | after.keys())
        if name not in before or name not in after or before[name].sha256 != after[name].sha256
    ]
    return {
        "release": release,
        "as_of": manifest.as_of.isoformat(),
        "against": against,
        "vintages": [f"{one.source}/{one.vintage}" for one in news.vintages] if news else [],
        "revisions": dict(news.revisions) if news else {},
        "big_revisions": news.big_revisions if news else 0,
        "changed_tables": changed,
    }
