"""A mirror of NBS for tests: the answers to every request of its plan, from the fixtures."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse.config import PROJECT_ROOT
from warehouse.errors import SourceError
from warehouse.files import sha256_of
from warehouse.model import Part, Request
from warehouse.sources.nbs_accounts import PROVINCES, SOURCE

FIXTURES = PROJECT_ROOT / "tests" / "fixtures" / "nbs_accounts"
BEIJING = "110000"
Answer = Callable[[Request], bytes | None]


def envelope(data: Any) -> bytes:
    """Return data in the envelope of an answer."""
    answer = {"success": True, "state": 20000, "message": "成功", "data": data}
    return json.dumps(answer, ensure_ascii=False).encode("utf-8")


def of_fixture(request: Request) -> bytes | None:
    """Return the fixture of a request; for a province without one, that of Beijing as the province's.

    Beijing's GDP of 1100.5 becomes 1200.5 for Tianjin (120000), 6500.5 for Xinjiang (650000).
    """
    path = FIXTURES / request.name
    region = request.name.split(".")[-2]
    if not path.exists() and request.name == f"new.6.values.{region}.json":
        text = (FIXTURES / f"new.6.values.{BEIJING}.json").read_text(encoding="utf-8")
        text = text.replace('"1100.5"', f'"{region[:2]}00.5"').replace(BEIJING, region)
        return text.replace(PROVINCES[BEIJING], PROVINCES[region]).encode("utf-8")
    return path.read_bytes() if path.exists() else None


def nodes(*names: str) -> bytes:
    return envelope([{"_id": f"id of {name}", "name": name} for name in names])


def with_parts(request: Request) -> bytes | None:
    """Answer with the national table cut at 2020: the first part has 2019, the second the other years."""
    if request.name == "new.3.table.json":
        return nodes("国内生产总值(2020-至今)", "国内生产总值(1952-2019)", "国内生产总值指数")
    name = request.name.replace("3.1952-2019.", "3.").replace("3.2020-.", "3.")
    data = of_fixture(Request(name, request.url, "json"))
    if ".values." not in name or name == request.name or data is None:
        return data
    is_first = "1952" in request.name
    body = json.loads(request.body)
    assert body["cid"] == f"id of 国内生产总值({'1952-2019' if is_first else '2020-至今'})"
    assert body["dts"] == ["1952YY-2019YY" if is_first else f"2020YY-{datetime.now(UTC).year}YY"]
    periods = json.loads(data)["data"]
    return envelope([period for period in periods if (period["code"] < "2020") == is_first])


def write_mirror(
    folder: Path,
    answer: Answer = of_fixture,
    change: Mapping[str, Callable[[bytes], bytes]] | None = None,
    retrieved_at: str = "2026-11-01T00:00:00Z",
) -> Path:
    """Drive the plan, write the answer to each request and the index; return the folder.

    `change` changes answers by the name of their request. The plan ends at the first request without an
    answer, and at an answer that it rejects, as a pull from the mirror does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, str]] = []

    def drive(plan: Generator[Request | Part, Path, None]) -> None:
        item = next(plan, None)
        while item is not None:
            if isinstance(item, Part):
                with suppress(SourceError):  # the part fails alone
                    drive(item.plan)
                item = next(plan, None)
                continue
            if (body := answer(item)) is None:
                return
            path = folder / item.name
            path.write_bytes((change or {}).get(item.name, lambda data: data)(body))
            entries.append(
                {
                    "address": item.address,
                    "file": item.name,
                    "retrieved_at": retrieved_at,
                    "content_type": "application/json",
                    "sha256": sha256_of(path),
                }
            )
            try:
                item = plan.send(path)
            except StopIteration:
                return

    with suppress(SourceError):
        drive(SOURCE.plan())
    index = {"name": "nbs", "answers": entries}
    (folder / "index.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    return folder
