"""What a build reuses of the last build: tables whose inputs have the same content, and nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, copy_home, settings_of

from warehouse.build import builds, contents, reuse, steps
from warehouse.build.results import UNCHANGED
from warehouse.config import Settings
from warehouse.quality import Verdict
from warehouse.releases.manifest import Contents, read_manifest
from warehouse.releases.store import DATABASE, current


def transformed(settings: Settings) -> tuple[Path, set[str]]:
    """Load and transform a build; return it with the seeds and tables that were made in it."""
    build = steps.load(settings)
    assert build is not None
    directory = builds.build_dir(settings, steps.transform(settings, build))
    results = json.loads((directory / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    made = {one["unique_id"] for one in results if one["message"] != UNCHANGED}
    return directory, {name.split(".")[2] for name in made if name.startswith(("model.", "seed."))}


@pytest.fixture
def settings(bank: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a copy of the World Bank's warehouse, whose landing may be built once more."""
    monkeypatch.setattr(steps, "is_built", lambda *_: False)
    return settings_of(copy_home(bank.home, tmp_path / "home"))


def test_build_of_the_same_landing_makes_no_table_of_figures(settings: Settings) -> None:
    kept = contents.kept_build(settings)
    assert reuse.is_intact(kept)
    build, made = transformed(settings)
    assert not {name for name in made if name.startswith(("mart_trade", "bi_", "economies", "dim_economy"))}
    _, made = transformed(settings)
    assert not {name for name in made if not name.startswith("stg_landing")} - {"mart_freshness", "freshness"}
    assert not {name for name in made if name.startswith("seed.")}, "dbt is not asked for seeds"
    with duckdb.connect(str(kept / reuse.WORKING), read_only=True) as db:
        lines = [
            set(db.execute(f"select * from raw.{table} where inputs is not null").fetchall())
            for table in ("built_node", "reusable_node")
        ]
    for kind in ("seed", "test", "model"):
        known = [line for line in lines[0] & lines[1] if line[0].startswith(f"{kind}.")]
        assert len(known) > 30, f"lines of the kind {kind} are recorded, and as they were"
    with duckdb.connect(str(build / DATABASE), read_only=True) as db:
        assert db.execute("select count(*) from marts.mart_trade_scale").fetchone() != (0,)


def test_release_shares_the_files_of_unchanged_tables(settings: Settings) -> None:
    before = current(settings.published)
    build, _ = transformed(settings)
    after = settings.published / steps.publish(settings, steps.validate(settings, build.name))
    assert before is not None and after != before
    same = [
        name
        for name, one in read_manifest(after).tables.items()
        if (after / "parquet" / f"{name}.parquet").samefile(before / "parquet" / f"{name}.parquet")
        and one == read_manifest(before).tables[name]
    ]
    assert set(read_manifest(after).tables) - set(same) <= {"mart_freshness", "freshness"}
    assert {"fct_services_trade", "mart_trade_scale", "annual"} <= set(same)
    findings = Verdict.model_validate(read_manifest(after).validation).findings
    known = [one for one in findings if one.known_from == before.name]
    assert len(known) > len(findings) / 2


@pytest.mark.parametrize("file", [*reuse.FILES, reuse.DOCUMENTATION])
def test_damaged_file_of_the_last_build_is_not_used(
    file: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    kept = contents.kept_build(settings)
    content = bytearray((kept / file).read_bytes())
    content[len(content) // 2] ^= 1
    (kept / file).unlink()
    (kept / file).write_bytes(content)
    assert not reuse.is_intact(kept)
    _, made = transformed(settings)
    assert "differs from its checksum" in caplog.text
    assert {"mart_trade_scale", "economies", "fct_services_trade"} <= made
    assert reuse.is_intact(kept)


@pytest.mark.parametrize("content", [None, b"", b"of one file", b"\xff\xfe"])
def test_files_without_whole_checksums_are_not_used(content: bytes | None, tmp_path: Path) -> None:
    build, kept = tmp_path / "build", tmp_path / "kept" / "code"
    build.mkdir()
    for name in (*reuse.FILES, "page.html"):
        (build / name).write_bytes(name.encode())
    reuse.keep(build, build / "page.html", kept)
    assert reuse.is_intact(kept)
    if content is None:
        (kept / reuse.CHECKSUMS).unlink()
    else:
        (kept / reuse.CHECKSUMS).write_bytes(content)
    assert not reuse.is_intact(kept)


def test_nodes_are_recorded_with_the_digest_of_what_they_read(tmp_path: Path) -> None:
    read = {
        "seed.w.codes": [],
        "model.w.fact": ["source.w.landing", "seed.w.codes"],
        "model.w.view": ["model.w.fact", "model.w.fact"],
        "model.w.of_unknown": ["model.w.view", "source.w.unknown"],
        "test.w.passed": ["model.w.view"],
        "test.w.warned": ["model.w.view"],
    }
    nodes = {
        name: {
            "resource_type": name.split(".")[0],
            "depends_on": {"nodes": parents},
            "config": {"materialized": "table" if name == "model.w.fact" else "view"},
            "checksum": {"checksum": "c0de"},
        }
        for name, parents in read.items()
    }
    del nodes["seed.w.codes"]["depends_on"]["nodes"]  # as dbt writes a seed
    status = {"test.w.passed": "pass", "test.w.warned": "warn"}
    results = [
        {"unique_id": name, "status": status.get(name, "success")} for name in (*read, "operation.w.hook")
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    working = tmp_path / reuse.WORKING
    with duckdb.connect(str(working)) as db:
        db.execute(f"create schema raw; {reuse.NODE_TABLES}")
        db.execute("insert into raw.built_node values ('source.w.landing', 'landing', '2 17')")
        db.execute("insert into raw.built_node (unique_id, content) values ('model.w.fact', '3 4')")
    reuse.record_nodes(working, tmp_path)
    with duckdb.connect(str(working), read_only=True) as db:
        lines = {name: rest for name, *rest in db.execute("from raw.built_node").fetchall()}
        [(nothing, of_fact, of_view)] = db.execute(
            "select md5(''), md5('c0de 2 17'), md5('3 4')"  # in the order of the names
        ).fetchall()
    assert lines == {
        "source.w.landing": ["landing", "2 17"],
        "seed.w.codes": [nothing, "c0de"],
        "model.w.fact": [of_fact, "3 4"],
        "model.w.view": [of_view, of_view],
        "test.w.passed": [hashlib.md5(of_view.encode()).hexdigest(), "passed"],  # noqa: S324
    }


def test_nodes_by_source_are_recorded_with_what_they_read_of_each_source(tmp_path: Path) -> None:
    read = {
        "model.w.fact": ["source.w.landing", "source.w.codes"],
        "model.w.view": ["model.w.fact"],
        "model.w.whole": ["model.w.view"],
    }
    by_source = {"model.w.fact": ["landing"], "model.w.view": True}
    nodes = {
        name: {
            "resource_type": "model",
            "depends_on": {"nodes": parents},
            "config": {
                "materialized": "view" if name == "model.w.view" else "table",
                **({"by_source": by_source[name]} if name in by_source else {}),
            },
        }
        for name, parents in read.items()
    }
    results = [{"unique_id": name, "status": "success"} for name in read]
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    working = tmp_path / reuse.WORKING
    with duckdb.connect(str(working)) as db:
        db.execute("create schema raw; create table raw.landing (source varchar, value integer)")
        db.execute("create table raw.codes as select 'code' as code")
        db.execute("insert into raw.landing values ('bank', 1), ('bank', 2), ('ons', 3)")
        reuse.record_inputs(db, ["landing", "codes"], {}, {})
        db.execute(
            "update raw.built_node set unique_id = replace(unique_id, 'services_trade.raw', 'w');"
            "update raw.built_part set unique_id = replace(unique_id, 'services_trade.raw', 'w')"
        )
        landed = dict(db.execute("select source, content from raw.built_part").fetchall())
        [(codes,)] = db.execute("select content from raw.built_node where unique_id like '%codes'").fetchall()
        db.execute("insert into raw.built_node (unique_id, content) values ('model.w.fact', '2 9')")
        db.execute("insert into raw.built_node (unique_id, content) values ('model.w.whole', '2 9')")
        db.execute("insert into raw.built_part values ('model.w.fact', 'bank', null, '2 9')")
    assert landed.keys() == {"bank", "ons"} and landed["bank"].startswith("2 ")
    reuse.record_nodes(working, tmp_path)

    def md5(*parts: str) -> str:
        return hashlib.md5(" ".join(parts).encode()).hexdigest()  # noqa: S324

    with duckdb.connect(str(working), read_only=True) as db:
        lines = db.execute("from raw.built_part where unique_id like 'model.%'").fetchall()
    assert set(lines) == {
        ("model.w.fact", "bank", md5(codes, landed["bank"]), "2 9"),
        ("model.w.fact", "ons", md5(codes, landed["ons"]), reuse.NO_ROWS),
        ("model.w.view", "bank", md5("2 9"), md5("2 9")),
        ("model.w.view", "ons", md5(reuse.NO_ROWS), md5(reuse.NO_ROWS)),
    }


def test_contents_are_known_by_source_where_every_row_has_one(tmp_path: Path) -> None:
    working = tmp_path / reuse.WORKING
    with duckdb.connect(str(working)) as db:
        db.execute(f"create schema raw; {reuse.NODE_TABLES}")
        db.execute(
            "insert into raw.built_node (unique_id, content) values "
            "('model.w.fact', '3 9'), ('model.w.whole', '1 1'), ('model.w.mixed', '2 2'), "
            "('model.w.empty', '0'), ('test.w.passed', 'passed')"
        )
        db.execute(
            "insert into raw.built_part (unique_id, source, content) values "
            "('model.w.fact', 'bank', '1 4'), ('model.w.fact', 'ons', '2 5'), ('model.w.fact', 'none', '-'), "
            "('model.w.empty', 'none', '-'), "
            "('model.w.mixed', 'bank', '1 1'), ('model.w.mixed', null, '1 1')"
        )
    assert reuse.contents_of(working) == Contents(
        tables={"fact": "3 9", "whole": "1 1", "mixed": "2 2", "empty": "0"},
        parts={"fact": {"bank": "1 4", "ons": "2 5"}, "empty": {}},
    )


def test_first_build_and_forced_build_start_anew(settings: Settings) -> None:
    kept = contents.kept_build(settings)
    assert steps.load(settings, force=True) is not None
    assert not kept.exists()
    loaded = settings.home / "loaded.duckdb"
    with duckdb.connect(str(loaded)) as db:
        db.execute("create schema raw; create table raw.landing as select 1 as row")
    assert not reuse.begin(kept, loaded, settings.home)
    assert (settings.home / reuse.WORKING).read_bytes() == loaded.read_bytes()
    assert not (settings.home / DATABASE).exists()


def test_build_starts_with_its_own_landing_on_the_tables_of_the_last(tmp_path: Path) -> None:
    last, build, kept = (tmp_path / name for name in ("last", "build", "kept/code"))
    loaded = tmp_path / "loaded.duckdb"
    last.mkdir()
    build.mkdir()
    for file, value in ((last / reuse.WORKING, "old"), (loaded, "new")):
        with duckdb.connect(str(file)) as db:
            db.execute("create schema raw; create schema staging")
            db.execute(f"create table raw.landing as select '{value}' as text")
            db.execute(f"create view staging.stg as select '{value}' as text")
            reuse.record_inputs(db, ["landing"], {}, {})
            if value == "old":
                db.execute("insert into raw.built_node values ('seed.w.codes', '', 'old')")
    with duckdb.connect(str(last / reuse.WORKING)) as db:
        db.execute(
            "create schema intermediate; create table intermediate.part as select text from raw.landing"
        )
        db.execute("create table raw.gone as select 1 as row")
    with duckdb.connect(str(last / DATABASE)) as db:
        db.execute("create schema marts; create table marts.mart as select 'old' as text")
    (kept.parent / "older").mkdir(parents=True)
    released = (last / DATABASE).stat().st_ino
    (page := tmp_path / "page.html").write_text("documentation")
    reuse.keep(last, page, kept)
    assert (kept / reuse.DOCUMENTATION).read_text() == "documentation"
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert (kept / DATABASE).stat().st_ino == released, "the release's file takes no space of its own"
    assert [path.name for path in last.iterdir()] == [DATABASE]
    assert reuse.begin(kept, loaded, build)
    assert (build / DATABASE).stat().st_ino != released, "a build never writes into a release"
    assert (build / DATABASE).read_bytes() == (last / DATABASE).read_bytes()
    with duckdb.connect(str(build / reuse.WORKING), read_only=True) as db:
        rows = [
            db.execute(f"select text from {name}").fetchall()
            for name in ("raw.landing", "staging.stg", "intermediate.part")
        ]
        assert rows == [[("new",)], [("new",)], [("old",)]]
        inputs = [
            db.execute(f"select unique_id, content from raw.{name}_node").fetchall()
            for name in ("built", "reusable")
        ]
        assert inputs[0][0][0] == inputs[1][0][0] == "source.services_trade.raw.landing"
        assert inputs[0][0][1] != inputs[1][0][1], "the digest differs with the content"
        assert ("seed.w.codes", "old") in inputs[0], "dbt is not asked for seeds"
        assert db.execute("select 1 from duckdb_tables() where table_name = 'gone'").fetchall() == []
