"""Addresses of databases: what is accepted, and that no password is in what is shown."""

from __future__ import annotations

import pytest

from warehouse.errors import WarehouseError
from warehouse.publication.address import mask_text, masked, require_postgres


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://user@host:5432/db", "postgresql://user@host:5432/db"),
        ("postgresql://user:secret@host:5432/db", "postgresql://user@host:5432/db"),
        ("postgres://user:se%20cr:et@host/db?sslmode=require", "postgres://user@host/db?sslmode=require"),
        ("postgresql://user:p@ss/w?rd#@host/db", "postgresql://user@host/db"),
        ("postgresql://:secret@host/db", "postgresql://@host/db"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://host/db?user=me&password=***"),
        ("postgresql://host/db?sslpassword=secret&x=1", "postgresql://host/db?sslpassword=***&x=1"),
    ],
)
def test_password_is_masked(address: str, shown: str) -> None:
    assert masked(address) == shown


@pytest.mark.parametrize(
    "address", ["postgresql://user:se%20cret@host/db", "postgresql://host/db?password=se%20cret"]
)
def test_messages_have_no_password(address: str) -> None:
    text = mask_text(f'invalid "{address}": token "se%20cret" of user, password "se cret"', address)
    assert "se cret" not in text and "se%20cret" not in text
    assert "of user" in text


def test_message_without_password_is_unchanged() -> None:
    assert mask_text("the server said no", "postgresql://user@host/db") == "the server said no"


@pytest.mark.parametrize("address", ["mysql://u:secret@host/db", "host=h password=secret", ""])
def test_other_addresses_are_rejected_and_not_shown(address: str) -> None:
    with pytest.raises(WarehouseError, match="must begin with postgresql://") as raised:
        require_postgres(address)
    assert "secret" not in str(raised.value)
