"""Check by its first and last bytes that an answer is of the requested kind.

The check finds notices in HTML, empty files and files of another kind. Whether an archive or a workbook is
complete is checked by the source's reader.
"""

from __future__ import annotations

from pathlib import Path

# Signatures: APPNOTE.TXT 4.3.7 of PKWARE (zip, xlsx), 7zFormat.txt of the LZMA SDK (7z).
SIGNATURES = {"zip": b"PK\x03\x04", "xlsx": b"PK\x03\x04", "7z": b"7z\xbc\xaf\x27\x1c"}
KINDS = ("csv", "dta", "html", "json", *SIGNATURES)


def content_fault(kind: str, path: Path) -> str:
    """Return why a file is not of a kind of `KINDS`, with its first characters; empty if it is."""
    with path.open("rb") as file:
        head = file.read(4096)
        file.seek(max(0, path.stat().st_size - 1024))
        tail = file.read()
    fault = _fault(kind, head, tail)
    return f"{fault}; it begins {excerpt(head)!r}" if fault else ""


def excerpt(data: bytes) -> str:
    """Return the first 80 printable characters of `data`, as UTF-8."""
    text = " ".join(data[:1024].decode("utf-8", errors="replace").split())
    return "".join(character for character in text if character.isprintable() and character != "\ufffd")[:80]


def is_markup(data: bytes) -> bool:
    """Return whether `data` begins like HTML or XML."""
    return _stripped(data).startswith(b"<")


def _stripped(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf").strip()


def _fault(kind: str, head: bytes, tail: bytes) -> str:
    if kind not in KINDS:
        return f"no such kind is known (known are {', '.join(KINDS)})"
    if not head:
        return "it is empty"
    if kind == "html":
        is_html = is_markup(head) and any(tag in head.lower() for tag in (b"<html", b"<!doctype html"))
        return "" if is_html else "it does not begin as HTML"
    if kind == "dta" and _is_stata(head):
        return ""
    if is_markup(head):
        return "it is HTML or XML"
    if kind == "csv":
        return "it contains null bytes, which text does not" if b"\x00" in head else ""
    if kind == "json":
        closing = {b"{": b"}", b"[": b"]"}.get(_stripped(head)[:1])
        if closing is None:
            return "it begins with neither { nor ["
        return "" if _stripped(tail).endswith(closing) else "it is cut off before its end"
    return "" if head.startswith(SIGNATURES.get(kind, b"\x00")) else f"it has no header of {kind}"


def _is_stata(head: bytes) -> bool:
    """Return whether a file begins as Stata does: formats 113 to 115, or 117 and later (`help dta`)."""
    # The older formats begin with the format, the byte order (1 or 2) and the kind of file (1).
    is_older = len(head) > 109 and head[0] in (113, 114, 115) and head[1] in (1, 2) and head[2] == 1
    return is_older or head.startswith(b"<stata_dta><header><release>")
