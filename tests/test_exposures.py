"""The exposures of the dbt project name what the site, Superset and PostgreSQL really read."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import yaml

from warehouse.config import DBT_PROJECT_DIR, PROJECT_ROOT
from warehouse.publication.tables import read_tables

CONTENT = PROJECT_ROOT / "warehouse" / "site" / "content"
# Queries of pages beside those of their figures.
OF_TEMPLATES = {
    "index": ["headline"],
    "compare": ["comparison", "economy_names"],
    "economy": ["profiles", "economies", "economy_names"],
}
QUERIES = {
    figure["id"]: figure.get("query", figure["id"])
    for figure in yaml.safe_load((CONTENT / "figures.yml").read_text(encoding="utf-8"))
}
PAGES = {
    page["id"]: [*(QUERIES[one] for one in page["figures"]), *OF_TEMPLATES.get(page["id"], [])]
    for page in yaml.safe_load((CONTENT / "pages.yml").read_text(encoding="utf-8"))
}
DASHBOARDS = {
    one["page"]: {chart["dataset"] for chart in one["charts"]}
    for one in yaml.safe_load((PROJECT_ROOT / "superset" / "dashboards.yml").read_text(encoding="utf-8"))[
        "dashboards"
    ]
}


def exposures() -> dict[str, set[str]]:
    text = (DBT_PROJECT_DIR / "models" / "exposures.yml").read_text(encoding="utf-8")
    return {
        exposure["name"]: set(re.findall(r"ref\('(\w+)'\)", " ".join(exposure["depends_on"])))
        for exposure in yaml.safe_load(text)["exposures"]
    }


def models(folder: str, pattern: str = "*.sql") -> set[str]:
    found = {path.stem for path in (DBT_PROJECT_DIR / "models" / folder).rglob(pattern)}
    assert found
    return found


def tables_of(query: str) -> set[str]:
    text = (CONTENT / "queries" / f"{query}.sql").read_text(encoding="utf-8")
    return set(re.findall(r"\b(?:from|join)\s+(?:bi|marts|core)\.(\w+)", text))


def test_every_query_of_the_site_is_on_a_page() -> None:
    queries = {path.stem for path in Path(CONTENT / "queries").glob("*.sql")}
    assert {query for page in PAGES.values() for query in page} == queries != set()


@pytest.mark.parametrize("page", PAGES)
def test_page_depends_on_the_tables_of_its_queries(page: str) -> None:
    tables = set().union(*map(tables_of, PAGES[page]))
    assert exposures().get(f"site_{page}", set()) == tables


@pytest.mark.parametrize("page", DASHBOARDS)
def test_dashboard_depends_on_the_datasets_of_its_charts(page: str) -> None:
    assert exposures()[f"superset_{page}"] == DASHBOARDS[page] <= models("bi")


def test_workbook_has_the_tables_of_bi() -> None:
    assert exposures()["site_workbook"] == models("bi")


def test_postgresql_has_the_tables_that_are_published() -> None:
    with duckdb.connect() as db:
        for folder in ("core", "marts", "bi"):
            db.execute(f"create schema {folder}")
            for name in models(folder):
                db.execute(f"create table {folder}.{name} (i integer)")
        published = {table.name for table in read_tables(db, {})}
    assert exposures()["postgresql"] == published


def test_no_exposure_is_of_a_page_that_is_gone() -> None:
    names = set(exposures()) - {"site_workbook", "postgresql"}
    assert names <= {f"site_{page}" for page in PAGES} | {f"superset_{page}" for page in DASHBOARDS}
