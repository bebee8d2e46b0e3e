"""The BIDS atlas files: label images, tables, sidecars, descriptions, and which grid is which."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import bidsschematools
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from deltaroi import atlas, masks
from deltaroi.grid import Grid
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout, beside, resolution_label
from deltaroi.masks import RegionSet, bids
from deltaroi.specs import Combine, CombineRoi, Regions, SphereRoi
from deltaroi.tables import REGIONS
from deltaroi.types import RoiKey, camel

SPACE = "MNI152NLin2009cAsym"
GRID = masks.grid_for(SPACE, 3)


def built(grid: Grid = GRID, **fields: Any) -> RegionSet:
    return masks.build_regions(Regions(**fields), grid, base=Path())


def read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def overlapping() -> RegionSet:
    """AI_MI holds AI, B holds L and R, and the VTA fills no voxel of 3 mm to one half."""
    return built(include=["AI", "AI_MI", "VTA", "pACC"], hemispheres=["B", "L", "R"])


def test_label_image_holds_what_does_not_overlap(overlapping: RegionSet, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    masks.write_roi_images(overlapping, layout)
    path = layout.label_image("hcpex", SPACE, GRID.digest)
    image, table = nib.load(path), read_table(beside(path, ".tsv"), bids.LABELS)
    assert image.get_data_dtype() == np.int16
    np.testing.assert_array_equal(image.affine, GRID.affine)
    assert table["name"].tolist() == ["AI-L", "AI-R", "pACC-L", "pACC-R"]
    assert table["index"].tolist() == [1, 2, 3, 4]
    data = np.asarray(image.dataobj).ravel()
    drawn = {roi.key: roi for roi in overlapping.rois}
    for row in table.to_dict("records"):
        roi = drawn[RoiKey(row["region"], row["hemisphere"], row["definition"])]
        assert set(np.flatnonzero(data == row["index"])) <= set(roi.flat)
        assert (data == row["index"]).sum() == row["n_voxels_labelled"] >= 0.9 * row["n_voxels"]
    left = read_json(beside(path, ".json"))["LeftOut"]
    assert set(left) == {"AI-B", "AI_MI-L", "AI_MI-R", "AI_MI-B", "pACC-B", "VTA-L", "VTA-R", "VTA-B"}
    assert left["VTA-L"] == "fills no voxel to one half"
    assert "of its 196 voxels belong to other ROIs" in left["AI_MI-L"]


def test_both_hemispheres_are_labelled_where_nothing_else_is(tmp_path: Path) -> None:
    found = built(include=["amygdala"], hemispheres=["B"])
    image = bids.label_image(found.rois, GRID, found.table)
    assert (image.table["name"].tolist(), dict(image.left_out)) == (["amygdala-B"], {})


def test_no_label_image_of_rois_that_fill_no_voxel(tmp_path: Path) -> None:
    found = built(include=["VTA"])
    layout = Layout(tmp_path)
    written = masks.write_roi_images(found, layout)
    assert not [path for path in written if "dseg" in path.name]
    assert len(written) == 4
    assert sorted(written) == layout.atlas_files()


def test_weights_add_up_in_the_image_of_a_small_roi(overlapping: RegionSet, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    masks.write_roi_images(overlapping, layout)
    path = layout.roi_image(RoiKey("VTA", "L", "hcpex"), SPACE, GRID.digest)
    data = np.asarray(nib.load(path).dataobj)
    assert data.dtype == np.float32
    assert 0 < data.max() < 0.5
    assert data.sum() * 27 == pytest.approx(44, rel=1e-3)  # mm3: hcpex has 44 voxels of 1 mm
    said = read_json(beside(path, ".json"))
    assert said["Resolution"] == "3 x 3 x 3 mm, 65 x 77 x 65 voxels"
    assert "weight" in said["Description"]
    assert said["ROI"]["volume_mm3"] == pytest.approx(44, rel=1e-3)
    assert said["ROI"]["licence"]
    assert "SpatialReference" not in said


def test_nilearn_reads_them(overlapping: RegionSet, tmp_path: Path) -> None:
    """The label image with its table, and an ROI without weights, go into nilearn's maskers as they are."""
    from nilearn.maskers import NiftiLabelsMasker, NiftiMasker

    layout = Layout(tmp_path)
    masks.write_roi_images(overlapping, layout)
    x = GRID.world(GRID.unravel(np.arange(GRID.n_voxels)))[:, 0].reshape(GRID.shape)
    picture = nib.Nifti1Image(np.stack([x, x], axis=-1).astype(np.float32), GRID.affine)
    path = layout.label_image("hcpex", SPACE, GRID.digest)
    table = pd.read_csv(beside(path, ".tsv"), sep="\t")
    labels = NiftiLabelsMasker(path, lut=table[["index", "name"]], resampling_target=None, standardize=None)
    np.testing.assert_allclose(labels.fit_transform(picture)[0], table["x_mm"], atol=0.1)
    image = layout.roi_image(RoiKey("AI", "L", "hcpex"), SPACE, GRID.digest)
    values = NiftiMasker(image, standardize=None).fit_transform(picture)
    (row,) = overlapping.table.query("region == 'AI' and hemisphere == 'L'").to_dict("records")
    assert values.shape[1] == row["n_voxels"]
    assert values.mean() == pytest.approx(row["x_mm"], abs=1e-3)


def test_two_grids_of_one_space_and_voxel_size_stay_apart(tmp_path: Path) -> None:
    """Also one whose first slice is gone: same template, same millimetres, other voxels."""
    shifted = Grid((*GRID.shape[:2], GRID.shape[2] - 1), GRID.affine, SPACE)
    coarse = masks.grid_for(SPACE, 4)
    layout = Layout(tmp_path)
    sets = [built(grid, include=["amygdala", "VTA"]) for grid in (GRID, shifted, coarse)]
    written = [masks.write_roi_images(found, layout) for found in sets]
    assert len({path for paths in written for path in paths}) == sum(map(len, written))
    for found, paths in zip(sets, written, strict=True):
        for roi, path in zip(found.rois, paths, strict=False):
            assert layout.roi_image(roi.key, SPACE, found.grid.digest) == path
            assert nib.load(path).shape == found.grid.shape
    bids.write_descriptions(pd.concat([found.table for found in sets]), layout)
    every = {path for paths in written for path in paths}
    assert {*every, layout.atlas_description("hcpex")} == set(layout.atlas_files())


def test_descriptions_name_licence_and_citation_and_sweep_what_is_not_in_the_table(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    sphere = SphereRoi(sphere={"R": (24, -2, -16)}, radius_mm=6)
    old = built(include=["amygdala", "VTA"], definition=["hcpex", "aal3"])
    new = built(include=["amygdala", "my_sphere"], hemispheres=["R"], custom={"my_sphere": sphere})
    masks.write_roi_images(old, layout)
    bids.write_descriptions(old.table, layout)
    assert layout.atlas_description("aal3").is_file()
    foreign = layout.atlas_files()[-1].parent / f"tpl-{SPACE}_atlas-Mine_res-3mm_label-AIL_desc-mine_probseg.nii.gz"
    write_table(old.table, REGIONS, tmp_path / "regions.tsv")
    earlier = bids.files_of(tmp_path / "regions.tsv", layout)
    assert earlier >= set(layout.atlas_files())
    foreign.write_bytes(b"")
    written = masks.write_roi_images(new, layout)
    bids.write_descriptions(new.table, layout, earlier)
    descriptions = {layout.atlas_description("hcpex"), layout.atlas_description("custom")}
    assert set(layout.atlas_files()) == {*written, *descriptions, foreign}
    said = read_json(layout.atlas_description("hcpex"))
    assert said["Name"] == "hcpex"
    assert "GPL-3.0" in said["License"]
    assert "doi:10.1007/s00429-021-02421-6" in said["ReferencesAndLinks"][0]
    assert len(said["SourceImages"][0]["sha256"]) == 64
    assert read_json(layout.atlas_description("custom"))["License"]


@pytest.mark.parametrize("text", [None, "mine\n", "region\themisphere\nAI\tL\tx\n"])
def test_a_table_that_names_no_files(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "regions.tsv").write_text(text)
    assert bids.files_of(tmp_path / "regions.tsv", Layout(tmp_path)) == set()


def test_every_licence_and_citation_is_named_once(tmp_path: Path) -> None:
    union = CombineRoi(combine=Combine(op="union", of=["amygdala.hcpex", "amygdala.aal3"]))
    again = CombineRoi(combine=Combine(op="minus", of=["both", "VTA.hcpex"]))
    found = built(include=["both", "again"], custom={"both": union, "again": again})
    masks.write_roi_images(found, Layout(tmp_path))
    bids.write_descriptions(found.table, Layout(tmp_path))
    said = read_json(Layout(tmp_path).atlas_description("custom"))
    assert said["License"] == "GPL (AAL readme); GPL-3.0 (HCPex repository)"
    assert [text.split(" ")[0] for text in said["ReferencesAndLinks"]] == ["Huang", "Rolls"]


def test_functional_rois_say_that_the_image_is_not_the_chosen_voxels(overlapping: RegionSet) -> None:
    (roi, *_) = overlapping.rois
    for definition, said in (("functional", True), ("circular", True), ("hcpex", False)):
        key = replace(roi.key, definition=definition)
        text = bids.roi_sidecar(replace(roi, key=key), GRID, {})["Description"]
        assert ("not the chosen voxels" in text) == said


@pytest.mark.parametrize(("space", "label"), [("not stated", "notStated"), ("../T1w", "T1w"), ("日本", "other")])
def test_odd_spaces_get_a_label_and_a_spatial_reference(space: str, label: str, tmp_path: Path) -> None:
    found = built(include=["amygdala"])
    elsewhere = replace(found, grid=Grid(GRID.shape, GRID.affine, space), table=found.table.assign(space=space))
    (image, *_) = masks.write_roi_images(elsewhere, Layout(tmp_path))
    assert image.relative_to(tmp_path).parts[:2] == (f"tpl-{label}", "anat")
    said = read_json(beside(image, ".json"))
    assert (said["SpatialReference"], said["Space"]) == ("orig", space)


def test_standard_spaces_are_those_of_bids() -> None:
    schema = json.loads((Path(bidsschematools.__file__).parent / "data" / "schema.json").read_text())
    known = set(schema["objects"]["enums"]["_StandardTemplateCoordSys"]["enum"])
    assert known - {"fsaverage", "fsaverageSym", "fsLR"} == bids.STANDARD_SPACES


@pytest.mark.parametrize(("sizes", "label"), [((2, 2, 2), "2mm"), ((3, 3, 4), "3x3x4mm"), ((2.4, 2.4, 2.4), "2p4mm")])
def test_voxel_sizes_in_names(sizes: tuple[float, float, float], label: str) -> None:
    assert resolution_label(Grid((4, 4, 4), np.diag([*sizes, 1.0]), SPACE)) == label


def test_no_two_regions_or_definitions_of_the_library_have_one_label() -> None:
    """As on a file system that does not tell capitals; for names of the study file the study file is refused."""
    names = {definition.name for definition in atlas.library()} | {"custom", "functional", "circular"}
    assert len({camel(name).lower() for name in names}) == len(names)
    for definition in atlas.library():
        assert len({camel(name).lower() for name in definition.regions}) == len(definition.regions), definition.name


def test_the_image_of_an_roi_that_is_not_there_has_a_name_without_a_file(tmp_path: Path) -> None:
    assert not Layout(tmp_path).roi_image(RoiKey("AI", "L", "hcpex"), SPACE, GRID.digest).exists()
