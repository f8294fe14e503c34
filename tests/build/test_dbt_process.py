"""Processes of dbt that are started before there is anything to run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from warehouse.build import dbt_process

# A dbt that writes down how it was called: process, manifest that it was given, directory, command.
RECORDING_DBT = """
import json, os, pathlib
from types import SimpleNamespace
class dbtRunner:
    def __init__(self, manifest=None):
        self.manifest = manifest
    def invoke(self, arguments):
        target = pathlib.Path(arguments[arguments.index("--target-path") + 1])
        if arguments[0] == "parse":
            assert (target / "partial_parse.msgpack").read_text() == "parsed"
            (target / "manifest.json").write_text("{}")
        call = [os.getpid(), self.manifest, os.getcwd(), arguments[0]]
        print(json.dumps(call), flush=True)
        return SimpleNamespace(success=arguments[0] != "fail", exception=None, result="the manifest")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory for a project, whose dbt writes down how it was called."""
    package = tmp_path / "package" / "dbt" / "cli"
    package.mkdir(parents=True)
    for name in ("__init__.py", "cli/__init__.py"):
        (package.parent / name).touch()
    (package / "main.py").write_text(RECORDING_DBT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "package"))
    monkeypatch.setattr(dbt_process, "_prepared", [])
    for name in ("directory", "artifacts"):
        (tmp_path / name).mkdir()
    return tmp_path


def run(project: Path, *commands: str) -> tuple[int, list[list[object]]]:
    code, output = dbt_process.run(
        [(one,) for one in commands],
        project / "directory",
        project,
        project / "artifacts",
        project / "parsed.msgpack",
        60,
    )
    return code, [json.loads(line) for line in output.splitlines()]


def test_prepared_process_has_parsed_and_gives_its_manifest_to_the_first_command(project: Path) -> None:
    (project / "parsed.msgpack").write_text("parsed")
    dbt_process.prepare(project, project / "parsed.msgpack", 1)
    ready = dbt_process._prepared[0]
    code, ((_, _, at, parse), (first, *build), (second, *docs)) = run(project, "build", "docs")
    assert (code, parse, at) == (0, "parse", ready.target.name)
    assert first == second == ready.process.pid
    assert build == ["the manifest", str(project / "directory"), "build"]
    assert docs == [None, str(project / "directory"), "docs"]
    assert (project / "artifacts" / "manifest.json").read_text() == "{}"
    assert not Path(ready.target.name).exists() and dbt_process._prepared == []


def test_process_is_started_when_none_is_prepared_for_the_parsed_file(project: Path) -> None:
    (project / "other.msgpack").write_text("parsed")
    dbt_process.prepare(project, project / "other.msgpack", 1)
    (other,) = dbt_process._prepared
    code, ((process, *call),) = run(project, "fail", "docs")
    assert (code, call) == (1, [None, str(project / "directory"), "fail"])
    assert process != other.process.pid
    assert dbt_process._prepared == [other]
    other.process.stdin.close()  # as when this process ends
    assert other.process.wait(60) == 1
    other.process.stdout.close()


def test_nothing_is_prepared_before_the_project_is_parsed(project: Path) -> None:
    dbt_process.prepare(project, project / "parsed.msgpack", 2)
    assert dbt_process._prepared == []
