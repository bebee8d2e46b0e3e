"""What is written is a BIDS derivative dataset: bids-validator-deno, offline from its wheel, agrees."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import bidsschematools
import nibabel as nib
import numpy as np
import pytest

import deltaroi
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout, beside
from deltaroi.masks import load_regions
from deltaroi.pipeline.record import BIDSIGNORE, BIDSIGNORE_OF_REGIONS
from deltaroi.tables import REGIONS

FROZEN = ("report.html", "methods.md", "cobidas.json", "group", "logs", "sub-*")
FROZEN_OF_REGIONS = ("regions.tsv", "regions.json", "exclusions.tsv", "exclusions.json")
NEWER = Path(bidsschematools.__file__).parent / "data" / "schema.json"
MINE = "tpl-MNI152NLin2009cAsym/anat/tpl-MNI152NLin2009cAsym_atlas-Mine_res-4mm_label-AIL_desc-mine_probseg"
WORDS = ("regions", "build", "--regions", "amygdala,AI,VTA", "--resolution", "4")
RICH = """regions:
  include: [amygdala, AI, AI_MI, VTA, {region: amygdala, definition: aal3, hemispheres: [B, L, R]}, my_sphere]
  hemispheres: [L, R]
  custom: {my_sphere: {sphere: {L: [-24, -2, -16], R: [24, -2, -16]}, radius_mm: 6}}"""


def errors(folder: Path, *options: str) -> list[dict[str, Any]]:
    validator = Path(sys.executable).parent / "bids-validator-deno"
    words = [validator, folder, "--format", "json", *options]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in issues if issue["severity"] == "error"]


def foreign(folder: Path, bare: Path, known: tuple[str, ...]) -> list[str]:
    """Places with an error in a copy without ``.bidsignore`` that the list does not name.

    A JSON file that BIDS does not know is also called a sidecar without its data file.
    """
    shutil.copytree(folder, bare)
    (bare / ".bidsignore").unlink()
    found = errors(bare)
    assert {issue["code"] for issue in found} <= {"NOT_INCLUDED", "SIDECAR_WITHOUT_DATAFILE"}
    places = {issue["location"].strip("/") for issue in found}
    assert places
    return [place for place in places if not any(fnmatch(place.split("/")[0], pattern) for pattern in known)]


@pytest.fixture(scope="module")
def output(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two definitions, weights, both hemispheres, a sphere of the study file, and three grids.

    The simulator writes two grids (one with a negative x step); a run without its last slice has a third, of the same
    template and voxel size.
    """
    root = Path(shutil.copytree(simulated, tmp_path_factory.mktemp("bids") / "tiny"))
    study = root / "study.yaml"
    old = next(line for line in study.read_text().splitlines() if line.startswith("regions:"))
    study.write_text(study.read_text().replace(old, RICH))
    (run, *_) = sorted(root.glob("derivatives/fmriprep/sub-*/ses-post/func"))
    for kind in ("preproc_bold", "brain_mask"):
        (path,) = run.glob(f"*desc-{kind}.nii.gz")
        image = nib.load(path)
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[:, :, :-1], image.affine, image.header), path)
    deltaroi.run(study, root / "out", until="report")
    return root / "out"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ROIs alone."""
    out = tmp_path_factory.mktemp("built") / "out"
    build(out)
    return out


def build(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [*WORDS, "--out", str(out), *options]
    return subprocess.run([sys.executable, "-m", "deltaroi", *words], capture_output=True, text=True, check=False)


def test_the_list_of_what_bids_does_not_know_is_frozen(output: Path, built: Path) -> None:
    assert BIDSIGNORE == FROZEN
    assert (output / ".bidsignore").read_text().splitlines() == list(FROZEN)
    assert BIDSIGNORE_OF_REGIONS == FROZEN_OF_REGIONS
    assert (built / ".bidsignore").read_text().splitlines() == list(FROZEN_OF_REGIONS)


def test_a_folder_of_rois_is_a_dataset_of_its_own(built: Path, tmp_path: Path) -> None:
    """With the schema in the validator's wheel (BIDS 1.11.1) and with that of bidsschematools (1.11.2)."""
    assert errors(built) == []
    assert errors(built, "--schema", NEWER.as_uri()) == []
    assert foreign(built, tmp_path / "bare", FROZEN_OF_REGIONS) == []


def test_the_images_of_a_run_are_its_rois(output: Path) -> None:
    """Voxel for voxel, on every grid; every row of ``regions.tsv`` has its image and its sidecar."""
    layout = Layout(output)
    table = read_table(layout.table("regions"), REGIONS)
    assert table["grid_digest"].nunique() == 3
    assert set(table["definition"]) == {"hcpex", "aal3", "custom"}
    for digest in set(table["grid_digest"]):
        found = load_regions(layout.regions(digest))
        for roi in found.rois:
            path = layout.roi_image(roi.key, found.grid.space, digest)
            image = nib.load(path)
            data = np.asarray(image.dataobj)
            expected = np.zeros(found.grid.n_voxels, np.float32)
            expected[roi.flat] = roi.weights
            np.testing.assert_array_equal(data, expected.reshape(found.grid.shape))
            np.testing.assert_allclose(image.affine, found.grid.affine, atol=1e-6)
            said = json.loads(beside(path, ".json").read_text())["ROI"]
            assert (said["region"], said["hemisphere"], said["grid_digest"]) == (*roi_names(roi.key), digest)
    assert {path.name for path in output.glob("atlas-*")} == {
        f"atlas-{name}_description.json" for name in ("hcpex", "aal3", "custom")}


def roi_names(key: Any) -> tuple[str, str]:
    return key.region, key.hemisphere


def test_regions_are_not_written_over_other_datasets(output: Path, built: Path, tmp_path: Path) -> None:
    (tmp_path / "dataset_description.json").write_text('{"Name": "mine", "BIDSVersion": "1.8.0"}')
    for folder, what in ((tmp_path, "another dataset"), (output, "the results of a study")):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        done = build(folder)
        assert done.returncode == 2
        assert what in done.stderr
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    with pytest.raises(deltaroi.DeltaroiError, match="regions build"):
        deltaroi.run(output.parent / "study.yaml", built)


@pytest.mark.parametrize("name", ["regions.tsv", "regions.json", "exclusions.tsv", "exclusions.json",
                                  "atlas-Mine_description.json", f"{MINE}.nii.gz", f"{MINE}.json"])
def test_regions_are_not_written_beside_what_could_be_taken_for_them(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("years of work")
    done = build(tmp_path)
    assert done.returncode == 2
    assert f"holds {name}, which `deltaroi regions build` did not write" in done.stderr
    assert "--out" in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    assert (tmp_path / name).read_text() == "years of work"


def test_what_others_put_among_the_regions_stays(tmp_path: Path) -> None:
    build(tmp_path)
    ours = Layout(tmp_path).atlas_files()
    others = [tmp_path / "atlas-Mine_description.json", tmp_path / f"{MINE}.nii.gz", tmp_path / f"{MINE}.json"]
    for path in others:
        path.write_text("years of work")
    assert build(tmp_path, "--definition", "aal3").returncode == 0
    assert not any(path.exists() for path in ours)
    assert [path.read_text() for path in others] == ["years of work"] * 3


def test_regions_whose_writing_was_interrupted_are_written_again(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "deltaroi", *WORDS, "--out", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not Layout(tmp_path).atlas_files():
            time.sleep(0.001)
        process.kill()
    done = build(tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.glob("*.tsv")} == {"regions.tsv", "exclusions.tsv"}


def test_regions_built_again_take_the_place_of_the_old(tmp_path: Path) -> None:
    build(tmp_path / "out")
    assert build(tmp_path / "out", "--definition", "aal3").returncode == 0
    assert build(tmp_path / "new", "--definition", "aal3").returncode == 0
    trees = [{path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
             for out in (tmp_path / "out", tmp_path / "new")]
    assert trees[0] == trees[1]


@pytest.mark.long
def test_the_validator_finds_no_error(output: Path) -> None:
    assert errors(output) == []
    assert errors(output, "--schema", NEWER.as_uri()) == []


@pytest.mark.long
def test_without_the_list_only_those_paths_are_foreign(output: Path, tmp_path: Path) -> None:
    assert foreign(output, tmp_path / "bare", FROZEN) == []
