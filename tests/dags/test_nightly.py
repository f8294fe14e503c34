"""The script behind `make run`: which nights it runs, and what it prints."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow_local import Doubles
from conftest import settings_of
from rich.console import Console

from warehouse.build import steps
from warehouse.errors import WarehouseError
from warehouse.landing import store
from warehouse.landing.freshness import freshness_of
from warehouse.model import Request, first_request
from warehouse.sources import SOURCES


@pytest.fixture
def pipeline(doubles: Callable[..., Doubles], monkeypatch: pytest.MonkeyPatch) -> Doubles:
    """Replace the steps by doubles that return a new vintage and a passing build."""
    monkeypatch.setattr("warehouse.releases.news.news_of", lambda _, release: {"release": release})
    names = ("fetch", "accept", "load", "transform", "validate", "publish")
    return doubles(steps, dict.fromkeys(names, "build") | {"fetch": "incoming", "publish": "release"})


def first_address(name: str) -> str:
    request: Request = first_request(SOURCES[name].plan())
    return request.address


def record_night(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    answers = [{"address": first_address(name)} for name in names]
    (folder / "index.json").write_text(json.dumps({"name": f"the {folder.name}", "answers": answers}))


def test_folder_of_nights_is_replayed_in_order_with_its_sources(tmp_path: Path) -> None:
    import nightly

    names = list(SOURCES)
    record_night(tmp_path / "night-2", names)
    record_night(tmp_path / "night-1", names[-1:])
    plan = nightly.nights(str(tmp_path), dict(SOURCES))
    assert [(Path(night.mirror).name, night.sources) for night in plan] == [
        ("night-1", (names[-1],)),
        ("night-2", tuple(names)),
    ]


def test_mirror_address_and_no_mirror_are_a_single_night(tmp_path: Path) -> None:
    import nightly

    record_night(tmp_path / "own", list(SOURCES))
    for mirror in (str(tmp_path / "own"), "http://127.0.0.1:9/mirror", ""):
        (night,) = nightly.nights(mirror, dict(SOURCES))
        assert (night.mirror, night.sources) == (mirror, tuple(SOURCES))
    with pytest.raises(SystemExit, match="neither a mirror"):
        nightly.nights(str(tmp_path), dict(SOURCES))
    (tmp_path / "night-1").mkdir()
    (tmp_path / "night-1" / "index.json").write_text('{"name": "x", "answers": []}')
    with pytest.raises(SystemExit, match="has an answer for none of"):
        nightly.nights(str(tmp_path), dict(SOURCES))


def test_source_that_no_night_can_answer_is_not_configured(tmp_path: Path) -> None:
    import nightly

    *names, without = list(SOURCES)
    record_night(tmp_path / "night-1", names)
    plan = nightly.nights(str(tmp_path), dict(SOURCES))
    settings = settings_of(tmp_path / "home")
    for _ in range(2):
        nightly.record_unrecorded(settings, plan, dict(SOURCES))
    states = {name: freshness_of(settings, name, date(2026, 6, 1)) for name in SOURCES}
    assert {name for name, one in states.items() if one.status == "not configured"} == {without}
    (check,) = store.list_checks(settings.landing, without).records
    assert str(tmp_path / "night-1") in check.detail


def test_source_that_fails_is_shown_and_stops_no_other(
    pipeline: Doubles, dags: dict[str, Any], progress: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nightly

    monkeypatch.setenv("WAREHOUSE_MIRROR", "")
    failing, *others = names = tuple(SOURCES)[:3]

    def fetch(_: Any, name: str) -> str:
        if name == failing:
            raise WarehouseError(f"{name}: the wire [broke]")
        return "incoming"

    pipeline.answers["fetch"] = fetch
    nightly.run_nights([nightly.Night("a night", "", names)], dags, progress)
    assert len(others) == 2
    assert [call[1] for call in pipeline.calls if call[0] == "accept"] == others
    assert pipeline.calls[-1] == ("publish", "build")
    assert progress.failures == [f"{failing}: ingest"]
    shown = progress.console.file.getvalue()
    assert f"✗ {failing}: ingest" in shown
    assert "the wire [broke]" in shown
    assert "release release" in shown


def test_nights_land_in_order_and_are_published_once(
    pipeline: Doubles, dags: dict[str, Any], progress: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nightly

    monkeypatch.setenv("WAREHOUSE_MIRROR", "")
    first, second = tuple(SOURCES)[:2]
    mirrors: list[tuple[str, str]] = []

    def fetch(_: Any, name: str) -> str:
        mirrors.append((name, os.environ["WAREHOUSE_MIRROR"]))
        return "incoming"

    pipeline.answers["fetch"] = fetch
    plan = [nightly.Night("one", "/one", (first,)), nightly.Night("two", "/two", (first, second))]
    steps_before: list[str] = []
    nightly.run_nights(
        plan, dags, progress, lambda: steps_before.extend(str(call[0]) for call in pipeline.calls)
    )
    assert steps_before == ["fetch", "accept"] * 3
    assert mirrors == [(first, "/one"), (first, "/two"), (second, "/two")]
    called = [call[0] for call in pipeline.calls if call[0] not in ("fetch", "accept")]
    assert called == ["load", "transform", "validate", "publish"]
    assert progress.releases == 1
    assert "One release of these nights" in progress.console.file.getvalue()


def test_long_reason_is_cut_and_the_log_path_is_given(progress: Any) -> None:
    instance = SimpleNamespace(dag_id="publish", task_id="validate")
    progress.failed({"task_instance": instance, "exception": RuntimeError("x" * 5000)})
    shown = progress.console.file.getvalue()
    assert len(shown) < 800 and "(more in the log)" in shown
    assert progress.failures == ["publish: validate"]


def test_run_without_new_data_is_reported(
    pipeline: Doubles, dags: dict[str, Any], progress: Any, monkeypatch: Any
) -> None:
    import nightly

    monkeypatch.setenv("WAREHOUSE_MIRROR", "")
    pipeline.answers |= {"accept": None, "load": None}
    name = next(iter(SOURCES))
    nightly.run_nights([nightly.Night("a night", "", (name,))], dags, progress)
    assert (progress.failures, progress.releases) == ([], 0)
    assert progress.console.file.getvalue().count("nothing new") == 2


def release_of_figures(published: Path) -> Path:
    """Write a release with the columns that the tables read: two sources, five years and quarters."""
    import duckdb

    release = published / "20260601T000000000000Z"
    release.mkdir(parents=True)
    with duckdb.connect(str(release / "warehouse.duckdb")) as db:
        db.execute("create schema marts")
        db.execute(
            """
            create table marts.mart_trade_scale as
            select source, vintage, 'CHN' as reporter, frequency, 'USD' as currency,
                year::varchar || if(frequency = 'Q', '-Q1', '') as period_label, -112.5 as exports_growth_pct,
                null as imports_growth_pct, 1339393.21 as exports_million, 2440604.86 as imports_million,
                -1101211.65 as balance_million, if(source = 'safe_bop', null, 5.04) as world_export_share_pct,
                7.56 as world_import_share_pct, 2 as world_rank
            from
                (values ('safe_bop', '2024-03-29.02'),
                    ('unctad_services_quarterly', '2025-07-23')) as s (source, vintage),
                (values ('A'), ('Q')) as f (frequency),
                range(2019, 2024) as years(year)
            """
        )
    (published / "latest").symlink_to(release.name)
    return release


def test_table_of_the_result_fits_its_width_and_the_paths_follow(tmp_path: Path) -> None:
    import nightly

    from warehouse.config import load_settings

    release = release_of_figures(tmp_path / "published")
    console = Console(file=StringIO(), width=nightly.WIDTH)
    progress = nightly.Progress(console)
    nightly.print_result(console, load_settings(home=tmp_path), progress)
    shown = console.file.getvalue().splitlines()
    paths = [line for line in shown if str(release) in line]
    assert [line.split()[0] for line in paths] == ["Release", "Database", "Parquet", "Validation", "dbt"]
    table = shown[: shown.index(paths[0])]
    assert max(len(line) for line in table) <= nightly.WIDTH
    assert "…" not in "".join(table)
    text = "\n".join(table)
    assert text.count("safe_bop") == 2 and text.count("2023") == 4 and "2020" not in text
    assert text.count("2023-Q1 USD") == 2 and "-112.5" in text
    assert "1 339 393" in text and "-1 101 212" in text and "5.04" in text and "·" in text


def test_result_lists_failed_tasks(tmp_path: Path) -> None:
    import nightly

    from warehouse.config import load_settings

    console = Console(file=StringIO(), width=nightly.WIDTH)
    progress = nightly.Progress(console, failures=["safe_bop: fetch"])
    nightly.print_result(console, load_settings(home=tmp_path), progress)
    shown = console.file.getvalue()
    assert "There is no release" in shown and "Failed: safe_bop: fetch." in shown


def test_runs_read_no_dag_file_again(
    pipeline: Doubles, dags: dict[str, Any], progress: Any, monkeypatch: Any
) -> None:
    import nightly
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        assert {one for (one,) in session.query(SerializedDagModel.dag_id).distinct()} >= dags.keys()
    read: list[str] = []
    process_file = DagBag.process_file
    monkeypatch.setattr(
        DagBag, "process_file", lambda bag, file, *rest, **named: read.append(file) or process_file(bag, file)
    )
    monkeypatch.setenv("WAREHOUSE_MIRROR", "")
    nightly.run_nights([nightly.Night("a night", "", (next(iter(SOURCES)),))], dags, progress)
    assert (progress.failures, progress.releases, read) == ([], 1, [])
