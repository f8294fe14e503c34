"""Credentials in an address are masked by the names of its parameters; ordinary ones are not."""

from __future__ import annotations

import json

import pytest

from warehouse.config import SAMPLE_DIR
from warehouse.masking import without_secrets

SECRET_NAMES = (
    *("key", "api_key", "apikey", "api-key", "ApiKey", "access_key", "subscription-key", "keys"),
    *("token", "access_token", "accessToken", "X-Amz-Security-Token", "secret", "clientSecret"),
    *("password", "passwd", "pwd", "pw", "user_pw", "pass", "userPass", "passphrase"),
    *("signature", "X-Amz-Signature", "sig", "SIG", "urlSig", "sign", "credential", "X-Amz-Credential"),
    *("AWSAccessKeyId", "awsaccesskeyid", "aws_access_key_id", "UserID", "userid"),
    *("auth", "oauth", "x-auth", "basicAuth", "authorization", "Authorization", "bearer", "jwt", "sas"),
)
ORDINARY_NAMES = (
    *("author", "authority", "authors", "design", "signal", "assigned", "keyword", "keywords", "keyid"),
    *("passenger", "passengers", "bypass", "compass", "passage", "sasanian", "bearers_of", "tokens_from"),
    *("secretariat", "sigma", "pwc", "format", "period", "signed", "authored", "page", "s"),
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_value_of_a_secret_parameter_is_masked(name: str) -> None:
    address = f"https://publisher.example/t?format=csv&{name}=hush&page=2"
    assert without_secrets(address) == f"https://publisher.example/t?format=csv&{name}=***&page=2"


@pytest.mark.parametrize("name", ORDINARY_NAMES)
def test_value_of_an_ordinary_parameter_is_not_masked(name: str) -> None:
    address = f"https://publisher.example/t?format=csv&{name}=shown&page=2"
    assert without_secrets(address) == address
    assert f"{name}=shown" in without_secrets(address + "&sig=hush")


def test_no_recorded_address_has_a_secret_parameter() -> None:
    addresses = [
        entry["address"]
        for path in sorted(SAMPLE_DIR.glob("*/index.json"))
        for entry in json.loads(path.read_text(encoding="utf-8"))["answers"]
    ]
    assert len(addresses) > 50
    assert [without_secrets(address) for address in addresses] == addresses
