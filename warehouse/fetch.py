"""The only module that speaks HTTP: a source's requests become files, whole or not at all.

Keeps:
- Each answer goes to `<name>.part`, is judged there, and only then takes its name; `fetched.json`, the
  list of what came, is written last. Without it the pull never happened. No failure leaves a `.part`.
- A passing fault (connection, timeout, 408, 429, 500, 502, 503, 504, a body that breaks off, a 400 with an
  HTML page, which the World Bank's gateway sends now and then) is tried again, a bounded number of times,
  after a growing wait with jitter and no sooner than Retry-After asks; anything else fails at once. The loop
  is tenacity's: urllib3's own `Retry` sees neither bodies nor what a 400 says.
- One deadline spans all attempts at one file. It cuts the socket, so that a server which sends a byte now
  and then, of headers or body, can't hold the night: timeouts of single reads would never expire.
- A body that broke off is resumed by Range where the server offers ranges and a validator to hold the rest
  against (If-Range); the parts must fit to the byte, otherwise the file starts over.
- We ask for `Accept-Encoding: identity`, so that lengths and ranges speak of the bytes we keep. A server
  that compresses all the same is decoded, under the same cap on size, and must end its stream properly.
- A body shorter than announced is a passing fault. One that runs on is cut at its announced length by
  the protocol, and then fails the check of its kind.
- Calls to one host keep the source's pace, over all threads of this process.
- Conditional requests: with `held`, the last accepted answers, we send their ETag and Last-Modified to where
  they came from. A 304 stands for the held bytes, whose checksum is taken again. Their `retrieved_at` is
  now: the publisher has just said that these are the bytes it would send. If the held bytes are damaged
  that is logged as an error, and the whole file is asked for.
- A POST only asks, so it is tried again like a GET; but it follows no redirect, is never conditional and
  never resumed, since a range or a 304 would speak of another answer.
- A `curated:` address is answered from the folder of curated figures: `curated://` by the sorted names of its
  CSV files as a JSON array, `curated://<file>` by that file. A mirror that lists the address goes first.
- A `recorded_only` request that no mirror answers is passed over, and not on the list of what came.
- Proxy variables and REQUESTS_CA_BUNDLE are honoured. Credentials in an address, and parameters named like
  keys or tokens, are masked in logs, errors, `Fetched.address` and the look-ups by it.

Refuses: to leave TLS unverified; to follow a redirect from https to http, without end, or with the source's
headers to another host; names that leave the directory; answers larger than agreed or of another kind than
asked for; a mirror's file outside the mirror or with another checksum than its index states.

A mirror is a directory or an HTTP base address with an `index.json`; see `warehouse/sample/` for one. An
error reported *inside* a well-formed answer is the plan's or the reader's to find.
"""

from __future__ import annotations

import email.utils
import errno
import json
import logging
import re
import shutil
import socket
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit, urlunsplit
from weakref import WeakSet

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from warehouse import __version__, config
from warehouse.errors import SourceError, WarehouseError
from warehouse.files import sha256_of, write_atomic
from warehouse.model import MEBIBYTE, Fetched, Request, Source

LOG = logging.getLogger(__name__)
# urllib3 writes whole request lines at DEBUG, parameters and all; ours say the same without the secrets.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

USER_AGENT = (
    f"services-trade-warehouse/{__version__} (nightly retrieval of public statistics on trade in services)"
)
FETCHED = "fetched.json"
PUBLISHER = "publisher"
CURATED = "curated"
CHUNK = 64 * 1024
INDEX_MAX_BYTES = 16 * MEBIBYTE
PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
SENT_ANYWHERE = frozenset({"accept", "range", "if-range", "if-none-match", "if-modified-since"})
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NAME = re.compile(r"[^\s./\\:\x00-\x1f][^/\\:\x00-\x1f]{0,199}")
SECRET_PARAMETER = re.compile(r"(?i)(key|token|secret|password|passwd|pwd|signature|credential)s?$")
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
Progress = Callable[[Request, int], None]


@dataclass(frozen=True)
class Limits:
    """How long and how often we try; times in seconds.

    `connect_seconds` and `read_seconds` bound one wait on the socket, `deadline_seconds` all attempts at one
    file together. Waits between attempts grow from `backoff_seconds`, doubling with jitter, to
    `backoff_cap_seconds`; a Retry-After is honoured up to `retry_after_cap_seconds`.
    `seconds_between_calls` overrides the source's pace; None keeps it, except that a mirror, which is
    nobody's but the operator's, is not paced.
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


@dataclass(frozen=True)
class _Line:
    """What all calls of one pull share: whose they are, the session with its sockets, limits and pace."""

    source: str
    session: requests.Session
    sockets: WeakSet[socket.socket]
    limits: Limits
    pace: float


@dataclass(frozen=True)
class _Call:
    """One address to be answered into one file. `conditions` are headers that allow a 304."""

    address: str
    part: Path
    max_bytes: int
    headers: Mapping[str, str]
    conditions: Mapping[str, str]
    progress: Callable[[int], None]
    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True)
class _Answer:
    """What the headers of a good answer said."""

    not_modified: bool
    content_type: str | None
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True)
class _Mirror:
    """An index that was read: its name, the directory or HTTP base it stands in, entries by address."""

    name: str
    base: Path | str
    answers: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Begun:
    """The first bytes of a body, on disk: what to hold the rest against."""

    validator: str
    total: int | None


class _PassingFault(Exception):
    """A failure that another attempt may not meet."""

    def __init__(self, reason: str, *, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class _BrokenBody(_PassingFault):
    """A body that ended early; `begun` says how to go on, None means to start over."""

    def __init__(self, reason: str, begun: _Begun | None) -> None:
        super().__init__(reason)
        self.begun = begun


# --- the pull -----------------------------------------------------------------------------------------


def fetch(
    source: Source,
    into: Path,
    *,
    mirror: str | None = None,
    held: Mapping[str, tuple[Fetched, Path]] = {},
    progress: Progress | None = None,
    limits: Limits = LIMITS,
) -> tuple[Fetched, ...]:
    """Answer every request of a source's plan into a directory; return what came, in the plan's order.

    `mirror` is a directory or an HTTP base address that answers in place of the publisher. `held` maps the
    addresses of the last accepted answers to them and their files. `progress` is called with the request
    and the bytes that have come of it so far. Raises SourceError for an answer that did not come or is
    not what was asked for, and WarehouseError for a mirror or disk that can't be used.
    """
    with _disk(into):
        into.mkdir(parents=True, exist_ok=True)
        (into / FETCHED).unlink(missing_ok=True)
    fetched: list[Fetched] = []
    taken: set[str] = set()
    try:
        with closing(source.plan()) as plan, _open_line(source, limits, paced=not mirror) as line:
            index = _open_mirror(line, mirror, into) if mirror else None
            request = next(plan, None)
            while request is not None:
                _check_name(source.name, request, taken)
                taken.add(request.name.casefold())
                if request.recorded_only and (index is None or not _is_listed(request, index)):
                    (into / request.name).unlink(missing_ok=True)
                else:
                    answer = _answer(line, request, into, index, held, progress)
                    LOG.info(
                        "%s: %s, %d bytes from %s by %s",
                        source.name,
                        answer.name,
                        answer.size_bytes,
                        answer.address,
                        answer.via,
                    )
                    fetched.append(answer)
                try:
                    request = plan.send(into / request.name)
                except StopIteration:
                    request = None
        if not fetched:
            raise SourceError(source.name, "the plan asked for nothing", remedy="Mend the source's plan")
        with _disk(into / FETCHED):
            told = [asdict(answer) | {"retrieved_at": answer.retrieved_at.isoformat()} for answer in fetched]
            write_atomic(into / FETCHED, json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    finally:
        for leftover in (*into.glob("*.part"), *into.glob(f".{FETCHED}.*")):
            leftover.unlink(missing_ok=True)
    return tuple(fetched)


def read_fetched(into: Path) -> tuple[Fetched, ...]:
    """Read the list of answers of a pull; raise WarehouseError when the pull was never completed."""
    path = into / FETCHED
    if not path.is_file():
        raise WarehouseError(f"{path} is not there: the pull was never completed. Fetch the source again")
    return tuple(
        Fetched(**(told | {"retrieved_at": datetime.fromisoformat(told["retrieved_at"])}))
        for told in json.loads(path.read_text(encoding="utf-8"))
    )


def without_secrets(address: str) -> str:
    """Mask the credentials of an address, and the values of parameters named like keys or tokens."""
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if "@" not in parts.netloc and not any(SECRET_PARAMETER.search(name) for name, _ in pairs):
        return address
    query = "&".join(
        f"{quote(name)}={'***' if SECRET_PARAMETER.search(name) else quote(value)}" for name, value in pairs
    )
    netloc = "***@" + parts.netloc.rpartition("@")[2] if "@" in parts.netloc else parts.netloc
    return urlunsplit(parts._replace(netloc=netloc, query=query))


def _check_name(source: str, request: Request, taken: set[str]) -> None:
    """Refuse a name that is not one plain file of the pull's own."""
    name = request.name
    reserved = name.casefold() == FETCHED or name.casefold().endswith(".part")
    if not NAME.fullmatch(name) or reserved:
        reason = f"the request's name {name!r} can't be a file of the pull"
    elif name.casefold() in taken:
        reason = f"the request's name {name!r} occurs twice in the pull"
    else:
        return
    raise SourceError(
        source,
        reason,
        address=without_secrets(request.address),
        remedy="Name each request of the plan by one plain file name of its own",
    )


def _answer(
    line: _Line,
    request: Request,
    into: Path,
    mirror: _Mirror | None,
    held: Mapping[str, tuple[Fetched, Path]],
    progress: Progress | None,
) -> Fetched:
    """Answer one request into its file, judged by its kind."""
    public = without_secrets(request.address)
    is_curated = urlsplit(request.url).scheme == CURATED
    if is_curated and (mirror is None or not _is_listed(request, mirror)):
        mirror = None
    via = mirror.name if mirror else CURATED if is_curated else PUBLISHER
    entry = _entry(line.source, public, mirror) if mirror else None
    last = held.get(public)
    if last is not None and (last[0].via != via or request.method != "GET"):
        last = None  # validators are only good where they were given, and for a GET
    part, path = into / f"{request.name}.part", into / request.name
    seen = (lambda size: progress(request, size)) if progress else (lambda size: None)
    if mirror is None and is_curated:
        answer = _copy_curated(line.source, request, config.from_environment().curated, part, seen)
    elif mirror is None:
        headers = dict(request.headers)
        call = _Call(
            request.address, part, request.max_bytes, headers, {}, seen, request.method, request.body
        )
        answer = _receive_or_keep(line, call, last)
    elif isinstance(mirror.base, Path):
        answer = _copy(line.source, request, mirror, mirror.base, _file_of(mirror, entry), part, seen)
    else:
        address = f"{mirror.base}/{quote(_file_of(mirror, entry).as_posix())}"
        answer = _receive_or_keep(line, _Call(address, part, request.max_bytes, {}, {}, seen), last)
    if not answer.content_type and entry is not None:
        answer = replace(answer, content_type=entry.get("content_type"))
    sha256 = sha256_of(part)
    if mirror and entry and entry.get("sha256") and entry["sha256"].lower() != sha256:
        raise SourceError(
            line.source,
            f"the mirror {mirror.name} sent bytes with SHA-256 {sha256}, its index states {entry['sha256']}",
            address=public,
            file=str(entry["file"]),
            remedy="Copy that file to the mirror again",
        )
    _check_kind(line.source, request, part)
    size = part.stat().st_size
    with _disk(path):
        part.replace(path)
    return Fetched(
        name=request.name,
        address=public,
        sha256=sha256,
        size_bytes=size,
        retrieved_at=_recorded_at(mirror, entry) or datetime.now(UTC).replace(microsecond=0),
        content_type=answer.content_type,
        etag=answer.etag,
        last_modified=answer.last_modified,
        via=via,
    )


def _receive_or_keep(line: _Line, call: _Call, last: tuple[Fetched, Path] | None) -> _Answer:
    """Receive an answer, or let a 304 stand for the held one, whose bytes are copied and checked."""
    if last is None:
        return _receive(line, call)
    known, kept = last
    conditions: dict[str, str] = {}
    if known.etag:
        conditions["If-None-Match"] = known.etag
    if known.last_modified:
        conditions["If-Modified-Since"] = known.last_modified
    answer = _receive(line, replace(call, conditions=conditions))
    if not answer.not_modified:
        return answer
    with _disk(call.part):
        if kept.is_file():
            shutil.copyfile(kept, call.part)
    if not call.part.is_file() or sha256_of(call.part) != known.sha256:
        LOG.error(
            "%s: the accepted file %s is missing or no longer has its checksum %s; restore it from a backup. "
            "The publisher is asked for the whole file now",
            line.source,
            kept,
            known.sha256,
        )
        return _receive(line, call)
    call.progress(known.size_bytes)
    return _Answer(
        not_modified=True,
        content_type=known.content_type,
        etag=answer.etag or known.etag,
        last_modified=answer.last_modified or known.last_modified,
    )


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Turn a failure to write into an error that says what to do."""
    try:
        yield
    except OSError as error:
        told = f"could not write {path}: {error.strerror or error}. "
        if error.errno in DISK_FULL:
            told += "Free space on that disk, or point WAREHOUSE_HOME at a larger one, and run again"
        else:
            told += "See that its directory can be written to, and run again"
        raise WarehouseError(f"{told}; nothing of this pull was kept") from error


# --- the wire -----------------------------------------------------------------------------------------


@contextmanager
def _open_line(source: Source, limits: Limits, *, paced: bool) -> Iterator[_Line]:
    """Open a session whose sockets are known, so that a deadline can cut them."""
    sockets: WeakSet[socket.socket] = WeakSet()
    pace = limits.seconds_between_calls
    if pace is None:
        pace = source.seconds_between_calls if paced else 0.0
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _WatchedAdapter(sockets))
        yield _Line(source.name, session, sockets, limits, pace)


class _WatchedAdapter(HTTPAdapter):
    """An adapter that notes each socket it opens (SOCKS proxies excepted)."""

    def __init__(self, sockets: WeakSet[socket.socket]) -> None:
        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                sockets.add(self.sock)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                sockets.add(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager


@contextmanager
def _cut_at(line: _Line, deadline: float) -> Iterator[threading.Event]:
    """Shut the line's sockets down when the deadline passes; the event tells whether it did."""
    passed = threading.Event()

    def cut() -> None:
        passed.set()
        for open_socket in list(line.sockets):
            with suppress(OSError):  # it may have been closed meanwhile, which is as good
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()


def _receive(line: _Line, call: _Call) -> _Answer:
    """Receive one answer into its `.part`, through passing faults; raise SourceError when they last."""
    limits = line.limits
    deadline = time.monotonic() + limits.deadline_seconds
    growing = tenacity.wait_exponential_jitter(
        initial=limits.backoff_seconds, max=limits.backoff_cap_seconds, jitter=limits.backoff_seconds
    )

    def wait(state: tenacity.RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked = fault.retry_after if isinstance(fault, _PassingFault) else 0.0
        return max(growing(state), min(asked, limits.retry_after_cap_seconds))

    def warn(state: tenacity.RetryCallState) -> None:
        fault = state.outcome.exception() if state.outcome else None
        LOG.warning(
            "%s: attempt %d of %d at %s: %s; again in %.1f s",
            line.source,
            state.attempt_number,
            limits.attempts,
            without_secrets(call.address),
            fault,
            state.upcoming_sleep,
        )

    begun: _Begun | None = None
    number = 0
    try:
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_PassingFault),
            stop=tenacity.stop_any(
                tenacity.stop_after_attempt(limits.attempts),
                tenacity.stop_before_delay(limits.deadline_seconds),
            ),
            wait=wait,
            before_sleep=warn,
            reraise=True,
        ):
            with attempt:
                number = attempt.retry_state.attempt_number
                try:
                    return _attempt(line, call, begun, deadline)
                except _BrokenBody as fault:
                    begun = fault.begun
                    raise
    except _PassingFault as fault:
        reason = f"no whole answer in {number} attempt{'s' if number > 1 else ''}: {fault.reason}"
    raise SourceError(
        line.source,
        reason,
        address=without_secrets(call.address),
        remedy="Run again later; if it lasts, try the address by hand, and look at proxy and network",
    )


def _attempt(line: _Line, call: _Call, begun: _Begun | None, deadline: float) -> _Answer:
    """Make one attempt, resuming what was begun."""
    at = call.part.stat().st_size if begun else 0
    headers = dict(call.headers)
    if begun and at:
        headers |= {"Range": f"bytes={at}-", "If-Range": begun.validator}
    else:
        headers |= call.conditions
    with _cut_at(line, deadline) as passed:
        try:
            with closing(_open(line, call, headers, deadline)) as response:
                answer = _take(line, call, response, begun if at else None, at)
        except _PassingFault:
            if not passed.is_set():
                raise
    if passed.is_set():  # a body of unknown length ends quietly when it is cut
        size = call.part.stat().st_size if call.part.exists() else 0
        raise _PassingFault(
            f"the deadline of {line.limits.deadline_seconds:g} s passed with {size} bytes received"
        )
    return answer


def _open(line: _Line, call: _Call, headers: Mapping[str, str], deadline: float) -> requests.Response:
    """Send a call and follow a GET's redirects by hand; return the response with its body unread."""
    address = here = call.address
    sent = dict(headers)
    reason = f"more than {line.limits.redirects} redirects"
    for _ in range(line.limits.redirects + 1):
        _keep_pace(urlsplit(here).netloc.rpartition("@")[2].lower(), line.pace)
        response = _send(line, call, here, sent, deadline)
        target = line.session.get_redirect_target(response)
        if target is None:
            return response
        response.close()
        there = urljoin(here, target)
        if call.method != "GET":
            reason = f"a redirect of a {call.method}"
            break
        if urlsplit(there).scheme not in ("http", "https"):
            reason = "a redirect to what is not HTTP"
            break
        if urlsplit(here).scheme == "https" and urlsplit(there).scheme == "http":
            reason = "a redirect from https to http"
            break
        if urlsplit(there)[:2] != urlsplit(here)[:2]:
            sent = {name: value for name, value in sent.items() if name.lower() in SENT_ANYWHERE}
        here = there
    raise SourceError(
        line.source,
        f"{reason}, the last to {without_secrets(there)}",
        address=without_secrets(address),
        remedy="Look at the address by hand; the table may have moved, or a login be asked for",
    )


def _send(
    line: _Line, call: _Call, url: str, headers: Mapping[str, str], deadline: float
) -> requests.Response:
    """Send one request; a failure of the connection is a passing fault, any other a SourceError.

    Causes are told without their context: requests quotes the address, secrets included, in its errors.
    """
    left = max(0.01, deadline - time.monotonic())
    timeout = (min(line.limits.connect_seconds, left), min(line.limits.read_seconds, left))
    ours = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    try:
        return line.session.request(
            call.method,
            url,
            data=call.body or None,
            headers={**headers, **ours},
            stream=True,
            allow_redirects=False,
            timeout=timeout,
        )
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            raise _PassingFault(_cause(error)) from None
        raise SourceError(
            line.source,
            f"the server's certificate does not hold: {_cause(error)}",
            address=without_secrets(url),
            remedy="Verification can't be turned off; if a proxy of your institute re-signs traffic, name "
            "its certificate bundle in REQUESTS_CA_BUNDLE",
        ) from None
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _PassingFault(_cause(error)) from None
    except OSError as error:  # all of requests' own errors, and a REQUESTS_CA_BUNDLE that is not there
        raise SourceError(
            line.source,
            f"the request can't be sent: {_cause(error)}",
            address=without_secrets(url),
            remedy="Look at the address, the proxy variables and REQUESTS_CA_BUNDLE",
        ) from None


def _cause(error: Exception) -> str:
    """Tell the innermost reason of an error of requests or urllib3, without the addresses it quotes."""
    inner = error
    while True:
        deeper = [
            part for part in (getattr(inner, "reason", None), *inner.args) if isinstance(part, Exception)
        ]
        if not deeper:
            break
        inner = deeper[0]
    text = re.sub(r"^\w+\(host=[^)]*\): ", "", str(inner))  # urllib3 names the connection's class
    text = re.sub(r"//[^\s/@]+@", "//***@", re.sub(r"\?[^\s'\")]*", "?***", text))
    return f"{type(inner).__name__}: {text}"


def _take(line: _Line, call: _Call, response: requests.Response, begun: _Begun | None, at: int) -> _Answer:
    """Judge a response by its status and headers, and write its body."""
    status = response.status_code
    answer = _Answer(
        not_modified=status == 304,
        content_type=response.headers.get("Content-Type"),
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
    )
    if status == 304 and call.conditions and not begun:
        return answer
    if status == 206 and begun:
        total = _fit(response, begun, at)
        _write_body(line, call, response, at, total, begun)
        return answer
    if status == 416 and begun:
        raise _BrokenBody("HTTP 416: the rest of the body is not offered", None)
    if status == 200:
        length = response.headers.get("Content-Length", "")
        known = length.isascii() and length.isdigit() and "Transfer-Encoding" not in response.headers
        total = int(length) if known else None
        resumable = _resumable(response, total) if call.method == "GET" else None
        _write_body(line, call, response, 0, total, resumable)
        return answer
    said = _beginning(response)
    if status in PASSING_STATUSES or (status == 400 and _is_markup(said)):
        after = _seconds_asked(response.headers.get("Retry-After"))
        raise _PassingFault(f"HTTP {status} {response.reason}, {_excerpt(said)!r}", retry_after=after)
    raise SourceError(
        line.source,
        f"HTTP {status} {response.reason}; it says {_excerpt(said)!r}",
        address=without_secrets(call.address),
        remedy="Look at the address by hand; if the table has moved, put its new address in the source",
    )


def _resumable(response: requests.Response, total: int | None) -> _Begun | None:
    """Return what a resumed body is held against; None where it could not be told from another."""
    etag = response.headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
    ranges = response.headers.get("Accept-Ranges", "").lower() == "bytes"
    if not ranges or not validator or _encoding(response):
        return None
    return _Begun(validator, total)


def _fit(response: requests.Response, begun: _Begun, at: int) -> int | None:
    """Return the whole length by a partial answer's Content-Range; raise when the parts don't fit."""
    told = response.headers.get("Content-Range", "")
    match = CONTENT_RANGE.fullmatch(told)
    total = int(match[3]) if match and match[3] != "*" else begun.total
    etag = response.headers.get("ETag")
    changed = begun.validator.startswith('"') and etag is not None and etag != begun.validator
    if not match or int(match[1]) != at or begun.total not in (None, total) or changed or _encoding(response):
        raise _BrokenBody(f"the partial answer {told!r} does not continue the {at} bytes at hand", None)
    return total


def _write_body(
    line: _Line, call: _Call, response: requests.Response, at: int, total: int | None, begun: _Begun | None
) -> None:
    """Write the body from `at` on; `total` is the announced length of the whole, in bytes on the wire."""
    if _encoding(response) not in ("", "gzip", "x-gzip", "deflate"):
        raise SourceError(
            line.source,
            f"the body is encoded as {_encoding(response)!r}, which was not asked for",
            address=without_secrets(call.address),
            remedy="Ask the publisher, or the proxy between, to honour Accept-Encoding: identity",
        )
    decode, ended = _decoder(_encoding(response))
    if total is not None and total > call.max_bytes:
        raise _too_large(line, call, f"{total} bytes are announced")
    on_wire = size = at
    with _disk(call.part), call.part.open("ab" if at else "wb") as file:
        for chunk in _chunks(response, begun):
            on_wire += len(chunk)
            data = decode(chunk, call.max_bytes - size + 1)
            size += len(data)
            if size > call.max_bytes:
                raise _too_large(line, call, f"more than {call.max_bytes} bytes came")
            file.write(data)
            call.progress(size)
    if total is not None and on_wire != total:
        resumable = begun if on_wire < total else None
        raise _BrokenBody(f"the body ended after {on_wire} of {total} bytes", resumable)
    if not ended():
        raise _BrokenBody("the compressed body ended early", None)


def _too_large(line: _Line, call: _Call, reason: str) -> SourceError:
    return SourceError(
        line.source,
        f"the answer is too large: {reason}, at most {call.max_bytes} are agreed",
        address=without_secrets(call.address),
        remedy="If the publisher's table has grown, raise the request's max_bytes",
    )


def _chunks(response: requests.Response, begun: _Begun | None) -> Iterator[bytes]:
    """Yield the body as it comes over the wire, each read at most one wait on the socket."""
    while True:
        try:
            chunk = response.raw.read1(CHUNK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _BrokenBody(f"the body broke off: {_cause(error)}", begun) from None
        if not chunk:
            return
        yield chunk


def _encoding(response: requests.Response) -> str:
    told = response.headers.get("Content-Encoding", "").strip().lower()
    return "" if told == "identity" else told


def _decoder(encoding: str) -> tuple[Callable[[bytes, int], bytes], Callable[[], bool]]:
    """Return how to decode a chunk to at most so many bytes, and how to tell that the stream ended."""
    if not encoding:
        return (lambda chunk, most: chunk), (lambda: True)
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)

    def decode(chunk: bytes, most: int) -> bytes:
        try:
            return stream.decompress(chunk, most)
        except zlib.error as error:
            raise _BrokenBody(f"the compressed body is damaged: {error}", None) from None

    return decode, lambda: stream.eof


def _beginning(response: requests.Response) -> bytes:
    """Return the first bytes of an error's body, as they come in one read."""
    with suppress(_BrokenBody):  # only a comment on an error that is told anyway
        return next(_chunks(response, None), b"")
    return b""


def _seconds_asked(retry_after: str | None) -> float:
    """Read a Retry-After, seconds or an HTTP date; 0 when there is none or it can't be read."""
    if not retry_after:
        return 0.0
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


_NEXT_CALL: dict[str, float] = {}
_PACE = threading.Lock()


def _keep_pace(host: str, seconds: float) -> None:
    """Wait for this host's next turn, and take it."""
    with _PACE:
        now = time.monotonic()
        turn = max(now, _NEXT_CALL.get(host, now))
        _NEXT_CALL[host] = turn + seconds
    time.sleep(turn - now)


# --- the mirror ---------------------------------------------------------------------------------------


def _open_mirror(line: _Line, mirror: str, into: Path) -> _Mirror:
    """Read a mirror's index, once for a pull."""
    told = without_secrets(mirror)
    base: Path | str
    if urlsplit(mirror).scheme in ("http", "https"):
        base, part = mirror.rstrip("/"), into / ".index.json.part"
        address = f"{base}/index.json"
        _receive(line, _Call(address, part, INDEX_MAX_BYTES, {}, {}, lambda size: None))
        text = part.read_bytes()
        part.unlink()
    else:
        base = Path(mirror).resolve()
        if not (base / "index.json").is_file():
            raise WarehouseError(
                f"the mirror {told} holds no index.json. Point WAREHOUSE_MIRROR at a directory or HTTP base "
                "address that does, or unset it to ask the publishers"
            )
        text = (base / "index.json").read_bytes()
    try:
        index = json.loads(text)
        name, listed = index["name"], index["answers"]
        answers = {entry["address"]: entry for entry in listed}
        sound = (
            isinstance(name, str)
            and name not in ("", PUBLISHER)
            and len(answers) == len(listed)
            and all(isinstance(entry["file"], str) for entry in listed)
        )
    except (ValueError, LookupError, TypeError) as error:
        raise _bad_index(told, f"{type(error).__name__}: {error}") from error
    if not sound:
        raise _bad_index(told, f"it needs a name (not {PUBLISHER!r}), and each address once, with its file")
    return _Mirror(name, base, answers)


def _bad_index(mirror: str, reason: str) -> WarehouseError:
    return WarehouseError(
        f"the index.json of the mirror {mirror} can't be read: {reason}. "
        'Write it as {"name": …, "answers": [{"address": …, "file": …}, …]}'
    )


def _is_listed(request: Request, mirror: _Mirror) -> bool:
    """Tell whether a mirror's index holds the request's address."""
    return without_secrets(request.address) in mirror.answers


def _copy_curated(
    source: str, request: Request, folder: Path, part: Path, progress: Callable[[int], None]
) -> _Answer:
    """Answer `curated://` with the names of the folder's CSV files, `curated://<file>` with that file."""
    name = request.url.removeprefix(f"{CURATED}://")
    path = folder / name
    if not folder.is_dir() or (name and (not NAME.fullmatch(name) or not path.is_file())):
        lacking = "has no such file" if folder.is_dir() else "is not there"
        raise SourceError(
            source,
            f"the folder of curated figures {folder} {lacking}",
            address=request.address,
            remedy="Point WAREHOUSE_CURATED at the folder that holds the CSV files, or unset it",
        )
    if name and path.stat().st_size > request.max_bytes:
        raise SourceError(
            source,
            f"the file is too large: {path.stat().st_size} bytes, at most {request.max_bytes} are agreed",
            address=request.address,
            remedy="Split it into several files",
        )
    with _disk(part):
        if name:
            shutil.copyfile(path, part)
        else:
            names = sorted(one.name for one in folder.glob("*.csv") if not one.name.startswith("."))
            part.write_text(json.dumps(names, ensure_ascii=False) + "\n", encoding="utf-8")
    progress(part.stat().st_size)
    return _Answer(not_modified=False, content_type=None, etag=None, last_modified=None)


def _entry(source: str, address: str, mirror: _Mirror) -> Mapping[str, Any]:
    if address not in mirror.answers:
        raise SourceError(
            source,
            f"the mirror {mirror.name} holds no answer for {address}",
            remedy="Add the file and an entry with this address to its index.json, or unset WAREHOUSE_MIRROR "
            "to ask the publisher",
        )
    return mirror.answers[address]


def _file_of(mirror: _Mirror, entry: Mapping[str, Any] | None) -> PurePosixPath:
    """Return the path of an entry's file, relative and inside the mirror by its spelling."""
    told = str(entry["file"]) if entry else ""
    path = PurePosixPath(told)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in told:
        raise _bad_index(mirror.name, f"the file {told!r} is not a path inside the mirror")
    return path


def _recorded_at(mirror: _Mirror | None, entry: Mapping[str, Any] | None) -> datetime | None:
    """Return when a mirror's bytes left the publisher, in UTC, if its index says so."""
    told = entry.get("retrieved_at") if entry else None
    if mirror is None or not told:
        return None
    try:
        at = datetime.fromisoformat(told)
    except (TypeError, ValueError) as error:
        raise _bad_index(mirror.name, f"retrieved_at {told!r} is no ISO 8601 time") from error
    if at.tzinfo is None:
        raise _bad_index(mirror.name, f"retrieved_at {told!r} names no time zone")
    return at.astimezone(UTC)


def _copy(
    source: str,
    request: Request,
    mirror: _Mirror,
    base: Path,
    file: PurePosixPath,
    part: Path,
    progress: Callable[[int], None],
) -> _Answer:
    """Copy an answer from a mirror that is a directory."""
    path = (base / file).resolve()
    if not path.is_relative_to(base):  # a link could still lead out
        raise _bad_index(mirror.name, f"the file {str(file)!r} leads out of the mirror")
    if not path.is_file():
        raise SourceError(
            source,
            f"the mirror {mirror.name} lists a file that is not there",
            address=without_secrets(request.address),
            file=str(path),
            remedy="Copy that file to the mirror again",
        )
    size = path.stat().st_size
    if size > request.max_bytes:
        raise SourceError(
            source,
            f"the answer is too large: {size} bytes, at most {request.max_bytes} are agreed",
            address=without_secrets(request.address),
            file=str(path),
            remedy="If the publisher's table has grown, raise the request's max_bytes",
        )
    with _disk(part):
        shutil.copyfile(path, part)
    progress(size)
    return _Answer(not_modified=False, content_type=None, etag=None, last_modified=None)


# --- the kind of an answer, by its bytes --------------------------------------------------------------


def _check_kind(source: str, request: Request, path: Path) -> None:
    """Raise SourceError when a file's bytes are not of the kind that was asked for."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        reason = "it is empty"
    elif request.kind not in KINDS:
        reason = f"no such kind is known (known are {', '.join(KINDS)})"
    else:
        reason = KINDS[request.kind](path, head)
    if reason:
        raise SourceError(
            source,
            f"the answer is not {request.kind}: {reason}; it begins {_excerpt(head)!r}",
            address=without_secrets(request.address),
            file=request.name,
            remedy="Look at the address by hand: the publisher may show a notice, or have moved the table",
        )


def _excerpt(data: bytes) -> str:
    """Return the first 80 printable characters."""
    text = " ".join(data[:1024].decode("utf-8", errors="replace").split())
    return "".join(character for character in text if character.isprintable() and character != "\ufffd")[:80]


def _bare(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf").strip()


def _is_markup(data: bytes) -> bool:
    return _bare(data).startswith(b"<")


def _why_not_csv(path: Path, head: bytes) -> str:
    if _is_markup(head):
        return "it is HTML or XML"
    return "it holds bytes that no text has" if b"\x00" in head else ""


def _why_not_html(path: Path, head: bytes) -> str:
    text = head.lower()
    return "" if _is_markup(head) and (b"<html" in text or b"<!doctype html" in text) else "no HTML begins"


def _why_not_json(path: Path, head: bytes) -> str:
    closing_bracket = {b"{": b"}", b"[": b"]"}.get(_bare(head)[:1])
    if closing_bracket is None:
        return "it is HTML or XML" if _is_markup(head) else "it begins with neither { nor ["
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1024))
        tail = file.read()
    return "" if _bare(tail).endswith(closing_bracket) else "it is cut off before its end"


def _why_not_zip(path: Path, head: bytes) -> str:
    if not head.startswith(b"PK\x03\x04"):
        return "it is HTML or XML" if _is_markup(head) else "it has no zip header"
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        return f"the archive is cut off or damaged ({error})"
    return "" if members else "the archive is empty"


def _why_not_xlsx(path: Path, head: bytes) -> str:
    reason = _why_not_zip(path, head)
    if reason:
        return reason
    with zipfile.ZipFile(path) as archive:
        missing = {"[Content_Types].xml", "xl/workbook.xml"} - set(archive.namelist())
    return f"the archive lacks {', '.join(sorted(missing))}" if missing else ""


def _why_not_7z(path: Path, head: bytes) -> str:
    # Signature header of 32 bytes (7zFormat.txt of the LZMA SDK): magic, version, CRC-32 of the 20 bytes that
    # follow it, then offset, size and CRC-32 of the end header.
    if not head.startswith(b"7z\xbc\xaf\x27\x1c"):
        return "it is HTML or XML" if _is_markup(head) else "it has no 7z header"
    if len(head) < 32 or zlib.crc32(head[12:32]) != int.from_bytes(head[8:12], "little"):
        return "the archive's first header is cut off or damaged"
    offset, size = (int.from_bytes(head[start : start + 8], "little") for start in (12, 20))
    if size == 0:
        return "the archive is empty"
    there = path.stat().st_size
    if there < 32 + offset + size:
        return f"the archive is cut off at {there} of {32 + offset + size} bytes"
    with path.open("rb") as file:
        file.seek(32 + offset)
        sound = zlib.crc32(file.read(size)) == int.from_bytes(head[28:32], "little")
    return "" if sound else "the archive's end header is damaged"


def _why_not_dta(path: Path, head: bytes) -> str:
    # Stata's formats 117 and later begin with a tag; 113 to 115 with the format, the order of bytes (1 or 2),
    # and the kind of file, which is 1.
    if head.startswith(b"<stata_dta><header><release>"):
        return ""
    if _is_markup(head):
        return "it is HTML or XML"
    is_older = len(head) > 109 and head[0] in (113, 114, 115) and head[1] in (1, 2) and head[2] == 1
    return "" if is_older else "it has no Stata header"


KINDS: Mapping[str, Callable[[Path, bytes], str]] = {
    "csv": _why_not_csv,
    "dta": _why_not_dta,
    "html": _why_not_html,
    "json": _why_not_json,
    "xlsx": _why_not_xlsx,
    "zip": _why_not_zip,
    "7z": _why_not_7z,
}
