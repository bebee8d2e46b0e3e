"""Which files decide the ROIs: the user's, and downloads whose hash nobody recorded."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from deltaroi import atlas, masks
from deltaroi.errors import DataError
from deltaroi.specs import Regions

SPACE = "MNI152NLin2009cAsym"
AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
PAULI = "pauli_2017/pauli_2017_prob.nii.gz"


def regions(**content: Any) -> Regions:
    return Regions.model_validate_json(json.dumps(content))


def save_pauli(folder: Path, x: slice, value: float = 0.8) -> Path:
    """Sixteen simulated maps, alike, with a box on the left side."""
    data = np.zeros((91, 109, 91, 16), np.float32)
    data[x, 50:56, 30:36] = value
    path = folder / PAULI
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, AFFINE)
    image.set_sform(AFFINE, "mni")
    nib.save(image, path)
    return path


def test_all_files_of_the_user(tmp_path: Path) -> None:
    asked = regions(include=["a"], custom={
        "a": {"mask": "a.hdr", "space": SPACE}, "b": {"mask": "/b/b.nii", "space": SPACE},
        "c": {"labels": "c.nii.gz", "table": "c.tsv", "names": {"L": ["x"]}, "space": SPACE}})
    found = masks.region_files(asked, tmp_path, SPACE)
    assert [str(path.relative_to(tmp_path)) if path.is_relative_to(tmp_path) else str(path) for path in found] == [
        "/b/b.nii", "a.hdr", "a.img", "a.mat", "c.nii.gz", "c.tsv"]


def test_odd_paths_are_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "m.nii").symlink_to("m.nii")
    asked = regions(include=["a"], custom={"a": {"mask": "m.nii", "space": SPACE},
                                           "b": {"mask": "~nobody_of_that_name/m.nii", "space": SPACE}})
    assert len(masks.region_files(asked, tmp_path, SPACE)) == 2


@pytest.mark.parametrize("content", [
    {"include": ["VTA"], "definition": "pauli2017"},
    {"include": [{"region": "VTA", "definition": ["hcpex", "pauli2017"]}]},
    {"include": ["it"], "custom": {"it": {"combine": {"op": "union", "of": ["VTA.hcpex", "inner"]}},
                                   "inner": {"combine": {"op": "intersect", "of": ["VTA.pauli2017", "VTA.hcpex"]}}}},
    {"include": ["it"], "custom": {"it": {"functional": {
        "within": "VTA.pauli2017", "contrast": "c", "strongest": 5, "select_from": "other_runs"}}}},
])
def test_downloads_without_a_recorded_hash(nilearn_data: Path, content: dict[str, Any], tmp_path: Path) -> None:
    asked = regions(**content)
    assert masks.region_files(asked, tmp_path, SPACE) == ()
    path = save_pauli(nilearn_data, slice(52, 60))
    assert masks.region_files(asked, tmp_path, SPACE) == (path,)


def test_a_download_that_is_replaced_is_read_again(nilearn_data: Path) -> None:
    centres = []
    for at in (slice(52, 60), slice(58, 66)):
        path = save_pauli(nilearn_data, at)
        os.utime(path, ns=(at.start, at.start))
        source = atlas.find("VTA", "L", "pauli2017")
        drawn = atlas.native_weights(source)
        centres.append(float(drawn.affine[0, 3]))
        digest = atlas.fingerprint(source.shape.image)  # type: ignore[union-attr]
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert centres[1] == centres[0] - 12


@pytest.mark.parametrize(("value", "message"), [(80.0, "from 0 to 80, where 1 should mean probability 1"),
                                                (0.01, "from 0 to 0.01"), (np.nan, "from nan to nan"),
                                                (-0.5, "from -0.5 to 0")])
def test_values_that_are_no_probabilities(nilearn_data: Path, value: float, message: str) -> None:
    save_pauli(nilearn_data, slice(52, 60), value)
    with pytest.raises(DataError) as caught:
        atlas.native_weights(atlas.find("VTA", "L", "pauli2017"))
    assert caught.value.where == PAULI
    assert message in caught.value.message
