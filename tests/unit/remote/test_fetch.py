"""Small files fetched whole and kept, and the beginnings of images."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from deltaroi.errors import DataError
from deltaroi.remote import RemoteFile, Route, counting, forget, local, located, open_stream, peek, remote_file
from deltaroi.signal.stream import read_header
from remote_servers import Page, Trouble, WebServer, certificate, serving

TEXT = b"onset\tduration\n1\t2\n" * 50
PATIENT = Route(attempts=2, timeout_s=5)


def file_of(web: WebServer, name: str = "x_events.tsv", query: str = "", **known: object) -> RemoteFile:
    return remote_file(web.url(f"/data/{name}") + query, route=PATIENT, **known)


def test_a_file_is_fetched_once_and_asked_about_later(web: WebServer, cache: Path) -> None:
    web.pages["/data/x_events.tsv"] = Page(TEXT)
    path = local(file_of(web))
    assert path.read_bytes() == local(file_of(web)).read_bytes() == TEXT
    assert path.name == "x_events.tsv"
    assert path.is_relative_to(cache)
    assert len(web.asked) == 1
    forget()  # another run
    assert local(file_of(web)).read_bytes() == TEXT
    assert web.asked[1][1]["if-none-match"] == web.pages["/data/x_events.tsv"].headers()["ETag"]
    assert web.sent.total() == len(TEXT)


@pytest.mark.parametrize("page", [Page(b"new"), Page(b"new", etag=None, modified=1.7e9), Page(b"new", etag=None)])
def test_a_later_run_reads_what_is_there_then(web: WebServer, page: Page) -> None:
    web.pages["/data/x_events.tsv"] = replace(page, content=TEXT, modified=page.modified and 1.6e9)
    local(file_of(web))
    before = located(file_of(web))
    web.pages["/data/x_events.tsv"] = page
    forget()
    assert local(file_of(web)).read_bytes() == b"new"
    after = located(file_of(web))
    assert isinstance(before, RemoteFile)
    assert isinstance(after, RemoteFile)
    assert before.state != after.state


def test_another_process_takes_the_copy_or_refuses_what_changed(web: WebServer, cache: Path) -> None:
    for etag in ("strong", None):
        web.pages["/data/x_events.tsv"] = Page(TEXT, etag=etag)
        forget()
        local(file_of(web))
        known = located(file_of(web))
        assert isinstance(known, RemoteFile)
        web.asked.clear()
        forget()
        assert local(known).read_bytes() == TEXT
        assert not web.asked
        local(known).unlink()
        forget()
        assert local(known).read_bytes() == TEXT  # fetched again where the cache is not shared
        local(known).write_bytes(b"damaged")
        forget()
        assert local(known).read_bytes() == TEXT
        local(known).unlink()
        web.pages["/data/x_events.tsv"] = Page(b"new", etag=etag)
        forget()
        with pytest.raises(DataError, match="the file changed"):
            local(known)


def test_what_belongs_to_a_file_comes_into_its_folder(web: WebServer) -> None:
    web.pages |= {"/data/x.tsv": Page(TEXT), "/data/x.json": Page(b"{}")}
    for query in ("", "?signed=1"):
        path = local(file_of(web, "x.tsv", query, beside=(file_of(web, "x.json", query and "?signed=2"),)))
        assert path.with_suffix(".json").read_bytes() == b"{}"


@pytest.mark.parametrize(("name", "page", "content"), [
    ("x.tsv", Page(TEXT, packed=True), TEXT),
    ("x.nii.gz", Page(gzip.compress(TEXT, mtime=0), packed=True), gzip.compress(TEXT, mtime=0)),
    ("x.nii.gz", Page(gzip.compress(TEXT, mtime=0), encoding="gzip"), gzip.compress(TEXT, mtime=0)),
    ("x.tsv", Page(TEXT, encoding="gzip"), TEXT)],
    ids=["packed table", "packed twice", "said of a gzip file", "said and not so"])
def test_a_transport_encoding_does_not_change_a_file(web: WebServer, name: str, page: Page, content: bytes) -> None:
    web.pages[f"/data/{name}"] = page
    assert local(file_of(web, name)).read_bytes() == content
    assert web.asked[0][1]["accept-encoding"] == "identity"


def test_other_encodings_and_an_image_that_is_packed_twice_are_refused(web: WebServer) -> None:
    web.pages["/data/x.tsv"] = Page(TEXT, encoding="br")
    with pytest.raises(DataError, match="in the encoding 'br'"):
        local(file_of(web, "x.tsv"))
    web.pages["/data/x.nii.gz"] = Page(gzip.compress(TEXT), packed=True)
    with pytest.raises(DataError, match="compressed twice"):
        read_header(file_of(web, "x.nii.gz"))


@pytest.mark.parametrize("page", [Page(TEXT * 20), Page(TEXT * 20, ranges=False), Page(TEXT * 20, etag=None)],
                         ids=["ranges", "no ranges", "no state"])
def test_the_beginning_is_kept_only_where_the_state_is_known(web: WebServer, page: Page) -> None:
    web.pages["/data/x.nii"] = page
    file = file_of(web, "x.nii")
    with counting() as traffic:
        assert peek(file) == peek(file) == page.content[:4096]
    assert (traffic.peeked, traffic.requests) == (4096, 1)
    with open_stream(located(file)) as stream:  # type: ignore[arg-type]
        assert stream.read() == page.content
    first = "" if not page.etag else "bytes=4096-"
    assert web.ranges("/data/x.nii") == ["bytes=0-4095", first]


def test_a_file_shorter_than_a_beginning(web: WebServer) -> None:
    web.pages |= {"/data/x.nii": Page(b"short"), "/data/empty.nii": Page(b"")}
    file = file_of(web, "x.nii")
    assert peek(file) == b"short"
    with open_stream(located(file)) as stream:  # type: ignore[arg-type]
        assert stream.read() == b"short"
    assert len(web.asked) == 1
    with pytest.raises(DataError, match="empty"):
        peek(file_of(web, "empty.nii"))


def test_what_failed_is_not_tried_again_in_the_same_run(web: WebServer) -> None:
    for _ in range(2):
        with pytest.raises(DataError, match="no such file"):
            local(file_of(web))
    assert len(web.asked) == 1
    web.pages["/data/x_events.tsv"] = Page(TEXT)
    forget()
    assert local(file_of(web)).read_bytes() == TEXT


def test_files_that_differ_in_the_query_are_kept_apart(web: WebServer) -> None:
    web.pages["/data/download"] = Page(b"1", then=Page(b"2"))
    one, two = (remote_file(web.url(f"/data/download?file={n}"), "sub-01/x.tsv", PATIENT) for n in "12")
    assert (local(one).read_bytes(), local(two).read_bytes()) == (b"1", b"2")
    assert local(one).name == "x.tsv"


def test_a_server_that_moves_a_file_is_followed(web: WebServer) -> None:
    web.pages |= {"/data/x_events.tsv": Page(b"", moved_to="/there?X-Amz-Signature=secret"), "/there": Page(TEXT)}
    web.trouble["/there"] = [Trouble(after=100)]
    assert local(file_of(web)).read_bytes() == TEXT


def test_certificates_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certified = certificate(tmp_path)
    with serving(WebServer(), certified) as web:
        web.pages["/x.tsv"] = Page(TEXT)
        web.trouble["/x.tsv"] = [Trouble(after=300), Trouble(in_headers=True)]
        file = remote_file(web.url("/x.tsv").replace("http:", "https:") + "?token=secret", route=Route(attempts=5))
        with pytest.raises(DataError, match="certificate cannot be trusted") as caught:
            local(file)
        assert "secret" not in str(caught.value)
        assert not web.asked
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certified))
        forget()
        assert local(file).read_bytes() == TEXT


def test_a_cache_that_cannot_be_written(web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DELTAROI_CACHE", str(tmp_path / "file"))
    web.pages["/data/x_events.tsv"] = Page(TEXT)
    with pytest.raises(DataError, match="cannot be kept") as caught:
        local(file_of(web))
    assert "DELTAROI_CACHE" in caught.value.hint
