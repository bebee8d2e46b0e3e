"""Voxel grids: a shape, an affine in mm, and the template space they live in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Grid:
    """A three-dimensional voxel grid.

    Attributes
    ----------
    shape : tuple of int
        Voxels along i, j, k.
    affine : ndarray, shape (4, 4)
        Voxel index to world coordinates, mm.
    space : str
        Template identifier, e.g. ``MNI152NLin2009cAsym``; ``not stated`` when nobody says.
    """

    shape: tuple[int, int, int]
    affine: FloatArray
    space: str

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape[:3]))

    def same_as(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids have the same voxels (space labels aside)."""
        return self.shape == other.shape and bool(np.allclose(self.affine, other.affine, atol=tolerance_mm, rtol=0))

    @property
    def digest(self) -> str:
        """Short hash of shape, affine (rounded to 1e-4 mm) and space."""
        text = f"{self.shape}|{np.round(self.affine, 4).ravel().tolist()}|{self.space}"
        return hashlib.sha256(text.replace("-0.0,", "0.0,").encode()).hexdigest()[:16]

    @property
    def voxel_sizes(self) -> FloatArray:
        """Edge lengths in mm, shape (3,)."""
        return np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def n_voxels(self) -> int:
        """Number of voxels in the grid."""
        return int(np.prod(self.shape))

    def world(self, ijk: NDArray[np.generic]) -> FloatArray:
        """World coordinates (mm), shape (n, 3), of voxel indices, shape (n, 3)."""
        return np.asarray(ijk, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def index(self, xyz: NDArray[np.generic]) -> FloatArray:
        """Fractional voxel indices, shape (n, 3), of world coordinates (mm), shape (n, 3)."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(xyz, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]

    def ravel(self, ijk: NDArray[np.generic]) -> IntArray:
        """Flat C-order positions, shape (n,), of voxel indices, shape (n, 3)."""
        return np.ravel_multi_index(tuple(np.asarray(ijk, dtype=np.int64).T), self.shape).astype(np.int64)

    def unravel(self, flat: NDArray[np.generic]) -> IntArray:
        """Voxel indices, shape (n, 3), of flat C-order positions, shape (n,)."""
        return np.stack(np.unravel_index(np.asarray(flat, dtype=np.int64), self.shape), axis=1).astype(np.int64)
