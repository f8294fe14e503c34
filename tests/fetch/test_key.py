"""A publisher's key is sent, and is in no address, message or stored answer; without it nothing is asked."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from serving import QUICK, log_lines, source_for

from warehouse.config import Settings
from warehouse.errors import NotConfigured, SourceError
from warehouse.fetch import fetch
from warehouse.landing import ingest, store
from warehouse.model import KEY_MASK, Source

pytest_plugins = ("proxies",)
pytestmark = pytest.mark.usefixtures("no_proxy")

KEY = "0A1B-Key"


def keyed(address: str) -> Source:
    source = source_for(address, kind="json", params=(("UserID", KEY_MASK), ("Year", "All")))
    return replace(source, key_variable="WAREHOUSE_BEA_KEY")


def test_key_is_sent_and_not_kept(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The BEA repeats the parameters of a request in its answer, the name of this one in capitals."""
    caplog.set_level(logging.DEBUG)
    answer = {"Request": [{"ParameterName": "USERID", "ParameterValue": KEY.upper()}], "Data": ["1"]}
    httpserver.expect_request("/t").respond_with_json(answer)
    [fetched] = fetch(keyed(httpserver.url_for("/t")), tmp_path, limits=QUICK, key=KEY)
    assert httpserver.log[0][0].args["UserID"] == KEY
    assert fetched.address == f"{httpserver.url_for('/t')}?UserID=***&Year=All"
    stored = json.loads((tmp_path / fetched.name).read_text())
    assert stored == {"Request": [{"ParameterName": "USERID", "ParameterValue": "***"}], "Data": ["1"]}
    assert fetched.size_bytes == (tmp_path / fetched.name).stat().st_size
    texts = [path.read_text() for path in tmp_path.iterdir()] + log_lines(caplog)
    assert not [text for text in texts if KEY.lower() in text.lower()]


def test_key_is_not_in_the_error_of_a_publisher(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/t").respond_with_data(f"no access for {KEY}", status=403)
    with pytest.raises(SourceError, match=r"no access for \*\*\*.*UserID=\*\*\*") as raised:
        fetch(keyed(httpserver.url_for("/t")), tmp_path, limits=QUICK, key=KEY)
    assert KEY not in str(raised.value)


def test_source_without_its_key_is_not_configured(httpserver: HTTPServer, tmp_path: Path) -> None:
    source = keyed(httpserver.url_for("/t"))
    settings = Settings(home=tmp_path, mirror=None, keys={})
    with pytest.raises(
        NotConfigured, match=r"the publisher asks for a key, and none is set.*WAREHOUSE_BEA_KEY"
    ):
        ingest.fetch_source(settings, source)
    assert httpserver.log == [], "nothing is asked"
    [check] = store.list_checks(settings.landing, source.name).records
    assert check.outcome == "not configured"


def test_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_BEA_KEY", KEY)
    monkeypatch.setenv("WAREHOUSE_WTO_KEY", "")
    settings = Settings()
    assert settings.key("WAREHOUSE_BEA_KEY") == KEY
    assert settings.key("WAREHOUSE_WTO_KEY") is None, "an empty variable is not set"
    assert settings.key(None) is None
    assert KEY not in repr(settings)


def test_mirror_answers_without_a_key(tmp_path: Path) -> None:
    source = keyed("https://publisher.example/t")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "t.json").write_text("{}")
    address = "https://publisher.example/t?UserID=***&Year=All"
    (mirror / "index.json").write_text(
        json.dumps({"name": "m", "answers": [{"address": address, "file": "t.json"}]})
    )
    [fetched] = fetch(source, tmp_path / "into", mirror=str(mirror), limits=QUICK)
    assert fetched.address == address
