"""Commands that build and publish releases: build, publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import AsJson, AsOf, Force
from warehouse.cli.problems import require_home
from warehouse.cli.publish_to import warn_of_copies
from warehouse.cli.render import print_json, print_line, run_step

if TYPE_CHECKING:
    from warehouse.config import Settings


def build(as_of: AsOf = None, force: Force = False, as_json: AsJson = False) -> None:
    """Build and validate a release without publishing it, and print the id of the build."""
    from warehouse.build import steps
    from warehouse.config import load_settings

    settings = load_settings()
    require_home(settings)
    build_id = build_if_new(settings, as_of.date().isoformat() if as_of else None, force)
    if as_json:
        nothing = {"build": None, "database": None}
        print_json(steps.build_summary(settings, build_id) if build_id else nothing)
    elif build_id:
        print_line(f"built and validated: {build_id}\npublish it with: warehouse publish {build_id}")
    else:
        print_line(f"{steps.nothing_new_reason(settings)}. To build anyway: warehouse build --force")


def publish(
    build_id: Annotated[
        str | None,
        typer.Argument(
            metavar="BUILD", help="The id that `warehouse build` printed; a new build if none is given."
        ),
    ] = None,
    as_of: AsOf = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Publish a validated build as the newest release; without BUILD, build it first."""
    from warehouse.config import load_settings

    if build_id is not None and (as_of or force):
        raise typer.BadParameter(
            "--as-of and --force are for a new build; leave them out, or leave out BUILD"
        )
    settings = load_settings()
    require_home(settings)
    if build_id is None:
        build_id = build_if_new(settings, as_of.date().isoformat() if as_of else None, force)
    publish_and_print(settings, build_id, as_json)


def build_if_new(settings: Settings, as_of: str | None = None, force: bool = False) -> str | None:
    """Load, transform and validate a build; return its id, or None when nothing has changed."""
    from warehouse.build import steps

    build_id = run_step("load", lambda: steps.load(settings, as_of, force))
    if build_id is None:
        return None
    run_step("transform", lambda: steps.transform(settings, build_id))
    return run_step("validate", lambda: steps.validate(settings, build_id))


def publish_and_print(settings: Settings, build_id: str | None, as_json: bool) -> None:
    """Publish a build and print the release; None means that there was nothing new to build."""
    from warehouse import metrics
    from warehouse.build import steps

    release = run_step("publish", lambda: steps.publish(settings, build_id)) if build_id else None
    metrics.update(settings)
    if release is None and not as_json:
        print_line(steps.nothing_new_reason(settings))
    else:
        print_release(settings, release, as_json)


def print_release(settings: Settings, release: str | None, as_json: bool) -> None:
    """Print the name and the directory of a release, and whether readers are served it."""
    from warehouse.releases.history import read_history, withdrawn
    from warehouse.releases.store import latest_name

    latest = latest_name(settings.published)
    if as_json:
        print_json({"release": release, "latest": latest})
    else:
        print_line(f"published: {release}\n{settings.published / str(release)}")
        if latest != release:
            print_line(f"readers are served {latest}, which stays current")
        if release in withdrawn(read_history(settings.published).records):
            print_line(f"it was rolled back. To serve it again: warehouse rollback {release} --why …")
    warn_of_copies(settings)
