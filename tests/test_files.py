"""Logs of one record a line: a last line without a newline is kept if it is whole, and cut off if not."""

from __future__ import annotations

from pathlib import Path

import pytest
from flushes import recorded
from pydantic import BaseModel

from warehouse.files import (
    Listing,
    append_record,
    complete_lines,
    directories_with,
    fsync_all,
    list_log,
    read_log,
)


class Entry(BaseModel, frozen=True):
    """A record of a log."""

    at: int


def entries(log: Path) -> list[int]:
    return [one.at for one in read_log(log, Entry, "Correct it").require()]


@pytest.mark.parametrize("before", ["", '{"at":1}\n'], ids=["the only line", "the last line"])
def test_last_line_without_a_newline_is_read_and_kept(before: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(before + '{"at": 2}')
    first = [1] if before else []
    assert entries(log) == [*first, 2]
    append_record(log, Entry(at=3))
    assert log.read_text() == before + '{"at": 2}\n{"at":3}\n'
    append_record(log, Entry(at=4))
    assert entries(log) == [*first, 2, 3, 4]


def test_last_line_of_another_form_is_reported(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"at":1}\n{"ta": 2}')
    [problem] = read_log(log, Entry, "Correct it").problems
    assert problem.startswith(f"{log}, line 2: invalid record (at: ")


@pytest.mark.parametrize("torn", [b'{"at":', b'{"at":2', b"2", b"{}]", b"\xbf{}", b" "])
def test_last_line_that_is_no_record_is_left_out_and_cut_off(torn: bytes, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"at":1}\n' + torn)
    assert entries(log) == [1]
    append_record(log, Entry(at=3))
    assert log.read_text() == '{"at":1}\n{"at":3}\n'


def test_log_that_does_not_exist_has_no_lines(tmp_path: Path) -> None:
    assert complete_lines(tmp_path / "log.jsonl") == []


def test_folder_and_log_that_cannot_be_opened_are_problems(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "record.json").write_text("")
    (tmp_path / "two").mkdir()
    assert directories_with(tmp_path, "record.json", "Restore it").records == (tmp_path / "one",)
    assert directories_with(tmp_path / "none", "record.json", "Restore it") == Listing(())
    (problem,) = directories_with(tmp_path / "file", "record.json", "Restore it").problems
    assert problem == f"{tmp_path}/file: cannot be read (Not a directory). Restore it"
    (problem,) = list_log(tmp_path / "one", BaseModel, "Delete it").problems
    assert problem == f"{tmp_path}/one: cannot be read (Is a directory). Delete it"


def test_each_path_is_flushed_and_errors_are_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.touch()
    events = recorded(monkeypatch)
    fsync_all([*paths, tmp_path])
    assert sorted(events) == sorted(("flush", path) for path in (*paths, tmp_path))
    paths[7].unlink()
    with pytest.raises(FileNotFoundError, match="7"):
        fsync_all(paths)
