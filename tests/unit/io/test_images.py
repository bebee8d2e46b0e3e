"""Truncated images are noticed without reading them; unusual but whole ones are not refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from deltaroi.errors import DataError
from deltaroi.io.images import check_length

DATA = np.random.default_rng(0).integers(0, 255, 40_000, dtype=np.uint8).tobytes()


def write(folder: Path, data: bytes) -> Path:
    path = folder / "image.nii.gz"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data", [
    DATA, gzip.compress(DATA), gzip.compress(DATA[:20_000]) + gzip.compress(DATA[20_000:]),
    gzip.compress(DATA + bytes(512)),
], ids=["plain", "gzip", "two gzip members", "padded"])
def test_whole_files_pass(tmp_path: Path, data: bytes) -> None:
    check_length(write(tmp_path, data), len(DATA))


@pytest.mark.parametrize("data", [
    DATA[:-1], gzip.compress(DATA)[:-1], gzip.compress(DATA)[:-5000], gzip.compress(DATA)[:20], gzip.compress(DATA)[:9],
    gzip.compress(DATA[:-1]), gzip.compress(DATA[:20_000]) + gzip.compress(DATA[20_000:])[:-9], b"\x1f\x8b",
], ids=["plain", "last byte", "tail", "head", "within the header", "short", "second member", "magic only"])
def test_truncated_files_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match="the image is truncated"):
        check_length(write(tmp_path, data), len(DATA))
