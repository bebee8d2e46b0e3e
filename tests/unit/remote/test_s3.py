"""What is asked of an S3-compatible server, and what its refusals are called."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deltaroi.errors import DataError
from deltaroi.remote import RemoteFile, Route, list_objects, local, open_stream, peek, remote_file, s3
from remote_servers import KEY, Proxy, Trouble, before_store, s3_store

CONTENT = bytes(range(256)) * 1000
PATIENT = Route(attempts=4, timeout_s=5)


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[int, Any]]:
    with s3_store() as (port, client):
        client.create_bucket(Bucket="bucket", ACL="public-read")
        for key, body in (("ds/sub-01/func/a b+c.nii.gz", CONTENT), ("ds/participants.tsv", b"participant_id\n"),
                          ("ds/empty.nii.gz", b""), ("ds2/other.tsv", b"x")):
            client.put_object(Bucket="bucket", Key=key, Body=body, ACL="public-read")
        yield port, client


@pytest.fixture
def proxy(store: tuple[int, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with before_store(store[0], tmp_path, monkeypatch) as served:
        yield served


def an_object(key: str = "ds/sub-01/func/a b+c.nii.gz", route: Route = PATIENT) -> RemoteFile:
    return remote_file(f"s3://bucket/{key}", route=route)


def test_a_prefix_is_listed_as_a_dataset(proxy: Proxy) -> None:
    found = list_objects("s3://bucket/ds/", PATIENT)
    assert list(found.files) == ["empty.nii.gz", "participants.tsv", "sub-01/func/a b+c.nii.gz"]
    image = found.files["sub-01/func/a b+c.nii.gz"]
    assert isinstance(image, RemoteFile)
    assert (image.size, image.tag[:6], image.name) == (len(CONTENT), 'etag:"', "a b+c.nii.gz")
    assert list(list_objects("s3://bucket", PATIENT).files)[-1] == "ds2/other.tsv"


def test_a_listing_goes_on_page_by_page_and_after_drops(
        store: tuple[int, Any], proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    client = s3.client(PATIENT)
    whole = client.list_objects_v2
    monkeypatch.setattr(client, "list_objects_v2", lambda **words: whole(MaxKeys=1, **words))  # smaller pages
    for gently in (False, True):
        proxy.asked.clear()
        proxy.trouble["/bucket"] = [Trouble(), Trouble(after=50, gently=gently), Trouble(status=503),
                                    Trouble(in_headers=True, gently=gently)]
        assert len(list_objects("s3://bucket/ds", PATIENT).files) == 3
        assert len(proxy.ranges("/bucket")) == 6


@pytest.mark.parametrize("gently", [False, True])
def test_an_object_is_streamed_over_drops_and_no_byte_twice(proxy: Proxy, gently: bool) -> None:
    path = "/bucket/ds/sub-01/func/a b+c.nii.gz"
    proxy.trouble[path] = [Trouble(after=100_000, gently=gently), Trouble(in_headers=True, gently=gently),
                           Trouble(status=503), Trouble(after=70_000, gently=gently)]
    found = list_objects("s3://bucket/ds", PATIENT).files["sub-01/func/a b+c.nii.gz"]
    assert isinstance(found, RemoteFile)
    with open_stream(found) as stream:
        assert stream.read() == CONTENT
    assert proxy.sent[path] == len(CONTENT)
    assert proxy.ranges(path) == ["", *["bytes=100000-"] * 3, "bytes=170000-"]
    matching = [headers["if-match"] for asked, headers in proxy.asked if asked == path]
    assert matching == [found.tag.removeprefix("etag:")] * 5


def test_what_was_peeked_at_is_not_read_again(proxy: Proxy) -> None:
    found = list_objects("s3://bucket/ds", PATIENT).files["sub-01/func/a b+c.nii.gz"]
    assert isinstance(found, RemoteFile)
    assert peek(found) == peek(found) == CONTENT[:4096]
    with open_stream(found) as stream:
        assert stream.read() == CONTENT
    path = "/bucket/ds/sub-01/func/a b+c.nii.gz"
    assert proxy.ranges(path) == ["bytes=0-4095", "bytes=4096-"]
    assert proxy.sent[path] == len(CONTENT)


@pytest.mark.parametrize(("anonymous", "keys", "signed"), [
    (False, True, True), (True, True, False), (False, False, False)])
def test_requests_are_signed_only_with_credentials_that_are_wanted(
        proxy: Proxy, monkeypatch: pytest.MonkeyPatch, anonymous: bool, keys: bool, signed: bool) -> None:
    if not keys:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    local(an_object("ds/participants.tsv", Route(anonymous=anonymous)))
    assert [KEY in headers.get("authorization", "") for _, headers in proxy.asked] == [signed]


def test_a_profile_signs_with_its_own_keys(proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[lab]\naws_access_key_id = AKIAOFTHELAB\naws_secret_access_key = x\n")
    local(an_object("ds/participants.tsv", Route(profile="lab")))
    assert "AKIAOFTHELAB" in proxy.asked[0][1]["authorization"]
    with pytest.raises(DataError, match="no such AWS profile"):
        local(an_object("ds/participants.tsv", Route(profile="nobody")))


@pytest.mark.parametrize(("url", "words"), [
    ("s3://bucket/ds/none.tsv", "there is no such object"), ("s3://none/ds/none.tsv", "there is no such bucket")])
def test_what_is_not_there(proxy: Proxy, url: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        local(remote_file(url, route=PATIENT))
    assert caught.value.where == url
    assert len(proxy.asked) == 1


def test_refusals(proxy: Proxy) -> None:
    proxy.always["/bucket/ds/participants.tsv"] = Trouble(status=403)
    with pytest.raises(DataError, match="refuses access") as caught:
        local(an_object("ds/participants.tsv"))
    assert "anonymous" in caught.value.hint
    with pytest.raises(DataError, match="empty"):
        peek(an_object("ds/empty.nii.gz"))


def test_no_store(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    route = Route(attempts=2, timeout_s=1, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(DataError, match="cannot be reached, 2 times in a row"):
        list_objects("s3://bucket/ds", route)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    s3.client.cache_clear()
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(DataError) as caught:
        list_objects("s3://bucket/ds", Route(region="nowhere-1"))
    assert caught.value.hint == "pip install 'deltaroi[remote]'"
