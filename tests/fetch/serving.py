"""What the tests of warehouse.fetch share: sources of a few requests, and a server scripted byte by byte."""

from __future__ import annotations

import re
import resource
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug import Request as HttpRequest
from werkzeug import Response

from warehouse.errors import WarehouseError
from warehouse.fetch import Limits, fetch
from warehouse.files import sha256_of
from warehouse.model import Fetched, Note, Plan, Request, Source

CSV = b"year,value\n2021,394272.573\n"
PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><html><body>\xe7\xbb\xb4\xe6\x8a\xa4 maintenance</body></html>"
QUICK = Limits(
    connect_seconds=1,
    read_seconds=0.4,
    deadline_seconds=10,
    attempts=3,
    backoff_seconds=0.01,
    backoff_cap_seconds=0.02,
    retry_after_cap_seconds=5,
    seconds_between_calls=0,
)


# --- sources ------------------------------------------------------------------------------------------


def never_read(files: Mapping[str, Path], work: Path, note: Note) -> Iterator[pa.RecordBatch]:
    raise AssertionError("fetch does not read")


def source_with(plan: Callable[[], Plan], pace: float = 0.0) -> Source:
    return Source(
        name="toy",
        title="Toy",
        publisher="Nobody",
        table="Nothing",
        homepage="https://publisher.example/",
        licence="none",
        columns=("year", "value"),
        key=("year",),
        plan=plan,
        read=never_read,
        seconds_between_calls=pace,
    )


def source_of(*requests: Request, pace: float = 0.0) -> Source:
    def plan() -> Plan:
        for request in requests:  # not `yield from`: a tuple can't be sent the answers
            _ = yield request

    return source_with(plan, pace)


def source_for(url: str, kind: str = "csv", name: str = "data.csv", **more: object) -> Source:
    return source_of(Request(name=name, url=url, kind=kind, **more))  # type: ignore[arg-type]


def names_in(into: Path) -> set[str]:
    return {path.name for path in into.iterdir()} if into.exists() else set()


def failure(source: Source, into: Path, limits: Limits = QUICK, **more: object) -> str:
    """Return the text of the error that a pull ends in, and assert that no partial file is left."""
    with pytest.raises(WarehouseError) as caught:
        fetch(source, into, limits=limits, **more)  # type: ignore[arg-type]
    assert not [name for name in names_in(into) if "part" in name or name == "fetched.json"]
    return str(caught.value)


def log_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, except by the test server."""
    return [
        f"{record.levelname} {record.getMessage()}"
        for record in caplog.records
        if not record.name.startswith("werkzeug")
    ]


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Make writes beyond a size fail in the kernel, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def stable_id(value: str | bytes) -> str:
    """Return an id without the bytes of an archive, which contain the time: all workers need the same ids."""
    return re.sub(r"\d+", "n", value) if isinstance(value, str) else "bytes"


# --- conditional requests -----------------------------------------------------------------------------


def accepted_answer(tmp_path: Path, address: str, via: str = "publisher") -> dict[str, tuple[Fetched, Path]]:
    """Return the argument `held` with an accepted answer that has an ETag and a Last-Modified."""
    path = tmp_path / "accepted.csv"
    path.write_bytes(CSV)
    fetched = Fetched(
        name="old-name.csv",
        address=address,
        sha256=sha256_of(path),
        size_bytes=27,
        retrieved_at=datetime(2024, 7, 12, tzinfo=UTC),
        content_type="text/csv",
        etag='"v1"',
        last_modified="Fri, 12 Jul 2024 00:00:00 GMT",
        via=via,
    )
    return {address: (fetched, path)}


def respond_304_for_v1(request: HttpRequest) -> Response:
    if request.headers.get("If-None-Match") == '"v1"' and request.headers.get("If-Modified-Since"):
        return Response(status=304, headers={"ETag": '"v1"'})
    return Response(b"year,value\n2021,1\n", headers={"ETag": '"v2"'})


# --- a server scripted byte by byte -------------------------------------------------------------------

Script = Callable[[socket.socket, str], None]


@contextmanager
def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[str]]]:
    """Answer the n-th connection by the n-th script (the last serves the rest); yield address, requests."""
    requests: list[str] = []
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.01)

    def serve() -> None:
        count = 0
        while not over.is_set():
            try:
                accepted, _ = listener.accept()
            except TimeoutError:
                continue
            accepted.settimeout(2)
            with (
                suppress(OSError),
                accepted,
            ):  # a client that closes the connection is expected in several tests
                connection = tls.wrap_socket(accepted, server_side=True) if tls else accepted
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(4096)
                requests.append(request.decode("latin-1"))
                scripts[min(count, len(scripts) - 1)](connection, requests[-1])
                connection.close()
            count += 1

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        port = listener.getsockname()[1]
        yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}", requests
    finally:
        over.set()
        thread.join()
        listener.close()


def head(status: str = "200 OK", **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def send(*parts: bytes) -> Script:
    return lambda connection, request: connection.sendall(b"".join(parts))


def send_then_reset(*parts: bytes) -> Script:
    def script(connection: socket.socket, request: str) -> None:
        connection.sendall(b"".join(parts))
        time.sleep(0.05)  # else the reset overtakes the bytes
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


def drip(first: bytes, drop: bytes, seconds: float = 0.05) -> Script:
    """Send `first`, then `drop` repeatedly for 10 s."""

    def script(connection: socket.socket, request: str) -> None:
        connection.sendall(first)
        for _ in range(200):
            connection.sendall(drop)
            time.sleep(seconds)

    return script


def sign_certificate(path: Path) -> Path:
    """Write a self-signed certificate for localhost with its key to `path`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
