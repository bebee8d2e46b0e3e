"""Addresses: which are read, how they are shown, where their content is kept."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from deltaroi.errors import DataError
from deltaroi.remote import RemoteFile, Route, remote_file, shown
from deltaroi.remote.retry import Dropped, Patience, asked_to_wait
from deltaroi.remote.store import place_of


@pytest.mark.parametrize(("url", "text"), [
    ("https://user:secret@host:8443/a/b.nii.gz?token=secret#secret", "https://host:8443/a/b.nii.gz"),
    ("https://host?secret", "https://host"), ("https://user:sec/ret@host/x", "https://…"),
    ("https://secret@[::1]:80/x", "https://[::1]:80/x"), ("s3://bucket/odd?name#1.tsv", "s3://bucket/odd?name#1.tsv")])
def test_what_is_shown_of_an_address(url: str, text: str) -> None:
    assert shown(url) == text


def test_a_file_never_shows_its_secrets_and_can_be_sent_to_workers() -> None:
    file = remote_file("https://me:secret@host/x.tsv?sig=secret", tag='etag:"1"', size=3)
    assert "secret" not in f"{file} {file!r} {[file]} {file.state} {place_of(file)}"
    assert pickle.loads(pickle.dumps(file)) == file  # noqa: S301


@pytest.mark.parametrize(("url", "words"), [
    ("ftp://host/x", "cannot be read"), ("https:///x", "cannot be read"), ("http://host.example/x", "not encrypted"),
    ("https://host:port/x", "not a URL"), ("s3://key:secret@bucket/x", "no credentials")])
def test_addresses_that_are_refused(url: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        remote_file(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://host/../../etc/passwd", "s3://b/..//../x/.././y.tsv", "https://host/%2e%2e/x",
                                 "https://host/a\\..\\b", "s3://b/" + "a" * 400 + "/x.tsv"])
def test_no_address_leads_out_of_the_cache(url: str, cache: Path) -> None:
    path = place_of(remote_file(url))
    assert path.resolve().is_relative_to(cache.resolve())
    assert ".." not in path.relative_to(cache).parts
    assert max(map(len, path.parts)) < 256


@pytest.mark.parametrize("named", ["off", "", None])
def test_without_a_named_cache_files_lie_in_the_users_own(named: str | None, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DELTAROI_CACHE")
    if named is not None:
        monkeypatch.setenv("DELTAROI_CACHE", named)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert place_of(remote_file("https://host/a/x.tsv")) == tmp_path / "deltaroi/remote/https/host/a/x.tsv"


def test_servers_and_accounts_are_kept_apart() -> None:
    urls = ("https://host/x.tsv", "https://host:444/x.tsv", "s3://host/x.tsv")
    places = {place_of(remote_file(url)) for url in urls}
    places.add(place_of(RemoteFile("s3://host/x.tsv", "x.tsv", route=Route(endpoint_url="https://store.lab"))))
    assert len(places) == 4


def test_waits_double_up_to_a_bound_and_are_the_same_each_time() -> None:
    def waits() -> list[float]:
        patience = Patience("s3://b/x", Route(attempts=99))
        out = []
        for failed in range(1, 12):
            patience._failed = failed
            out.append(patience.delay(Dropped("x")))
        return out

    assert waits() == waits()
    for number, wait in enumerate(waits()):
        assert min(20, 0.25 * 2**number) / 2 <= wait <= min(20, 0.25 * 2**number)
    patience = Patience("s3://b/x", Route())
    patience._failed = 1
    assert patience.delay(Dropped("x", 9.0)) == 9
    assert patience.delay(Dropped("x", 1e9)) == 120


@pytest.mark.parametrize(("header", "least", "most"), [
    ("7", 7, 7), (None, 0, 0), ("soon", 0, 0), ("Wed, 01 Jan 2020 00:00:00 GMT", 0, 0),
    ("Wed, 01 Jan 2120 00:00:00 GMT", 1e9, 1e10)])
def test_what_a_server_asks_to_wait(header: str | None, least: float, most: float) -> None:
    assert least <= asked_to_wait(header) <= most
