"""The statistics of revisions, by hand off the World Bank's files, and those too big to be silent.

Figures are typed off `warehouse/sample/night-1` and `night-2`, in dollars as the publisher prints them.
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse

from warehouse.errors import WarehouseError
from warehouse.files import record_json
from warehouse.releases.manifest import ReleaseManifest, VintageRef, read_manifest
from warehouse.releases.news import BigRevision, big_revisions_of, news_against
from warehouse.releases.store import DATABASE

FIRST, SECOND = "2022-09-16", "2024-07-12"
WORLD_BANK = VintageRef(source="worldbank_wdi", vintage=SECOND)


def fetch_rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as db:
        return db.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("indicator", "year", "before", "after", "direction"),
    [
        ("BX.GSR.NFSV.CD", "2021", "338440775474.07", "339393210195.59", "up"),
        ("NY.GDP.MKTP.CD", "2021", "17734062645371.4", "17820459508852.2", "up"),
        ("NY.GDP.MKTP.CD", "1990", "360857912565.966", "394565747349.055", "up"),
        ("NY.GDP.MKTP.CD", "2000", "1211346869600.41", "1211331651829.85", "down"),
        ("NY.GDP.MKTP.CD", "1960", "59716467625.3148", "59716249310.9742", "down"),
    ],
)
def test_revision_by_hand(
    indicator: str, year: str, before: str, after: str, direction: str, built: Path
) -> None:
    first, second = Decimal(before) / 10**6, Decimal(after) / 10**6
    found = fetch_rows(
        built,
        "select first_vintage, latest_vintage, first_value, second_value, latest_value, revision_count, "
        "withdrawal_count, mean_revision, mean_absolute_revision, mean_absolute_revision_pct, direction "
        f"from marts.mart_revision_summary where indicator = '{indicator}' and period_label = '{year}'",
    )
    assert len(found) == 1
    assert found[0] == (
        FIRST,
        SECOND,
        float(first),
        float(second),
        float(second),
        1,
        0,
        pytest.approx(float(second - first), rel=1e-12),
        pytest.approx(float(abs(second - first)), rel=1e-12),
        pytest.approx(float(abs(second - first) / first * 100), rel=1e-12),
        direction,
    )


def test_figures_that_were_only_withdrawn_have_first_value_and_no_mean(built: Path) -> None:
    # BX.GSR.ROYL.CD of 1982 to 1993 is 0 in the file of 2022-09-16 and null in that of 2024-07-12.
    found = fetch_rows(
        built,
        "select min(period_label), max(period_label), count(*), max(first_value), count(latest_value), "
        "count(mean_revision), min(direction), max(direction) from marts.mart_revision_summary "
        "where indicator = 'BX.GSR.ROYL.CD' and withdrawal_count = 1",
    )
    assert found == [("1982", "1993", 12, 0.0, 0, 0, "none", "none")]


def test_only_revised_figures_have_statistics(built: Path) -> None:
    # 2022 came new with the second vintage, and BX.GSR.NFSV.CD of 2000 never moved.
    cells = "from marts.mart_revision_summary where indicator = 'BX.GSR.NFSV.CD'"
    assert fetch_rows(built, f"select period_label {cells}") == [("2021",)]
    assert fetch_rows(
        built, "select sum(revision_count), sum(withdrawal_count) from marts.mart_revision_summary"
    ) == (
        fetch_rows(
            built,
            "select count(*) filter (where kind = 'changed'), count(*) filter (where kind = 'withdrawn') "
            "from marts.mart_revision",
        )
    )


@pytest.fixture
def news(warehouse: Warehouse, tmp_path: Path) -> Path:
    """Return a copy of the release whose `news` has only the World Bank's second vintage."""
    release = tmp_path / "release"
    release.mkdir()
    shutil.copyfile(warehouse.database, release / DATABASE)
    manifest = read_manifest(warehouse.release)
    assert manifest.news is not None
    only = manifest.news.model_copy(update={"vintages": (WORLD_BANK,)})
    write_manifest(release, manifest.model_copy(update={"news": only}))
    return release


def write_manifest(release: Path, manifest: ReleaseManifest) -> None:
    (release / "MANIFEST.json").write_text(record_json(manifest), encoding="utf-8")


def test_release_lists_its_big_revisions(warehouse: Warehouse, news: Path) -> None:
    stated = read_manifest(warehouse.release).news
    assert stated is not None and WORLD_BANK in stated.vintages
    found = big_revisions_of(warehouse.release)
    assert found == big_revisions_of(news), "no other source has a second vintage"
    assert stated.big_revisions == len(found) == 22
    assert stated.revisions == {"changed": 143, "new": 22, "withdrawn": 24}
    sizes = [abs(revision.change_pct or 0) for revision in found]
    assert sizes == sorted(sizes, reverse=True)
    assert all(abs(revision.change_pct or 0) > revision.threshold_pct for revision in found)
    # China's GDP of 1990 went from 360857912565.966 to 394565747349.055 dollars: 9.34 % against 5.
    (gdp,) = [
        revision for revision in found if "NY.GDP" in revision.series and revision.period_label == "1990"
    ]
    assert gdp == BigRevision(
        source="worldbank_wdi",
        vintage=SECOND,
        previous_vintage=FIRST,
        series="worldbank_wdi / CHN / NY.GDP.MKTP.CD / A",
        period_label="1990",
        previous_value=360857.912565966,
        value=394565.747349055,
        change_pct=gdp.change_pct,
        threshold_pct=5.0,
    )
    assert gdp.change_pct == pytest.approx(9.34102692, rel=1e-8)
    assert not [revision for revision in found if "BX.GSR.NFSV.CD" in revision.series], "0.28 % is within 2"


def test_revisions_of_the_previous_release_are_not_news(warehouse: Warehouse) -> None:
    published, manifest = warehouse.home / "published", read_manifest(warehouse.release)
    again = news_against(published, warehouse.database, manifest)
    assert (again.against, again.vintages, again.big_revisions) == (warehouse.release.name, (), 0)
    assert again.revisions == {"new": 0, "changed": 0, "withdrawn": 0}


def test_change_from_zero_has_no_percentage_and_is_first(news: Path) -> None:
    with duckdb.connect(str(news / DATABASE)) as db:
        db.execute(
            "update marts.mart_revision_alert set previous_value = 0, change_pct = null "
            "where series like '%NY.GDP%' and period_label = '1990'"
        )
    first = big_revisions_of(news)[0]
    assert (first.period_label, first.change_pct) == ("1990", None)


def test_manifest_that_disagrees_with_its_database_is_an_error(news: Path) -> None:
    with duckdb.connect(str(news / DATABASE)) as db:
        db.execute("delete from marts.mart_revision_alert where period_label = '1990'")
    with pytest.raises(WarehouseError, match=r"21 .*22 .*MANIFEST\.json|MANIFEST\.json.*22.*21"):
        big_revisions_of(news)
    write_manifest(news, read_manifest(news).model_copy(update={"news": None}))
    with pytest.raises(WarehouseError, match="news"):
        big_revisions_of(news)
