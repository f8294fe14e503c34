"""HTTP requests with retries, redirects, pacing and a deadline. The only module that imports requests.

- Transient errors (connection, timeout, the statuses of `TRANSIENT_STATUSES`, a body that ends early, and a
  400 with an HTML page, which the World Bank's gateway sends now and then) are retried a limited number of
  times, after an exponential wait with jitter and not before Retry-After. Everything else fails at once.
- One deadline covers all attempts at one file. Every read of a socket, of headers or of a body, waits at most
  for the time that remains, so a server that sends a byte now and then cannot exceed it.
- A body that ended early is resumed with Range and If-Range where the server offers both.
- A POST is retried like a GET, but it is never redirected, conditional or resumed.
- TLS is always verified. Proxy variables and REQUESTS_CA_BUNDLE are honoured. A redirect from https to http
  is rejected; a redirect to another host does not carry the source's headers.
"""

from __future__ import annotations

import http.client
import logging
import math
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter

from warehouse import __version__
from warehouse.errors import Unavailable
from warehouse.fetch.body import IncompleteBody, Resume, read_chunks, write_body
from warehouse.fetch.content import excerpt, is_markup
from warehouse.fetch.download import Download, TransientError, copy_file, root_cause
from warehouse.files import sha256_of
from warehouse.masking import without_secrets
from warehouse.model import Fetched

LOG = logging.getLogger(__name__)
# urllib3 logs request lines at DEBUG, with the values of secret parameters.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

USER_AGENT = (
    f"services-trade-warehouse/{__version__} (nightly retrieval of public statistics on trade in services)"
)
TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
Headers = Mapping[str, str | None]  # of a response
HEADERS_FOR_ANY_HOST = frozenset({"accept", "range", "if-range", "if-none-match", "if-modified-since"})
NEXT_CALL: dict[str, float] = {}  # by host, on the monotonic clock, for all threads of the process
NEXT_CALL_LOCK = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """How long and how often a pull tries. Times are in seconds.

    `connect_seconds` and `read_seconds` limit one wait on the socket, `deadline_seconds` all attempts at one
    file together. Waits between attempts double from `backoff_seconds` to `backoff_cap_seconds`, with
    jitter; Retry-After is honoured up to `retry_after_cap_seconds`. `seconds_between_calls` overrides the
    source's pace; None keeps it for the publisher, and does not pace a mirror.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    deadline_seconds: float = 1800.0
    attempts: int = 5
    backoff_seconds: float = 1.0
    backoff_cap_seconds: float = 60.0
    retry_after_cap_seconds: float = 300.0
    redirects: int = 5
    seconds_between_calls: float | None = None


LIMITS = Limits()


class Client(requests.Session):
    """The HTTP session of one pull. `pace` is the seconds between two calls, unless the limits override it.

    Reads end at `expires_at`, on the monotonic clock: `receive` sets it.
    """

    def __init__(self, limits: Limits, pace: float) -> None:
        super().__init__()
        override = limits.seconds_between_calls
        self.limits, self.pace, self.expires_at = limits, pace if override is None else override, math.inf
        for prefix in ("http://", "https://"):
            self.mount(prefix, _DeadlineAdapter(self))

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Return no further requests: requests would read the body of a redirect whole, without a limit."""
        return iter(())


class _DeadlineAdapter(HTTPAdapter):
    """A transport whose reads of status line, headers and body end at the deadline of its client.

    The read timeout of requests limits one wait on the socket, which a server that sends single bytes
    never reaches.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool of urllib3 whose connections make their responses by `response`."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        attributes = {"response_class": self.response}
        pool.ConnectionCls = type("Connection", (type(pool).ConnectionCls,), attributes)
        return pool

    def response(self, connection: socket.socket, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:
        """Return a response that sets the timeout of its socket before each read."""
        response = http.client.HTTPResponse(connection, *args, **kwargs)
        raw: Any = response.fp.raw
        readinto = raw.readinto

        def readinto_before_deadline(buffer: Any) -> int | None:
            remaining = self.client.expires_at - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("the deadline has passed")
            connection.settimeout(min(self.client.limits.read_seconds, remaining))
            count: int | None = readinto(buffer)
            return count

        raw.readinto = readinto_before_deadline
        return response


def receive_if_changed(client: Client, download: Download, last: tuple[Fetched, Path] | None) -> Headers:
    """Receive an answer, or copy the last accepted one, `last`, when the server answers 304.

    The checksum of the accepted file is verified; if it differs, the whole answer is requested.
    """
    if last is None:
        return receive(client, download).headers
    known, accepted = last
    validators = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    conditions = {name: value for name, value in validators.items() if value}
    response = receive(client, replace(download, conditions=conditions))
    if response.status_code != 304:
        return response.headers
    if not accepted.is_file() or sha256_of(accepted) != known.sha256:
        LOG.error(
            "%s: the accepted file %s is missing or no longer has the checksum %s. Restore it from a backup. "
            "The whole file is requested now",
            *(download.source, accepted, known.sha256),
        )
        return receive(client, download).headers
    copy_file(download, accepted)
    held = {"ETag": known.etag, "Last-Modified": known.last_modified}
    stated = {name: response.headers.get(name) or value for name, value in held.items()}
    return {**stated, "Content-Type": known.content_type}


def receive(client: Client, download: Download) -> requests.Response:
    """Receive one answer into its `.part` file, with retries; return its closed response.

    The status of the response is 200, 206, or 304 for a download with conditions; after a 304 there is
    nothing in the file. Raises SourceError for any other answer, and when no attempt succeeds.
    """
    limits, resume, number = client.limits, None, 0
    client.expires_at = time.monotonic() + limits.deadline_seconds
    backoff = tenacity.wait_exponential_jitter(
        limits.backoff_seconds, limits.backoff_cap_seconds, jitter=limits.backoff_seconds
    )
    try:
        for attempt in tenacity.Retrying(
            name=f"{download.source}: {without_secrets(download.request.address)}",
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_after_attempt(limits.attempts)
            | tenacity.stop_before_delay(limits.deadline_seconds),
            wait=backoff
            + tenacity.wait_exception(
                lambda error: min(getattr(error, "retry_after", 0.0), limits.retry_after_cap_seconds)
            ),
            before_sleep=tenacity.before_sleep_log(LOG, logging.WARNING),
            reraise=True,
        ):
            with attempt:
                number += 1
                try:
                    return _attempt(client, download, resume)
                except IncompleteBody as error:
                    resume = error.resume
                    raise
    except TransientError as error:
        reason = f"no complete answer in {number} attempt{'s' if number > 1 else ''}: {error}"
    if time.monotonic() >= client.expires_at:
        size = download.part.stat().st_size if download.part.exists() else 0
        reason = f"the deadline of {limits.deadline_seconds:g} s passed with {size} bytes received"
    raise Unavailable(
        download.source,
        reason,
        address=without_secrets(download.request.address),
        remedy="Run again later; if it fails again, open the address by hand, and check proxy and network",
    )


def _attempt(client: Client, download: Download, resume: Resume | None) -> requests.Response:
    """Make one attempt, continuing an incomplete body if possible: check the status, and write the body."""
    offset = download.part.stat().st_size if resume else 0
    resume = resume if offset else None
    ranges = {"Range": f"bytes={offset}-", "If-Range": resume.validator} if resume else {}
    headers = {**dict(download.request.headers), **(ranges or download.conditions)}
    with closing(_open(client, download, headers)) as response:
        status = response.status_code
        if status == 200 or (status == 206 and resume):
            write_body(download, response.raw, resume, offset)
        elif status == 416 and resume:
            raise IncompleteBody("HTTP 416: the server does not send the rest of the body")
        elif status != 304 or not download.conditions or resume:
            message = b""
            with suppress(IncompleteBody):  # the text only explains the status
                message = next(read_chunks(response.raw), b"")
            reason = f"HTTP {status} {response.reason}: {excerpt(download.without_key(message))!r}"
            if status in TRANSIENT_STATUSES or (status == 400 and is_markup(message)):
                raise TransientError(reason, retry_after_seconds(response.headers.get("Retry-After")))
            raise download.error(
                reason, "Open the address by hand; if the table has moved, put its new address in the source"
            )
        return response


def _open(client: Client, download: Download, headers: Mapping[str, str]) -> requests.Response:
    """Send a request and follow the redirects of a GET; return the response with its body unread."""
    url, method = download.request.address, download.request.method
    fault = f"more than {client.limits.redirects} redirects"
    for _ in range(client.limits.redirects + 1):
        _wait_for_turn(urlsplit(url).netloc.rpartition("@")[2].lower(), client.pace)
        response = _send(client, download, url, headers)
        location = client.get_redirect_target(response)
        if location is None:
            return response
        response.close()
        try:
            previous, url = urlsplit(url), urljoin(url, location)
        except ValueError:
            fault = "a redirect to an address that cannot be read"
            break
        target = urlsplit(url)
        if method != "GET":
            fault = f"a redirect of a {method}"
        elif target.scheme not in ("http", "https"):
            fault = "a redirect to an address that is not HTTP"
        elif (previous.scheme, target.scheme) == ("https", "http"):
            fault = "a redirect from https to http"
        else:
            if target[:2] != previous[:2]:
                headers = {
                    name: text for name, text in headers.items() if name.lower() in HEADERS_FOR_ANY_HOST
                }
            continue
        break
    raise download.error(
        f"{fault}, the last to {without_secrets(url)}",
        "Open the address by hand; the table may have moved, or require a login",
    )


def _wait_for_turn(host: str, seconds: float) -> None:
    """Sleep until `seconds` have passed since the last call to the host."""
    with NEXT_CALL_LOCK:
        now = time.monotonic()
        turn = max(now, NEXT_CALL.get(host, now))
        NEXT_CALL[host] = turn + seconds
    time.sleep(turn - now)


def _send(client: Client, download: Download, url: str, headers: Mapping[str, str]) -> requests.Response:
    """Send one request; raise TransientError for a failed connection, SourceError for any other failure.

    The errors of requests are not chained, since they quote the address with its secrets.
    """
    limits, remaining = client.limits, max(0.01, client.expires_at - time.monotonic())
    try:
        return client.request(
            download.request.method,
            url,
            data=download.request.body or None,
            headers={**headers, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            stream=True,
            allow_redirects=False,
            timeout=(min(limits.connect_seconds, remaining), min(limits.read_seconds, remaining)),
        )
    except OSError as error:  # every error of requests, and a REQUESTS_CA_BUNDLE that does not exist
        is_untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        if isinstance(error, requests.ConnectionError | requests.Timeout) and not is_untrusted:
            raise TransientError(root_cause(error)) from None
        reason = "the server's certificate is not trusted" if is_untrusted else "the request cannot be sent"
        raise download.error(
            f"{reason}: {root_cause(error)}",
            "Check the address, the proxy variables and REQUESTS_CA_BUNDLE, which must name the certificate "
            "bundle of a proxy that re-signs traffic; verification cannot be turned off",
            address=url,
        ) from None


def retry_after_seconds(header: str | None) -> float:
    """Return the seconds that a Retry-After header asks for; 0 when it is missing or cannot be read."""
    try:
        return float(urllib3.Retry().parse_retry_after(header)) if header else 0.0
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return 0.0
