"""One tiny run on disk, as fMRIPrep would leave it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from deltaroi.config.expression import parse_contrast
from deltaroi.firstlevel import FirstLevelTask
from deltaroi.grid import Grid
from deltaroi.io.inventory import Run
from deltaroi.masks import RegionSet, RoiVoxels
from deltaroi.specs import Condition, Confounds, FirstLevel
from deltaroi.tables import REGIONS
from deltaroi.types import RoiKey, RunKey

SHAPE = (6, 7, 5)
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
SPACE = "MNI152NLin2009cAsym"
N, TR = 60, 2.0


@dataclass(eq=False)
class TinyRun:
    """Everything about one run, to be changed before it is written."""

    folder: Path
    data: np.ndarray
    mask: np.ndarray
    events: pd.DataFrame
    confounds: pd.DataFrame
    header_tr: float = TR

    def write(self) -> Run:
        image = nib.Nifti1Image(self.data.astype(np.float32), AFFINE)
        image.header.set_zooms((4, 4, 4, self.header_tr))
        image.header.set_xyzt_units("mm", "sec")
        image.to_filename(self.folder / "bold.nii.gz")
        nib.Nifti1Image(self.mask.astype(np.uint8), AFFINE).to_filename(self.folder / "mask.nii.gz")
        self.events.to_csv(self.folder / "events.tsv", sep="\t", index=False, na_rep="n/a")
        self.confounds.to_csv(self.folder / "desc-confounds_timeseries.tsv", sep="\t", index=False, na_rep="n/a")
        return Run(key=RunKey("01", "pre", "look", "1"), bold=self.folder / "bold.nii.gz",
                   mask=self.folder / "mask.nii.gz", confounds=self.folder / "desc-confounds_timeseries.tsv",
                   events=self.folder / "events.tsv", tr_s=TR, slice_time_ref=0.5, space=SPACE)


@pytest.fixture
def tiny(tmp_path: Path) -> TinyRun:
    rng = np.random.default_rng(5)
    data = 500 + 5 * rng.standard_normal((*SHAPE, N)) + 50 * rng.random((*SHAPE, 1))
    events = pd.DataFrame({"onset": np.arange(4, 100, 12.0), "duration": 2.0, "trial_type": ["a", "b"] * 4})
    displacement = np.abs(rng.normal(0.1, 0.05, N))
    displacement[0] = np.nan
    displacement[[10, 31]] = 0.9
    confounds = pd.DataFrame({"framewise_displacement": displacement, "std_dvars": 1.0})
    return TinyRun(tmp_path, data, np.ones(SHAPE), events, confounds)


def roi(region: str, hemisphere: str, voxels: list[tuple[int, int, int]],
        weights: list[float] | None = None) -> RoiVoxels:
    flat = np.sort(np.ravel_multi_index(np.array(voxels).T, SHAPE)).astype(np.int64)
    rule = "majority" if weights is None else "fill_weight"
    return RoiVoxels(RoiKey(region, hemisphere, "test"), rule,  # type: ignore[arg-type]
                     flat, np.ones(flat.size) if weights is None else np.array(weights))


def region_set(*rois: RoiVoxels) -> RegionSet:
    return RegionSet(Grid(SHAPE, AFFINE, SPACE), rois, pd.DataFrame(columns=REGIONS.names), (), ())


@pytest.fixture
def regions() -> RegionSet:
    box = [(i, j, k) for i in range(1, 5) for j in range(1, 4) for k in range(1, 4)]
    return region_set(roi("box", "L", box), roi("strip", "R", [(1, 1, 1), (2, 5, 2), (3, 5, 2)], [0.2, 1.0, 0.5]))


Asked = Callable[..., FirstLevelTask]


@pytest.fixture
def asked() -> Asked:
    """A first-level task; options change its specification."""

    def ask(contrasts: dict[str, str] | None = None, conditions: dict[str, Condition] | None = None,
            **options: object) -> FirstLevelTask:
        spec = FirstLevel(confounds=Confounds(motion=0, non_steady_state=False))
        spec = FirstLevel.model_validate({**dict(spec), **options})
        wanted = contrasts or {"a_b": "a - b", "a": "a"}
        return FirstLevelTask(spec, conditions or {}, {k: parse_contrast(v) for k, v in wanted.items()})

    return ask


