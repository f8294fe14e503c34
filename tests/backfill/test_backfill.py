"""Managed backfills: staged outside the live warehouse, compared, approved or discarded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, copy_home, ingest, replay, settings_of
from recordings import recording
from small_releases import build_record

from warehouse.backfill import decide, records, stage
from warehouse.build import builds, steps
from warehouse.config import SAMPLE_DIR, Settings
from warehouse.errors import Rejected, WarehouseError
from warehouse.files import sha256_of, write_record
from warehouse.landing import store
from warehouse.releases.manifest import MANIFEST, SetAside, read_manifest
from warehouse.releases.store import DATABASE, current
from warehouse.sources import SOURCES, unctad_goods

NIGHT = SAMPLE_DIR / "night-1"
NAME = "worldbank_wdi"

# Digits copied from night 1's BX.GSR.NFSV.CD: China's services exports of 2021 in dollars.
FIRST, CHANGED = b"338440775474.07", b"338500000000.07"


def live_files(home: Path) -> dict[str, str]:
    """Return the digest of every file of the live landing and releases, and the target of `latest`."""
    digests = {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("landing", "published")
        for path in sorted((home / part).rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
    assert len(digests) > 20
    return digests | {"latest": (home / "published" / "latest").readlink().name}


def raw_tables(loaded: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of every table and view of schema `raw` of a build, sorted."""
    with duckdb.connect(str(loaded), read_only=True) as db:
        tables = "select table_name from information_schema.tables where table_schema = 'raw' order by 1"
        names = [name for (name,) in db.execute(tables).fetchall()]
        rows = {name: db.execute(f'from raw."{name}" order by all').fetchall() for name in names}
    assert len(rows[NAME]) > 1000 and len(rows["landing_vintage"]) == 3
    return rows


@pytest.fixture(scope="module")
def landed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("landed") / "home"
    replay(home, NIGHT)
    return home


@pytest.fixture
def small(landed_once: Path, bank: Warehouse, tmp_path: Path) -> Path:
    """Return a home with a landed source and a release of it, for tests that need no build."""
    home = copy_home(landed_once, tmp_path / "small")
    release = home / "published" / bank.release.name
    release.mkdir(parents=True)
    for path in bank.release.iterdir():
        (release / path.name).symlink_to(path, target_is_directory=path.is_dir())
    manifest = read_manifest(bank.release)
    landed = {one.id for one in store.vintages(home / "landing", NAME)}
    (release / MANIFEST).unlink()
    vintages = tuple(one for one in manifest.vintages if one.vintage in landed)
    assert vintages and len(vintages) < len(manifest.vintages)
    write_record(release / MANIFEST, manifest.model_copy(update={"vintages": vintages}))
    (home / "published" / "latest").symlink_to(bank.release.name)
    return home


def begin(settings: Settings, first: str, last: str, *mirrors: Path, reread: bool = False) -> str:
    return stage.begin(settings, NAME, first, last, tuple(str(mirror) for mirror in mirrors), reread)


def test_approved_backfill_publishes_the_build_that_was_compared(bank_home: Path, tmp_path: Path) -> None:
    home = bank_home
    mirror = recording(tmp_path / "mirror", "2023-05-05T00:00:00Z", FIRST, CHANGED)
    settings = settings_of(home, operator="on call")
    before = live_files(home)
    backfill = begin(settings, "2023-01-01", "2023-12-31", mirror)
    assert not stage.is_empty(settings, backfill)
    stage.build(settings, backfill)
    report = stage.compare(settings, backfill)
    assert live_files(home) == before, "the live warehouse is unchanged before an approval"

    status = decide.show(settings, backfill)
    assert status.state == "waiting" and status.blockers == () and status.report == report
    assert report.pulls is not None
    (pull,) = report.pulls
    assert (pull.outcome, pull.vintage) == ("accepted", "2023-05-05")
    assert "before vintage 2024-07-12: changes as-of builds" in pull.detail
    (vintages,) = report.vintages
    assert (vintages.source, list(vintages.added), list(vintages.gone)) == (NAME, ["2023-05-05"], [])
    tables = {comparison.table: comparison for comparison in report.tables}
    assert "core.fct_services_trade" in report.tables_equal, "an older vintage changes no current figure"
    assert tables["core.fct_revision"].rows_added > 0
    assert report.after is not None
    build = home / "backfill" / backfill / "home" / "build" / report.after
    compared, record = sha256_of(build / DATABASE), builds.read_build(build)
    loaded = raw_tables(build / builds.LOADED)
    kept = list(settings.staged.glob("*/*.parquet"))
    assert kept and all(path.samefile(build.parents[1] / path.relative_to(home)) for path in kept)

    release = decide.approve(settings, backfill, "the desk needs the edition of May")
    latest = current(settings.published)
    assert latest is not None and latest.name == release == report.after
    assert sha256_of(latest / DATABASE) == compared

    landed = store.vintages(settings.landing, NAME)
    assert [vintage.id for vintage in landed] == ["2022-09-16", "2023-05-05", "2024-07-12"]
    decision = landed[1].backfilled
    assert decision is not None
    assert (decision.actor, decision.reason, decision.subject) == (
        "on call",
        "the desk needs the edition of May",
        backfill,
    )
    assert landed[1].retrieved_at.isoformat() == "2023-05-05T00:00:00+00:00"
    after = live_files(home)
    unchanged_paths = set(before) - {"latest", "published/history.jsonl", f"landing/{NAME}/checks.jsonl"}
    assert len(unchanged_paths) > 20
    assert {path: after[path] for path in unchanged_paths} == {path: before[path] for path in unchanged_paths}

    log = records.events(settings.backfill, backfill)
    assert [event.state for event in log] == ["begun", "waiting", "approving", "approved"]
    assert not (home / "backfill" / backfill / "home").exists()
    assert steps.load(settings) is None, "the next nightly run finds nothing new"
    with pytest.raises(WarehouseError, match="is approved"):
        decide.approve(settings, backfill, "once more")
    with pytest.raises(WarehouseError, match="is approved"):
        decide.discard(settings, backfill, "once more")

    # A release is a function of what is loaded, and the approved landing is loaded as the staged one was.
    again = steps.load(settings, force=True)
    assert again is not None
    assert builds.read_build(settings.build / again).as_of == record.as_of
    assert raw_tables(settings.build / again / builds.LOADED) == loaded
    with duckdb.connect(str(latest / DATABASE), read_only=True) as db:
        found = db.execute(
            "select previous_vintage, vintage, previous_value from core.fct_revision where "
            "indicator = 'BX.GSR.NFSV.CD' and period_label = '2021' order by vintage"
        ).fetchall()
    assert [(previous, vintage) for previous, vintage, _ in found] == [
        ("2022-09-16", "2023-05-05"),
        ("2023-05-05", "2024-07-12"),
    ]
    assert str(found[1][2]).startswith("338500.00000007")


def test_backfill_of_landed_rows_is_empty(small: Path) -> None:
    before, settings = live_files(small), settings_of(small)

    def reason(backfill: str) -> str:
        assert stage.is_empty(settings, backfill)
        return records.events(settings.backfill, backfill)[-1].reason

    assert "the rows of 2022-09-16" in reason(begin(settings, "2022-01-01", "2022-12-31", NIGHT))
    outside = reason(begin(settings, "2021-01-01", "2021-12-31", NIGHT))
    assert "retrieved 2022-09-16, outside of the requested days" in outside
    assert "parsed again" in reason(begin(settings, "2022-01-01", "2022-12-31", reread=True))
    assert live_files(small) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("2022-02-01", "2022-01-01", (str(NIGHT),)), "--from 2022-02-01 is after --to 2022-01-01"),
        (("2022-01-01", "2022-02-01"), "serves what it shows today"),
        (("2022-01-01", "2022-02-01", (), True), "no vintage from 2022-01-01 to 2022-02-01.*2022-09-16"),
    ],
)
def test_impossible_backfill_is_rejected_with_remedy(
    small: Path, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(WarehouseError, match=message):
        stage.begin(settings_of(small), NAME, *arguments)  # type: ignore[arg-type]


def test_load_that_fails_the_load_gate_fails_only_the_backfill(small: Path, tmp_path: Path) -> None:
    mirror = recording(tmp_path / "mirror", "2023-05-05T00:00:00Z", FIRST, b"3384407754740700.0")
    before, settings = live_files(small), settings_of(small)
    with pytest.raises(Rejected, match="rejected by the load gate"):
        begin(settings, "2023-01-01", "2023-12-31", mirror)
    (backfill,) = records.list_backfills(settings.backfill).require()
    assert records.state(settings.backfill, backfill.id) == "failed"
    with pytest.raises(WarehouseError, match="is failed; this needs a backfill that is waiting"):
        decide.approve(settings, backfill.id, "all the same")
    decide.discard(settings, backfill.id, "the mirror was cut badly")
    assert records.events(settings.backfill, backfill.id)[-1].reason == "the mirror was cut badly"
    assert live_files(small) == before


def waiting(settings: Settings, mirror: Path) -> str:
    """Begin a backfill, and set it to wait for a decision, with a build name and no build."""
    backfill = records.find(settings.backfill, begin(settings, "2023-01-01", "2023-12-31", mirror))
    report = records.read_report(backfill).model_copy(update={"build": "20240202T000000000000Z"})
    records.write_report(backfill, report)
    records.log_event(settings, backfill.id, "waiting", "")
    return backfill.id


def test_approval_is_rejected_when_the_live_warehouse_has_changed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = recording(tmp_path / "mirror", "2023-05-05T00:00:00Z", FIRST, CHANGED)
    settings = settings_of(small)
    backfill = waiting(settings, mirror)
    with monkeypatch.context() as patched:
        patched.setattr(stage, "code_digest", lambda: "newer")
        assert "the code, the seeds or the expectations" in str(decide.show(settings, backfill).blockers)
    for name in ("unctad_goods", NAME):
        ingest(settings_of(small, SAMPLE_DIR / "night-2"), name)
    before = live_files(small)
    with pytest.raises(WarehouseError) as rejected:
        decide.approve(settings, backfill, "go")
    for text in (
        "vintage unctad_goods 2026-03-19 has landed",
        f"vintage {NAME} 2024-07-12 has landed",
        f"warehouse backfill start {NAME} --from 2023-01-01 --to 2023-12-31 --mirror {mirror}",
    ):
        assert text in str(rejected.value)
    assert live_files(small) == before
    with pytest.raises(WarehouseError, match="needs a reason"):
        decide.discard(settings, backfill, " ")
    decide.discard(settings, backfill, "requested again")
    assert not (small / "backfill" / backfill / "home").exists()
    assert decide.show(settings, backfill).report.pulls, "the report is kept"
    assert live_files(small) == before


def test_staged_rows_that_changed_are_not_landed(small: Path, tmp_path: Path) -> None:
    mirror = recording(tmp_path / "mirror", "2023-05-05T00:00:00Z", FIRST, CHANGED)
    settings = settings_of(small)
    backfill = waiting(settings, mirror)
    rows = small / "backfill" / backfill / "home" / "landing" / NAME / "2023-05-05" / "rows.parquet"
    rows.write_bytes(rows.read_bytes() + b"?")
    with pytest.raises(WarehouseError, match=r"rows\.parquet changed since it was validated"):
        decide.approve(settings, backfill, "go")
    assert [vintage.id for vintage in store.vintages(settings.landing, NAME)] == ["2022-09-16"]


def test_older_answer_of_a_day_with_later_vintage_is_rejected(small: Path, tmp_path: Path) -> None:
    later = recording(tmp_path / "later", "2023-05-05T12:00:00Z", FIRST, CHANGED)
    earlier = recording(tmp_path / "earlier", "2023-05-05T01:00:00Z", FIRST, b"338450000000.07")
    replay(small, later)
    with pytest.raises(WarehouseError, match=r"older than vintage 2023-05-05.*same day"):
        begin(settings_of(small), "2023-05-05", "2023-05-05", earlier)


def test_reader_that_changed_without_a_new_version_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: Path
) -> None:
    assert ingest(settings_of(small, SAMPLE_DIR / "night-2"), "unctad_goods")
    settings, original = settings_of(small), unctad_goods.SOURCE

    def shorter(files: object, work: object, note: object) -> object:
        for batch in original.read(files, work):  # type: ignore[arg-type]
            yield batch.slice(1)

    def reparse(version: int) -> str:
        changed = type(original)(**(vars(original) | {"read": shorter, "reader_version": version}))
        monkeypatch.setattr(steps, "SOURCES", dict(SOURCES) | {"unctad_goods": changed})
        return stage.begin(settings, "unctad_goods", "2026-01-01", "2026-12-31", reread=True)

    with pytest.raises(WarehouseError, match="Raise `reader_version`"):
        reparse(1)
    report = decide.show(settings, reparse(2)).report
    assert report.pulls is not None
    (pull,) = report.pulls
    assert pull.outcome == "differs"
    assert not settings.reparsed.exists(), "rows parsed again are staged beside the live warehouse"


def test_damaged_backfill_does_not_hide_others(small: Path, tmp_path: Path) -> None:
    settings = settings_of(small)
    first = begin(settings, "2022-01-01", "2022-12-31", NIGHT)
    second = begin(settings, "2022-01-01", "2022-12-31", NIGHT)
    (settings.backfill / first / records.REQUEST).write_text("{}")
    listing = records.list_backfills(settings.backfill)
    assert [backfill_record.id for backfill_record in listing.records] == [second]
    assert len(listing.problems) == 1 and f"{first}/{records.REQUEST}" in listing.problems[0]


def test_backfill_whose_build_leaves_a_vintage_out_is_rejected() -> None:
    aside = SetAside(source=NAME, vintage="2022-01-01", reason="a test failed", used_instead=None)
    stage.require_nothing_set_aside(build_record())
    with pytest.raises(Rejected, match=rf"{NAME} 2022-01-01: a test failed"):
        stage.require_nothing_set_aside(build_record(set_aside=(aside,)))
