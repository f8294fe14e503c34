"""Where things are, and the few switches an operator has.

Keeps: the reading of `WAREHOUSE_*` environment variables into one frozen value.
Refuses: to import anything of ours, to create anything on disk, to guess a publisher's address.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
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

    @property
    def backfill(self) -> Path:
        """Return the shelf of backfills: made beside the live warehouse, and waiting for a word."""
        return self.home / "backfill"


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `WAREHOUSE_HOME`, `WAREHOUSE_MIRROR` and `WAREHOUSE_CURATED` (empty means unset)."""
    home = environ.get("WAREHOUSE_HOME") or str(PROJECT_ROOT / "var")
    curated = environ.get("WAREHOUSE_CURATED") or str(CURATED_DIR)
    return Settings(
        home=Path(home).resolve(),
        mirror=environ.get("WAREHOUSE_MIRROR") or None,
        curated=Path(curated).resolve(),
    )


@dataclass(frozen=True)
class Keeping:
    """What `warehouse maintain` leaves on disk, and how much room a build asks for.

    Of each kind it leaves the newest few and everything younger than so many days; `rejected` counts for each
    source.
    `disk_factor` times the bytes of the release that stands must be free before a build begins; 0 never asks.
    A build of the sample was seen to take 2.2 to 2.8 times its release's bytes, and publishing writes the
    Parquet files beside that.
    """

    releases: int = 30
    releases_days: int = 90
    builds: int = 3
    builds_days: int = 14
    rejected: int = 10
    rejected_days: int = 180
    disk_factor: float = 4


def keeping(environ: Mapping[str, str] = os.environ) -> Keeping:
    """Read `WAREHOUSE_KEEP_RELEASES`, `WAREHOUSE_KEEP_RELEASES_DAYS`, … and `WAREHOUSE_DISK_FACTOR`.

    Raises ValueError for a name of that kind that is none of them, and for a number that is too small.
    """
    kinds = {f"WAREHOUSE_KEEP_{one.name.upper()}": one.name for one in fields(Keeping)[:-1]}
    kinds["WAREHOUSE_DISK_FACTOR"] = "disk_factor"
    unknown = [name for name in environ if name.startswith("WAREHOUSE_KEEP_") and name not in kinds]
    if unknown:
        raise ValueError(
            f"{', '.join(sorted(unknown))}: no such setting; there are {', '.join(sorted(kinds))}"
        )
    told: dict[str, float] = {}
    for variable, name in kinds.items():
        text = environ.get(variable) or str(getattr(Keeping, name))
        least = 2 if name == "releases" else 0  # the one that stands, and one to roll back to
        try:
            told[name] = float(text) if name == "disk_factor" else int(text)
        except ValueError:
            raise ValueError(f"{variable}={text!r} is not a number") from None
        if not least <= told[name] < float("inf"):
            raise ValueError(f"{variable}={text!r} must be at least {least}")
    return Keeping(**told)  # type: ignore[arg-type]  # the whole numbers are ints, as read above


def operator(environ: Mapping[str, str] = os.environ) -> str:
    """Return who acts, for the records: `WAREHOUSE_OPERATOR`, or the system's user and machine."""
    if given := environ.get("WAREHOUSE_OPERATOR"):
        return given
    try:
        user = environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
