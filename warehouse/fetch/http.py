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
import io
import logging
import math
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter

from warehouse import __version__
from warehouse.fetch.body import IncompleteBody, Resume, read_chunks, write_body
from warehouse.fetch.content import excerpt, is_markup
from warehouse.fetch.download import Answer, Download, TransientError, disk_errors
from warehouse.fetch.secrets import root_cause, without_secrets
from warehouse.files import sha256_of
from warehouse.model import Fetched

LOG = logging.getLogger(__name__)
# urllib3 logs request lines at DEBUG, with the values of secret parameters.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

USER_AGENT = (
    f"services-trade-warehouse/{__version__} (nightly retrieval of public statistics on trade in services)"
)
TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
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


class _DeadlineReader(io.RawIOBase):
    """A raw reader of a socket that sets the socket's timeout before each read."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, timeout: Callable[[], float]) -> None:
        self.raw, self.connection, self.timeout = raw, connection, timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self.connection.settimeout(self.timeout())
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()


class _DeadlineAdapter(HTTPAdapter):
    """A transport whose reads end at `expires_at`, on the monotonic clock.

    The read timeout of requests limits one wait on the socket, which a server that sends single bytes
    never reaches.
    """

    def __init__(self, read_seconds: float) -> None:
        self.read_seconds, self.expires_at = read_seconds, math.inf
        super().__init__()

    def timeout(self) -> float:
        """Return the seconds that the next read may wait; raise TimeoutError after the deadline."""
        remaining = self.expires_at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the deadline has passed")
        return min(self.read_seconds, remaining)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool of urllib3 whose connections make their responses by `response`."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        connection_class = type(pool).ConnectionCls

        def connect(**options: Any) -> Any:
            connection = connection_class(**options)
            connection.response_class = self.response
            return connection

        pool.ConnectionCls = connect
        return pool

    def response(self, connection: socket.socket, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:
        """Return a response whose status line, headers and body are read within the deadline."""
        response = http.client.HTTPResponse(connection, *args, **kwargs)
        response.fp = io.BufferedReader(_DeadlineReader(response.fp.detach(), connection, self.timeout))
        return response


class _Session(requests.Session):
    """A session that never looks at redirects: requests reads their bodies whole, without a limit."""

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Any:
        """Return no further requests; `_open` follows redirects."""
        return iter(())


@dataclass(frozen=True)
class Client:
    """The HTTP session of one pull. `pace` is the seconds between two calls to one host."""

    session: requests.Session
    adapter: _DeadlineAdapter
    limits: Limits
    pace: float


@contextmanager
def open_client(limits: Limits, pace: float) -> Iterator[Client]:
    """Yield a client for one pull; `pace` applies unless the limits override it."""
    adapter = _DeadlineAdapter(limits.read_seconds)
    with _Session() as session:
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        override = limits.seconds_between_calls
        yield Client(session, adapter, limits, pace if override is None else override)


def receive_if_changed(client: Client, download: Download, last: tuple[Fetched, Path] | None) -> Answer:
    """Receive an answer, or copy the last accepted one, `last`, when the server answers 304.

    The checksum of the copy is verified; if it differs, the whole answer is requested.
    """
    if last is None:
        return receive(client, download)
    known, accepted = last
    validators = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    conditions = {name: value for name, value in validators.items() if value}
    answer = receive(client, replace(download, conditions=conditions))
    if not answer.is_not_modified:
        return answer
    with disk_errors(download.part):
        if accepted.is_file():
            shutil.copyfile(accepted, download.part)
    if not download.part.is_file() or sha256_of(download.part) != known.sha256:
        LOG.error(
            "%s: the accepted file %s is missing or no longer has the checksum %s. Restore it from a backup. "
            "The whole file is requested now",
            *(download.source, accepted, known.sha256),
        )
        return receive(client, download)
    download.progress(known.size_bytes)
    etag, last_modified = answer.etag or known.etag, answer.last_modified or known.last_modified
    return Answer(known.content_type, etag, last_modified, is_not_modified=True)


def receive(client: Client, download: Download) -> Answer:
    """Receive one answer into its `.part` file, with retries; raise SourceError when none succeeds."""
    limits = client.limits
    client.adapter.expires_at = time.monotonic() + limits.deadline_seconds
    resume: Resume | None = None
    number = 0
    try:
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_after_attempt(limits.attempts)
            | tenacity.stop_before_delay(limits.deadline_seconds),
            wait=partial(_wait_seconds, limits),
            before_sleep=partial(_log_retry, download),
            reraise=True,
        ):
            with attempt:
                number = attempt.retry_state.attempt_number
                try:
                    return _attempt(client, download, resume)
                except IncompleteBody as error:
                    resume = error.resume
                    raise
    except TransientError as error:
        reason = f"no complete answer in {number} attempt{'s' if number > 1 else ''}: {error}"
    raise download.error(
        reason, "Run again later; if it fails again, open the address by hand, and check proxy and network"
    )


def _wait_seconds(limits: Limits, state: tenacity.RetryCallState) -> float:
    """Return the seconds before the next attempt: exponential with jitter, and at least Retry-After."""
    initial, cap = limits.backoff_seconds, limits.backoff_cap_seconds
    exponential = tenacity.wait_exponential_jitter(initial=initial, max=cap, jitter=initial)
    error = state.outcome.exception() if state.outcome else None
    retry_after = error.retry_after if isinstance(error, TransientError) else 0.0
    return max(exponential(state), min(retry_after, limits.retry_after_cap_seconds))


def _log_retry(download: Download, state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    LOG.warning(
        "%s: attempt %d at %s failed: %s; next attempt in %.1f s",
        *(download.source, state.attempt_number, without_secrets(download.address)),
        *(error, state.upcoming_sleep),
    )


def _attempt(client: Client, download: Download, resume: Resume | None) -> Answer:
    """Make one attempt, continuing an incomplete body if possible."""
    offset = download.part.stat().st_size if resume else 0
    resume = resume if offset else None
    ranges = {"Range": f"bytes={offset}-", "If-Range": resume.validator} if resume else {}
    headers = {**download.headers, **(ranges or download.conditions)}
    try:
        with closing(_open(client, download, headers)) as response:
            return _read_answer(download, response, resume, offset)
    except TransientError:
        if time.monotonic() < client.adapter.expires_at:
            raise
    size = download.part.stat().st_size if download.part.exists() else 0
    raise TransientError(
        f"the deadline of {client.limits.deadline_seconds:g} s passed with {size} bytes received"
    )


def _open(client: Client, download: Download, headers: Mapping[str, str]) -> requests.Response:
    """Send a request and follow the redirects of a GET; return the response with its body unread."""
    url = download.address
    fault = f"more than {client.limits.redirects} redirects"
    for _ in range(client.limits.redirects + 1):
        _wait_for_turn(urlsplit(url).netloc.rpartition("@")[2].lower(), client.pace)
        response = _send(client, download, url, headers)
        location = client.session.get_redirect_target(response)
        if location is None:
            return response
        response.close()
        try:
            previous, url = url, urljoin(url, location)
        except ValueError:
            fault = "a redirect to an address that cannot be read"
            break
        if download.method != "GET":
            fault = f"a redirect of a {download.method}"
            break
        if urlsplit(url).scheme not in ("http", "https"):
            fault = "a redirect to an address that is not HTTP"
            break
        if (urlsplit(previous).scheme, urlsplit(url).scheme) == ("https", "http"):
            fault = "a redirect from https to http"
            break
        if urlsplit(url)[:2] != urlsplit(previous)[:2]:
            headers = {name: text for name, text in headers.items() if name.lower() in HEADERS_FOR_ANY_HOST}
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
    limits, seconds = client.limits, max(0.01, client.adapter.expires_at - time.monotonic())
    try:
        return client.session.request(
            download.method,
            url,
            data=download.body or None,
            headers={**headers, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            stream=True,
            allow_redirects=False,
            timeout=(min(limits.connect_seconds, seconds), min(limits.read_seconds, seconds)),
        )
    except OSError as error:  # every error of requests, and a REQUESTS_CA_BUNDLE that does not exist
        is_untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        if isinstance(error, requests.ConnectionError | requests.Timeout) and not is_untrusted:
            raise TransientError(root_cause(error)) from None
        reason = "the server's certificate is not trusted" if is_untrusted else "the request cannot be sent"
        raise replace(download, address=url).error(
            f"{reason}: {root_cause(error)}",
            "Check the address, the proxy variables and REQUESTS_CA_BUNDLE, which must name the certificate "
            "bundle of a proxy that re-signs traffic; verification cannot be turned off",
        ) from None


def _read_answer(
    download: Download, response: requests.Response, resume: Resume | None, offset: int
) -> Answer:
    """Check the status of a response, and write its body."""
    status, headers = response.status_code, response.headers
    is_not_modified = status == 304 and bool(download.conditions) and not resume
    if status == 200 or (status == 206 and resume):
        write_body(download, response.raw, resume, offset)
    elif status == 416 and resume:
        raise IncompleteBody("HTTP 416: the server does not send the rest of the body")
    elif not is_not_modified:
        message = b""
        with suppress(IncompleteBody):  # the text only explains the status
            message = next(read_chunks(response.raw), b"")
        reason = f"HTTP {status} {response.reason}: {excerpt(message)!r}"
        if status in TRANSIENT_STATUSES or (status == 400 and is_markup(message)):
            raise TransientError(reason, retry_after=retry_after_seconds(headers.get("Retry-After")))
        raise download.error(
            reason, "Open the address by hand; if the table has moved, put its new address in the source"
        )
    etag, last_modified = headers.get("ETag"), headers.get("Last-Modified")
    return Answer(headers.get("Content-Type"), etag, last_modified, is_not_modified)


def retry_after_seconds(header: str | None) -> float:
    """Return the seconds that a Retry-After header asks for; 0 when it is missing or cannot be read."""
    try:
        return float(urllib3.Retry().parse_retry_after(header)) if header else 0.0
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return 0.0
