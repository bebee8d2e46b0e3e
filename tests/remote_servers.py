"""Servers on this machine that serve files and drop connections on purpose: a web server, and a proxy before S3."""

from __future__ import annotations

import array
import contextlib
import datetime
import email.utils
import fcntl
import gzip
import hashlib
import http.client
import ipaddress
import logging
import re
import socket
import ssl
import struct
import termios
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest


@dataclass
class Trouble:
    """What goes wrong with one answer.

    ``after`` body bytes the connection is dropped (``in_headers``: within the headers; ``gently``: closed as after a
    whole answer, which is hard to tell from one); a ``status`` is sent instead of
    the file; ``pause_s`` between single bytes of the body; ``silent_s`` before anything is sent. ``then`` is called
    before the connection is dropped.
    """

    after: int | None = None
    in_headers: bool = False
    gently: bool = False
    status: int | None = None
    retry_after: str = ""
    pause_s: float = 0.0
    silent_s: float = 0.0
    then: Callable[[], None] | None = None


@dataclass
class Served:
    """What a server did and what it is to do.

    ``trouble`` holds per path, as in the URL, what happens to the next answers that would send a file, one after the
    other; ``always`` what happens to all of them. ``sent`` counts body bytes per path, ``asked`` keeps the requests.
    """

    trouble: dict[str, list[Trouble]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, Trouble] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def ranges(self, path: str) -> list[str]:
        """The ``Range`` headers of the requests for a path; empty where there was none."""
        return [headers.get("range", "") for asked, headers in self.asked if asked == path]

    def next_trouble(self, path: str) -> Trouble:
        return self.trouble[path].pop(0) if self.trouble[path] else self.always.get(path, Trouble())


@dataclass
class Page:
    """A file of the web server, and how the server treats it."""

    content: bytes
    etag: str | None = "strong"  # strong, weak, None
    modified: float | None = None
    ranges: bool = True
    chunked: bool = False
    packed: bool = False  # gzip on the way, said in Content-Encoding
    encoding: str = ""  # only said
    moved_to: str = ""
    then: Page | None = None  # what it is from the second answer on

    def headers(self) -> dict[str, str]:
        out = {"Accept-Ranges": "bytes"} if self.ranges else {}
        if self.etag:
            digest = hashlib.sha256(self.content).hexdigest()[:16]
            out["ETag"] = f'"{digest}"' if self.etag == "strong" else f'W/"{digest}"'
        if self.modified is not None:
            out["Last-Modified"] = email.utils.formatdate(self.modified, usegmt=True)
        if self.packed or self.encoding:
            out["Content-Encoding"] = self.encoding or "gzip"
        return out


def _unsent(connection: socket.socket) -> int:
    """Bytes that the other side has not acknowledged; they are lost when a connection is reset."""
    queued = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, queued)
    return queued[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Served

    def log_message(self, *_: object) -> None:
        pass

    def note(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.served.asked.append((path, {k.lower(): v for k, v in self.headers.items()}))
        return path

    def send(self, path: str, status: int, headers: dict[str, str], body: bytes, chunked: bool = False) -> None:
        """Send an answer, with its trouble."""
        trouble = self.served.next_trouble(path) if status in (200, 206) else Trouble()
        if trouble.silent_s:
            self.served.stop.wait(trouble.silent_s)
        if trouble.status:
            status, code = trouble.status, "SlowDown" if trouble.status == 503 else "AccessDenied"
            body = f"<Error><Code>{code}</Code></Error>".encode()
            headers = {"Retry-After": trouble.retry_after} if trouble.retry_after else {}
            chunked = False
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        if trouble.in_headers:
            self._headers_buffer = self._headers_buffer[:1]
            self.flush_headers()
            self.drop(trouble)
            return
        self.end_headers()
        self.body(path, body[:trouble.after], chunked, trouble)
        if trouble.then is not None:
            trouble.then()
        if trouble.after is not None and trouble.after < len(body):
            self.drop(trouble)
        elif chunked:
            self.wfile.write(b"0\r\n\r\n")

    def body(self, path: str, body: bytes, chunked: bool, trouble: Trouble) -> None:
        step = 1 if trouble.pause_s else 1 << 14
        for start in range(0, len(body), step):
            piece = body[start:start + step]
            self.served.sent[path] += 0 if trouble.status else len(piece)  # before a client can have seen it
            try:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            except OSError:
                self.served.sent[path] -= 0 if trouble.status else len(piece)
                self.close_connection = True
                return
            if trouble.pause_s and self.served.stop.wait(trouble.pause_s):
                return

    def drop(self, trouble: Trouble) -> None:
        """End the connection without a good-bye, once what was sent has arrived; or just end it."""
        self.wfile.flush()
        self.close_connection = True
        if trouble.gently:
            return
        until = time.monotonic() + 5
        while _unsent(self.connection) and time.monotonic() < until:
            time.sleep(0.005)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.close()


@dataclass
class WebServer(Served):
    """A web server with the files that a test gives it."""

    pages: dict[str, Page] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class _Web(_Handler):
    served: WebServer

    def do_GET(self) -> None:
        path = self.note()
        page = self.served.pages.get(path)
        if page is None:
            self.send(path, 404, {}, b"")
            return
        if page.then is not None:
            self.served.pages[path] = page.then
        if page.moved_to:
            self.send(path, 302, {"Location": page.moved_to}, b"")
            return
        known, body = page.headers(), gzip.compress(page.content, mtime=0) if page.packed else page.content
        matching, unless = self.headers.get("If-Match"), self.headers.get("If-None-Match")
        since, until = self.headers.get("If-Modified-Since"), self.headers.get("If-Unmodified-Since")
        if (matching and (page.etag != "strong" or matching != known["ETag"])) or (
                until and page.modified is not None and until != known["Last-Modified"]):
            self.send(path, 412, {}, b"")
        elif (unless and unless == known.get("ETag")) or (since and since == known.get("Last-Modified")):
            self.send(path, 304, known, b"")
        else:
            self.part(path, page, known, body)

    def part(self, path: str, page: Page, known: dict[str, str], body: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted is None or not page.ranges:
            self.send(path, 200, known, body, page.chunked)
            return
        start, stop = int(wanted[1]), min(int(wanted[2]) + 1 if wanted[2] else len(body), len(body))
        if start >= len(body):
            self.send(path, 416, {"Content-Range": f"bytes */{len(body)}"}, b"")
            return
        total = "*" if page.chunked else len(body)
        self.send(path, 206, {**known, "Content-Range": f"bytes {start}-{stop - 1}/{total}"}, body[start:stop],
                  page.chunked)


@dataclass
class Proxy(Served):
    """A proxy before another server, which it asks for everything."""

    upstream: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Proxy(_Handler):
    served: Proxy

    def do_GET(self) -> None:
        path = self.note()
        status, headers, body = self.upstream("GET", b"")
        kept = {name: value for name, value in headers if name.lower() not in (
            "content-length", "transfer-encoding", "connection", "date", "server")}
        self.send(path, status, kept, body)

    def upstream(self, method: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        other = http.client.HTTPConnection("127.0.0.1", self.served.upstream, timeout=30)
        try:
            other.request(method, self.path, body, dict(self.headers.items()))
            answer = other.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            other.close()


def certificate(folder: Path) -> Path:
    """A certificate that 127.0.0.1 has given to itself, with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(
        1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = made.add_extension(address, critical=True).sign(key, hashes.SHA256())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()) + signed.public_bytes(serialization.Encoding.PEM)
    (folder / "certificate.pem").write_bytes(text)
    return folder / "certificate.pem"


@contextlib.contextmanager
def serving(served: Any, certified: Path | None = None) -> Iterator[Any]:
    """Run a :class:`WebServer` or :class:`Proxy`, over TLS with a :func:`certificate`; it stops with the context."""
    kind = _Web if isinstance(served, WebServer) else _Proxy
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (kind,), {"served": served}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # connections that end early are meant
    served.port = server.server_address[1]
    if certified:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certified)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.stop.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


KEY, SECRET = "AKIAPLANTEDKEYPLANTED", "planted/SecretAccessKey+planted/SecretAcc"
"""Credentials that open nothing; whoever finds them in a file has found a leak."""


@contextlib.contextmanager
def s3_store() -> Iterator[tuple[int, Any]]:
    """An S3-compatible server: its port, and a client that fills it."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                          aws_access_key_id=KEY, aws_secret_access_key=SECRET)
    try:
        yield port, client
    finally:
        client.close()
        server.stop()


def own_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, no proxy between this machine and itself, and nothing known of any file."""
    from deltaroi.remote import forget

    monkeypatch.setenv("DELTAROI_CACHE", str(folder / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    forget()


@contextlib.contextmanager
def before_store(port: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before an S3-compatible server; the environment leads there, with credentials and an empty cache."""
    from deltaroi.remote import s3

    settings = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": str(folder / "config"),
                "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    own_settings(folder, monkeypatch)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    s3.client.cache_clear()
    with serving(Proxy(upstream=port)) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        yield served
    s3.client.cache_clear()
