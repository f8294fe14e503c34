"""Run Superset on the current release until it is ended; import the bundle again when its columns change.

    serve.py [ADDRESS]    ADDRESS is host:port, by default 127.0.0.1:8088

Reads `SUPERSET_HOME`, `SUPERSET_SECRETS` and `SUPERSET_RELEASE` (the path of `published/latest`). A query
opens the release that is current at that moment, so new figures need nothing. Columns, comments and
dashboards are in the metadata: every ten seconds this compares the bundle of the current release with the
one that was imported last, and imports it where they differ. Publishing knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import bundle
from provision import release_database

HERE = Path(__file__).resolve().parent
SECONDS = 10  # between two looks at the current release
WORKERS = "2"  # processes with one thread: DuckDB's connections are not shared by threads


def provision(command: str) -> bool:
    """Run provision.py; return whether it ended well."""
    return subprocess.run([sys.executable, str(HERE / "provision.py"), command], check=False).returncode == 0


class Ended(Exception):
    """This process was asked to end."""


def end(number: int, frame: FrameType | None) -> None:
    """Turn a signal into an exception."""
    raise Ended(number)


def watch(server: subprocess.Popen[bytes], done: str) -> None:
    """Import the bundle of the current release whenever it differs, until the server ends."""
    seen = release_database()[0]
    while server.poll() is None:
        time.sleep(SECONDS)
        try:
            current = release_database()[0]
            if current == seen:
                continue
            found = bundle.digest(bundle.build(*release_database()))
        except (SystemExit, OSError) as error:  # a release may be removed between two looks
            print(f"The current release cannot be read: {error}", flush=True)
            continue
        if found != done:
            print(f"{current.parent.name} has other columns: importing the bundle.", flush=True)
            if not provision("import"):
                print(f"The import failed; the next look is in {SECONDS} s.", flush=True)
                continue
            done = found
        seen = current
    raise SystemExit(f"gunicorn ended with {server.returncode}.")


def main(arguments: list[str]) -> None:
    """Set up the metadata, start the server, watch the release."""
    address = arguments[0] if arguments else "127.0.0.1:8088"
    home = Path(os.environ["SUPERSET_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    done = bundle.digest(bundle.build(*release_database()))
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server = None
    try:
        if not provision("start"):
            raise SystemExit("Superset could not be set up: see the messages above.")
        gunicorn = [sys.executable, "-m", "gunicorn", "--worker-class", "sync", "--workers", WORKERS]
        options = [
            "--threads",
            "1",
            "--no-control-socket",
            "--timeout",
            "120",
            "--bind",
            address,
            "--chdir",
            str(home),
        ]
        server = subprocess.Popen([*gunicorn, *options, "superset.app:create_app()"])
        print(f"Superset: http://{address}/  (Ctrl-C ends it)", flush=True)
        watch(server, done)
    except Ended:
        print("Superset ends.", flush=True)
    finally:
        if server and server.poll() is None:
            server.terminate()
            server.wait(30)


if __name__ == "__main__":
    main(sys.argv[1:])
