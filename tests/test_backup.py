"""Backup and restore: the restored home answers as the original did, whatever was going on or was killed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from command_line import invoke
from conftest import settings_of
from home_questions import answers
from killing import forks
from small_homes import LOADS, OTHER, RELEASE, ROWS, SOURCE, VINTAGE, make_home
from small_releases import flip_bit, make_release, make_vintage, overwrite

from warehouse.backfill import records
from warehouse.backup import BACKED_UP, MADE_AGAIN, RECORD, backup, restore
from warehouse.build import builds
from warehouse.config import RESTORING, Settings, load_settings, read_settings
from warehouse.errors import WarehouseError
from warehouse.files import copy_file, sha256_of
from warehouse.landing import store, withdraw
from warehouse.maintenance import require_clean_audit
from warehouse.releases.publish import refresh, rollback
from warehouse.releases.store import list_releases

DIFF = ("diff", "previous", "latest", "--json")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with records of each kind, a withdrawn vintage and a waiting backfill; read only."""
    home = make_home(tmp_path_factory.mktemp("backup") / "home")
    settings = settings_of(home, operator="tests")
    make_vintage(settings.landing, SOURCE, "2024-05-09", ROWS)
    withdraw.withdraw(settings.landing, SOURCE, "2024-05-09", "a misprint", "tests", subject="2021")
    days = (date(2024, 1, 1), date(2024, 1, 31))
    baseline = records.Baseline(vintages={}, release=RELEASE, code="code")
    waiting = records.create(settings, SOURCE, "fetch", days, ("/mirror",), baseline)
    records.write_report(waiting, records.Report(pulls=()))
    records.log_event(settings, waiting.id, "waiting", "compared")
    records.stage_landing(settings.landing, waiting.home / "landing")
    old = datetime(2024, 5, 3, tzinfo=UTC).timestamp()
    for path in (
        home / "rejected" / SOURCE / LOADS[0],
        home / "rejected" / SOURCE / LOADS[0] / "report.json",
    ):
        os.utime(path, (old, old))
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home", symlinks=True))


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backup of that home; read only."""
    directory = tmp_path_factory.mktemp("made") / "backup"
    copy = Path(shutil.copytree(template, directory.with_name("home"), symlinks=True))
    backup(settings_of(copy), directory)
    return directory


def contents(home: Path) -> dict[str, str]:
    """Return the checksum of every file that a backup contains, by path, and the target of `latest`."""
    found = {
        path.relative_to(home).as_posix(): sha256_of(path)
        for folder in BACKED_UP
        for path in (home / folder).rglob("*")
        if path.is_file() and path.name != ".lock" and not path.is_symlink()
    }
    assert len(found) > 20
    return found | {"latest": str((home / "published" / "latest").readlink())}


# --- the same answers ---


def test_every_directory_of_a_home_is_backed_up_or_made_again() -> None:
    settings = load_settings()
    directories = {
        getattr(settings, name).relative_to(settings.home).as_posix()
        for name, attribute in vars(Settings).items()
        if isinstance(attribute, property) and isinstance(getattr(settings, name), Path)
    }
    assert len(directories) >= 8
    assert directories == {*BACKED_UP, *MADE_AGAIN}


def test_restored_home_on_another_path_gives_the_same_answers(home: Path, tmp_path: Path) -> None:
    before, directory, other = (
        answers(home, DIFF),
        tmp_path / "disk" / "monday",
        tmp_path / "an other" / "home",
    )
    ended = invoke(home, "backup", str(directory))
    assert f"current release: {RELEASE}" in ended.stdout and not ended.stderr
    shutil.rmtree(home / "landing")
    assert "every checksum is right" in invoke(other, "restore", str(directory)).stdout
    assert answers(other, DIFF) == before
    assert require_clean_audit(settings_of(other)).vintages == 3
    assert not (other / RESTORING).exists()
    load = other / "rejected" / SOURCE / LOADS[0]
    assert datetime.fromtimestamp(load.stat().st_mtime, UTC).date() == date(2024, 5, 3)  # for retention
    (waiting,) = [
        one.directory
        for one in records.list_backfills(other / "backfill").require()
        if records.state(other / "backfill", one.id) == "waiting"
    ]
    assert store.list_all(waiting / "home" / "landing", SOURCE).require()


def test_restored_home_accepts_new_releases_and_vintages(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    restore(settings_of(home), made)
    release = make_release(home, "20240601T000000000000Z")
    assert (home / "published" / "latest").resolve() == release
    rollback(home / "published", "previous", "a test", "tests")
    make_vintage(home / "landing", OTHER, "2024-06-01", ROWS)
    withdraw.restore(home / "landing", SOURCE, "2024-05-09", "as printed", "tests")
    assert len(store.vintages(home / "landing", SOURCE)) == 2


def test_backup_is_itself_a_readable_home(made: Path, template: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(made, tmp_path / "copy", symlinks=True))
    shutil.copytree(template, tmp_path / "home", symlinks=True)
    assert answers(copy, DIFF) == answers(tmp_path / "home", DIFF)


def test_backup_in_json_states_counts_and_no_path_of_the_home_is_recorded(home: Path, tmp_path: Path) -> None:
    stated = invoke(home, "backup", str(tmp_path / "b"), "--json").json
    assert stated["latest"] == RELEASE and stated["files"] > 20 and stated["damaged"] == []
    assert str(home) not in (tmp_path / "b" / RECORD).read_text()
    restored = invoke(tmp_path / "r", "restore", str(tmp_path / "b"), "--json").json
    assert restored["copied"] == stated["files"] and restored["latest"] == RELEASE


def test_file_with_several_paths_is_stored_once(home: Path, tmp_path: Path) -> None:
    parquet = home / "published" / RELEASE / "parquet"
    first = next(parquet.glob("*.parquet"))
    (parquet / "linked.parquet").hardlink_to(first)
    backup(settings_of(home), tmp_path / "b")
    copies = [tmp_path / "b" / path.relative_to(home) for path in (first, parquet / "linked.parquet")]
    assert copies[0].samefile(copies[1])
    log = home / "landing" / SOURCE / store.CHECKS
    assert not (tmp_path / "b" / log.relative_to(home)).samefile(log)


def bytes_of(folder: Path) -> int:
    """Return the bytes that the files of a directory take: those of one inode once."""
    found = [path.stat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(found) > 10
    return sum({one.st_ino: one.st_size for one in found}.values())


@pytest.mark.parametrize("has_links", [True, False], ids=["with links", "copied without links"])
def test_restored_releases_take_no_more_than_before(has_links: bool, home: Path, tmp_path: Path) -> None:
    release = home / "published" / RELEASE
    refresh(home / "published", release, "20240503T000000000000Z", {}, "tests", lambda *_: None)
    directory, restored = tmp_path / "b", tmp_path / "restored"
    backup(settings_of(home), directory)
    if not has_links:
        shutil.copytree(directory, tmp_path / "c", symlinks=True)
        directory = tmp_path / "c"
    report = restore(settings_of(restored), directory)
    assert report.copied == len(report.record.files)
    assert contents(restored) == contents(home)
    assert bytes_of(restored / "published") <= bytes_of(home / "published")
    vintage = restored / "landing" / SOURCE / VINTAGE / "rows.parquet"
    assert vintage.stat().st_nlink == 1, "only files of releases are linked"


@pytest.mark.parametrize("has_links", [True, False], ids=["with links", "copied without links"])
def test_restore_needs_the_space_of_shared_files_once(
    has_links: bool, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = home / "published" / RELEASE
    refresh(home / "published", release, "20240503T000000000000Z", {}, "tests", lambda *_: None)
    directory, restored = tmp_path / "b", tmp_path / "restored"
    backup(settings_of(home), directory)
    restore(settings_of(tmp_path / "expected"), directory)
    needed = sum(bytes_of(tmp_path / "expected" / name) for name in BACKED_UP if name != "rejected")
    needed += sum(path.stat().st_size for path in (tmp_path / "expected" / "rejected").rglob("*.json"))
    if not has_links:
        shutil.copytree(directory, tmp_path / "c", symlinks=True)
        directory = tmp_path / "c"
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("warehouse.backup.shutil.disk_usage", lambda path: usage._replace(free=needed - 1))
    with pytest.raises(WarehouseError, match=f"{needed - 1:,} bytes are free, and the backup has {needed:,}"):
        restore(settings_of(restored), directory)
    monkeypatch.setattr("warehouse.backup.shutil.disk_usage", lambda path: usage._replace(free=needed))
    restore(settings_of(restored), directory)
    assert contents(restored) == contents(home)


def test_file_system_without_links_is_restored_to(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "hardlink_to", reject)
    restore(settings_of(tmp_path / "home"), made)
    assert contents(tmp_path / "home") == contents(made)


# --- while the nightly runs ---


def test_incomplete_vintages_loads_releases_and_log_lines_are_left_out(home: Path, tmp_path: Path) -> None:
    expected = contents(home)
    incoming = store.new_incoming(home / "landing", SOURCE)
    (incoming / "files" / "data.csv").write_text("half")
    half = home / "landing" / SOURCE / "2024-06-01"
    half.mkdir()
    (half / "rows.parquet").write_bytes(b"half")  # no manifest yet
    partial = home / "published" / ".partial-20240601T000000000000Z"
    partial.mkdir()
    (partial / "warehouse.duckdb").write_bytes(b"half")
    log = home / "landing" / SOURCE / store.CHECKS
    with log.open("ab") as file:
        file.write(b'{"source": "half')
    backup(settings_of(home), tmp_path / "b")
    assert contents(tmp_path / "b") == expected


def test_backup_is_made_while_a_source_is_fetched(home: Path, tmp_path: Path) -> None:
    expected = contents(home)
    with store.source_lock(home / "landing", SOURCE):
        backup(settings_of(home), tmp_path / "b")
        with (
            pytest.raises(WarehouseError, match="another process is writing"),
            store.source_lock(home / "landing", SOURCE),
        ):
            pass
    assert contents(tmp_path / "b") == expected
    with store.source_lock(home / "landing", SOURCE):  # the backup has let go of its locks
        pass


def test_backup_waits_for_a_build_and_fails_when_it_does_not_end(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.backup.BUILD_WAIT_SECONDS", 0.1)
    settings = settings_of(home)
    with builds.build_lock(settings), pytest.raises(WarehouseError, match="another build is running"):
        backup(settings, tmp_path / "b")
    assert not (tmp_path / "b").exists() and not list(home.glob(".backup-*"))


def test_changes_after_the_snapshot_are_not_in_the_backup(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retention, a poll and a rollback between snapshot and copy: all locks are free, and nothing is lost."""
    from warehouse import backup as module

    expected, copy_snapshot, settings = contents(home), module.copy_snapshot, settings_of(home)

    def changed(*arguments: object) -> object:
        with builds.build_lock(settings):
            store.record_poll(settings.landing, SOURCE, "unchanged", VINTAGE, "meanwhile")
            rollback(settings.published, "previous", "meanwhile", "tests")
            shutil.rmtree(settings.published / RELEASE)
            make_vintage(settings.landing, OTHER, "2024-06-01", ROWS)
        return copy_snapshot(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "copy_snapshot", changed)
    backup(settings, tmp_path / "b")
    assert contents(tmp_path / "b") == expected
    restore(settings_of(tmp_path / "r"), tmp_path / "b")
    assert require_clean_audit(settings_of(tmp_path / "r")).releases == 2


# --- what is rejected ---


def test_backup_needs_a_new_directory_outside_of_a_home_with_vintages(home: Path, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "file").write_text("kept")
    for directory, message in (
        (used, "is not empty"),
        (used / "file", "is not empty"),
        (home / "copy", "is in the home"),
    ):
        assert message in invoke(home, "backup", str(directory), exit_code=1).stderr
    assert (used / "file").read_text() == "kept"
    ended = invoke(tmp_path / "nothing", "backup", str(tmp_path / "b"), exit_code=1)
    assert "there is no vintage to back up" in ended.stderr and not (tmp_path / "nothing").exists()


def test_backup_needs_disk_space(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("warehouse.backup.shutil.disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(WarehouseError, match=r"1,000 bytes are free, and the backup needs \d"):
        backup(settings_of(home), tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_backup_that_fails_leaves_no_copies(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[Path] = []

    def copy_four(origin: Path, target: Path) -> str:
        copied.append(target)
        if len(copied) > 4:
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return copy_file(origin, target)

    monkeypatch.setattr("warehouse.backup.copy_file", copy_four)
    before, disk = sorted(path.name for path in home.iterdir()), tmp_path / "disk"
    with pytest.raises(WarehouseError, match="No space left on device"):
        backup(settings_of(home), disk / "monday")
    assert len(copied) == 5 and list(disk.iterdir()) == []
    assert sorted(path.name for path in home.iterdir() if path.name != ".backup.lock") == before


def test_restore_refuses_a_home_that_is_not_empty(made: Path, home: Path, tmp_path: Path) -> None:
    before = contents(home)
    ended = invoke(home, "restore", str(made), exit_code=1)
    assert "is not empty (backfill, build, landing, published, rejected)" in ended.stderr
    assert contents(home) == before
    other = tmp_path / "other"
    (other / "lost+found").mkdir(parents=True)  # of a new file system
    invoke(other, "restore", str(made))


def test_restore_rejects_a_directory_that_is_no_backup(home: Path, made: Path, tmp_path: Path) -> None:
    assert (
        "not a backup: it has no backup.json"
        in invoke(tmp_path / "r", "restore", str(home), exit_code=1).stderr
    )
    copy = Path(shutil.copytree(made, tmp_path / "copy", symlinks=True))
    record = json.loads((copy / RECORD).read_text())
    for name in ("../outside", "landing/../../outside", "/etc/outside", "airflow/x"):
        file = {"sha256": "0" * 64, "size_bytes": 0}
        (copy / RECORD).write_text(json.dumps(record | {"files": {name: file}}))
        ended = invoke(tmp_path / "r", "restore", str(copy), exit_code=1)
        assert "is not a path of a home" in ended.stderr and not (tmp_path / "outside").exists()
    assert not (tmp_path / "r" / RESTORING).exists()


def test_damaged_file_of_the_home_is_backed_up_and_named(home: Path, tmp_path: Path) -> None:
    rows = flip_bit(home / "landing" / SOURCE / VINTAGE / "rows.parquet")
    ended = invoke(home, "backup", str(tmp_path / "b"), exit_code=1)
    name = rows.relative_to(home).as_posix()
    assert f"damaged: {name}: missing or differs from its manifest" in ended.stderr
    assert "backed up" in ended.stdout and sha256_of(tmp_path / "b" / name) == sha256_of(rows)
    ended = invoke(tmp_path / "r", "restore", str(tmp_path / "b"))
    assert "every checksum is right" not in ended.stdout
    assert f"damaged before the backup was made: {name}; see: warehouse maintain" in ended.stderr


LOST = {
    f"landing/{SOURCE}/{VINTAGE}/manifest.json": f"landing/{SOURCE}/{VINTAGE}/rows.parquet",
    f"published/{RELEASE}/MANIFEST.json": f"published/{RELEASE}/warehouse.duckdb",
}


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("content", [None, '{"source": '])
def test_lost_manifest_is_named_and_its_files_are_backed_up(
    name: str, content: str | None, home: Path, tmp_path: Path
) -> None:
    overwrite(home / name, content) if content else (home / name).unlink()
    ended = invoke(home, "backup", str(tmp_path / "b"), exit_code=1)
    assert f"damaged: {name}: missing or differs from its manifest" in ended.stderr
    assert sha256_of(tmp_path / "b" / LOST[name]) == sha256_of(home / LOST[name])


def test_lost_current_release_is_named(home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home / "published" / RELEASE)
    ended = invoke(home, "backup", str(tmp_path / "b"), exit_code=1)
    assert "damaged: published/latest: missing" in ended.stderr


# --- damaged backups, interrupted restores ---


def test_damaged_backup_is_named_and_completed_from_another_copy(made: Path, tmp_path: Path) -> None:
    copy, home = Path(shutil.copytree(made, tmp_path / "copy", symlinks=True)), tmp_path / "home"
    flip_bit(copy / "landing" / SOURCE / VINTAGE / "rows.parquet")
    (copy / "published" / RELEASE / "MANIFEST.json").unlink()
    named = (f"landing/{SOURCE}/{VINTAGE}/rows.parquet", f"published/{RELEASE}/MANIFEST.json")
    ended = invoke(home, "restore", str(copy), exit_code=1)
    assert f"2 of {len(contents(made)) - 1} files are missing" in ended.stderr
    for name in named:
        assert name in ended.stderr and not (home / name).exists()
    for words in (("status",), ("query", "select 1"), ("maintain",), ("fetch", SOURCE)):
        stopped = invoke(home, *words, exit_code=1).stderr
        assert "half restored" in stopped and "1 files of landing/, 1 files of published/" in stopped
        assert f"warehouse restore {copy}" in stopped
    assert not (home / "published" / "latest").exists()  # readers see no release before it is complete
    restore(settings_of(tmp_path / "expected"), made)
    assert "were there already" in invoke(home, "restore", str(made)).stdout
    assert contents(home) == contents(tmp_path / "expected") and not (home / RESTORING).exists()


def test_damaged_files_are_left_out_on_request(made: Path, tmp_path: Path) -> None:
    copy, home = Path(shutil.copytree(made, tmp_path / "copy", symlinks=True)), tmp_path / "home"
    name = f"landing/{SOURCE}/{VINTAGE}/rows.parquet"
    (copy / name).unlink()
    invoke(home, "restore", str(copy), exit_code=1)
    ended = invoke(home, "restore", str(copy), "--allow-damaged")
    assert f"not restored: {name}" in ended.stderr and "every checksum is right" not in ended.stdout
    assert name in invoke(home, "maintain", exit_code=1).stdout


def test_half_restored_home_is_not_completed_from_another_backup(
    made: Path, home: Path, tmp_path: Path
) -> None:
    copy, target = Path(shutil.copytree(made, tmp_path / "copy", symlinks=True)), tmp_path / "target"
    (copy / "published" / RELEASE / "MANIFEST.json").unlink()
    invoke(target, "restore", str(copy), exit_code=1)
    backup(settings_of(home), tmp_path / "later")
    ended = invoke(target, "restore", str(tmp_path / "later"), exit_code=1)
    assert f"half restored from {copy}" in ended.stderr
    (target / RESTORING).write_text("{")
    assert "is unreadable. Empty it" in invoke(target, "status", exit_code=1).stderr


KILLED = """
from warehouse import backup
from warehouse.config import read_settings
backup.copy_file = counted(backup.copy_file)
backup.fsync = counted(backup.fsync)
backup.link_tree = counted(backup.link_tree)
backup.shutil.rmtree = counted(backup.shutil.rmtree)
Path.replace = counted(Path.replace)
Path.rename = counted(Path.rename)
Path.unlink = counted(Path.unlink)
def run(action, home, directory):
    getattr(backup, action)(read_settings(home=Path(home)), Path(directory))
"""


@pytest.mark.slow
def test_backup_killed_at_any_operation_is_incomplete_and_repeated_is_complete(
    home: Path, tmp_path: Path
) -> None:
    expected, ends = contents(home), []
    with forks(KILLED) as run:
        for point in (*range(0, 60, 3), *range(60, 90), 500):
            directory = tmp_path / f"b{point}"
            ends.append(run(point, "backup", str(home), str(directory)))
            if (directory / RECORD).exists():
                assert contents(directory) == expected
            else:
                assert not directory.exists()
            if not directory.exists():
                directory = tmp_path / "disk" / f"again{point}"  # of another name, on another disk
                backup(settings_of(home), directory)
                assert not list(home.glob(".backup-*")) and not list(tmp_path.glob(".b*"))
            assert contents(directory) == expected
            assert not list(home.glob(".backup-*")) or ends[-1] == -9
            shutil.rmtree(directory)
    assert ends.count(-9) >= 20 and ends[-1] == 0


@pytest.mark.slow
def test_restore_killed_at_any_operation_says_so_and_repeated_is_complete(made: Path, tmp_path: Path) -> None:
    restore(settings_of(tmp_path / "expected"), made)
    expected, ends = contents(tmp_path / "expected"), []
    with forks(KILLED) as run:
        for point in (*range(0, 12), *range(12, 170, 7), 500):
            home = tmp_path / f"h{point}"
            ends.append(run(point, "restore", str(home), str(made)))
            if ends[-1] == -9 and (home / RESTORING).exists():
                with pytest.raises(WarehouseError, match="half restored"):
                    load_settings(home=home)
                latest = home / "published" / "latest"
                assert not latest.is_symlink() or contents(home) == expected
            if (home / RESTORING).exists() or not (home / "landing").exists():
                restore(read_settings(home=home), made)
            assert contents(home) == expected
            assert not list(home.rglob("*.partial"))
            assert len(list_releases(home / "published").records) == 2
            shutil.rmtree(home)
    assert ends.count(-9) >= 20 and ends[-1] == 0


# --- modes ---


def test_restored_files_are_readable_and_releases_stay_read_only(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    restore(settings_of(home), made)
    modes = {
        name: stat.S_IMODE((home / name).stat().st_mode)
        for name in (
            f"published/{RELEASE}/warehouse.duckdb",
            "published/history.jsonl",
            f"landing/{SOURCE}/checks.jsonl",
        )
    }
    assert list(modes.values()) == [0o444, 0o644, 0o644]
