"""Health check of a service over HTTP: the answer is good, and nothing in it that is ours to know is ill.

    healthy.py ADDRESS

Refuses, by exit code 1: no answer within ten seconds, a status other than 200, unhealthy metadata.
"""

from __future__ import annotations

import sys
import urllib.request

WITHIN_SECONDS = 10


def main(address: str) -> None:
    """Ask once; end with what is wrong."""
    if not address.startswith("http://"):
        raise SystemExit(f"{address}: not an http:// address")
    try:
        with urllib.request.urlopen(address, timeout=WITHIN_SECONDS) as answer:  # noqa: S310
            told = answer.read().decode()
    except OSError as error:  # HTTPError and URLError are OSErrors
        raise SystemExit(f"{address}: {error}") from error
    if '"metadatabase":{"status":"unhealthy"' in told.replace(" ", ""):
        raise SystemExit(f"{address}: {told}")


if __name__ == "__main__":
    main(sys.argv[1])
