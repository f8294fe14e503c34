"""Processes that run dbt's commands, one of which may be started before there is anything to run.

dbt runs in a process of its own, since in this one it would keep DuckDB's locks. Such a process takes 2 s to
import dbt and to read the parsed project. A program that knows that a build will follow can let processes do
that meanwhile, on a core that is idle (`prepare`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from warehouse.database import environment_of_dbt
from warehouse.files import fsync

PARSED = "partial_parse.msgpack"  # dbt's name, in its target directory
MANIFEST = "manifest.json"  # as well
# Runs dbt's commands one after another, and ends with 1 at the first that fails. Each reads what the one
# before parsed: a manifest that a command was given is changed by it, and to copy one takes dbt longer.
# First it asks Linux to be killed when its parent ends (prctl's PR_SET_PDEATHSIG is 1): without the parent's
# lock on builds it would write the files of the next try. It collects no garbage, of which dbt leaves little
# (80 MB in a build): to look for it takes a tenth of dbt's time, and a second at the end.
CHILD = """
import atexit, ctypes, gc, json, os, signal, sys
gc.disable()
parent, parse = json.loads(sys.argv[1])
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
from dbt.cli.main import dbtRunner
atexit.register(gc.freeze)
manifest = dbtRunner().invoke(parse).result if parse else None
line = sys.stdin.readline()
if not line:
    sys.exit(1)
directory, commands = json.loads(line)
os.chdir(directory)
for command in commands:
    result = dbtRunner(manifest=manifest).invoke(command)
    manifest = None
    if not result.success:
        if result.exception:
            print(f"dbt {command[0]}: {result.exception}")
        sys.exit(1)
"""


class Prepared(NamedTuple):
    """A process that has read what dbt parsed of a project, in the file `parsed`, and waits for commands."""

    process: subprocess.Popen[bytes]
    project: Path
    parsed: Path
    target: TemporaryDirectory[str]


# The processes that wait. One that is not taken ends with this process.
_prepared: list[Prepared] = []


def prepare(project: Path, parsed: Path, count: int) -> None:
    """Start processes for later calls of `run`; return at once. Without the file `parsed`, start none.

    Linux ends them with the thread that called this, if they are not taken before.
    """
    for _ in range(count if parsed.exists() else 0):
        target = TemporaryDirectory(prefix="dbt-")
        shutil.copyfile(parsed, Path(target.name) / PARSED)
        parse = ["parse", "--quiet", *options_of(project, Path(target.name))]
        _prepared.append(Prepared(_start(Path(target.name), parse), project, parsed, target))


def run(
    commands: Sequence[Sequence[str]],
    directory: Path,
    project: Path,
    artifacts: Path,
    parsed: Path,
    seconds: float,
) -> tuple[int, bytes]:
    """Run dbt's commands in a directory, one after another; return the exit code and the output.

    The process is one that was prepared for this project and parsed file, or a new one. The artifacts are
    written to `artifacts`. Raises subprocess.TimeoutExpired after `seconds`. dbt's process is killed when
    this one is interrupted.
    """
    if parsed.exists():
        shutil.copyfile(parsed, artifacts / PARSED)
    taken = next((one for one in _prepared if (one.project, one.parsed) == (project, parsed)), None)
    if taken:
        _prepared.remove(taken)
    common = options_of(project, artifacts)
    order = json.dumps([str(directory), [[*command, *common] for command in commands]])
    with taken.process if taken else _start(directory, []) as process:
        try:
            output, _ = process.communicate(f"{order}\n".encode(), timeout=seconds)
        except BaseException:
            process.kill()
            raise
    if taken:
        # dbt writes its manifest when it parses.
        written = Path(taken.target.name) / MANIFEST
        if written.exists() and not (artifacts / MANIFEST).exists():
            shutil.copyfile(written, artifacts / MANIFEST)
        taken.target.cleanup()
    return process.returncode, output


def options_of(project: Path, artifacts: Path) -> list[str]:
    """Return the options of every command of dbt."""
    return [
        *("--project-dir", str(project)),
        *("--profiles-dir", str(project)),
        *("--target-path", str(artifacts)),
        *("--log-path", str(artifacts), "--no-use-colors"),
    ]


def keep_parsed(artifacts: Path, parsed: Path) -> None:
    """Copy what dbt parsed to `parsed`, and remove what it parsed of other code."""
    created = artifacts / PARSED
    if not created.exists():  # DBT_PARTIAL_PARSE is false
        return
    parsed.parent.mkdir(parents=True, exist_ok=True)
    for other in parsed.parent.glob("*.msgpack"):
        if other != parsed:
            other.unlink(missing_ok=True)
    partial = parsed.with_suffix(f".{os.getpid()}.partial")  # other processes may write the same file
    try:
        shutil.copyfile(created, partial)
        fsync(partial)
        partial.replace(parsed)
    finally:
        partial.unlink(missing_ok=True)


def _start(directory: Path, parse: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process that runs the command `parse`, if it is not empty, and waits for a line with others."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps([os.getpid(), parse])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(),
        cwd=directory,
    )


def _environment() -> Mapping[str, str]:
    settings = {
        "DBT_LOG_LEVEL_FILE": "info",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    return os.environ | settings | environment_of_dbt()
