"""Comparing definitions: Dice, distances and marks on shapes made by hand, and on the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deltaroi import atlas
from deltaroi.errors import StudyError, UsageError
from deltaroi.fill import dice, dice_weighted
from deltaroi.grid import Grid
from deltaroi.io.tsv import read_table
from deltaroi.pipeline.library import Readable, centre_mm, read_region, relation_between, volume_mm3
from deltaroi.pipeline.library_compare import (
    COMPARISON,
    Comparison,
    compare_definitions,
    compare_read,
)
from deltaroi.pipeline.library_pictures import write_comparison

SPACE = "MNI152NLin2009cAsym"
GRID = Grid((40, 40, 40), np.array([[1.0, 0, 0, -20], [0, 1, 0, -20], [0, 0, 1, -20], [0, 0, 0, 1]]), SPACE)


def block(start: tuple[float, float, float], size: tuple[int, int, int], weight: float = 1.0, step: float = 1.0,
          space: str = SPACE) -> atlas.NativeRegion:
    """A block whose first voxel centre lies at ``start``."""
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = start
    meta = replace(atlas.find("amygdala", "L", "hcpex"), space=space)
    return atlas.NativeRegion(np.full(size, weight, np.float32), affine, space, meta)


def compared(rois: Mapping[str, atlas.NativeRegion]) -> Comparison:
    found = Readable("amygdala", SPACE, {(name, "L"): roi for name, roi in rois.items()}, ())
    return compare_read(found, ["L"], GRID, tuple(rois))


def test_identical_definitions_agree_wholly() -> None:
    same = block((-5, 0, 0), (4, 5, 6))
    result = compared({"hcpex": same, "aal3": same})
    row = result.table.iloc[0]
    assert (row["dice"], row["dice_weighted"], row["distance_mm"]) == (1, 1, 0)
    assert row["volume_a_mm3"] == row["volume_b_mm3"] == 120


def test_two_overlapping_blocks() -> None:
    result = compared({"hcpex": block((0, 0, 0), (4, 4, 4)), "aal3": block((2, 0, 0), (4, 4, 2))})
    row = result.table.iloc[0]
    assert row["dice"] == pytest.approx(2 * (2 * 4 * 2) / (64 + 32))
    assert row["distance_mm"] == pytest.approx(np.hypot(2, 1))
    assert (row["definition_a"], row["volume_a_mm3"], row["volume_b_mm3"]) == ("hcpex", 64, 32)


def test_matrices_are_symmetric_with_ones_and_zeros_on_the_diagonal() -> None:
    result = compared({"hcpex": block((0, 0, 0), (4, 4, 4)), "aal3": block((2, 0, 0), (4, 4, 2)),
                       "metasphere": block((9, 9, 9), (2, 2, 2))})
    for column, itself in (("dice", 1), ("dice_weighted", 1), ("distance_mm", 0)):
        matrix = result.matrix("L", column)
        np.testing.assert_array_equal(matrix, matrix.T)
        np.testing.assert_array_equal(np.diag(matrix), itself)
    assert result.matrix("L", "dice")[0, 2] == 0
    order = ("metasphere", "hcpex")
    assert result.matrix("L", "distance_mm", order)[0, 1] == result.matrix("L", "distance_mm")[0, 2]


def test_a_coarser_grid_of_the_same_shape_agrees() -> None:
    fine, coarse = block((-4, -4, -4), (8, 8, 8)), block((-3.5, -3.5, -3.5), (4, 4, 4), step=2.0)
    row = compared({"hcpex": fine, "aal3": coarse}).table.iloc[0]
    assert (row["dice"], row["dice_weighted"], row["distance_mm"]) == (1, 1, 0)


def test_what_fills_no_voxel_to_one_half_has_no_dice_and_says_so() -> None:
    result = compared({"hcpex": block((0, 0, 0), (4, 4, 4)), "juelich": block((0, 0, 0), (4, 4, 4), weight=0.3)})
    row = result.table.iloc[0]
    assert np.isnan(row["dice"])
    assert row["dice_weighted"] == pytest.approx(2 * 0.3 / 1.3)
    assert np.isnan(result.matrix("L", "dice")[1, 1])
    assert any("juelich L: no voxel is filled to one half" in note for note in result.notes)


def test_dice_by_hand() -> None:
    a, b = np.array([1, 2, 3, 4]), np.array([3, 4, 5])
    assert dice(a, b) == pytest.approx(4 / 7)
    assert np.isnan(dice(a, np.array([], dtype=np.int64)))
    weights = np.array([0.2, 1.0, 0.5, 0.5]), np.array([1.0, 0.1, 1.0])
    assert dice_weighted((a, weights[0]), (b, weights[1])) == pytest.approx(2 * (0.5 + 0.1) / (2.2 + 2.1))
    assert np.isnan(dice_weighted((a[:0], weights[0][:0]), (b, weights[1])))


def test_templates_are_marked_and_compared_all_the_same() -> None:
    block_here = block((0, 0, 0), (4, 4, 4))
    result = compared({"hcpex": block_here, "aal3": block((0, 0, 0), (4, 4, 4), space="Colin27"),
                       "juelich": block((0, 0, 0), (4, 4, 4), space="MNI152NLin6Asym")})
    assert [result.mark(name) for name in ("hcpex", "aal3", "juelich")] == ["", "†", "‡"]
    relations = result.table.set_index(["definition_a", "definition_b"])["relation"]
    assert relations["hcpex", "aal3"] == "compatible"
    assert relations["hcpex", "juelich"] == "refused"
    assert (result.table["dice"] == 1).all()
    assert sum("distance between the templates" in note for note in result.notes) == 2


def test_the_relation_of_a_pair_does_not_depend_on_its_order() -> None:
    assert relation_between(SPACE, "Colin27").kind == relation_between("Colin27", SPACE).kind == "compatible"
    assert relation_between("MNI152NLin6Asym", SPACE).kind == "refused"
    assert relation_between(SPACE, SPACE).kind == "same"


def test_the_two_vtas() -> None:
    result = compare_definitions("VTA", ["B"], ["aal3", "hcpex"])
    assert round(result.table["dice"].item(), 2) == 0.37
    assert round(result.table["dice_weighted"].item(), 2) == 0.37
    assert result.table["volume_a_mm3"].item() == 136
    assert result.table["volume_b_mm3"].item() == 86


def test_hemispheres_are_not_mixed_up() -> None:
    result = compare_definitions("amygdala", ["L", "R"], ["aal3", "hcpex"])
    sizes = result.sizes.set_index(["hemisphere", "definition"])
    assert (sizes.loc["L", "x_mm"] < 0).all()
    assert (sizes.loc["R", "x_mm"] > 0).all()
    assert sizes["volume_mm3"]["L", "hcpex"] == 1555
    assert sizes["volume_mm3"]["R", "hcpex"] == 1614


def test_a_side_that_a_definition_lacks_is_named() -> None:
    result = compare_definitions("mOFC", ["L"], ["hcpex", "liu2011sphere"])
    assert result.definitions("L") == ("hcpex",)
    assert result.table.empty
    assert "liu2011sphere has no L (only B)" in result.notes


@pytest.mark.parametrize(("arguments", "kind", "says"), [
    ({"region": "amygdalla"}, UsageError, "did you mean 'amygdala'"),
    ({"region": "amygdala", "hemispheres": ["left"]}, UsageError, "unknown hemispheres"),
    ({"region": "amygdala", "definitions": ["hcpx"]}, StudyError, "unknown definition 'hcpx'"),
    ({"region": "amygdala", "definitions": ["liu2011sphere"]}, StudyError, "has no region 'amygdala'"),
    ({"region": "amygdala", "space": "Colin27"}, UsageError, "--space"),
])
def test_what_cannot_be_compared(arguments: dict, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        compare_definitions(**arguments)


def test_the_table_and_the_picture_are_written(tmp_path: Path) -> None:
    result = compare_definitions("VTA", ["L", "R"], ["aal3", "hcpex"])
    files = write_comparison(result, tmp_path)
    assert [path.name for path in files] == ["comparison.tsv", "comparison-VTA.png"]
    back = read_table(files[0], COMPARISON)
    np.testing.assert_allclose(back["dice"], result.table["dice"])
    assert (tmp_path / "comparison.json").is_file()
    first = files[1].read_bytes()
    write_comparison(result, tmp_path)
    assert files[1].read_bytes() == first
    with pytest.raises(UsageError, match="format"):
        write_comparison(result, tmp_path, "gif")


def test_volume_and_centre_of_weights() -> None:
    roi = block((0, 0, 0), (2, 1, 1), step=2.0)
    roi.weights[1] = 0.25
    assert volume_mm3(roi) == pytest.approx(8 * 1.25)
    np.testing.assert_allclose(centre_mm(roi), [2 * 0.25 / 1.25, 0, 0])
    assert np.isnan(centre_mm(block((0, 0, 0), (1, 1, 1), weight=0.0))).all()


def test_what_cannot_be_read_is_skipped_with_its_reason() -> None:
    found = read_region("VTA", ["hcpex", "pauli2017"])
    assert found.definitions == ("hcpex",) or not found.skipped  # the download may be there
    for skipped in found.skipped:
        assert skipped.definition == "pauli2017"
        assert "deltaroi regions fetch pauli2017" in skipped.reason
