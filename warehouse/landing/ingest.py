"""Ingest of one source: fetch its answers, evaluate them, and land them when they are new and valid."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from warehouse import fetch
from warehouse.config import Settings
from warehouse.errors import NotConfigured, Rejected, SourceError, WarehouseError, reporting
from warehouse.landing import quarantine, store
from warehouse.landing.evaluate import evaluate, land
from warehouse.landing.freshness import NOT_CONFIGURED
from warehouse.landing.remake import remake_rows
from warehouse.landing.withdraw import withdrawn_with_rows
from warehouse.logs import Timer, format_bytes
from warehouse.model import Fetched, Source, Vintage

LOG = logging.getLogger(__name__)


def fetch_source(settings: Settings, source: Source, progress: fetch.Progress | None = None) -> Path:
    """Download all answers of a source; return the incoming directory, which `ingest_pull` takes.

    Raises SourceError when an answer does not come or has another kind than requested, and NotConfigured when
    there is nothing to ask. Both are recorded as a poll, and nothing is kept. Lost rows of the vintages are
    made again first; raises WarehouseError when those of the newest cannot be.
    """
    with (
        reporting(f"{source.name}: fetch"),
        store.source_lock(settings.landing, source.name, settings.lock_seconds),
    ):
        try:
            remake_rows(settings.landing, source)
        except WarehouseError as error:
            store.record_poll(settings.landing, source.name, "failed", None, str(error))
            raise
        newest = store.vintages(settings.landing, source.name)[-1:]
        answers = {
            file.address: (file, vintage.directory / "files" / file.name)
            for vintage in newest
            for file in vintage.files
        }
        incoming = store.new_incoming(settings.landing, source.name)
        mirror, curated, timer = settings.mirror, settings.curated, Timer()
        try:
            files = fetch.fetch(
                source,
                incoming / "files",
                mirror=mirror,
                curated=curated,
                held=answers,
                last_vintage=newest[0].id if newest else None,
                progress=progress,
                key=settings.key(source.key_variable),
            )
        except NotConfigured as error:
            store.discard(incoming)
            record_not_configured(settings, source.name, str(error))
            raise
        except (WarehouseError, OSError) as error:
            store.discard(incoming)
            store.record_poll(settings.landing, source.name, "failed", None, str(error))
            raise
        size = format_bytes(sum(file.size_bytes for file in files))
        LOG.info(
            "fetched %s: %d %s, %s in %.1f s",
            source.name,
            len(files),
            "file" if len(files) == 1 else "files",
            size,
            timer.seconds,
            extra={"source": source.name},
        )
    return incoming


def record_not_configured(settings: Settings, name: str, reason: str) -> None:
    """Record that a source could not be asked, unless its last poll says so already or it has a vintage."""
    checks = store.list_checks(settings.landing, name).records
    if store.vintages(settings.landing, name) or (checks and checks[-1].outcome == NOT_CONFIGURED):
        return
    LOG.info("%s is not configured: %s", name, reason, extra={"source": name})
    store.record_poll(settings.landing, name, NOT_CONFIGURED, None, reason)


def ingest_pull(settings: Settings, source: Source, incoming: Path) -> Vintage:
    """Evaluate a fetched load, and land it if it is new and valid; return the vintage now in force.

    Raises Rejected when the load cannot be read or fails validation: it is then in quarantine with the
    reasons, and the last vintage stays in force. A retry after a kill returns what the first try did.
    """
    with (
        reporting(f"{source.name}: landing"),
        store.source_lock(settings.landing, source.name, settings.lock_seconds),
    ):
        if incoming.is_dir():
            timer = Timer()
            vintage = _evaluate_and_land(settings, source, incoming)
            poll = store.list_checks(settings.landing, source.name).records[-1]
            LOG.info(
                "%s %s: %s; vintage %s in force, %d drift notes, %d failed parts, in %.1f s",
                poll.outcome,
                source.name,
                poll.detail,
                vintage.id,
                len(poll.drift),
                len(poll.failed_parts),
                timer.seconds,
                extra={"source": source.name},
            )
            return vintage
        if landed := store.vintage_of_pull(settings.landing, source.name, incoming.name):
            return landed
        raise WarehouseError(f"{incoming}: this load no longer exists. Run: warehouse fetch {source.name}")


def _evaluate_and_land(settings: Settings, source: Source, incoming: Path) -> Vintage:
    """Land a load; an unchanged one is discarded, and an invalid one goes to quarantine."""
    pulled = fetch.read_pull(incoming / "files")
    existing = store.vintages(settings.landing, source.name)
    last = existing[-1] if existing else None
    at = store.retrieval_time(pulled.files)
    record_poll = partial(store.record_poll, settings.landing, source.name)
    failed_parts = pulled.failed_parts
    # An answer of the publisher itself is never older: only our own clock could have gone back.
    is_recorded = all(file.via != fetch.PUBLISHER for file in pulled.files)
    if last is not None and is_recorded and at < last.retrieved_at:
        store.discard(incoming)
        detail = f"the mirror's answer of {at:%Y-%m-%d} is older than vintage {last.id}, in force"
        record_poll("unchanged", last.id, detail, at, failed_parts=failed_parts)
        return last
    if last is not None and has_same_files(source, pulled, last):
        store.discard(incoming)
        record_poll("unchanged", last.id, "the same files", at, drift=last.drift)
        return last
    try:
        evaluation = evaluate(source, incoming, pulled, last, settings.reparsed)
        failed_parts, drift = evaluation.pulled.failed_parts, evaluation.parsed.drift
        verdict = evaluation.verdict
        if verdict is None and last is not None:
            store.discard(incoming)
            record_poll("unchanged", last.id, "the same rows", at, drift=drift, failed_parts=failed_parts)
            return last
        if again := withdrawn_with_rows(settings.landing, source.name, evaluation.parsed.rows_digest, last):
            store.discard(incoming)
            decision = again.withdrawn
            reason = f"{decision.actor}: {decision.reason}" if decision else "an operator"
            detail = f"the rows of vintage {again.id}, which was withdrawn by {reason}"
            record_poll("unchanged", last.id if last else None, detail, at)
            return last or again
        if verdict is not None and verdict.success:
            vintage = land(settings.landing, evaluation, datetime.now(UTC))
            detail = f"{vintage.row_count} rows"
            record_poll("accepted", vintage.id, detail, at, drift=drift, failed_parts=failed_parts)
            return vintage
        reasons = verdict.reasons() if verdict else ()
        report = verdict.model_dump(mode="json") if verdict else {}
    except SourceError as error:
        reasons, report = (str(error),), {"success": False, "error": str(error)}
    except (OSError, duckdb.Error) as error:
        store.discard(incoming)
        record_poll("failed", None, str(error))
        raise
    entry = quarantine.add(settings.rejected, source.name, incoming, reasons, report)
    record_poll("rejected", None, "; ".join(reasons), at, failed_parts=failed_parts)
    raise Rejected(
        f"{source.name}: rejected. {'; '.join(reason.rstrip('.') for reason in reasons)}. "
        f"{f'Vintage {last.id} stays in force' if last else 'No vintage is in force'}. Files and report are "
        f"in {entry}; see them with: warehouse rejected show {incoming.name}"
    )


def has_same_files(source: Source, pulled: fetch.Pulled, vintage: Vintage) -> bool:
    """Tell whether a load has the files of a vintage, and so its rows, without reading them.

    The vintage must come from today's reader, and no part of either may have failed: a failed part takes its
    rows from an older vintage.
    """
    return (
        vintage.reader_version == source.reader_version
        and not vintage.failed_parts
        and not pulled.failed_parts
        and _contents_of(pulled.files) == _contents_of(vintage.files)
    )


def _contents_of(files: Sequence[Fetched]) -> list[tuple[str, str, str]]:
    """Return name, address and checksum of files, in order."""
    return sorted((file.name, file.address, file.sha256) for file in files)
