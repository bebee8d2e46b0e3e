"""Voxels inside the ROIs, the whole way: planted voxels, bytes, resume, and the responses they belong to."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import deltaroi
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout
from deltaroi.masks import load_regions
from deltaroi.signal.session_map import load_maps
from deltaroi.tables import RESPONSES, SMALL_VOLUME
from deltaroi.types import RoiKey

Edit = Callable[[Path, str, str], None]
LABELS = [f"{group}{n:03d}" for group in (1, 2) for n in range(1, 14, 2)]  # every second subject has the other grid


def text_of(simulated: Path) -> str:
    """The tiny study with 7 subjects per group on one grid, and voxels."""
    text = (simulated / "study.yaml").read_text()
    for old, new in (("{training: 4, control: 4}", "{training: 14, control: 14}"),
                     ("task: faces,", f"task: faces, subjects: {LABELS},".replace("'", '"')),
                     ("{permutations: 200}", "{permutations: 2000, small_volume: true}"),
                     (', negative: "negative"', "")):
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def study(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated dataset on one grid, and a finished run of it."""
    root = tmp_path_factory.mktemp("voxels")
    (root / "study.yaml").write_text(text_of(simulated))
    deltaroi.simulate(root / "study.yaml", root, subjects=LABELS)
    assert command("run", root / "study.yaml", "--out", root / "out").returncode == 0
    return root


@pytest.fixture
def worked(study: Path, tmp_path: Path) -> Path:
    """A copy with the finished run, to be changed."""
    return Path(shutil.copytree(study, tmp_path / "study", copy_function=shutil.copy2))


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True,
                          check=False)


def table(root: Path) -> pd.DataFrame:
    return read_table(Layout(root / "out").table("small_volume"), SMALL_VOLUME).set_index(["region", "hemisphere"])


def tree(out: Path) -> dict[str, str]:
    files = [p for p in sorted(out.rglob("*")) if p.is_file() and p.relative_to(out).parts[0] != "logs"]
    return {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_planted_regions_are_found_and_no_other(study: Path) -> None:
    rows = table(study)
    for side in "LR":
        row = rows.loc[("AI", side)]
        assert row["p_holm"] < 0.05
        assert row["estimate"] > 0
        assert row["n_voxels_significant"] > 0
        assert (row["x_mm"] < 0) == (side == "L")
    for name in ("amygdala", "VTA"):
        assert (rows.loc[name, "p_peak"] > 0.05).all()
        assert (rows.loc[name, "n_voxels_significant"] == 0).all()


def test_the_maps_hold_what_the_table_says(study: Path) -> None:
    layout = Layout(study / "out")
    for (region, side), row in table(study).iterrows():
        key, digest = RoiKey(region, side, row["definition"]), row["grid_digest"]
        images = {name: nib.load(layout.voxel_map(key, row["contrast"], digest, name))
                  for name in ("z", "effect", "corrp")}
        data = {name: np.asarray(image.dataobj) for name, image in images.items()}
        (roi,) = (one for one in load_regions(layout.regions(digest)).rois if one.key == key)
        grid = load_regions(layout.regions(digest)).grid
        assert set(np.flatnonzero(data["z"])) <= set(roi.flat)
        assert np.count_nonzero(data["z"]) == row["n_voxels_tested"]
        np.testing.assert_allclose(images["z"].affine, grid.affine, atol=1e-6)
        at = tuple(np.round(grid.index(np.array([[row["x_mm"], row["y_mm"], row["z_mm"]]]))).astype(int)[0])
        assert abs(data["z"][at]) == np.abs(data["z"]).max()
        assert data["effect"][at] == pytest.approx(row["estimate"], rel=1e-6)
        assert data["corrp"][at] == pytest.approx(1 - row["p_peak"], rel=1e-6)
        assert (data["corrp"] > 0.95).sum() == row["n_voxels_significant"]
        assert row["extent_mm3"] == pytest.approx(row["n_voxels_significant"] * 216.0)


def test_the_mean_of_a_session_map_is_the_response(study: Path) -> None:
    """The strongest check there is: the same runs, scale and voxels as responses.tsv, whatever else happened."""
    layout = Layout(study / "out")
    names = ["subject", "session", "contrast", "region", "hemisphere", "definition"]
    responses = read_table(layout.table("responses"), RESPONSES).set_index(names)
    seen = 0
    for subject in LABELS:
        for one in load_maps(layout.subject_maps(subject)):
            row = responses.loc[(subject, one.session, one.contrast, one.key.region, one.key.hemisphere,
                                 one.key.definition)]
            weights = one.weights if row["summary"] == "weighted_mean" else np.ones(one.flat.size)
            assert weights @ one.values / weights.sum() == pytest.approx(row["value"], rel=1e-8)
            assert (one.flat.size, one.unit) == (row["n_voxels_used"], row["unit"])
            seen += 1
    assert seen == len(responses) == len(LABELS) * 2 * 6
    assert set(responses["summary"]) == {"mean", "weighted_mean"}


@pytest.mark.long
def test_jobs_do_not_change_a_byte(study: Path, tmp_path: Path) -> None:
    deltaroi.run(study / "study.yaml", tmp_path / "out", jobs=3)
    assert tree(tmp_path / "out") == tree(study / "out")


def test_a_second_run_does_nothing(worked: Path) -> None:
    deltaroi.run(worked / "study.yaml", worked / "out")
    before = tree(worked / "out")
    again = deltaroi.run(worked / "study.yaml", worked / "out")
    assert set(again.reran.values()) == {0}
    assert len(again.small_volume) == 6
    (worked / "out" / "group" / "small_volume.tsv").write_text("edited")
    assert deltaroi.run(worked / "study.yaml", worked / "out").reran["small-volume"] == 1
    assert tree(worked / "out") == before


@pytest.mark.parametrize(("old", "new", "again"), [
    ("permutations: 2000", "permutations: 2001", 1),
    ("{permutations", "{equivalence_bounds_d: 0.5, permutations", 0),
    ("regions: {", "summary: median\nregions: {", 0),
    ("hemispheres: [L, R]", "hemispheres: [L, R], minimum_coverage: 0.4", 15),
])
def test_what_a_change_tests_again(worked: Path, edit: Edit, old: str, new: str, again: int) -> None:
    deltaroi.run(worked / "study.yaml", worked / "out", until="effects")
    edit(worked, old, new)
    result = deltaroi.run(worked / "study.yaml", worked / "out", until="effects")
    assert result.reran["small-volume"] == again


def test_what_was_switched_off_does_not_stay(worked: Path, edit: Edit) -> None:
    assert any(path.name.startswith("small_volume") for path in (worked / "out" / "group").iterdir())
    edit(worked, ", small_volume: true", "")
    deltaroi.run(worked / "study.yaml", worked / "out", until="effects")
    assert not any(path.name.startswith("small_volume") for path in (worked / "out" / "group").iterdir())


@pytest.mark.long
def test_on_different_grids_nothing_is_tested_and_check_foresees_it(tiny: Path, tmp_path: Path, edit: Edit) -> None:
    edit(tiny, "{permutations: 200}", "{permutations: 200, small_volume: true}")
    asked = command("check", tiny / "study.yaml")
    assert asked.returncode == 0
    assert "12 × the subjects lie on different grids" in asked.stdout
    dry = command("run", tiny / "study.yaml", "--out", tmp_path / "out", "--dry-run")
    assert [line.split()[:2] for line in dry.stdout.splitlines() if "small-volume" in line] == [["small-volume", "9"]]
    result = deltaroi.run(tiny / "study.yaml", tmp_path / "out")
    rows = result.exclusions[result.exclusions["stage"] == "small-volume"]
    assert len(rows) == 12  # six ROIs, two contrasts
    assert set(rows["value"]) == {"2 grids"}
    assert result.small_volume.empty
    assert result.exit_code == 0


@pytest.mark.long
def test_the_output_is_a_bids_derivative_dataset(study: Path) -> None:
    words = [Path(sys.executable).parent / "bids-validator-deno", study / "out", "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert any((study / "out" / "group" / "small_volume").iterdir())
    assert [issue for issue in issues if issue["severity"] == "error"] == []
