"""One pull of a source: every request of its plan is answered by a file, or the pull fails.

Each answer is written to `<name>.part`, checked there, and then renamed. `fetched.json`, the list of the
answers, is written last: a directory without it is an incomplete pull. No `.part` file is left behind.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warehouse.config import CURATED_DIR
from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch.content import content_fault
from warehouse.fetch.download import Download, disk_errors
from warehouse.fetch.http import LIMITS, Client, Limits, open_client, receive_if_changed
from warehouse.fetch.mirror import (
    CURATED,
    FILE_NAME,
    PUBLISHER,
    Mirror,
    copy_curated,
    open_mirror,
    receive_from_mirror,
)
from warehouse.fetch.secrets import without_secrets
from warehouse.files import sha256_of, write_atomic
from warehouse.model import Fetched, Request, Source

LOG = logging.getLogger(__name__)
FETCHED = "fetched.json"
Progress = Callable[[Request, int], None]


@dataclass(frozen=True)
class _Pull:
    """What all requests of one pull share."""

    source: str
    client: Client
    into: Path
    mirror: Mirror | None
    curated: Path
    held: Mapping[str, tuple[Fetched, Path]]
    progress: Progress | None


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
    pace = 0.0 if mirror else source.seconds_between_calls
    try:
        with closing(source.plan()) as plan, open_client(limits, pace) as client:
            opened = open_mirror(client, source.name, mirror, into) if mirror else None
            pull = _Pull(source.name, client, into, opened, curated, held, progress)
            request = next(plan, None)
            while request is not None:
                _check_name(source.name, request, names)
                names.add(request.name.casefold())
                if request.recorded_only and not _is_mirrored(pull, request):
                    (into / request.name).unlink(missing_ok=True)
                else:
                    fetched.append(_answer(pull, request))
                try:
                    request = plan.send(into / request.name)
                except StopIteration:
                    request = None
        if not fetched:
            raise SourceError(source.name, "the plan requested nothing", remedy="Correct the source's plan")
        with disk_errors(into / FETCHED):
            records = [_to_record(answer) for answer in fetched]
            write_atomic(into / FETCHED, json.dumps(records, ensure_ascii=False, indent=2) + "\n")
    finally:
        for partial in (*into.glob("*.part"), *into.glob(f".{FETCHED}.*")):
            partial.unlink(missing_ok=True)
    return tuple(fetched)


def read_fetched(into: Path) -> tuple[Fetched, ...]:
    """Return the answers that a pull lists; raise WarehouseError when the pull is incomplete."""
    path = into / FETCHED
    if not path.is_file():
        raise WarehouseError(f"{path} does not exist: the pull was never completed. Fetch the source again")
    return tuple(_from_record(record) for record in json.loads(path.read_text(encoding="utf-8")))


def _to_record(answer: Fetched) -> dict[str, Any]:
    return vars(answer) | {"retrieved_at": answer.retrieved_at.isoformat()}


def _from_record(record: dict[str, Any]) -> Fetched:
    return Fetched(**record | {"retrieved_at": datetime.fromisoformat(record["retrieved_at"])})


def _check_name(source: str, request: Request, names: set[str]) -> None:
    """Raise SourceError for a name that is not a plain file name, is reserved, or is used in the pull."""
    name = request.name.casefold()
    is_plain = FILE_NAME.fullmatch(request.name) and name != FETCHED and not name.endswith(".part")
    if is_plain and name not in names:
        return
    raise SourceError(
        source,
        f"the request's name {request.name!r} "
        + ("occurs twice in the pull" if is_plain else "can't be a file of the pull"),
        address=without_secrets(request.address),
        remedy="Give each request of the plan a plain file name of its own",
    )


def _is_mirrored(pull: _Pull, request: Request) -> bool:
    return pull.mirror is not None and without_secrets(request.address) in pull.mirror.entries


def _answer(pull: _Pull, request: Request) -> Fetched:
    """Write the answer to one request to its file, after checking that it is of the requested kind."""
    path, address = pull.into / request.name, without_secrets(request.address)
    is_curated = urlsplit(request.url).scheme == CURATED
    mirror = None if is_curated and not _is_mirrored(pull, request) else pull.mirror
    via = mirror.name if mirror else CURATED if is_curated else PUBLISHER
    last = pull.held.get(address)
    if last is not None and (last[0].via != via or request.method != "GET"):
        last = None  # its validators are those of another server
    retrieved_at: datetime | None = None

    def progress(size: int) -> None:
        if pull.progress:
            pull.progress(request, size)

    download = Download(
        source=pull.source,
        address=request.address,
        part=pull.into / f"{request.name}.part",
        max_bytes=request.max_bytes,
        progress=progress,
        method=request.method,
        headers=dict(request.headers),
        body=request.body,
    )
    if mirror:
        answer = receive_from_mirror(pull.client, mirror, download, last)
        retrieved_at = mirror.entries[address].retrieved_at
    elif is_curated:
        answer = copy_curated(download, pull.curated)
    else:
        answer = receive_if_changed(pull.client, download, last)
    if fault := content_fault(request.kind, download.part):
        raise download.error(
            f"the answer is not {request.kind}: {fault}",
            "Open the address by hand: the publisher may show a notice, or have moved the table",
            request.name,
        )
    with disk_errors(path):
        download.part.replace(path)
    fetched = Fetched(
        name=request.name,
        address=address,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        retrieved_at=(retrieved_at or datetime.now(UTC).replace(microsecond=0)).astimezone(UTC),
        content_type=answer.content_type,
        etag=answer.etag,
        last_modified=answer.last_modified,
        via=via,
    )
    LOG.info("%s: %s, %d bytes from %s by %s", pull.source, fetched.name, fetched.size_bytes, address, via)
    return fetched
