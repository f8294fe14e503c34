"""The fingerprint of a build: a digest of everything that its release depends on."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, PROJECT_ROOT
from warehouse.files import sha256_of
from warehouse.model import Vintage
from warehouse.sources import SOURCES

# What the tables and documents of a release depend on. Readers are not part of it: their `reader_version` is.
CODE = (
    (DBT_PROJECT_DIR, ("dbt_project.yml", "profiles.yml")),
    (DBT_PROJECT_DIR / "macros", ("**/*.sql",)),
    (DBT_PROJECT_DIR / "models", ("**/*.sql", "**/*.py", "**/*.yml", "**/*.md")),
    (DBT_PROJECT_DIR / "seeds", ("**/*.csv", "**/*.yml")),
    (DBT_PROJECT_DIR / "tests", ("**/*.sql", "**/*.yml")),
    (EXPECTATIONS_DIR, ("*.yml", "*.sql")),
    (PROJECT_ROOT / "warehouse" / "build", ("*.py",)),
    (PROJECT_ROOT / "warehouse" / "quality", ("*.py", "*.j2")),
    (PROJECT_ROOT / "warehouse", ("verdict.py",)),
    (PROJECT_ROOT / "warehouse" / "landing", ("freshness.py",)),
    (
        PROJECT_ROOT / "warehouse" / "releases",
        ("diff.py", "keys.py", "manifest.py", "news.py", "parquet.py", "publish.py"),
    ),
    (PROJECT_ROOT / "warehouse" / "site", ("*.py", "content/**/*", "templates/*", "static/*")),
)


def fingerprint(vintages: Iterable[Vintage], as_of: date | None) -> str:
    """Return the digest of vintages, readers, seeds, code and date; equal digests give equal releases."""
    parts = [f"{one.source}/{one.id}/{one.rows_digest}" for one in vintages]
    parts += [f"{one.name}/{one.reader_version}/{'/'.join(one.columns)}" for one in SOURCES.values()]
    return hashlib.sha256("\n".join([*parts, code_digest(), str(as_of)]).encode()).hexdigest()


def code_digest() -> str:
    """Return the digest of the dbt project, the expectations and the modules that make a release."""
    lines = sorted(
        f"{path.relative_to(PROJECT_ROOT)} {sha256_of(path)}"
        for folder, patterns in CODE
        for pattern in patterns
        for path in _files(folder, pattern)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files(folder: Path, pattern: str) -> list[Path]:
    return [path for path in folder.glob(pattern) if path.is_file()]


def git_revision(revision: str | None) -> str:
    """Return `revision` if given, else the commit of the checkout, with `-dirty` if it has changes.

    Returns `unknown` outside of a checkout and where git is not installed.
    """
    if revision or shutil.which("git") is None:
        return revision or "unknown"
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match", "-"],  # noqa: S607
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip() if result.returncode == 0 else "unknown"
