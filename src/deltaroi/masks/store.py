"""The ROIs of one grid on disk: one artefact that later steps read, and images for people."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from deltaroi.errors import DataError
from deltaroi.grid import Grid
from deltaroi.io.files import atomic_write, gzip_bytes, write_npz
from deltaroi.layout import Layout
from deltaroi.masks.records import RegionSet, RoiVoxels
from deltaroi.tables import REGIONS, conform
from deltaroi.types import Exclusion, RoiKey

_VERSION = 1


def save_regions(path: Path, regions: RegionSet) -> None:
    """Write the artefact; the same ROIs give the same bytes."""
    records = regions.table.astype(object).where(regions.table.notna(), None).to_dict("records")
    text = {
        "version": _VERSION, "space": regions.grid.space,
        "rois": [[*_names(roi.key), roi.rule] for roi in regions.rois],
        "table": records, "exclusions": [asdict(row) for row in regions.exclusions], "notes": regions.notes,
    }
    sizes = np.array([roi.flat.size for roi in regions.rois], dtype=np.int64)
    flat = [roi.flat for roi in regions.rois] or [np.zeros(0, np.int64)]
    weights = [roi.weights for roi in regions.rois] or [np.zeros(0)]
    write_npz(path, {
        "text": np.frombuffer(json.dumps(text, ensure_ascii=False).encode(), dtype=np.uint8),
        "shape": np.array(regions.grid.shape, dtype=np.int64), "affine": regions.grid.affine, "sizes": sizes,
        "flat": np.concatenate(flat), "weights": np.concatenate(weights),
    })


def load_regions(path: Path) -> RegionSet:
    """Read what :func:`save_regions` wrote.

    Raises
    ------
    DataError
        Not such an artefact, or one of another version.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        text: dict[str, Any] = json.loads(arrays["text"].tobytes())
        version = text["version"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DataError(f"not a regions artefact: {error}", where=str(path), hint="run the masks step again") from error
    if version != _VERSION:
        raise DataError(f"regions artefact of version {version}, expected {_VERSION}", where=str(path),
                        hint="run the masks step again")
    ends = np.cumsum(arrays["sizes"])[:-1]
    parts = zip(text["rois"], np.split(arrays["flat"], ends), np.split(arrays["weights"], ends), strict=False)
    rois = tuple(RoiVoxels(RoiKey(*names[:3]), names[3], flat, weights) for names, flat, weights in parts)
    shape = tuple(int(n) for n in arrays["shape"])
    return RegionSet(
        Grid((shape[0], shape[1], shape[2]), arrays["affine"], text["space"]), rois,
        conform(pd.DataFrame(text["table"], columns=REGIONS.names), REGIONS, str(path)),
        tuple(Exclusion(**row) for row in text["exclusions"]), tuple(text["notes"]))


def write_roi_images(regions: RegionSet, layout: Layout) -> list[Path]:
    """Write one NIfTI of weights (float32) per ROI; returns the paths in the order of the ROIs."""
    paths = []
    for roi in regions.rois:
        path = layout.roi_image(roi.key, regions.grid.space, regions.grid.digest)
        atomic_write(path, gzip_bytes(_nifti(regions.grid, roi)))
        paths.append(path)
    return paths


def _nifti(grid: Grid, roi: RoiVoxels) -> bytes:
    import nibabel

    data = np.zeros(grid.n_voxels, dtype=np.float32)
    data[roi.flat] = roi.weights
    image: Any = nibabel.Nifti1Image(data.reshape(grid.shape), grid.affine)
    code = "mni" if grid.space.startswith("MNI152") else "aligned"
    image.header.set_xyzt_units("mm")
    image.set_sform(grid.affine, code)
    image.set_qform(grid.affine, code)
    image.header["descrip"] = roi.key.label.encode()[:79]
    return bytes(image.to_bytes())


def _names(key: RoiKey) -> tuple[str, str, str]:
    return key.region, key.hemisphere, key.definition


