"""Releases can be listed, compared and rolled back, and a rollback stays until there is news.

The releases are small ones, made by the real `publish`; what is expected of a comparison is typed by hand.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Warehouse, environment
from killing import COUNTED
from typer.testing import CliRunner

from warehouse import __main__ as command
from warehouse import pipeline, publish, releases, transform
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of

TABLE = (
    "create table marts.mart (reporter varchar, period date, is_preferred boolean, vintage varchar, "
    "exports_million double, world_rank integer)"
)
EARLIER = """
    ('CHN', date '2020-01-01', true, '1', 100.0, 5), ('CHN', date '2021-01-01', true, '1', 110.0, 4),
    ('DEU', date '2020-01-01', true, '1', 200.0, null), (null, date '2020-01-01', true, '1', 7.0, 9)"""
LATER = """
    ('CHN', date '2020-01-01', true, '2', 90.5, 5), ('CHN', date '2021-01-01', true, '2', 150.0, 3),
    ('DEU', date '2020-01-01', true, '2', 200.0, 2), ('FRA', date '2020-01-01', true, '2', 1.0, 8),
    (null, date '2020-01-01', true, '2', 7.0, 9)"""


def release(home: Path, name: str, rows: str = EARLIER, age_days: float = 0, **facts: Any) -> Path:
    """Publish a small release, as the pipeline does."""
    file = home / "build" / name / "warehouse.duckdb"
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as db:
        db.execute("create schema core; create schema marts")
        db.execute(f"{TABLE}; insert into marts.mart values {rows}")
    transform.seal(file)
    told = {
        "published_at": (datetime.now(UTC) - timedelta(days=age_days)).isoformat(),
        "as_of": "2024-05-02",
        "fingerprint": f"mark of {name}",
        "vintages": [],
    }
    made = publish.publish(home / "published", name, file, {}, told | facts, who="tests")
    shutil.rmtree(file.parent)
    return made


def latest(home: Path) -> str | None:
    return publish.pointed_at(home / "published")


def checksums(home: Path) -> dict[str, str]:
    """Return the checksum of every file of every release, by its place."""
    found = {
        f"{one.name}/{path.relative_to(one)}": sha256_of(path)
        for one in publish.releases(home / "published")
        for path in one.rglob("*")
        if path.is_file()
    }
    assert len(found) > 2
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Hold two releases; the second stands."""
    release(tmp_path, "one")
    release(tmp_path, "two", LATER)
    return tmp_path


def warehouse_says(home: Path, *words: str) -> tuple[int, str]:
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_OPERATOR="ada@desk"):
        ended = CliRunner().invoke(command.app, list(words))
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        return 1, str(ended.exception)
    return ended.exit_code, ended.stdout


# --- the history, and going back ----------------------------------------------------------------------


def test_every_publish_is_in_the_history(home: Path) -> None:
    found = [(m.action, m.release, m.before, m.after, m.who) for m in publish.history(home / "published")]
    assert found == [
        ("publish", "one", None, "one", "tests"),
        ("publish", "two", "one", "two", "tests"),
    ]


def test_a_build_of_the_past_is_in_the_history_and_leaves_latest(home: Path) -> None:
    file = home / "past.duckdb"
    shutil.copyfile(home / "published" / "one" / "warehouse.duckdb", file)
    publish.publish(home / "published", "past", file, {}, {}, is_latest=False)
    move = publish.history(home / "published")[-1]
    assert (move.action, move.release, move.before, move.after) == ("publish", "past", "two", "two")
    assert latest(home) == "two"


def test_a_rollback_turns_latest_and_says_who_when_and_why(home: Path) -> None:
    before = checksums(home)
    code, told = warehouse_says(home, "rollback", "one", "--why", "the ranks are wrong", "--json")
    assert (code, json.loads(told)["from"]) == (0, "two")
    assert latest(home) == "one"
    line = json.loads((home / "published" / "history.jsonl").read_text().splitlines()[-1])
    assert (line["action"], line["from"], line["to"]) == ("rollback", "two", "one")
    assert (line["who"], line["why"], line["fingerprint"]) == (
        "ada@desk",
        "the ranks are wrong",
        "mark of two",
    )
    assert datetime.fromisoformat(line["at"]) > datetime.now(UTC) - timedelta(minutes=5)
    assert before == checksums(home)


@pytest.mark.parametrize(
    ("release_wanted", "why", "says"),
    [
        ("three", "x", "there is no release three"),
        ("two", "x", "the release that stands"),
        ("one", "  ", "needs a reason"),
        ("../build", "x", "there is no release"),
        (".partial-x", "x", "there is no release"),
    ],
)
def test_a_rollback_that_cannot_be_meant_is_refused(
    home: Path, release_wanted: str, why: str, says: str
) -> None:
    lines = (home / "published" / "history.jsonl").read_text()
    code, told = warehouse_says(home, "rollback", release_wanted, "--why", why)
    assert code == 1 and says in told
    assert latest(home) == "two"
    assert (home / "published" / "history.jsonl").read_text() == lines


def test_a_rollback_to_damaged_bytes_is_refused(home: Path) -> None:
    file = home / "published" / "one" / "warehouse.duckdb"
    file.chmod(0o644)
    with file.open("r+b") as opened:
        opened.seek(5000)
        opened.write(b"\0rot")
    code, told = warehouse_says(home, "rollback", "previous", "--why", "x")
    assert code == 1 and "not the bytes that were published" in told and str(file) in told
    assert latest(home) == "two"


def test_a_rollback_mends_a_latest_that_points_at_nothing(home: Path) -> None:
    shutil.rmtree(home / "published" / "two")
    code, _ = warehouse_says(home, "rollback", "one", "--why", "two was lost")
    assert code == 0 and latest(home) == "one"


def test_a_rollback_can_be_rolled_forward(home: Path) -> None:
    for wanted, stands in (("previous", "one"), ("previous", "two"), ("one", "one")):
        assert warehouse_says(home, "rollback", wanted, "--why", "to and fro")[0] == 0
        assert latest(home) == stands
    assert set(publish.withdrawn(home / "published")) == {"two"}


def test_a_publish_tried_again_does_not_undo_a_rollback(tmp_path: Path) -> None:
    release(tmp_path, "one")
    release(tmp_path, "two", LATER)
    publish.rollback(tmp_path / "published", "one", "bad", "ada")
    built = tmp_path / "again.duckdb"  # the task was killed before it removed its build, and is retried
    shutil.copyfile(tmp_path / "published" / "two" / "warehouse.duckdb", built)
    publish.publish(tmp_path / "published", "two", built, {}, {})
    assert latest(tmp_path) == "one"


def test_a_line_that_was_cut_is_left_out_and_a_spoiled_one_is_named(home: Path) -> None:
    path = home / "published" / "history.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + '{"at": "2024-01-01T00:00:00+00:00", "why": "半'.encode()[:-1])
    assert len(publish.history(home / "published")) == 2
    publish.rollback(home / "published", "one", "半", "ada")
    assert [one.action for one in publish.history(home / "published")] == ["publish", "publish", "rollback"]
    path.write_bytes(whole + b"[]\n" + whole)
    with pytest.raises(WarehouseError, match=r"history.jsonl, line 3: unreadable"):
        publish.history(home / "published")


def test_releases_are_listed_in_the_order_of_the_history(home: Path) -> None:
    release(home, "earlier by its clock", age_days=400)
    warehouse_says(home, "rollback", "two", "--why", "the clock went back")
    code, told = warehouse_says(home, "releases", "--json")
    rows = json.loads(told)
    assert code == 0
    assert [row["release"] for row in rows] == ["one", "two", "earlier by its clock"]
    assert [row["is_latest"] for row in rows] == [False, True, False]
    assert [row["rows"] for row in rows] == [4, 5, 4]
    assert all(row["size_bytes"] > 10_000 for row in rows)
    assert [row["rolled_back"] and row["rolled_back"]["why"] for row in rows] == [
        None,
        None,
        "the clock went back",
    ]
    code, shown = warehouse_says(home, "releases")
    assert code == 0 and "ada@desk: the clock went back" in shown and "←" in shown


# --- a rollback and the nights after it ---------------------------------------------------------------


def test_a_rollback_stays_until_there_is_news(tmp_path: Path) -> None:
    def night(number: int) -> str | None:
        mirror = str(SAMPLE_DIR / f"night-{number}")
        with environment(WAREHOUSE_HOME=str(tmp_path), WAREHOUSE_MIRROR=mirror):
            return pipeline.accept("worldbank_wdi", pipeline.fetch("worldbank_wdi"))

    first = night(1)
    with environment(WAREHOUSE_HOME=str(tmp_path)):
        build = pipeline.load()
        assert first is not None and build is not None
        note = pipeline.note_of(Path(build))
        shutil.rmtree(build)
        release(tmp_path, "one")
        release(tmp_path, "two", LATER, **{name: note[name] for name in ("fingerprint", "vintages")})
        assert pipeline.load() is None
        pipeline.rollback("one", "two is wrong")
        assert pipeline.load() is None, "a night without news has undone the rollback"
        assert night(1) is None, "a vintage that was released and rolled back from is no news"
        assert "two was rolled back from" in pipeline.why_nothing()
        shutil.rmtree(tmp_path / "published" / "two")  # the rule does not hang on the release being there
        assert pipeline.load() is None
        assert night(1) is None
        forced = pipeline.load(force=True)
        assert forced is not None
        assert night(2) not in (None, first)
        news = pipeline.load()
        assert news is not None
        made = release(tmp_path, "three")
    assert latest(tmp_path) == made.name
    assert publish.withdrawn(tmp_path / "published") == {}


def test_new_code_after_a_rollback_builds_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = str(SAMPLE_DIR / "night-1")
    with environment(WAREHOUSE_HOME=str(tmp_path), WAREHOUSE_MIRROR=mirror):
        pipeline.accept("worldbank_wdi", pipeline.fetch("worldbank_wdi"))
        build = pipeline.load()
        assert build is not None
        release(tmp_path, "one")
        release(tmp_path, "two", LATER, fingerprint=pipeline.note_of(Path(build))["fingerprint"])
        pipeline.rollback("one", "a model is wrong")
        assert pipeline.load() is None
        monkeypatch.setattr(pipeline, "code_digest", lambda: "the model was mended")
        assert pipeline.load() is not None


# --- killed in the middle -----------------------------------------------------------------------------

KILLED = (
    """
import os, signal, sys
from pathlib import Path
from warehouse import files, publish
left = int(sys.argv[2])
"""
    + COUNTED
    + """publish.sync = counted(publish.sync)
publish.append_line = counted(publish.append_line)
files.os.fsync = counted(os.fsync)
Path.replace = counted(Path.replace)
Path.symlink_to = counted(Path.symlink_to)
Path.unlink = counted(Path.unlink)
publish.rollback(Path(sys.argv[1]), "one", "bad", "ada")
"""
)


def test_a_rollback_killed_anywhere_and_asked_again_is_one_rollback(tmp_path: Path) -> None:
    ends, lefts = set(), set()
    for point in range(30):
        home = tmp_path / str(point)
        release(home, "one")
        release(home, "two", LATER)
        before = checksums(home)
        command_line = [sys.executable, "-c", KILLED, str(home / "published"), str(point)]
        ended = subprocess.run(command_line, cwd=PROJECT_ROOT, capture_output=True, check=False, timeout=60)
        assert ended.returncode in (0, -9), ended.stderr
        ends.add(ended.returncode)
        left = latest(home)
        assert left in ("one", "two")
        told = [one.action for one in publish.history(home / "published")]
        assert left == "two" or told[-1] == "rollback", "latest was turned before it was told"
        lefts.add((left, told[-1]))
        publish.rollback(home / "published", "one", "bad", "ada")
        assert latest(home) == "one"
        found = [(one.action, one.release) for one in publish.history(home / "published")]
        assert found == [("publish", "one"), ("publish", "two"), ("rollback", "one")]
        assert before == checksums(home)
        if ended.returncode == 0:
            break
    assert ends == {0, -9}
    assert lefts == {("two", "publish"), ("two", "rollback"), ("one", "rollback")}


# --- what differs -------------------------------------------------------------------------------------


def test_a_comparison_counts_rows_and_cells_and_finds_the_biggest_moves(home: Path) -> None:
    code, told = warehouse_says(home, "diff", "previous", "latest", "--json", "--moves", "1")
    assert code == 0
    found = json.loads(told)
    assert (found["before"], found["after"]) == ("one", "two")
    (table,) = found["tables"]
    assert table["table"] == "marts.mart"
    assert table["key"] == ["reporter", "period", "is_preferred"]
    assert (table["rows_before"], table["rows_after"]) == (4, 5)
    assert (table["rows_added"], table["rows_gone"], table["rows_changed"]) == (1, 0, 3)
    assert table["cells"] == {"exports_million": 2, "world_rank": 2}
    assert table["cells_changed"] == 4
    china = {"reporter": "CHN", "period": "2021-01-01", "is_preferred": True}
    assert table["moves"] == [
        {"measure": "exports_million", "key": china, "before": 110.0, "after": 150.0, "difference": 40.0},
        {"measure": "world_rank", "key": china, "before": 4.0, "after": 3.0, "difference": -1.0},
    ]
    backwards = json.loads(warehouse_says(home, "diff", "latest", "previous", "--json")[1])["tables"][0]
    assert (backwards["rows_added"], backwards["rows_gone"], backwards["cells_changed"]) == (0, 1, 4)
    code, shown = warehouse_says(home, "diff")
    assert code == 0 and "marts.mart" in shown and "40.000" in shown


def test_tables_and_columns_that_only_one_side_has_are_named(tmp_path: Path) -> None:
    for name, sql in (
        ("a", "create table t (id varchar, x double, old_one int); create table gone as select 1 as a"),
        ("b", "create table t (id varchar, x double, new_one int); create table fresh as select 1 as a"),
    ):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute(sql)
    found = {t.table: t for t in releases.compare(tmp_path / "a.duckdb", tmp_path / "b.duckdb", {})}
    assert (found["main.t"].columns_added, found["main.t"].columns_gone) == (("new_one",), ("old_one",))
    assert (found["main.gone"].rows_before, found["main.gone"].rows_after) == (1, None)
    assert (found["main.fresh"].rows_before, found["main.fresh"].rows_after) == (None, 1)
    assert all(one.is_different for one in found.values())


def test_rows_of_one_key_are_matched_one_by_one_and_not_with_each_other(tmp_path: Path) -> None:
    for name, last in (("a", 3), ("b", 4)):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as db:
            db.execute(
                f"create table t as select * from (values ('k', 1), ('k', 2), ('k', {last})) v (id, x)"
            )
    (found,) = releases.compare(tmp_path / "a.duckdb", tmp_path / "b.duckdb", {})
    assert (found.rows_before, found.rows_after, found.rows_changed, found.cells) == (3, 3, 1, {"x": 1})


def test_the_vintages_that_differ_are_told(tmp_path: Path) -> None:
    both = {"source": "safe_bop", "vintage": "2024-03-29"}
    release(tmp_path, "one", vintages=[both, {"source": "worldbank_wdi", "vintage": "2022-09-16"}])
    release(tmp_path, "two", vintages=[both, {"source": "worldbank_wdi", "vintage": "2024-07-12"}])
    code, told = warehouse_says(tmp_path, "diff", "one", "two", "--json")
    assert code == 0
    assert json.loads(told)["vintages"] == [
        {"source": "worldbank_wdi", "added": ["2024-07-12"], "gone": ["2022-09-16"]}
    ]
    assert warehouse_says(tmp_path, "diff", "one", "three")[0] == 1


@pytest.mark.parametrize(
    ("name", "argument"),
    [("unique_combination_of_columns", "combination_of_columns"), ("unique_combination", "columns")],
)
def test_keys_are_read_from_the_uniqueness_tests_of_new_and_old_releases(
    tmp_path: Path, name: str, argument: str
) -> None:
    def node(test: str, kwargs: dict[str, list[str]]) -> dict[str, object]:
        return {"attached_node": "model.p.m", "test_metadata": {"name": test, "kwargs": kwargs}}

    nodes = {
        "a": node(name, {argument: ["x"]}),
        "b": node(name, {argument: ["x", "y"]}),
        "c": node("not_null_columns", {"columns": ["x", "y", "z"]}),
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    assert releases.keys_told(tmp_path / "manifest.json") == {"m": ("x", "y")}


def test_one_cell_changed_in_a_real_release_is_found_by_the_keys_of_its_own_tests(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    keys = releases.keys_told(warehouse.release / "dbt_docs" / "manifest.json")
    same = releases.compare(warehouse.database, warehouse.database, keys)
    assert len(same) > 15 and not any(one.is_different for one in same)
    assert {one.table.partition(".")[2] for one in same} <= set(keys), "a table has no tested key"
    changed = tmp_path / "changed.duckdb"
    shutil.copyfile(warehouse.database, changed)
    changed.chmod(0o644)
    where = "source = 'safe_bop' and period_label = '2021' and currency = 'USD' and reporter = 'CHN'"
    with duckdb.connect(str(changed)) as db:
        db.execute(
            f"update marts.mart_trade_scale set exports_million = exports_million + 1000 where {where}"
        )
        db.execute("delete from marts.mart_trade_scale where source = 'safe_bop' and period_label = '2020'")
        gone = db.execute("select count(*) from marts.mart_trade_scale").fetchone()
    (found,) = (one for one in releases.compare(warehouse.database, changed, keys) if one.is_different)
    assert found.table == "marts.mart_trade_scale"
    assert found.cells == {"exports_million": 1}
    assert gone is not None and found.rows_gone == (found.rows_before or 0) - gone[0] > 0
    (move,) = found.moves
    assert move.difference == pytest.approx(1000) and move.key["reporter"] == "CHN"


def test_the_command_line_ends_a_failure_in_one_line(home: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "warehouse", "rollback", "nothing", "--why", "x"],
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1 and ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1 and "one, two" in ended.stderr
