"""What check says of the ROIs is what a run would draw."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaroi.config.study import Study
from deltaroi.masks import build_regions, grid_for, roi_keys
from deltaroi.pipeline.check_rois import check_rois
from deltaroi.specs import RegionChoice, Regions

GRID = grid_for("MNI152NLin6Asym", 4)


def study(regions: Regions) -> Study:
    found = Study.model_validate({"schema_version": 1, "name": "s", "contrasts": {"c": "a - b"}, "dataset": {
        "bids_dir": "bids", "derivatives": "derivatives", "task": "faces", "space": GRID.space}})
    return found.model_copy(update={"regions": regions})


@pytest.mark.parametrize("threshold", [0.25, 1.0])
def test_the_threshold_of_one_region_counts(threshold: float) -> None:
    """On one side no voxel of the amygdala has a probability of 1."""
    asked = Regions(include=[RegionChoice(region="amygdala", definition=["harvard_oxford", "neuromorphometrics"],
                                          threshold=threshold)])
    table, empty = check_rois(study(asked), roi_keys(asked, GRID.space), GRID, Path())
    assert table["usable"].all()
    drawn = build_regions(asked, GRID, base=Path())
    assert empty == drawn.exclusions
    assert bool(empty) == (threshold == 1)
