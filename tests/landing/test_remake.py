"""Lost rows of a vintage are made again from its archived files, byte for byte, or reported."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import settings_of
from toy import NOW, SOURCE, land

from warehouse.errors import SourceError, WarehouseError
from warehouse.files import sha256_of
from warehouse.landing import ingest, parse, store
from warehouse.landing.remake import remake_rows
from warehouse.model import Vintage

ROWS = "code,value\na,1\n"


@pytest.fixture
def landed(tmp_path: Path) -> tuple[Vintage, Vintage]:
    """Return two vintages of the toy source in a landing."""
    return land(tmp_path, ROWS), land(tmp_path, f"{ROWS}b,2\n", NOW + timedelta(days=1))


def test_missing_rows_of_any_vintage_and_damaged_ones_of_the_newest_are_made_again(
    tmp_path: Path, landed: tuple[Vintage, Vintage], caplog: pytest.LogCaptureFixture
) -> None:
    first, newest = landed
    remake_rows(tmp_path, SOURCE)
    assert caplog.messages == []
    first.rows_path.unlink()
    newest.rows_path.chmod(0o644)
    newest.rows_path.write_bytes(b"damaged")
    remake_rows(tmp_path, SOURCE)
    for vintage in landed:
        assert sha256_of(vintage.rows_path) == vintage.rows_sha256
        assert parse.rows_of(SOURCE, vintage, tmp_path / "cache") == vintage.rows_path
    assert [message.partition(": ")[0] for message in caplog.messages] == [
        str(vintage.rows_path) for vintage in landed
    ]
    assert not any((tmp_path / "toy" / ".incoming").iterdir()), "a scratch directory is left"


def test_rows_that_cannot_be_made_are_a_failure_of_the_newest_vintage_alone(
    tmp_path: Path, landed: tuple[Vintage, Vintage], caplog: pytest.LogCaptureFixture
) -> None:
    for vintage in landed:
        vintage.rows_path.unlink()
        (vintage.directory / "files" / "rows.csv").chmod(0o644)
        (vintage.directory / "files" / "rows.csv").write_text("code,value\na,9\n")
    with pytest.raises(WarehouseError) as caught:
        remake_rows(tmp_path, SOURCE)
    first, newest = landed
    assert str(caught.value).startswith(f"{newest.rows_path}: missing or damaged, and cannot be made again")
    assert "the file on disk is not the one that was fetched" in str(caught.value)
    assert f"warehouse vintages withdraw toy {newest.id} --why" in str(caught.value)
    (message,) = caplog.messages
    assert message.startswith(f"{first.rows_path}: missing or damaged")
    assert not newest.rows_path.exists() and not first.rows_path.exists()


def test_rows_with_another_checksum_are_not_put_into_place(
    tmp_path: Path, landed: tuple[Vintage, Vintage]
) -> None:
    def renamed(files, work, note=None):  # type: ignore[no-untyped-def]
        yield from list(SOURCE.read(files, work))[::-1]
        yield from SOURCE.read(files, work)

    _, newest = landed
    newest.rows_path.unlink()
    with pytest.raises(WarehouseError, match="give another file now"):
        remake_rows(tmp_path, replace(SOURCE, read=renamed))
    assert not newest.rows_path.exists()


def test_rows_of_an_older_reader_are_left(tmp_path: Path, landed: tuple[Vintage, Vintage]) -> None:
    _, newest = landed
    newest.rows_path.unlink()
    remake_rows(tmp_path, replace(SOURCE, reader_version=2))
    assert not newest.rows_path.exists()


def test_lost_rows_are_made_again_before_the_publisher_is_asked(tmp_path: Path) -> None:
    """The mirror of this test has no answer."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "index.json").write_text('{"name": "none", "answers": []}')
    settings = settings_of(tmp_path / "home", mirror)
    vintage = land(settings.landing, ROWS)
    vintage.rows_path.unlink()
    with pytest.raises(SourceError):
        ingest.fetch_source(settings, SOURCE)
    assert sha256_of(vintage.rows_path) == vintage.rows_sha256
    shutil.rmtree(vintage.directory / "files")
    vintage.rows_path.unlink()
    with pytest.raises(WarehouseError, match="cannot be made again"):
        ingest.fetch_source(settings, SOURCE)
    *_, poll = store.list_checks(settings.landing, "toy").require()
    assert poll.outcome == "failed" and "cannot be made again" in poll.detail
