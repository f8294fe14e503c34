"""What a build contains: a source that fails is set aside, and the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import settings_of
from small_releases import build_record, make_release, vintage_entry

from warehouse.build import builds, contents
from warehouse.build.contents import is_named, run_without_failing_sources
from warehouse.build.stage import Staged
from warehouse.config import Settings
from warehouse.errors import Rejected
from warehouse.files import write_record
from warehouse.model import Vintage
from warehouse.releases.manifest import BuildRecord
from warehouse.sources import SOURCES

OLD, NEW = "2024-01-01", "2024-05-02"
A, B, C = "batis", "unctad_goods", "mofcom_totals"


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, Path, list[dict[str, str]]]:
    """Return a build with a new vintage of A and B, and none of C; and a list of the contents loaded."""
    settings = settings_of(tmp_path)
    released = [vintage_entry(name, OLD) for name in (A, B, C)]
    make_release(tmp_path, "20240101T000000000000Z", vintages=released)
    directory = settings.build / "20240502T000000000000Z"
    directory.mkdir(parents=True)
    entries = [*released, vintage_entry(A, NEW), vintage_entry(B, NEW)]
    write_record(directory / builds.BUILD_RECORD, build_record(vintages=entries))
    loaded: list[dict[str, str]] = []

    def fill(
        settings: Settings, build: Path, record: BuildRecord, used: contents.Used, *, reuse: bool
    ) -> BuildRecord:
        loaded.append({name: vintages[-1].id for name, vintages in used.items() if vintages})
        write_record(build / builds.BUILD_RECORD, record)
        return record

    def landed(landing: Path, source: str) -> tuple[Vintage, ...]:
        ids = {A: (OLD, NEW), B: (OLD, NEW), C: (OLD,)}.get(source, ())
        return tuple(Vintage.model_construct(source=source, id=one) for one in ids)

    monkeypatch.setattr(contents, "fill", fill)
    monkeypatch.setattr(contents.store, "vintages", landed)
    return settings, directory, loaded


Build = tuple[Settings, Path, list[dict[str, str]]]


def failing(at_fault: set[str], loaded: list[dict[str, str]], names_source: bool = True):  # type: ignore[no-untyped-def]
    """Return a step that fails as long as the new vintage of a source at fault is loaded."""

    def run(has_changed: bool) -> str:
        assert has_changed == bool(loaded)
        newest = loaded[-1] if loaded else {A: NEW, B: NEW, C: OLD}
        for name in sorted(at_fault):
            if newest[name] == NEW:
                raise Rejected(f"a test of {name} failed" if names_source else "a test failed")
        return "done"

    return run


def test_source_that_the_error_names_is_set_aside(build: Build) -> None:
    settings, directory, loaded = build
    assert run_without_failing_sources(settings, directory, failing({A}, loaded)) == "done"
    assert loaded == [{A: OLD, B: NEW, C: OLD}]
    [aside] = builds.read_build(directory).set_aside
    assert (aside.source, aside.vintage, aside.used_instead) == (A, NEW, OLD)
    assert aside.reason == f"a test of {A} failed"


def test_two_sources_that_fail_one_after_the_other_are_both_set_aside(build: Build) -> None:
    settings, directory, loaded = build
    assert run_without_failing_sources(settings, directory, failing({A, B}, loaded)) == "done"
    assert loaded[-1] == {A: OLD, B: OLD, C: OLD}
    assert [one.source for one in builds.read_build(directory).set_aside] == [A, B]


def test_source_that_no_error_names_is_found_by_leaving_out_each(build: Build) -> None:
    settings, directory, loaded = build
    assert run_without_failing_sources(settings, directory, failing({B}, loaded, False)) == "done"
    assert loaded[1:] == [{A: OLD, B: NEW, C: OLD}, {A: NEW, B: OLD, C: OLD}]
    assert [one.source for one in builds.read_build(directory).set_aside] == [B]


def test_two_sources_that_no_error_names_are_both_set_aside(build: Build) -> None:
    settings, directory, loaded = build
    assert run_without_failing_sources(settings, directory, failing({A, B}, loaded, False)) == "done"
    assert loaded[-1] == {A: OLD, B: OLD, C: OLD}
    assert [one.source for one in builds.read_build(directory).set_aside] == [A, B]


def test_build_that_no_source_is_at_fault_for_is_rejected_after_one_more_try(build: Build) -> None:
    settings, directory, loaded = build

    def run(has_changed: bool) -> None:
        raise Rejected(f"failure {len(loaded)}")

    with pytest.raises(Rejected, match="failure 0"):
        run_without_failing_sources(settings, directory, run)
    assert loaded == [{A: OLD, B: OLD, C: OLD}]


def test_build_without_a_new_vintage_is_rejected_at_once(build: Build) -> None:
    settings, directory, loaded = build
    released = [vintage_entry(name, OLD) for name in (A, B, C)]
    write_record(directory / builds.BUILD_RECORD, build_record(vintages=released))
    with pytest.raises(Rejected, match="a test of batis failed"):
        run_without_failing_sources(settings, directory, failing({A}, loaded))
    assert loaded == []


def test_source_is_named_by_its_whole_name_only() -> None:
    assert is_named("wto_services", "core: wto_services, CHN")
    assert is_named("batis", "test.services_trade.x: batis.")
    assert not is_named("batis", "not_batis")
    assert not is_named("batis", "batis_wto")


def test_source_whose_vintages_cannot_be_staged_is_left_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path)
    failing = [{(A, OLD): "a bad value", (A, NEW): "a bad value"}, {}]

    def stage(directory: Path, work: Path, sources: object, rows: object, parsed: Path) -> Staged:
        return Staged(files={}, failures=failing.pop(0))

    monkeypatch.setattr(contents, "stage", stage)
    monkeypatch.setattr(contents.parse, "rows_of", lambda *_: Path("rows.parquet"))
    monkeypatch.setattr(contents.loading, "load", lambda *_: None)
    monkeypatch.setattr(contents, "assess", lambda *_: None)
    monkeypatch.setattr(contents, "entry_of", lambda one: vintage_entry(one.source, one.id))
    used = {name: () for name in SOURCES} | {
        A: tuple(Vintage.model_construct(source=A, id=one) for one in (OLD, NEW)),
        B: (Vintage.model_construct(source=B, id=OLD),),
    }
    build = settings.build / "20240502T000000000000Z"
    build.mkdir(parents=True)
    record = contents.fill(settings, build, build_record(), used, reuse=False)
    assert [one.ref.source for one in record.vintages] == [B]
    [aside] = record.set_aside
    assert (aside.source, aside.vintage, aside.used_instead) == (A, NEW, None)
