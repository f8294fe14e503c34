"""Recorded nights with another day of retrieval and a changed text, for tests of vintages and backfills."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from warehouse.config import SAMPLE_DIR
from warehouse.files import sha256_of

INDICATOR = "BX.GSR.NFSV.CD"


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
