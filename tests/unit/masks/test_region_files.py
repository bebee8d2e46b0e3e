"""Which files decide the ROIs: the user's, and downloads whose hash nobody recorded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
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


STATE = """
import json
from deltaroi import masks
from deltaroi.specs import Regions
print(json.dumps(masks.library_state(Regions.model_validate_json('''{}'''), "MNI152NLin2009cAsym")))
"""
MANY = {
    "hemispheres": ["L"], "threshold": 0.5,
    "include": ["amygdala", {"region": "VTA", "definition": "cit168"}, "joined", "chosen", "point", "jittered",
                {"region": "amygdala", "definition": ["metasphere", "harvard_oxford"]},
                {"region": "AI", "definition": "lutz2008sphere", "hemispheres": ["R"]}],
    "custom": {
        "joined": {"combine": {"op": "union", "of": ["inner", "pACC.hcpex.R"]}},
        "inner": {"combine": {"op": "minus", "of": ["AI.hcpex", "amygdala.harvard_oxford"]}},
        "chosen": {"functional": {"within": "mOFC.hcpex", "contrast": "c", "strongest": 5,
                                  "select_from": "other_runs"}},
        "point": {"sphere": {"L": [-24, -2, -16]}},
        "jittered": {"sphere": {"L": [-24, -2, -16]}, "space": "Talairach"},
    },
}
ATLAS, OXFORD = "hcpex.yaml", "harvard_oxford.yaml"
ADDED = "kind: addition\nto: hcpex\nregions: {joined: {title: x, ids: {L: [1], R: [2]}, rule: majority}}\n"


def rois_of(atlases: dict[str, str], root: Path) -> dict[str, Any]:
    """What the library of a checkout says of :data:`MANY`; some data files are other ones."""
    checkout = Path(__file__).parents[3]
    for folder in ("src", "atlases", "configs"):
        shutil.copytree(checkout / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(checkout / "pyproject.toml", root)
    for name, text in atlases.items():
        (root / "atlases" / name).write_text(text)
    done = subprocess.run([sys.executable, "-c", STATE.format(json.dumps(MANY))], capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": str(root / "src")})
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("file", "old", "new", "rois"), [
    (ATLAS, "ids: {L: [387], R: [420]}", "ids: {L: [387, 68], R: [420]}", {"amygdala-L_hcpex"}),
    (ATLAS, "ids: {L: [69, 68], R: [249, 248]}", "ids: {L: [69], R: [249]}", {"joined-L_custom"}),  # AI
    (ATLAS, "ids: {L: [140, 144, 146], R: [320, 324, 326]}", "ids: {L: [140], R: [320]}", {"joined-L_custom"}),  # pACC
    (ATLAS, "ids: {L: [157, 134, 135, 149], R: [337, 314, 315, 329]}", "ids: {L: [157], R: [337]}",
     {"chosen-L_functional"}),  # mOFC
    (ATLAS, "ids: {L: [388], R: [421]}", "ids: {L: [388, 3], R: [421]}", {"VTA-L_cit168"}),  # SNc, which is cut out
    (ATLAS, "ids: {L: [390], R: [423]}", "ids: {L: [390, 3], R: [423]}", set()),  # VTA, which is not asked for
    (OXFORD, "scale: 100", "scale: 50", {"amygdala-L_harvard_oxford", "joined-L_custom"}),
    ("metasphere.yaml", "radius_mm: 6", "radius_mm: 5", {"amygdala-L_metasphere"}),
    ("lutz2008sphere.yaml", "space: Talairach", "space: MNI152", {"AI-R_lutz2008sphere"}),
    ("spaces.yaml", "offset: not stated by the source", "offset: up to 5 mm",
     {"amygdala-L_metasphere", "AI-R_lutz2008sphere", "point-L_custom", "jittered-L_custom"}),
    ("spaces.yaml", "offset: right hemisphere 3-5 mm more lateral", "offset: unknown", set()),  # of Colin27
])
def test_what_an_edit_of_a_data_file_says_anew(file: str, old: str, new: str, rois: set[str], tmp_path: Path) -> None:
    """Exactly the ROIs that are drawn from what was edited, directly or through others."""
    text = (Path(__file__).parents[3] / "atlases" / file).read_text()
    assert text.count(old) == 1
    before = masks.library_state(regions(**MANY), SPACE)
    after = rois_of({file: text.replace(old, new)}, tmp_path / "checkout")
    assert {roi for roi in before["rois"] if before["rois"][roi] != after["rois"][roi]} == rois
    assert after["notes"] == before["notes"]


def test_a_region_that_an_own_roi_now_hides_is_a_new_note(tmp_path: Path) -> None:
    before = masks.library_state(regions(**MANY), SPACE)
    after = rois_of({"hcpex_more.yaml": ADDED}, tmp_path / "checkout")
    assert after["rois"] == before["rois"]
    assert set(after["notes"]) - set(before["notes"]) == {
        "joined is the ROI of that name in regions.custom, not the region of hcpex"}


def test_the_threshold_of_the_study_reaches_the_parts() -> None:
    before, after = (masks.library_state(regions(**{**MANY, "threshold": t}), SPACE)["rois"] for t in (0.5, 0.6))
    assert {roi for roi in before if before[roi] != after[roi]} == {"amygdala-L_harvard_oxford", "joined-L_custom"}
