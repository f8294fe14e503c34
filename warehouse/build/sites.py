"""The site of a build, and of a release that is published again with newer freshness."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.build.builds import read_contents
from warehouse.logs import Timer
from warehouse.releases.diff import report_of
from warehouse.releases.keys import DBT_MANIFEST
from warehouse.releases.manifest import BuildRecord, ChangedSources, News, TableEntry, read_manifest
from warehouse.releases.store import DATABASE, current

if TYPE_CHECKING:
    from warehouse.verdict import Verdict

LOG = logging.getLogger(__name__)
SITE = "site"


def make_site(published: Path, build: Path, record: BuildRecord, verdict: Verdict, news: News) -> Path:
    """Write the site of a validated build, compared with the current release; return its directory.

    `news` is what the build contains that the current release does not.
    """
    # Altair takes half a second to import, and few steps make a site.
    from warehouse.site import SiteInput, build_site

    timer, release = Timer(), current(published)
    dbt_manifest, contents = build / "dbt" / "manifest.json", read_contents(build)
    same: Mapping[str, TableEntry] = {}
    changed: Mapping[str, ChangedSources] = {}
    if release:
        before = read_manifest(release)
        same, changed = before.unchanged(contents, record), before.changed_sources(contents, record)
    site = SiteInput(
        release=build.name,
        as_of=record.as_of,
        built_at=record.started_at,
        database=build / DATABASE,
        dbt_manifest=dbt_manifest,
        vintages=record.vintages,
        set_aside=record.set_aside,
        expectations=(sum(one.success for one in verdict.findings), len(verdict.findings)),
        news=news,
        diff=report_of(release, build, dbt_manifest, record.vintages, 0, same, changed) if release else None,
        before=release / SITE if release else None,
        unchanged=frozenset(same),
    )
    pages = build_site(site, build / SITE)
    LOG.info("made a site of %d pages in %.1f s", pages, timer.seconds, extra={"build": build.name})
    return build / SITE


def refresh_site(release: Path, database: Path, out: Path) -> None:
    """Write the site of a release again, with the freshness of another copy of its database.

    Only the pages that show freshness are made again, the other files are hard links. The site keeps the name
    of the release that was built: links to it stay valid, while a refresh replaces the one before. Does
    nothing for a release without a site.
    """
    if not (release / SITE).is_dir():
        return
    from warehouse.site import SiteInput, update_freshness

    manifest = read_manifest(release)
    findings = manifest.validation.get("findings", [])
    site = SiteInput(
        release=manifest.refreshes or manifest.release,
        as_of=manifest.as_of,
        built_at=manifest.started_at,
        database=database,
        dbt_manifest=release / DBT_MANIFEST,
        vintages=manifest.vintages,
        set_aside=manifest.set_aside,
        expectations=(sum(one["success"] for one in findings), len(findings)),
        news=manifest.news,
        diff=None,
    )
    update_freshness(site, release / SITE, out)
