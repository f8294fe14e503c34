"""First step of the stack: migrate Airflow's metadata, create pools, create the admin or set its password.

    init.py PASSWORD_FILE

Exits with a message when it may not write to `WAREHOUSE_HOME`, and when the metadata have to be migrated
while other services of Airflow are running: these would read tables that change under them.

Reads `WAREHOUSE_ADMIN_USER` and `WAREHOUSE_ADMIN_EMAIL`. The admin is a FAB user with the role Admin, whose
password is always the content of the file; it appears in no argument list. Running this again changes nothing
else. Exits with a message if a variable is unset, if `secret.py` rejects the password, or if another user has
the address.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from secret import read

HEARTBEAT_SECONDS = 60  # a service whose last heartbeat is older has ended


def set_admin(name: str, email: str, password: str) -> str:
    """Create the admin, or set its password when it differs; return what was done."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded
    from werkzeug.security import check_password_hash

    @providers_configuration_loaded
    def settle() -> str:
        with get_application_builder() as builder:
            manager = builder.sm
            user = manager.find_user(username=name)
            if user is None:
                if not manager.add_user(name, name, "-", email, manager.find_role("Admin"), password):
                    raise SystemExit(f"{name} could not be created. Is {email} the address of another user?")
                return "created"
            if check_password_hash(user.password, password):
                return "not changed"
            if not manager.reset_password(user.id, password):
                raise SystemExit(f"The password of {name} could not be set.")
            return "password set"

    return settle()


def require_writable(directory: Path) -> None:
    """Exit with a message when this process may not write to a directory."""
    if not os.access(directory, os.W_OK | os.X_OK):
        user = f"{os.getuid()}:{os.getgid()}"
        raise SystemExit(
            f"{directory} does not exist or is not writable for {user}. On the host: sudo install -d "
            f"-o {os.getuid()} -g {os.getgid()} DIRECTORY, for the directories WAREHOUSE_DATA and "
            "WAREHOUSE_BACKUPS of .env"
        )


def require_stopped() -> None:
    """Exit with a message when a migration is due and a service of Airflow is running."""
    from airflow.settings import get_engine
    from airflow.utils.db import check_migrations
    from sqlalchemy import inspect, text

    running = "select distinct job_type from job where state = 'running' and latest_heartbeat > :since"
    since = datetime.now(UTC) - timedelta(seconds=HEARTBEAT_SECONDS)
    with get_engine().connect() as connection:
        if not inspect(connection).has_table("job"):
            return
        jobs = sorted(name for (name,) in connection.execute(text(running), {"since": since}))
    if not jobs:
        return
    try:
        check_migrations(0)
    except TimeoutError:
        raise SystemExit(
            f"The metadata must be migrated, and these are running: {', '.join(jobs)}. Stop them: "
            "docker compose stop api-server scheduler dag-processor triggerer celery-worker"
        ) from None


def set_pools() -> list[str]:
    """Create the pools that the DAGs use; return their names."""
    sys.path.append(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    from pools import create_pools

    return create_pools()


def main(arguments: list[str]) -> None:
    """Migrate, create the pools, set the admin."""
    name, email = (os.environ.get(f"WAREHOUSE_ADMIN_{what}", "") for what in ("USER", "EMAIL"))
    if len(arguments) != 1 or not name or not email:
        raise SystemExit(__doc__)
    password = read(Path(arguments[0]))
    require_writable(Path(os.environ["WAREHOUSE_HOME"]))
    require_stopped()
    subprocess.run(["airflow", "db", "migrate"], check=True)  # noqa: S607
    print(f"Pools: {', '.join(set_pools())}.")
    print(f"Admin {name}: {set_admin(name, email, password)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
