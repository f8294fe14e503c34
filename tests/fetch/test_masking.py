"""Credentials in addresses: sent to the publisher, and masked in logs, errors, records and look-ups."""

from __future__ import annotations

import base64
import logging
import socket
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from serving import CSV, QUICK, failure, log_lines, source_for

from warehouse.fetch import fetch

pytest_plugins = ("proxies",)
pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.mark.parametrize("name", ["sig", "AWSAccessKeyId", "auth", "pw", "X-Amz-Credential"])
def test_secret_parameter_is_sent_and_neither_logged_nor_stored(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_ordered_request("/t").respond_with_data("busy", status=503)
    httpserver.expect_ordered_request("/t").respond_with_data(CSV)
    httpserver.expect_ordered_request("/t").respond_with_data("no", status=403)
    source = source_for(httpserver.url_for("/t"), params=((name, "hush"),))
    fetched = fetch(source, tmp_path, limits=QUICK)
    assert httpserver.log[0][0].args[name] == "hush"
    assert fetched[0].address == f"{httpserver.url_for('/t')}?{name}=***"
    assert "hush" not in (tmp_path / "fetched.json").read_text()
    message = " ".join((*log_lines(caplog), failure(source, tmp_path)))
    assert message.count(f"{name}=***") == 3 and "hush" not in message


def test_secret_is_not_logged_or_stored(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_ordered_request("/t").respond_with_data("busy", status=503)
    httpserver.expect_ordered_request("/t").respond_with_data(CSV)
    address = httpserver.url_for("/t").replace("//", "//me:hush@")
    params = (("format", "csv"), ("api_key", "hush"))
    fetched = fetch(source_for(address, params=params), tmp_path, limits=QUICK)
    request = httpserver.log[0][0]
    assert request.args["api_key"] == "hush"
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"me:hush").decode()
    assert fetched[0].address == httpserver.url_for("/t").replace("//", "//***@") + "?format=csv&api_key=***"
    assert "hush" not in (tmp_path / "fetched.json").read_text()
    message = " ".join(log_lines(caplog))
    assert "api_key=***" in message and "hush" not in message


def test_secret_is_not_in_the_error_of_a_broken_connection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    source = source_for(f"http://me:hush@127.0.0.1:{port}/x", params=(("token", "hush"),))
    message = failure(source, tmp_path) + " ".join(log_lines(caplog))
    assert "token=***" in message and "hush" not in message
