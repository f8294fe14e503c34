"""Health check of a service over HTTP.

    healthy.py ADDRESS [PART]

Exits with 1 and a message when there is no answer within ten seconds, when the status is not 200, and when
the answer reports unhealthy metadata. With the name of a part of Airflow, such as `triggerer`, the answer
must report that part as healthy: the address is then that of the API server, which reads its heartbeat.
Proxies are not used.
"""

from __future__ import annotations

import json
import sys
import urllib.request

TIMEOUT_SECONDS = 10


def main(address: str, *parts: str) -> None:
    """Request the address once."""
    if not address.startswith("http://"):
        raise SystemExit(f"{address}: not an http:// address")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=TIMEOUT_SECONDS) as response:
            answer = response.read().decode()
    except OSError as error:  # HTTPError and URLError are OSErrors
        raise SystemExit(f"{address}: {error}") from error
    if '"metadatabase":{"status":"unhealthy"' in answer.replace(" ", ""):
        raise SystemExit(f"{address}: {answer}")
    for part in parts:
        try:
            is_healthy = json.loads(answer)[part]["status"] == "healthy"
        except (ValueError, KeyError, TypeError):
            is_healthy = False
        if not is_healthy:
            raise SystemExit(f"{address}: {part} is not healthy: {answer}")


if __name__ == "__main__":
    main(*sys.argv[1:])
