"""Requests to web servers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deltaroi.errors import DataError
from deltaroi.remote.answer import Answer, answer_of, byte_range, conditions
from deltaroi.remote.files import RemoteFile, is_loopback
from deltaroi.remote.retry import Dropped, asked_to_wait, changed

if TYPE_CHECKING:
    import requests

_CONNECT_S = 15.0
_FOR_NOW = {408: "timed out", 425: "asks to wait", 429: "asks to wait", 500: "has an error", 502: "is not reached",
            503: "is busy", 504: "is not reached"}
_FINAL = {
    401: ("the server asks for a login", "does the URL need a token, or ~/.netrc an entry for the host?"),
    403: ("the server refuses the file", "is it public? A signed URL may have run out: make a new one"),
    404: ("there is no such file", "check the URL"),
    410: ("there is no such file any more", "check the URL"),
}
_mine = threading.local()


def open_at(file: RemoteFile, start: int, stop: int | None, unless: str) -> Answer:
    """Ask for a file from some byte on; see :func:`deltaroi.remote.stream.ask`."""
    import requests

    headers = {"Accept-Encoding": "identity", **conditions(file)}
    if wanted := byte_range(start, stop):
        headers["Range"] = wanted
    kind, _, value = unless.partition(":")
    if kind in ("etag", "modified"):
        headers["If-None-Match" if kind == "etag" else "If-Modified-Since"] = value
    try:
        response = _session().get(file.url, headers=headers, stream=True, timeout=(
            min(_CONNECT_S, file.route.timeout_s), file.route.timeout_s))
    except requests.exceptions.RequestException as error:
        raise _problem(file, error) from None  # its text has the whole URL
    return _judge(file, response, start, bool(wanted), unless)


def _session() -> requests.Session:
    """One per thread; proxies, certificates and ~/.netrc as the environment says."""
    import requests

    if not hasattr(_mine, "session"):
        _mine.session = requests.Session()
    session: requests.Session = _mine.session
    return session


def _judge(file: RemoteFile, response: Any, start: int, ranged: bool, unless: str) -> Answer:
    status = int(response.status_code)
    try:
        if unless and status == 304:
            response.close()
            return Answer(None, 0, file.size, unless)
        if status not in (200, 206):
            raise _refused(file, status, start, response.headers)
        target = urlsplit(response.url)
        if target.scheme == "http" and not is_loopback(target.hostname or ""):
            raise DataError("the server sends on to an http:// address, which is not encrypted", where=str(file),
                            hint="name the https:// address of the file")
        return answer_of(file, status, response.headers, response.raw, ranged)
    except BaseException:
        response.close()
        raise


def _refused(file: RemoteFile, status: int, start: int, headers: Any) -> Exception:
    if status == 412 or (status == 416 and start):
        return changed(file)
    if status == 416:
        return DataError("the file is empty", where=str(file))
    if status in _FOR_NOW:
        return Dropped(f"the server {_FOR_NOW[status]} (HTTP status {status})",
                       asked_to_wait(headers.get("Retry-After")))
    what, hint = _FINAL.get(status, ("the server did not send the file", "try the URL in a browser"))
    return DataError(f"{what} (HTTP status {status})", where=str(file), hint=hint)


def _problem(file: RemoteFile, error: Exception) -> Exception:
    """What a failed request means; nothing of the error's own text is kept."""
    from requests import exceptions

    text = str(error)
    if isinstance(error, exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in text:
        return DataError("the server's certificate cannot be trusted", where=str(file),
                         hint="is the host right? Behind an institute's proxy set REQUESTS_CA_BUNDLE")
    if isinstance(error, exceptions.Timeout):
        return Dropped("the server did not answer", nobody=True)
    if isinstance(error, exceptions.ConnectionError):
        if "NameResolutionError" in text or "NewConnectionError" in text:
            return Dropped("the host is not known" if "NameResolutionError" in text else
                           "the server cannot be reached", nobody=True)
        return Dropped("the connection dropped")
    if isinstance(error, exceptions.ChunkedEncodingError):
        return Dropped("the connection dropped")
    if isinstance(error, exceptions.TooManyRedirects):
        return DataError("the server sends from address to address", where=str(file), hint="check the URL")
    return DataError("the URL cannot be asked for", where=str(file), hint="write https://host/path")
