"""What is known of a remote file: where it is, how it is reached, and which state of it is meant."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from deltaroi.errors import DataError

SCHEMES = ("s3", "https", "http")


@dataclass(frozen=True)
class Route:
    """How remote files are reached; never what they hold.

    Attributes
    ----------
    profile : str or None
        Name of an AWS profile; None takes the usual ones (``AWS_PROFILE``, keys in the environment, …).
    anonymous : bool
        Sign no request, even where credentials are found. Without credentials requests are never signed.
    endpoint_url : str or None
        An S3-compatible server other than Amazon's.
    region : str or None
        Region of the buckets.
    attempts : int
        How often in a row a file is tried without getting on.
    timeout_s : float
        Seconds without an answer, or almost without data, after which a connection counts as dropped.
    """

    profile: str | None = None
    anonymous: bool = False
    endpoint_url: str | None = None
    region: str | None = None
    attempts: int = 8
    timeout_s: float = 60.0


@dataclass(frozen=True, repr=False)
class RemoteFile:
    """A file behind a URL. Printed, it shows neither the query of the URL nor a user's name and password.

    Attributes
    ----------
    url : str
        ``s3://bucket/key``, ``https://…``, or ``http://…`` on this machine.
    place : str
        Path within its dataset; for a file by itself its name.
    size : int or None
        Bytes, where known.
    tag : str
        Which state of the file is meant: ``etag:…``, ``modified:…`` or ``sha256:…``; empty while nobody has asked.
    route : Route
        How it is reached.
    beside : tuple of RemoteFile
        Small files that belong to it and are fetched with it, into the same folder.
    """

    url: str
    place: str
    size: int | None = None
    tag: str = ""
    route: Route = field(default_factory=Route)
    beside: tuple[RemoteFile, ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        """Its name within the dataset."""
        return PurePosixPath(self.place).name

    @property
    def parent(self) -> PurePosixPath:
        """Its folder within the dataset."""
        return PurePosixPath(self.place).parent

    @property
    def state(self) -> list[str | int | None]:
        """What tells whether it has changed, without secrets."""
        return [shown(self.url), self.size, self.tag]

    def __str__(self) -> str:
        return shown(self.url)

    def __repr__(self) -> str:
        return f"RemoteFile({shown(self.url)})"


File = Path | RemoteFile


@dataclass(frozen=True, eq=False)
class RemoteDataset:
    """A dataset whose files are listed instead of lying in a folder: a prefix of a bucket, or a table of files.

    Attributes
    ----------
    root : str
        What it is called in messages.
    files : mapping of str to File
        Path within the dataset -> file.
    """

    root: str
    files: Mapping[str, File]

    def __str__(self) -> str:
        return self.root

    @property
    def name(self) -> str:
        """The last part of what it is called."""
        return PurePosixPath(self.root).name


def is_url(text: str) -> bool:
    """Whether a text names something behind a URL."""
    return "://" in text


def shown(url: str) -> str:
    """A URL without its query, fragment, and user's name and password: what messages and files may hold."""
    scheme, _, rest = url.partition("://")
    address, slash, path = rest.partition("/")
    path = path if scheme == "s3" else path.partition("?")[0].partition("#")[0]
    host = address.partition("?")[0].partition("#")[0].rpartition("@")[2]
    port = host.partition("]")[2] if host.startswith("[") else host
    if not port.partition(":")[2].isdecimal() and ":" in port:  # a password with a slash in it, perhaps
        return f"{scheme}://…"
    return f"{scheme}://{host}{slash}{path}"


def remote_file(url: str, place: str = "", route: Route | None = None, **known: object) -> RemoteFile:
    """A file by its URL.

    Parameters
    ----------
    url : str
        Its URL.
    place : str
        Path within its dataset; by default the last part of the URL.
    route : Route, optional
        How it is reached.
    **known
        ``size``, ``tag``, ``beside``.

    Raises
    ------
    DataError
        The URL is none that can be read: another scheme, no host, or ``http://`` to another machine.
    """
    here = shown(url)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018  a port that is no number
    except ValueError as error:
        raise DataError("this is not a URL", where=here, hint="write s3://bucket/key or https://host/path") from error
    if parts.scheme not in SCHEMES or not host:
        raise DataError("files behind such a URL cannot be read", where=here,
                        hint="write s3://bucket/key or https://host/path")
    if parts.scheme == "s3" and "@" in parts.netloc:
        raise DataError("an s3:// URL holds no credentials", where=here,
                        hint="name a profile in execution.remote.profile, or set AWS_PROFILE")
    if parts.scheme == "http" and not is_loopback(host):
        raise DataError("http:// is not encrypted, and anybody on the way could change the data", where=here,
                        hint="write https://; http:// is read from this machine only")
    name = unquote(PurePosixPath(here.partition("://")[2]).name)
    return RemoteFile(url, place or name, route=route or Route(), **known)  # type: ignore[arg-type]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bucket_and_key(url: str) -> tuple[str, str]:
    """The two parts of an ``s3://`` URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
