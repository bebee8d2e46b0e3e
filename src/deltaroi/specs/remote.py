"""How remote data are reached."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from deltaroi.specs.base import Spec


class Remote(Spec):
    """How remote data are reached; never a key or password."""

    profile: str | None = Field(None, description="AWS profile for s3://; null: AWS_PROFILE, or keys in the "
                                "environment.")
    anonymous: bool = Field(False, description="Sign no request, even where credentials are found; without credentials "
                            "none is signed anyway.")
    endpoint_url: str | None = Field(None, description="An S3-compatible server other than Amazon's, https://host; "
                                     "null: AWS_ENDPOINT_URL, or Amazon.")
    region: str | None = Field(None, description="Region of the buckets; null: AWS_DEFAULT_REGION, or us-east-1.")
    attempts: int = Field(8, ge=1, le=100, description="How often in a row a file is tried without getting on; the "
                          "waits between double, from a quarter of a second to 20 s.")
    timeout_s: float = Field(60.0, gt=0, description="Seconds without an answer, or with almost no data, after which a "
                             "connection counts as dropped.")

    @field_validator("endpoint_url")
    @classmethod
    def _bare(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url)
            plain = parts.scheme in ("https", "http") and parts.hostname and "@" not in parts.netloc and not parts.query
        except ValueError:
            plain = False
        if not plain:
            raise ValueError("this is not an address like https://host[:port]; it holds no name, password or query")
        return url
