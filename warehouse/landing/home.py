"""Whether the home holds a warehouse, a new one, or something else."""

from __future__ import annotations

from warehouse.config import Settings
from warehouse.files import describe_unreadable
from warehouse.landing.store import LANDING_REMEDY

NAMES_SHOWN = 5
# What a home may hold before its first run: it is a new warehouse, not a lost one.
NEW_HOME = {"airflow", "build", "landing", "lost+found", "metrics.prom", "parsed"}


def home_problem(settings: Settings) -> str | None:
    """Return why the home holds no warehouse; None if it does, or if it is empty and its first run is due."""
    home = settings.home
    remedy = "for a new warehouse, run: warehouse run"
    if not home.is_dir():
        what = "is not a directory" if home.exists() else "the directory does not exist"
        return f"{home}: {what}. Check WAREHOUSE_HOME; {remedy}"
    try:
        if settings.landing.is_dir() and any(settings.landing.iterdir()):
            return None
    except OSError as error:
        return describe_unreadable(settings.landing, error, LANDING_REMEDY)
    found = sorted(path.name for path in home.iterdir() if path.name[0] != "." and path.name not in NEW_HOME)
    if not found:
        return None
    return (
        f"{home}: holds {', '.join(found[:NAMES_SHOWN])} and no landed vintage. Check WAREHOUSE_HOME, or "
        f"restore landing from the backup; {remedy}"
    )
