"""Runs of dbt: what it parsed is used again, and a damaged file of it does no harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from warehouse.build import dbt, dbt_process, reuse
from warehouse.config import DBT_PROJECT_DIR, PROJECT_ROOT
from warehouse.errors import WarehouseError


def parsed_files(directory: Path, parsed: Path) -> int:
    """Run dbt in a directory; return the number of files of the project that it parsed."""
    directory.mkdir()
    dbt.run_dbt([("parse",)], directory / reuse.WORKING, DBT_PROJECT_DIR, directory / "dbt", parsed)
    performance = json.loads((directory / "dbt" / "perf_info.json").read_text(encoding="utf-8"))
    return int(performance["parsed_path_count"])


@pytest.mark.slow
def test_another_build_uses_what_dbt_parsed_before(tmp_path: Path) -> None:
    parsed = tmp_path / "parsed" / "code.msgpack"
    parsed.parent.mkdir()
    (parsed.parent / "older.msgpack").write_bytes(b"of other code")
    parsed.write_bytes(b"damaged")
    assert parsed_files(tmp_path / "first", parsed) > 200
    assert [path.name for path in parsed.parent.iterdir()] == [parsed.name]
    assert parsed_files(tmp_path / "second", parsed) == 0


def test_working_file_of_another_name_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="profile names the working file"):
        dbt.run_dbt([("parse",)], tmp_path / "other.duckdb", DBT_PROJECT_DIR, tmp_path, tmp_path / "parsed")


@pytest.mark.slow
def test_no_command_runs_after_one_that_failed(tmp_path: Path) -> None:
    commands = [("parse",), ("list", "--no-such-option"), ("docs", "generate", "--no-compile")]
    with pytest.raises(WarehouseError, match=r"(?s)dbt parse failed: .*dbt list: No such option"):
        dbt.run_dbt(
            commands, tmp_path / reuse.WORKING, DBT_PROJECT_DIR, tmp_path / "dbt", tmp_path / "parsed"
        )
    assert (tmp_path / "dbt" / "manifest.json").exists()
    assert not (tmp_path / "dbt" / "catalog.json").exists()


# In the directory in which dbt runs: it is imported in place of dbt, and works in two threads.
SLEEPING_DBT = """
import os, pathlib, threading, time
class dbtRunner:
    def __init__(self, manifest=None):
        pass
    def invoke(self, arguments):
        threading.Thread(target=time.sleep, args=(60,)).start()
        pathlib.Path("begun").write_text(str(os.getpid()))
        pathlib.Path("begun").rename("child")
        time.sleep(60)
"""
RUN = """
import sys
from pathlib import Path
from warehouse.build import dbt, reuse
home = Path(sys.argv[1])
dbt.run_dbt([("build",)], home / reuse.WORKING, home, home / "artifacts", home / "p.msgpack")
"""


def is_running(process: int) -> bool:
    """Tell whether a process runs; one that has ended may be listed until its parent asks for its code."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")
def test_dbt_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "dbt" / "cli").mkdir(parents=True)
    for name in ("__init__.py", "cli/__init__.py"):
        (tmp_path / "dbt" / name).touch()
    (tmp_path / "dbt" / "cli" / "main.py").write_text(SLEEPING_DBT)
    with subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], cwd=PROJECT_ROOT) as parent:
        try:
            deadline = time.monotonic() + 60
            while not (tmp_path / "child").exists():
                assert time.monotonic() < deadline and parent.poll() is None
                time.sleep(0.05)
            child = int((tmp_path / "child").read_text())
            time.sleep(0.2)
            assert is_running(child)
        finally:
            parent.kill()
    try:
        deadline = time.monotonic() + 5
        while is_running(child):
            assert time.monotonic() < deadline, "dbt still runs"
            time.sleep(0.05)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")
def test_dbt_whose_parent_has_ended_runs_nothing() -> None:
    arguments = json.dumps([os.getpid() + 1, ["no-such-command"]])
    ended = subprocess.run(
        [sys.executable, "-c", dbt_process.CHILD, arguments], capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, b"", b"")


@pytest.mark.parametrize("made_again", [0, 5])
def test_release_with_many_free_blocks_is_made_compact(made_again: int, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute("create schema marts; create macro marts.twice(x) as x * 2")
        db.execute(
            "create table marts.mart as select i, hash(i) as text from range(200_000) as r(i); checkpoint"
        )
        whole = file.stat().st_size
        for number in range(made_again):
            db.execute(f"create table marts.other{number} as from marts.mart; checkpoint")
        for number in range(made_again):
            db.execute(f"drop table marts.other{number}")
        db.execute("create or replace table marts.small as select 1 as x")
    inode = file.stat().st_ino
    dbt.seal(file)
    assert (file.stat().st_ino != inode) == bool(made_again)
    assert file.stat().st_size < 1.5 * whole
    with duckdb.connect(str(file), read_only=True) as db:
        assert db.execute("select count(*), marts.twice(2) from marts.mart").fetchall() == [(200_000, 4)]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "made", ["create schema staging", "create schema core; create view core.v as select 1"]
)
def test_release_with_another_schema_or_a_view_is_rejected(made: str, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute(made)
    with pytest.raises(WarehouseError, match=r"a release holds tables of core, marts, bi only"):
        dbt.seal(file)
