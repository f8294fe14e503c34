"""Settings of Superset, which imports this module by its name.

Reads `SUPERSET_HOME`, the directory of its metadata, and `SUPERSET_SECRETS`, that of its secret files. The
metadata is an SQLite file: one host, few writes, and nothing that cannot be made again but users' own charts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from secret import read
from superset.config import TALISMAN_CONFIG as DEFAULTS

HOME = Path(os.environ["SUPERSET_HOME"])
SECRET_KEY = read(Path(os.environ["SUPERSET_SECRETS"]) / "superset_secret_key")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME.absolute()}/superset.db"
SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 30}}  # seconds to wait for another writer

LANGUAGES = {"en": {"flag": "us", "name": "English"}, "zh": {"flag": "cn", "name": "中文"}}
APP_NAME = "Services Trade Warehouse"
# Every query reads the release that is current then: nothing is cached.
CACHE_CONFIG = DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
RATELIMIT_STORAGE_URI = "memory://"
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SAMESITE = "Lax"
# DuckDB's driver is not on Superset's list of databases that a person may add: only admins may anyway.
PREVENT_UNSAFE_DB_CONNECTIONS = True
SQLLAB_TIMEOUT = SUPERSET_WEBSERVER_TIMEOUT = 60
SQL_MAX_ROW = 100_000


def without_hosts(sources: Any) -> Any:
    """Return the sources of a directive that are no hosts: keywords in quotes, and data of the page."""
    if isinstance(sources, str):
        return sources
    return [source for source in sources if source.startswith("'") or source in ("data:", "blob:")]


# The browser asks this server only: the pages of Superset call a counter of its vendor otherwise.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = DEFAULTS | {
    "content_security_policy": {
        directive: without_hosts(sources)
        for directive, sources in DEFAULTS["content_security_policy"].items()
    }
}
