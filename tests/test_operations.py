"""Every command in a code block of OPERATIONS.md is run, or checked against the files that it is about.

Commands of the warehouse run as they are written, with the ids of the test's own loads and backfills, and
with a mirror on loopback instead of the publishers. Commands of `docker compose` are parsed and compared with
the compose file; the command inside of the container is then run too. `CHECKS` maps the beginning of a
command to its check: a new command without one fails.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import alert_cases
import compose_file
import nbs_mirror
import pytest
from command_line import invoke
from conftest import copy_home, ingest, release_of, settings_of
from small_homes import make_home
from small_releases import make_release, make_vintage

from warehouse.backfill import records
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR
from warehouse.landing import store
from warehouse.publication.behind import COPY_COMMAND
from warehouse.releases.manifest import entry_of

pytest_plugins = ("buckets",)
PAGE = PROJECT_ROOT / "OPERATIONS.md"
BACKFILLED = "worldbank_wdi"
ROWS = [{"year": "2021", "value": "10.5", "_file": "data.csv", "_row": 2}]
TABLES = """
    create table core.held_row as select 'safe_bop' as source, 'area' as code_kind, 'XQX' as code,
        7 as observation_count, 'Add area XQX to a seed' as remedy"""


def commands(page: str) -> list[str]:
    """Return the commands of all `sh` blocks of a page, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = [re.split(r"\s+# ", line)[0].strip() for block in blocks for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if line))


PAGE_COMMANDS = commands(PAGE.read_text(encoding="utf-8"))


class QuietHandler(SimpleHTTPRequestHandler):
    """A handler of files that logs no request."""

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Serve the recorded nights on loopback, as a mirror of their own; return the address."""
    handler = partial(QuietHandler, directory=str(SAMPLE_DIR))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with what the examples of the page name; read only."""
    home = make_home(tmp_path_factory.mktemp("operations") / "home")
    made = make_vintage(home / "landing", "safe_bop", "2024-03-29", ROWS)
    make_vintage(home / "landing", "unctad_services", "2024-05-02", ROWS)
    make_release(home, "20240601T000000000000Z", vintages=[entry_of(made)], sql=TABLES)
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return copy_home(template, tmp_path / "home")


# --- commands of the warehouse ---


def run_fetch(words: list[str], home: Path, served: str, **_: object) -> None:
    """Fetch into a new home: from the served sample, or from a mirror of NBS, which the sample has not."""
    new = home.with_name("new")
    mirror: Path | str = f"{served}/night-2"
    if "nbs_accounts" in words:
        mirror = nbs_mirror.write_mirror(home.with_name("nbs"))
    invoke(new, *words, mirror=mirror)
    assert store.vintages(new / "landing", words[-1])


def run_rejected(words: list[str], home: Path, **_: object) -> None:
    """Run a command on a load that was rejected just now; the page's id stands for its id."""
    mirror = alert_cases.spoiled_mirror(home.with_name("mirror"))
    invoke(home, "fetch", alert_cases.SOURCE, mirror=mirror, exit_code=1)
    load = invoke(home, "rejected", "list", "--json").json[-1]["id"]
    invoke(home, *(load if re.fullmatch(r"\d{8}T\d{12}-\d+", word) else word for word in words))


def run_backup(words: list[str], home: Path, **_: object) -> None:
    invoke(home, *(word.replace("/srv/backups", str(home.with_name("backups"))) for word in words))


def run_restore(words: list[str], home: Path, **_: object) -> None:
    directory = home.with_name("backups") / "monday"
    invoke(home, "backup", str(directory))
    assert words == ["restore", "/srv/backups/monday"]
    invoke(home.with_name("restored"), "restore", str(directory))


def run_publish(words: list[str], bank: Callable[[], Path], **_: object) -> None:
    """Publish with nothing new: the builds of the tests take the same way."""
    invoke(bank(), *words)


def run_in_scenario(words: list[str], **_: object) -> None:
    assert f"warehouse {shlex.join(words)}".split()[:3] in [one.split()[:3] for one in of_backfill()]


def run_as_written(words: list[str], home: Path, **_: object) -> None:
    """Run a command; SOURCE stands for the name of a source."""
    invoke(home, *("safe_bop" if word == "SOURCE" else word for word in words))


def run_with_exit_code(words: list[str], home: Path, **_: object) -> None:
    """Run a command on a home in which sources are late."""
    assert words[-1] == "--exit-code"
    invoke(home, *words, exit_code=1)


def run_repair(words: list[str], home: Path, **_: object) -> None:
    latest = home / "published" / "latest"
    release = latest.readlink()
    latest.unlink()
    invoke(home, *words)
    assert latest.readlink() == release


def run_on_postgresql(words: list[str], **_: object) -> None:
    """Leave the command to tests/stack/test_publish_to.py, which runs what the alert says on a database."""
    assert words == shlex.split(COPY_COMMAND)[1:]


def run_objects(words: list[str], home: Path, tmp_path: Path, bucket: str, **_: object) -> None:
    """Run a command on a bucket to which the home was pushed; a pull makes another home."""
    invoke(home, "objects", "push", WAREHOUSE_OBJECTS=bucket)
    target = tmp_path / "second" if words[1] == "pull" else home
    invoke(target, *words, WAREHOUSE_OBJECTS=bucket)


def run_curated(words: list[str], home: Path, **_: object) -> None:
    invoke(home, *words, WAREHOUSE_CURATED=str(SAMPLE_DIR / "night-2" / "curated"))


WAREHOUSE: dict[str, Callable[..., None]] = {
    "alerts": run_as_written,
    "alerts --exit-code": run_with_exit_code,
    "status": run_as_written,
    "status --exit-code": run_with_exit_code,
    "maintain": run_as_written,
    "fetch": run_fetch,
    "publish": run_publish,
    "rejected": run_rejected,
    "repair latest": run_repair,
    "vintages list": run_as_written,
    "vintages withdraw": run_as_written,
    "publish-to": run_on_postgresql,
    "objects": run_objects,
    "query": run_as_written,
    "releases": run_as_written,
    "diff": run_as_written,
    "rollback": run_as_written,
    "backfill": run_in_scenario,
    "curated check": run_as_written,
    "metrics": run_as_written,
    "backup": run_backup,
    "restore": run_restore,
}


def run_warehouse(command: str, **fixtures: object) -> None:
    words = shlex.split(command)
    if words[0].startswith("WAREHOUSE_MIRROR="):  # of the page; the test serves its own
        words = words[1:]
    text = " ".join(words[1:])
    beginning = max((one for one in WAREHOUSE if text.startswith(one)), key=len)
    WAREHOUSE[beginning](words[1:], **fixtures)


# --- commands of docker compose ---

OPTIONS = {
    "up": {"-d", "--build", "--wait"},
    "build": set(),
    "stop": set(),
    "exec": {"-T"},
    "run": {"--rm"},
}
VARIABLES = {
    "WAREHOUSE_SECRETS": "/etc/secrets",
    "WAREHOUSE_DATA": "/data",
    "WAREHOUSE_BACKUPS": "/backups",
    "WAREHOUSE_ADMIN_USER": "admin",
    "WAREHOUSE_ADMIN_EMAIL": "admin@example.org",
}


def check_compose(command: str, **fixtures: object) -> None:
    """Check subcommand, options and services, and then the command inside of the container."""
    services = compose_file.read(VARIABLES)["services"]
    words = shlex.split(re.split(r" [<>] ", command)[0])
    action, rest = words[2], words[3:]
    assert action in OPTIONS, command
    while rest and rest[0].startswith("-"):
        assert rest.pop(0) in OPTIONS[action], command
    if action not in ("exec", "run"):
        assert set(rest) <= set(services), command
        return
    service, *inner = rest
    assert service in services and "profiles" not in services[service], command
    match inner:
        case ["python", "-m", "warehouse", *_]:
            mounted = {mount.split(":")[1] for mount in services[service]["volumes"]}
            assert {"/srv/warehouse", "/srv/backups"} <= mounted
            run_warehouse(shlex.join(inner[2:]), **fixtures)
        case ["airflow", *arguments]:
            check_airflow(arguments)
        case ["pg_dump" | "pg_restore", *arguments]:
            environment = services[service]["environment"]
            assert arguments[:2] == ["--username", environment["POSTGRES_USER"]]
            assert environment["POSTGRES_DB"] in arguments[2:]
            procedure = (PROJECT_ROOT / "tests" / "stack" / "test_stack.py").read_text()
            for option in [word for word in arguments if word.startswith("--")]:
                assert f'"{option}"' in procedure, f"{option}: tests/stack runs the procedure without it"
        case _:
            pytest.fail(f"{command}: no check for the command in the container")


def check_airflow(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from airflow.cli.cli_parser import get_parser\n"
        "print(get_parser().parse_args(sys.argv[1:]).dag_id)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == ".*"


def check_build(command: str, **fixtures: object) -> None:
    """Check a variable that is given to a build: the compose file uses it."""
    name, _, rest = command.partition("=")
    assert f"${{{name}" in compose_file.COMPOSE.read_text()
    check_compose(rest[rest.index("docker") :], **fixtures)


# --- other commands ---


def check_install(command: str, **_: object) -> None:
    """Compare the directories with the example, and the owner with the user of the containers."""
    words = shlex.split(command)
    user, group = compose_file.read(VARIABLES)["services"]["scheduler"]["user"].split(":")
    assert words[1:7] == ["install", "-d", "-o", user, "-g", group]
    example = (PROJECT_ROOT / ".env.example").read_text()
    for directory in words[7:]:
        assert re.search(rf"^WAREHOUSE_(DATA|BACKUPS)={re.escape(directory)}$", example, re.MULTILINE)


def check_secrets(command: str, tmp_path: Path, **_: object) -> None:
    _sudo, _python, script, action, directory = shlex.split(command)
    assert f"WAREHOUSE_SECRETS={directory}\n" in (PROJECT_ROOT / ".env.example").read_text()
    subprocess.run([sys.executable, PROJECT_ROOT / script, action, tmp_path / "s"], check=True, timeout=30)
    assert (tmp_path / "s" / "fernet_key").is_file()


def check_files_of_the_repository(command: str, **_: object) -> None:
    assert (PROJECT_ROOT / shlex.split(command)[1]).is_file()


def check_program(command: str, **_: object) -> None:
    """Check the form of a command that changes the host or needs a network."""
    assert re.fullmatch(
        r"git pull"
        r"|sudo mv (/srv/services-trade-warehouse) \1\.damaged"
        r"|openssl s_client -connect (\S+):443 -servername \2 -showcerts < /dev/null > sent\.txt"
        r"|openssl x509 -in sent\.txt -noout -subject -issuer -ext authorityInfoAccess",
        command,
    ), command


def of_certificates() -> list[str]:
    """Return the commands that convert, verify and join certificates, and set the variable."""
    beginnings = ("openssl x509 -inform", "roots=", "openssl verify", "cat ", "export REQUESTS_CA_BUNDLE")
    return [command for command in PAGE_COMMANDS if command.startswith(beginnings)]


def check_certificates(command: str, tmp_path: Path, **_: object) -> None:
    """Run the conversion and the check of an intermediate certificate in a shell, with roots of our own."""
    script = of_certificates()
    assert command in script and len(script) == 5
    make_certificates(tmp_path)
    script = [line.replace("$(.venv/bin/python -m certifi)", "roots.pem") for line in script]
    script = [line.replace("sudo tee", "tee").replace("/srv/", f"{tmp_path}/") for line in script]
    ended = subprocess.run(
        ["/bin/sh", "-ec", "\n".join([*script, "test -s $REQUESTS_CA_BUNDLE"])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 0, ended.stderr
    assert "issuer.pem: OK" in ended.stdout
    assert (tmp_path / "warehouse-ca.pem").read_text().count("BEGIN CERTIFICATE") == 2


def make_certificates(folder: Path) -> None:
    """Write roots.pem with a root, and issuer.crt with an intermediate certificate of it, in DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    now = datetime.now(UTC)
    for subject, key, target in (("root", keys[0], "roots.pem"), ("issuer", keys[1], "issuer.crt")):
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(keys[0], hashes.SHA256())
        )
        encoding = serialization.Encoding.PEM if target.endswith("pem") else serialization.Encoding.DER
        (folder / target).write_bytes(certificate.public_bytes(encoding))


def check_make(command: str, **_: object) -> None:
    """Check that the Makefile has the target; the tests of superset/ run what it runs."""
    assert f"\n{command.removeprefix('make ')}: " in (PROJECT_ROOT / "Makefile").read_text()


CHECKS: dict[str, Callable[..., None]] = {
    "make ": check_make,
    "warehouse ": run_warehouse,
    "WAREHOUSE_MIRROR=/srv/mirrors/corrected warehouse ": run_warehouse,
    "docker compose ": check_compose,
    "WAREHOUSE_REVISION=": check_build,
    "sudo install ": check_install,
    "sudo python3 docker/secret.py ": check_secrets,
    "cp .env.example ": check_files_of_the_repository,
    "openssl x509 -inform": check_certificates,
    "roots=": check_certificates,
    "openssl verify": check_certificates,
    "cat ": check_certificates,
    "export REQUESTS_CA_BUNDLE=": check_certificates,
    "git ": check_program,
    "sudo mv ": check_program,
    "openssl ": check_program,
}
SLOW = ("publish", "scheduler airflow")  # they need a built warehouse, or import Airflow


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(one, id=one, marks=[pytest.mark.slow] * any(word in one for word in SLOW))
        for one in PAGE_COMMANDS
    ],
)
def test_command_of_the_page_works(
    command: str, home: Path, served: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fixtures = {"bucket": request.getfixturevalue("bucket")} if "warehouse objects" in command else {}
    beginnings = [one for one in CHECKS if command.startswith(one)]
    assert beginnings, f"{command}: add a check of it to CHECKS"

    def bank() -> Path:
        return copy_home(request.getfixturevalue("bank").home, tmp_path / "bank")

    CHECKS[max(beginnings, key=len)](
        command, home=home, served=served, tmp_path=tmp_path, bank=bank, **fixtures
    )


def test_every_check_is_for_a_command_of_the_page() -> None:
    assert len(PAGE_COMMANDS) > 45
    for beginning in CHECKS:
        assert any(command.startswith(beginning) for command in PAGE_COMMANDS), beginning
    inner = [command.partition("warehouse ")[2] for command in PAGE_COMMANDS if "warehouse " in command]
    for beginning in WAREHOUSE:
        assert any(text.startswith(beginning) for text in inner), beginning


def test_blocks_and_comments_are_parsed() -> None:
    page = "text\n```sh\nwarehouse a   # why\nb '#x' | c\n\nwarehouse a\n```\n```\nnot a command\n```\n"
    assert commands(page) == ["warehouse a", "b '#x' | c"]


# --- object storage ---


def test_reader_of_the_page_reads_a_release_in_a_bucket(
    tmp_path: Path, bucket: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the Python of the page as it is written, without a home, and compare with the Parquet file."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    home = tmp_path / "home"
    scale = "create table marts.mart_trade_scale as select 'CHN' as reporter, 37 as exports_billion"
    make_release(home, "20240601T000000000000Z", sql=scale)
    invoke(home, "objects", "push", bucket)
    environ = {**os.environ, "WAREHOUSE_OBJECTS": bucket, "HOME": str(tmp_path / "empty")}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environ
    )
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"│ CHN +│ +37 │", ended.stdout), ended.stdout
    make_release(home, "20240602T000000000000Z", sql=scale.replace("37", "41"))
    invoke(home, "objects", "push", bucket)
    again = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environ
    )
    assert re.search(r"│ CHN +│ +41 │", again.stdout), again.stderr


# --- backfill ---


def of_backfill() -> list[str]:
    """Return the commands of the page on backfills, in their order."""
    return [command for command in PAGE_COMMANDS if command.startswith("warehouse backfill ")]


@pytest.mark.slow
def test_backfill_of_the_page_on_a_warehouse_that_fetches_over_http(served: str, tmp_path: Path) -> None:
    """A home that knows only the present figures, a mirror that has the past ones, both over HTTP."""
    home = tmp_path / "home"
    assert ingest(settings_of(home, f"{served}/night-2"), BACKFILLED)
    first = release_of(home)
    asked = of_backfill()
    assert [command.split()[2] for command in asked] == [
        *("start", "start", "list", "show", "approve", "discard"),
    ]
    wrong = shlex.split(asked[0].replace("/srv/mirrors/archive", f"{served}/nothing"))[1:]
    invoke(home, *wrong, exit_code=1)
    waiting: dict[str, str] = {}
    for command in asked:
        for state in ("waiting", "failed"):
            for one in records.list_backfills(home / "backfill").require():
                if records.state(home / "backfill", one.id) == state:
                    waiting[state] = one.id
        wanted = waiting.get("failed" if " discard " in command else "waiting", "")
        words = shlex.split(command.replace("/srv/mirrors/archive", f"{served}/night-1"))[1:]
        invoke(home, *(wanted if word == "ID" else word for word in words), mirror=f"{served}/night-2")
    states = {records.state(home / "backfill", one) for one in waiting.values()}
    assert states == {"approved", "discarded"}
    assert [one.id for one in store.vintages(home / "landing", BACKFILLED)] == ["2022-09-16", "2024-07-12"]
    assert (home / "published" / "latest").resolve() != first
