"""The commands sources, fetch and run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import invoke

from warehouse.build import steps
from warehouse.cli import ingest
from warehouse.config import SAMPLE_DIR
from warehouse.landing import store
from warehouse.model import first_request
from warehouse.sources import SOURCES


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """Return a mirror whose index lists files that it lacks."""
    mirror = tmp_path / "silent"
    mirror.mkdir()
    addresses = [first_request(source.plan()).address for source in SOURCES.values()]
    answers = [{"address": address, "file": "lost"} for address in dict.fromkeys(addresses)]
    (mirror / "index.json").write_text(json.dumps({"name": "silent", "answers": answers}))
    return mirror


def test_sources_lists_each_publishers_table(tmp_path: Path) -> None:
    listed = invoke(tmp_path, "sources", "--json").json
    assert [row["source"] for row in listed] == list(SOURCES)
    assert all(row["licence"] and row["homepage"].startswith("https://") for row in listed)
    assert all(row["evidenced"] for row in listed)
    assert "2026-10-03: page, title and sheets" in invoke(tmp_path, "sources").stdout


def test_second_fetch_reports_nothing_new(tmp_path: Path) -> None:
    night = SAMPLE_DIR / "night-2"
    (first,) = invoke(tmp_path, "fetch", "unctad_goods", "--json", mirror=night).json
    assert (first["outcome"], first["vintage"]) == ("accepted", "2026-03-19")
    (again,) = invoke(tmp_path, "fetch", "unctad_goods", "--json", mirror=night).json
    assert (again["outcome"], again["vintage"]) == ("unchanged", "2026-03-19")
    ended = invoke(tmp_path, "fetch", "unctad_goods", mirror=night)
    assert ended.stderr == "", "an empty line or a spinner is left"
    shown = ended.stdout
    assert "unctad_goods  unchanged" in shown and "the same files" in shown


def test_unchanged_source_shows_the_vintage_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night = SAMPLE_DIR / "night-2"
    invoke(tmp_path, "fetch", "unctad_goods", mirror=night)
    monkeypatch.setattr(steps, "is_published", lambda settings, vintage: True)
    (row,) = invoke(tmp_path, "fetch", "unctad_goods", "--json", mirror=night).json
    assert (row["outcome"], row["vintage"]) == ("unchanged", "2026-03-19")


def test_source_without_a_recording_is_not_configured_and_stops_no_other(tmp_path: Path) -> None:
    night = SAMPLE_DIR / "night-1"  # has only the answers of the World Bank, and of the curated figures
    for _ in range(2):
        rows = invoke(tmp_path, "fetch", "--json", mirror=night).json
        outcomes = {row["source"]: row for row in rows}
        assert list(outcomes) == list(SOURCES)
        assert outcomes["safe_bop"]["outcome"] == "not configured"
        assert "has no recording of it" in outcomes["safe_bop"]["detail"]
    assert outcomes["worldbank_wdi"]["outcome"] == "unchanged"
    assert len(store.list_checks(tmp_path / "landing", "safe_bop").records) == 1, "recorded once"
    states = {row["source"]: row for row in invoke(tmp_path, "status", "--json").json["sources"]}
    assert (states["safe_bop"]["outcome"], states["safe_bop"]["freshness"]) == ("not configured",) * 2
    assert states["safe_bop"]["expected_on"] is None
    alerts = {(row["kind"], row["subject"]) for row in invoke(tmp_path, "alerts", "--json").json}
    assert ("source_late", "worldbank_wdi") in alerts
    assert not [subject for _, subject in alerts if subject == "safe_bop"]
    # Who names a source wants its figures.
    shown = invoke(tmp_path, "fetch", "safe_bop", mirror=night, exit_code=1).stdout
    assert "not configured" in shown and "Add its answers to the mirror" in " ".join(shown.split())


def test_failing_source_is_reported_and_stops_no_other(tmp_path: Path) -> None:
    night = SAMPLE_DIR / "night-1"
    invoke(tmp_path, "fetch", "unctad_goods", "worldbank_wdi", mirror=SAMPLE_DIR / "night-2")
    rows = invoke(tmp_path, "fetch", "--json", mirror=night, exit_code=1).json
    outcomes = {row["source"]: row["outcome"] for row in rows}
    assert (outcomes["unctad_goods"], outcomes["worldbank_wdi"]) == ("failed", "unchanged")
    assert "holds no answer" in invoke(tmp_path, "status").stdout
    states = {row["source"]: row for row in invoke(tmp_path, "status", "--json").json["sources"]}
    assert (states["unctad_goods"]["outcome"], states["unctad_goods"]["freshness"]) == ("failed", "failing")


def test_unknown_source_is_rejected_with_known_sources_before_fetching(tmp_path: Path, silent: Path) -> None:
    ended = invoke(tmp_path, "fetch", "batis", "sate", mirror=silent, exit_code=2)
    assert "no source is named 'sate'. Known: atlas_services, batis" in ended.stderr
    assert store.list_checks(tmp_path / "landing", "batis").records == ()


def test_run_reports_every_source_and_exits_with_1_if_any_failed(
    tmp_path: Path, silent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "load", lambda settings, as_of, force: None)
    ended = invoke(tmp_path, "run", mirror=silent, exit_code=1)
    lines = ended.stdout.splitlines()
    assert [name for name in SOURCES if not any(line.startswith(f"{name} ") for line in lines)] == []
    assert lines[-1] == "nothing has changed since the current release"
    ended = invoke(tmp_path, "run", "--json", mirror=silent, exit_code=1)
    assert json.loads(ended.stdout) == {"release": None, "latest": None}
    row = {"outcome": "unchanged", "vintage": None, "detail": "the same rows"}
    monkeypatch.setattr(ingest, "ingest_source", lambda settings, name: {"source": name, **row})
    assert invoke(tmp_path, "run", mirror=silent).stderr.startswith("load: ")
