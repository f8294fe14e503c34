"""Secrets by file, for the stack: make them, refuse a stack without them, hand one to Airflow.

    secret.py make DIRECTORY              write every secret that is missing there, at random
    secret.py start DIRECTORY COMMAND...  check every file of the directory, then become the command
    secret.py read FILE                   print one
    secret.py url SCHEME://USER@REST FILE print an address with the password put in, percent-encoded

Keeps: the standard library alone, so that `make` runs on a host without anything of ours. What `read` and
`url` print goes to Airflow through its `*_CMD` options, and so to no environment, argument list or log.

Refuses: a secret that is no file, is empty, or is shorter than twelve characters; an empty directory; a file
that says "change me". It never overwrites a secret, for the metadata could not be read with another key.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import quote

SHORTEST = 12
PLACEHOLDERS = ("changeme", "change-me", "change_me", "change me")


def fernet_key() -> str:
    """Return a key as Fernet wants it: 32 random bytes, URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


# Airflow's connections (SMTP, webhooks) lie in a JSON file of its own format; none is a valid beginning.
MADE = {
    "admin_password": secrets.token_urlsafe,
    "api_secret_key": secrets.token_urlsafe,
    "connections.json": lambda: "{}\n",
    "fernet_key": fernet_key,
    "jwt_secret": lambda: secrets.token_urlsafe(64),
    "postgres_password": secrets.token_urlsafe,
    "redis_password": secrets.token_urlsafe,
}


def read(path: Path) -> str:
    """Return the secret of one file; end with a message when there is none."""
    if not path.is_file():
        raise SystemExit(f"{path}: there is no such secret. Make it: python3 docker/secret.py make DIRECTORY")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"{path}: the secret cannot be read as text: {error}") from error
    if path.suffix == ".json" and text.strip():
        return text.strip()
    text = text.rstrip("\r\n")
    if len(text) < SHORTEST:
        raise SystemExit(f"{path}: the secret is empty or shorter than {SHORTEST} characters.")
    if text.lower().startswith(PLACEHOLDERS):
        raise SystemExit(f"{path}: the secret is a placeholder. Put a random one in its place.")
    return text


def address(template: str, password: str) -> str:
    """Return `scheme://user@rest` with the password put in; the user may be empty."""
    scheme, _, rest = template.partition("://")
    user, at, rest = rest.partition("@")
    if not at:
        raise SystemExit(f"{template}: it should read scheme://user@rest.")
    return f"{scheme}://{user}:{quote(password, safe='')}@{rest}"


def start(directory: Path, command: list[str]) -> None:
    """Become the command, when every secret of the directory is one."""
    files = sorted(path for path in directory.glob("*") if not path.name.startswith("."))
    if not files:
        raise SystemExit(f"{directory}: no secrets are mounted here.")
    for path in files:
        read(path)
    executor = os.environ.get("AIRFLOW__CORE__EXECUTOR", "")
    if command[:3] == ["airflow", "celery", "worker"] and executor != "CeleryExecutor":
        raise SystemExit(
            f"A worker would wait in vain: WAREHOUSE_EXECUTOR is {executor!r}, not CeleryExecutor."
        )
    os.execvp(command[0], command)  # noqa: S606


def make(directory: Path) -> None:
    """Write every missing secret: readable in a container, in a directory that only its owner enters."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, random in MADE.items():
        path = directory / name
        if path.exists():
            print(f"{path}: stands, not touched")
            continue
        path.write_text(random(), encoding="utf-8")
        path.chmod(0o444)
        print(f"{path}: made")


def main(arguments: list[str]) -> None:
    """Do what the first argument says."""
    match arguments:
        case ["make", directory]:
            make(Path(directory))
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
