"""Commands that copy a home: backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warehouse.cli.options import AsJson
from warehouse.cli.render import print_json, print_line, print_warning


def backup(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A new directory outside of the home."),
    ],
    as_json: AsJson = False,
) -> None:
    """Copy landing, releases, rejected loads and backfills to a directory, with their checksums.

    The nightly run may go on meanwhile. Exits with 1 when a file differs from its own manifest: the backup is
    complete, and names it.
    """
    from warehouse.backup import backup as make_backup
    from warehouse.config import load_settings

    record = make_backup(load_settings(), directory)
    if as_json:
        files, size = len(record.files), record.size_bytes
        print_json(
            {"directory": str(directory.resolve()), "files": files, "size_bytes": size}
            | record.model_dump(mode="json", include={"made_at", "latest", "damaged"})
        )
    else:
        print_line(
            f"backed up {len(record.files)} files, {record.size_bytes:,} bytes, to {directory.resolve()}; "
            f"current release: {record.latest or 'none'}"
        )
    for name in record.damaged:
        print_warning(f"damaged: {name}: missing or differs from its manifest; see: warehouse maintain")
    if record.damaged:
        raise typer.Exit(1)


def restore(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A directory that `warehouse backup` made.")
    ],
    allow_damaged: Annotated[
        bool,
        typer.Option("--allow-damaged", help="Go on without the files that are damaged in the backup."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a backup into an empty home and verify every checksum; run it again if it was interrupted."""
    from warehouse.backup import restore as restore_backup
    from warehouse.config import read_settings

    settings = read_settings()
    report = restore_backup(settings, directory, allow_damaged=allow_damaged)
    if as_json:
        counts = report.model_dump(mode="json", include={"copied", "present", "damaged"})
        before = {"damaged_before_backup": report.record.damaged}
        print_json({"home": str(settings.home), "latest": report.record.latest} | counts | before)
    else:
        present = f", {report.present} were there already" if report.present else ""
        is_right = not report.damaged and not report.record.damaged
        verified = "; every checksum is right" if is_right else ""
        print_line(f"restored {report.copied} files to {settings.home}{present}{verified}")
        latest = report.record.latest or "none"
        print_line(f"current release: {latest}; recompute every checksum with: warehouse maintain")
    for name in report.damaged:
        print_warning(f"damaged in the backup, not restored: {name}")
    for name in report.record.damaged:
        print_warning(f"damaged before the backup was made: {name}; see: warehouse maintain")
