"""Masking of credentials in addresses and error texts, before they are logged, raised or stored."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # in camel case
_SECRET_NAME = re.compile(
    r"""
    (?:key|token|secret|password|passwd|pwd|signature|credential)s?$         # also run together: apikey
    | (?:^|[^a-z0-9])(?:o?auth|authorization|bearer|jwt|pass|passphrase|pw|sas|sig|sign)$  # whole words only
    | access[^a-z0-9]?key[^a-z0-9]?id$                                       # AWSAccessKeyId
    """,
    re.IGNORECASE | re.VERBOSE,
)


def without_secrets(address: str) -> str:
    """Return an address with its user and password, and the values of secret parameters, masked."""
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if "@" not in parts.netloc and not any(_is_secret(name) for name, _ in pairs):
        return address
    query = "&".join(f"{quote(name)}={'***' if _is_secret(name) else quote(value)}" for name, value in pairs)
    netloc = "***@" + parts.netloc.rpartition("@")[2] if "@" in parts.netloc else parts.netloc
    return urlunsplit(parts._replace(netloc=netloc, query=query))


def root_cause(error: Exception) -> str:
    """Return type and text of the innermost error of requests or urllib3, without the addresses in it."""
    while causes := [e for e in (getattr(error, "reason", None), *error.args) if isinstance(e, Exception)]:
        error = causes[0]
    text = re.sub(r"^\w+\(host=[^)]*\): ", "", str(error))  # urllib3 begins with the connection's class
    text = re.sub(r"//[^\s/@]+@", "//***@", re.sub(r"\?[^\s'\")]*", "?***", text))
    return f"{type(error).__name__}: {text}"


def _is_secret(name: str) -> bool:
    """Return whether the value of a query parameter of this name is a credential."""
    return _SECRET_NAME.search(_WORD_BOUNDARY.sub("_", name)) is not None
