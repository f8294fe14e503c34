"""Fixtures of the tests on the stack."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from postgresql import cluster, run
from stack_processes import WEBHOOK_TOKEN

# Each of the three workers of `make test-stack` begins with one of these modules. The first also takes the
# fourth, since it has a single test, and the third what is left.
ORDER = ("test_week", "test_stack", "test_bench", "test_publish_to")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Begin with the two stacks, which take longest, and with what needs the whole sample."""

    def place(item: pytest.Item) -> int:
        is_named = item.path.parent == Path(__file__).parent and item.path.stem in ORDER
        return ORDER.index(item.path.stem) if is_named else len(ORDER)

    yield
    items.sort(key=place)


@pytest.fixture(scope="module")
def webhook() -> Iterator[tuple[int, list[str]]]:
    """Run the webhook that notifications go to; return its port and the texts that were posted."""
    texts: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is that of the library
            assert self.path == f"/{WEBHOOK_TOKEN}"
            texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port, texts
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def webhook_port(webhook: tuple[int, list[str]]) -> int:
    return webhook[0]


@pytest.fixture(scope="module")
def posts(webhook: tuple[int, list[str]]) -> list[str]:
    """Return the texts that were posted to the webhook."""
    return webhook[1]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Return the port of a PostgreSQL cluster in which the user `writer` may create roles and databases."""
    with cluster() as free:
        yield free


@pytest.fixture
def database(port: int, request: pytest.FixtureRequest) -> str:
    """Return the name of a new database."""
    name = request.node.name[:50]
    run(port, f'create database "{name}"')
    return name
