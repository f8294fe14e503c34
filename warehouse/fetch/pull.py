"""One pull of a source: every request of its plan is answered by a file, or the pull fails.

A part of a plan (`model.Part`) fails alone: its answers in the last vintage are linked into the pull, and the
failure is listed. A pull in which every part failed fails, and so does one whose publisher does not answer. A
request that fails raises its SourceError in the plan: a plan that catches it may try another address.

Each answer is written to `<name>.part`, checked there, and then renamed. `fetched.json`, the list of the
answers, is written last: a directory without it is an incomplete pull. No `.part` file is left behind.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, model_validator

from warehouse.config import CURATED_DIR
from warehouse.errors import NotConfigured, SourceError, Unavailable, WarehouseError
from warehouse.fetch.content import content_fault
from warehouse.fetch.download import FILE_NAME, Download, disk_errors
from warehouse.fetch.http import LIMITS, Client, Limits, receive_if_changed
from warehouse.fetch.mirror import (
    CURATED,
    PUBLISHER,
    Entry,
    Mirror,
    copy_curated,
    copy_mirrored,
    not_recorded,
    open_mirror,
)
from warehouse.files import read_record, sha256_of, write_record
from warehouse.masking import without_secrets
from warehouse.model import KEY_MASK, FailedPart, Fetched, Part, Request, Source

LOG = logging.getLogger(__name__)
FETCHED = "fetched.json"
UNANSWERED_PARTS = 2  # parts in a row without any answer, after all their attempts, that end a pull
Progress = Callable[[Request, int], None]


class Pulled(BaseModel, frozen=True):
    """The content of fetched.json: the answers in the plan's order, and the parts that failed."""

    files: tuple[Fetched, ...]
    failed_parts: tuple[FailedPart, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _read_list(cls, content: Any) -> Any:
        """Read a record written before 0.3, which is the list of the answers."""
        return {"files": content} if isinstance(content, list) else content


class _Pull(NamedTuple):
    """What all requests of one pull share."""

    source: str
    client: Client
    into: Path
    mirror: Mirror | None
    curated: Path
    held: Mapping[str, tuple[Fetched, Path]]
    progress: Progress
    key: str | None
    answered: list[str]


def fetch(
    source: Source,
    into: Path,
    *,
    mirror: str | None = None,
    curated: Path = CURATED_DIR,
    held: Mapping[str, tuple[Fetched, Path]] = {},
    last_vintage: str | None = None,
    progress: Progress | None = None,
    limits: Limits = LIMITS,
    key: str | None = None,
) -> tuple[Fetched, ...]:
    """Write the answer to every request of a source's plan into a directory; return them in the plan's order.

    `mirror` is a directory or an HTTP base address that answers in place of the publisher. `curated` is the
    folder of curated figures, for `curated:` addresses that the mirror does not list. `held` maps addresses
    to the answers of the vintage `last_vintage` and their files, for conditional requests and for parts that
    fail. `progress` is called with the request and the bytes received so far. `key` is the value of the
    source's `key_variable`, sent and not kept. Raises SourceError for an answer that is missing or not
    of the requested kind, NotConfigured when the source has no vintage and the mirror lists none of its
    requests, and WarehouseError for a mirror or disk that cannot be used.
    """
    with disk_errors(into):
        into.mkdir(parents=True, exist_ok=True)
        (into / FETCHED).unlink(missing_ok=True)
    try:
        pace = 0.0 if mirror else source.seconds_between_calls
        with closing(source.plan()) as plan, Client(limits, pace) as client:
            opened = open_mirror(client, source.name, mirror, into) if mirror else None
            if source.key_variable and not opened and not key:
                raise NotConfigured(
                    source.name,
                    "the publisher asks for a key, and none is set",
                    remedy=f"Register at {source.homepage}, and set {source.key_variable}",
                )
            report = progress or (lambda *_: None)
            pull = _Pull(
                source.name, client, into, opened, curated, held, report, None if opened else key, []
            )
            try:
                pulled = _run(pull, plan, last_vintage)
            except SourceError as error:
                if opened and last_vintage is None and not pull.answered:
                    raise not_recorded(source, opened, error) from error
                raise
        if not pulled.files:
            raise SourceError(source.name, "the plan requested nothing", remedy="Correct the source's plan")
        with disk_errors(into / FETCHED):
            write_record(into / FETCHED, pulled)
    finally:
        for left in (*into.glob("*.part"), *into.glob(f".{FETCHED}.*")):
            left.unlink(missing_ok=True)
    return pulled.files


def _run(pull: _Pull, plan: Generator[Request | Part, Path, None], last_vintage: str | None) -> Pulled:
    """Answer the requests of a plan, and each of its parts; raise the first error if all its parts failed."""
    files: list[Fetched] = []
    failed: list[tuple[FailedPart, SourceError]] = []
    names: set[str] = set()
    parts = unanswered = 0
    item = next(plan, None)
    while item is not None:
        if isinstance(item, Part):
            parts += 1
            try:
                files += _answer_all(pull, item.plan, names, item.name)
                unanswered = 0
            except SourceError as error:
                unanswered = unanswered + 1 if isinstance(error, Unavailable) else 0
                if unanswered == UNANSWERED_PARTS:
                    # The publisher is down: the other parts would only wait for it as well.
                    raise failed[-1][1] from error
                carried = _carry(pull, item.name, last_vintage)
                files += carried
                reason = str(error).removeprefix(f"{pull.source}: ")
                carried_from = last_vintage if carried else None
                failed.append((FailedPart(part=item.name, reason=reason, carried_from=carried_from), error))
                kept = f"its values of {carried_from} are kept" if carried_from else "has no values yet"
                LOG.warning("%s: part %s failed, %s: %s", pull.source, item.name, kept, reason)
            item = next(plan, None)
        else:
            item = _next_item(pull, plan, item, files, names)
    if failed and len(failed) == parts:
        raise failed[0][1]
    return Pulled(files=tuple(files), failed_parts=tuple(one for one, _ in failed))


def _next_item(
    pull: _Pull,
    plan: Generator[Request | Part, Path, None],
    request: Request,
    files: list[Fetched],
    names: set[str],
) -> Request | Part | None:
    """Answer a request and return what the plan yields next, None at its end.

    A request that fails raises its SourceError in the plan, which may catch it and request another address
    under the same name.
    """
    try:
        try:
            files.append(_answer_named(pull, request, names, None))
        except SourceError as error:
            names.discard(request.name.casefold())
            LOG.info("%s: no answer to %s: %s", pull.source, request.name, error)
            return plan.throw(error)
        return plan.send(pull.into / request.name)
    except StopIteration:
        return None


def _answer_all(
    pull: _Pull, plan: Generator[Request, Path, None], names: set[str], part: str
) -> list[Fetched]:
    """Answer every request of a part; remove its files again when one of them fails."""
    files: list[Fetched] = []
    with closing(plan):
        try:
            request = next(plan, None)
            while request is not None:
                files.append(_answer_named(pull, request, names, part))
                try:
                    request = plan.send(pull.into / request.name)
                except StopIteration:
                    request = None
        except SourceError:
            for file in files:
                (pull.into / file.name).unlink(missing_ok=True)
                names.discard(file.name.casefold())
            raise
    return files


def _carry(pull: _Pull, part: str, last_vintage: str | None) -> list[Fetched]:
    """Link the last vintage's answers to a part into the pull; return them.

    In a vintage fetched before 0.3, which does not record parts, they are the files named `<part>.…`.
    """
    carried = []
    for file, path in pull.held.values():
        belongs = file.part == part or (file.part is None and file.name.startswith(f"{part}."))
        if belongs and path.is_file():
            target = pull.into / file.name
            with disk_errors(target):
                target.unlink(missing_ok=True)
                os.link(path, target)
            update = {"part": part, "carried_from": file.carried_from or last_vintage}
            carried.append(file.model_copy(update=update))
    return carried


def read_fetched(into: Path) -> tuple[Fetched, ...]:
    """Return the answers that a pull lists, in the plan's order; raise WarehouseError as `read_pull`."""
    return read_pull(into).files


def read_pull(into: Path) -> Pulled:
    """Return the answers and failed parts that a pull lists; raise WarehouseError when it is incomplete."""
    path = into / FETCHED
    if not path.is_file():
        raise WarehouseError(f"{path} does not exist: the pull was never completed. Fetch the source again")
    return read_record(path, Pulled, "Fetch the source again")


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


def _answer_named(pull: _Pull, request: Request, names: set[str], part: str | None) -> Fetched:
    """Answer one request of a plan, whose name must be new in the pull."""
    _check_name(pull.source, request, names)
    entry = pull.mirror.entry(without_secrets(request.address)) if pull.mirror else None
    if entry is not None:
        pull.answered.append(request.name)
    return _answer(pull, request, entry, part)


def _answer(pull: _Pull, request: Request, entry: Entry | None, plan_part: str | None) -> Fetched:
    """Write the answer to one request to its file, after checking that it is of the requested kind."""
    path, part = pull.into / request.name, pull.into / f"{request.name}.part"
    address = without_secrets(request.address)
    is_curated = request.url.startswith(f"{CURATED}:") and entry is None
    via = CURATED if is_curated else pull.mirror.name if pull.mirror else PUBLISHER
    last = pull.held.get(address)
    if last is not None and (last[0].via != via or request.method != "GET"):
        last = None  # its validators are those of another server
    sent = replace(
        request, params=tuple((k, v if v != KEY_MASK else pull.key or v) for k, v in request.params)
    )
    download = Download(pull.source, sent, part, partial(pull.progress, request), key=pull.key)
    if is_curated:
        headers = copy_curated(download, pull.curated)
    elif pull.mirror:
        headers = copy_mirrored(pull.client, pull.mirror, entry, download, last)
    else:
        headers = receive_if_changed(pull.client, download, last)
    if pull.key and (stored := part.read_bytes()) != (masked := download.without_key(stored)):
        with disk_errors(part):
            part.write_bytes(masked)
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
        part=plan_part,
    )
    LOG.info("%s: %s, %d bytes from %s by %s", pull.source, fetched.name, fetched.size_bytes, address, via)
    return fetched
