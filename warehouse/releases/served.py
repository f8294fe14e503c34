"""What readers are served now: the current release, its vintages, and what is in force since."""

from __future__ import annotations

from pathlib import Path

from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.landing import store
from warehouse.landing.freshness import newest_withdrawn
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import latest_problem, release_dirs, require_current
from warehouse.sources import SOURCES


def served_lines(settings: Settings) -> dict[str, str]:
    """Return what readers are served now, by source; under the empty name, for all that is no source."""
    try:
        release = require_current(settings.published)
    except (WarehouseError, OSError) as error:
        return {"": f"unknown: {error}" if has_release(settings.published) else "no release yet"}
    try:
        vintages = read_manifest(release).vintages
    except WarehouseError:  # an alert of its own has the reason
        return {"": f"release {release.name}, whose manifest cannot be read"}
    served = {one.source: f"vintage {one.vintage}" for one in sorted(vintages, key=lambda one: one.vintage)}
    for name in served.keys() & SOURCES.keys():
        one = newest_withdrawn(settings.landing, name)
        served[name] += ", withdrawn since" if one and served[name] == f"vintage {one.id}" else ""
    by_source = {
        name: f"release {release.name}, with {served.get(name, f'no figures of {name}')}" for name in SOURCES
    }
    return {"": f"release {release.name}, unchanged"} | by_source


def in_force(settings: Settings) -> str:
    """Return the current release and the newest vintage of each source, in one line."""
    newest = [
        f"{name} {vintages[-1].id}"
        for name in SOURCES
        if (vintages := store.list_vintages(settings.landing, name).records)
    ]
    try:
        release = require_current(settings.published) if has_release(settings.published) else None
        name = f"release {release.name}" if release else "no release yet"
    except (WarehouseError, OSError) as error:
        release, name = None, f"release unknown ({error})"
    try:
        name += f", as of {read_manifest(release).as_of}" if release else ""
    except WarehouseError as error:
        name += f", of an unknown day ({error})"
    return f"{name}; vintages: {', '.join(newest) or 'none'}"


def has_release(published: Path) -> bool:
    """Tell whether there is a release, or should be one: `latest` or its release may be lost."""
    return bool(release_dirs(published)) or latest_problem(published) is not None
