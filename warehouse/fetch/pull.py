"""One pull of a source: every request of its plan is answered by a file, or the pull fails.

Each answer is written to `<name>.part`, checked there, and then renamed. `fetched.json`, the list of the
answers, is written last: a directory without it is an incomplete pull. No `.part` file is left behind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pydantic import RootModel

from warehouse.config import CURATED_DIR
from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch.content import content_fault
from warehouse.fetch.download import FILE_NAME, Download, disk_errors, without_secrets
from warehouse.fetch.http import LIMITS, Client, Limits, receive_if_changed
from warehouse.fetch.mirror import CURATED, PUBLISHER, Entry, Mirror, copy_curated, copy_mirrored, open_mirror
from warehouse.files import read_record, sha256_of, write_record
from warehouse.model import Fetched, Request, Source

LOG = logging.getLogger(__name__)
FETCHED = "fetched.json"
Progress = Callable[[Request, int], None]
Pulled = RootModel[tuple[Fetched, ...]]  # the content of fetched.json


class _Pull(NamedTuple):
    """What all requests of one pull share."""

    source: str
    client: Client
    into: Path
    mirror: Mirror | None
    curated: Path
    held: Mapping[str, tuple[Fetched, Path]]
    progress: Progress


def fetch(
    source: Source,
    into: Path,
    *,
    mirror: str | None = None,
    curated: Path = CURATED_DIR,
    held: Mapping[str, tuple[Fetched, Path]] = {},
    progress: Progress | None = None,
    limits: Limits = LIMITS,
) -> tuple[Fetched, ...]:
    """Write the answer to every request of a source's plan into a directory; return them in the plan's order.

    `mirror` is a directory or an HTTP base address that answers in place of the publisher. `curated` is the
    folder of curated figures, for `curated:` addresses that the mirror does not list. `held` maps addresses
    to the last accepted answers and their files, for conditional requests. `progress` is called with the
    request and the bytes received so far. Raises SourceError for an answer that is missing or not of the
    requested kind, and WarehouseError for a mirror or disk that cannot be used.
    """
    with disk_errors(into):
        into.mkdir(parents=True, exist_ok=True)
        (into / FETCHED).unlink(missing_ok=True)
    fetched: list[Fetched] = []
    names: set[str] = set()
    try:
        pace = 0.0 if mirror else source.seconds_between_calls
        with closing(source.plan()) as plan, Client(limits, pace) as client:
            opened = open_mirror(client, source.name, mirror, into) if mirror else None
            pull = _Pull(source.name, client, into, opened, curated, held, progress or (lambda *_: None))
            request = next(plan, None)
            while request is not None:
                _check_name(source.name, request, names)
                entry = opened.entry(without_secrets(request.address)) if opened else None
                fetched.append(_answer(pull, request, entry))
                try:
                    request = plan.send(into / request.name)
                except StopIteration:
                    request = None
        if not fetched:
            raise SourceError(source.name, "the plan requested nothing", remedy="Correct the source's plan")
        with disk_errors(into / FETCHED):
            write_record(into / FETCHED, Pulled(tuple(fetched)))
    finally:
        for left in (*into.glob("*.part"), *into.glob(f".{FETCHED}.*")):
            left.unlink(missing_ok=True)
    return tuple(fetched)


def read_fetched(into: Path) -> tuple[Fetched, ...]:
    """Return the answers that a pull lists; raise WarehouseError when the pull is incomplete."""
    path = into / FETCHED
    if not path.is_file():
        raise WarehouseError(f"{path} does not exist: the pull was never completed. Fetch the source again")
    return read_record(path, Pulled, "Fetch the source again").root


def _check_name(source: str, request: Request, names: set[str]) -> None:
    """Add a name to those of the pull; raise SourceError if it is not a plain file name, or repeated."""
    name = request.name.casefold()
    is_plain = FILE_NAME.fullmatch(request.name) and name != FETCHED and not name.endswith(".part")
    if not is_plain or name in names:
        fault = "occurs twice in the pull" if is_plain else "can't be a file of the pull"
        raise SourceError(
            source,
            f"the request's name {request.name!r} {fault}",
            address=without_secrets(request.address),
            remedy="Give each request of the plan a plain file name of its own",
        )
    names.add(name)


def _answer(pull: _Pull, request: Request, entry: Entry | None) -> Fetched:
    """Write the answer to one request to its file, after checking that it is of the requested kind."""
    path, part = pull.into / request.name, pull.into / f"{request.name}.part"
    address = without_secrets(request.address)
    is_curated = request.url.startswith(f"{CURATED}:") and entry is None
    via = CURATED if is_curated else pull.mirror.name if pull.mirror else PUBLISHER
    last = pull.held.get(address)
    if last is not None and (last[0].via != via or request.method != "GET"):
        last = None  # its validators are those of another server
    download = Download(pull.source, request, part, partial(pull.progress, request))
    if is_curated:
        headers = copy_curated(download, pull.curated)
    elif pull.mirror:
        headers = copy_mirrored(pull.client, pull.mirror, entry, download, last)
    else:
        headers = receive_if_changed(pull.client, download, last)
    if fault := content_fault(request.kind, part):
        raise download.error(
            f"the answer is not {request.kind}: {fault}",
            "Open the address by hand: the publisher may show a notice, or have moved the table",
            file=request.name,
        )
    with disk_errors(path):
        part.replace(path)
    retrieved_at = (entry and entry.retrieved_at) or datetime.now(UTC).replace(microsecond=0)
    fetched = Fetched(
        name=request.name,
        address=address,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        retrieved_at=retrieved_at.astimezone(UTC),
        content_type=headers.get("Content-Type"),
        etag=headers.get("ETag"),
        last_modified=headers.get("Last-Modified"),
        via=via,
    )
    LOG.info("%s: %s, %d bytes from %s by %s", pull.source, fetched.name, fetched.size_bytes, address, via)
    return fetched
