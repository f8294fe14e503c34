"""Evaluation of a load: parse, compare with the previous vintage, validate at the load gate, land.

The nightly run, an operator's override, a backfill and a re-read of old vintages all go through `evaluate`.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from warehouse.config import EXPECTATIONS_DIR, SEEDS_DIR
from warehouse.errors import WarehouseError
from warehouse.fetch import Pulled
from warehouse.landing import store
from warehouse.landing.carry import carry_unread
from warehouse.landing.parse import Parsed, digest_rows, parse, rows_of
from warehouse.logs import Timer
from warehouse.model import Decision, Source, Vintage
from warehouse.quality import validate_vintage
from warehouse.verdict import Verdict

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """A load that was parsed. `verdict` is None when its rows are already known: there is nothing new."""

    source: Source
    pull: Path
    pulled: Pulled
    parsed: Parsed
    previous: Vintage | None
    verdict: Verdict | None


def evaluate(
    source: Source,
    pull: Path,
    pulled: Pulled,
    previous: Vintage | None,
    cache: Path,
    known_digest: str | None = None,
) -> Evaluation:
    """Parse a load in `pull` and validate it next to the vintage before it, unless its rows are known.

    A part of a file that the reader could not read has the rows of `previous`. Rows are known when their
    digest is `known_digest`, or that of `previous` if none is given. `cache` holds older vintages
    that a newer reader parsed again. Raises SourceError for files that cannot be read.
    """
    parsed = parse(source, pulled.files, pull, pull / "rows.parquet")
    previous_rows = rows_of(source, previous, cache) if previous else None
    if parsed.unread:
        pulled = carry_unread(pull, pulled, parsed, previous)
        parsed = parse(source, pulled.files, pull, pull / "rows.parquet")
    if known_digest is None and previous is not None and previous_rows is not None:
        is_same_reader = previous.reader_version == source.reader_version
        known_digest = previous.rows_digest if is_same_reader else digest_rows(previous_rows, source.columns)
    verdict = None
    if parsed.rows_digest != known_digest:
        work = pull / "validation"
        timer = Timer()
        verdict = validate_vintage(source, parsed.rows, previous_rows, SEEDS_DIR, EXPECTATIONS_DIR, work)
        shutil.rmtree(work, ignore_errors=True)
        LOG.info(
            "validated %s: %d rows, %s in %.1f s",
            source.name,
            parsed.row_count,
            verdict.counts(),
            timer.seconds,
            extra={"source": source.name},
        )
    return Evaluation(source, pull, pulled, parsed, previous, verdict)


def land(
    landing: Path,
    evaluation: Evaluation,
    now: datetime,
    *,
    overruled: Decision | None = None,
    backfilled: Decision | None = None,
) -> Vintage:
    """Add an evaluated load to the landing; one that failed validation needs a decision (`overruled`)."""
    verdict = evaluation.verdict
    if verdict is None or not (verdict.success or overruled):
        raise WarehouseError(f"{evaluation.pull}: this load is unchanged or rejected, and cannot be landed")
    return store.add_vintage(
        landing,
        evaluation.source,
        evaluation.pull,
        evaluation.pulled,
        evaluation.parsed,
        verdict.model_dump(mode="json"),
        now,
        overruled=overruled,
        backfilled=backfilled,
    )
