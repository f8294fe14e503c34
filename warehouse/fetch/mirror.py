"""Answers from mirrors, and from the folder of curated figures.

A mirror is a directory or an HTTP base address that answers in place of the publishers. Its `index.json` is
`{"name": …, "answers": [{"address": …, "file": …}, …]}`; an entry may also state `retrieved_at`,
`content_type` and `sha256`. `warehouse/sample/` holds two.

The folder of curated figures answers `curated://` with the sorted names of its CSV files as a JSON array, and
`curated://<file>` with that file.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, ValidationError, model_validator

from warehouse.errors import NotConfigured, SourceError, WarehouseError
from warehouse.fetch.download import FILE_NAME, Download, copy_file, disk_errors
from warehouse.fetch.http import Client, Headers, receive, receive_if_changed
from warehouse.files import sha256_of
from warehouse.masking import without_secrets
from warehouse.model import MEBIBYTE, Fetched, Request, Source, first_request

PUBLISHER = "publisher"  # what `Fetched.via` states without a mirror
CURATED = "curated"  # the scheme of addresses in the folder of curated figures, and their `Fetched.via`
INDEX_MAX_BYTES = 16 * MEBIBYTE


def _inside_mirror(file: str) -> str:
    path = PurePosixPath(file)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in file:
        raise ValueError(f"{file!r} is not a path inside the mirror")
    return file


class Entry(BaseModel, frozen=True):
    """One answer that an index lists. `retrieved_at` is when its bytes left the publisher."""

    address: str
    file: Annotated[str, AfterValidator(_inside_mirror)]
    retrieved_at: Annotated[AwareDatetime | None, Field(strict=True)] = None
    content_type: str | None = None
    sha256: str | None = None


class Mirror(BaseModel, frozen=True):
    """The content of an `index.json`, and the directory or HTTP base address that it was read from."""

    name: str
    answers: tuple[Entry, ...]
    base: Path | str = ""

    @model_validator(mode="after")
    def _check(self) -> Mirror:
        if self.name in ("", PUBLISHER) or len({entry.address for entry in self.answers}) < len(self.answers):
            raise ValueError(f"it needs a name (not {PUBLISHER!r}), and each address only once")
        return self

    def entry(self, address: str) -> Entry | None:
        """Return the entry of an address, if the index lists it."""
        return next((entry for entry in self.answers if entry.address == address), None)


def open_mirror(client: Client, source: str, mirror: str, into: Path) -> Mirror:
    """Read the index of a mirror; raise WarehouseError when it cannot be used."""
    base: Path | str
    if urlsplit(mirror).scheme in ("http", "https"):
        base, part = mirror.rstrip("/"), into / ".index.json.part"
        request = Request("index.json", f"{base}/index.json", "json", max_bytes=INDEX_MAX_BYTES)
        receive(client, Download(source, request, part))
        text = part.read_bytes()
        part.unlink()
    elif ((base := Path(mirror).resolve()) / "index.json").is_file():
        text = (base / "index.json").read_bytes()
    else:
        if "://" in mirror:  # not resolved: as a path, its password would not be found and masked
            raise _bad_index(mirror, "its scheme is neither http nor https")
        what = "holds no index.json" if base.is_dir() else "does not exist"
        raise _bad_index(mirror, f"the directory {base} {what}")
    try:
        return Mirror.model_validate_json(text).model_copy(update={"base": base})
    except ValidationError as error:
        first = error.errors()[0]
        raise _bad_index(mirror, " ".join((*map(str, first["loc"]), first["msg"]))) from None


def not_recorded(source: Source, mirror: Mirror, error: SourceError) -> NotConfigured:
    """Return the error of a source none of whose requests a mirror lists; `error` is that of the first."""
    return NotConfigured(
        source.name,
        f"the mirror {mirror.name} has no recording of it",
        address=error.address or without_secrets(first_request(source.plan()).address),
        remedy="Add its answers to the mirror, or unset WAREHOUSE_MIRROR to ask the publisher",
    )


def copy_mirrored(
    client: Client,
    mirror: Mirror,
    entry: Entry | None,
    download: Download,
    last: tuple[Fetched, Path] | None,
) -> Headers:
    """Write the answer that a mirror lists to its `.part` file, and verify the checksum of the index."""
    if entry is None:
        raise SourceError(
            download.source,
            f"the mirror {mirror.name} holds no answer for {without_secrets(download.request.address)}",
            remedy="Add the file and an entry with this address to its index.json, or unset WAREHOUSE_MIRROR "
            "to ask the publisher",
        )
    headers: Headers = {}
    if isinstance(mirror.base, str):
        url = f"{mirror.base}/{quote(PurePosixPath(entry.file).as_posix())}"
        plain = Request(entry.file, url, download.request.kind, max_bytes=download.request.max_bytes)
        headers = receive_if_changed(client, replace(download, request=plain), last)
    elif (path := (mirror.base / entry.file).resolve()).is_relative_to(mirror.base):
        copy_file(download, path)
    else:  # by a symbolic link
        raise _bad_index(mirror.name, f"the file {entry.file!r} leads out of the mirror")
    if entry.sha256 and entry.sha256.lower() != (sha256 := sha256_of(download.part)):
        raise download.error(
            f"the file of the mirror {mirror.name} has the SHA-256 {sha256}, its index states {entry.sha256}",
            "Copy that file to the mirror again",
            file=entry.file,
        )
    return {**headers, "Content-Type": headers.get("Content-Type") or entry.content_type}


def copy_curated(download: Download, folder: Path) -> Headers:
    """Write the answer to a `curated://` address to its `.part` file."""
    name = download.request.url.removeprefix(f"{CURATED}://")
    has_file = not name or (FILE_NAME.fullmatch(name) and (folder / name).is_file())
    if not folder.is_dir() or not has_file:
        fault = f"has no such file as {name!r}" if folder.is_dir() else "does not exist"
        raise download.error(
            f"the folder of curated figures {folder} {fault}",
            "Set WAREHOUSE_CURATED to the folder that holds the CSV files, or unset it",
        )
    if name:
        copy_file(download, folder / name)
    else:
        names = sorted(path.name for path in folder.glob("*.csv") if not path.name.startswith("."))
        with disk_errors(download.part):
            download.part.write_text(json.dumps(names, ensure_ascii=False) + "\n", encoding="utf-8")
        download.progress(download.part.stat().st_size)
    return {}


def _bad_index(mirror: str, reason: str) -> WarehouseError:
    return WarehouseError(
        f"the index.json of the mirror {without_secrets(mirror)} can't be read: {reason}. "
        'Write it as {"name": …, "answers": [{"address": …, "file": …}, …]}, set WAREHOUSE_MIRROR to another '
        "directory or HTTP base address, or unset it to ask the publishers"
    )
