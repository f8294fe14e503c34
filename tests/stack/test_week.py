"""A week of operations on the stack: each step, and what the operator then sees.

The stack runs a copy of the code, in which a task is tried again after a second and no source is ever late.
A mirror on loopback answers for three publishers. `Week.see` reads the state after a step as an operator or
a monitor does.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nights
import pytest
from airflow_api import ADMIN, api, parsed, task_states, token_of, trigger
from stack_processes import (
    AIRFLOW,
    BUILD_BOUND,
    Stack,
    current_release,
    environment,
    kill,
    query,
    running_stack,
    start,
    start_airflow,
    until,
    whole,
)

from warehouse.config import PROJECT_ROOT
from warehouse.files import sha256_of
from warehouse.releases.history import read_history
from warehouse.releases.manifest import read_manifest
from warehouse.sources import SOURCES

pytestmark = pytest.mark.stack

BANK, MOFCOM = "worldbank_wdi", "mofcom_totals"
# China's services exports of 2021 in dollars, as the recorded night has it, and as two later editions.
EXPORTS = "api.worldbank.org/v2/country/all/indicator/BX.GSR.NFSV.CD.json"
RECORDED, SECOND, THIRD = b"339393210195.59", b"339500000000.59", b"339600000000.59"
TOTALS = "data.mofcom.gov.cn/datamofcom/front/fwmy/overyears.page-1.json"
FIRST_DAYS = {BANK: "2024-07-12", MOFCOM: "2022-05-27", "curated": "2026-03-19"}
ENDED = ("success", "failed")


class QuietHandler(SimpleHTTPRequestHandler):
    """A handler of files that logs no request."""

    def log_message(self, *_: object) -> None:
        return


@dataclass(frozen=True)
class Seen:
    """The exit code and JSON of `status`, alerts by kind and subject, metrics, releases."""

    exit_code: int
    status: dict[str, Any]
    alerts: dict[tuple[str, str], dict[str, str]]
    metrics: dict[str, float]
    releases: list[dict[str, Any]]

    def source(self, name: str) -> dict[str, Any]:
        (row,) = [row for row in self.status["sources"] if row["source"] == name]
        return row

    def in_force(self) -> dict[str, str]:
        return {name: self.source(name)["in_force"] for name in nights.SOURCE_NAMES}

    def outcome(self, name: str) -> str:
        (found,) = [
            outcome
            for outcome in ("accepted", "unchanged", "rejected", "failed")
            if self.metrics.get(f'source_last_poll_outcome{{outcome="{outcome}",source="{name}"}}')
        ]
        return found


@dataclass(frozen=True)
class Week:
    """The stack, a token for its API, the code that it runs, the mirror, and the posts to the webhook."""

    stack: Stack
    token: str
    code: Path
    mirror: Path
    posts: list[str]

    # --- what an operator does ---

    def command(self, *words: str, home: Path | None = None) -> subprocess.Popen[str]:
        """Start a command of the warehouse in the scheduler's environment, as `docker compose exec` does."""
        return subprocess.Popen(
            [sys.executable, "-m", "warehouse", *words],
            env=environment(self.stack, "scheduler") | ({"WAREHOUSE_HOME": str(home)} if home else {}),
            cwd=self.stack.table["/srv/airflow"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, home: Path | None = None) -> str:
        """Run a command of the warehouse that must succeed; return what it prints."""
        command = self.command(*words, home=home)
        printed, problems = command.communicate(timeout=120)
        assert command.returncode == 0, problems
        return printed

    def run_ingest(self) -> dict[str, str]:
        """Run all ingest DAGs and what they trigger; return the state of the task of each source."""
        started = {
            name: trigger(self.stack, self.token, f"ingest_{name}", {}) for name in nights.SOURCE_NAMES
        }
        for run in started.values():
            self.wait_for(run)
        self.wait_for_publish()
        return {name: task_states(self.stack, self.token, run)["ingest"] for name, run in started.items()}

    def publish(self) -> Path:
        """Trigger the DAG `publish`; return the release, which is recorded with the user of the API."""
        run = trigger(self.stack, self.token, "publish", {})
        assert self.wait_for(run) == "success", task_states(self.stack, self.token, run)
        assert ADMIN in self.actors()[-1]
        return current_release(self.stack)

    def actors(self) -> list[str]:
        """Return who published, rolled back or repaired, in the order of the history."""
        return [entry.actor for entry in read_history(self.stack.warehouse / "published").require()]

    def wait_for(self, run: str) -> str:
        def state() -> str | None:
            found = api(self.stack, self.token, run)["state"]
            return found if found in ENDED else None

        return until(f"{run} has ended", state, self.stack, BUILD_BOUND)

    def wait_for_publish(self) -> None:
        """Wait until no run of `publish` is active, and no asset event waits for one."""
        active = (
            "select (select count(*) from asset_dag_run_queue) + (select count(*) from dag_run "
            "where dag_id = 'publish' and state in ('queued', 'running'))"
        )
        until("publish is idle", lambda: query(self.stack, active) == [(0,)], self.stack, BUILD_BOUND)

    def stop(self, *names: str) -> None:
        """Stop services as `docker compose stop` does."""
        stopped = {name: self.stack.running.pop(name) for name in names}
        for process in stopped.values():
            process.send_signal(signal.SIGTERM)
        for process in stopped.values():
            try:
                process.wait(timeout=60)
            finally:
                kill(process)

    # --- what publishers do ---

    def answer(self, file: str, change: Callable[[bytes], bytes], day: str) -> None:
        """Change an answer of the mirror; all answers of its publisher are of this day."""
        path, index = self.mirror / file, self.mirror / "index.json"
        path.chmod(0o644)
        changed = change(path.read_bytes())
        assert changed != path.read_bytes()
        path.write_bytes(changed)
        content = json.loads(index.read_text())
        for entry in content["answers"]:
            if entry["file"].split("/")[0] == file.split("/")[0]:
                entry |= {
                    "retrieved_at": f"{day}T00:00:00Z",
                    "sha256": sha256_of(self.mirror / entry["file"]),
                }
        index.write_text(json.dumps(content))

    # --- what an operator sees ---

    def posts_of(self, failure: str, count: int = 1) -> list[str]:
        """Wait for posts: Airflow calls the notifier after it has recorded the state of the task."""

        def found() -> list[str]:
            return [text for text in self.posts if failure in text]

        until(f"{count} posts say: {failure}", lambda: len(found()) >= count, self.stack)
        return found()

    def see(self, problem: str = "") -> Seen:
        """Read the state, with the four commands at the same time; `problem` is in the only one there is."""
        writing = self.command("metrics", "--write")
        commands = [
            self.command(*words, "--json")
            for words in (("status", "--exit-code"), ("alerts", "--exit-code"), ("releases",))
        ]
        printed = [command.communicate(timeout=120) for command in commands]
        assert writing.wait(timeout=120) == 0
        status, alerts, releases = (json.loads(out) for out, _ in printed)
        of_status, of_alerts, of_releases = (report for _, report in printed)
        assert of_status == of_releases == "" and problem in of_alerts and bool(problem) == bool(of_alerts)
        assert [problem in one for one in status["problems"]] == ([True] if problem else [])
        codes = [command.returncode for command in commands]
        assert codes[0] == codes[1] and codes[2] == 0
        prefix = "services_trade_warehouse_"
        lines = (self.stack.warehouse / "metrics.prom").read_text().splitlines()
        metrics = dict(line.removeprefix(prefix).rsplit(" ", 1) for line in lines if line.startswith(prefix))
        found = Seen(
            codes[0],
            status,
            {(one["kind"], one["subject"]): one for one in alerts},
            {name: float(value) for name, value in metrics.items()},
            releases,
        )
        kinds = {kind: found.metrics[f'alerts{{kind="{kind}"}}'] for kind, _ in found.alerts}
        assert sum(kinds.values()) == len(alerts) == status["alerts"]
        return found

    def see_release(self, release: Path, alerts: set[tuple[str, str]] | None = None) -> Seen:
        """Assert that a release is complete and the current one, and that nothing is wrong but `alerts`."""
        seen = self.see()
        assert whole(release)
        assert set(seen.alerts) == (alerts or set())
        assert seen.exit_code == (1 if alerts else 0)
        assert seen.status["release"] == release.name == current_release(self.stack).name
        assert [one["release"] for one in seen.releases if one["is_latest"]] == [release.name]
        published = read_manifest(release).published_at.timestamp()
        assert seen.metrics["release_timestamp_seconds"] == pytest.approx(published)
        return seen


def copied_code(into: Path) -> Path:
    """Copy the code that the image holds, with short pauses between tries and without late sources."""
    for folder in ("dags", "dbt_project", "docker", "expectations", "warehouse"):
        ignored = shutil.ignore_patterns("__pycache__", "target", "logs", "sample")
        shutil.copytree(PROJECT_ROOT / folder, into / folder, ignore=ignored)
    for file, old, new in (
        ("dags/defaults.py", r'"retry_delay": timedelta\(minutes=5\)', '"retry_delay": timedelta(seconds=1)'),
        # the days of grace, the fifth column
        ("dbt_project/seeds/release_calendar.csv", r"(?m)^(\w+,\d+,\d+,\d+),\d+,", r"\1,9999,"),
    ):
        text, count = re.subn(old, new, (into / file).read_text(encoding="utf-8"))
        assert count
        (into / file).write_text(text, encoding="utf-8")
    return into


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory, webhook: tuple[int, list[str]]) -> Iterator[Week]:
    home = tmp_path_factory.mktemp("week")
    code = copied_code(home / "code")
    mirror = nights.mirror_of("night-2", home / "mirror")
    port, posts = webhook
    handler = partial(QuietHandler, directory=str(mirror))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        variables = {
            "WAREHOUSE_MIRROR": f"http://127.0.0.1:{server.server_port}",
            "WAREHOUSE_SCHEDULE": "0 0 1 1 *",  # the test triggers each run
            "WAREHOUSE_SITE": "false",  # no step looks at it; the releases of test_stack.py have one
        }
        with running_stack(home, port, code, **variables) as stack:
            yield Week(stack, token_of(stack), code, mirror, posts)
        server.shutdown()
        thread.join()


@pytest.mark.takes(1500)
@pytest.mark.timeout(2400)
def test_week(week: Week, tmp_path: Path) -> None:
    begin(week)
    first = first_night(week)
    quiet_night(week, first)
    second = changed_source(week, first)
    third = broken_source(week, second)
    fourth = wrong_load_is_overruled(week, third)
    withdrawn_vintage(week, fourth)
    roll_back(week, second)
    upgraded = upgrade(week, second)
    backup_and_restore(week, tmp_path / "other")
    run = low_disk(week, upgraded)
    killed_scheduler(week, upgraded, run)


def begin(week: Week) -> None:
    """Before the first run there is neither a landing nor a release."""
    until("every DAG is parsed", lambda: len(parsed(week.stack, week.token)) > len(SOURCES), week.stack)
    for dag in ("publish", *(f"ingest_{name}" for name in nights.SOURCE_NAMES)):
        api(week.stack, week.token, f"dags/{dag}", {"is_paused": False})
    seen = week.see("holds no landing")
    assert (seen.exit_code, seen.alerts, seen.releases, seen.status["release"]) == (1, {}, [], None)


def first_night(week: Week) -> Path:
    states = week.run_ingest()
    assert states == dict.fromkeys(nights.SOURCE_NAMES, "success")
    release = current_release(week.stack)
    seen = week.see_release(release)
    assert len(seen.releases) == 1, "one release a night"
    assert ADMIN not in week.actors()[0]
    assert seen.in_force() == FIRST_DAYS
    assert {seen.outcome(name) for name in nights.SOURCE_NAMES} == {"accepted"}
    assert seen.metrics['build_step_duration_seconds{step="transform"}'] > 0
    return release


def quiet_night(week: Week, release: Path) -> None:
    """Nothing is new: the runs end with a skip, and no run of `publish` starts."""
    count = "select count(*) from dag_run where dag_id = 'publish'"
    before = query(week.stack, count)
    states = week.run_ingest()
    assert states == dict.fromkeys(nights.SOURCE_NAMES, "skipped")
    assert query(week.stack, count) == before
    seen = week.see_release(release)
    assert len(seen.releases) == 1
    assert {seen.outcome(name) for name in nights.SOURCE_NAMES} == {"unchanged"}


def changed_source(week: Week, before: Path) -> Path:
    week.answer(EXPORTS, lambda sent: sent.replace(RECORDED, SECOND), "2024-08-01")
    week.run_ingest()
    release = current_release(week.stack)
    assert release != before
    seen = week.see_release(release)
    assert len(seen.releases) == 2
    assert seen.in_force() == FIRST_DAYS | {BANK: "2024-08-01"}
    assert vintages_that_differ(week) == {BANK: (["2024-08-01"], [])}
    return release


def vintages_that_differ(week: Week, before: str = "previous") -> dict[str, tuple[list[str], list[str]]]:
    """Return the vintages that `latest` has more and less than another release, by source."""
    report = json.loads(week.run("diff", before, "latest", "--json"))
    return {one["source"]: (one["added"], one["gone"]) for one in report["vintages"]}


def broken_source(week: Week, before: Path) -> Path:
    """One publisher does not answer, after three tries; the news of another is published."""
    broken = week.mirror / TOTALS
    broken.rename(broken.with_suffix(".away"))
    week.answer(EXPORTS, lambda sent: sent.replace(SECOND, THIRD), "2024-09-01")
    states = week.run_ingest()
    broken.with_suffix(".away").rename(broken)
    assert (states[MOFCOM], states[BANK]) == ("failed", "success")
    release = current_release(week.stack)
    assert release != before
    alert = ("fetch_failed", MOFCOM)
    seen = week.see_release(release, {alert})
    assert seen.alerts[alert]["served"] == f"release {release.name}, with vintage {FIRST_DAYS[MOFCOM]}"
    assert seen.alerts[alert]["command"] == f"warehouse fetch {MOFCOM}"
    assert seen.in_force() == FIRST_DAYS | {BANK: "2024-09-01"}
    assert (seen.outcome(MOFCOM), seen.source(MOFCOM)["freshness"]) == ("failed", "failing")
    (post,) = week.posts_of(f"ingest_{MOFCOM}.ingest failed")
    assert "404" in post
    return release


def wrong_load_is_overruled(week: Week, before: Path) -> Path:
    """Reject a table that got shorter, without a second try; accept it as an operator, and publish."""

    def shorten(sent: bytes) -> bytes:
        content = json.loads(sent)
        del content["rows"][2:]
        content["total"] = 2
        return json.dumps(content).encode()

    week.answer(TOTALS, shorten, "2022-06-10")
    states = week.run_ingest()
    assert states[MOFCOM] == "failed"
    alert = ("load_rejected", MOFCOM)
    seen = week.see_release(before, {alert})
    assert (seen.outcome(MOFCOM), seen.source(MOFCOM)["rejected"]) == ("rejected", 1)
    _, post = week.posts_of(f"ingest_{MOFCOM}.ingest failed", count=2)
    (load,) = json.loads(week.run("rejected", "list", "--json"))
    assert load["id"] in seen.alerts[alert]["command"] and "the last vintage had 4" in post
    week.run("rejected", "accept", load["id"], "--why", "the publisher has withdrawn two years")
    release = week.publish()
    assert release != before
    seen = week.see_release(release)
    assert seen.in_force()[MOFCOM] == "2022-06-10"
    assert "the publisher has withdrawn two years" in seen.source(MOFCOM)["overruled"]
    assert vintages_that_differ(week) == {MOFCOM: (["2022-06-10"], [])}
    return release


def withdrawn_vintage(week: Week, before: Path) -> None:
    """Withdraw the vintage as an operator, and publish again."""
    week.run("vintages", "withdraw", MOFCOM, "2022-06-10", "--why", "the publisher had cut the table short")
    release = week.publish()
    assert release != before
    seen = week.see_release(release)
    assert seen.in_force()[MOFCOM] == FIRST_DAYS[MOFCOM]
    assert vintages_that_differ(week) == {MOFCOM: ([], ["2022-06-10"])}


def roll_back(week: Week, target: Path) -> None:
    """Roll back; the next night lets in no vintage that the older release does not have."""
    before = len(week.see().releases)
    week.run("rollback", target.name, "--why", "the edition of September is wrong")
    week.see_release(target)
    assert week.run_ingest() == dict.fromkeys(nights.SOURCE_NAMES, "skipped")
    seen = week.see_release(target)
    assert len(seen.releases) == before
    assert seen.in_force() == FIRST_DAYS | {BANK: "2024-08-01"}
    assert any("the edition of September" in str(one["rolled_back"]) for one in seen.releases)


def upgrade(week: Week, before: Path) -> Path:
    """Stop the services for the new code; the next run makes a release with it."""
    week.stop(*AIRFLOW)
    seed = week.code / "dbt_project" / "seeds" / "economies.csv"
    text = seed.read_text(encoding="utf-8")
    assert text.count(",Aruba,") == 1
    seed.write_text(text.replace(",Aruba,", ",Aruba (upgraded),"), encoding="utf-8")
    start_airflow(week.stack)
    release = week.publish()
    assert release != before
    seen = week.see_release(release)
    assert seen.in_force() == FIRST_DAYS | {BANK: "2024-08-01"}
    assert vintages_that_differ(week, before.name) == {}
    names = "select name_en from core.dim_economy where economy = 'ABW'"
    assert json.loads(week.run("query", names, "--json")) == [{"name_en": "Aruba (upgraded)"}]
    return release


def backup_and_restore(week: Week, other: Path) -> None:
    directory = week.stack.home / "backups" / "monday"
    week.run("backup", str(directory))
    week.run("restore", str(directory), home=other)
    homes = (week.stack.warehouse, other)
    shown, restored = (json.loads(week.run("status", "--exit-code", "--json", home=home)) for home in homes)
    changing = dict.fromkeys(("home", "free_disk_gib"))
    assert shown | changing == restored | changing
    sql = "select * from marts.mart_trade_scale order by all"
    assert week.run("query", sql, "--json", home=other) == week.run("query", sql, "--json")
    assert "0 findings" in week.run("maintain", home=other)


def low_disk(week: Week, before: Path) -> str:
    """No build begins, in three tries; return the failed run of `publish`."""
    week.stop("scheduler")
    week.stack.services["scheduler"]["environment"]["WAREHOUSE_DISK_FACTOR"] = "1e9"
    start(week.stack, "scheduler")
    week.answer(TOTALS, corrected, "2022-07-01")
    states = week.run_ingest()
    assert states[MOFCOM] == "success"
    ((run,),) = query(
        week.stack, "select run_id from dag_run where dag_id = 'publish' order by start_date desc limit 1"
    )
    assert task_states(week.stack, week.token, f"dags/publish/dagRuns/{run}")["load"] == "failed"
    seen = week.see_release(before, {("disk_low", "disk")})
    assert seen.alerts[("disk_low", "disk")]["command"] == "warehouse maintain"
    assert seen.in_force()[MOFCOM] == "2022-07-01"
    (post,) = week.posts_of("publish.load failed")
    assert "not enough disk space" in post
    return run


def corrected(sent: bytes) -> bytes:
    """Return MOFCOM's table with four rows again, and no figure that the first edition has not."""
    recorded = PROJECT_ROOT / "warehouse" / "sample" / "night-2" / TOTALS
    content = json.loads(recorded.read_text())
    content["rows"][1]["importVolumeRMB"] = "26,286.0"
    return json.dumps(content).encode()


def killed_scheduler(week: Week, before: Path, run: str) -> None:
    """There is space again: the failed task is cleared, and the scheduler is killed in the build."""
    week.stop("scheduler")
    week.stack.services["scheduler"]["environment"]["WAREHOUSE_DISK_FACTOR"] = ""
    start(week.stack, "scheduler")
    clear = {"dag_run_id": run, "dry_run": False, "only_failed": False, "reset_dag_runs": True}
    api(week.stack, week.token, "dags/publish/clearTaskInstances", clear, "POST")
    builds = week.stack.warehouse / "build"
    until("dbt is at work", lambda: [*builds.glob("2*/dbt/dbt.log")], week.stack)
    kill(week.stack.running["scheduler"])
    assert current_release(week.stack) == before
    # The scheduler that follows takes a heartbeat of this age for that of one that has ended, and does not
    # wait for half a minute until it is as old. test_stack.py waits.
    query(
        week.stack,
        "update job set latest_heartbeat = latest_heartbeat - interval '1 hour' "
        "where job_type = 'SchedulerJob' and state = 'running'",
    )
    start(week.stack, "scheduler")
    assert week.wait_for(f"dags/publish/dagRuns/{run}") == "success"
    release = current_release(week.stack)
    assert release != before
    seen = week.see_release(release)
    assert seen.in_force()[MOFCOM] == "2022-07-01"
    assert vintages_that_differ(week, before.name) == {MOFCOM: (["2022-07-01"], [])}
    assert not list((week.stack.warehouse / "published").glob(".partial-*"))
