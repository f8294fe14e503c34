"""The declarations in the files of the stack, without starting it; tests/stack starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import compose_file
import pytest
from pytest_httpserver import HTTPServer

from warehouse.build.fingerprint import git_revision
from warehouse.config import (
    CURATED_DIR,
    KEEP_PREFIX,
    PROJECT_ROOT,
    RetentionPolicy,
    Settings,
    load_settings,
)
from warehouse.sources import SOURCES

REQUIRED = {
    "WAREHOUSE_SECRETS": "/etc/secrets",
    "WAREHOUSE_DATA": "/data/warehouse",
    "WAREHOUSE_BACKUPS": "/data/backups",
    "WAREHOUSE_ADMIN_USER": "admin",
    "WAREHOUSE_ADMIN_EMAIL": "admin@example.org",
}
SPARK = ("spark-master", "spark-worker")
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
    assert set(found) == {*AIRFLOW, *SPARK, "postgres", "redis", "superset"}
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
    assert used >= set(re.findall(r"^(WAREHOUSE_SPARK_[A-Z_]+)=", example, re.MULTILINE)) != set()
    with pytest.raises(compose_file.UnsetVariable, match="WAREHOUSE_ADMIN"):
        compose_file.read(named)


def test_services_receive_passwords_only_by_file(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if re.search(
                r"PASSWORD|SECRET_KEY|JWT_SECRET|FERNET|CONN\b|CONN_(?!NAMES)|BROKER_URL|RESULT_BACKEND", key
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
        if name == "superset":  # its configuration reads them in that directory
            files = [PROJECT_ROOT / "superset" / one for one in ("superset_config.py", "provision.py")]
            text = " ".join(file.read_text() for file in files)
            users = {f"superset_{user}_password" for user in ("admin", "analyst", "reader")}
            assert 'f"superset_{name}_password"' in text and '"superset_secret_key"' in text
            assert set(service["secrets"]) == users | {"superset_secret_key"}
            continue
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


def test_init_names_a_directory_that_it_may_not_write(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import init; from pathlib import Path; "
        "init.require_writable(Path(sys.argv[2]))"
    )
    for directory, code in ((tmp_path, 0), (tmp_path / "missing", 1)):
        ended = subprocess.run(
            [sys.executable, "-c", script, PROJECT_ROOT / "docker", directory],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert ended.returncode == code, ended.stderr
    assert "sudo install -d -o" in ended.stderr and "WAREHOUSE_DATA" in ended.stderr


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
        assert service["read_only"] is True and service["pids_limit"] <= 512, name
        assert "/tmp" in service["tmpfs"], name  # noqa: S108
        assert re.fullmatch(r"\d+m", service["stop_grace_period"]), name
        assert service["user"].split(":")[0] not in ("", "0", "root"), name
        assert service["cap_drop"] == ["ALL"] and not service.get("privileged"), name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("restart") == ("no" if name == "init" else "unless-stopped"), name
        if name != "init":
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def mebibytes(size: str) -> int:
    return int(size[:-1]) * (1024 if size.endswith("g") else 1)


def test_default_limits_suit_two_cores_and_eight_gigabytes(services: dict[str, Any]) -> None:
    limits = {
        name: entry["deploy"]["resources"]["limits"]
        for name, entry in services.items()
        if name != "init" and "profiles" not in entry
    }
    assert len(limits) == 5
    assert max(float(limit["cpus"]) for limit in limits.values()) <= 2  # Docker rejects more than there are
    assert sum(mebibytes(limit["memory"]) for limit in limits.values()) <= 8 * 1024
    assert mebibytes(limits["scheduler"]["memory"]) >= 4096  # the builds
    chosen = {"WAREHOUSE_TASK_CPUS": "8.0", "WAREHOUSE_TASK_MEMORY": "32g", "WAREHOUSE_API_MEMORY": "3g"}
    services = compose_file.read({**REQUIRED, **chosen})["services"]
    for name in ("scheduler", "celery-worker"):
        assert services[name]["deploy"]["resources"]["limits"] == {"cpus": "8.0", "memory": "32g"}
    assert services["api-server"]["deploy"]["resources"]["limits"]["memory"] == "3g"


def test_health_checks_do_not_start_airflow(services: dict[str, Any]) -> None:
    """Importing Airflow takes seconds of CPU; only the worker has no other way."""
    for name, service in services.items():
        if name in ("init", "celery-worker"):
            continue
        command = service["healthcheck"]["test"]
        assert "airflow" not in command, name
        assert re.search(r"healthy\.py|pg_isready|redis-cli", " ".join(command)), name
    assert services["celery-worker"]["healthcheck"]["interval"] == "5m"


MONITOR = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy"},
    "triggerer": {"status": "unhealthy"},
    "dag_processor": {"status": "healthy"},
}


def test_health_of_a_part_is_read_from_the_answer_of_the_api(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/health").respond_with_json(MONITOR)
    httpserver.expect_request("/text").respond_with_data("ok")
    httpserver.expect_request("/error").respond_with_data("", status=503)

    def healthy(path: str, *part: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, PROJECT_ROOT / "docker" / "healthy.py", httpserver.url_for(path), *part],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"},
        )

    assert healthy("/health").returncode == healthy("/health", "dag_processor").returncode == 0
    assert "triggerer is not healthy" in healthy("/health", "triggerer").stderr
    for path, part in (("/health", "nothing"), ("/text", "triggerer"), ("/error", "dag_processor")):
        assert healthy(path, part).returncode == 1
    assert healthy("/text").returncode == 0 and healthy("/error").returncode == 1


def test_only_the_ports_of_pages_are_published_on_loopback(services: dict[str, Any]) -> None:
    assert {name: entry["ports"] for name, entry in services.items() if "ports" in entry} == {
        "api-server": ["127.0.0.1:8080:8080"],
        "superset": ["127.0.0.1:8088:8088"],
    }


def test_superset_reads_the_releases_and_may_not_write_them(services: dict[str, Any]) -> None:
    service = services["superset"]
    assert service["profiles"] == ["superset"]
    assert service["volumes"] == ["superset:/srv/superset", READ_ONLY]
    assert service["environment"]["SUPERSET_RELEASE"] == f"{READ_ONLY.split(':')[1]}/published/latest"
    file = PROJECT_ROOT / service["build"]["dockerfile"]
    assert "--require-hashes" in file.read_text()
    lock = (PROJECT_ROOT / "superset" / "requirements.lock").read_text()
    main = (PROJECT_ROOT / "requirements.lock").read_text()
    duckdb = re.search(r"^duckdb==\S+", main, re.MULTILINE)
    assert duckdb and f"\n{duckdb.group()} " in lock  # what writes the releases reads them


READ_ONLY = "/data/warehouse:/srv/warehouse:ro"
DATA = {
    "/data/warehouse:/srv/warehouse",
    "/data/backups:/srv/backups",
    "./warehouse/curated:/srv/curated:ro",
    "./mirrors:/srv/mirrors:ro",
    "./certificates:/srv/certificates:ro",
}


def test_state_is_in_named_volumes_and_the_warehouse_in_a_directory_of_the_host(
    services: dict[str, Any],
) -> None:
    declared = set(compose_file.raw()["volumes"])
    used = {mount for entry in services.values() for mount in entry["volumes"]}
    named = {mount.split(":")[0] for mount in used if not mount.startswith((".", "/"))}
    assert named == declared == {"airflow", "postgres", "redis", "spark", "superset"}
    assert {mount for mount in used if mount.startswith((".", "/"))} == DATA | {READ_ONLY}
    # the services that run tasks, and the one that verifies that they can
    mounting = {name for name, entry in services.items() if set(entry["volumes"]) >= DATA}
    assert mounting == {"init", "scheduler", "celery-worker"}
    others = {name: set(entry["volumes"]) & DATA for name, entry in services.items() if name not in mounting}
    # Executors write the tables of a build.
    assert {name: found for name, found in others.items() if found} == {
        "spark-worker": {"/data/warehouse:/srv/warehouse"}
    }


def test_mounted_directories_are_those_of_the_environment(services: dict[str, Any]) -> None:
    environment = services["scheduler"]["environment"]
    targets = {mount.split(":")[1] for mount in services["scheduler"]["volumes"]}
    assert environment["WAREHOUSE_HOME"] in targets and environment["WAREHOUSE_CURATED"] in targets
    assert environment["AIRFLOW_HOME"] in targets
    text = (PROJECT_ROOT / ".env.example").read_text()
    for target in ("/srv/curated", "/srv/mirrors", "/srv/certificates"):
        assert target in targets and target in text
    chosen = {
        "WAREHOUSE_CURATED": "/data/figures",
        "WAREHOUSE_MIRRORS": "/data/mirrors",
        "WAREHOUSE_CERTIFICATES": "/etc/certificates",
    }
    volumes = compose_file.read({**REQUIRED, **chosen})["services"]["scheduler"]["volumes"]
    assert {volume.split(":")[0] for volume in volumes} >= set(chosen.values())


def test_every_setting_reaches_the_tasks_or_is_decided_by_the_stack(services: dict[str, Any]) -> None:
    keep = {f"{KEEP_PREFIX}{name.upper()}" for name in RetentionPolicy.model_fields}
    settings = {f"WAREHOUSE_{name.upper()}" for name in Settings.model_fields} | keep
    settings -= {"WAREHOUSE_KEEP", "WAREHOUSE_KEYS"}
    settings |= {source.key_variable for source in SOURCES.values() if source.key_variable}
    in_image = {"WAREHOUSE_REVISION"}
    assert settings - set(services["scheduler"]["environment"]) == in_image
    values = {
        "WAREHOUSE_OPERATOR": "ops",
        "WAREHOUSE_KEEP_RELEASES_GIB": "7",
        "WAREHOUSE_KEEP_RUNS_DAYS": "30",
    }
    environment = compose_file.read({**REQUIRED, **values})["services"]["scheduler"]["environment"]
    assert {name: environment[name] for name in values} == values


def test_metrics_of_airflow_are_off_until_the_environment_says_where_to(services: dict[str, Any]) -> None:
    values = {
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "statsd",
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    }
    chosen = compose_file.read({**REQUIRED, **values})["services"]
    for name in AIRFLOW:
        assert {key: chosen[name]["environment"][key] for key in values} == values, name
        for switch in ("AIRFLOW__METRICS__STATSD_ON", "AIRFLOW__METRICS__OTEL_ON"):
            assert services[name]["environment"][switch] == "False"


@pytest.mark.slow
def test_scheduler_starts_with_the_modules_of_tasks_imported(
    services: dict[str, Any], tmp_path: Path
) -> None:
    python, script, *options = services["scheduler"]["command"]
    assert (python, script) == ("python", "/opt/warehouse/docker/scheduler.py")
    file = PROJECT_ROOT / "docker" / "scheduler.py"
    run = "try: runpy.run_path(sys.argv[0], run_name='__main__')\nfinally: print(*sys.modules)"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import runpy, sys\nsys.argv[:] = sys.argv[1:]\n{run}",
            file,
            *options,
            "--help",
        ],
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Usage: airflow scheduler" in done.stdout, done.stdout
    modules = done.stdout.splitlines()[-1].split()
    assert {"great_expectations", "duckdb", "pandas", "warehouse.build.steps"} <= set(modules)


def test_proxy_and_certificates_reach_the_services_and_the_stack_is_reached_directly(
    services: dict[str, Any],
) -> None:
    values = {
        "HTTP_PROXY": "http://proxy:3128",
        "HTTPS_PROXY": "http://proxy:3128",
        "REQUESTS_CA_BUNDLE": "/srv/certificates/bundle.pem",
        "SSL_CERT_FILE": "/srv/certificates/bundle.pem",
    }
    chosen = compose_file.read({**REQUIRED, **values, "NO_PROXY": "intranet.example"})["services"]
    for name in AIRFLOW:
        environment = chosen[name]["environment"]
        assert {key: environment[key] for key in values} == values, name
        assert "intranet.example" in environment["NO_PROXY"].split(",")
        assert set(environment["NO_PROXY"].split(",")) >= {"localhost", "127.0.0.1", "api-server", "postgres"}
    # With an empty variable OpenSSL accepts no certificate.
    assert services["scheduler"]["environment"]["SSL_CERT_FILE"] == "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.parametrize("address", ["http://api-server:8080/execution/", "http://localhost:8974/health"])
@pytest.mark.parametrize("named", ["", "intranet.example"])
def test_addresses_of_the_stack_bypass_the_proxy(named: str, address: str) -> None:
    from requests.utils import should_bypass_proxies

    variables = {**REQUIRED, "NO_PROXY": named, "HTTP_PROXY": "http://proxy:3128"}
    environment = compose_file.read(variables)["services"]["scheduler"]["environment"]
    assert should_bypass_proxies(address, environment["NO_PROXY"])
    assert not should_bypass_proxies("http://www.safe.gov.cn/", environment["NO_PROXY"])


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
    installs = [line for line in lines if "pip install" in line]
    for install, lock in zip(installs, ("runtime", "spark"), strict=True):
        assert "--require-hashes" in install and "--no-deps" in install and "--only-binary :all:" in install
        assert f"-r /tmp/requirements-{lock}.lock" in install
    compiled, of_adapter = [line for line in lines if "compileall" in line]
    for folder in ("docker", "warehouse", "dags"):
        assert f"/opt/warehouse/{folder}" in compiled
        assert lines.index(f"COPY {folder} /opt/warehouse/{folder}") < lines.index(compiled)
    users = [line for line in lines if line.startswith("USER ")]
    assert users == ["USER 50000:50000", "USER root", "USER 50000:50000"]
    after = lines[lines.index("USER 50000:50000") + 1 : lines.index("FROM warehouse AS spark") - 1]
    assert {line.split()[0] for line in after} == {"ENTRYPOINT", "CMD"}
    assert lines[-1] == "USER 50000:50000" and "/opt/warehouse/spark_adapter" in of_adapter
    assert services["scheduler"]["user"] == "50000:50000"
    entry = next(line for line in after if line.startswith("ENTRYPOINT")).removeprefix("ENTRYPOINT ")
    assert services["scheduler"]["entrypoint"] == [part.strip('"') for part in entry.strip("[]").split(", ")]


def test_image_contains_the_files_of_the_commands_and_no_secrets() -> None:
    text = compose_file.DOCKERFILE.read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) (\S+)$", text, re.MULTILINE)
    assert len(copied) >= 8
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for source, target in copied:
        assert (PROJECT_ROOT / source).exists() and f"!{source}" in ignored
        assert target in (f"/opt/warehouse/{source}", f"/tmp/{source}")  # noqa: S108
    named = set(re.findall(r"/opt/warehouse/(\S+\.py)", compose_file.COMPOSE.read_text()))
    assert len(named) >= 3
    for path in named:
        assert (PROJECT_ROOT / path).is_file(), path


def test_base_image_and_revision_are_arguments_of_the_build(services: dict[str, Any]) -> None:
    text = compose_file.DOCKERFILE.read_text()
    stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert stages == [*["${PYTHON_IMAGE}"] * 3, "warehouse"]
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim-\w+$", text.split("FROM")[0], re.MULTILINE)
    for line in ("ENV WAREHOUSE_REVISION=$WAREHOUSE_REVISION", "image.revision=$WAREHOUSE_REVISION"):
        assert line in text[text.index("ARG WAREHOUSE_REVISION") :]
    digest = "python:3.11-slim-bookworm@sha256:0123"
    values = {"WAREHOUSE_PYTHON_IMAGE": digest, "WAREHOUSE_REVISION": "0123abc"}
    for name in (*AIRFLOW, *SPARK):
        arguments = compose_file.read({**REQUIRED, **values})["services"][name]["build"]["args"]
        assert arguments == {"PYTHON_IMAGE": digest, "WAREHOUSE_REVISION": "0123abc"}
    assert services["init"]["build"]["args"]["WAREHOUSE_REVISION"] == "unknown"


def test_spark_is_in_an_image_of_its_own_that_tasks_may_use(services: dict[str, Any]) -> None:
    text = compose_file.DOCKERFILE.read_text()
    *_, ours, of_spark = re.split(r"^FROM ", text, flags=re.MULTILINE)
    assert ours.startswith("${PYTHON_IMAGE} AS warehouse\n") and "spark" not in ours
    assert "openjdk-17-jre-headless" in of_spark and "-o 50000 -g 50000 /srv/spark" in of_spark
    assert "COPY --from=spark-environment /opt/venv-spark /opt/venv-spark" in of_spark
    assert {services[name]["build"]["target"] for name in SPARK} == {"spark"}
    assert {services[name]["build"]["target"] for name in AIRFLOW} == {"warehouse"}
    chosen = compose_file.read({**REQUIRED, "WAREHOUSE_IMAGE_TARGET": "spark", "WAREHOUSE_ENGINE": "spark"})
    for name in AIRFLOW:
        service = chosen["services"][name]
        assert service["build"]["target"] == "spark"
        assert service["environment"]["WAREHOUSE_ENGINE"] == "spark"
        assert services[name]["environment"]["WAREHOUSE_ENGINE"] == "duckdb"


def test_driver_and_workers_of_spark_find_each_other(services: dict[str, Any]) -> None:
    master, worker = (services[name] for name in SPARK)
    environment = services["scheduler"]["environment"]
    assert environment["WAREHOUSE_SPARK_MASTER"] == worker["command"][-1] == "spark://spark-master:7077"
    assert master["command"][1:5] == ["--host", "spark-master", "--port", "7077"]
    assert environment["WAREHOUSE_SPARK_DRIVER_HOST"] in services
    # One Python, and one path of the warehouse.
    assert environment["WAREHOUSE_SPARK_PYTHON"] == worker["environment"]["PYSPARK_PYTHON"]
    assert set(worker["volumes"]) & set(services["scheduler"]["volumes"]) == {
        "/data/warehouse:/srv/warehouse"
    }
    for service in (master, worker):
        assert service["profiles"] == ["spark"] and not service["secrets"] and "ports" not in service
        port = service["command"][service["command"].index("--webui-port") + 1]
        assert service["healthcheck"]["test"][-1] == f"http://localhost:{port}/json/"
    chosen = {"WAREHOUSE_SPARK_EXECUTOR_MEMORY": "6g", "WAREHOUSE_SPARK_WORKER_CORES": "4"}
    chosen |= {"WAREHOUSE_SPARK_WORKER_MEMORY": "8g", "WAREHOUSE_SPARK_WORKER_CPUS": "4.0"}
    changed = compose_file.read({**REQUIRED, **chosen})["services"]
    assert changed["scheduler"]["environment"]["WAREHOUSE_SPARK_EXECUTOR_MEMORY"] == "6g"
    assert {"6g", "4"} <= set(changed["spark-worker"]["command"])
    limits = changed["spark-worker"]["deploy"]["resources"]["limits"]
    assert limits == {"cpus": "4.0", "memory": "8g"}


def test_figures_of_analysts_are_not_in_the_image() -> None:
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    assert ignored.index("warehouse/curated") > ignored.index("!warehouse")
    assert CURATED_DIR == PROJECT_ROOT / "warehouse" / "curated"


def locked(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each package of a lock."""
    blocks = re.split(r"\n(?=[a-z0-9])", (PROJECT_ROOT / name).read_text())
    found = {}
    for block in blocks:
        match = re.match(r"([a-z0-9._-]+)==(\S+)(?: ; ([^\\]+))?", block)
        assert match, block[:80]
        found[f"{match[1]} {match[3] or ''}"] = (
            match[2],
            frozenset(re.findall(r"sha256:[0-9a-f]{64}", block)),
        )
    assert all(hashes for _, hashes in found.values())
    return found


def test_runtime_lock_is_the_lock_without_the_tools_of_development() -> None:
    runtime, everything = locked("requirements-runtime.lock"), locked("requirements.lock")
    assert len(runtime) > 200 and len(everything) > len(runtime)
    versions: dict[str, set[tuple[str, frozenset[str]]]] = {}
    for key, entry in everything.items():
        versions.setdefault(key.split()[0], set()).add(entry)
    for key, entry in runtime.items():
        assert entry in versions[key.split()[0]], key
    names = {key.split()[0] for key in runtime}
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    for requirement in project["project"]["dependencies"]:
        assert re.split(r"[\[=<> ]", requirement)[0] in names, requirement
    tools = {re.split(r"[\[=<> ]", tool)[0] for tool in project["dependency-groups"]["dev"]}
    shared = {"cryptography", "psutil", "werkzeug"}  # packages at run time need them too
    assert not names & (tools - shared)
    assert not [name for name in names if re.match(r"pytest|ruff|mypy|sqlfluff|hypothesis|types-", name)]
    text = (PROJECT_ROOT / "requirements-runtime.lock").read_text()
    assert "://" not in text and "--index" not in text


def test_all_locks_are_made_by_one_target() -> None:
    recipe = (PROJECT_ROOT / "Makefile").read_text().partition("\nlock:")[2]
    assert recipe.count("uv pip compile") == recipe.count("--generate-hashes") == 6
    assert recipe.count("--no-emit-index-url") == 6
    assert "--constraint requirements.lock pyproject.toml -o requirements-runtime.lock" in recipe
    assert "--group pyproject.toml:browser -o requirements-browser.lock" in recipe


def test_the_browser_lock_has_what_no_other_lock_has_and_hashes() -> None:
    pinned = locked("requirements-browser.lock")
    assert {key.split()[0] for key in pinned} >= {"playwright", "axe-playwright-python"}
    assert all(hashes for _, hashes in pinned.values())
    text = (PROJECT_ROOT / "requirements-browser.lock").read_text()
    assert "://" not in text and "--index" not in text


def test_the_peers_lock_has_the_peers_and_the_warehouse_own_duckdb_and_dbt() -> None:
    pinned = {key.split()[0]: entry[0] for key, entry in locked("requirements-peers.lock").items()}
    ours = {key.split()[0]: entry[0] for key, entry in locked("requirements.lock").items()}
    assert pinned.keys() >= {"pandas", "polars", "dlt", "dbt-postgres"}
    for name in ("duckdb", "dbt-core", "dbt-duckdb"):
        assert pinned[name] == ours[name], name
    text = (PROJECT_ROOT / "requirements-peers.lock").read_text()
    assert "://" not in text and "--index" not in text


def test_the_spark_lock_has_the_versions_of_the_main_lock() -> None:
    pinned = {key.split()[0]: entry[0] for key, entry in locked("requirements-spark.lock").items()}
    ours = {key.split()[0]: entry[0] for key, entry in locked("requirements.lock").items()}
    assert pinned.keys() - ours.keys() == {"dbt-spark", "py4j", "pyspark", "sqlparams"}
    for name in ("duckdb", "dbt-core", "dbt-adapters", "great-expectations", "pyarrow", "statsmodels"):
        assert pinned[name] == ours[name], name
    text = (PROJECT_ROOT / "requirements-spark.lock").read_text()
    assert "://" not in text and "--index" not in text


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
