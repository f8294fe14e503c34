"""Small faulty warehouses for tests of alerts: mirrors, and a synthetic release."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.config import SAMPLE_DIR
from warehouse.releases.store import DATABASE

NIGHT = SAMPLE_DIR / "night-2"
SOURCE = "data360_digital"
VINTAGE = "2026-03-19"
RELEASE = "20260601T000000000000Z"
ADDRESS = "https://data360files.worldbank.org/data360-data/data/UNCTAD_DE/UNCTAD_DE.csv"


def silent_mirror(folder: Path) -> Path:
    """Make a mirror whose index lists a file that it lost."""
    folder.mkdir()
    answers = [{"address": ADDRESS, "file": "lost.csv"}]
    (folder / "index.json").write_text(json.dumps({"name": "silent", "answers": answers}))
    return folder


def spoiled_mirror(folder: Path) -> Path:
    """Make a mirror with many unknown economies, whose codes HTML and Jinja would interpret."""
    folder.mkdir()
    path = NIGHT / "data360files.worldbank.org/data360-data/data/UNCTAD_DE/UNCTAD_DE.csv"
    header, *rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    for row in rows:
        area = header.index("REF_AREA")
        if row[area] < "M" and row[area] != "CHN":
            row[area] = "Q{<" + row[area]
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    changed = text.getvalue().encode()
    (folder / "answer.csv").write_bytes(changed)
    answer = {"address": ADDRESS, "file": "answer.csv", "retrieved_at": "2026-06-01T00:00:00Z"}
    answer |= {"content_type": "text/csv", "sha256": hashlib.sha256(changed).hexdigest()}
    (folder / "index.json").write_text(json.dumps({"name": "spoiled", "answers": [answer]}))
    return folder


def release_with_a_big_revision(home: Path, published_at: datetime | None = None) -> Path:
    """Write a release with only the data that the alert reads."""
    release = home / "published" / RELEASE
    release.mkdir(parents=True)
    with duckdb.connect(str(release / DATABASE)) as db:
        db.execute("create schema marts")
        db.execute(
            f"create table marts.mart_revision_alert as select '{SOURCE}' as source, '{VINTAGE}' as vintage, "
            "'2025-01-01' as previous_vintage, 'CHN / SDIG / exports' as series, '2020' as period_label, "
            "100.0 as previous_value, 180.0 as value, 80.0 as change_pct, 20.0 as threshold_pct"
        )
        db.execute(
            "create schema core; "
            f"create table core.dim_vintage as select '{SOURCE}' as source, '{VINTAGE}' as vintage; "
            f"create table core.held_row as select '{SOURCE}' as source, '{VINTAGE}' as vintage, "
            "'area' as code_kind, 'XQX' as code, 7 as observation_count, 'Add area XQX to a seed' as remedy"
        )
    news = {"against": None, "vintages": [{"source": SOURCE, "vintage": VINTAGE}], "revisions": {}}
    manifest = {
        "release": release.name,
        "as_of": "2026-06-01",
        "is_of_the_past": False,
        "fingerprint": "",
        "git_revision": "",
        "started_at": "2026-06-01T00:00:00Z",
        "published_at": (published_at or datetime.now(UTC)).isoformat(),
        "versions": {},
        "vintages": [],
        "set_aside": [
            {"source": SOURCE, "vintage": VINTAGE, "reason": "a test failed", "used_instead": "2025-01-01"}
        ],
        "validation": {},
        "news": news | {"big_revisions": 1},
        "database": {"file": DATABASE, "sha256": "", "size_bytes": 0},
        "tables": {},
    }
    (release / "MANIFEST.json").write_text(json.dumps(manifest))
    (home / "published" / "latest").symlink_to(release.name)
    return release
