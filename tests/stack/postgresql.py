"""A cluster of Debian's PostgreSQL in a temporary directory, on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from bench.cluster import connect as connect_as_admin
from bench.cluster import new_cluster, running

ADMIN, PASSWORD = "writer", "p@ss w:rd"
ESCAPED = "p%40ss%20w%3Ard"


@contextmanager
def cluster() -> Iterator[int]:
    """Start a cluster with the user `writer`, who may create roles and databases; yield its port."""
    with new_cluster() as made, running(made, "-c", "fsync=off"):
        with closing(connect_as_admin(made)) as server, server.cursor() as cursor:
            cursor.execute(f"alter role admin password '{PASSWORD}'")
            cursor.execute(f"create role {ADMIN} login createrole createdb password '{PASSWORD}'")
        yield made.port


def connect(port: int, database: str, user: str = ADMIN) -> Any:
    return psycopg2.connect(host="127.0.0.1", port=port, dbname=database, user=user, password=PASSWORD)


def run(port: int, sql: str, database: str = "postgres", user: str = ADMIN) -> list[tuple[Any, ...]]:
    with closing(connect(port, database, user)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []


def address_of(port: int, database: str) -> str:
    return f"postgresql://{ADMIN}:{ESCAPED}@127.0.0.1:{port}/{database}"
