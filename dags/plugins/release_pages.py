"""Airflow plugin: site, validation report and dbt documentation of the current release in the menu.

The pages are files of `published/latest`, read at each request: a new release is seen at once. Airflow does
not ask for a login here, so only what readers of a release get is served, and nothing is written.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from warehouse.config import read_settings
from warehouse.releases.store import DATABASE, LATEST

PREFIX = "/release"
FOLDERS = ("site", "data_docs", "dbt_docs", "parquet")
FILES = ("MANIFEST.json", DATABASE)
PAGES = {
    "Site of the release": "site/index.html",
    "Validation report": "data_docs/index.html",
    "dbt documentation": "dbt_docs/index.html",
}


class Folder(StaticFiles):
    """A folder of the current release. It need not exist: the first release brings it."""

    async def check_config(self) -> None:
        """Accept a missing directory; its files are answered with 404."""


latest = read_settings().published / LATEST
app = FastAPI(title="The current release", openapi_url=None)


@app.get("/{name}")
def release_file(name: str) -> FileResponse:
    """Return a file of the current release, if readers get it."""
    path = latest / name
    if name not in FILES or not path.is_file():
        raise HTTPException(404, "The current release has no such file, or there is no release yet.")
    return FileResponse(path)


for folder in FOLDERS:
    app.mount(f"/{folder}", Folder(directory=latest / folder, html=True, check_dir=False))


class ReleasePages(AirflowPlugin):
    """The pages of the current release, under "Browse" in the menu."""

    name = "release_pages"
    fastapi_apps: list[Any] = [{"app": app, "url_prefix": PREFIX, "name": "Current release"}]  # noqa: RUF012
    external_views: list[Any] = [  # noqa: RUF012
        {
            "name": name,
            "href": f"{PREFIX}/{page}",
            "destination": "nav",
            "category": "browse",
            "url_route": page.split("/")[0],
        }
        for name, page in PAGES.items()
    ]
