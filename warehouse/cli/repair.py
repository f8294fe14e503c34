"""Commands that repair the state of the published releases: repair latest."""

from __future__ import annotations

import typer

from warehouse.cli.options import AsJson
from warehouse.cli.render import print_json, print_line, print_warning

app = typer.Typer(help="Repair the link to the current release.", no_args_is_help=True)


@app.callback()
def repair() -> None:
    """Repair the link to the current release."""


@app.command()
def latest(as_json: AsJson = False) -> None:
    """Point `latest` at the newest intact release, after the link or its release was lost or damaged.

    Every checksum of the release is verified first. Releases that were rolled back, and those published
    beside the current release (`--as-of`), are not chosen. The history records it. Exits with 1, and changes
    nothing, when `latest` points at an intact release or when there is none to point at.
    """
    from warehouse.config import load_settings
    from warehouse.releases.repair import repair_latest

    settings = load_settings()
    entry, problem, skipped = repair_latest(settings.published, settings.operator)
    for one in skipped:
        print_warning(f"passed over release {one}")
    if as_json:
        contents = {"problem": problem, "skipped": list(skipped)}
        print_json(entry.model_dump(mode="json", by_alias=True) | contents)
        return
    print_line(f"found: {problem}")
    print_line(f"latest is now {entry.release}, the newest intact release; recorded for {entry.actor}")
