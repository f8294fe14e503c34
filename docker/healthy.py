"""Health check of a service over HTTP.

    healthy.py ADDRESS

Exits with 1 and a message when there is no answer within ten seconds, when the status is not 200, and when
the answer reports unhealthy metadata.
"""

from __future__ import annotations

import sys
import urllib.request

TIMEOUT_SECONDS = 10


def main(address: str) -> None:
    """Request the address once."""
    if not address.startswith("http://"):
        raise SystemExit(f"{address}: not an http:// address")
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            answer = response.read().decode()
    except OSError as error:  # HTTPError and URLError are OSErrors
        raise SystemExit(f"{address}: {error}") from error
    if '"metadatabase":{"status":"unhealthy"' in answer.replace(" ", ""):
        raise SystemExit(f"{address}: {answer}")


if __name__ == "__main__":
    main(sys.argv[1])
