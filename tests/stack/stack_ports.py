"""Ports on loopback for the services of a stack."""

from __future__ import annotations

import os
import random
import socket
from itertools import islice


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens, for services that take them seconds later.

    They are below those that Linux gives to clients, and each worker of this test run has its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = range(20000 + worker, 32000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    return list(islice(filter(is_free, random.sample(own, len(own))), count))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
