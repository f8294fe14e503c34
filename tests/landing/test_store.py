"""Vintages on disk: complete or absent, ids that only grow, digests of rows, kills and full disks."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flushes import recorded
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import forks
from toy import NOW, SOURCE, land, pull, read

from warehouse import files
from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch import Pulled
from warehouse.files import sha256_of
from warehouse.landing import parse, quarantine, store
from warehouse.model import Check, Note, Outcome, Source


def test_accepted_pull_is_a_vintage_with_bytes_rows_and_manifest(tmp_path: Path) -> None:
    vintage = land(tmp_path, "code,value\n076,1.10\nNA,\n")
    assert vintage.id == "2024-05-02"
    assert (vintage.directory / "files" / "rows.csv").read_bytes() == b"code,value\n076,1.10\nNA,\n"
    rows = pq.read_table(vintage.rows_path)
    assert rows.schema.names == ["code", "value", "_file", "_row"]
    assert rows.to_pylist() == [
        {"code": "076", "value": "1.10", "_file": "rows.csv", "_row": 2},
        {"code": "NA", "value": None, "_file": "rows.csv", "_row": 3},
    ]
    manifest = json.loads((vintage.directory / "manifest.json").read_text())
    assert manifest["licence"] == "CC0"
    assert manifest["files"][0]["sha256"] == sha256_of(vintage.directory / "files" / "rows.csv")
    assert manifest["rows_sha256"] == sha256_of(vintage.rows_path)
    assert not list((tmp_path / "toy" / store.INCOMING).iterdir())


def test_ids_increase_by_day_then_by_suffix(tmp_path: Path) -> None:
    ids = [
        land(tmp_path, f"code,value\na,{number}\n", at).id
        for number, at in enumerate(
            [NOW, NOW + timedelta(hours=1), NOW - timedelta(days=3), NOW + timedelta(days=1)]
        )
    ]
    assert ids == ["2024-05-02", "2024-05-02.02", "2024-05-02.03", "2024-05-03"]
    assert ids == sorted(ids)
    assert [vintage.id for vintage in store.vintages(tmp_path, "toy")] == ids


def test_digest_ignores_order_and_lineage_but_no_digit(tmp_path: Path) -> None:
    def digest(text: str, source: Source = SOURCE) -> str:
        incoming, fetched = pull(tmp_path, text)
        return parse.parse(source, fetched, incoming, incoming / "rows.parquet").rows_digest

    def with_other_lineage(files: Mapping[str, Path], work: Path, note: Note) -> Iterator[pa.RecordBatch]:
        for batch in read(files, work):
            moved = batch.set_column(2, "_file", pa.array(["rows.csv#B7"] * batch.num_rows, pa.string()))
            yield moved.set_column(3, "_row", pa.array([7] * batch.num_rows, pa.int64()))

    first = digest("code,value\na,1\nb,2\n")
    assert digest("code,value\na,1\nb,2\n", Source(**(vars(SOURCE) | {"read": with_other_lineage}))) == first
    assert digest("code,value\nb,2\na,1\n") == first
    for other in (
        "code,value\na,1\nb,2.0\n",
        "code,value\na,1\n",
        "code,value\na,1\nb,2\nb,2\n",
        "code,value\na,1\nb,\n",
        "code,value\na,2\nb,1\n",
    ):
        assert digest(other) != first


def test_bytes_changed_after_fetch_are_rejected(tmp_path: Path) -> None:
    incoming, fetched = pull(tmp_path, "code,value\na,1\n")
    (incoming / "files" / "rows.csv").write_text("code,value\na,9\n")
    with pytest.raises(SourceError, match=r"not the one that was fetched.*publisher\.example"):
        parse.parse(SOURCE, fetched, incoming, incoming / "rows.parquet")


def test_rows_with_unexpected_columns_are_rejected(tmp_path: Path) -> None:
    wider = Source(**(vars(SOURCE) | {"columns": ("code", "value", "note")}))
    incoming, fetched = pull(tmp_path, "code,value\na,1\n")
    with pytest.raises(SourceError, match="expected"):
        parse.parse(wider, fetched, incoming, incoming / "rows.parquet")


def test_directory_without_manifest_is_not_a_vintage(tmp_path: Path) -> None:
    half = tmp_path / "toy" / "2024-05-02"
    half.mkdir(parents=True)
    (half / "rows.parquet").write_bytes(b"half")
    assert store.vintages(tmp_path, "toy") == ()
    vintage = land(tmp_path, "code,value\na,1\n")
    assert vintage.id == "2024-05-02"
    assert pq.read_table(vintage.rows_path).num_rows == 1


def test_vintage_is_on_the_disk_before_its_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = recorded(monkeypatch)
    vintage = land(tmp_path, "code,value\na,1\n")
    incoming = tmp_path / "toy" / store.INCOMING / vintage.pull
    before = [path for _, path in events[: events.index(("rename", incoming))]]
    assert {incoming / "files" / "rows.csv", incoming / "files"} <= set(before)
    assert before.index(incoming / "files" / "rows.csv") < before.index(incoming / "files")
    assert events[-2:] == [("flush", vintage.directory), ("flush", vintage.directory.parent)]


KILLED = f"""
from warehouse.landing import store
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
import toy as t
store.fsync = counted(store.fsync)
store.write_record = counted(store.write_record)
Path.rename = counted(Path.rename)
Path.replace = counted(Path.replace)
Path.unlink = counted(Path.unlink)
def run(root):
    t.land(Path(root), "code,value\\na,1\\nb,2\\n")
"""


def test_kill_at_any_durable_operation_leaves_complete_vintage_or_none(tmp_path: Path) -> None:
    whole = 0
    with forks(KILLED) as run:
        for point in range(40):
            root = tmp_path / str(point)
            ended = run(point, str(root))
            found = store.vintages(root, "toy")
            assert len(found) <= 1
            for vintage in found:
                assert parse.digest_rows(vintage.rows_path, SOURCE.columns) == vintage.rows_digest
                assert sha256_of(vintage.directory / "files" / "rows.csv") == vintage.files[0].sha256
            if ended == 0:
                assert found
                whole += 1
                break
            if not found:
                land(root, "code,value\na,1\nb,2\n")
            assert [vintage.id for vintage in store.vintages(root, "toy")] == ["2024-05-02"]
    assert whole == 1
    assert point > 5


def test_full_disk_while_landing_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    incoming, fetched = pull(tmp_path, "code,value\na,1\n")
    parsed = parse.parse(SOURCE, fetched, incoming, incoming / "rows.parquet")

    def raise_disk_full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(files, "write_atomic", raise_disk_full)
    with pytest.raises(OSError, match="No space left"):
        store.add_vintage(tmp_path, SOURCE, incoming, Pulled(files=fetched), parsed, {}, NOW)
    assert store.vintages(tmp_path, "toy") == ()


def test_second_writer_is_rejected(tmp_path: Path) -> None:
    holder = f"""
import time
from pathlib import Path
from warehouse.landing import parse, store
with store.source_lock(Path({str(tmp_path)!r}), "toy"):
    print("locked", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with (
            pytest.raises(WarehouseError, match="another process is writing"),
            store.source_lock(tmp_path, "toy"),
        ):
            raise AssertionError("two writers at once")
        other.kill()
        other.wait()
    with store.source_lock(tmp_path, "toy"):
        pass


def check(at: datetime, outcome: Outcome, detail: str) -> Check:
    return Check(
        source="toy", polled_at=at, checked_at=NOW, outcome=outcome, vintage="2024-05-02", detail=detail
    )


def test_incomplete_line_of_checks_is_ignored(tmp_path: Path) -> None:
    first = check(NOW, "accepted", "2 rows")
    second = check(NOW + timedelta(days=1), "unchanged", "the same rows")
    store.record_check(tmp_path, first)
    with (tmp_path / "toy" / "checks.jsonl").open("a") as log:
        log.write('{"source": "toy", "checked')
    assert store.list_checks(tmp_path, "toy").require() == (first,)
    store.record_check(tmp_path, second)
    assert store.list_checks(tmp_path, "toy").require() == (first, second)


def test_newer_reader_reparses_existing_bytes(tmp_path: Path) -> None:
    vintage = land(tmp_path, "code,value\na,1\n")

    def newer_read(files: Mapping[str, Path], work: Path, note: Note) -> Iterator[pa.RecordBatch]:
        for batch in read(files, work):
            upper = pa.array([str(code).upper() for code in batch.column(0).to_pylist()], pa.string())
            yield batch.set_column(0, "code", upper)

    newer = Source(**(vars(SOURCE) | {"reader_version": 2, "read": newer_read}))
    before = sha256_of(vintage.rows_path)
    rows = parse.rows_of(newer, vintage, tmp_path / "cache")
    with duckdb.connect() as db:
        assert db.execute(f"select code from '{rows}'").fetchall() == [("A",)]
    assert parse.rows_of(SOURCE, vintage, tmp_path / "cache") == vintage.rows_path
    assert sha256_of(vintage.rows_path) == before


def test_unexpected_exception_of_reader_is_a_source_error(tmp_path: Path) -> None:
    def failing_read(files: Mapping[str, Path], work: Path, note: Note) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [int("n/a")]})

    incoming, fetched = pull(tmp_path, "code,value\na,1\n")
    with pytest.raises(SourceError, match=r"toy: the reader failed with ValueError.*n/a"):
        parse.parse(
            Source(**(vars(SOURCE) | {"read": failing_read})), fetched, incoming, incoming / "rows.parquet"
        )


def test_vintage_is_found_by_the_name_of_its_pull(tmp_path: Path) -> None:
    incoming, fetched = pull(tmp_path, "code,value\na,1\n")
    assert store.vintage_of_pull(tmp_path, "toy", incoming.name) is None
    parsed = parse.parse(SOURCE, fetched, incoming, incoming / "rows.parquet")
    vintage = store.add_vintage(tmp_path, SOURCE, incoming, Pulled(files=fetched), parsed, {}, NOW)
    assert store.vintage_of_pull(tmp_path, "toy", incoming.name) == vintage


def test_hundredth_vintage_of_a_day_is_rejected(tmp_path: Path) -> None:
    last = land(tmp_path, "code,value\na,1\n").model_copy(update={"id": "2024-05-02.99"})
    with pytest.raises(WarehouseError, match="has 99 vintages"):
        store.next_id(last, NOW)


def test_rejected_pull_keeps_bytes_and_reasons(tmp_path: Path) -> None:
    incoming, _ = pull(tmp_path, "code,value\na,n/a\n")
    (incoming / "rows.parquet").write_bytes(b"rows")
    (incoming / "work").mkdir()  # of a try that was killed while it parsed
    (incoming / "work" / "member.csv").write_bytes(b"unpacked")
    entry = quarantine.add(tmp_path / "rejected", "toy", incoming, ("value n/a",), {"success": False})
    assert sorted(path.name for path in entry.iterdir()) == ["files", "report.json"]
    assert (entry / "files" / "rows.csv").read_text() == "code,value\na,n/a\n"
    assert json.loads((entry / "report.json").read_text()) == {
        "source": "toy",
        "reasons": ["value n/a"],
        "report": {"success": False},
    }
    assert store.vintages(tmp_path, "toy") == ()


TEXTS = st.one_of(st.none(), st.text(alphabet="ab", max_size=2))


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3), st.data())
def test_digest_distinguishes_null_from_empty_text_in_neighbouring_columns(
    rows: list[tuple[str | None, str | None]], data: st.DataObject
) -> None:
    """Equal digests if and only if the rows are equal as a multiset."""
    others = data.draw(st.one_of(st.permutations(rows), st.lists(st.tuples(TEXTS, TEXTS), max_size=3)))
    assert (digest_of(rows) == digest_of(others)) == (Counter(rows) == Counter(others))


def digest_of(rows: list[tuple[str | None, str | None]]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        columns = {"code": [row[0] for row in rows], "value": [row[1] for row in rows]}
        pq.write_table(pa.table(columns, schema=pa.schema([(n, pa.string()) for n in columns])), path)
        return parse.digest_rows(path, ("code", "value"))


@pytest.mark.parametrize(
    ("retrieved_at", "expected"),
    [
        (NOW - timedelta(seconds=1), None),
        (NOW, "2024-05-02"),  # an answer of the same second follows the vintage
        (NOW + timedelta(hours=1), "2024-05-02.02"),
        (NOW + timedelta(days=1), "2024-05-02.02"),
    ],
)
def test_predecessor_of_an_answer_with_equal_times(
    tmp_path: Path, retrieved_at: datetime, expected: str | None
) -> None:
    land(tmp_path, "code,value\na,1\n")
    land(tmp_path, "code,value\na,2\n", NOW + timedelta(hours=1))
    found = store.predecessor(store.vintages(tmp_path, "toy"), retrieved_at)
    assert (found.id if found else None) == expected


def test_older_answer_of_a_day_is_rejected_and_answer_of_equal_time_accepted(tmp_path: Path) -> None:
    land(tmp_path, "code,value\na,1\n")
    existing = store.vintages(tmp_path, "toy")
    assert store.id_by_day(existing, NOW) == "2024-05-02.02"
    with pytest.raises(WarehouseError, match="older than vintage 2024-05-02 of the same day"):
        store.id_by_day(existing, NOW - timedelta(seconds=1))


def test_changed_rows_of_a_vintage_are_not_used(tmp_path: Path) -> None:
    vintage = land(tmp_path, "code,value\na,1\n")
    pq.write_table(
        pq.read_table(vintage.rows_path).set_column(1, "value", pa.array(["2"])), vintage.rows_path
    )
    with pytest.raises(WarehouseError, match=r"rows\.parquet: missing, or its SHA-256"):
        parse.rows_of(SOURCE, vintage, tmp_path / "cache")


def test_damaged_manifest_does_not_hide_other_vintages(tmp_path: Path) -> None:
    first = land(tmp_path, "code,value\na,1\n")
    second = land(tmp_path, "code,value\na,2\n", NOW + timedelta(days=1))
    (second.directory / "manifest.json").write_text('{"source": "toy"')
    listing = store.list_vintages(tmp_path, "toy")
    assert [vintage.id for vintage in listing.records] == [first.id]
    assert len(listing.problems) == 1
    assert str(second.directory / "manifest.json") in listing.problems[0]
    with pytest.raises(WarehouseError, match="Restore the landing from its backup"):
        store.vintages(tmp_path, "toy")


def test_damaged_line_of_the_polls_does_not_hide_other_lines(tmp_path: Path) -> None:
    first, last = check(NOW, "accepted", "2 rows"), check(NOW, "unchanged", "the same rows")
    store.record_check(tmp_path, first)
    with (tmp_path / "toy" / "checks.jsonl").open("a") as log:
        log.write('{"source": "toy"}\n')
    store.record_check(tmp_path, last)
    listing = store.list_checks(tmp_path, "toy")
    assert listing.records == (first, last)
    assert len(listing.problems) == 1 and "checks.jsonl, line 2" in listing.problems[0]


def test_records_of_the_first_version_are_read(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "checks.jsonl").write_text(
        '{"source": "toy", "looked_at": "2024-05-02T03:00:00+00:00", '
        '"checked_at": "2024-05-02T03:00:00+00:00", "outcome": "accepted", '
        '"vintage": "2024-05-02", "detail": "2 rows"}\n'
    )
    assert store.list_checks(tmp_path, "toy").require() == (check(NOW, "accepted", "2 rows"),)
