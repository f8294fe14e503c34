"""Every changed byte of the landing and of the releases is reported with its file and a remedy."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_releases import LATER, flip_bit, make_refresh, make_release, make_vintage, overwrite

from warehouse.files import sha256_of
from warehouse.landing.store import read_vintage
from warehouse.releases.audit import AuditReport, audit
from warehouse.releases.history import HISTORY, append_entry
from warehouse.releases.manifest import entry_of
from warehouse.releases.publish import rollback
from warehouse.releases.retention import hide_on_record, remove_hidden
from warehouse.releases.store import point_latest, switching

SOURCE, VINTAGE = "worldbank_wdi", "2024-07-12"
ROWS = [{"value": str(number), "_file": "data.csv", "_row": number} for number in range(100)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a landed vintage and five releases; read only."""
    home = tmp_path_factory.mktemp("audit") / "home"
    make_vintage(home / "landing", SOURCE, VINTAGE, ROWS, "value\n" + "1\n" * 100)
    for number, age in enumerate((100, 90, 80, 2, 1)):
        make_release(home, f"r{number}", age_days=age)
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """Return a copy of that home to change."""
    return Path(shutil.copytree(template, tmp_path / "home", symlinks=True))


def audited(home: Path) -> AuditReport:
    return audit(home / "landing", home / "published")


def test_intact_warehouse_has_no_findings(home: Path) -> None:
    report = audited(home)
    assert report.findings == () and (report.vintages, report.releases) == (1, 5)
    assert report.files == 2 + 5 * 2
    paths = [home / "landing" / SOURCE / VINTAGE / name for name in ("files/data.csv", "rows.parquet")]
    assert report.size_bytes > sum(path.stat().st_size for path in paths)


@pytest.mark.parametrize(
    "path",
    [
        f"landing/{SOURCE}/{VINTAGE}/files/data.csv",
        f"landing/{SOURCE}/{VINTAGE}/rows.parquet",
        "published/r0/warehouse.duckdb",
        "published/r4/parquet/mart.parquet",
    ],
)
def test_changed_bit_is_reported_with_file_and_remedy(home: Path, path: str) -> None:
    assert audited(home).findings == ()
    flip_bit(home / path)
    findings = audited(home).findings
    assert {finding.path for finding in findings} == {str(home / path)}
    assert any(finding.what.startswith("sha256 is ") for finding in findings)
    assert all("backup" in finding.remedy for finding in findings)


@pytest.mark.parametrize(
    ("harm", "where", "what"),
    [
        (f"rm landing/{SOURCE}/{VINTAGE}/files/*", "files/", "cannot be read"),
        ("rm published/r1/parquet/mart.parquet", "r1/parquet/mart.parquet", "cannot be read"),
        ("rm published/r1/MANIFEST.json", "r1/MANIFEST.json", "cannot be read (No such file"),
        ("cd published/r1; chmod u+w MANIFEST.json; echo '[' > MANIFEST.json", "r1/MANIFEST.json", "invalid"),
        (f"cd landing/{SOURCE}/{VINTAGE}; echo '[' > manifest.json", "manifest.json", "invalid record"),
        (f"cd landing/{SOURCE}/{VINTAGE}/files; touch more", "files/more", "no manifest lists this file"),
        ("ln -sfn r0 published/latest", "latest", "the last switch in the history is to r4"),
        ("ln -sfn r9 published/latest", "latest", "points at release r9, which does not exist"),
        (f"rm -r landing/{SOURCE}", "landing", "there is no vintage to audit"),
        ("echo '[]' >> published/history.jsonl", HISTORY, "line 6: invalid record"),
        (f"echo '[]' >> landing/{SOURCE}/checks.jsonl", "checks.jsonl", "line 1: invalid record"),
        (f"echo '[]' >> landing/{SOURCE}/withdrawals.jsonl", "withdrawals.jsonl", "line 1: invalid record"),
    ],
)
def test_missing_unreadable_and_unknown_files_are_found(home: Path, harm: str, where: str, what: str) -> None:
    subprocess.run(["/bin/sh", "-ec", harm], cwd=home, check=True)
    findings = audited(home).findings
    assert any(where in finding.path and what in finding.what for finding in findings), findings
    assert all(finding.remedy and "\n" not in finding.what for finding in findings)
    assert not any(finding.path in finding.what for finding in findings)
    remedies = ("ackup", "Delete")
    assert not any(text in finding.what for text in remedies for finding in findings), (
        "a remedy is printed twice"
    )


def test_remedy_for_an_interrupted_switch_works(home: Path) -> None:
    rollback(home / "published", "r3", "r4 is wrong", "ada")
    subprocess.run(["/bin/ln", "-sfn", "r4", "published/latest"], cwd=home, check=True)
    (finding,) = audited(home).findings
    assert "`warehouse rollback r3 --why …`" in finding.remedy
    rollback(home / "published", "r3", "remedy of the audit", "ada")
    assert audited(home).findings == ()


def test_damaged_records_hide_no_other_finding(home: Path) -> None:
    overwrite(home / "published" / "r1" / "MANIFEST.json", "{")
    overwrite(home / "published" / HISTORY, b"{\n" + (home / "published" / HISTORY).read_bytes())
    flip_bit(home / "published" / "r3" / "warehouse.duckdb")
    report = audited(home)
    assert report.releases == 5
    assert [Path(finding.path).name for finding in report.findings] == [
        "MANIFEST.json",
        "warehouse.duckdb",
        HISTORY,
    ]


def test_vintage_of_a_release_that_is_missing_in_the_landing_is_found(home: Path) -> None:
    entry = entry_of(read_vintage(home / "landing" / SOURCE / VINTAGE))
    make_release(home, "r5", LATER, vintages=[entry])
    assert audited(home).findings == ()
    make_release(home, "r6", LATER, vintages=[entry.model_copy(update={"vintage": "1999-01-01"})])
    (finding,) = audited(home).findings
    assert "r6" in finding.path and f"{SOURCE} vintage 1999-01-01" in finding.what


def test_manifest_of_another_vintage_is_found(home: Path) -> None:
    shutil.copytree(home / "landing" / SOURCE / VINTAGE, home / "landing" / SOURCE / "2024-07-13")
    (finding,) = audited(home).findings
    assert finding.path.endswith("2024-07-13/manifest.json")
    assert finding.what == f"is the manifest of {SOURCE} vintage {VINTAGE}"


def test_gap_in_the_chain_of_vintages_is_found(home: Path) -> None:
    manifest = home / "landing" / SOURCE / VINTAGE / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"previous_vintage": "1999-01-01"}))
    (finding,) = audited(home).findings
    assert finding.path.endswith("1999-01-01") and "missing" in finding.what


def test_rows_that_are_not_those_that_were_accepted_are_found(home: Path) -> None:
    manifest = home / "landing" / SOURCE / VINTAGE / "manifest.json"
    content = json.loads(manifest.read_text())
    for changed in ({"rows_digest": "other"}, {"row_count": 99}):
        manifest.write_text(json.dumps(content | changed))
        (finding,) = audited(home).findings
        assert finding.path.endswith("rows.parquet") and "not those that were accepted" in finding.what
        assert "fetching again is not enough" in finding.remedy


def test_lost_or_damaged_rows_are_made_again_unless_an_older_reader_made_them(home: Path) -> None:
    directory = home / "landing" / SOURCE / VINTAGE
    remake = f"make it again from the archived files: warehouse fetch {SOURCE}. If they are damaged too"
    flip_bit(directory / "rows.parquet")
    assert all(remake in finding.remedy for finding in audited(home).findings)
    (directory / "rows.parquet").unlink()
    (finding,) = audited(home).findings
    assert remake in finding.remedy and finding.what.startswith("cannot be read (No such file")
    content = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps(content | {"reader_version": 0}))
    (finding,) = audited(home).findings
    assert "fetching again is not enough" in finding.remedy


def after_first_file(monkeypatch: pytest.MonkeyPatch, release: str, action: Callable[[], object]) -> None:
    """Run an action when the audit has read a file of a release, as another process would."""
    done: list[object] = []

    def read(path: Path) -> str:
        found = sha256_of(path)
        if release in path.parts and not done:
            done.append(release)
            action()
        return found

    monkeypatch.setattr("warehouse.releases.audit.sha256_of", read)


def remove(published: Path, release: str) -> None:
    """Remove a release on record, as a refresh that replaces it and as retention does."""
    with switching(published):
        hide_on_record(published, [published / release], "tests", "a newer refresh replaces it")
        remove_hidden(published)


def test_release_that_is_replaced_during_the_audit_is_no_finding(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = home / "published"
    make_refresh(home, "r4", "r5")
    after_first_file(monkeypatch, "r5", lambda: (make_refresh(home, "r5", "r6"), remove(published, "r5")))
    report = audited(home)
    assert report.findings == () and not (published / "r5").exists()
    assert report.releases == 5 and report.size_bytes > 0
    monkeypatch.undo()
    assert audited(home).findings == () and audited(home).releases == 6


def test_release_that_is_removed_before_the_audit_reads_it_is_no_finding(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_first_file(monkeypatch, "r0", lambda: remove(home / "published", "r1"))
    report = audited(home)
    assert report.findings == () and report.releases == 4


def test_release_that_is_lost_during_the_audit_without_a_record_is_found(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_first_file(monkeypatch, "r1", lambda: shutil.rmtree(home / "published" / "r1"))
    findings = audited(home).findings
    assert findings and {Path(one.path).relative_to(home).parts[1] for one in findings} == {"r1"}
    assert all(one.what.startswith("cannot be read") for one in findings)


def test_damage_of_other_releases_is_found_while_one_is_replaced(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip_bit(home / "published" / "r3" / "warehouse.duckdb")
    after_first_file(monkeypatch, "r1", lambda: remove(home / "published", "r1"))
    (finding,) = audited(home).findings
    assert finding.path.endswith("r3/warehouse.duckdb") and finding.what.startswith("sha256 is ")


def test_switch_that_is_under_way_is_no_finding(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published, ready = home / "published", threading.Event()

    def switch() -> None:
        with switching(published):
            append_entry(published, "rollback", "r3", ("r4", "r3"), "tests", "a test")
            ready.set()
            time.sleep(0.5)
            point_latest(published, "r3")

    thread = threading.Thread(target=switch)
    thread.start()
    assert ready.wait(10)
    found = audited(home).findings
    thread.join()
    assert found == ()
