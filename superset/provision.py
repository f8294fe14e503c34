"""Set up Superset's metadata: the schema, roles, users, and the bundle of the current release.

    provision.py start    migrate the metadata, set roles and users, import the bundle
    provision.py import   import the bundle again

Reads `SUPERSET_RELEASE`, the path of `published/latest`, and the passwords from the files in
`SUPERSET_SECRETS`. Runs in Superset's environment. Doing it again changes nothing, except that dashboards and
datasets of the bundle become as the bundle says; those that users made are kept.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bundle
from drawing import identity
from secret import read

DATABASE = "warehouse.duckdb"
READER, ANALYST = "Reader", "Analyst"
USERS = {"admin": "Admin", "analyst": ANALYST, "reader": READER}
# Of the role Gamma, what a person needs who looks at dashboards, filters them and downloads what they show.
READS = {
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_read", "Dataset"),
    ("can_read", "CurrentUserRestApi"),
    ("can_get", "MenuApi"),
    ("can_get", "OpenApi"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_write", "DashboardPermalinkRestApi"),
    ("can_read", "SecurityRestApi"),
    ("can_dashboard", "Superset"),
    ("can_log", "Superset"),
    ("can_dashboard_permalink", "Superset"),
    ("can_recent_activity", "Log"),
    ("can_read", "AvailableDomains"),
    ("can_read", "Theme"),
    ("can_view_chart_as_table", "Dashboard"),
    ("can_csv", "Superset"),
    ("can_userinfo", "UserDBModelView"),
    ("resetmypassword", "UserDBModelView"),
    ("menu_access", "Dashboards"),
    ("menu_access", "Home"),
}


def release_database() -> tuple[Path, Path]:
    """Return the database of the current release, and its path by way of `latest`."""
    latest = Path(os.environ["SUPERSET_RELEASE"]).absolute()
    if not (latest / DATABASE).is_file():
        raise SystemExit(f"{latest}: there is no release. Make one: make run")
    return latest.resolve() / DATABASE, latest / DATABASE


def set_roles() -> None:
    """Give the roles exactly their permissions; both may read the release."""
    from superset.extensions import db, security_manager
    from superset.models.core import Database

    release = db.session.query(Database).filter_by(uuid=identity("database", "release")).one()
    data = security_manager.add_permission_view_menu("database_access", release.perm)
    granted = {name: list(security_manager.find_role(name).permissions) for name in ("Gamma", "sql_lab")}
    reads = [one for one in granted["Gamma"] if (one.permission.name, one.view_menu.name) in READS]
    for name, permissions in ((READER, reads), (ANALYST, granted["Gamma"] + granted["sql_lab"])):
        role = security_manager.add_role(name)
        role.permissions = list({one.id: one for one in (*permissions, data)}.values())
    db.session.commit()


def set_users(secrets: Path) -> None:
    """Create the users, or set their passwords to those of the files and their roles to those above."""
    from superset.extensions import db, security_manager
    from werkzeug.security import check_password_hash

    for name, role_name in USERS.items():
        password = read(secrets / f"superset_{name}_password")
        role = security_manager.find_role(role_name)
        user = security_manager.find_user(username=name)
        if user is None:
            email = f"{name}@services-trade-warehouse.invalid"
            if not security_manager.add_user(name, name, "-", email, role, password):
                raise SystemExit(f"The user {name} could not be created.")
            continue
        user.roles = [role]
        if not check_password_hash(user.password, password):
            security_manager.reset_password(user.id, password)
    db.session.commit()


def import_bundle() -> None:
    """Replace the database, datasets, charts and dashboards of the bundle by those of the current release."""
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.extensions import security_manager
    from superset.utils.core import override_user

    with override_user(security_manager.find_user("admin")):
        ImportAssetsCommand(bundle.build(*release_database())).run()


def migrate() -> None:
    """Bring the tables of the metadata and the permissions to this version of Superset."""
    from flask_migrate import upgrade
    from superset.extensions import appbuilder, security_manager

    upgrade()
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()


def main(arguments: list[str]) -> None:
    """Run the command of the first argument."""
    if arguments not in (["start"], ["import"]):
        raise SystemExit(__doc__)
    release_database()
    from superset.app import create_app
    from superset.extensions import security_manager

    with create_app().app_context():
        if arguments == ["import"]:
            import_bundle()
            return
        migrate()
        for role in (READER, ANALYST):
            security_manager.add_role(role)
        set_users(Path(os.environ["SUPERSET_SECRETS"]))
        import_bundle()
        set_roles()


if __name__ == "__main__":
    main(sys.argv[1:])
