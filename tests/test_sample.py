"""The shipped mirror: whole, honest about itself, and enough for every source."""

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from recordings import WITHOUT_RECORDING, answer_plan

from warehouse.config import SAMPLE_DIR
from warehouse.model import Request
from warehouse.sources import SOURCES

NIGHTS = ("night-1", "night-2")
MEBIBYTE = 1024 * 1024
FIELDS = {
    "address",
    "file",
    "retrieved_at",
    "content_type",
    "sha256",
    "publisher",
    "licence",
    "provenance",
}


def index(night: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLE_DIR / night / "index.json").read_text(encoding="utf-8"))
    return found


def answers(night: str) -> dict[str, Path]:
    return {answer["address"]: SAMPLE_DIR / night / answer["file"] for answer in index(night)["answers"]}


def requested(name: str, mirror: dict[str, Path]) -> list[str]:
    """Drive a source's plan on the mirror and return the addresses it asks for."""
    found: list[str] = []

    def answer(request: Request) -> Path:
        found.append(request.address)
        assert request.address in mirror, f"{name} asks for {request.address}, which the mirror has not"
        return mirror[request.address]

    answer_plan(SOURCES[name].plan(), answer)
    return found


@pytest.mark.parametrize(
    ("night", "count"), [("night-1", 22), ("night-2", 22 + 2 + 2 + 2 + 2 + 1 + 5 + 1 + 1 + 2 + 2)]
)
def test_every_answer_is_a_file_with_checksum_licence_and_provenance(night: str, count: int) -> None:
    """Count by publisher.

    22 World Bank indicators; then also SAFE's page and workbook, UNCTAD's two archives, the listing and
    file of the Atlas, BaTiS and its dataflow, BaTiS by SDMX, the list of curated files and the four, Data360,
    MOFCOM's page, the page and table of the ONS, and the WTO's goods and digitally delivered services.
    """
    found = index(night)
    assert set(found) == {"name", "description", "answers"}
    assert len(found["answers"]) == count
    for answer in found["answers"]:
        assert set(answer) == FIELDS, answer
        assert all(isinstance(answer[field], str) and answer[field].strip() for field in FIELDS), answer
        body = (SAMPLE_DIR / night / answer["file"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == answer["sha256"], answer["file"]
        assert datetime.fromisoformat(answer["retrieved_at"]).utcoffset() == timedelta(0), answer["file"]
        host = answer["file"].split("/")[0]
        start = "curated://" if host == "curated" else f"https://{host}/"
        assert answer["address"].startswith(start), answer["file"]
    assert len({answer["address"] for answer in found["answers"]}) == count
    assert len({answer["file"] for answer in found["answers"]}) == count


@pytest.mark.parametrize(
    ("night", "host", "path", "retrieved_at"),
    [
        ("night-1", "api.worldbank.org", "", "2022-09-16T00:00:00Z"),
        ("night-2", "api.worldbank.org", "", "2024-07-12T00:00:00Z"),
        ("night-2", "www.safe.gov.cn", "", "2024-03-29T06:51:00Z"),
        ("night-2", "sdmx.oecd.org", "batis.csv", "2025-12-31T00:00:00Z"),
        ("night-2", "unctadstat-api.unctad.org", "US_TradeServCatTotal", "2025-07-23T00:00:00Z"),
        ("night-2", "unctadstat-api.unctad.org", "US_TradeMerchTotal", "2026-03-19T00:00:00Z"),
    ],
)
def test_each_edition_has_its_own_day(night: str, host: str, path: str, retrieved_at: str) -> None:
    days = {
        answer["retrieved_at"]
        for answer in index(night)["answers"]
        if answer["file"].startswith(f"{host}/") and path in answer["file"]
    }
    assert days == {retrieved_at}


@pytest.mark.parametrize("night", NIGHTS)
def test_edition_of_world_bank_answer_equals_the_index(night: str) -> None:
    found = [answer for answer in index(night)["answers"] if answer["file"].startswith("api.worldbank.org/")]
    assert len(found) == 22
    for answer in found:
        header, observations = json.loads((SAMPLE_DIR / night / answer["file"]).read_text(encoding="utf-8"))
        assert header["lastupdated"] == answer["retrieved_at"][:10]
        assert f"/{observations[0]['indicator']['id']}?" in answer["address"]


def test_every_file_of_the_sample_is_listed() -> None:
    listed = {SAMPLE_DIR / "README.md"} | {SAMPLE_DIR / night / "index.json" for night in NIGHTS}
    for night in NIGHTS:
        listed |= set(answers(night).values())
    assert {path for path in SAMPLE_DIR.rglob("*") if not path.is_dir()} == listed
    assert not any(path.is_symlink() for path in SAMPLE_DIR.rglob("*"))


def test_sample_is_small_and_its_names_are_safe_everywhere() -> None:
    files = [path for path in SAMPLE_DIR.rglob("*") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) < 15 * MEBIBYTE
    for path in files:
        name = path.relative_to(SAMPLE_DIR).as_posix()
        assert name.isascii() and not set(name) & set('<>:"\\|?*') and len(name) < 150, name


def test_newest_night_has_answers_for_every_source() -> None:
    mirror = answers("night-2")
    assert len(SOURCES) >= 4
    recorded = [name for name in SOURCES if name not in WITHOUT_RECORDING]
    assert len(recorded) >= 12
    addresses = [address for name in recorded for address in requested(name, mirror)]
    assert len(addresses) > 38  # two sources may request the same listing
    assert set(addresses) == set(mirror), "the mirror has answers that no source requests"


def test_first_night_has_answers_of_the_world_bank_only() -> None:
    mirror = answers("night-1")
    assert set(requested("worldbank_wdi", mirror)) == set(mirror)


def test_readme_names_every_file_and_every_provenance() -> None:
    readme = (SAMPLE_DIR / "README.md").read_text(encoding="utf-8")
    for night in NIGHTS:
        for answer in index(night)["answers"]:
            file = f"{night}/{answer['file']}"
            if "api.worldbank.org" in file:
                file = f"{Path(file).parent.as_posix()}/<indicator>.json"
            assert f"`{file}`" in readme, file
            assert f"| {answer['licence']} |" in readme, answer["licence"]
            if " @ " in answer["provenance"]:
                commit = answer["provenance"].split(" @ ")[1].split()[0].rstrip(";")
                assert len(commit) == 40 and commit in readme, answer["provenance"]
    assert "written by this project" in readme  # the README states that the landing page is not SAFE's
