"""Findings and verdicts: their JSON, their lines, and when a verdict passes."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from warehouse.verdict import Finding, Verdict, verdict_on

MET = Finding(table="raw.toy", expectation="rows", why="There are some.", success=True, detail="")
FAILED = Finding(
    table="raw.toy",
    expectation="codes",
    why="Codes are known.",
    success=False,
    detail="unknown code '076' 年度",
)


def test_verdict_is_read_back_from_its_json() -> None:
    verdict = Verdict(success=False, findings=(FAILED, MET))
    text = verdict.model_dump_json(indent=2)
    assert Verdict.model_validate_json(text) == verdict
    assert "年度" in text
    assert verdict.reasons() == ("raw.toy: codes: unknown code '076' 年度",)


def test_json_has_the_keys_that_landings_and_releases_store() -> None:
    stored = Verdict(success=True, findings=(MET,)).model_dump(mode="json")
    assert json.loads(json.dumps(stored)) == {
        "success": True,
        "findings": [
            {
                "table": "raw.toy",
                "expectation": "rows",
                "why": "There are some.",
                "success": True,
                "detail": "",
            }
        ],
    }


def test_verdict_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FAILED.success = True  # type: ignore[misc]


def test_verdict_without_findings_does_not_pass() -> None:
    assert verdict_on([MET]).success
    assert not verdict_on([MET, FAILED]).success
    assert not verdict_on([]).success
