"""No case ends in a state in which nothing can be published.

A night has all cases of one or two sources: they are fetched after another, in front of the current release,
and other sources have news, which are published. The news are the cases that land, so that each of them is
published once. A rejected load that an operator may accept is accepted with the command that is printed.
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
from warehouse.releases.manifest import ReleaseManifest, read_manifest
from warehouse.releases.store import DATABASE, current

pytestmark = [pytest.mark.faults, pytest.mark.slow]

BY_NAME = {case.name: case for case in CASES}
SOURCE_NAMES = tuple(dict.fromkeys(case.source for case in CASES))
LANDING = tuple(case for case in CASES if case.outcome in ("accepted", "held"))
SOURCES_IN_A_NIGHT = 2  # a build takes a minute
OVERRULED = tuple(case for case in CASES if case.why)


def nights() -> dict[tuple[str, ...], tuple[Case, ...]]:
    """Return the sources whose cases a night has, and its news: cases of other sources, each in one night.

    Sources whose cases land nothing have one night in common.
    """
    landing = [name for name in SOURCE_NAMES if name in {case.source for case in LANDING}]
    news: dict[tuple[str, ...], list[Case]] = {
        tuple(landing[first : first + SOURCES_IN_A_NIGHT]): []
        for first in range(0, len(landing), SOURCES_IN_A_NIGHT)
    }
    news[tuple(name for name in SOURCE_NAMES if name not in landing)] = []
    for case in LANDING:
        free = [
            names
            for names, guests in news.items()
            if case.source not in {*names, *(guest.source for guest in guests)}
        ]
        news[min(free, key=lambda names: len(news[names]))].append(case)
    return {names: tuple(guests) for names, guests in news.items()}


NIGHTS = nights()


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


def require_current(home: Path) -> Path:
    """Return the current release of a home."""
    release = current(home / "published")
    assert release is not None
    return release


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


@pytest.mark.parametrize(
    "names",
    NIGHTS,
    ids="-".join,
)
def test_night_of_the_cases_publishes_the_news_of_the_other_sources(
    names: tuple[str, ...], base: Path, replayed: Path, tmp_path: Path
) -> None:
    home = copy_home(base, tmp_path / "home")
    before = newest_released(read_manifest(require_current(home)))
    for case in CASES:
        if case.source in names:
            ingest_case(case, CASES, replayed, home)
    news = {guest: land(guest, replayed, home) for guest in NIGHTS[names]}
    assert news
    release, manifest = publish(home)
    released = newest_released(manifest)
    assert [one for one in manifest.set_aside if one.source not in names] == []
    assert {guest.source: released.get(guest.source) for guest in news} == {
        guest.source: vintage.id for guest, vintage in news.items()
    }
    assert [fault for guest in news for fault in released_faults(release, guest)] == []
    unchanged = set(before) - {*names, *(guest.source for guest in news)}
    assert {name: released.get(name) for name in unchanged} == {name: before[name] for name in unchanged}
    # The source of the cases is published too, or its vintage is set aside by name.
    aside = {(one.source, one.vintage) for one in manifest.set_aside}
    for name in names:
        newest = [one.id for one in store.vintages(home / "landing", name)][-1:]
        assert not newest or released.get(name) == newest[0] or (name, newest[0]) in aside


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
