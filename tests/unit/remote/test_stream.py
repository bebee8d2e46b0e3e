"""Streams that go on after a drop, and refuse what is not the file that they began with."""

from __future__ import annotations

import gzip
import random
import time

import pytest

from deltaroi.errors import DataError
from deltaroi.remote import RemoteFile, Route, counting, open_stream, remote_file
from deltaroi.signal.stream import open_bytes
from remote_servers import Page, Trouble, WebServer

CONTENT = random.Random(1).randbytes(600_000)
PATIENT = Route(attempts=3, timeout_s=5)


def file_of(web: WebServer, path: str = "/x.bin", route: Route = PATIENT) -> RemoteFile:
    return remote_file(web.url(path), route=route)


def read(file: RemoteFile) -> bytes:
    with open_stream(file) as stream:
        return stream.read()


@pytest.mark.parametrize("gently", [False, True])
def test_a_stream_goes_on_at_the_next_byte_and_reads_no_byte_twice(web: WebServer, gently: bool) -> None:
    web.pages["/x.bin"] = Page(CONTENT)
    web.trouble["/x.bin"] = [Trouble(after=200_000, gently=gently), Trouble(in_headers=True, gently=gently),
                             Trouble(after=150_001, gently=gently)]
    with counting() as traffic:
        assert read(file_of(web)) == CONTENT
    assert web.ranges("/x.bin") == ["", "bytes=200000-", "bytes=200000-", "bytes=350001-"]
    assert web.sent["/x.bin"] == len(CONTENT) == traffic.streamed
    assert (traffic.drops, traffic.requests, traffic.files) == (3, 4, 1)


def test_the_same_decompressor_goes_on(web: WebServer) -> None:
    inner = b"".join(bytes([n % 251]) * 97 for n in range(30_000)) + CONTENT
    web.pages["/x.bin"] = Page(gzip.compress(inner, mtime=0))
    web.trouble["/x.bin"] = [Trouble(after=100_000 + n) for n in range(3)]
    with open_bytes(file_of(web)) as stream:
        assert stream.take(len(inner)) == inner
        assert stream.rest() == 0
    assert web.sent["/x.bin"] == len(web.pages["/x.bin"].content)


@pytest.mark.parametrize("page", [
    Page(CONTENT, etag="weak"), Page(CONTENT, etag=None, modified=1.5e9), Page(CONTENT, etag=None),
    Page(CONTENT, chunked=True), Page(CONTENT, etag=None, chunked=True)],
    ids=["weak etag", "only a time", "no state", "chunked", "chunked without state"])
def test_every_kind_of_server_that_knows_ranges(web: WebServer, page: Page) -> None:
    web.pages["/x.bin"] = page
    web.trouble["/x.bin"] = [Trouble(after=300_000)]
    assert read(file_of(web)) == CONTENT


@pytest.mark.parametrize("page", [
    Page(CONTENT, then=Page(CONTENT[::-1])), Page(CONTENT, etag="weak", then=Page(CONTENT[::-1], etag="weak")),
    Page(CONTENT, etag=None, modified=1.5e9, then=Page(CONTENT[::-1], etag=None, modified=1.6e9)),
    Page(CONTENT, etag=None, then=Page(CONTENT + b"more", etag=None)),
    Page(CONTENT, etag=None, then=Page(CONTENT[:1000], etag=None))],
    ids=["etag", "weak etag", "time", "longer", "shorter than what was read"])
def test_a_file_that_changes_is_refused(web: WebServer, page: Page) -> None:
    web.pages["/x.bin"] = page
    web.trouble["/x.bin"] = [Trouble(after=300_000)]
    with pytest.raises(DataError, match="changed while it was read"):
        read(file_of(web))


@pytest.mark.parametrize("page", [Page(CONTENT), Page(CONTENT, etag=None), Page(CONTENT, chunked=True)])
def test_the_first_answer_may_end_in_its_headers_or_its_body(web: WebServer, page: Page) -> None:
    web.pages["/x.bin"] = page
    web.trouble["/x.bin"] = [Trouble(in_headers=True, gently=True), Trouble(after=0, gently=True),
                             Trouble(after=99_999, gently=True)]
    assert read(file_of(web, route=Route(attempts=4, timeout_s=5))) == CONTENT


def test_an_empty_file_is_empty(web: WebServer) -> None:
    web.pages["/x.bin"] = Page(b"")
    assert read(file_of(web)) == b""


def test_a_server_without_ranges_serves_a_whole_file_but_no_rest(web: WebServer) -> None:
    web.pages["/x.bin"] = Page(CONTENT, ranges=False)
    assert read(file_of(web)) == CONTENT
    web.trouble["/x.bin"] = [Trouble(after=300_000)]
    with pytest.raises(DataError, match="dropped at byte 300000, and the server cannot send the rest"):
        read(file_of(web))


def test_patience_ends_and_progress_renews_it(web: WebServer) -> None:
    web.pages["/x.bin"] = Page(CONTENT)
    web.trouble["/x.bin"] = [Trouble(after=70_000)] * 5
    assert read(file_of(web)) == CONTENT  # three attempts in a row, each of which gets on
    web.always["/x.bin"] = Trouble(after=10)
    with pytest.raises(DataError, match="dropped at byte 30 of 600000, 3 times in a row"):
        read(file_of(web))


def test_a_busy_server_is_asked_again_when_it_says(web: WebServer) -> None:
    web.pages["/x.bin"] = Page(b"x" * 10)
    web.trouble["/x.bin"] = [Trouble(status=503, retry_after="1")]
    began = time.monotonic()
    assert read(file_of(web)) == b"x" * 10
    assert time.monotonic() - began >= 1


def test_a_server_that_says_nothing_or_almost_nothing_counts_as_dropped(web: WebServer) -> None:
    web.pages["/x.bin"] = Page(b"x" * 100)
    web.trouble["/x.bin"] = [Trouble(silent_s=3), Trouble(pause_s=0.1)]
    began = time.monotonic()
    with counting() as traffic:
        assert read(file_of(web, route=Route(attempts=3, timeout_s=0.5))) == b"x" * 100
    assert time.monotonic() - began < 3
    assert traffic.drops == 2


def test_a_server_that_keeps_trickling_is_given_up(web: WebServer) -> None:
    web.pages["/x.bin"] = Page(b"x" * 200)
    web.always["/x.bin"] = Trouble(pause_s=0.05)
    with pytest.raises(DataError, match="almost nothing came"):
        read(file_of(web, route=Route(attempts=2, timeout_s=0.3)))


@pytest.mark.parametrize(("status", "words"), [(401, "login"), (403, "refuses"), (404, "no such file"), (418, "418")])
def test_refusals_are_not_tried_again(web: WebServer, status: int, words: str) -> None:
    web.pages["/x.bin"] = Page(b"x")
    web.trouble["/x.bin"] = [Trouble(status=status)]
    with pytest.raises(DataError, match=words):
        read(file_of(web))
    assert len(web.asked) == 1


def test_no_server(web: WebServer) -> None:
    file = remote_file("http://127.0.0.1:9/x.bin", route=Route(attempts=2, timeout_s=1))
    with pytest.raises(DataError, match="cannot be reached, 2 times in a row"):
        read(file)
    with counting() as traffic, pytest.raises(DataError, match="cannot be reached"):
        read(remote_file("http://127.0.0.1:9/other.bin", route=file.route))
    assert traffic.requests == 1  # nobody waits again for each file of a host that is not there
