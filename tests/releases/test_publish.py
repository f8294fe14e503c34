"""Publishing is atomic, `latest` always points to a release, a rollback is recorded before the switch."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from flushes import recorded
from killing import forks
from small_releases import (
    LATER,
    build_record,
    checksums,
    flip_bit,
    latest,
    make_release,
    overwrite,
    vintage_entry,
)

from warehouse.build.dbt import seal
from warehouse.errors import Rejected, WarehouseError
from warehouse.files import sha256_of
from warehouse.releases import publish as publish_module
from warehouse.releases.history import HISTORY, read_history, withdrawn
from warehouse.releases.manifest import News, VintageRef, read_manifest
from warehouse.releases.news import news_against
from warehouse.releases.publish import (
    PARTIAL_PREFIX,
    publish,
    refresh,
    rollback,
)
from warehouse.releases.store import current, find_release

TESTS = Path(__file__).parent.parent


def make_build(folder: Path, order: str = "asc", rows: int = 10) -> Path:
    folder.mkdir(parents=True)
    file = folder / "warehouse.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute("create schema core; create schema marts")
        db.execute(
            "create table core.fct as select cast(i as varchar) as id, cast(i as decimal(38, 18)) / 7 as x "
            f"from range({rows}) as t (i) order by i {order}"
        )
        db.execute("create table marts.mart as select 'CHN' as reporter, 1.5 as value_million")
    (folder / "docs").mkdir()
    (folder / "docs" / "index.html").write_text("<p>docs</p>")
    seal(file)
    return file


def publish_again(root: Path, name: str, file: Path, *, is_latest: bool = True) -> Path:
    published, record = root / "published", build_record()
    news = news_against(published, file, record)
    return publish(published, name, file, {}, record, {}, news=news, is_latest=is_latest, actor="tests")


def release(root: Path, name: str, order: str = "asc", rows: int = 10) -> Path:
    file = make_build(root / "build" / name, order, rows)
    docs = {"data_docs": file.parent / "docs", "dbt_docs/index.html": file.parent / "docs" / "index.html"}
    record = build_record()
    published, verdict = root / "published", {"success": True}
    news = news_against(published, file, record)
    return publish(published, name, file, docs, record, verdict, news=news, is_latest=True, actor="tests")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with two releases; the second is the current release; read only."""
    home = tmp_path_factory.mktemp("publish") / "home"
    make_release(home, "one")
    make_release(home, "two", LATER)
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """Return a copy of that home to change."""
    return Path(shutil.copytree(template, tmp_path / "home", symlinks=True))


def entries(home: Path) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (entry.action, entry.release, entry.before, entry.after)
        for entry in read_history(home / "published").require()
    ]


# --- publish ------------------------------------------------------------------------------------------


def test_release_has_database_parquet_docs_and_correct_manifest(tmp_path: Path) -> None:
    first = release(tmp_path, "one")
    manifest = read_manifest(first)
    assert manifest.release == "one"
    assert manifest.as_of.isoformat() == "2024-05-02"
    assert manifest.validation == {"success": True}
    assert manifest.published_at > datetime.now(UTC) - timedelta(minutes=5)
    assert manifest.database.sha256 == sha256_of(first / "warehouse.duckdb")
    assert set(manifest.tables) == {"fct", "mart"}
    for table, entry in manifest.tables.items():
        path = first / "parquet" / f"{table}.parquet"
        assert entry.sha256 == sha256_of(path)
        assert entry.rows == pq.read_metadata(path).num_rows > 0
    assert json.loads((first / "MANIFEST.json").read_text())["tables"]["fct"]["schema"] == "core"
    assert (first / "data_docs" / "index.html").exists()
    assert (first / "dbt_docs" / "index.html").exists()
    with duckdb.connect(str(tmp_path / "published" / "latest" / "warehouse.duckdb"), read_only=True) as db:
        assert db.execute("select reporter from marts.mart").fetchall() == [("CHN",)]
        assert db.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]


def test_sealing_leaves_no_view_and_no_log(tmp_path: Path) -> None:
    file = make_build(tmp_path / "build")
    with duckdb.connect(str(file), read_only=True) as db:
        schemas = db.execute("select distinct schema_name from duckdb_tables()").fetchall()
    assert sorted(schemas) == [("core",), ("marts",)]
    assert not file.with_name("warehouse.duckdb.wal").exists()
    with duckdb.connect(str(file)) as db:
        db.execute("create view marts.leaking as select 1 as a")
    with pytest.raises(WarehouseError, match="views"):
        seal(file)


def test_equal_rows_in_any_order_give_equal_parquet(tmp_path: Path) -> None:
    first = read_manifest(release(tmp_path, "one", rows=300_000)).tables
    second = read_manifest(release(tmp_path, "two", order="desc", rows=300_000)).tables
    assert first
    assert {name: entry.sha256 for name, entry in first.items()} == {
        name: entry.sha256 for name, entry in second.items()
    }


def test_latest_points_to_the_newest_release_and_the_old_release_is_kept(tmp_path: Path) -> None:
    first = release(tmp_path, "one")
    before = sha256_of(first / "warehouse.duckdb")
    assert current(tmp_path / "published") == first
    two = release(tmp_path, "two")
    assert current(tmp_path / "published") == two
    assert sha256_of(first / "warehouse.duckdb") == before


def test_publish_killed_at_its_end_can_be_repeated(tmp_path: Path) -> None:
    first = release(tmp_path, "one")
    (tmp_path / "published" / "latest").unlink()  # killed between the release's rename and the symlink's
    again = publish_again(tmp_path, "one", tmp_path / "build" / "one" / "warehouse.duckdb")
    assert again == first == current(tmp_path / "published")


def test_release_is_never_changed(tmp_path: Path) -> None:
    release(tmp_path, "one")
    with pytest.raises(WarehouseError, match="never changed"):
        publish_again(tmp_path, "one", make_build(tmp_path / "other", rows=11))


def test_open_connection_reads_its_release_after_switch(tmp_path: Path) -> None:
    release(tmp_path, "one")
    database = tmp_path / "published" / "latest" / "warehouse.duckdb"
    with duckdb.connect(str(database.resolve()), read_only=True) as reader:
        release(tmp_path, "two")
        assert reader.execute("select count(*) from core.fct").fetchall() == [(10,)]


def test_every_publish_is_in_the_history(home: Path) -> None:
    assert entries(home) == [("publish", "one", None, "one"), ("publish", "two", "one", "two")]
    assert {entry.actor for entry in read_history(home / "published").records} == {"tests"}


def test_as_of_build_is_in_the_history_and_does_not_change_latest(home: Path) -> None:
    make_release(home, "retro", is_latest=False)
    assert entries(home)[-1] == ("publish", "retro", "two", "two")
    assert latest(home) == "two"


def test_news_are_the_vintages_and_revisions_that_the_current_release_does_not_have(tmp_path: Path) -> None:
    old, new = vintage_entry("safe_bop", "2024-03-29"), vintage_entry("safe_bop", "2024-06-28")
    rows = "('safe_bop', '{0}', 'changed'), ('safe_bop', '{0}', 'changed'), ('safe_bop', '{0}', 'new')"
    alert = "('safe_bop', '{0}', 'before', 'series', '2021', {1}, 2, {2}, 10)"
    sql = "".join(
        f"insert into core.fct_revision values {rows.format(vintage)};"
        f"insert into marts.mart_revision_alert values {alert.format(vintage, 1, 100)};"
        for vintage in ("2024-03-29", "2024-06-28")
    )
    first = make_release(tmp_path, "one", vintages=[old], sql=sql)
    second = make_release(tmp_path, "two", vintages=[old, new], sql=sql)
    as_of_release = make_release(tmp_path, "retro", vintages=[old], sql=sql, is_latest=False)
    brought = {"new": 1, "changed": 2, "withdrawn": 0}

    def ref(entry_vintage: str) -> VintageRef:
        return VintageRef(source="safe_bop", vintage=entry_vintage)

    assert read_manifest(first).news == News(
        against=None, vintages=(ref("2024-03-29"),), revisions=brought, big_revisions=1
    )
    assert read_manifest(second).news == News(
        against="one", vintages=(ref("2024-06-28"),), revisions=brought, big_revisions=1
    )
    assert read_manifest(as_of_release).news == News(
        against="two", vintages=(), revisions=dict.fromkeys(brought, 0), big_revisions=0
    )


def test_publish_is_rejected_with_unreadable_history(home: Path) -> None:
    path = home / "published" / HISTORY
    path.write_bytes(b"[]\n" + path.read_bytes())
    with pytest.raises(WarehouseError, match=r"history\.jsonl, line 1: .* delete the line"):
        make_release(home, "three")
    assert latest(home) == "two" and not (home / "published" / "three").exists()


def test_release_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = recorded(monkeypatch)
    made = release(tmp_path, "one")
    partial = made.with_name(f"{PARTIAL_PREFIX}one")
    renamed = events.index(("rename", partial))
    entries = {partial / path.relative_to(made) for path in made.rglob("*")}
    assert len(entries) > 5
    assert {partial, *entries} <= {path for _, path in events[:renamed]}
    assert events[renamed + 1] == ("flush", made.parent)


KILLED = f"""
sys.path[:0] = [{str(TESTS)!r}, {str(TESTS / "releases")!r}]
import test_publish as t
from warehouse.releases import publish, store
publish.fsync = counted(publish.fsync)
store.fsync = counted(store.fsync)
publish.append_entry = counted(publish.append_entry)
Path.rename = counted(Path.rename)
Path.replace = counted(Path.replace)
Path.symlink_to = counted(Path.symlink_to)
Path.chmod = counted(Path.chmod)
Path.hardlink_to = counted(Path.hardlink_to)
def run(root):
    t.release(Path(root), "two")
"""


@pytest.mark.slow
def test_kill_while_publishing_leaves_the_old_or_the_new_release(tmp_path: Path) -> None:
    seen = set()
    with forks(KILLED) as run:
        for point in (0, 2, 5, 9, 13, 16, *range(17, 32), 60):
            root = tmp_path / str(point)
            first = release(root, "one")
            ended = run(point, str(root))
            left = current(root / "published")
            assert left is not None
            seen.add((ended, left.name))
            assert read_manifest(left).database.sha256 == sha256_of(left / "warehouse.duckdb")
            for visible in (root / "published").iterdir():
                if visible.name.startswith(".") or visible.is_symlink() or visible.name == HISTORY:
                    continue
                assert (visible / "MANIFEST.json").exists()
                assert (visible / "warehouse.duckdb").exists()
            three = release(root, "three")
            assert current(root / "published") == three
            assert not list((root / "published").glob(f"{PARTIAL_PREFIX}*"))
            assert first.exists()
    assert seen == {(-9, "one"), (-9, "two"), (0, "two")}


# --- rollback -----------------------------------------------------------------------------------------


def test_rollback_switches_latest_and_records_who_when_and_why(home: Path) -> None:
    before = checksums(home)
    entry = rollback(home / "published", "one", "the ranks are wrong", "ada@desk")
    assert (entry.before, entry.after) == ("two", "one")
    assert latest(home) == "one"
    line = json.loads((home / "published" / "history.jsonl").read_text().splitlines()[-1])
    assert (line["action"], line["from"], line["to"]) == ("rollback", "two", "one")
    assert (line["actor"], line["reason"], line["fingerprint"]) == (
        "ada@desk",
        "the ranks are wrong",
        "mark of two",
    )
    assert datetime.fromisoformat(line["at"]) > datetime.now(UTC) - timedelta(minutes=5)
    assert before == checksums(home)


@pytest.mark.parametrize(
    ("release_wanted", "why", "message"),
    [
        ("three", "x", r"there is no release 'three'\. Existing releases: one, two"),
        ("two", "x", "two is the current release already"),
        ("one", "  ", "needs a reason"),
        ("../build", "x", "there is no release"),
        (".partial-x", "x", "there is no release"),
    ],
)
def test_rejected_rollback_changes_nothing(home: Path, release_wanted: str, why: str, message: str) -> None:
    lines = (home / "published" / "history.jsonl").read_text()
    with pytest.raises(WarehouseError, match=message):
        rollback(home / "published", release_wanted, why, "ada")
    assert latest(home) == "two"
    assert (home / "published" / "history.jsonl").read_text() == lines


def test_rollback_to_a_damaged_release_is_rejected(home: Path) -> None:
    file = flip_bit(home / "published" / "one" / "warehouse.duckdb", 5000)
    with pytest.raises(WarehouseError, match="not the bytes that were published") as caught:
        rollback(home / "published", "previous", "x", "ada")
    assert str(file) in str(caught.value)
    file.unlink()
    with pytest.raises(WarehouseError, match="missing"):
        rollback(home / "published", "one", "x", "ada")
    overwrite(home / "published" / "one" / "MANIFEST.json", "{")
    with pytest.raises(WarehouseError, match=r"one/MANIFEST\.json: invalid record"):
        rollback(home / "published", "one", "x", "ada")
    assert latest(home) == "two"


@pytest.mark.parametrize("harm", ["manifest", "directory"])
def test_rollback_works_when_the_current_release_is_damaged_or_missing(home: Path, harm: str) -> None:
    two = home / "published" / "two"
    if harm == "directory":
        shutil.rmtree(two)
    else:
        overwrite(two / "MANIFEST.json", '{"release": "two"')
    entry = rollback(home / "published", "previous", "two was lost", "ada")
    assert latest(home) == "one" and (entry.fingerprint, entry.newest) == (None, None)


def test_rollback_works_when_a_line_of_the_history_is_unreadable(home: Path) -> None:
    path = home / "published" / HISTORY
    path.write_bytes(b"\xff\n" + path.read_bytes())
    with pytest.raises(WarehouseError, match=r"line 1: .* name a release by its id"):
        rollback(home / "published", "previous", "two is wrong", "ada")
    rollback(home / "published", "one", "two is wrong", "ada")
    assert latest(home) == "one"


def test_rollback_can_be_rolled_forward(home: Path) -> None:
    for wanted, expected in (("previous", "one"), ("previous", "one"), ("two", "two"), ("one", "one")):
        rollback(home / "published", wanted, "to and fro", "ada")
        assert latest(home) == expected
    assert set(withdrawn(read_history(home / "published").records)) == {"two"}
    assert find_release(home / "published", "previous").name == "two"


def test_publish_tried_again_does_not_undo_a_rollback(home: Path) -> None:
    rollback(home / "published", "one", "bad", "ada")
    built = home / "again.duckdb"  # the task was killed before it removed its build, and is retried
    shutil.copyfile(home / "published" / "two" / "warehouse.duckdb", built)
    publish_again(home, "two", built)
    assert latest(home) == "one"
    assert set(withdrawn(read_history(home / "published").records)) == {"two"}


def test_release_that_a_rollback_overtakes_is_not_published(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rollback comes after the release is complete and before `latest` is switched."""

    def rolled_back_first(*arguments: Any, **options: Any) -> None:
        rollback(home / "published", "one", "two is wrong", "ada")
        register(*arguments, **options)

    register = publish_module._register
    monkeypatch.setattr(publish_module, "_register", rolled_back_first)
    with pytest.raises(Rejected, match="`latest` was switched from two to one while three was published"):
        make_release(home, "three")
    assert latest(home) == "one"
    assert not (home / "published" / "three").exists()


def test_refresh_does_not_undo_a_rollback(home: Path) -> None:
    published = home / "published"

    def rolled_back_meanwhile(*_: Path) -> None:
        rollback(published, "one", "two is wrong", "ada")

    assert refresh(published, published / "two", "three", {}, "ada", rolled_back_meanwhile) is None
    assert latest(home) == "one"
    assert not (published / "three").exists()


KILLED_ROLLBACK = """
from warehouse.releases import publish, store
store.fsync = counted(store.fsync)
publish.append_entry = counted(publish.append_entry)
os.fsync = counted(os.fsync)
Path.replace = counted(Path.replace)
Path.symlink_to = counted(Path.symlink_to)
Path.unlink = counted(Path.unlink)
def run(published):
    publish.rollback(Path(published), "one", "bad", "ada")
"""


def test_rollback_killed_at_any_operation_and_repeated_is_recorded_once(
    template: Path, tmp_path: Path
) -> None:
    ends, lefts = set(), set()
    with forks(KILLED_ROLLBACK) as run:
        for point in range(30):
            home = tmp_path / str(point)
            shutil.copytree(template, home, symlinks=True)
            before = checksums(home)
            ended = run(point, str(home / "published"))
            ends.add(ended)
            left = latest(home)
            assert left in ("one", "two")
            recorded = [action for action, *_ in entries(home)]
            assert left == "two" or recorded[-1] == "rollback", "latest was switched before it was recorded"
            lefts.add((left, recorded[-1]))
            rollback(home / "published", "one", "bad", "ada")
            assert latest(home) == "one"
            assert [entry[:2] for entry in entries(home)] == [
                ("publish", "one"),
                ("publish", "two"),
                ("rollback", "one"),
            ]
            assert before == checksums(home)
            if ended == 0:
                break
    assert ends == {0, -9}
    assert lefts == {("two", "publish"), ("two", "rollback"), ("one", "rollback")}
