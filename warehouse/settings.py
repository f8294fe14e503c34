"""Where things are, and the few switches an operator has.

Keeps: the reading of `WAREHOUSE_*` environment variables into one frozen value.
Refuses: to import anything of ours, to create anything on disk, to guess a publisher's address.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SAMPLE_DIR = Path(__file__).resolve().parent / "sample"
CURATED_DIR = Path(__file__).resolve().parent / "curated"
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
EXPECTATIONS_DIR = PROJECT_ROOT / "expectations"


@dataclass(frozen=True)
class Settings:
    """The places and switches of one warehouse.

    `home` holds landing, build, rejected, published and airflow. `mirror` is a directory or an HTTP base
    address that answers in place of the publishers; None means the publishers themselves. `curated` is the
    folder of CSV files that analysts add figures to.
    """

    home: Path
    mirror: str | None = None
    curated: Path = CURATED_DIR

    @property
    def landing(self) -> Path:
        """Return the append-only store of accepted vintages."""
        return self.home / "landing"

    @property
    def rejected(self) -> Path:
        """Return the shelf of vintages that did not pass, with their reasons."""
        return self.home / "rejected"

    @property
    def build(self) -> Path:
        """Return the workshop: fresh database files that no reader sees."""
        return self.home / "build"

    @property
    def published(self) -> Path:
        """Return the shop window: whole, validated releases and `latest`."""
        return self.home / "published"


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `WAREHOUSE_HOME`, `WAREHOUSE_MIRROR` and `WAREHOUSE_CURATED` (empty means unset)."""
    home = environ.get("WAREHOUSE_HOME") or str(PROJECT_ROOT / "var")
    curated = environ.get("WAREHOUSE_CURATED") or str(CURATED_DIR)
    return Settings(
        home=Path(home).resolve(),
        mirror=environ.get("WAREHOUSE_MIRROR") or None,
        curated=Path(curated).resolve(),
    )
