"""A rollback stays in force until there is a new vintage, a new seed or new code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import ingest, settings_of
from small_releases import LATER, latest, make_release

from warehouse.build import builds, steps
from warehouse.config import SAMPLE_DIR
from warehouse.landing import store
from warehouse.releases.history import read_history, withdrawn
from warehouse.releases.manifest import entry_of
from warehouse.releases.publish import rollback
from warehouse.releases.rollback import roll_back

SOURCE = "worldbank_wdi"


def poll(home: Path, night: int) -> str | None:
    return ingest(settings_of(home, SAMPLE_DIR / f"night-{night}"), SOURCE)


@pytest.mark.slow
def test_rollback_stays_in_force_until_there_is_a_new_vintage(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    first = poll(tmp_path, 1)
    build = steps.load(settings)
    assert first is not None and build is not None
    record = builds.read_build(settings.build / build)
    shutil.rmtree(settings.build / build)
    make_release(tmp_path, "one")
    make_release(tmp_path, "two", LATER, fingerprint=record.fingerprint, vintages=record.vintages)
    assert steps.load(settings) is None
    rollback(settings.published, "one", "two is wrong", "ada")
    assert steps.load(settings) is None, "a run without new data has undone the rollback"
    assert poll(tmp_path, 1) is None, "a vintage that was released and rolled back is not new"
    assert "two was rolled back" in steps.nothing_new_reason(settings)
    make_release(tmp_path, "retro", is_latest=False)
    assert steps.load(settings) is None, "an as-of build has undone the rollback"
    shutil.rmtree(settings.published / "two")  # the rule does not need the release
    assert steps.load(settings) is None
    assert poll(tmp_path, 1) is None
    assert steps.load(settings, force=True) is not None
    assert poll(tmp_path, 2) not in (None, first)
    assert steps.load(settings) is not None
    newest = make_release(tmp_path, "three")
    assert latest(tmp_path) == newest.name
    assert withdrawn(read_history(settings.published).require()) == {}


@pytest.mark.slow
def test_new_code_after_a_rollback_builds_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path)
    poll(tmp_path, 1)
    build = steps.load(settings)
    assert build is not None
    make_release(tmp_path, "one")
    fingerprint = builds.read_build(settings.build / build).fingerprint
    make_release(tmp_path, "two", LATER, fingerprint=fingerprint)
    rollback(settings.published, "one", "a model is wrong", "ada")
    assert steps.load(settings) is None
    monkeypatch.setattr("warehouse.build.fingerprint.code_digest", lambda: "the model was fixed")
    assert steps.load(settings) is not None


@pytest.mark.slow
def test_rollback_withdraws_the_vintages_that_the_older_release_does_not_have(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, operator="ada")
    first, second = poll(tmp_path, 1), poll(tmp_path, 2)
    entries = {one.id: entry_of(one) for one in store.vintages(settings.landing, SOURCE)}
    make_release(tmp_path, "one", vintages=[entries[str(first)]])
    make_release(tmp_path, "two", LATER, vintages=list(entries.values()))
    entry, withdrawn_vintages, restored, _ = roll_back(settings, "previous", "two is wrong")
    assert (entry.release, [one.vintage for one in withdrawn_vintages], restored) == ("one", [second], ())
    [out] = [one for one in store.list_all(settings.landing, SOURCE).require() if one.withdrawn]
    assert out.withdrawn is not None
    assert (out.withdrawn.actor, out.withdrawn.reason) == ("ada", "two is wrong")
    assert out.withdrawn.subject == "rollback from release two to one"

    # The publisher still serves the same rows: they do not land again, and nothing is to be published.
    assert poll(tmp_path, 2) is None
    checks = store.list_checks(settings.landing, SOURCE).require()
    assert checks[-1].outcome == "unchanged" and "withdrawn by ada: two is wrong" in checks[-1].detail

    # The next news of another source does not bring it back.
    assert ingest(settings_of(tmp_path, SAMPLE_DIR / "night-2"), "mofcom_totals") is not None
    build = steps.load(settings)
    assert build is not None
    built = builds.read_build(settings.build / build).vintages
    assert [one.vintage for one in built if one.source == SOURCE] == [first]

    entry, withdrawn_vintages, restored, _ = roll_back(settings, "two", "it was right after all")
    assert (entry.release, withdrawn_vintages, [one.vintage for one in restored]) == ("two", (), [second])
    assert [one.id for one in store.vintages(settings.landing, SOURCE)] == [first, second]
