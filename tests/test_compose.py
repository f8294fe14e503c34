"""The declarations in the files of the stack, without starting it; tests/stack starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import compose_file
import pytest

from warehouse.build.fingerprint import git_revision
from warehouse.config import PROJECT_ROOT, load_settings

REQUIRED = {
    "WAREHOUSE_SECRETS": "/etc/secrets",
    "WAREHOUSE_ADMIN_USER": "admin",
    "WAREHOUSE_ADMIN_EMAIL": "admin@example.org",
}
AIRFLOW = ("init", "api-server", "scheduler", "dag-processor", "triggerer", "celery-worker")
SENSITIVE = """
import json
from airflow.configuration import conf
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
print(json.dumps(sorted(providers_configuration_loaded(lambda: conf.sensitive_config_values)())))
"""
SECRET = PROJECT_ROOT / "docker" / "secret.py"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found = compose_file.read(REQUIRED)["services"]
    assert set(found) == {*AIRFLOW, "postgres", "redis"}
    return found


def secret(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SECRET), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, **environment},
    )


# --- invalid configurations ---


@pytest.mark.parametrize("missing", REQUIRED)
@pytest.mark.parametrize("value", [None, ""])
def test_stack_does_not_start_with_unset_variable(missing: str, value: str | None) -> None:
    variables = {**REQUIRED, missing: value}
    if value is None:
        del variables[missing]
    with pytest.raises(compose_file.UnsetVariable, match=f"^{missing}: .+"):
        compose_file.read(variables)


def test_env_example_leaves_admin_unset_and_lists_only_known_variables() -> None:
    example = (PROJECT_ROOT / ".env.example").read_text()
    named = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert len(named) >= 10
    used = set(re.findall(r"\$\{([A-Z_]+)", compose_file.COMPOSE.read_text()))
    assert set(named) - used == {"COMPOSE_PROFILES"}
    assert used - set(named) == {"WAREHOUSE_IMAGE_TAG"}
    with pytest.raises(compose_file.UnsetVariable, match="WAREHOUSE_ADMIN"):
        compose_file.read(named)


def test_services_receive_passwords_only_by_file(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if re.search(
                r"PASSWORD|SECRET_KEY|JWT_SECRET|FERNET|CONN\b|CONN_|BROKER_URL|RESULT_BACKEND", key
            ):
                about_alerts = key.startswith("WAREHOUSE_ALERT_")
                assert about_alerts or key.endswith(("_CMD", "_FILE")), f"{name}: {key}"
                assert about_alerts or "/run/secrets/" in value, f"{name}: {key}"
        assert not re.search(r"://[^@/ ]+:[^@ ]+@", str(service)), name


def test_services_mount_only_the_secrets_that_they_read(services: dict[str, Any]) -> None:
    declared = compose_file.read(REQUIRED)["secrets"]
    mounted = {entry for service in services.values() for entry in service["secrets"]}
    assert mounted == set(declared)
    assert [name for name, entry in services.items() if "admin_password" in entry["secrets"]] == ["init"]
    for name, service in services.items():
        read = set(re.findall(r"/run/secrets/([\w.]+)", f"{service.get('environment')} {service['command']}"))
        assert read, name
        assert read == set(service["secrets"]), name


def test_options_with_cmd_suffix_are_supported_by_airflow(services: dict[str, Any], tmp_path: Path) -> None:
    # Airflow silently ignores _CMD on an option that it does not list as sensitive
    by_command = {
        tuple(key.lower().removeprefix("airflow__").removesuffix("_cmd").split("__", 1))
        for name in AIRFLOW
        for key in services[name]["environment"]
        if key.endswith("_CMD")
    }
    assert len(by_command) == 6
    # In a separate process: the first import of Airflow sets its home for all tests
    output = subprocess.run(
        [sys.executable, "-c", SENSITIVE],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
    )
    assert by_command <= {tuple(option) for option in json.loads(output.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty or shorter"),
        ("\n", "empty or shorter"),
        ("short", "shorter"),
        ("changeme-123456", "placeholder"),
    ],
)
def test_container_does_not_start_with_invalid_secret(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "good").write_text("0123456789abcdef")
    (tmp_path / "jwt_secret").write_text(text)
    ended = secret("start", str(tmp_path), "echo", "started")
    assert ended.returncode == 1
    assert "jwt_secret" in ended.stderr and reason in ended.stderr
    assert "started" not in ended.stdout


def test_container_does_not_start_without_secret_files(tmp_path: Path) -> None:
    assert "no secrets" in secret("start", str(tmp_path), "echo", "started").stderr
    (tmp_path / "fernet_key").mkdir()  # a container engine mounts a directory when the file is missing
    ended = secret("start", str(tmp_path), "echo", "started")
    assert ended.returncode == 1 and "no such secret" in ended.stderr


def test_celery_worker_does_not_start_with_local_executor(tmp_path: Path) -> None:
    (tmp_path / "good").write_text("0123456789abcdef")
    ended = secret(
        "start", str(tmp_path), "airflow", "celery", "worker", AIRFLOW__CORE__EXECUTOR="LocalExecutor"
    )
    assert ended.returncode == 1 and "would receive no task" in ended.stderr


def test_secrets_are_generated_once_and_accepted_at_start(tmp_path: Path) -> None:
    from cryptography.fernet import Fernet

    first, second = tmp_path / "first", tmp_path / "second"
    assert secret("make", str(first)).returncode == secret("make", str(second)).returncode == 0
    assert {path.name for path in first.iterdir()} == set(compose_file.read(REQUIRED)["secrets"])
    for path in first.iterdir():
        same = path.read_text() == (second / path.name).read_text()
        assert same == (path.suffix == ".json"), path.name
        assert path.stat().st_mode & 0o777 == 0o444
        assert path.read_text().strip() not in secret("make", str(first)).stdout or path.suffix == ".json"
    assert first.stat().st_mode & 0o777 == 0o700
    Fernet((first / "fernet_key").read_text())
    before = {path.name: path.read_text() for path in first.iterdir()}
    assert secret("make", str(first)).returncode == 0
    assert {path.name: path.read_text() for path in first.iterdir()} == before
    assert secret("start", str(first), "echo", "started").stdout == "started\n"


def test_password_is_escaped_in_database_url(tmp_path: Path) -> None:
    from sqlalchemy.engine import make_url

    (tmp_path / "password").write_text("a@b:c/d%e f?g#h+i\n")
    output = secret("url", "postgresql+psycopg2://airflow@postgres:5432/airflow", str(tmp_path / "password"))
    url = make_url(output.stdout)
    assert (url.username, url.password, url.host, url.port) == (
        "airflow",
        "a@b:c/d%e f?g#h+i",
        "postgres",
        5432,
    )


# --- every service ---


def test_every_service_has_limits_health_check_and_no_privileges(services: dict[str, Any]) -> None:
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert float(limits["cpus"]) > 0 and re.fullmatch(r"\d+[mg]", limits["memory"]), name
        assert service["user"].split(":")[0] not in ("", "0", "root"), name
        assert service["cap_drop"] == ["ALL"] and not service.get("privileged"), name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("restart") == ("no" if name == "init" else "unless-stopped"), name
        if name != "init":
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_only_the_api_server_port_is_published_on_loopback(services: dict[str, Any]) -> None:
    assert {name: entry["ports"] for name, entry in services.items() if "ports" in entry} == {
        "api-server": ["127.0.0.1:8080:8080"]
    }


def test_state_is_in_named_volumes_and_only_task_services_mount_the_warehouse(
    services: dict[str, Any],
) -> None:
    declared = set(compose_file.raw()["volumes"])
    used = {mount.split(":")[0] for entry in services.values() for mount in entry["volumes"]}
    assert used == declared == {"airflow", "postgres", "redis", "warehouse"}
    mounting = {name for name, entry in services.items() if "warehouse:/srv/warehouse" in entry["volumes"]}
    assert mounting == {"scheduler", "celery-worker"}  # the services that run tasks


def test_airflow_services_share_one_environment(services: dict[str, Any]) -> None:
    own = ("WAREHOUSE_ADMIN_USER", "WAREHOUSE_ADMIN_EMAIL")
    shared = [{k: v for k, v in services[name]["environment"].items() if k not in own} for name in AIRFLOW]
    assert all(entry == shared[0] for entry in shared)
    assert shared[0]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert shared[0]["AIRFLOW__CORE__AUTH_MANAGER"].endswith("FabAuthManager")
    chosen = compose_file.read({**REQUIRED, "WAREHOUSE_EXECUTOR": "CeleryExecutor"})["services"]
    assert chosen["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_every_service_waits_for_migration(services: dict[str, Any]) -> None:
    assert services["init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in AIRFLOW[1:]:
        assert services[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}, name
    assert {name for name, entry in services.items() if entry.get("profiles") == ["celery"]} == {
        "redis",
        "celery-worker",
    }


# --- the image ---


def test_image_is_built_from_lock_and_runs_unprivileged(services: dict[str, Any]) -> None:
    lines = [line for line in compose_file.DOCKERFILE.read_text().replace("\\\n", " ").splitlines() if line]
    (install,) = [line for line in lines if "pip install" in line]
    assert "--require-hashes" in install and "--no-deps" in install and "requirements.lock" in install
    assert [line for line in lines if line.startswith("USER ")] == ["USER 50000:50000"]
    after = lines[lines.index("USER 50000:50000") + 1 :]
    assert {line.split()[0] for line in after} == {"ENTRYPOINT", "CMD"}
    assert services["scheduler"]["user"] == "50000:50000"
    entry = next(line for line in after if line.startswith("ENTRYPOINT")).removeprefix("ENTRYPOINT ")
    assert services["scheduler"]["entrypoint"] == [part.strip('"') for part in entry.strip("[]").split(", ")]


def test_image_contains_the_files_of_the_commands_and_no_secrets() -> None:
    text = compose_file.DOCKERFILE.read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) (\S+)$", text, re.MULTILINE)
    assert len(copied) >= 6
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for source, target in copied:
        assert (PROJECT_ROOT / source).exists() and f"!{source}" in ignored
        assert target in (f"/opt/warehouse/{source}", f"/tmp/{source}")  # noqa: S108
    named = set(re.findall(r"/opt/warehouse/(\S+\.py)", compose_file.COMPOSE.read_text()))
    assert len(named) >= 3
    for path in named:
        assert (PROJECT_ROOT / path).is_file(), path


@pytest.mark.parametrize(("revision", "expected"), [("", "unknown"), ("0123abc", "0123abc")])
def test_revision_without_git(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, revision: str, expected: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("WAREHOUSE_REVISION", revision)
    assert git_revision(load_settings().revision) == expected


def test_lock_contains_every_required_provider() -> None:
    lock = (PROJECT_ROOT / "requirements.lock").read_text()
    for provider in ("celery", "fab", "openlineage", "postgres", "slack", "smtp"):
        assert f"\napache-airflow-providers-{provider}==" in lock
    assert "\nredis==" in lock
    assert "://" not in re.sub(r"#.*", "", lock)
