"""The commands as a whole: help, exit codes, the time that the help takes, and the entry points."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from command_line import invoke
from small_homes import RELEASE

from warehouse import __version__, cli
from warehouse.cli.app import app
from warehouse.config import PROJECT_ROOT

GROUPS = {
    "backfill": ("start", "list", "show", "approve", "discard"),
    "rejected": ("list", "show", "accept"),
    "curated": ("check", "template"),
    "vintages": ("list", "withdraw", "restore"),
    "repair": ("latest",),
    "objects": ("push", "pull", "latest", "list", "prune"),
}
COMMANDS = (
    *("sources", "status", "alerts", "fetch", "build", "publish", "run", "trace", "query"),
    *("releases", "diff", "rollback", "maintain", "backup", "restore", "metrics", "publish-to"),
)
# What a command imports for its work; each takes a fifth of a second or more.
SLOW = {"airflow", "duckdb", "great_expectations", "pandas", "pyarrow", "pydantic", "requests"}


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = invoke(tmp_path, "--help").stdout
    for word in (*COMMANDS, *GROUPS):
        assert f" {word} " in shown
    assert __version__


@pytest.mark.parametrize(
    "words", [(word,) for word in COMMANDS] + [(g, c) for g, found in GROUPS.items() for c in found]
)
def test_every_command_has_help_and_no_other_exists(words: tuple[str, ...], tmp_path: Path) -> None:
    assert "--help" in invoke(tmp_path, *words, "-h").stdout
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) == {*COMMANDS, *GROUPS}
    assert {name: tuple(commands[name].commands) for name in GROUPS} == GROUPS


@pytest.mark.parametrize("width", ["80", "120"])
def test_help_of_a_flag_shows_no_value(width: str, tmp_path: Path) -> None:
    for words in ((), ("publish",), ("vintages", "list")):
        assert "<bool>" not in invoke(tmp_path, *words, "--help", COLUMNS=width).stdout
    shown = invoke(tmp_path, "publish", "--help", COLUMNS=width).stdout
    assert re.search(r"--as-of +YYYY-MM-DD ", shown) and re.search(r"--json +Print JSON", shown)


@pytest.mark.parametrize("words", [(word,) for word in COMMANDS if word not in GROUPS])
def test_help_fills_its_lines(words: tuple[str, ...], tmp_path: Path) -> None:
    """A line of the docstring that ends within a line of the terminal would leave it half empty."""
    shown = invoke(tmp_path, *words, "--help", COLUMNS="80").stdout.partition("╭")[0]
    paragraphs = [
        paragraph.splitlines() for paragraph in re.split(r"\n *\n", shown) if "Usage:" not in paragraph
    ]
    assert paragraphs
    for line, following in [pair for lines in paragraphs for pair in itertools.pairwise(lines)]:
        assert len(f"{line.strip()} {following.split()[0]}") > 77, line


def test_every_command_has_a_one_line_description() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for command in [
        *commands.values(),
        *(command for name in GROUPS for command in commands[name].commands.values()),
    ]:
        first, *rest = str(command.help).split("\n")
        assert first.rstrip().endswith(".") and (not rest or rest[0] == ""), command.name


@pytest.mark.parametrize(
    ("words", "module", "packages"),
    [
        (["--help"], "warehouse.cli.app", SLOW),
        (["status"], "warehouse.alerts", SLOW - {"duckdb", "pydantic"} | {"numpy", "urllib3"}),
    ],
)
def test_command_imports_no_slow_package(
    words: list[str], module: str, packages: set[str], tmp_path: Path
) -> None:
    code = (
        f"import sys; sys.argv = ['warehouse', *{words!r}]\n"
        "from warehouse.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: assert ended.code in (0, 1)\n"
        f"assert {module!r} in sys.modules\n"
        f"sys.exit(str(sorted({packages!r} & set(sys.modules))) if {packages!r} & set(sys.modules) else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr


DAYS = ("--from", "2024-01-01", "--to", "2024-01-02")


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("status", "--no-such-option"),
        ("query",),
        ("query", "select 1", "--rows", "0"),
        ("query", "select 1", "--rows", "-5"),
        ("trace", "marts.mart_share", "CHN"),
        ("diff", "--moves", "-1"),
        ("rollback", "previous"),
        ("build", "--as-of", "yesterday"),
        ("backfill", "worldbank_wdi", "--from", "2024-01-01"),
        ("backfill", "worldbank_wdi", "--from", "x", "--to", "2024-01-01"),
        (
            "backfill",
            "worldbank_wdi",
            *["--from", "2024-01-01", "--to", "2024-01-02", "--reread", "--mirror", "m"],
        ),
        ("rejected", "accept", "x"),
    ],
)
def test_wrong_usage_exits_with_2(words: tuple[str, ...], small: Path) -> None:
    ended = invoke(small, *words, exit_code=2)
    assert "Usage: warehouse" in ended.stderr and ended.stdout == ""


def test_failure_is_one_line_with_exit_code_1(small: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "warehouse", "rollback", RELEASE, "--why", "x"],
        cwd=PROJECT_ROOT,
        env={"PATH": "/usr/bin:/bin", "WAREHOUSE_HOME": str(small)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1 and ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert "is the current release already" in line


def test_error_of_the_operating_system_is_one_line(small: Path) -> None:
    (small / "landing").rename(small / "landing-")
    (small / "landing").write_text("a file instead of a directory")
    ended = invoke(small, "fetch", "curated", exit_code=1)
    assert "Traceback" not in ended.stderr and "curated" in ended.stdout
    (small / "published").rename(small / "published-")
    (small / "published").write_text("a file instead of a directory")
    ended = invoke(small, "query", "select 1", exit_code=1)
    assert len(ended.stderr.splitlines()) == 1


def test_error_of_a_read_only_disk_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "home/published/.lock")

    monkeypatch.setattr("warehouse.cli.app.app", write)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr().err
    assert ended.value.code == 1 and len(shown.splitlines()) == 1
    assert "home/published/.lock" in shown and "Check the permissions and the free disk space" in shown


def test_invalid_setting_is_reported_by_name(small: Path) -> None:
    ended = invoke(small, "status", exit_code=1, WAREHOUSE_DISK_FACTOR="much")
    assert "WAREHOUSE_DISK_FACTOR='much'" in ended.stderr and len(ended.stderr.splitlines()) == 1


def test_entry_points_run_main() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"warehouse": "warehouse.cli:main"}
    assert callable(cli.main)


def test_version_is_printed(tmp_path: Path) -> None:
    assert invoke(tmp_path, "--version").stdout == f"warehouse {__version__}\n"


def test_every_argument_and_option_has_help() -> None:
    def parameters(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        for below in getattr(command, "commands", {}).values():
            yield from parameters(below, f"{name} {below.name}")
        yield from ((f"{name} {one.name}", one) for one in command.params)

    found = dict(parameters(typer.main.get_command(app), "warehouse"))
    assert len(found) > 40
    assert [name for name, one in found.items() if not getattr(one, "help", None)] == []


# A build whose dbt process sleeps; the process writes its id to a file.
SLEEPING_BUILD = """
import os, sys
from pathlib import Path
from warehouse.build import dbt, dbt_process, reuse, steps
home = Path(os.environ["WAREHOUSE_HOME"])
dbt_process.CHILD = (
    "import os, pathlib, time;"
    f"pathlib.Path({str(home / 'child')!r}).write_text(str(os.getpid())); time.sleep(60)"
)
def load(settings, as_of, force):
    file = settings.home / reuse.WORKING
    dbt.run_dbt([("build",)], file, settings.home, settings.home / "artifacts", settings.home / "p.msgpack")
steps.load = load
from warehouse.cli import main
sys.argv = ["warehouse", "build"]
main()
"""


def test_ctrl_c_exits_with_130_and_says_what_is_unchanged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("warehouse.config.load_settings", interrupt)
    monkeypatch.setattr(sys, "argv", ["warehouse", "build"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr().err
    assert ended.value.code == 130 and shown.startswith("stopped by Ctrl-C: the current release is unchanged")


def test_sigterm_ends_the_dbt_process_and_exits_with_143(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPING_BUILD],
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as build:
        deadline = time.monotonic() + 60
        while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
            assert time.monotonic() < deadline and build.poll() is None
            time.sleep(0.05)
        child = int((tmp_path / "child").read_text())
        build.send_signal(signal.SIGTERM)
        try:
            _, errors = build.communicate(timeout=30)
            assert build.returncode == 143 and "stopped by SIGTERM" in errors and "Traceback" not in errors
            with pytest.raises(ProcessLookupError):
                os.kill(child, 0)
        finally:
            build.kill()
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
