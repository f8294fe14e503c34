"""The plugin that serves the pages of the current release in Airflow's page."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from conftest import environment
from fastapi.testclient import TestClient

from warehouse.config import PROJECT_ROOT


def plugin_of(home: Path) -> ModuleType:
    """Import the plugin anew, as an api-server of this home does."""
    path = PROJECT_ROOT / "dags" / "plugins" / "release_pages.py"
    spec = importlib.util.spec_from_file_location("release_pages_of_a_test", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with environment(WAREHOUSE_HOME=str(home)):
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for release in ("r1", "r2"):
        for folder in ("site", "data_docs", "dbt_docs", "parquet", "build_records"):
            (tmp_path / "published" / release / folder).mkdir(parents=True)
            (tmp_path / "published" / release / folder / "index.html").write_text(f"{folder} of {release}")
        (tmp_path / "published" / release / "MANIFEST.json").write_text("{}")
    (tmp_path / "published" / "latest").symlink_to("r1")
    (tmp_path / "published" / "history.jsonl").write_text("private")
    return tmp_path


def test_a_new_release_is_served_at_the_next_request(home: Path) -> None:
    client = TestClient(plugin_of(home).app)
    assert client.get("/site/index.html").text == "site of r1"
    (home / "published" / "latest").unlink()
    (home / "published" / "latest").symlink_to("r2")
    assert client.get("/site/").text == "site of r2"
    assert client.get("/data_docs/index.html").text == "data_docs of r2"


@pytest.mark.parametrize(
    "path",
    [
        "/build_records/index.html",
        "/history.jsonl",
        "/site/../build_records/index.html",
        "/site/%2e%2e/build_records/index.html",
        "/site/..%2f..%2f..%2fhistory.jsonl",
        "/warehouse.duckdb",
        "/",
    ],
)
def test_only_what_readers_get_is_served(home: Path, path: str) -> None:
    assert TestClient(plugin_of(home).app).get(path).status_code == 404


def test_nothing_can_be_written(home: Path) -> None:
    client = TestClient(plugin_of(home).app)
    assert client.put("/MANIFEST.json", content="x").status_code == 405
    assert client.post("/site/index.html", content="x").status_code == 405


def test_a_warehouse_without_a_release_answers_not_found(tmp_path: Path) -> None:
    assert TestClient(plugin_of(tmp_path).app).get("/site/index.html").status_code == 404


def test_every_menu_entry_is_a_page_that_the_plugin_serves(home: Path) -> None:
    module = plugin_of(home)
    client = TestClient(module.app)
    (mounted,) = module.ReleasePages.fastapi_apps
    for view in module.ReleasePages.external_views:
        assert view["href"].startswith(mounted["url_prefix"] + "/")
        assert client.get(view["href"].removeprefix(mounted["url_prefix"])).status_code == 200
