"""Every data file of the library: names, sources, ids, volumes."""

from __future__ import annotations

import re
from importlib.metadata import version

import numpy as np
import pytest

from deltaroi import atlas
from deltaroi.atlas.definitions import LabelsDefinition, SpheresDefinition
from deltaroi.atlas.files import definition_files
from deltaroi.resources import resource
from deltaroi.specs import Hemisphere

LIBRARY = {d.name: d for d in atlas.library()}
LABELS = [d for d in LIBRARY.values() if isinstance(d, LabelsDefinition)]
SPHERES = [d for d in LIBRARY.values() if isinstance(d, SpheresDefinition)]
SEVEN = ("amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "VTA")
LABEL_ROIS = [(d.name, region, side) for d in LABELS for region, sides in d.contents() for side in sides]


def test_one_definition_per_file_named_like_it() -> None:
    assert sorted(LIBRARY) == sorted(path.stem for path in definition_files())
    assert {"hcpex", "aal3", "bzdok2012sphere"} <= set(LIBRARY)


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_licence_and_citation(name: str) -> None:
    definition = LIBRARY[name]
    assert definition.licence.strip()
    assert definition.title.strip()
    titles = [region.title for region in definition.regions.values()]
    assert len(set(titles)) == len(titles)
    if name != "metasphere":
        assert re.search(r"\(\d{4}\)\. .+ doi:10\.\d{4,}/\S+$", definition.citation), definition.citation


def test_only_metasphere_has_regions_without_a_publication_and_says_so() -> None:
    definition = LIBRARY["metasphere"]
    assert isinstance(definition, SpheresDefinition)
    assert "not recorded" in definition.citation
    for region in definition.regions.values():
        assert region.citation is None or "doi:10." in region.citation


@pytest.mark.parametrize("region", SEVEN)
@pytest.mark.parametrize("definition", ["hcpex", "aal3"])
def test_the_seven_regions(definition: str, region: str) -> None:
    assert atlas.sides_of(region, definition) == ("L", "R", "B")


@pytest.mark.parametrize(("definition", "region", "side"), LABEL_ROIS)
def test_expected_volume_side_and_rule(definition: str, region: str, side: Hemisphere) -> None:
    found = LIBRARY[definition]
    assert isinstance(found, LabelsDefinition)
    native = atlas.native_weights(atlas.find(region, side, definition))
    assert set(np.unique(native.weights)) <= {0.0, 1.0}
    assert native.weights.sum() == found.regions[region].volume_mm3[side]
    assert abs(np.linalg.det(native.affine[:3, :3])) == 1.0
    x = (np.argwhere(native.weights) @ native.affine[0, :3] + native.affine[0, 3])
    assert (x < 0).all() if side == "L" else (x > 0).all() if side == "R" else (x.min() < 0 < x.max())
    smallest = min(found.regions[region].volume_mm3.values())
    assert found.regions[region].rule == ("fill_weight" if smallest < 500 else "majority")


@pytest.mark.parametrize("definition", LABELS, ids=lambda d: d.name)
def test_left_ids_are_on_the_left(definition: LabelsDefinition) -> None:
    """The ids listed for L have their mass at x < 0 (the midplane rule alone would hide a swap)."""
    for name, region in definition.regions.items():
        for side, ids in region.ids.items():
            one = atlas.LabelShape(definition.image, tuple(ids), "B", region.cut)
            source = atlas.find(name, side, definition.name)
            moved = atlas.RegionSource(**{**vars(source), "shape": one})
            native = atlas.native_weights(moved)
            x = (np.argwhere(native.weights) @ native.affine[0, :3] + native.affine[0, 3]).mean()
            assert (x < 0) == (side == "L"), (name, side, x)


@pytest.mark.parametrize("definition", LABELS, ids=lambda d: d.name)
def test_tested_version_is_the_installed_one(definition: LabelsDefinition) -> None:
    assert version(definition.image.package) == definition.image.version


def test_spheres_of_one_source_are_the_same_in_metasphere() -> None:
    every = LIBRARY["metasphere"]
    assert isinstance(every, SpheresDefinition)
    for definition in SPHERES:
        for name, region in definition.regions.items():
            assert every.regions[name].centres == region.centres
            assert definition.name == "metasphere" or every.regions[name].citation == definition.citation


@pytest.mark.parametrize("definition", SPHERES, ids=lambda d: d.name)
def test_sphere_sides(definition: SpheresDefinition) -> None:
    assert "VTA" not in definition.regions
    for name, region in definition.regions.items():
        for side, (x, _, _) in region.centres.items():
            assert {"L": x < -2, "R": x > 2, "B": abs(x) <= 2}[side], (name, side, x)


def test_data_never_as_code() -> None:
    assert not list(resource("atlases").glob("*.py"))
