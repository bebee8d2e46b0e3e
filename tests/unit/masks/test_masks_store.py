"""The regions artefact and the ROI images."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from deltaroi import masks
from deltaroi.errors import DataError
from deltaroi.grid import Grid
from deltaroi.io.files import write_npz
from deltaroi.layout import Layout
from deltaroi.specs import Regions

SPACE = "MNI152NLin2009cAsym"
SLAB = Grid((65, 77, 20), masks.grid_for(SPACE, 3).affine, SPACE)


@pytest.fixture(scope="module")
def found() -> masks.RegionSet:
    return masks.build_regions(Regions(include=["VTA", "amygdala", "dmPFC"], definition="aal3"), SLAB, base=Path())


def test_round_trip_and_same_bytes(found: masks.RegionSet, tmp_path: Path) -> None:
    masks.save_regions(tmp_path / "a.npz", found)
    back = masks.load_regions(tmp_path / "a.npz")
    assert back.grid.digest == found.grid.digest
    assert [(r.key, r.rule) for r in back.rois] == [(r.key, r.rule) for r in found.rois]
    for one, two in zip(back.rois, found.rois, strict=True):
        np.testing.assert_array_equal(one.flat, two.flat)
        np.testing.assert_array_equal(one.weights, two.weights)
    pd.testing.assert_frame_equal(back.table, found.table)
    assert back.exclusions == found.exclusions
    assert len(back.exclusions) == 2
    assert back.notes == found.notes
    masks.save_regions(tmp_path / "b.npz", back)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_empty_set_survives(tmp_path: Path) -> None:
    far = np.diag([3.0, 3, 3, 1])
    far[:3, 3] = 500
    empty = masks.build_regions(Regions(include=["VTA"]), Grid((5, 5, 5), far, SPACE), base=Path())
    masks.save_regions(tmp_path / "a.npz", empty)
    back = masks.load_regions(tmp_path / "a.npz")
    assert back.rois == ()
    assert back.exclusions == empty.exclusions


def test_images_hold_the_weights(found: masks.RegionSet, tmp_path: Path) -> None:
    one, two = Layout(tmp_path / "one"), Layout(tmp_path / "two")
    paths, again = masks.write_roi_images(found, one), masks.write_roi_images(found, two)
    assert {path.relative_to(one.root) for path in paths} == {path.relative_to(two.root) for path in again}
    for path, other in zip(paths, again, strict=True):
        assert path.read_bytes() == other.read_bytes()
        assert path.suffix != ".gz" or path.read_bytes()[4:8] == bytes(4)  # no time in the header of gzip
    for roi, path in zip(found.rois, paths[: len(found.rois)], strict=True):
        assert path == one.roi_image(roi.key, SPACE, SLAB.digest)
        image = nib.load(path)
        assert image.shape == SLAB.shape
        np.testing.assert_array_equal(image.affine, SLAB.affine)
        assert image.get_data_dtype() == (np.uint8 if roi.rule == "majority" else np.float32)
        data = np.asarray(image.dataobj).ravel()
        np.testing.assert_array_equal(np.flatnonzero(data), roi.flat)
        np.testing.assert_array_equal(data[roi.flat], roi.weights.astype(np.float32))
    assert {roi.rule for roi in found.rois} == {"majority", "fill_weight"}


def test_names_are_those_of_a_bids_atlas(found: masks.RegionSet, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in masks.write_roi_images(found, layout)}
    start = f"tpl-{SPACE}/anat/tpl-{SPACE}_atlas-aal3_res-3mm_"
    end = f"desc-{SLAB.digest[:8]}"
    assert f"{start}label-VTAL_{end}_probseg.nii.gz" in names
    assert f"{start}label-VTAL_{end}_probseg.json" in names
    assert {f"{start}{end}_dseg{ending}" for ending in (".nii.gz", ".tsv", ".json")} <= names
    assert all(name.startswith(start) for name in names)
    assert sorted(tmp_path / name for name in names) == layout.atlas_files()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 broken"])
def test_broken_artefact(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="not a regions artefact"):
        masks.load_regions(tmp_path / "a.npz")


def test_artefact_of_another_version(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", {"text": np.frombuffer(b'{"version": 99}', dtype=np.uint8)})
    with pytest.raises(DataError, match="version 99"):
        masks.load_regions(tmp_path / "a.npz")
