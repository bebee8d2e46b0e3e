"""The ROIs of one grid on disk: one artefact that later steps read, and images for people."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.grid import Grid
from deltaroi.io.files import atomic_write, gzip_bytes, write_json, write_npz
from deltaroi.io.tsv import format_table
from deltaroi.layout import Layout, beside, resolution_label
from deltaroi.masks.bids import LabelImage, label_image, label_sidecar, region_row, roi_sidecar, whole
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
    """Write the ROIs as BIDS atlas files; the same ROIs give the same bytes.

    Per ROI an image (float32 weights, or uint8 where all are 1) with a sidecar; per definition a label image (int16)
    with its table and sidecar, unless no ROI fills any voxel to one half.

    Returns
    -------
    list of Path
        What was written, the images of the ROIs first and in their order.
    """
    grid, resolution = regions.grid, resolution_label(regions.grid)
    images, others = [], []
    for roi in regions.rois:
        path = layout.roi_image(roi.key, grid.space, grid.digest, resolution)
        data = np.zeros(grid.n_voxels, dtype=np.uint8 if whole(roi) else np.float32)
        data[roi.flat] = roi.weights
        atomic_write(path, gzip_bytes(nifti_bytes(grid, data, roi.key.label)))
        write_json(beside(path, ".json"), roi_sidecar(roi, grid, region_row(roi.key, regions.table)))
        images.append(path)
        others.append(beside(path, ".json"))
    for definition in dict.fromkeys(roi.key.definition for roi in regions.rois):
        own = [roi for roi in regions.rois if roi.key.definition == definition]
        path = layout.label_image(definition, grid.space, grid.digest, resolution)
        others += _write_labels(path, definition, grid, label_image(own, grid, regions.table))
    return images + others


def _write_labels(path: Path, definition: str, grid: Grid, image: LabelImage) -> list[Path]:
    paths = [path, beside(path, ".tsv"), beside(path, ".json")]
    if image.table.empty:
        for stale in paths:
            stale.unlink(missing_ok=True)
        return []
    atomic_write(path, gzip_bytes(nifti_bytes(grid, image.data, f"ROIs of {definition}")))
    atomic_write(paths[1], format_table(image.table).encode())
    write_json(paths[2], label_sidecar(definition, grid, image))
    return paths


def nifti_bytes(grid: Grid, data: NDArray[Any], text: str) -> bytes:
    """An image on a grid as an uncompressed NIfTI; ``data`` has a value per voxel, ``text`` is its description."""
    import nibabel

    image: Any = nibabel.Nifti1Image(data.reshape(grid.shape), grid.affine)
    code = "mni" if grid.space.startswith("MNI152") else "aligned"
    image.header.set_xyzt_units("mm")
    image.set_sform(grid.affine, code)
    image.set_qform(grid.affine, code)
    image.header["descrip"] = text.encode()[:79]
    return bytes(image.to_bytes())


def _names(key: RoiKey) -> tuple[str, str, str]:
    return key.region, key.hemisphere, key.definition


