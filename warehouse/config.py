"""Settings of one warehouse, and the paths of the project's own files.

Only `read_settings` reads the environment (`WAREHOUSE_*`). The command line and the DAGs call
`load_settings`, which also rejects a half restored home, and pass the result on.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
import socket
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from warehouse.database import MEMORY, Limits, set_limits
from warehouse.errors import WarehouseError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SAMPLE_DIR = Path(__file__).resolve().parent / "sample"
CURATED_DIR = Path(__file__).resolve().parent / "curated"
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
SEEDS_DIR = DBT_PROJECT_DIR / "seeds"
EXPECTATIONS_DIR = PROJECT_ROOT / "expectations"
PREFIX = "WAREHOUSE_"
KEEP_PREFIX = f"{PREFIX}KEEP_"
KEY_VARIABLE = re.compile(rf"{PREFIX}[A-Z0-9]+_KEY")  # of a publisher
RESTORING = "RESTORING"  # in a home: a restore or a pull has not ended
S3 = "s3://"


def default_operator() -> str:
    """Return `user@host` of this process, for records; the user's number where it has no name."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def publisher_keys() -> dict[str, SecretStr]:
    """Return the keys of publishers in the environment, by the name of their variable; they may be empty."""
    return {name: SecretStr(value) for name, value in os.environ.items() if KEY_VARIABLE.fullmatch(name)}


class RetentionPolicy(BaseSettings):
    """What `warehouse maintain` keeps: of each kind the newest, and everything younger than a number of days.

    `releases_gib` bounds the size of all releases together: beyond it the oldest are removed, whatever their
    number and age. `rejected` counts per source. `runs_days` is for Airflow's runs and logs. Variables:
    `WAREHOUSE_KEEP_RELEASES`, `WAREHOUSE_KEEP_RELEASES_DAYS`, …
    """

    model_config = SettingsConfigDict(
        env_prefix=KEEP_PREFIX, env_ignore_empty=True, frozen=True, allow_inf_nan=False
    )

    releases: int = Field(30, ge=2)  # the current release, and one to roll back to
    releases_days: int = Field(90, ge=0)
    releases_gib: float = Field(50, gt=0)
    builds: int = Field(3, ge=0)
    builds_days: int = Field(14, ge=0)
    rejected: int = Field(10, ge=0)
    rejected_days: int = Field(180, ge=0)
    runs_days: int = Field(90, ge=15)  # a backfill waits for 14 days


class Settings(BaseSettings):
    """Paths and switches of one warehouse, from `WAREHOUSE_*` variables; an empty variable counts as unset.

    `home` holds landing, staged, parsed, kept, build, rejected, published, backfill and airflow. `mirror` is
    a directory or an HTTP base address that answers in place of the publishers; None means the publishers.
    `curated` is the folder of CSV files that analysts add figures to. `operator` is recorded with every
    decision. `revision` is the commit of an image without a checkout. `disk_factor` times the bytes of the
    current release must be free before a build begins; 0 disables the check (a build of the sample took 2.2
    to 2.8 times its release's bytes). `lock_seconds` is how long to wait for another process's lock before
    failing. `memory` and `threads` are the limits of DuckDB in each process. `site` says whether a release
    gets its static site. `engine` runs dbt's models and tests of a build; `spark_python` is the Python of
    Spark's environment, `spark_master` the URL of the cluster, `spark_driver_host` the name by which its
    executors reach this machine. `publish_to` is the address of a PostgreSQL database that each release is
    copied to; it may hold a password. `objects` is the address of the bucket that each release is pushed to,
    `s3://bucket/prefix`; its endpoint, region and credentials are in the `AWS_*` variables. `keys` are the
    keys of the publishers, by the name of their variable, `WAREHOUSE_<name>_KEY`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", allow_inf_nan=False
    )

    home: Path = PROJECT_ROOT / "var"
    mirror: str | None = None
    curated: Path = CURATED_DIR
    operator: str = Field(default_factory=default_operator)
    revision: str | None = None
    disk_factor: float = Field(4, ge=0)
    lock_seconds: float = Field(0, ge=0)
    memory: str = Field(MEMORY, pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$")
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    site: bool = True
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark_python: Path = PROJECT_ROOT / ".venv-spark" / "bin" / "python"
    spark_master: str = "local[2]"
    spark_driver_host: str = "127.0.0.1"
    spark_driver_memory: str = "2g"
    spark_executor_memory: str = "1g"
    publish_to: SecretStr | None = None
    keys: dict[str, SecretStr] = Field(default_factory=publisher_keys)
    objects: SecretStr | None = None  # no secret, but a key that is typed into it must not be printed
    keep: RetentionPolicy = Field(default_factory=lambda: RetentionPolicy())

    @field_validator("home", "curated")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.resolve()

    def key(self, variable: str | None) -> str | None:
        """Return a publisher's key by the name of its variable, `Source.key_variable`; None if not set."""
        secret = self.keys.get(variable) if variable else None
        return secret.get_secret_value() if secret else None

    @property
    def landing(self) -> Path:
        """Return the append-only store of accepted vintages."""
        return self.home / "landing"

    @property
    def rejected(self) -> Path:
        """Return the quarantine: loads that failed validation, with their reports."""
        return self.home / "rejected"

    @property
    def build(self) -> Path:
        """Return the directory of builds in progress and of failed builds."""
        return self.home / "build"

    @property
    def published(self) -> Path:
        """Return the directory of releases and of the link `latest`."""
        return self.home / "published"

    @property
    def backfill(self) -> Path:
        """Return the directory of backfills."""
        return self.home / "backfill"

    @property
    def staged(self) -> Path:
        """Return the store of typed observations, one file for each vintage that was staged."""
        return self.home / "staged"

    @property
    def parsed(self) -> Path:
        """Return the directory of dbt's parsed project."""
        return self.home / "parsed"

    @property
    def kept(self) -> Path:
        """Return the directory of the last build's file, whose tables the next build reuses."""
        return self.home / "kept"

    @property
    def spill(self) -> Path:
        """Return the directory that DuckDB spills to."""
        return self.home / "spill"

    @property
    def reparsed(self) -> Path:
        """Return the cache of vintages parsed again by a newer reader."""
        return self.home / "reread"


def load_settings(**overrides: Any) -> Settings:
    """Return the settings, as `read_settings` does, of a home that is not half restored.

    Their limits of memory and threads hold for each database that the process opens from now on.

    Raises WarehouseError that says what is missing from a half restored home.
    """
    settings = read_settings(**overrides)
    set_limits(Limits(settings.memory, settings.threads, settings.spill))
    if (settings.home / RESTORING).exists():
        raise WarehouseError(_half_restored(settings.home))
    return settings


def _half_restored(home: Path) -> str:
    """Say what is missing from a home whose restore was interrupted, and how to go on."""
    try:
        begun = json.loads((home / RESTORING).read_text(encoding="utf-8"))
        backup, files = str(begun["backup"]), list(begun["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{home}: is half restored, and {home / RESTORING} is unreadable. Empty it and restore again"
    missing = Counter(name.partition("/")[0] for name in files if not (home / name).exists())
    what = ", ".join(f"{count} files of {folder}/" for folder, count in sorted(missing.items()))
    return (
        f"{home}: is half restored from {backup}: of {len(files)} files, {what or 'none'} are missing. "
        f"Complete it with: {restore_command(backup)}"
    )


def restore_command(origin: str) -> str:
    """Return the command that completes a restore from a backup's directory, or a pull from a bucket."""
    return "warehouse objects pull" if origin.startswith(S3) else f"warehouse restore {shlex.quote(origin)}"


def read_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; `overrides` win over variables.

    Raises WarehouseError that names each invalid variable, and any unknown `WAREHOUSE_KEEP_*` variable.
    """
    known = {f"{KEEP_PREFIX}{name.upper()}" for name in RetentionPolicy.model_fields}
    if unknown := sorted(name for name in os.environ if name.startswith(KEEP_PREFIX) and name not in known):
        raise WarehouseError(f"{', '.join(unknown)}: no such setting. Known: {', '.join(sorted(known))}")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise WarehouseError(_describe(error)) from error


def _describe(error: ValidationError) -> str:
    prefix = KEEP_PREFIX if error.title == RetentionPolicy.__name__ else "WAREHOUSE_"
    problems = [
        f"{prefix}{'_'.join(str(part) for part in one['loc']).upper()}={one['input']!r}: {one['msg']}"
        for one in error.errors()
    ]
    return f"{'; '.join(problems)}. Correct the environment; nothing was changed"
