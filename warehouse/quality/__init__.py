"""Data quality gates: expectation suites, run by Great Expectations over every row, and their report.

`validate_vintage` is the load gate: it decides whether a vintage is landed. `validate_release` is the release
gate: it decides whether a build is published. Both return a `Verdict`, which holds one `Finding` for each
expectation. Importing this package does not import Great Expectations; the first validation does.
"""

from warehouse.quality.gates import validate_release, validate_vintage
from warehouse.quality.gx import build_suite
from warehouse.quality.known import KnownFindings
from warehouse.quality.suites import Expectation, Suite, read_suite, read_suites
from warehouse.verdict import Finding, Verdict, verdict_on

__all__ = [
    "Expectation",
    "Finding",
    "KnownFindings",
    "Suite",
    "Verdict",
    "build_suite",
    "read_suite",
    "read_suites",
    "validate_release",
    "validate_vintage",
    "verdict_on",
]
