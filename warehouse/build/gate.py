"""What the release gate takes from the current release: its findings, and the decisions made since."""

from __future__ import annotations

from pathlib import Path

from warehouse.build.builds import read_contents
from warehouse.config import Settings
from warehouse.landing import store
from warehouse.quality import KnownFindings
from warehouse.releases.manifest import BuildRecord, read_manifest
from warehouse.verdict import Verdict


def known_findings(build: Path, record: BuildRecord, release: Path) -> KnownFindings | None:
    """Return what the gate found for the current release; None if no table has the same rows there."""
    manifest, contents = read_manifest(release), read_contents(build)
    unchanged = manifest.unchanged(contents, record)
    if not unchanged:
        return None
    verdict = Verdict.model_validate(manifest.validation)
    names = {name: f"{one.schema_name}.{name}" for name, one in manifest.tables.items()}
    changed = manifest.changed_sources(contents, record)
    return KnownFindings(
        release=release.name,
        findings=verdict.findings,
        tables={names[name] for name in unchanged},
        changed={names[name]: one.sources for name, one in changed.items()},
        decided=set(verdict.decided),
    )


def decided_sources(settings: Settings, record: BuildRecord, release: Path | None) -> tuple[str, ...]:
    """Return the sources that an operator has decided on since the current release.

    These are sources whose newest vintage was accepted over the load gate, and sources of which the release
    has a vintage whose withdrawal is recorded. A vintage that is gone without a record is no decision.
    """
    newest = {one.source: one for one in record.vintages}
    decided = {name for name, one in newest.items() if one.overruled is not None}
    for one in read_manifest(release).vintages if release else ():
        if (settings.landing / one.source / one.vintage / store.WITHDRAWN).exists():
            decided.add(one.source)
    return tuple(sorted(decided))
