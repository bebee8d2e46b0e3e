"""Hand-made first-level fits in a box of voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from deltaroi.firstlevel import RunFit
from deltaroi.grid import Grid
from deltaroi.masks import RegionSet, RoiVoxels
from deltaroi.signal.glm import fit_series
from deltaroi.tables import REGIONS
from deltaroi.types import RoiKey, RunKey

N = 24


class Box:
    """One ROI of some voxels, and fits in it."""

    def __init__(self, n: int = 60, definition: str = "functional", rule: str = "majority",
                 weights: np.ndarray | None = None) -> None:
        self.grid = Grid((8, 8, 8), np.diag([3.0, 3, 3, 1]), "MNI152NLin2009cAsym")
        self.key = RoiKey("best", "L", definition)
        self.flat = np.arange(5, 5 + 2 * n, 2)
        self.weights = np.ones(n) if weights is None else weights
        self.rule = rule

    def sets(self, *grids: Grid) -> dict[str, RegionSet]:
        """The region sets of one or more grids."""
        roi = RoiVoxels(self.key, self.rule, self.flat, self.weights)  # type: ignore[arg-type]
        return {grid.digest: RegionSet(grid, (roi,), pd.DataFrame(columns=REGIONS.names), (), ())
                for grid in grids or (self.grid,)}

    def fit(self, run: str = "1", session: str = "pre", subject: str = "01", *, task: str = "look", seed: int = 0,
            signal: np.ndarray | float = 0.0, unused: Sequence[int] = (), serve: Sequence[bool] = (True, True),
            grid: Grid | None = None, contrasts: tuple[str, ...] = ("loc", "main")) -> RunFit:
        """A fit by least squares; ``signal`` is added to both contrasts, ``unused`` are positions in the ROI."""
        n, digits = self.flat.size, [ord(c) for c in f"{subject}/{session}/{task}/{run}"]
        rng = np.random.default_rng([seed, *digits])
        design = np.column_stack([rng.standard_normal((N, 2)), np.ones(N)])
        vectors = np.eye(3)[: len(contrasts)] * np.array(serve[: len(contrasts)])[:, None]
        used = ~np.isin(np.arange(n), unused)
        data = rng.standard_normal((N, n)) + rng.standard_normal((N, 1)) + design[:, :2].sum(axis=1)[:, None] * signal
        data = (data - data.mean(axis=0)).astype(np.float32)
        data[:, ~used] = 0
        found = fit_series(data.astype(np.float64), design, vectors, "ols")
        served = np.where(vectors.any(axis=1), 1.0, np.nan)[:, None] * np.where(used, 1.0, np.nan)
        return RunFit(
            key=RunKey(subject, session, task, run), grid_digest=(grid or self.grid).digest, flat=self.flat, used=used,
            mean=np.full(n, 100.0), tsnr=np.full(n, 50.0) + np.arange(n), scale=np.where(used, 1.0, np.nan),
            voxels=data, contrasts=contrasts, effect=found.effect * served, variance=found.variance * served,
            vectors=vectors, design=design, columns=("a", "b", "constant"), n_task=2, frame_times=np.arange(N) * 2.0,
            censored=np.zeros(0, np.int64), rois=(self.key,), roi_offset=np.array([0, n]), roi_index=np.arange(n),
            roi_weight=self.weights, series=np.zeros((1, N)), heights={"a": 1.0}, dof=N - 3, mean_fd_mm=0.1,
            noise="ols", hrf="spm", scaling="percent", unit="% signal change")


@pytest.fixture(scope="session")
def make_box() -> type[Box]:
    """The maker of boxes."""
    return Box
