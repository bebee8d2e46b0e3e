"""Requests to S3 and servers like it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from deltaroi.errors import DataError
from deltaroi.remote.answer import Answer, answer_of, byte_range, conditions
from deltaroi.remote.files import RemoteDataset, RemoteFile, Route, bucket_and_key, remote_file, shown
from deltaroi.remote.retry import Dropped, Patience, changed
from deltaroi.remote.traffic import current

_CONNECT_S = 15.0
_CONNECTIONS = 16
_SIGN = "check the profile, or set execution.remote.anonymous: true for a public bucket"
_FINAL = {
    "NoSuchBucket": ("there is no such bucket", "check the part behind s3://"),
    "NoSuchKey": ("there is no such object", "check the rest of the URL"),
    "404": ("there is no such object", "check the URL"),
    "AccessDenied": ("the store refuses access", _SIGN),
    "AllAccessDisabled": ("the store refuses access", _SIGN),
    "403": ("the store refuses access", _SIGN),
    "InvalidAccessKeyId": ("the store does not know the credentials", _SIGN),
    "SignatureDoesNotMatch": ("the store does not accept the credentials", _SIGN),
    "ExpiredToken": ("the credentials have run out", "log in again, e.g. `aws sso login`"),
    "InvalidToken": ("the store does not accept the credentials", _SIGN),
    "PermanentRedirect": ("the bucket is in another region", "name it in execution.remote.region"),
    "301": ("the bucket is in another region", "name it in execution.remote.region"),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "name it in execution.remote.region"),
    "RequestTimeTooSkewed": ("the clock of this machine is wrong", "set it, or sign no request (anonymous: true)"),
    "InvalidObjectState": ("the object is archived", "restore it in the store first"),
}
_FOR_NOW = ("SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling", "500", "502",
            "503", "504", "429", "408")


def open_at(file: RemoteFile, start: int, stop: int | None) -> Answer:
    """Ask for an object from some byte on; see :func:`deltaroi.remote.stream.ask`."""
    bucket, key = bucket_and_key(file.url)
    more: dict[str, Any] = {}
    if wanted := byte_range(start, stop):
        more["Range"] = wanted
    if matching := conditions(file).get("If-Match"):
        more["IfMatch"] = matching
    with _in_words(file, start):
        found = client(file.route).get_object(Bucket=bucket, Key=key, **more)
    about = found["ResponseMetadata"]
    headers = {"ETag": found.get("ETag", ""), "Content-Encoding": found.get("ContentEncoding", ""),
               "Content-Length": str(found.get("ContentLength", "")), "Content-Range": found.get("ContentRange", "")}
    raw = found["Body"].__enter__()  # urllib3's response; leaving the context would close it
    return answer_of(file, int(about["HTTPStatusCode"]), headers, raw, bool(wanted))


def list_objects(url: str, route: Route) -> RemoteDataset:
    """The objects under an ``s3://`` URL as the files of a dataset.

    Raises
    ------
    DataError
        The bucket cannot be listed, or holds nothing there.
    """
    root = remote_file(url.rstrip("/"), "root", route)
    bucket, key = bucket_and_key(root.url)
    prefix = f"{key}/" if key else ""
    files = {}
    for entry in _entries(root, bucket, prefix):
        place = entry["Key"].removeprefix(prefix)
        if place and not place.endswith("/"):
            files[place] = RemoteFile(f"s3://{bucket}/{entry['Key']}", place, int(entry["Size"]),
                                      f"etag:{entry['ETag']}" if entry.get("ETag") else "", route)
    if not files:
        raise DataError("there is nothing under this address", where=shown(url),
                        hint="check the spelling: capitals count, and the name of the dataset's folder belongs to it")
    return RemoteDataset(str(root), dict(sorted(files.items())))


def _entries(root: RemoteFile, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """All objects, a page of 1000 at a time."""
    going: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    patience = Patience(str(root), root.route)
    while True:
        try:
            with _in_words(root, 0):
                page = client(root.route).list_objects_v2(**going)
                if "IsTruncated" not in page:  # it broke off within its headers, which looks like an empty page
                    raise Dropped("the connection dropped")
        except Dropped as dropped:
            patience.wait(dropped)
            continue
        patience.got_on()
        current().add(requests=1)
        yield from page.get("Contents", ())
        if not page.get("IsTruncated"):
            return
        going["ContinuationToken"] = page["NextContinuationToken"]


@cache
def client(route: Route) -> Any:
    """A client of this process; signs requests where there are credentials and they are wanted.

    Raises
    ------
    DataError
        boto3 is not installed, or there is no such profile.
    """
    try:
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise DataError("s3:// needs an extra that is not installed", where="s3://",
                        hint="pip install 'deltaroi[remote]'") from error
    try:
        session = boto3.session.Session(profile_name=route.profile, region_name=route.region)
        unsigned = route.anonymous or session.get_credentials() is None
        settings = Config(
            signature_version=UNSIGNED if unsigned else None, connect_timeout=min(_CONNECT_S, route.timeout_s),
            read_timeout=route.timeout_s, retries={"total_max_attempts": 1}, max_pool_connections=_CONNECTIONS,
            response_checksum_validation="when_required", request_checksum_calculation="when_required")
        return session.client("s3", region_name=session.region_name or "us-east-1", endpoint_url=route.endpoint_url,
                              config=settings)
    except BotoCoreError as error:
        raise _not_reached("s3://", error) from None
    except ValueError:
        raise DataError("the address of the S3 server is not a URL", where="execution.remote.endpoint_url",
                        hint="write https://host") from None


@contextmanager
def _in_words(file: RemoteFile, start: int) -> Iterator[None]:
    """Turn botocore's errors into ours; nothing of their own text is kept, which may hold what must not be shown."""
    client(file.route)  # whatever is wrong with the installation or the profile comes first
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, SSLError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _refused(file, error, start) from None
    except SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise DataError("the server's certificate cannot be trusted", where=str(file),
                            hint="behind an institute's proxy set AWS_CA_BUNDLE") from None
        raise Dropped("the connection dropped") from None
    except (HTTPClientError, ConnectionError) as error:
        kind = type(error).__name__
        nobody = "Timeout" in kind or kind == "EndpointConnectionError"
        raise Dropped("the server did not answer" if "Timeout" in kind else
                      "the server cannot be reached" if nobody else "the connection dropped", nobody=nobody) from None
    except ResponseParserError:
        raise Dropped("the connection dropped") from None
    except BotoCoreError as error:
        raise _not_reached(str(file), error) from None


def _refused(file: RemoteFile, error: Any, start: int) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in ("PreconditionFailed", "412") or status == 412 or (status == 416 and start):
        return changed(file)
    if status == 416:
        return DataError("the object is empty", where=str(file))
    if code in _FOR_NOW or status >= 500 or status == 429:
        return Dropped(f"the store is busy ({code or status})")
    what, hint = _FINAL.get(code) or _FINAL.get(str(status)) or ("the store did not send the object", "check the URL")
    return DataError(f"{what} ({code or status})", where=str(file), hint=hint)


def _not_reached(where: str, error: Exception) -> DataError:
    kind = type(error).__name__
    if kind == "ProfileNotFound":
        return DataError("there is no such AWS profile on this machine", where="execution.remote.profile",
                         hint="`aws configure list-profiles` names them")
    if "Credential" in kind or "Token" in kind or "SSO" in kind:
        return DataError(f"the credentials cannot be used ({kind})", where=where, hint=_SIGN)
    return DataError(f"the store cannot be asked ({kind})", where=where,
                     hint="check execution.remote and the AWS_* settings")

