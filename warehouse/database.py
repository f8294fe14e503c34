"""Open DuckDB databases, all with the same limits of memory and threads and the same spill directory.

DuckDB takes 80 % of the machine's memory by default, in each process, and spills to a directory beside the
database or in the current one. `load_settings` sets the limits of the process; dbt, in a process of its own,
gets them by its environment (`dbt_project/profiles.yml`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

IN_MEMORY = ":memory:"
MEMORY = "4GB"  # by default


class Limits(NamedTuple):
    """What each DuckDB database of the process may use.

    `memory` is a size such as `4GB`; operators that need more spill to `spill`. None is DuckDB's default.
    """

    memory: str | None = None
    threads: int | None = None
    spill: Path | None = None

    def config(self) -> dict[str, str | int]:
        """Return the limits as DuckDB's configuration."""
        found = {"memory_limit": self.memory, "threads": self.threads, "temp_directory": self.spill}
        return {
            name: value if isinstance(value, int) else str(value) for name, value in found.items() if value
        }


_limits = [Limits()]  # of this process


def set_limits(limits: Limits) -> None:
    """Set the limits of the databases that this process opens from now on."""
    _limits[0] = limits


def limits() -> Limits:
    """Return the limits of this process."""
    return _limits[0]


def connect(
    database: Path | str = IN_MEMORY,
    *,
    read_only: bool = False,
    config: Mapping[str, str | bool | int | float | list[str]] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open a database with the limits of this process; entries of `config` win over them.

    A session without external access has no spill directory of its own: DuckDB does not let it choose one.
    """
    import duckdb  # not to be imported for the settings alone

    chosen = limits().config() | dict(config or {})
    if "enable_external_access" in chosen:
        chosen.pop("temp_directory", None)
    return duckdb.connect(str(database), read_only=read_only, config=chosen)


def literal(value: object) -> str:
    """Return a value as a text literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def environment_of_dbt() -> dict[str, str]:
    """Return the variables by which the profile of dbt takes the limits of this process.

    It spills beside the build file, and so in the directory of the build.
    """
    return {
        "DBT_DUCKDB_MEMORY": limits().memory or MEMORY,
        "DBT_DUCKDB_THREADS": str(limits().threads or os.cpu_count() or 1),
    }
