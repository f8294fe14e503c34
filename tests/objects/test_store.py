"""The objects of a bucket: conditional puts, uploads in parts, and errors without a secret."""

from __future__ import annotations

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from moto_server import SECRET, content, keys

from warehouse.errors import WarehouseError
from warehouse.objects import store as objects
from warehouse.objects.address import parse_address
from warehouse.objects.latest import Pointer, read_latest, switch_latest
from warehouse.objects.store import open_store, put_if, put_new, read_object, stored

pytest_plugins = ("buckets",)


def pointer(number: int) -> Pointer:
    return Pointer(
        release=f"release-{number}",
        previous=None,
        manifest_sha256="0" * 64,
        state=f"{number}",
        pushed_at=datetime.now(UTC),
        operator=f"operator-{number}",
    )


@pytest.mark.parametrize("is_first", [True, False])
def test_of_eight_switches_at_once_one_wins_and_the_others_name_it(bucket: str, is_first: bool) -> None:
    store = open_store(bucket)
    if not is_first:
        switch_latest(store, None, pointer(9))
    base, barrier = read_latest(store), threading.Barrier(8)
    assert (base is None) == is_first

    def switch(number: int) -> str | None:
        own = open_store(bucket)
        barrier.wait()
        try:
            switch_latest(own, base, pointer(number))
        except WarehouseError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(switch, range(8)))
    winners = [number for number, end in enumerate(ends) if end is None]
    assert len(winners) == 1
    latest = read_latest(store)
    assert latest is not None and latest.pointer.release == f"release-{winners[0]}"
    for end in ends:
        assert end is None or f"release release-{winners[0]}, pushed by operator-{winners[0]}" in end


def test_object_is_uploaded_once_and_never_replaced(bucket: str, s3: Any) -> None:
    store, sha256 = open_store(bucket), hashlib.sha256(b"first").hexdigest()
    assert put_new(store, "records/x", io.BytesIO(b"first"), sha256)
    assert not put_new(store, "records/x", io.BytesIO(b"second"), hashlib.sha256(b"second").hexdigest())
    assert content(s3, bucket, "records/x") == b"first"
    assert stored(store, "records/x") == (sha256, 5)


def test_upload_in_parts_is_once_and_whole(bucket: str, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PART_BYTES", 5 << 20)  # the least that S3 allows
    store, body = open_store(bucket), bytes(range(256)) * (48 << 10)
    sha256 = hashlib.sha256(body).hexdigest()
    assert len(body) > 2 * objects.PART_BYTES
    assert put_new(store, "published/r/large", io.BytesIO(body), sha256)
    assert content(s3, bucket, "published/r/large") == body
    assert keys(s3, bucket)["published/r/large"].endswith('-3"')  # three parts
    assert stored(store, "published/r/large") == (sha256, len(body))
    assert not put_new(store, "published/r/large", io.BytesIO(body[::-1]), sha256)
    assert content(s3, bucket, "published/r/large") == body
    assert not s3.list_multipart_uploads(Bucket=store.bucket).get("Uploads")


def test_put_on_a_condition_replaces_only_what_was_read(bucket: str) -> None:
    store = open_store(bucket)
    assert put_if(store, "published/latest", b"1", None)
    found = read_object(store, "published/latest")
    assert found is not None and found[0] == b"1"
    assert not put_if(store, "published/latest", b"2", None)
    assert put_if(store, "published/latest", b"2", found[1])
    assert not put_if(store, "published/latest", b"3", found[1])
    # A put whose answer was lost is repeated by the client, and meets its own object.
    assert put_if(store, "published/latest", b"2", found[1])
    assert not put_if(store, "published/other", b"2", found[1])


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://figures", "figures", ""),
        ("s3://figures/", "figures", ""),
        ("s3://figures/a/b-c_d.e/", "figures", "a/b-c_d.e"),
    ],
)
def test_address_has_bucket_and_prefix(text: str, bucket: str, prefix: str) -> None:
    address = parse_address(text)
    assert address == (bucket, prefix) and str(address) == f"s3://{bucket}/{prefix}".rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        *("", "figures", "https://figures", "s3://", "s3://ab", "s3://figures//a", "s3://figures/../a"),
        *("s3://key:secret@figures/a", "s3://figures/a b", "s3://Figures"),
    ],
)
def test_other_address_is_rejected_and_not_shown(text: str) -> None:
    with pytest.raises(WarehouseError, match="must be s3://bucket") as raised:
        parse_address(text)
    assert "secret@" not in str(raised.value)


def test_errors_name_the_object_and_no_secret(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        WarehouseError, match=r"s3://no-such-bucket/a/published/latest: .*NoSuchBucket"
    ) as raised:
        read_latest(open_store("s3://no-such-bucket/a"))
    assert SECRET not in str(raised.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:1/{SECRET}")
    monkeypatch.setattr(
        objects, "CONFIG", objects.CONFIG.merge(objects.Config(retries={"total_max_attempts": 1}))
    )
    store = open_store(bucket)
    with pytest.raises(WarehouseError, match="Could not connect") as raised:
        read_latest(store)
    assert SECRET not in str(raised.value) + repr(store) and "***" in str(raised.value)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(WarehouseError, match="no credentials"):
        open_store(bucket)
