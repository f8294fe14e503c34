"""The stack's one-shot beginning: migrate the metadata, and see that the admin of the secret file exists.

    init.py PASSWORD_FILE

Keeps: metadata at this Airflow's revision; one FAB user `WAREHOUSE_ADMIN_USER` with role Admin, whose
password is what the file says, also after the file was changed. Running it again changes nothing else.

Refuses: an unset `WAREHOUSE_ADMIN_USER` or `WAREHOUSE_ADMIN_EMAIL`, a password that `secret.py` refuses, and
an address that belongs to another user. The password is on no command line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from secret import read


def admin(name: str, email: str, password: str) -> str:
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
                    raise SystemExit(f"{name} could not be created. Is {email} another user's address?")
                return "created"
            if check_password_hash(user.password, password):
                return "stands"
            if not manager.reset_password(user.id, password):
                raise SystemExit(f"The password of {name} could not be set.")
            return "has the new password"

    return settle()


def main(arguments: list[str]) -> None:
    """Migrate, then settle the admin."""
    name, email = (os.environ.get(f"WAREHOUSE_ADMIN_{what}", "") for what in ("USER", "EMAIL"))
    if len(arguments) != 1 or not name or not email:
        raise SystemExit(__doc__)
    password = read(Path(arguments[0]))
    subprocess.run(["airflow", "db", "migrate"], check=True)  # noqa: S607
    print(f"Admin {name} {admin(name, email, password)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
