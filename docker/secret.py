"""Secrets as files for the stack: create them, check them at each start, and pass them to Airflow.

    secret.py make DIRECTORY [NAME...]    write a random value for every secret that is missing there
    secret.py start DIRECTORY COMMAND...  check every file of the directory, then execute the command
    secret.py read FILE                   print one secret
    secret.py url SCHEME://USER@REST FILE print an address with the password inserted, percent-encoded

Uses the standard library only, so that `make` runs on a host without this environment. Airflow reads what
`read` and `url` print through its `*_CMD` options: no secret is in an environment, an argument list or a log.

Rejected are a missing or empty file, a secret shorter than twelve characters, a placeholder such as "change
me", and an empty directory. An existing secret is never overwritten: without its key the metadata cannot be
read.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import quote

MIN_LENGTH = 12
PLACEHOLDERS = ("changeme", "change-me", "change_me", "change me")


def fernet_key() -> str:
    """Return a key in the format of Fernet: 32 random bytes, URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


# Airflow's connections (SMTP, webhooks) are a JSON file in its own format, which is empty at first.
GENERATORS = {
    "admin_password": secrets.token_urlsafe,
    "api_secret_key": secrets.token_urlsafe,
    "connections.json": lambda: "{}\n",
    "fernet_key": fernet_key,
    "jwt_secret": lambda: secrets.token_urlsafe(64),
    "postgres_password": secrets.token_urlsafe,
    "redis_password": secrets.token_urlsafe,
    "superset_admin_password": secrets.token_urlsafe,
    "superset_analyst_password": secrets.token_urlsafe,
    "superset_reader_password": secrets.token_urlsafe,
    "superset_secret_key": lambda: secrets.token_urlsafe(64),
}


def read(path: Path) -> str:
    """Return the secret in a file; exit with a message if it is missing or rejected."""
    if not path.is_file():
        raise SystemExit(
            f"{path}: there is no such secret. Create it: python3 docker/secret.py make DIRECTORY"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"{path}: the secret cannot be read as text: {error}") from error
    if path.suffix == ".json" and text.strip():
        return text.strip()
    text = text.rstrip("\r\n")
    if len(text) < MIN_LENGTH:
        raise SystemExit(f"{path}: the secret is empty or shorter than {MIN_LENGTH} characters.")
    if text.lower().startswith(PLACEHOLDERS):
        raise SystemExit(f"{path}: the secret is a placeholder. Replace it with a random one.")
    return text


def address(template: str, password: str) -> str:
    """Return `scheme://user@rest` with the password inserted; the user may be empty."""
    scheme, _, rest = template.partition("://")
    user, at, rest = rest.partition("@")
    if not at:
        raise SystemExit(f"{template}: expected scheme://user@rest.")
    return f"{scheme}://{user}:{quote(password, safe='')}@{rest}"


def start(directory: Path, command: list[str]) -> None:
    """Execute the command in place of this process if every secret of the directory is accepted."""
    files = sorted(path for path in directory.glob("*") if not path.name.startswith("."))
    if not files:
        raise SystemExit(f"{directory}: no secrets are mounted here.")
    for path in files:
        read(path)
    executor = os.environ.get("AIRFLOW__CORE__EXECUTOR", "")
    if command[:3] == ["airflow", "celery", "worker"] and executor != "CeleryExecutor":
        raise SystemExit(
            f"A worker would receive no task: WAREHOUSE_EXECUTOR is {executor!r}, not CeleryExecutor."
        )
    os.execvp(command[0], command)  # noqa: S606


def make(directory: Path, names: list[str]) -> None:
    """Write the missing ones of these secrets, by default of all.

    They are readable in a container, in a directory that only its owner can enter.
    """
    if unknown := sorted(set(names) - set(GENERATORS)):
        raise SystemExit(f"{', '.join(unknown)}: no such secret. Known are {', '.join(GENERATORS)}.")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)  # also one that exists: the containers' users can read the files
    for name in names or GENERATORS:
        path = directory / name
        if path.exists():
            print(f"{path}: exists, not changed")
            continue
        path.touch(mode=0o600)
        path.write_text(GENERATORS[name](), encoding="utf-8")
        path.chmod(0o444)
        print(f"{path}: created")


def main(arguments: list[str]) -> None:
    """Run the command of the first argument."""
    match arguments:
        case ["make", directory, *names]:
            make(Path(directory), names)
        case ["start", directory, _, *_]:
            start(Path(directory), arguments[2:])
        case ["read", file]:
            sys.stdout.write(read(Path(file)))
        case ["url", template, file]:
            sys.stdout.write(address(template, read(Path(file))))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
