"""Response bodies: written to a `.part` file within a size limit, decoded, and resumed by Range.

Requests ask for `Accept-Encoding: identity`, so that lengths and ranges count the bytes that are stored. A
body that is compressed all the same is decoded within the same limit, and its stream must be complete.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import urllib3

from warehouse.fetch.download import Download, TransientError, disk_errors, root_cause

CHUNK_BYTES = 64 * 1024
CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")  # RFC 9110, section 14.4


class Resume(NamedTuple):
    """How to continue a body: its strong ETag or Last-Modified, and its total length in bytes if known."""

    validator: str
    total: int | None


class IncompleteBody(TransientError):
    """A body that ended early. `resume` says how to continue; None means to start over."""

    def __init__(self, reason: str, resume: Resume | None = None) -> None:
        super().__init__(reason)
        self.resume = resume


class Decoder:
    """Decodes a compressed body: a zlib stream, or gzip members one after another, with zeros after each."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)

    @property
    def is_at_end(self) -> bool:
        """Return whether the stream, or the last member that began, is complete."""
        return self._stream.eof

    def decode(self, chunk: bytes, most: int) -> bytes:
        """Return the content of the next bytes, at most `most` bytes of it; raise zlib.error if damaged."""
        content = b""
        while chunk and len(content) < most:
            if self._stream.eof:
                if not (chunk := chunk.lstrip(b"\0")):
                    break
                self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            content += self._stream.decompress(chunk, most - len(content))
            chunk = self._stream.unused_data
        return content


def write_body(
    download: Download, response: urllib3.HTTPResponse, resume: Resume | None, offset: int
) -> None:
    """Write the body of a 200 response, or of a 206 that continues `resume` after `offset` bytes.

    Raises IncompleteBody when the body ends early or does not continue the bytes received, and SourceError
    when it is larger than the limit of the request or compressed by an unknown method.
    """
    encoding, limit = _encoding(response), download.request.max_bytes
    if encoding not in ("", "gzip", "x-gzip", "deflate"):
        raise download.error(
            f"the body is encoded as {encoding!r}, which was not requested",
            "Ask the publisher, or the operator of the proxy, to honour Accept-Encoding: identity",
        )
    if resume and response.status == 206:
        total = _total_of_range(response, resume, offset)
    else:
        offset, total = 0, response.length_remaining
        resume = _resume_of(response, total) if download.request.method == "GET" else None
    if total is not None and total > limit:
        raise download.too_large(f"{total} bytes are announced")
    stream = Decoder() if encoding else None
    received = size = offset
    with disk_errors(download.part), download.part.open("ab" if offset else "wb") as file:
        for chunk in read_chunks(response, resume):
            received += len(chunk)
            try:
                data = stream.decode(chunk, limit - size + 1) if stream else chunk
            except zlib.error as error:
                raise IncompleteBody(f"the compressed body is damaged: {error}") from None
            size += len(data)
            if size > limit:
                raise download.too_large(f"more than {limit} bytes were received")
            file.write(data)
            download.progress(size)
    if total is not None and received != total:
        reason = f"the body ended after {received} of {total} bytes"
        raise IncompleteBody(reason, resume if received < total else None)
    if stream and not stream.is_at_end:
        raise IncompleteBody("the compressed body ended early")


def read_chunks(response: urllib3.HTTPResponse, resume: Resume | None = None) -> Iterator[bytes]:
    """Yield the body as it arrives, at most one read of the socket for each chunk."""
    try:
        yield from iter(partial(response.read1, CHUNK_BYTES, decode_content=False), b"")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise IncompleteBody(f"the body broke off: {root_cause(error)}", resume) from None


def _encoding(response: urllib3.HTTPResponse) -> str:
    return response.headers.get("Content-Encoding", "").strip().lower().removeprefix("identity")


def _resume_of(response: urllib3.HTTPResponse, total: int | None) -> Resume | None:
    """Return how the body can be resumed; None without ranges, without a strong validator, or compressed."""
    etag = response.headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
    has_ranges = response.headers.get("Accept-Ranges", "").lower() == "bytes"
    return Resume(validator, total) if has_ranges and validator and not _encoding(response) else None


def _total_of_range(response: urllib3.HTTPResponse, resume: Resume, offset: int) -> int | None:
    """Return the total length that a 206 states; raise IncompleteBody when it does not continue the body."""
    header = response.headers.get("Content-Range", "")
    match = CONTENT_RANGE.fullmatch(header)
    is_same = not resume.validator.startswith('"') or response.headers.get("ETag") in (None, resume.validator)
    if match and int(match[1]) == offset and is_same and not _encoding(response):
        total = int(match[3]) if match[3] != "*" else resume.total
        if resume.total in (None, total):
            return total
    raise IncompleteBody(f"the partial answer {header!r} does not continue the {offset} bytes received")
