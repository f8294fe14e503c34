"""Pipeline steps: a step that is repeated after a kill ends like an undisturbed step."""

from __future__ import annotations

import ast
import json
import os
import shutil
import time
from pathlib import Path

import duckdb
import pytest
from conftest import copy_home, ingest, settings_of
from recordings import recording
from small_releases import build_record, checksums

from warehouse.build import builds, steps
from warehouse.build.dbt import seal
from warehouse.build.fingerprint import CODE, code_digest
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR, Settings
from warehouse.errors import WarehouseError
from warehouse.files import write_record
from warehouse.landing import store
from warehouse.model import first_request
from warehouse.quality import Verdict
from warehouse.releases import publish
from warehouse.releases.history import read_history
from warehouse.releases.manifest import BuildRecord, Contents, read_manifest
from warehouse.releases.store import DATABASE, current
from warehouse.sources import SOURCES

NIGHT = SAMPLE_DIR / "night-2"


class Killed(BaseException):
    """Simulates SIGKILL: no code of the project may catch it."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def test_accept_killed_after_landing_finds_its_vintage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path, NIGHT)
    incoming = steps.fetch(settings, "unctad_goods")
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(store, "record_poll", killed)
        steps.accept(settings, "unctad_goods", incoming)
    assert steps.accept(settings, "unctad_goods", incoming) == "2026-03-19"
    with pytest.raises(WarehouseError, match="no longer exists"):
        steps.accept(settings, "unctad_goods", incoming + "0")


def test_unchanged_vintage_in_no_release_is_still_to_be_published(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, NIGHT)
    assert ingest(settings, "unctad_goods") == "2026-03-19"
    assert ingest(settings, "unctad_goods") == "2026-03-19"
    assert [vintage.id for vintage in store.vintages(settings.landing, "unctad_goods")] == ["2026-03-19"]
    checks = store.list_checks(settings.landing, "unctad_goods").require()
    assert [poll.outcome for poll in checks] == ["accepted", "unchanged"]


def test_every_step_of_a_publish_can_be_run_again(
    bank_rebuilt: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, build = copy_home(bank_rebuilt[0], tmp_path / "home"), bank_rebuilt[1]
    settings = settings_of(home)
    before = current(settings.published)
    assert before is not None
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(publish, "point_latest", killed)
        steps.publish(settings, build)
    assert current(settings.published) == before
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(steps.shutil, "rmtree", killed)
        steps.publish(settings, build)
    assert steps.publish(settings, build) == build != before.name
    latest = current(settings.published)
    assert latest is not None and latest.name == build
    old, new = (read_manifest(release).tables for release in (before, latest))
    assert {name: table.sha256 for name, table in new.items()} == {
        name: table.sha256 for name, table in old.items()
    }
    assert not builds.build_dir(settings, build).exists()


@pytest.mark.parametrize("first", [builds.BUILD_RECORD, builds.VERDICT, builds.CONTENTS, DATABASE, "dbt"])
def test_publish_killed_while_it_removes_the_build_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    settings = settings_of(tmp_path, site=False)
    build = make_validated_build(settings, "20260601T000000000000Z")

    def killed_after_one(path: Path, **_: object) -> None:
        target = path / first
        for file in [target] if target.is_file() else sorted(target.iterdir()):
            file.unlink()
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(steps.shutil, "rmtree", killed_after_one)
        steps.publish(settings, build)
    release = current(settings.published)
    assert release is not None and release.name == build and builds.build_dir(settings, build).exists()
    files = checksums(tmp_path)
    assert steps.publish(settings, build) == steps.publish(settings, build) == build
    assert not builds.build_dir(settings, build).exists()
    assert checksums(tmp_path) == files
    assert [one.action for one in read_history(settings.published).require()] == ["publish"]


def make_validated_build(settings: Settings, build_id: str) -> str:
    """Write a small build that has passed validation; return its id."""
    build = settings.build / build_id
    (build / "dbt").mkdir(parents=True)
    (build / "data_docs").mkdir()
    with duckdb.connect(str(build / DATABASE)) as db:
        db.execute("create schema marts; create table marts.mart as select 1 as exports_million")
    seal(build / DATABASE)
    for name in ("data_docs/index.html", "dbt/static_index.html", "dbt/manifest.json"):
        (build / name).write_text('{"nodes": {}}')
    write_record(build / builds.BUILD_RECORD, build_record())
    write_record(build / builds.CONTENTS, Contents())
    write_record(build / builds.VERDICT, Verdict(success=True))
    return build_id


def test_directory_without_records_and_without_a_release_is_no_published_build(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, site=False)
    build = make_validated_build(settings, "20260601T000000000000Z")
    (settings.build / build / builds.BUILD_RECORD).unlink()
    with pytest.raises(WarehouseError, match="this build is not complete"):
        steps.publish(settings, build)
    assert (settings.build / build / DATABASE).exists()


def test_only_old_builds_without_a_verdict_are_removed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    for name, age_days, success in (("2a", 2, None), ("2b", 0, None), ("2c", 2, True), ("2d", 2, False)):
        (settings.build / name).mkdir(parents=True)
        if success is not None:
            write_record(settings.build / name / builds.VERDICT, Verdict(success=success))
        then = time.time() - age_days * 86400
        os.utime(settings.build / name, (then, then))
    builds.remove_abandoned_builds(settings)
    assert sorted(path.name for path in settings.build.iterdir()) == ["2b", "2c", "2d"]


def read_as_of(settings: Settings, as_of: str) -> BuildRecord:
    build = steps.load(settings, as_of)
    assert build is not None
    return builds.read_build(builds.build_dir(settings, build))


def test_build_as_of_a_day_contains_the_vintages_of_that_day(bank_home: Path) -> None:
    settings = settings_of(bank_home)
    assert ingest(settings_of(bank_home, NIGHT), "unctad_goods") == "2026-03-19"
    assert not read_as_of(settings, "2062-01-01").is_of_the_past
    for day, bank in (("2024-07-12", ["2022-09-16", "2024-07-12"]), ("2024-07-11", ["2022-09-16"])):
        record = read_as_of(settings, day)
        assert record.is_of_the_past
        assert [vintage.vintage for vintage in record.vintages if vintage.source == "worldbank_wdi"] == bank


@pytest.mark.slow
def test_last_poll_is_the_last_line_not_the_latest_time(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    answer = {"address": first_request(SOURCES["unctad_goods"].plan()).address, "file": "lost"}
    (mirror / "index.json").write_text(json.dumps({"name": "a mirror that lost a file", "answers": [answer]}))
    with pytest.raises(WarehouseError, match="lost"):
        steps.fetch(settings_of(tmp_path, mirror), "unctad_goods")
    settings = settings_of(tmp_path, NIGHT)
    assert ingest(settings, "unctad_goods")
    build = steps.load(settings)
    assert build is not None
    assert builds.read_build(builds.build_dir(settings, build)).as_of.isoformat() == "2026-03-19"
    checks = store.list_checks(settings.landing, "unctad_goods").require()
    assert [poll.outcome for poll in checks] == ["failed", "accepted"]
    assert checks[0].checked_at > checks[1].checked_at  # by time alone, the failure would be the last


@pytest.mark.parametrize("name", ["/", "..", "../published", "20240101T000000000000Z/x", "latest", ""])
def test_only_valid_build_ids_are_accepted(tmp_path: Path, name: str) -> None:
    with pytest.raises(WarehouseError, match="is not the id of a build"):
        steps.publish(settings_of(tmp_path), name)


def test_publishing_never_removes_a_directory_outside_of_the_home(bank_home: Path, tmp_path: Path) -> None:
    settings = settings_of(bank_home)
    release = current(settings.published)
    assert release is not None
    outside = tmp_path / release.name
    outside.mkdir()
    (outside / "thesis.txt").write_text("years of work")
    with pytest.raises(WarehouseError, match="is not the id of a build"):
        steps.publish(settings, str(outside))
    assert steps.publish(settings, release.name) == release.name
    assert (outside / "thesis.txt").read_text() == "years of work"


def test_fingerprint_covers_all_inputs_of_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "project"
    for folder in ("dbt_project", "expectations", "warehouse"):
        ignored = shutil.ignore_patterns("sample", "target", "logs", "__pycache__")
        shutil.copytree(PROJECT_ROOT / folder, copy / folder, ignore=ignored)
    moved = tuple((copy / folder.relative_to(PROJECT_ROOT), patterns) for folder, patterns in CODE)
    monkeypatch.setattr("warehouse.build.fingerprint.CODE", moved)
    monkeypatch.setattr("warehouse.build.fingerprint.PROJECT_ROOT", copy)
    before = code_digest()
    for unused in (
        "README.md",
        "dbt_project/README.md",
        "dbt_project/target/run.sql",
        "warehouse/cli/render.py",
        "warehouse/fetch/http.py",
    ):
        (copy / unused).parent.mkdir(parents=True, exist_ok=True)
        (copy / unused).write_text("changed")
        assert code_digest() == before, unused
    for used in (
        "dbt_project/models/marts/mart_trade_scale.sql",
        "dbt_project/models/intermediate/int_seasonally_adjusted.py",
        "dbt_project/models/marts/measures.md",
        "dbt_project/seeds/services.csv",
        "dbt_project/macros/codes.sql",
        "expectations/marts.mart_trade_scale.yml",
        "warehouse/build/load.py",
        "warehouse/quality/gates.py",
        "warehouse/releases/publish.py",
        "warehouse/releases/keys.py",
        "warehouse/landing/freshness.py",
        "warehouse/verdict.py",
    ):
        assert (copy / used).is_file()
        with (copy / used).open("a") as file:
            file.write("\n")
        changed = code_digest()
        assert changed != before, used
        before = changed


# What the modules of a release import besides each other: they change no figure, order or text of a release,
# or have a version of their own, as readers do.
NOT_DIGESTED = {
    *("arrow", "config", "database", "errors", "files", "logs", "model"),
    *("landing.ingest", "landing.parse", "landing.store"),
    *("releases.history", "releases.lost", "releases.retention", "releases.store"),
}


def test_fingerprint_covers_the_modules_that_make_a_release() -> None:
    package = PROJECT_ROOT / "warehouse"
    digested = {
        path
        for folder, patterns in CODE
        for pattern in patterns
        for path in folder.glob(pattern)
        if path.suffix == ".py" and path.is_relative_to(package)
    }
    used = {
        f"{node.module}.{alias.name}"
        for path in digested
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("warehouse")
        for alias in node.names
    }
    named = {part.replace(".", "/") + ".py" for name in used for part in (name, name.rpartition(".")[0])}
    modules = {PROJECT_ROOT / name for name in named if (PROJECT_ROOT / name).is_file()}
    assert len(modules) > 20
    others = {".".join(path.relative_to(package).with_suffix("").parts) for path in modules - digested}
    assert others <= NOT_DIGESTED, "add it to CODE in warehouse/build/fingerprint.py, or here"


def test_rolled_back_release_is_not_built_again_after_an_as_of_build(bank_home: Path, tmp_path: Path) -> None:
    home = bank_home
    first = current(home / "published")
    assert first is not None
    changed = (b"339393210195.59", b"339400000000.5")
    mirror = recording(tmp_path / "later", "2026-06-01T00:00:00Z", *changed, NIGHT)
    assert ingest(settings_of(home, mirror), "worldbank_wdi") == "2026-06-01"
    settings = settings_of(home)

    def published(as_of: str | None = None) -> str:
        build = steps.load(settings, as_of)
        assert build is not None
        directory = builds.build_dir(settings, build)  # which release is built and published, not its tables
        shutil.copyfile(first / DATABASE, directory / DATABASE)
        write_record(directory / builds.VERDICT, Verdict(success=True))
        for name in ("data_docs/index.html", "dbt/static_index.html", "dbt/manifest.json"):
            (directory / name).parent.mkdir(exist_ok=True)
            (directory / name).write_text('{"nodes": {}}')
        return steps.publish(settings, build)

    bad = published()
    publish.rollback(settings.published, first.name, "a bad vintage", "on call")
    assert steps.load(settings) is None
    earlier, covering = published("2026-05-31"), published("2026-12-31")
    assert len({earlier, covering, bad, first.name}) == 4
    latest = current(settings.published)
    assert latest is not None and latest.name == first.name, "an as-of build must not bring the release back"
    assert steps.load(settings) is None, "the nightly run must not republish the release that was rolled back"
    assert f"Release {bad} was rolled back by on call" in steps.nothing_new_reason(settings)
