"""Recorded nights with another day of retrieval and a changed text, for tests of vintages and backfills."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

from warehouse.config import SAMPLE_DIR
from warehouse.files import sha256_of
from warehouse.model import Part, Request, first_request
from warehouse.sources import SOURCES

INDICATOR = "BX.GSR.NFSV.CD"
ANSWERED = {
    answer["address"] for answer in json.loads((SAMPLE_DIR / "night-2" / "index.json").read_text())["answers"]
}
# No file of these was at hand: their readers are tested on small files of the documented form, the fixtures.
WITHOUT_RECORDING = tuple(
    name for name, source in SOURCES.items() if first_request(source.plan()).address not in ANSWERED
)
# Those of UNCTAD's form, which are all tested alike.
UNCTAD_REPORTS = tuple(name for name in WITHOUT_RECORDING if name.startswith("unctad_"))


def answer_plan(
    plan: Generator[Request | Part, Path, None] | Generator[Request, Path, None],
    answer: Callable[[Request], Path],
) -> dict[str, Path]:
    """Answer every request of a plan and of its parts; return the answers by the request's name."""
    files: dict[str, Path] = {}
    item = next(plan, None)
    while item is not None:
        if isinstance(item, Part):
            files |= answer_plan(item.plan, answer)
            item = next(plan, None)
        else:
            files[item.name] = answer(item)
            try:
                item = plan.send(files[item.name])
            except StopIteration:
                item = None
    return files


def recording(
    folder: Path, retrieved_at: str, old: bytes, new: bytes, night: Path = SAMPLE_DIR / "night-1"
) -> Path:
    """Copy a recorded night with another time of retrieval and a replaced text in the World Bank's file."""
    shutil.copytree(night, folder)
    index = json.loads((folder / "index.json").read_text())
    replaced = 0
    for answer in index["answers"]:
        answer["retrieved_at"] = retrieved_at
        path = folder / answer["file"]
        if f"/{INDICATOR}?" in answer["address"]:
            content = path.read_bytes()
            assert content.count(old) == 1
            path.chmod(0o644)
            path.write_bytes(content.replace(old, new))
            replaced += 1
        answer["sha256"] = sha256_of(path)
    assert replaced == 1
    (folder / "index.json").write_text(json.dumps(index))
    return folder
