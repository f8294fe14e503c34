"""Check by its first and last bytes that an answer is of the requested kind.

The check finds notices in HTML, empty files and files of another kind. Whether an archive or a workbook is
complete is checked by the source's reader.
"""

from __future__ import annotations

import re
from pathlib import Path

_START = rb"(?:\xef\xbb\xbf)?\s*"
_TEXT = rb"(?!" + _START + rb"<)[^\x00]+\Z"
_MARKUP = re.compile(_START + rb"<")
# Of each kind: what its first 4 KiB match, and the fault if they do not. Sources: APPNOTE.TXT 4.3.7 of PKWARE
# (zip, xlsx); 7zFormat.txt of the LZMA SDK (7z); `help dta` of Stata (dta: formats 113 to 115 begin with the
# format, the byte order and the kind of file; 117 and later with tags).
KINDS = {
    "csv": (_TEXT, "it contains null bytes, which text does not"),
    "csv or zip": (rb"PK\x03\x04|" + _TEXT, "it is neither text nor a zip archive"),
    "dta": (rb"[\x71-\x73][\x01\x02]\x01.{107}|<stata_dta><header><release>", "it has no header of dta"),
    "html": (_START + rb"(?=<).*<(?i:html|!doctype html)", "it does not begin as HTML"),
    "json": (_START + rb"[{\[]", "it begins with neither { nor ["),
    "xlsx": (rb"PK\x03\x04", "it has no header of xlsx"),
    "zip": (rb"PK\x03\x04", "it has no header of zip"),
    "7z": (rb"7z\xbc\xaf\x27\x1c", "it has no header of 7z"),
}


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
    return _MARKUP.match(data) is not None


def _fault(kind: str, head: bytes, tail: bytes) -> str:
    if kind not in KINDS:
        return f"no such kind is known (known are {', '.join(KINDS)})"
    if not head:
        return "it is empty"
    pattern, fault = KINDS[kind]
    match = re.match(pattern, head, re.DOTALL)
    if match is None:
        return "it is HTML or XML" if is_markup(head) and kind != "html" else fault
    if kind == "json" and not tail.rstrip().endswith(b"}" if match[0].endswith(b"{") else b"]"):
        return "it is cut off before its end"
    return ""
