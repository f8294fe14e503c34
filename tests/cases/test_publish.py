"""No case ends in a state in which nothing can be published.

For each source there is a night of its cases: they are fetched after another, in front of the current
release, and other sources have news. The news are the cases that land, so that each of them is published
once. A rejected load that an operator may accept is accepted with the command that the product prints.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
from cases.case import Case, ingest_case, query
from cases.table import CASES
from command_line import invoke
from conftest import copy_home, release_of, settings_of

from warehouse.landing import quarantine, store
from warehouse.model import Vintage
from warehouse.releases.manifest import ReleaseManifest, VintageRef, read_manifest
from warehouse.releases.store import DATABASE, current

pytestmark = [pytest.mark.faults, pytest.mark.slow]

BY_NAME = {case.name: case for case in CASES}
SOURCE_NAMES = tuple(dict.fromkeys(case.source for case in CASES))
LANDING = tuple(case for case in CASES if case.outcome in ("accepted", "held"))
OVERRULED = tuple(case for case in CASES if case.why)


def guests_of_nights() -> dict[str, tuple[Case, ...]]:
    """Return the news of the night of each source: cases of other sources, each in one night."""
    nights: dict[str, list[Case]] = {name: [] for name in SOURCE_NAMES}
    for case in LANDING:
        free = [
            name
            for name, guests in nights.items()
            if name != case.source and case.source not in {guest.source for guest in guests}
        ]
        nights[min(free, key=lambda name: len(nights[name]))].append(case)
    return {name: tuple(guests) for name, guests in nights.items()}


GUESTS = guests_of_nights()


def land(case: Case, recorded: Path, home: Path) -> Vintage:
    """Land the answers of a case in a home, after those of the case before it; return the vintage."""
    if case.after:
        land_or_accept(BY_NAME[case.after], recorded, home)
    check = ingest_case(case, CASES, recorded, home)
    newest = store.vintages(home / "landing", case.source)[-1]
    assert check.outcome == "accepted" and check.vintage == newest.id, f"{case.name}: {check.detail}"
    return newest


def land_or_accept(case: Case, recorded: Path, home: Path) -> None:
    """Serve the answers of a case; accept the load with the printed command if the case says so."""
    ingest_case(case, CASES, recorded, home)
    if case.why:
        accept_as_printed(case, home)


def accept_as_printed(case: Case, home: Path) -> None:
    """Run the command that `rejected show` prints for the newest rejected load of a case's source."""
    rejected = settings_of(home).rejected
    load = [one for one in quarantine.list_rejected(rejected).require() if one.source == case.source][-1]
    following = invoke(home, "rejected", "show", load.id, "--json").json["next"]
    command, _, _ = following.partition(", if ")
    words = [case.why if word == "…" else word for word in shlex.split(command)]
    assert words[:4] == ["warehouse", "rejected", "accept", load.id] and words[-1] == case.why, following
    invoke(home, *words[1:])


def publish(home: Path) -> tuple[Path, ReleaseManifest]:
    """Publish what is landed in a home; return the release, which is the current one, and its manifest."""
    before = current(home / "published")
    release = release_of(home)
    assert release == current(home / "published") and release != before
    return release, read_manifest(release)


def newest_released(manifest: ReleaseManifest) -> Mapping[str, str]:
    """Return the newest vintage of each source in a release."""
    return {one.source: one.vintage for one in manifest.vintages}


def released_faults(release: Path, case: Case) -> list[str]:
    """Return in what the tables of a release differ from the figures of a case."""
    faults = []
    with duckdb.connect(str(release / DATABASE), read_only=True) as db:
        for figure in case.figures:
            if "." in figure.table and (found := query(db, figure.table, figure)) != [figure.value]:
                faults.append(
                    f"{case.name}, {figure.table}: {figure.expression} is {found}, not {figure.value!r}"
                )
    return faults


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_night_of_the_cases_of_a_source_publishes_the_news_of_the_others(
    name: str, base: Path, replayed: Path, tmp_path: Path
) -> None:
    home = copy_home(base, tmp_path / "home")
    before = newest_released(read_manifest(current(base / "published")))
    own = [case for case in CASES if case.source == name]
    for case in own:
        ingest_case(case, CASES, replayed, home)
    news = {guest: land(guest, replayed, home) for guest in GUESTS[name]}
    assert news
    release, manifest = publish(home)
    released = newest_released(manifest)
    for guest, vintage in news.items():
        assert released[guest.source] == vintage.id, f"{guest.name} is not published: {manifest.set_aside}"
    assert {one: released.get(one) for one in before if one not in {name, *(g.source for g in news)}} == {
        one: vintage for one, vintage in before.items() if one not in {name, *(g.source for g in news)}
    }
    landed = store.vintages(home / "landing", name)
    aside = [VintageRef(source=one.source, vintage=one.vintage) for one in manifest.set_aside]
    if landed and VintageRef(source=name, vintage=landed[-1].id) not in aside:
        assert released[name] == landed[-1].id
    assert [one.source for one in manifest.set_aside if one.source != name] == []
    assert [fault for guest in news for fault in released_faults(release, guest)] == []


def test_loads_that_an_operator_accepts_are_published(base: Path, replayed: Path, tmp_path: Path) -> None:
    home = copy_home(base, tmp_path / "home")
    assert len({case.source for case in OVERRULED}) == len(OVERRULED)
    for case in OVERRULED:
        if case.after:
            land(BY_NAME[case.after], replayed, home)
        land_or_accept(case, replayed, home)
    release, manifest = publish(home)
    released = newest_released(manifest)
    for case in OVERRULED:
        newest = store.vintages(home / "landing", case.source)[-1]
        assert newest.overruled is not None and newest.overruled.reason == case.why
        assert released[case.source] == newest.id, manifest.set_aside
        assert released_faults(release, case) == []
    assert manifest.set_aside == ()
