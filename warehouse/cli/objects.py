"""Commands on object storage: push, pull, latest, list, prune."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import AsCsv, AsJson
from warehouse.cli.render import format_time, print_csv, print_fields, print_json, print_line, print_table

if TYPE_CHECKING:
    from warehouse.config import Settings

app = typer.Typer(
    help="Copy the warehouse to a bucket of S3, and make a home from it on another machine.",
    no_args_is_help=True,
)
COLUMNS = ("release", "is_latest", "is_complete", "files", "size_bytes", "pushed_at")

BucketAddress = Annotated[
    str | None,
    typer.Argument(
        metavar="ADDRESS",
        help="s3://bucket/prefix; without it, WAREHOUSE_OBJECTS. Endpoint and credentials are in the AWS_* "
        "variables.",
        show_default=False,
    ),
]


@app.command()
def push(
    address: BucketAddress = None,
    over: Annotated[
        str | None,
        typer.Option(
            "--over",
            metavar="RELEASE",
            help="Replace this release, which `latest` of the bucket names and another home has pushed.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Upload what the bucket does not have yet, and switch its `latest` to the current release.

    Nothing that is in the bucket is changed or removed. Run it again after an interruption.
    """
    from warehouse.config import load_settings
    from warehouse.objects.push import push as push_home

    settings = load_settings()
    done = push_home(settings, address_of(settings, address), over)
    if as_json:
        counts = {"files": done.files, "uploaded": done.uploaded, "uploaded_bytes": done.uploaded_bytes}
        print_json(
            {"address": done.address, "is_switched": done.is_switched, **counts}
            | done.pointer.model_dump(mode="json")
        )
        return
    what = "`latest` is switched" if done.is_switched else "`latest` had all of it"
    print_line(
        f"pushed release {done.pointer.release} to {done.address}: {done.uploaded} of {done.files} files "
        f"uploaded, {done.uploaded_bytes:,} bytes; {what}"
    )


@app.command()
def pull(address: BucketAddress = None, as_json: AsJson = False) -> None:
    """Make a home from the bucket, in an empty directory, and verify every checksum.

    Run it again if it was interrupted. Pause the machine that has pushed before this one fetches.
    """
    from warehouse.config import read_settings
    from warehouse.objects.pull import pull as pull_home

    settings = read_settings()
    done = pull_home(settings, address_of(settings, address))
    if as_json:
        counts = {"downloaded": done.downloaded, "linked": done.linked, "present": done.present}
        print_json({"home": str(settings.home), "address": done.address, "latest": done.release} | counts)
        return
    linked = f", and linked {done.linked} of the same content" if done.linked else ""
    present = f", {done.present} were there already" if done.present else ""
    print_line(f"pulled {done.downloaded} files to {settings.home}{linked}{present}; every checksum is right")
    print_line(f"current release: {done.release}")


@app.command()
def latest(address: BucketAddress = None, as_json: AsJson = False) -> None:
    """Show the release that `latest` of the bucket names, and who has pushed it."""
    from warehouse.config import load_settings
    from warehouse.objects.latest import require_latest
    from warehouse.objects.store import open_store

    store = open_store(address_of(load_settings(), address))
    pointer = require_latest(store).pointer
    directory = f"{store.address}/published/{pointer.release}"
    if as_json:
        print_json({"address": directory} | pointer.model_dump(mode="json"))
        return
    print_fields(
        {
            "release": pointer.release,
            "previous": pointer.previous or "none",
            "address": directory,
            "manifest": f"sha256 {pointer.manifest_sha256}",
            "state": pointer.state,
            "pushed": f"{format_time(pointer.pushed_at)} by {pointer.operator}",
        }
    )


@app.command("list")
def list_(address: BucketAddress = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the releases in the bucket; one whose upload has not ended is not complete."""
    from warehouse.config import load_settings
    from warehouse.objects.latest import list_releases
    from warehouse.objects.store import open_store

    found = list_releases(open_store(address_of(load_settings(), address)))
    rows = [one.model_dump(mode="json" if as_json else "python") for one in found]
    if as_csv:
        print_csv(rows, COLUMNS)
    elif as_json:
        print_json(rows)
    else:
        print_table([row | {"pushed_at": format_time(row["pushed_at"])} for row in rows], COLUMNS)


@app.command()
def prune(
    address: BucketAddress = None,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=0, help="Keep what was uploaded in the last N days.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Remove what the current state of the bucket does not name, such as releases that the home has removed.

    Run it when no push from another machine is going on.
    """
    from warehouse.config import load_settings
    from warehouse.objects.push import prune as prune_bucket

    settings = load_settings()
    removed = prune_bucket(settings, address_of(settings, address), days, datetime.now(UTC))
    if as_json:
        print_json({"removed": removed})
    else:
        print_line(f"removed {len(removed)} objects")


def address_of(settings: Settings, address: str | None) -> str:
    """Return the address that was given, or that of the setting."""
    if address is not None:
        return address
    if settings.objects is None:
        raise typer.BadParameter("name the bucket, or set WAREHOUSE_OBJECTS", param_hint="ADDRESS")
    return settings.objects.get_secret_value()
