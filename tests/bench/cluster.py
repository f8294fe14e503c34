"""A PostgreSQL server of Debian's, on loopback, with its default settings; it needs only psycopg2."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ADMIN = "admin"
START_SECONDS = 60
ENCODING = ("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")


@dataclass(frozen=True)
class Cluster:
    """A cluster: the directory of the binaries, its own directory, its port and the password of ADMIN.

    `owner` are the arguments of subprocess for the user that runs the server.
    """

    binaries: str
    directory: str
    port: int
    password: str
    owner: dict[str, Any]

    @property
    def address(self) -> str:
        return f"postgresql://{ADMIN}:{self.password}@127.0.0.1:{self.port}/postgres"

    def to_json(self) -> str:
        """Return the cluster as one argument of a command."""
        return json.dumps(asdict(self))


def debian_bin() -> Path:
    """Return the directory of the binaries of Debian's newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "Debian's PostgreSQL is missing: make test-stack installs it"
    return found[-1].parent


def debian_user() -> dict[str, Any]:
    """Return the user that runs PostgreSQL, which rejects root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


@contextmanager
def new_cluster() -> Iterator[Cluster]:
    """Make a cluster in a temporary directory that its owner can reach; give it, without a running server."""
    binaries, owner = debian_bin(), debian_user()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as directory:
        password = Path(directory, "password")
        password.write_text(secrets.token_hex(16), encoding="utf-8")
        if os.geteuid() == 0:
            for path in (directory, password):
                shutil.chown(path, owner["user"], owner["group"])
        options = ["-U", ADMIN, f"--pwfile={password}", "-A", "scram-sha-256"]
        subprocess.run(
            [binaries / "initdb", "-D", f"{directory}/data", *options, *ENCODING],
            check=True,
            capture_output=True,
            cwd=directory,
            **owner,
        )
        yield Cluster(str(binaries), directory, port, password.read_text(encoding="utf-8"), owner)


@contextmanager
def running(cluster: Cluster, *options: str) -> Iterator[None]:
    """Run the server of a cluster as a child of this process; raise RuntimeError when it does not start."""
    sockets = ("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={cluster.directory}")
    data = ("-D", f"{cluster.directory}/data", "-p", str(cluster.port))
    with Path(cluster.directory, "server.log").open("ab") as log:
        server = subprocess.Popen(
            [Path(cluster.binaries) / "postgres", *data, *sockets, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=cluster.directory,
            **cluster.owner,
        )
    try:
        _wait(cluster)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown: sessions are ended
        server.wait(timeout=300)


def connect(cluster: Cluster) -> Any:
    """Connect as ADMIN, each statement in a transaction of its own."""
    import psycopg2

    connection = psycopg2.connect(cluster.address)
    connection.autocommit = True
    return connection


def _wait(cluster: Cluster) -> None:
    import psycopg2

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with closing(connect(cluster)):
                return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                log = Path(cluster.directory, "server.log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL did not start in {START_SECONDS} s: {log[-2000:]}") from None
            time.sleep(0.05)
