"""A cluster of Debian's PostgreSQL in a temporary directory, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

ADMIN, PASSWORD = "writer", "p@ss w:rd"
ESCAPED = "p%40ss%20w%3Ard"


def binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "Debian's PostgreSQL is missing: make test-stack installs it"
    return found[-1].parent


@contextmanager
def cluster() -> Iterator[int]:
    """Start a cluster with the user `writer`, who may create roles and databases; yield its port."""
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []}
    as_owner = owner if os.geteuid() == 0 else {}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        if as_owner:
            shutil.chown(folder, "postgres", "postgres")
        word = Path(folder, "password")
        word.write_text(PASSWORD)
        word.chmod(0o644)
        data = ["-D", f"{folder}/data"]
        create = [binaries() / "initdb", *data, "-U", "admin", f"--pwfile={word}", "-A", "scram-sha-256"]
        subprocess.run(
            [*create, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_owner,
        )
        options = [
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={folder}",
            "-c",
            "fsync=off",
        ]
        server = subprocess.Popen(
            [binaries() / "postgres", *data, "-p", str(free), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
            **as_owner,
        )
        try:
            wait_for(free)
            run(free, f"create role {ADMIN} login createrole createdb password '{PASSWORD}'", user="admin")
            yield free
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            connect(port, "postgres", "admin").close()
            return
        except psycopg2.OperationalError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL did not start within 30 s")


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
