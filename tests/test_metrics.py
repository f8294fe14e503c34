"""Metrics: the text is valid, says what the records say, and the dashboard reads each metric."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from command_line import invoke
from prometheus_client.parser import text_string_to_metric_families
from small_homes import OTHER, SOURCE, make_home

from warehouse.config import PROJECT_ROOT
from warehouse.metrics import PREFIX

DASHBOARD = PROJECT_ROOT / "docs" / "grafana" / "services-trade-warehouse.json"


def values(text: str) -> dict[tuple[str, ...], float]:
    """Return the value of each sample by name and label values."""
    families = list(text_string_to_metric_families(text))
    assert families and all(one.documentation and one.type == "gauge" for one in families)
    return {
        (sample.name.removeprefix(f"{PREFIX}_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_say_what_the_records_say(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    found = values(invoke(home, "metrics").stdout)
    assert not (home / "metrics.prom").exists()
    for name in (SOURCE, OTHER):
        assert found["source_rows", name] == 2
        assert found["source_vintage_timestamp_seconds", name] == 1714608000  # 2024-05-02
        age_seconds = time.time() - 1714608000
        assert abs(found["source_vintage_age_seconds", name] - age_seconds) < 600
        assert found["source_last_poll_outcome", "unchanged", name] == 1
        assert found["source_last_poll_outcome", "failed", name] == 0
    assert found["source_freshness", "batis", "never"] == 1
    assert found["table_rows", "core", "fct_services_trade"] == 2
    assert 0 <= found["build_step_duration_seconds", "publish"] < 60
    assert 0 <= found["release_age_seconds",] < 600
    assert found["disk_free_bytes",] > 0 and ("alerts", "disk_low") in found


def test_metrics_are_written_by_option_and_after_maintenance(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    path = home / "metrics.prom"
    for arguments in (("metrics", "--write"), ("maintain",)):
        invoke(home, *arguments)
        assert values(path.read_text())["source_rows", SOURCE] == 2
        path.unlink()


def test_empty_home_has_metrics_without_a_release(tmp_path: Path) -> None:
    found = values(invoke(tmp_path, "metrics").stdout)
    assert found["source_freshness", SOURCE, "never"] == 1
    assert ("release_age_seconds",) not in found


def test_dashboard_reads_every_metric_and_no_other(tmp_path: Path) -> None:
    text = invoke(make_home(tmp_path / "home"), "metrics").stdout
    written = {one.name for one in text_string_to_metric_families(text)}
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    read = {name for target in targets for name in re.findall(rf"{PREFIX}_\w+", target["expr"])}
    assert read == written
    assert {target["datasource"]["uid"] for target in targets} == {"${datasource}"}


def test_written_metrics_leave_a_new_home_new(tmp_path: Path) -> None:
    invoke(tmp_path, "metrics", "--write")
    assert "none yet" in invoke(tmp_path, "status", exit_code=1).stdout
