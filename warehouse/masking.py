"""Addresses without the credentials in them, for records, messages and logs."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # in camel case
_SECRET_NAME = re.compile(
    r"""
    (?:key|token|secret|password|passwd|pwd|signature|credential)s?$         # also run together: apikey
    | (?:^|[^a-z0-9])(?:o?auth|authorization|bearer|jwt|pass|passphrase|pw|sas|sig|sign)$  # whole words only
    | ^user[^a-z0-9]?id$                                                     # the BEA's key
    | access[^a-z0-9]?key[^a-z0-9]?id$                                       # AWSAccessKeyId
    """,
    re.IGNORECASE | re.VERBOSE,
)


def without_secrets(address: str) -> str:
    """Return an address with its user and password, and the values of secret parameters, masked."""
    parts = urlsplit(address)
    pairs = [
        (name, value, _SECRET_NAME.search(_WORD_BOUNDARY.sub("_", name)) is not None)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    _user, at, host = parts.netloc.rpartition("@")
    if not at and not any(is_secret for _, _, is_secret in pairs):
        return address
    query = "&".join(f"{quote(name)}={'***' if secret else quote(value)}" for name, value, secret in pairs)
    return urlunsplit(parts._replace(netloc=f"***@{host}" if at else host, query=query))
