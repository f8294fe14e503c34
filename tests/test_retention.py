"""What is old goes and what is needed stays; every broken byte is named; no build begins without room."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import time_machine
from conftest import environment
from killing import COUNTED
from test_releases import LATER, checksums, latest, release, warehouse_says

from warehouse import backfill, config, landing, pipeline, publish, retention
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR
from warehouse.errors import Rejected, WarehouseError
from warehouse.files import sha256_of
from warehouse.sources import SOURCES

FEW = {
    "WAREHOUSE_KEEP_RELEASES": "2",
    "WAREHOUSE_KEEP_RELEASES_DAYS": "30",
    "WAREHOUSE_KEEP_BUILDS": "1",
    "WAREHOUSE_KEEP_BUILDS_DAYS": "7",
    "WAREHOUSE_KEEP_REJECTED": "1",
    "WAREHOUSE_KEEP_REJECTED_DAYS": "7",
}


def aged(path: Path, days: float) -> Path:
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.is_symlink())


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Land one source of a recorded night, through the pipeline."""
    home = tmp_path_factory.mktemp("landed")
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(SAMPLE_DIR / "night-1")):
        assert pipeline.accept("worldbank_wdi", pipeline.fetch("worldbank_wdi")) is not None
    return home


@pytest.fixture
def home(landed: Path, tmp_path: Path) -> Path:
    """Hold the landed source, five releases, four judged builds, an unjudged one, three rejected pulls."""
    home = tmp_path / "home"
    shutil.copytree(landed, home)
    for number, age in enumerate((100, 90, 80, 2, 1)):
        release(home, f"r{number}", age_days=age)
    for number, age in enumerate((50, 40, 3, 2)):
        build = home / "build" / f"2{number}"
        build.mkdir()
        pipeline.keep_verdict(build, {"success": False})
        aged(build, age)
    (home / "build" / "29").mkdir()  # at work between two tasks
    for number, age in enumerate((50, 40, 30)):
        pull = home / "rejected" / "worldbank_wdi" / f"pull{number}"
        pull.mkdir(parents=True)
        (pull / "report.json").write_text("{}")
        aged(pull, age)
    return home


def retained(home: Path, **more: str) -> dict[str, list[str]]:
    with environment(WAREHOUSE_HOME=str(home), **(FEW | more)):
        told = pipeline.retain()
    removed: dict[str, list[str]] = told["removed"]
    return removed


# --- retention ----------------------------------------------------------------------------------------


def test_what_is_neither_among_the_newest_nor_young_goes(home: Path) -> None:
    removed = retained(home)
    assert removed == {
        "releases": ["r0", "r1", "r2"],
        "builds": ["20", "21"],
        "rejected": ["worldbank_wdi/pull0", "worldbank_wdi/pull1"],
        "backfills": [],
    }
    assert names(home / "published") == ["r3", "r4"]
    assert names(home / "build") == ["22", "23", "29"]
    assert names(home / "rejected" / "worldbank_wdi") == ["pull2"]
    told = [(one.action, one.release) for one in publish.history(home / "published")][-3:]
    assert told == [("remove", "r0"), ("remove", "r1"), ("remove", "r2")]
    assert retained(home) == {"releases": [], "builds": [], "rejected": [], "backfills": []}


def test_what_a_decided_backfill_left_goes_and_a_waiting_one_stays(home: Path) -> None:
    ground = backfill.Ground({}, "r4", "code")
    days = (date(2024, 1, 1), date(2024, 1, 2))
    rows = next((home / "landing").glob("*/*/rows.parquet"))
    ids = {}
    with time_machine.travel(datetime.now(UTC) - timedelta(days=2)) as clock:
        for state in ("begun", "waiting", "failed", "approving", "approved", "discarded", "empty"):
            asked = backfill.begin(home / "backfill", "safe_bop", "fetch", *days, (None,), ground, "ada")
            backfill.tell(home / "backfill", asked.id, state, "ada", "")
            asked.home.mkdir()
            (asked.home / "made").write_bytes(b"7 bytes")
            (asked.home / "linked").hardlink_to(rows)
            ids[state] = asked.id
            clock.shift(1)
    fresh = backfill.begin(home / "backfill", "safe_bop", "fetch", *days, (None,), ground, "ada")
    backfill.tell(home / "backfill", fresh.id, "approved", "ada", "")
    fresh.home.mkdir()  # it may be at clearing it just now
    gone = [ids[state] for state in ("approved", "discarded", "empty")]
    kept = [ids[state] for state in ("begun", "waiting", "failed", "approving")]
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_KEEP_BUILDS="9"):
        told = pipeline.retain()
    assert told["removed"]["backfills"] == gone and not told["removed"]["builds"]
    assert told["freed_bytes"] == 3 * 7, "what lies elsewhere too by a hard link frees nothing"
    shelf = home / "backfill"
    assert [names(shelf / one) for one in gone] == [[]] * 3
    assert [names(shelf / one) for one in [*kept, fresh.id]] == [["home"]] * 5
    assert [one.id for one in backfill.backfills(shelf)] == sorted([*ids.values(), fresh.id]), "on record"
    assert landing.digest_rows(rows, SOURCES["worldbank_wdi"].columns)


def test_the_standing_release_and_the_way_back_stay_whatever_their_age(home: Path) -> None:
    publish.rollback(home / "published", "r0", "the newer ones are wrong", "ada")
    assert retained(home, WAREHOUSE_KEEP_RELEASES_DAYS="0")["releases"] == ["r1", "r2"]
    assert names(home / "published") == ["r0", "r3", "r4"]
    assert latest(home) == "r0"


def test_a_clock_far_ahead_leaves_the_newest(home: Path) -> None:
    for one in publish.releases(home / "published"):
        file = one / "MANIFEST.json"
        file.chmod(0o644)
        told = json.loads(file.read_text())
        file.write_text(json.dumps(told | {"published_at": "1999-01-01T00:00:00+00:00"}))
    assert retained(home)["releases"] == ["r0", "r1", "r2"]


def test_nothing_goes_when_latest_points_at_nothing(home: Path) -> None:
    shutil.rmtree(home / "published" / "r4")
    with pytest.raises(WarehouseError, match=r"r4, which is not there; nothing was removed"):
        retained(home)
    assert names(home / "published") == ["r0", "r1", "r2", "r3"]


def test_accepted_vintages_stay_under_any_policy(home: Path) -> None:
    vintage = next((home / "landing").glob("*/*/manifest.json")).parent
    for path in (vintage, vintage / "manifest.json"):
        aged(path, 5000)
    before = {path: sha256_of(path) for path in (home / "landing").rglob("*") if path.is_file()}
    assert len(before) > 3
    zero = {name: "0" for name in FEW if name != "WAREHOUSE_KEEP_RELEASES"}
    assert retained(home, **zero)["rejected"]
    assert {path: sha256_of(path) for path in (home / "landing").rglob("*") if path.is_file()} == before


def test_an_open_reader_of_a_removed_release_reads_on(home: Path) -> None:
    path = home / "published" / "r0" / "warehouse.duckdb"
    with duckdb.connect(str(path), read_only=True) as reader:
        assert retained(home)["releases"] == ["r0", "r1", "r2"]
        assert not path.exists()
        found = reader.execute("select count(*), sum(exports_million) from marts.mart").fetchall()
    assert found == [(4, 417.0)]


def test_a_source_that_is_being_written_keeps_its_shelf(home: Path) -> None:
    with landing.writing(home / "landing", "worldbank_wdi"):
        code = subprocess.run(
            [sys.executable, "-m", "warehouse", "maintain", "--json"],
            cwd=PROJECT_ROOT,
            env=os.environ | FEW | {"WAREHOUSE_HOME": str(home)},
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert code.returncode == 0, code.stderr
    assert json.loads(code.stdout)["retention"]["removed"]["rejected"] == []
    assert names(home / "rejected" / "worldbank_wdi") == ["pull0", "pull1", "pull2"]


def test_outdated_wants_both_many_and_old() -> None:
    now = datetime(2024, 5, 2, tzinfo=UTC)
    things = [(Path(str(days)), now - timedelta(days=days)) for days in (40, 31, 29, 20, 1)]
    found = {
        (keep, days): [path.name for path in retention.outdated(things, keep=keep, days=days, now=now)]
        for keep, days in ((0, 30), (4, 30), (9, 0), (1, 0), (0, 99))
    }
    assert found == {
        (0, 30): ["40", "31"],
        (4, 30): ["40"],
        (9, 0): [],
        (1, 0): ["40", "31", "29", "20"],
        (0, 99): [],
    }


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("WAREHOUSE_KEEP_RELEASES", "1", "at least 2"),
        ("WAREHOUSE_KEEP_BUILDS", "many", "not a number"),
        ("WAREHOUSE_KEEP_BUILD", "3", "no such setting"),
        ("WAREHOUSE_DISK_FACTOR", "nan", "at least 0"),
        ("WAREHOUSE_KEEP_REJECTED_DAYS", "-1", "at least 0"),
    ],
)
def test_a_policy_that_is_none_is_refused_and_nothing_goes(
    home: Path, name: str, text: str, says: str
) -> None:
    with pytest.raises(WarehouseError, match=says):
        retained(home, **{name: text})
    assert len(names(home / "published")) == 5


def test_the_defaults_are_those_that_the_settings_tell() -> None:
    assert config.keeping({}) == config.Keeping(30, 90, 3, 14, 10, 180, 4)
    assert config.keeping({"WAREHOUSE_KEEP_RELEASES": "7", "WAREHOUSE_KEEP_BUILDS": ""}).releases == 7


KILLED = (
    """
import os, signal, sys
from pathlib import Path
from warehouse import pipeline, publish, retention
left = int(sys.argv[1])
"""
    + COUNTED
    + """publish.append_line = counted(publish.append_line)
retention.sync = counted(retention.sync)
retention.shutil.rmtree = counted(retention.shutil.rmtree)
Path.rename = counted(Path.rename)
os.unlink = counted(os.unlink)
os.rmdir = counted(os.rmdir)
pipeline.retain()
"""
)


def test_a_retention_killed_anywhere_and_run_again_ends_as_an_undisturbed_one(
    home: Path, tmp_path: Path
) -> None:
    ends = []
    kept = {name: told for name, told in checksums(home).items() if name[:2] in ("r3", "r4")}
    for point in (*range(0, 30), 36, 45, 55, 500):
        copy = tmp_path / str(point)
        shutil.copytree(home, copy, symlinks=True)
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, str(point)],
            cwd=PROJECT_ROOT,
            env=os.environ | FEW | {"WAREHOUSE_HOME": str(copy)},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode in (0, -9), ended.stderr
        ends.append(ended.returncode)
        for visible in names(copy / "published"):  # whole, or not to be seen
            if not visible.startswith("."):
                told = publish.read_manifest(copy / "published" / visible)
                file = copy / "published" / visible / "warehouse.duckdb"
                assert told["database"]["sha256"] == sha256_of(file)
        assert latest(copy) == "r4"
        retained(copy)
        assert names(copy / "published") == ["r3", "r4"], point
        assert names(copy / "build") == ["22", "23", "29"]
        assert names(copy / "rejected" / "worldbank_wdi") == ["pull2"]
        removals = [one.release for one in publish.history(copy / "published") if one.action == "remove"]
        assert removals == ["r0", "r1", "r2"]
        assert checksums(copy) == kept
        with environment(WAREHOUSE_HOME=str(copy)):
            assert pipeline.audit()["findings"] == ()
        shutil.rmtree(copy)
    assert ends.count(-9) >= 30 and ends[-1] == 0


# --- audit --------------------------------------------------------------------------------------------


def broken(home: Path, pattern: str) -> Path:
    """Turn one bit in the middle of a file."""
    path = sorted(path for path in home.glob(pattern) if path.is_file())[0]
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "pattern",
    [
        "landing/worldbank_wdi/[0-9]*/files/*",
        "landing/worldbank_wdi/[0-9]*/rows.parquet",
        "published/r0/warehouse.duckdb",
        "published/r4/parquet/mart.parquet",
    ],
)
def test_one_turned_bit_is_named_with_its_file_and_what_to_do(home: Path, pattern: str) -> None:
    with environment(WAREHOUSE_HOME=str(home)):
        sound = pipeline.audit()
        assert sound["findings"] == () and sound["vintages"] == 1 and sound["releases"] == 5
        assert sound["files"] > 10
        path = broken(home, pattern)
        with pytest.raises(Rejected) as caught:
            pipeline.audit()
    assert f"{path}: sha256 is" in str(caught.value) and "backup" in str(caught.value)
    with environment(**FEW):
        code, told = warehouse_says(home, "maintain", "--json")
    assert code == 1
    assert {one["path"] for one in json.loads(told)["audit"]["findings"]} == {str(path)}
    assert json.loads(told)["retention"] is None
    assert len(names(home / "published")) == 5, "something was removed while the audit had findings"
    code, shown = warehouse_says(home, "maintain")
    assert code == 1 and str(path) in shown and "broken" in shown


@pytest.mark.parametrize(
    ("harm", "where", "says"),
    [
        ("rm landing/worldbank_wdi/[0-9]*/files/*", "files/", "can't be read"),
        ("rm published/r1/parquet/mart.parquet", "r1/parquet/mart.parquet", "can't be read"),
        ("rm published/r1/MANIFEST.json", "r1/MANIFEST.json", "unreadable"),
        ("cd landing/worldbank_wdi/2*/; echo '[' > manifest.json", "manifest.json", "unreadable"),
        ("cd landing/worldbank_wdi/2*/files; touch more", "files/more", "no manifest"),
        ("ln -sfn r0 published/latest", "latest", "the history's last move says r4"),
        ("ln -sfn r9 published/latest", "latest", "r9, which is not there"),
        ("rm -r landing/worldbank_wdi", "landing", "no vintage to audit"),
    ],
)
def test_what_is_gone_unreadable_or_unknown_is_found(home: Path, harm: str, where: str, says: str) -> None:
    subprocess.run(["/bin/sh", "-ec", harm], cwd=home, check=True)
    with environment(WAREHOUSE_HOME=str(home)):
        found = pipeline.audit(strict=False)["findings"]
    assert any(where in one["path"] and says in one["what"] for one in found), found
    assert all(one["remedy"] for one in found)


def test_a_vintage_that_a_release_names_and_the_landing_lost_is_found(home: Path) -> None:
    (vintage,) = landing.vintages(home / "landing", "worldbank_wdi")
    told = pipeline.told_of(vintage)
    release(home, "r5", LATER, vintages=[told])
    with environment(WAREHOUSE_HOME=str(home)):
        assert pipeline.audit()["findings"] == ()
        release(home, "r6", LATER, vintages=[told | {"vintage": "1999-01-01"}])
        (found,) = pipeline.audit(strict=False)["findings"]
    assert "r6" in found["path"] and "worldbank_wdi vintage 1999-01-01" in found["what"]


def test_a_gap_in_the_chain_of_vintages_is_found(home: Path) -> None:
    manifest = next((home / "landing").glob("*/*/manifest.json"))
    told = json.loads(manifest.read_text()) | {"previous_vintage": "1999-01-01"}
    manifest.write_text(json.dumps(told))
    with environment(WAREHOUSE_HOME=str(home)):
        (found,) = pipeline.audit(strict=False)["findings"]
    assert found["path"].endswith("1999-01-01") and "gone" in found["what"]


# --- disk ---------------------------------------------------------------------------------------------


def test_a_build_without_room_is_refused_before_anything_is_written(home: Path) -> None:
    before = sorted(str(path) for path in home.rglob("*"))
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_DISK_FACTOR="1e15"):
        with pytest.raises(WarehouseError, match=r"too little disk: .* free and a build needs .* release r4"):
            pipeline.load()
        with pytest.raises(WarehouseError, match="too little disk"):
            pipeline.disk()
        assert pipeline.disk(strict=False)["is_enough"] is False
    assert [path for path in sorted(str(path) for path in home.rglob("*")) if path not in before] in (
        [],
        [str(home / "build" / ".lock")],
    )
    code, shown = 0, ""
    with environment(WAREHOUSE_DISK_FACTOR="1e15"):
        code, shown = warehouse_says(home, "maintain")
    assert code == 1 and "TOO LITTLE" in shown


def test_what_a_build_needs_is_reckoned_from_the_release_that_stands(home: Path, landed: Path) -> None:
    stands = home / "published" / "r4"
    size = sum(path.stat().st_size for path in stands.rglob("*") if path.is_file())
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_DISK_FACTOR="3"):
        told = pipeline.disk()
    assert told["needed_bytes"] == 3 * size > 0
    assert abs(told["free_bytes"] - shutil.disk_usage(home).free) < 2**30
    with environment(WAREHOUSE_HOME=str(landed)):
        told = pipeline.disk()
    rows = next((landed / "landing").glob("*/*/rows.parquet")).stat().st_size
    assert told["needed_bytes"] == 4 * rows and "landed rows" in told["basis"]
