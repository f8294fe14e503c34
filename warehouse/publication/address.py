"""The address of a database server, and the masking of its password."""

from __future__ import annotations

import re
from urllib.parse import unquote

from warehouse.errors import WarehouseError

SCHEMES = ("postgresql://", "postgres://")
# libpq's own parts: a user and password before the last `@`, and parameters after `?`.
_USER = re.compile(r"^(\w+://)(?:([^:@/?#]*)(?::(.*))?@)?", re.DOTALL)
_PARAMETER = re.compile(r"([?&](?:ssl)?password=)([^&#]*)", re.IGNORECASE)


def require_postgres(address: str) -> str:
    """Return the address; raise WarehouseError, which does not show it, unless it is one of PostgreSQL."""
    if not address.startswith(SCHEMES):
        raise WarehouseError(
            "the address of the database must begin with postgresql://, such as "
            "postgresql://user@host:5432/database. Give the password in ~/.pgpass or PGPASSWORD"
        )
    return address


def masked(address: str) -> str:
    """Return an address without its password."""
    without = _USER.sub(lambda m: f"{m[1]}{m[2]}@" if m[2] is not None else m[1], address, count=1)
    return _PARAMETER.sub(r"\1***", without)


def mask_text(text: str, address: str) -> str:
    """Return a message in which neither the address nor its passwords occur, as typed or decoded."""
    text = text.replace(address, masked(address))
    match = _USER.match(address)
    typed = [match[3] if match else None, *(value for _, value in _PARAMETER.findall(address))]
    secrets = {form for one in typed if one for form in (one, unquote(one))}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
