"""Ingest: a load with the files of the vintage in force is not parsed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import settings_of
from toy import NOW, SOURCE, land, pull, read_without_b

from warehouse.errors import Rejected
from warehouse.fetch import Pulled
from warehouse.files import write_record
from warehouse.landing import ingest, store
from warehouse.model import Drift, FailedPart

ROWS = "code,value\na,1\n"
FAILED = FailedPart(part="p", reason="no answer", carried_from=None)


def test_load_with_the_files_in_force_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path)
    vintage = land(settings.landing, ROWS)
    incoming, files = pull(settings.landing, ROWS, NOW + timedelta(days=1))
    write_record(incoming / "files" / "fetched.json", Pulled(files=files))
    monkeypatch.delattr(ingest, "evaluate")
    assert ingest.ingest_pull(settings, SOURCE, incoming).id == vintage.id
    assert not incoming.exists()
    (poll,) = store.list_checks(settings.landing, "toy").require()
    assert (poll.outcome, poll.vintage, poll.detail) == ("unchanged", vintage.id, "the same files")


def test_poll_of_the_same_files_has_the_drift_of_the_vintage(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    vintage = land(settings.landing, ROWS)
    drift = (Drift(file="rows.csv", detail="column 'note' is new"),)
    write_record(vintage.directory / "manifest.json", vintage.model_copy(update={"drift": drift}))
    incoming, files = pull(settings.landing, ROWS, NOW + timedelta(days=1))
    write_record(incoming / "files" / "fetched.json", Pulled(files=files))
    ingest.ingest_pull(settings, SOURCE, incoming)
    (poll,) = store.list_checks(settings.landing, "toy").require()
    assert poll.drift == drift


def test_only_equal_files_of_the_same_reader_without_failed_parts_are_known(tmp_path: Path) -> None:
    vintage = land(tmp_path, ROWS)
    _, files = pull(tmp_path, ROWS)
    same = Pulled(files=files)
    assert ingest.has_same_files(SOURCE, same, vintage)
    (file,) = files
    for name, source, pulled, last in (
        ("a newer reader", replace(SOURCE, reader_version=2), same, vintage),
        ("other bytes", SOURCE, Pulled(files=(file.model_copy(update={"sha256": "0" * 64}),)), vintage),
        ("another address", SOURCE, Pulled(files=(file.model_copy(update={"address": "x"}),)), vintage),
        ("a file less", SOURCE, Pulled(files=()), vintage),
        ("a file more", SOURCE, Pulled(files=(file, file.model_copy(update={"name": "b"}))), vintage),
        ("a part failed now", SOURCE, Pulled(files=files, failed_parts=(FAILED,)), vintage),
        ("a part failed then", SOURCE, same, vintage.model_copy(update={"failed_parts": (FAILED,)})),
    ):
        assert not ingest.has_same_files(source, pulled, last), name


def test_load_is_rejected_while_the_reader_loses_a_part_of_the_vintage_before(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    vintage = land(settings.landing, f"{ROWS}b,2\n")
    incoming, files = pull(settings.landing, f"{ROWS}c,3\n", NOW + timedelta(days=1))
    write_record(incoming / "files" / "fetched.json", Pulled(files=files))
    newer = replace(SOURCE, reader_version=2, read=read_without_b)
    with pytest.raises(Rejected, match=f"does not read 'b' of vintage {vintage.id}.*vintages withdraw toy"):
        ingest.ingest_pull(settings, newer, incoming)
    assert store.vintages(settings.landing, "toy") == (vintage,)
    (poll,) = store.list_checks(settings.landing, "toy").require()
    assert poll.outcome == "rejected"
