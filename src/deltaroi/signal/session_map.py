"""The map of one contrast in one session of one subject, at the voxels of one ROI: the record, and its file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, IntArray
from deltaroi.io.files import write_npz
from deltaroi.types import RoiKey

_VERSION = 1


@dataclass(frozen=True, eq=False)
class SessionMap:
    """One contrast, session and ROI of one subject; ``n`` voxels.

    Attributes
    ----------
    subject, contrast, session : str
        What was measured.
    key : RoiKey
        The ROI.
    grid_digest : str
        Hash of the grid.
    unit : str
        Unit of the values.
    n_voxels : int
        All voxels of the ROI on the grid.
    whole : float
        Their weight; of a functional ROI that of the voxels that were chosen.
    flat : ndarray of int64, shape (n,)
        Sorted positions on the grid of the voxels that the responses rest on.
    weights, values : ndarray, shape (n,)
        Weights of these voxels, and the effect: the mean over the session's runs.
    """

    subject: str
    contrast: str
    session: str
    key: RoiKey
    grid_digest: str
    unit: str
    n_voxels: int
    whole: float
    flat: IntArray
    weights: FloatArray
    values: FloatArray


def save_maps(path: Path, maps: Iterable[SessionMap]) -> None:
    """Write maps as an ``.npz`` whose bytes depend on them alone."""
    kept = sorted(maps, key=lambda one: (one.subject, one.key, one.contrast, one.session))
    rows = [[one.subject, one.contrast, one.session, asdict(one.key), one.grid_digest, one.unit, one.n_voxels,
             one.whole, int(one.flat.size)] for one in kept]
    text = json.dumps({"version": _VERSION, "rows": rows}, ensure_ascii=False)
    write_npz(path, {
        "text": np.frombuffer(text.encode(), dtype=np.uint8),
        "flat": np.concatenate([np.zeros(0, np.int64), *(one.flat for one in kept)]),
        "weights": np.concatenate([np.zeros(0), *(one.weights for one in kept)]),
        "values": np.concatenate([np.zeros(0), *(one.values for one in kept)]),
    })


def load_maps(path: Path) -> tuple[SessionMap, ...]:
    """Read what :func:`save_maps` wrote.

    Raises
    ------
    DataError
        The file is missing, damaged, or of another version.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            text = json.loads(bytes(stored["text"]).decode())
            flat, weights, values = stored["flat"], stored["weights"], stored["values"]
        if text["version"] != _VERSION:
            raise ValueError(f"it is of version {text['version']}, this is version {_VERSION}")
        ends = np.cumsum([row[-1] for row in text["rows"]], dtype=np.int64)[:-1]
        parts = zip(text["rows"], *(np.split(one, ends) for one in (flat, weights, values)), strict=True) \
            if text["rows"] else ()
        return tuple(SessionMap(subject, contrast, session, RoiKey(**key), grid, unit, n, whole, *arrays)
                     for (subject, contrast, session, key, grid, unit, n, whole, _), *arrays in parts)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"the session maps cannot be read: {error}", where=str(path),
                        hint="delete the file and run again") from error
