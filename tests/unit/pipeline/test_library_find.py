"""Looking up coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.errors import UsageError
from deltaroi.pipeline.library_find import Lookup, find_regions, voxel_distance


@pytest.fixture(scope="module")
def amygdala() -> Lookup:
    return find_regions((24, -2, -16))


def test_what_holds_a_coordinate(amygdala: Lookup) -> None:
    rows = amygdala.table.set_index(["region", "definition"])
    assert amygdala.holds
    assert {("amygdala", name) for name in ("aal3", "hcpex", "metasphere")} <= set(rows.index)
    assert set(rows.loc["amygdala", "hemisphere"]) == {"R"}
    assert (amygdala.table["distance_mm"] == 0).all()
    assert (rows.loc["amygdala", "weight"] > 0).all()
    assert rows["relation"]["amygdala", "hcpex"] == "same"
    assert rows["relation"]["amygdala", "aal3"] == "compatible"


def test_probabilities_are_shown_for_probabilistic_definitions_only(amygdala: Lookup) -> None:
    rows = amygdala.table.set_index(["region", "definition"])
    assert 0.5 < rows["probability"]["amygdala", "harvard_oxford"] <= 1
    assert np.isnan(rows["probability"]["amygdala", "hcpex"])


def test_the_other_side_is_the_other_side() -> None:
    table = find_regions((-24, -2, -16)).table
    assert set(table.loc[table["region"] == "amygdala", "hemisphere"]) == {"L"}


def test_the_midplane_belongs_to_both() -> None:
    table = find_regions((0, 41, 3)).table.set_index(["region", "definition"])
    assert table["hemisphere"]["pACC", "hcpex"] == "B"


def test_a_radius_finds_more_and_says_how_far(amygdala: Lookup) -> None:
    near = find_regions((24, -2, -16), radius=8).table
    assert len(near) > len(amygdala.table)
    assert near["distance_mm"].is_monotonic_increasing
    assert 0 < near["distance_mm"].max() <= 8


def test_where_nothing_is_the_nearest_of_each_definition_is_named() -> None:
    found = find_regions((24, -30, 30))
    assert not found.holds
    assert (found.table["distance_mm"] > 0).all()
    assert (found.table["distance_mm"] <= 10).all()
    assert not found.table["definition"].duplicated().any()


def test_talairach_is_converted_and_said_so() -> None:
    found = find_regions((37, 15, 1), "Talairach")
    assert found.space == "MNI152"
    assert "Talairach" in found.conversion
    assert "Lancaster" in found.conversion
    assert np.linalg.norm(np.subtract(found.point, (37, 15, 1))) > 2
    rows = found.table.set_index(["region", "definition"])
    assert rows["weight"]["AI", "lutz2008sphere"] == 1  # published at this coordinate


@pytest.mark.parametrize(("point", "space", "says"), [
    ((400, 0, 0), "MNI152NLin2009cAsym", "outside the brain"),
    ((0, 0, float("nan")), "MNI152NLin2009cAsym", "not a coordinate"),
    ((0, 0), "MNI152NLin2009cAsym", "not a coordinate"),
    ((0, 0, 0), "MNI152NLin2009casym", "did you mean 'MNI152NLin2009cAsym'"),
])
def test_what_is_no_coordinate(point: tuple[float, ...], space: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        find_regions(point, space)


def test_distance_to_a_block() -> None:
    weights = np.zeros((3, 3, 3), np.float32)
    weights[1, 1, 1] = 0.4
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = (-2, 8, 18)  # the voxel is centred at (0, 10, 20)
    assert voxel_distance(weights, affine, np.array([0.0, 10, 20])) == (0, pytest.approx(0.4))
    assert voxel_distance(weights, affine, np.array([0.9, 10.9, 20.9])) == (0, pytest.approx(0.4))
    assert voxel_distance(weights, affine, np.array([4.0, 10, 20])) == (pytest.approx(3), 0)
    assert voxel_distance(weights, affine, np.array([4.0, 15, 20])) == (pytest.approx(5), 0)
    assert voxel_distance(np.zeros((2, 2, 2), np.float32), affine, np.zeros(3)) == (np.inf, 0)


def test_distance_knows_a_flipped_axis() -> None:
    weights = np.zeros((4, 1, 1), np.float32)
    weights[0] = 1
    affine = np.diag([-1.0, 1, 1, 1])
    affine[0, 3] = 10  # the voxel with weight is at x = 10
    assert voxel_distance(weights, affine, np.array([10.0, 0, 0])) == (0, 1)
    assert voxel_distance(weights, affine, np.array([7.0, 0, 0])) == (pytest.approx(2.5), 0)
