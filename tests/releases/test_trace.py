"""Every figure of a mart or a core fact can be traced to rows of the original files, with checksums.

The first part tests rules on a small release and landing, the second the project's rules on the sample.
"""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Warehouse, copy_home
from small_releases import dbt_manifest, flip_bit, make_release, make_vintage, overwrite

from warehouse.config import SAMPLE_DIR
from warehouse.errors import WarehouseError
from warehouse.files import read_record
from warehouse.releases.store import reading
from warehouse.releases.trace import Lineage, trace

SOURCE, OLD, NEW = "worldbank_wdi", "2022-09-16", "2024-07-12"
FACT = "core.fct_services_trade"
SQL = f"""
    create table {FACT} as select * from (values
        ('{SOURCE}', '{NEW}', 'CHN', 'S', 100.0, 'data.csv', 2),
        ('{SOURCE}', '{NEW}', 'CHN', 'SC', 25.0, 'data.csv', 3),
        ('{SOURCE}', '{NEW}', 'WLD', 'SC', 500.0, 'data.csv#sheet!B4', 4)
    ) as t (source, vintage, reporter, service, value_million, _file, _row);
    create table core.fct_revision as select '{SOURCE}' as source, 'a' as series, '{OLD}' as previous_vintage,
        '{NEW}' as vintage, 'data.csv' as _previous_file, 2 as _previous_row, 'data.csv' as _file, 3 as _row
        union all select '{SOURCE}', 'b', '{OLD}', '{NEW}', 'data.csv', 2, null, null;
    create table core.dim_service as select 'S' as service;
    create table marts.mart_share as
        select '{SOURCE}' as source, 'CHN' as reporter, 'SC' as service, 0.25 as share;
    create table marts.mart_old as select 'CHN' as reporter;
    create table marts.mart_many as select 'CHN' as reporter, i as number from range(20) as r (i);
    create table marts.mart_freshness as select '{SOURCE}' as source;
    create table marts.mart_ratio as select 'c1' as claim_id;
    create table core.bridge_cell as select * from (values
        ('c1', 1, 'numerator', '{SOURCE}', '{NEW}', 'data.csv', 3),
        ('c1', 2, 'denominator', '{SOURCE}', '{NEW}', 'data.csv', 2),
        ('c1', 3, 'denominator', '{SOURCE}', '{NEW}', 'data.csv', 2)
    ) as t (claim_id, number, role, source, vintage, _file, _row);
    create table marts.mart_claim as select * from (values
        ('c1', 'reproduced', 'share of 100', '{SOURCE}'), ('c2', 'untestable', 'no source states it', null)
    ) as t (claim_id, verdict, reason, source);
    create table marts.claim_figure as
        select 'c1' as claim_id, 'CHN' as reporter, 'SC' as service, 'numerator' as part
        union all select 'c1', 'WLD', 'SC', 'denominator'"""
SHARE: list[dict[str, Any]] = [
    {"role": "numerator", "model": "fct_services_trade", "keys": ["source", "reporter", "service"]},
    {
        "role": "denominator",
        "model": "fct_services_trade",
        "keys": ["source", "reporter"],
        "where": "service = 'S' and $share > 0",
    },
    {
        "role": "world",
        "model": "fct_services_trade",
        "keys": ["source", "service"],
        "where": "reporter = 'WLD'",
    },
]
MODELS = {
    FACT: {},
    "core.fct_revision": {},
    "core.dim_service": {},
    "marts.mart_share": {"trace": SHARE},
    "marts.mart_ratio": {"trace": {"model": "bridge_cell", "keys": ["claim_id"]}},
    "core.bridge_cell": {},
    "marts.mart_old": {"trace": {"model": "fct_services_trade", "keys": ["reporter"]}},
    "marts.mart_many": {"trace": {"model": "fct_services_trade", "keys": ["reporter"]}},
    "marts.mart_freshness": {"trace": None},
    "marts.mart_claim": {
        "trace": [
            {
                "role": part,
                "model": "claim_figure",
                "keys": ["claim_id"],
                "if_empty": "The claim is untestable",
            }
            | {"where": f"part = '{part}' and $source is not null"}
            for part in ("numerator", "denominator")
        ]
    },
    "marts.claim_figure": {"trace": [{"model": "fct_services_trade", "keys": ["reporter", "service"]}]},
}
PARENTS = {
    "fct_services_trade": ["int_observations"],
    "fct_revision": ["int_observations"],
    "int_observations": [SOURCE],
    "mart_share": ["fct_services_trade"],
    "mart_old": ["fct_services_trade"],
    "mart_claim": ["claim_figure"],
    "claim_figure": ["fct_services_trade"],
    "mart_ratio": ["bridge_cell"],
    "bridge_cell": ["int_observations"],
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a small release whose rows come from two landed vintages; read only."""
    made = tmp_path_factory.mktemp("trace") / "home"
    for vintage, total in ((OLD, "90"), (NEW, "100")):
        rows: list[dict[str, str | int | None]] = [
            {"value": total, "_file": "data.csv", "_row": 2},
            {"value": "25", "_file": "data.csv", "_row": 3},
            {"value": "500", "_file": "data.csv#sheet!B4", "_row": 4},
        ]
        make_vintage(made / "landing", SOURCE, vintage, rows, f"value\n{total}\n25\n500\n")
    models = MODELS | {"intermediate.int_observations": {}}
    docs = dbt_manifest(made / "manifest.json", models, PARENTS, [SOURCE])
    make_release(made, "one", sql=SQL, docs={"dbt_docs/manifest.json": docs})
    return made


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """Return a copy of that home, in which a test may change files."""
    return copy_home(template, tmp_path / "home")


def follow(home: Path, table: str, **conditions: str) -> tuple[Lineage, ...]:
    return trace(home / "published" / "one", home / "landing", home / "cache", table, conditions)


def values(lineage: Lineage) -> list[str]:
    return [origin.raw_row["value"] for origin in lineage.origins]


def test_trace_of_core_fact_leads_to_its_row(home: Path) -> None:
    (lineage,) = follow(home, FACT, reporter="WLD")
    assert (lineage.table, lineage.role) == (FACT, "figure")
    assert lineage.models == (FACT, "intermediate.int_observations", f"raw.{SOURCE}")
    (origin,) = lineage.origins
    assert (origin.file.name, origin.location, origin.row) == ("data.csv", "sheet!B4", 4)
    assert origin.raw_row == {"value": "500", "_file": "data.csv#sheet!B4", "_row": 4}
    assert origin.address == f"https://example.org/{SOURCE}.csv"
    assert origin.retrieved_at.date().isoformat() == NEW
    assert origin.is_file_intact and origin.is_rows_intact and origin.is_intact and lineage.is_intact
    assert follow(home, "fct_services_trade", reporter="WLD") == (lineage,)


def test_each_rule_of_a_list_is_followed_under_its_role(home: Path) -> None:
    found = follow(home, "marts.mart_share")
    assert [(lineage.role, values(lineage)) for lineage in found] == [
        ("numerator", ["25"]),
        ("denominator", ["100"]),
        ("world", ["500"]),
    ]
    assert {lineage.models for lineage in found} == {
        ("marts.mart_share", FACT, "intermediate.int_observations", f"raw.{SOURCE}")
    }
    assert all(lineage.published["share"] == pytest.approx(0.25) for lineage in map(as_floats, found))


def as_floats(lineage: Lineage) -> Lineage:
    published = lineage.published | {"share": float(lineage.published["share"])}
    return Lineage(lineage.table, published, lineage.role, lineage.models, lineage.origins)


def test_single_rule_of_an_older_release_is_followed(home: Path) -> None:
    (lineage,) = follow(home, "mart_old")
    assert (lineage.role, values(lineage)) == ("figure", ["100", "25"])


def test_helper_table_is_traced_by_its_own_rule(home: Path) -> None:
    numerator, denominator = follow(home, "marts.mart_claim", claim_id="c1")
    assert (numerator.role, values(numerator)) == ("numerator", ["25"])
    assert (denominator.role, values(denominator)) == ("denominator", ["500"])
    assert numerator.models == (
        "marts.mart_claim",
        "marts.claim_figure",
        FACT,
        "intermediate.int_observations",
        f"raw.{SOURCE}",
    )


def test_helper_table_with_files_and_rows_states_the_roles(home: Path) -> None:
    numerator, denominator = follow(home, "marts.mart_ratio")
    assert (numerator.role, values(numerator)) == ("numerator", ["25"])
    assert (denominator.role, values(denominator)) == ("denominator", ["100"]), "the row serves twice"
    assert numerator.models[:2] == ("marts.mart_ratio", "core.bridge_cell")
    roles = [lineage.role for lineage in follow(home, "core.bridge_cell")]
    assert roles == ["numerator", "denominator", "denominator"]


def state_rules(home: Path, *rules: dict[str, Any]) -> None:
    """Replace the trace rules of mart_share."""
    path = home / "published" / "one" / "dbt_docs" / "manifest.json"
    content = json.loads(path.read_text())
    content["nodes"]["model.w.mart_share"]["config"]["meta"]["trace"] = rules
    overwrite(path, json.dumps(content))


def test_note_states_where_figures_are_that_no_table_has(home: Path) -> None:
    note = {"role": "value added", "note": "Only the landing has it.", "where": "$share > 0"}
    state_rules(home, *SHARE, note)
    *_, world, last = follow(home, "marts.mart_share")
    assert (world.role, world.note) == ("world", None)
    assert (last.role, last.note, last.origins) == ("value added", "Only the landing has it.", ())
    assert last.models == ("marts.mart_share",) and last.is_intact
    state_rules(home, *SHARE, note | {"where": "$share > 1"})
    assert [lineage.role for lineage in follow(home, "marts.mart_share")] == [
        "numerator",
        "denominator",
        "world",
    ]
    state_rules(home, note | {"where": "$share > 1"})
    with pytest.raises(WarehouseError, match=r"no row of a core table has a figure behind share=0\.25"):
        follow(home, "marts.mart_share")


def test_row_without_figure_is_reported_with_reason_and_without_empty_keys(home: Path) -> None:
    with pytest.raises(WarehouseError) as caught:
        follow(home, "marts.mart_claim", claim_id="c2")
    assert str(caught.value) == (
        "marts.mart_claim: no row of claim_figure has a figure behind claim_id=c2. "
        "The claim is untestable. Reason in the row: no source states it"
    )


def test_rule_may_follow_some_roles_of_its_model(home: Path) -> None:
    file = home / "published" / "one" / "dbt_docs" / "manifest.json"
    manifest = json.loads(file.read_text())
    (node,) = (one for one in manifest["nodes"].values() if one["name"] == "mart_old")
    rule = {"role": "figures", "model": "mart_share", "keys": ["reporter"], "roles": ["numerator", "world"]}
    node["config"]["meta"]["trace"] = rule
    overwrite(file, json.dumps(manifest))
    found = follow(home, "marts.mart_old")
    assert [(lineage.role, values(lineage)) for lineage in found] == [
        ("numerator", ["25"]),
        ("world", ["500"]),
    ]


@pytest.mark.parametrize("table", ["marts.mart_freshness", "core.dim_service"])
def test_table_without_figures_is_reported_with_its_kind(home: Path, table: str) -> None:
    with pytest.raises(WarehouseError, match="has no figures to trace") as caught:
        follow(home, table)
    assert str(caught.value).endswith(f"What {table} is.")


def test_revision_leads_to_both_vintages_and_withdrawn_figure_to_the_earlier(home: Path) -> None:
    (lineage,) = follow(home, "core.fct_revision", series="a")
    assert [(origin.vintage, origin.row) for origin in lineage.origins] == [(OLD, 2), (NEW, 3)]
    (lineage,) = follow(home, "core.fct_revision", series="b")
    assert [(origin.vintage, origin.raw_row["value"]) for origin in lineage.origins] == [(OLD, "90")]


@pytest.mark.parametrize(
    ("table", "conditions", "message"),
    [
        ("marts.mart_none", {}, r"there is no table 'marts\.mart_none' to trace\. .*core\.fct_revision"),
        ("core.mart_share", {}, "there is no table 'core.mart_share'"),
        ("marts.mart_share", {"colour": "red"}, "has no column colour; it has source, reporter"),
        ("marts.mart_share", {"reporter": "XXX"}, r"no row of marts\.mart_share has reporter=XXX"),
        ("marts.mart_many", {"reporter": "CHN"}, r"more than 12 rows of .* such as number$"),
    ],
)
def test_failed_trace_is_reported_with_reason(
    home: Path, table: str, conditions: dict[str, str], message: str
) -> None:
    with pytest.raises(WarehouseError, match=message):
        follow(home, table, **conditions)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"model": "fct_none", "keys": []}, "names the model fct_none, which does not exist"),
        (
            {"model": "fct_services_trade", "keys": ["flow"]},
            "names flow, which marts.mart_share does not have",
        ),
        (
            {"model": "fct_services_trade", "where": "$flow = 1"},
            "names flow, which marts.mart_share does not have",
        ),
        ({"keys": []}, r"invalid record \(.*a trace rule has either model or note"),
        ({"model": "fct_services_trade", "note": "elsewhere"}, "a trace rule has either model or note"),
        ({"note": "elsewhere", "where": "$flow = 1"}, "names flow, which marts.mart_share does not have"),
        ({"model": "mart_share", "keys": ["source"]}, "do not end"),
        (
            {"model": "mart_old", "keys": ["reporter"], "roles": ["numerator"]},
            "no trace rule of mart_old has the role numerator",
        ),
    ],
)
def test_invalid_rule_is_reported(home: Path, rule: dict[str, Any], message: str) -> None:
    state_rules(home, rule)
    with pytest.raises(WarehouseError, match=message):
        follow(home, "marts.mart_share")


def test_changed_file_is_not_intact(home: Path) -> None:
    flip_bit(home / "landing" / SOURCE / NEW / "files" / "data.csv")
    (lineage,) = follow(home, FACT, service="S")
    (origin,) = lineage.origins
    assert (origin.is_file_intact, origin.is_rows_intact, lineage.is_intact) == (False, True, False)
    assert origin.raw_row["value"] == "100"
    origin.file.unlink()
    assert follow(home, FACT, service="S")[0].origins[0].is_file_intact is False


def test_changed_digit_of_the_parsed_rows_is_never_certified(home: Path) -> None:
    path = home / "landing" / SOURCE / NEW / "rows.parquet"
    rows = pq.read_table(path).to_pylist()
    assert rows[0]["value"] == "100"
    rows[0]["value"] = "900"
    pq.write_table(pa.Table.from_pylist(rows), path)
    (lineage,) = follow(home, FACT, service="S")
    (origin,) = lineage.origins
    assert (origin.is_file_intact, origin.is_rows_intact, lineage.is_intact) == (True, False, False)
    assert origin.raw_row == {}
    path.unlink()
    assert follow(home, FACT, service="S")[0].is_intact is False


def test_missing_vintage_file_or_row_is_reported(home: Path) -> None:
    directory = home / "landing" / SOURCE / NEW
    content = json.loads((directory / "manifest.json").read_text())
    renamed = content | {"files": [content["files"][0] | {"name": "other.csv"}]}
    (directory / "manifest.json").write_text(json.dumps(renamed))
    with pytest.raises(WarehouseError, match=r"manifest\.json: lists no file data\.csv"):
        follow(home, FACT, service="S")
    (directory / "manifest.json").unlink()
    with pytest.raises(WarehouseError, match=rf"{NEW}/manifest\.json: cannot be read"):
        follow(home, FACT, service="S")


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
def test_damaged_dbt_manifest_is_reported_with_path(home: Path, content: str | None) -> None:
    path = home / "published" / "one" / "dbt_docs" / "manifest.json"
    if content is None:
        path.unlink()
    else:
        overwrite(path, content)
    with pytest.raises(WarehouseError, match=r"dbt_docs/manifest\.json: .*`warehouse releases`"):
        follow(home, FACT, service="S")


def test_damaged_database_is_reported_with_path(home: Path) -> None:
    path = home / "published" / "one" / "warehouse.duckdb"
    flip_bit(path, 10)
    with pytest.raises(WarehouseError, match=r"warehouse\.duckdb: cannot be read .*`warehouse rollback "):
        follow(home, FACT, service="S")


# --- the sample ---------------------------------------------------------------------------------------

# A table of loads, not of figures.
WITHOUT_FIGURES = {"mart_freshness"}
# No recorded source has them; test_mode_of_supply.py traces a row of theirs.
WITHOUT_ROWS = {"core.fct_mode_of_supply", "marts.mart_mode_of_supply"}
ROWS_TO_TRY = 4


def stated_rules(warehouse: Warehouse) -> dict[str, Any]:
    manifest = json.loads((warehouse.release / "dbt_docs" / "manifest.json").read_text(encoding="utf-8"))
    return {
        node["name"]: node["config"]["meta"]["trace"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def follow_sample(warehouse: Warehouse, table: str, **conditions: str) -> tuple[Lineage, ...]:
    return trace(warehouse.release, warehouse.home / "landing", warehouse.home / "reread", table, conditions)


def test_every_mart_has_a_trace_rule(warehouse: Warehouse) -> None:
    rules = stated_rules(warehouse)
    assert len(rules) >= 12
    assert {mart for mart, rule in rules.items() if rule is None} == WITHOUT_FIGURES


def test_rows_of_every_mart_and_core_fact_lead_to_raw_rows(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Read once and held open: each trace takes longer for the manifest and for opening than for the rest.
    monkeypatch.setattr("warehouse.releases.trace.read_record", cache(read_record))
    tried: list[tuple[str, dict[str, str]]] = []
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        facts = db.execute(
            "select 'core.' || table_name from duckdb_tables() where schema_name = 'core' "
            "and starts_with(table_name, 'fct_')"
        ).fetchall()
        tables = [fact for (fact,) in facts]
        assert len(tables) >= 6
        tables += [f"marts.{mart}" for mart, rule in stated_rules(warehouse).items() if rule is not None]
        for table in tables:
            # A claim that no source can test has no figure, and its trace states that.
            where = "where found_value is not null" if table == "marts.mart_claim" else ""
            found = db.execute(
                f"select cast(columns(*) as varchar) from (from {table} {where}) "
                f"using sample reservoir({ROWS_TO_TRY} rows) repeatable (7)"
            )
            names = [name for name, *_ in found.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            assert bool(rows) == (table not in WITHOUT_ROWS), f"{table} has {len(rows)} rows"
            tried += [(table, row) for row in rows]
    assert len(tried) >= 60
    with reading(warehouse.database):
        found = [
            (
                table,
                follow_sample(
                    warehouse, table, **{name: text for name, text in row.items() if text is not None}
                ),
            )
            for table, row in tried
        ]
    for table, lineages in found:
        assert lineages
        for lineage in lineages:
            assert lineage.models[0] == table
            assert lineage.models[-1].startswith("raw.")
            assert lineage.origins and lineage.is_intact
            assert all(origin.raw_row for origin in lineage.origins)


def test_trace_of_reconciliation_leads_to_the_figures_of_both_sources(warehouse: Warehouse) -> None:
    found = follow_sample(
        warehouse,
        "marts.mart_reconciliation",
        source_a="unctad_services",
        source_b="worldbank_wdi",
        reporter="CHN",
        service="S",
        flow="exports",
        period_label="2021",
    )
    figures = {lineage.role: (lineage.models[-1], values(lineage)) for lineage in found[:2]}
    assert figures == {
        "source_a's figure": ("raw.unctad_services", ["394272.573"]),
        "source_b's figure": ("raw.worldbank_wdi", ["339393210195.59"]),
    }
    assert {lineage.role for lineage in found[2:]} == {"other periods, for the break"}


def test_trace_of_mirror_leads_to_the_cells_of_both_sides(warehouse: Warehouse) -> None:
    found = follow_sample(
        warehouse,
        "marts.mart_mirror",
        reporter="GBR",
        partner="CHN",
        service="S",
        flow="imports",
        period_label="2016",
        reporter_source="ons_services",
        partner_source="batis",
    )
    assert {lineage.models[-1] for lineage in found} == {"raw.batis", "raw.ons_services"}
    assert len(found) == 2 and all(len(lineage.origins) == 1 for lineage in found)


def test_trace_of_a_balanced_value_leads_to_its_line_of_the_recorded_answer(warehouse: Warehouse) -> None:
    found = follow_sample(
        warehouse,
        "core.fct_bilateral_services_trade",
        source="batis_sdmx",
        reporter="GBR",
        partner="CHN",
        service="SE",
        flow="imports",
        period_label="2019",
    )
    (lineage,) = found
    assert lineage.models[-1] == "raw.batis_sdmx"
    (origin,) = lineage.origins
    (file,) = (SAMPLE_DIR / "night-2" / "sdmx.oecd.org").rglob("batis.csv")
    assert origin.is_intact and origin.raw_row["obs_value"] == "118.50812"
    assert file.read_text().splitlines()[origin.row - 1].endswith(",2019,118.50812,I")


def test_trace_of_group_leads_to_its_members_of_that_year_only(warehouse: Warehouse) -> None:
    found = follow_sample(
        warehouse,
        "marts.mart_trade_partner_group",
        source="batis",
        reporter="CHN",
        group_code="BRICS",
        service="S",
        flow="exports",
        period_label="2019",
    )
    lineage = found[0]
    # Of the five members of that year China is the reporter: four partners are left.
    assert len(lineage.origins) == int(lineage.published["members_counted"]) == 4


def test_trace_of_region_leads_to_the_accounts_of_its_provinces(warehouse: Warehouse, tmp_path: Path) -> None:
    # The sample has no accounts of provinces: copies of the release and of the landing get those of Beijing.
    release = Path(shutil.copytree(warehouse.release, tmp_path / "release"))
    landing = Path(shutil.copytree(warehouse.home / "landing", tmp_path / "landing"))
    accounts = {"NBS.GDP": 1, "NBS.VA_TERTIARY": 2, "NBS.VA_PRIMARY": 3}
    rows = [{"value": str(row), "_file": "data.csv", "_row": row} for row in accounts.values()]
    make_vintage(landing, "nbs_accounts", "2026-01-01", rows)
    (release / "warehouse.duckdb").chmod(0o600)
    with duckdb.connect(str(release / "warehouse.duckdb")) as db:
        db.execute(
            "update marts.mart_trade_regional set services_value_added_share_pct = 75 where region = '110000'"
        )
        for indicator, row in accounts.items():
            db.execute(
                "insert into core.fct_indicator by name select 'nbs_accounts' as source, 'CHN' as reporter,"
                " 'WLD' as partner, '110000' as region, ? as indicator, 'A' as frequency,"
                " '2017' as period_label, date '2017-01-01' as period_start, date '2017-12-31' as period_end,"
                " 'million' as unit, 'CNY' as currency, 1 as value, '2026-01-01' as vintage,"
                " 'data.csv' as _file, ? as _row",
                [indicator, row],
            )

    def accounts_of(region: str) -> list[str]:
        found = trace(
            release,
            landing,
            warehouse.home / "reread",
            "mart_trade_regional",
            {"region": region, "period_label": "2017"},
        )
        return [
            value
            for lineage in found
            if lineage.role == "value added of services, and GDP"
            for value in values(lineage)
        ]

    assert accounts_of("110000") == ["1", "2"]
    assert accounts_of("BTH") == []


def test_trace_of_a_quarter_of_months_leads_to_its_three_months(warehouse: Warehouse, tmp_path: Path) -> None:
    # The sample has no months in a row: copies of the release and of the landing get those of a quarter.
    release = Path(shutil.copytree(warehouse.release, tmp_path / "release"))
    landing = Path(shutil.copytree(warehouse.home / "landing", tmp_path / "landing"))
    rows = [{"value": str(month), "_file": "data.csv", "_row": month} for month in range(1, 5)]
    make_vintage(landing, "safe_monthly", "2026-01-01", rows)
    (release / "warehouse.duckdb").chmod(0o600)
    with duckdb.connect(str(release / "warehouse.duckdb")) as db:
        for month in range(1, 5):
            db.execute(
                "insert into core.fct_services_trade by name select 'safe_monthly' as source,"
                " 'CHN' as reporter, 'WLD' as partner, 'S' as service, 'exports' as flow,"
                " 'M' as frequency, ? as period_label,"
                " make_date(2021, ?, 1) as period_start, last_day(make_date(2021, ?, 1)) as period_end,"
                " 'USD' as currency, 'reported' as value_type, 100 as value_million,"
                " '2026-01-01' as vintage, 'data.csv' as _file, ? as _row",
                [f"2021-{month:02}", month, month, month],
            )
        db.execute(
            "insert into marts.mart_reconciliation by name select * replace ('safe_monthly' as source_b,"
            " '2026-01-01' as vintage_b, 'Q' as frequency, '2021-Q1' as period_label,"
            " date '2021-03-31' as period_end, 'sum of 3 months; rounded' as status_b)"
            " from marts.mart_reconciliation where source_a = 'safe_bop' and reporter = 'CHN'"
            " and service = 'S' and flow = 'exports' and period_label = '2021'"
            " and source_b = 'unctad_services'"
        )
    found = trace(
        release,
        landing,
        warehouse.home / "reread",
        "mart_reconciliation",
        {"source_b": "safe_monthly", "period_label": "2021-Q1"},
    )
    roles = {lineage.role: values(lineage) for lineage in found}
    assert roles["months of source_b's quarter"] == ["1", "2", "3"]


def test_trace_of_share_of_region_leads_to_the_printed_total_of_the_country(warehouse: Warehouse) -> None:
    found = follow_sample(warehouse, "marts.mart_trade_regional", region="110000", period_label="2017")
    roles = {lineage.role: values(lineage) for lineage in found}
    assert roles["value, or provinces of the group"] == ["1"]  # trillion
    assert roles["trade of the country"][0] == "46991.1"  # 100 million
    assert roles["share or growth as printed"] == ["21"]


def test_trace_of_printed_rate_leads_to_its_amounts(warehouse: Warehouse) -> None:
    """Growth of 2021: 25 435.0 on 19 356.7; share of Beijing in 2017: 1 trillion of 46 991.1."""
    printed = {"source": "curated", "reporter": "CHN"}
    found = follow_sample(
        warehouse,
        "marts.mart_published_rate",
        indicator="growth_pct.S.exports.CNY",
        period_label="2021",
        **printed,
    )
    assert {lineage.role: values(lineage) for lineage in found} == {
        "printed rate": ["31.4"],
        "amount": ["25435.0"],
        "same period of the previous year": ["19356.7"],
    }
    found = follow_sample(
        warehouse, "marts.mart_published_rate", region="110000", period_label="2017", **printed
    )
    assert {lineage.role: values(lineage) for lineage in found} == {
        "printed rate": ["21"],
        "amount": ["1"],
        "whole of the share": ["46991.1"],
    }
    found = follow_sample(
        warehouse,
        "marts.mart_published_rate",
        source="worldbank_wdi",
        indicator="BG.GSR.NFSV.GD.ZS",
        period_label="2019",
    )
    roles = {lineage.role: len(lineage.origins) for lineage in found}
    assert roles == {"printed rate": 1, "amount": 2, "GDP": 1}


def test_trace_of_computed_balance_leads_to_both_flows(warehouse: Warehouse) -> None:
    cell = {"source": "unctad_services", "reporter": "CHN", "period_label": "2021", "service": "S"}
    (balance,) = [
        lineage
        for lineage in follow_sample(warehouse, "marts.mart_trade_structure", flow="balance", **cell)
        if lineage.role == "value, or exports and imports"
    ]
    assert sorted(values(balance)) == ["394272.573", "426997.952"]


def test_trace_of_digital_share_leads_to_the_total_of_another_source(warehouse: Warehouse) -> None:
    found = follow_sample(
        warehouse,
        "marts.mart_digital_trade",
        source="data360_digital",
        reporter="CHN",
        period_label="2020",
        flow="exports",
    )
    roles = {lineage.role: lineage for lineage in found}
    (group,) = roles["the group, or its members"].origins
    assert group.raw_row["obs_value"] == "151509.0"
    assert roles["total services"].models[-1] == "raw.unctad_services"
    assert values(roles["total services"]) == ["280628.773"]


def test_trace_of_claim_leads_to_the_cells_of_its_numerator_and_denominator(warehouse: Warehouse) -> None:
    found = follow_sample(
        warehouse, "marts.mart_claim", claim_id="digital_share_2020", source="data360_digital"
    )
    roles = {lineage.role: lineage for lineage in found}
    digital, services = roles["numerator"], roles["denominator"]
    assert len(found) == 2 and digital.models[:2] == ("marts.mart_claim", "core.bridge_claim_cell")
    assert (digital.models[-1], services.models[-1]) == ("raw.data360_digital", "raw.unctad_services")
    # USD million: digitally deliverable exports and imports of China, and all its services
    exports, imports = (float(origin.raw_row["obs_value"]) for origin in digital.origins)
    totals = [float(value) for value in values(services)]
    share = 100 * (exports + imports) / sum(totals)
    assert digital.published["found_value"] == pytest.approx(share, rel=1e-9)


def test_trace_of_older_vintage_of_claim_leads_to_the_row_before_the_revision(warehouse: Warehouse) -> None:
    (older,) = follow_sample(
        warehouse,
        "marts.mart_claim",
        claim_id="services_exports_2021",
        source="worldbank_wdi",
        vintage="2022-09-16",
    )
    assert [origin.vintage for origin in older.origins] == ["2022-09-16"]
    assert float(values(older)[0]) == pytest.approx(older.published["found_value"] * 1e9)


def test_trace_of_untestable_claim_has_no_inputs(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="The claim is untestable"):
        follow_sample(warehouse, "marts.mart_claim", claim_id="bilateral_agreements_2020")


def test_no_published_row_is_an_error(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"no row of marts\.mart_mirror has"):
        follow_sample(warehouse, "marts.mart_mirror", reporter="XXX")
