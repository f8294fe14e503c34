"""Logging: set-up for the command line, durations, and the timings that are kept with a build.

Modules log with loggers of their own names, under `warehouse`. In an Airflow task these lines are in the log
of the task. On the command line nothing is shown below a warning, unless `configure` is called.

A log call may name its `source` or `build` with `extra={"source": …}`: the JSON form has a field for each.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

from pydantic import BaseModel

from warehouse.files import Listing, append_record, read_log

Form = Literal["text", "json"]
ROOT = "warehouse"
CONTEXT = ("source", "build")  # the names of `extra` that are fields of the JSON form
TIMINGS = "timings.jsonl"  # in the directory of a build


class Timing(BaseModel, frozen=True):
    """How long a step of a build took. `rows` are those that it wrote, None where they are not known."""

    step: str
    started_at: datetime
    seconds: float
    rows: int | None = None


@dataclass
class Timer:
    """The time since its creation; `rows` is set by the step that is timed."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    rows: int | None = None

    @property
    def seconds(self) -> float:
        """Return the seconds that have passed."""
        return time.monotonic() - self.began

    def timing(self, step: str) -> Timing:
        """Return the timing of a step that ends now."""
        return Timing(step=step, started_at=self.started_at, seconds=round(self.seconds, 3), rows=self.rows)


@contextmanager
def timed(step: str, build: Path) -> Iterator[Timer]:
    """Time a step and append its timing to the directory of the build; a step that fails is not recorded."""
    timer = Timer()
    yield timer
    append_record(build / TIMINGS, timer.timing(step))


def read_timings(build: Path) -> Listing[Timing]:
    """Return the timings of a build, in the order in which its steps ended."""
    return read_log(build / TIMINGS, Timing, "Make a new build: warehouse build --force")


def format_bytes(size_bytes: int) -> str:
    """Return a size in B, kB, MB or GB (powers of ten) with one decimal."""
    size, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"


# --- set-up ---


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object: time (UTC, ISO 8601), level, logger, message, and the context of the call."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in CONTEXT if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Formats a record as `<time in UTC> <level> <message>`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment, so that a progress bar is not torn."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """Return standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        raise AttributeError("the stream is always standard error")


def configure(verbose: bool, form: Form | None) -> None:
    """Write the logs of the package to standard error; without `verbose` and `form`, change nothing.

    `verbose` shows INFO and above, else WARNING and above. Called again, it replaces the set-up. Loggers of
    other packages are left as they are.
    """
    logger = logging.getLogger(ROOT)
    for handler in [one for one in logger.handlers if isinstance(one, StderrHandler)]:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    if not verbose and form is None:
        return
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
