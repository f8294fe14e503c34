"""A managed backfill: made beside the live warehouse, compared; nothing happens before a person's word."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, environment, release_of, replay
from test_command_line import warehouse_says

from warehouse import backfill, landing, pipeline, publish
from warehouse.config import SAMPLE_DIR
from warehouse.errors import Rejected, WarehouseError
from warehouse.files import sha256_of
from warehouse.sources import SOURCES, unctad_goods

NIGHT = SAMPLE_DIR / "night-1"
NAME = "worldbank_wdi"
INDICATOR = "BX.GSR.NFSV.CD"


def recording(place: Path, retrieved_at: str, old: bytes, new: bytes, night: Path = NIGHT) -> Path:
    """Record a night again, as of another day and with one text of the World Bank's replaced."""
    shutil.copytree(night, place)
    index = json.loads((place / "index.json").read_text())
    spoilt = 0
    for one in index["answers"]:
        one["retrieved_at"] = retrieved_at
        path = place / one["file"]
        if f"/{INDICATOR}?" in one["address"]:
            sent = path.read_bytes()
            assert sent.count(old) == 1
            path.chmod(0o644)
            path.write_bytes(sent.replace(old, new))
            spoilt += 1
        one["sha256"] = sha256_of(path)
    assert spoilt == 1
    (place / "index.json").write_text(json.dumps(index))
    return place


def everything_live(home: Path) -> dict[str, str]:
    """Digest every file of the live landing and the live releases, and tell where `latest` points."""
    told = {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("landing", "published")
        for path in sorted((home / part).rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
    assert len(told) > 20
    return told | {"latest": (home / "published" / "latest").readlink().name}


@pytest.fixture
def home(warehouse: Warehouse, tmp_path: Path) -> Path:
    place = tmp_path / "home"
    shutil.copytree(warehouse.home, place, symlinks=True)
    return place


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a home with one source landed and a toy release, for what needs no build."""
    place = tmp_path / "small"
    replay(place, NIGHT)
    database = tmp_path / "toy.duckdb"
    with duckdb.connect(str(database)) as db:
        db.execute("create schema marts; create table marts.mart_toy as select 1 as figure")
    publish.publish(place / "published", "20240101T000000000000Z", database, {}, {"vintages": []})
    return place


# Digits typed off night 1's BX.GSR.NFSV.CD: China's services exports of 2021 in dollars.
THEN, OTHERWISE = b"338440775474.07", b"338500000000.07"


def test_a_backfill_is_shown_then_approved_and_the_very_release_is_published(
    home: Path, tmp_path: Path
) -> None:
    mirror = recording(tmp_path / "mirror", "2023-05-05T00:00:00Z", THEN, OTHERWISE)
    before = everything_live(home)
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_OPERATOR="on call"):
        made = pipeline.backfill_begin(NAME, "2023-01-01", "2023-12-31", (str(mirror),))
        assert made is not None
        pipeline.backfill_build(made)
        told = pipeline.backfill_compare(made)
        assert everything_live(home) == before, "nothing of the live warehouse is touched before a word"

        assert told["state"] == "waiting" and told["in_the_way"] == []
        (pull,) = told["pulls"]
        assert (pull["outcome"], pull["vintage"]) == ("accepted", "2023-05-05")
        assert "history before vintage 2024-07-12" in pull["detail"]
        assert told["vintages"] == [{"source": NAME, "added": ["2023-05-05"], "gone": []}]
        tables = {one["table"]: one for one in told["tables"]}
        assert "core.fct_services_trade" in told["tables_equal"], "an older vintage moves no figure in force"
        assert tables["core.fct_revision"]["rows_added"] > 0
        shown = home / "backfill" / made / "home" / "build" / told["after"] / pipeline.DATABASE
        database = sha256_of(shown)
        said = warehouse_says("backfill", "show", made, home=home).stdout
        assert "core.fct_revision" in said and f"warehouse backfill approve {made} --why" in said

        release = pipeline.approve_backfill(made, "the desk needs the edition of May")
        stands = publish.standing(home / "published")
        assert stands is not None and stands.name == release == told["after"]
        assert sha256_of(stands / pipeline.DATABASE) == database, "the very build that was shown"

        vintages = landing.vintages(home / "landing", NAME)
        assert [one.id for one in vintages] == ["2022-09-16", "2023-05-05", "2024-07-12"]
        ruling = vintages[1].backfilled
        assert ruling is not None
        assert (ruling.by, ruling.why, ruling.about) == ("on call", "the desk needs the edition of May", made)
        assert vintages[1].retrieved_at.isoformat() == "2023-05-05T00:00:00+00:00"
        after = everything_live(home)
        kept = {path for path in before if path not in ("latest", "published/history.jsonl")}
        kept.discard(f"landing/{NAME}/checks.jsonl")
        assert len(kept) > 20
        assert {path: after[path] for path in kept} == {path: before[path] for path in kept}

        log = backfill.events(home / "backfill", made)
        assert [one.state for one in log] == ["begun", "waiting", "approving", "approved"]
        assert not (home / "backfill" / made / "home").exists()
        assert pipeline.load() is None, "a night after it finds nothing new"
        with pytest.raises(WarehouseError, match="is approved"):
            pipeline.approve_backfill(made, "once more")
        with pytest.raises(WarehouseError, match="is approved"):
            pipeline.discard_backfill(made, "once more")

    # A release is a function of the landing: built again, it is what was shown and approved.
    again = release_of(home, force=True)
    one, two = (publish.read_manifest(place)["tables"] for place in (stands, again))
    assert len(one) > 12
    assert {name: told["sha256"] for name, told in one.items()} == {
        name: told["sha256"] for name, told in two.items()
    }
    with duckdb.connect(str(stands / pipeline.DATABASE), read_only=True) as db:
        found = db.execute(
            "select previous_vintage, vintage, previous_value from core.fct_revision where "
            "indicator = 'BX.GSR.NFSV.CD' and period_label = '2021' order by vintage"
        ).fetchall()
    assert [(previous, now) for previous, now, _ in found] == [
        ("2022-09-16", "2023-05-05"),
        ("2023-05-05", "2024-07-12"),
    ]
    assert str(found[1][2]).startswith("338500.00000007")


def test_an_as_of_build_is_the_release_that_was_made_then(home: Path, tmp_path: Path) -> None:
    then = publish.standing(home / "published")
    assert then is not None
    night = SAMPLE_DIR / "night-2"
    later = recording(
        tmp_path / "later", "2026-06-01T00:00:00Z", b"339393210195.59", b"339400000000.5", night
    )
    assert replay(home, later)[NAME] == "2026-06-01"
    past = release_of(home, as_of=publish.read_manifest(then)["as_of"], force=True)
    assert past != then
    one, two = (publish.read_manifest(place) for place in (then, past))
    assert len(one["vintages"]) > 10 and one["vintages"] == two["vintages"]
    assert len(one["tables"]) > 12
    assert {name: told["sha256"] for name, told in one["tables"].items()} == {
        name: told["sha256"] for name, told in two["tables"].items()
    }


def test_what_is_landed_already_is_nothing_to_backfill(small: Path) -> None:
    before = everything_live(small)
    with environment(WAREHOUSE_HOME=str(small)):
        assert pipeline.backfill_begin(NAME, "2022-01-01", "2022-12-31", (str(NIGHT),)) is None
        (told,) = pipeline.list_backfills()
        assert told["state"] == "empty" and "the rows of 2022-09-16" in told["why"]
        assert pipeline.backfill_begin(NAME, "2021-01-01", "2021-12-31", (str(NIGHT),)) is None
        assert "retrieved 2022-09-16, which was not asked for" in pipeline.list_backfills()[-1]["why"]
        assert pipeline.backfill_begin(NAME, "2022-01-01", "2022-12-31", again=True) is None
    assert everything_live(small) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("2022-02-01", "2022-01-01", (str(NIGHT),)), "is of no day"),
        (("2022-01-01", "2022-02-01"), "answers with what it shows today"),
        (("2022-01-01", "2022-02-01", (), True), "no vintage from 2022-01-01 to 2022-02-01.*2022-09-16"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_way_out(
    small: Path, words: tuple[str, ...], told: str
) -> None:
    with (
        environment(WAREHOUSE_HOME=str(small), WAREHOUSE_MIRROR=""),
        pytest.raises(WarehouseError, match=told),
    ):
        pipeline.backfill_begin(NAME, *words)  # type: ignore[arg-type]


def test_a_pull_that_the_gate_refuses_fails_the_backfill_alone(small: Path, tmp_path: Path) -> None:
    mirror = recording(tmp_path / "mirror", "2023-05-05T00:00:00Z", THEN, b"3384407754740700.0")
    before = everything_live(small)
    with environment(WAREHOUSE_HOME=str(small)):
        with pytest.raises(Rejected, match="the gate refuses it"):
            pipeline.backfill_begin(NAME, "2023-01-01", "2023-12-31", (str(mirror),))
        (told,) = pipeline.list_backfills()
        assert told["state"] == "failed"
        with pytest.raises(WarehouseError, match="is failed, and this can be done only"):
            pipeline.approve_backfill(told["id"], "all the same")
        pipeline.discard_backfill(told["id"], "the mirror was cut badly")
        assert pipeline.list_backfills()[0]["why"] == "the mirror was cut badly"
    assert everything_live(small) == before


def waiting(home: Path, mirror: Path) -> str:
    """Begin a backfill, and let it wait with no more of a build than its name."""
    made = pipeline.backfill_begin(NAME, "2023-01-01", "2023-12-31", (str(mirror),))
    assert made is not None
    asked = backfill.find(home / "backfill", made)
    backfill.keep_report(asked, backfill.report_of(asked) | {"build": "20240202T000000000000Z"})
    backfill.tell(home / "backfill", made, "waiting", "test", "")
    return made


def test_an_approval_is_refused_when_the_ground_has_moved(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = recording(tmp_path / "mirror", "2023-05-05T00:00:00Z", THEN, OTHERWISE)
    with environment(WAREHOUSE_HOME=str(small)):
        made = waiting(small, mirror)
        with monkeypatch.context() as patched:
            patched.setattr(pipeline, "code_digest", lambda: "newer")
            assert "the code, the seeds or the expectations" in str(
                pipeline.show_backfill(made)["in_the_way"]
            )
    replay(small, SAMPLE_DIR / "night-2")
    before = everything_live(small)
    with environment(WAREHOUSE_HOME=str(small)):
        with pytest.raises(WarehouseError) as refused:
            pipeline.approve_backfill(made, "go")
        for word in (
            "vintage unctad_goods 2026-03-19 has landed",
            f"vintage {NAME} 2024-07-12 has landed",
            f"warehouse backfill {NAME} --from 2023-01-01 --to 2023-12-31 --mirror {mirror}",
        ):
            assert word in str(refused.value)
        assert everything_live(small) == before
        with pytest.raises(WarehouseError, match="needs a reason"):
            pipeline.discard_backfill(made, " ")
        pipeline.discard_backfill(made, "asked again")
        assert not (small / "backfill" / made / "home").exists()
        assert pipeline.show_backfill(made)["pulls"], "what it would have brought stays on record"
    assert everything_live(small) == before


def test_staged_bytes_that_were_changed_are_not_landed(small: Path, tmp_path: Path) -> None:
    mirror = recording(tmp_path / "mirror", "2023-05-05T00:00:00Z", THEN, OTHERWISE)
    with environment(WAREHOUSE_HOME=str(small)):
        made = waiting(small, mirror)
        staged = small / "backfill" / made / "home" / "landing" / NAME / "2023-05-05" / "rows.parquet"
        staged.write_bytes(staged.read_bytes() + b"?")
        with pytest.raises(WarehouseError, match=r"rows\.parquet is not the one that was judged"):
            pipeline.approve_backfill(made, "go")
    assert [one.id for one in landing.vintages(small / "landing", NAME)] == ["2022-09-16"]


def test_an_older_answer_of_a_day_that_has_a_later_one_has_no_place(small: Path, tmp_path: Path) -> None:
    later = recording(tmp_path / "later", "2023-05-05T12:00:00Z", THEN, OTHERWISE)
    earlier = recording(tmp_path / "earlier", "2023-05-05T01:00:00Z", THEN, b"338450000000.07")
    replay(small, later)
    with (
        environment(WAREHOUSE_HOME=str(small)),
        pytest.raises(WarehouseError, match=r"older than vintage 2023-05-05.*same day"),
    ):
        pipeline.backfill_begin(NAME, "2023-05-05", "2023-05-05", (str(earlier),))


def test_a_reader_that_changed_without_a_new_version_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: Path
) -> None:
    replay(small, SAMPLE_DIR / "night-2")
    whole = unctad_goods.SOURCE

    def shorter(files: object, work: object) -> object:
        for batch in whole.read(files, work):  # type: ignore[arg-type]
            yield batch.slice(1)

    for version, told in ((1, "Raise `reader_version`"), (2, None)):
        changed = type(whole)(**(vars(whole) | {"read": shorter, "reader_version": version}))
        monkeypatch.setattr(pipeline, "SOURCES", dict(SOURCES) | {"unctad_goods": changed})
        with environment(WAREHOUSE_HOME=str(small)):
            if told:
                with pytest.raises(WarehouseError, match=told):
                    pipeline.backfill_begin("unctad_goods", "2026-01-01", "2026-12-31", again=True)
            else:
                made = pipeline.backfill_begin("unctad_goods", "2026-01-01", "2026-12-31", again=True)
                assert made is not None
                (pull,) = pipeline.show_backfill(made)["pulls"]
                assert pull["outcome"] == "differs"
    assert not (small / "reread").exists(), "what is read again lies beside the live warehouse"
