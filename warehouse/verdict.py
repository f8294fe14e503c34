"""Results of a quality gate: one finding for each expectation, and the verdict over all of them.

Both are stored as JSON with these keys: in a landing's manifest, in a build's `validation.json` and
in a release's `MANIFEST.json`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field


class Finding(BaseModel, frozen=True):
    """The result of one expectation.

    `table` is the table with its schema, `expectation` and `why` are the expectation's name and reason.
    `is_form` says that no operator can accept a table that does not meet it.
    `detail` names the unexpected values, with file and row; it is empty if the expectation was met.
    `known_from` is the release whose rows were found to meet it, when the tables that it reads have the same
    rows as there; it is None when the expectation was run on all rows. `run_on` are the sources on whose rows
    it was run, when only those of the other sources are the same as there.
    """

    table: str
    expectation: str
    why: str
    success: bool
    detail: str
    is_form: bool = Field(default=False, exclude_if=lambda is_form: not is_form)
    known_from: str | None = Field(default=None, exclude_if=lambda release: release is None)
    run_on: tuple[str, ...] = Field(default=(), exclude_if=lambda sources: not sources)

    def __str__(self) -> str:
        """Return the finding on one line."""
        return f"{self.table}: {self.expectation}: {self.detail or ('met' if self.success else 'not met')}"


class Verdict(BaseModel, frozen=True):
    """The result of one gate: its findings in the order of the suites; `success` if all are met.

    `error` is set, and there are no findings, when the load or build could not be validated at all.
    `decided` are the sources that were not compared, since an operator has decided on them.
    """

    success: bool
    findings: tuple[Finding, ...] = ()
    error: str | None = Field(default=None, exclude_if=lambda error: error is None)
    decided: tuple[str, ...] = Field(default=(), exclude_if=lambda decided: not decided)

    def faults_of_form(self) -> tuple[str, ...]:
        """Return the failed findings that no operator can overrule, one line each."""
        return tuple(str(finding) for finding in self.findings if finding.is_form and not finding.success)

    def counts(self) -> str:
        """Return how many expectations passed and failed, as text."""
        passed = sum(finding.success for finding in self.findings)
        known = sum(finding.known_from is not None for finding in self.findings)
        by_source = sum(bool(finding.run_on) for finding in self.findings)
        parts = f", {by_source} of these but for changed sources" if by_source else ""
        of_these = f" ({known} known from a release with the same rows{parts})" if known else ""
        return f"{passed} expectations passed{of_these}, {len(self.findings) - passed} failed"

    def reasons(self) -> tuple[str, ...]:
        """Return the failed findings, one line each."""
        return tuple(str(finding) for finding in self.findings if not finding.success)


def verdict_on(findings: Sequence[Finding], decided: Sequence[str] = ()) -> Verdict:
    """Return the verdict over some findings. Without any finding nothing was validated: that fails.

    `decided` are the sources that were not compared.
    """
    success = bool(findings) and all(finding.success for finding in findings)
    return Verdict(success=success, findings=tuple(findings), decided=tuple(decided))
