"""Superset as `make superset` runs it, on a copy of the sample's release, and tabs of its users."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chromium import chromium
from conftest import Warehouse

from warehouse.config import PROJECT_ROOT
from warehouse.releases.store import DATABASE

PYTHON = PROJECT_ROOT / ".venv-superset" / "bin" / "python"
SECRETS = ("superset_secret_key", *(f"superset_{user}_password" for user in ("admin", "analyst", "reader")))
START_SECONDS = 180


@dataclass(frozen=True)
class Superset:
    """A running server: its address, its home, and the directory of releases that it reads."""

    address: str
    home: Path
    published: Path
    log: Path

    @property
    def database(self) -> Path:
        return self.published / "latest" / DATABASE

    def password(self, user: str) -> str:
        return (self.home / "secrets" / f"superset_{user}_password").read_text()

    def switch(self, release: Path) -> None:
        """Make a release the current one, by one rename as publishing does."""
        link = self.published / ".next"
        link.symlink_to(release.name)
        link.replace(self.published / "latest")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture(scope="session")
def release(request: pytest.FixtureRequest) -> Path:
    """Return the current release of WAREHOUSE_HOME, by default that of the recorded sample."""
    home = os.environ.get("WAREHOUSE_HOME")
    if home:
        return (Path(home) / "published" / "latest").resolve()
    warehouse: Warehouse = request.getfixturevalue("warehouse")
    return warehouse.release


@pytest.fixture(scope="session")
def superset(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    assert PYTHON.exists(), "install it with: make test-superset"
    base = tmp_path_factory.mktemp("superset")
    first = base / "published" / "first"
    first.mkdir(parents=True)
    shutil.copyfile(release / DATABASE, first / DATABASE)
    (first / DATABASE).chmod(0o444)
    address = f"127.0.0.1:{free_port()}"
    server = Superset(f"http://{address}", base / "home", base / "published", base / "log")
    server.switch(first)
    secrets = server.home / "secrets"
    subprocess.run(
        [sys.executable, PROJECT_ROOT / "docker" / "secret.py", "make", secrets, *SECRETS], check=True
    )
    environment = os.environ | {
        "SUPERSET_HOME": str(server.home),
        "SUPERSET_SECRETS": str(secrets),
        "SUPERSET_RELEASE": str(server.published / "latest"),
        "PYTHONPATH": f"{PROJECT_ROOT / 'superset'}:{PROJECT_ROOT / 'docker'}",
    }
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, PROJECT_ROOT / "superset" / "serve.py", address], env=environment, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_up(server.address):
            assert process.poll() is None and time.monotonic() < deadline, server.log.read_text()[-4000:]
            time.sleep(0.5)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not is_up(server.address), "a child outlived the server"


class Tab:
    """A page of a user who is logged in, with the addresses that answered or were let through."""

    def __init__(self, browser: Any, superset: Superset, user: str) -> None:
        self.superset = superset
        # The layout draws what is in view: a page that is higher than any dashboard draws all of it.
        context = browser.new_context(viewport={"width": 1440, "height": 4000})
        self.page = context.new_page()
        self.outside: list[str] = []
        self.failed: list[str] = []
        self.page.on("response", lambda answer: self._see(answer.url, answer.status))
        # The login page sends a log a second later, and its answer may replace the cookie of the login.
        self.page.route("**/superset/log/**", lambda route: route.abort())
        self.page.goto(f"{superset.address}/login/")
        self.page.fill("[data-test=username-input]", user)
        self.page.fill("[data-test=password-input]", superset.password(user))
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/welcome/**", timeout=60_000)
        self.page.unroute("**/superset/log/**")
        token = self.get("/api/v1/security/csrf_token/").json()["result"]
        self.headers = {"X-CSRFToken": token, "Referer": superset.address}

    def _see(self, url: str, status: int) -> None:
        if not url.startswith((self.superset.address, "data:", "blob:")):
            self.outside.append(url)
        # Superset logs what people do, and keeps the colours of a dashboard, which a reader may not save.
        if status >= 400 and not re.search(r"/superset/log/|/colors\?mark_updated=false$", url):
            self.failed.append(f"{status} {url}")

    def get(self, path: str) -> Any:
        return self.page.request.get(f"{self.superset.address}{path}")

    def post(self, path: str, data: Any) -> Any:
        return self.page.request.post(f"{self.superset.address}{path}", data=data, headers=self.headers)

    def sql(self, text: str) -> Any:
        """Run a statement in SQL Lab, on the only database."""
        data = {"database_id": 1, "sql": text, "runAsync": False, "schema": "bi"}
        return self.post("/api/v1/sqllab/execute/", data)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="session")
def reader(browser: Any, superset: Superset) -> Tab:
    return Tab(browser, superset, "reader")


@pytest.fixture(scope="session")
def analyst(browser: Any, superset: Superset) -> Tab:
    return Tab(browser, superset, "analyst")
