"""Vintages that are withdrawn: out of force, on record, and let in again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from toy import NOW, land

from warehouse.errors import WarehouseError
from warehouse.landing import store, withdraw
from warehouse.releases.audit import audit

ONE, TWO, THREE = "code,value\na,1\n", "code,value\na,2\n", "code,value\na,3\n"


def ids(root: Path) -> list[str]:
    return [one.id for one in store.vintages(root, "toy")]


def test_withdrawn_vintage_is_out_of_force_until_it_is_restored(tmp_path: Path) -> None:
    land(tmp_path, ONE)
    second = land(tmp_path, TWO, NOW + timedelta(days=1))
    withdraw.withdraw(tmp_path, "toy", second.id, " ten times too high ", "ada", subject="toy")
    withdraw.withdraw(tmp_path, "toy", second.id, "again", "ada", subject="toy")
    assert ids(tmp_path) == ["2024-05-02"]
    everything = store.list_all(tmp_path, "toy").require()
    assert [(one.id, one.withdrawn and one.withdrawn.reason) for one in everything] == [
        ("2024-05-02", None),
        ("2024-05-03", "ten times too high"),
    ]
    assert (second.directory / "files" / "rows.csv").read_text() == TWO
    restored = withdraw.restore(tmp_path, "toy", second.id, "it was right", "eve")
    assert restored.id == second.id and ids(tmp_path) == ["2024-05-02", "2024-05-03"]
    events = withdraw.list_events(tmp_path, "toy").require()
    assert [(one.action, one.decision.actor, one.decision.reason) for one in events] == [
        ("withdraw", "ada", "ten times too high"),
        ("restore", "eve", "it was right"),
    ]


def test_id_of_a_withdrawn_vintage_is_not_used_again(tmp_path: Path) -> None:
    land(tmp_path, ONE)
    second = land(tmp_path, TWO)
    assert second.id == "2024-05-02.02"
    withdraw.withdraw(tmp_path, "toy", second.id, "wrong", "ada", subject="toy")
    assert land(tmp_path, THREE).id == "2024-05-02.03"
    assert (second.directory / "files" / "rows.csv").read_text() == TWO


def test_rows_of_a_withdrawn_vintage_are_recognised(tmp_path: Path) -> None:
    first, second = land(tmp_path, ONE), land(tmp_path, TWO, NOW + timedelta(days=1))
    withdraw.withdraw(tmp_path, "toy", second.id, "wrong", "ada", subject="toy")
    found = withdraw.withdrawn_with_rows(tmp_path, "toy", second.rows_digest, first)
    assert found is not None and found.id == second.id
    assert withdraw.withdrawn_with_rows(tmp_path, "toy", first.rows_digest, first) is None
    # An older one may come again: the publisher has gone back to it.
    third = land(tmp_path, THREE, NOW + timedelta(days=2))
    assert withdraw.withdrawn_with_rows(tmp_path, "toy", second.rows_digest, third) is None


def test_loss_of_a_vintage_is_recorded_and_no_longer_a_finding(tmp_path: Path) -> None:
    landing, published = tmp_path / "landing", tmp_path / "published"
    first = land(landing, ONE)
    land(landing, TWO, NOW + timedelta(days=1))
    for path in sorted(first.directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    first.directory.rmdir()
    [finding] = audit(landing, published).findings
    assert "missing" in finding.what and "vintages withdraw" in finding.remedy
    withdraw.withdraw(landing, "toy", first.id, "the disk was lost", "ada", subject="toy")
    assert audit(landing, published).findings == ()
    with pytest.raises(WarehouseError, match="are lost"):
        withdraw.restore(landing, "toy", first.id, "come back", "ada")


@pytest.mark.parametrize(
    ("vintage", "reason", "message"),
    [("2024-05-02", "  ", "needs a reason"), ("../toy", "why", "is not the id of a vintage")],
)
def test_decision_without_reason_or_for_another_path_is_an_error(
    vintage: str, reason: str, message: str, tmp_path: Path
) -> None:
    land(tmp_path, ONE)
    with pytest.raises(WarehouseError, match=message):
        withdraw.withdraw(tmp_path, "toy", vintage, reason, "ada", subject="toy")
    with pytest.raises(WarehouseError, match=r"is not withdrawn|is not the id"):
        withdraw.restore(tmp_path, "toy", vintage, "why", "ada")
