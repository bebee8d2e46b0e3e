"""Generated runs for the benchmarks: one fMRIPrep-like run of any grid, length, voxel type and compression."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from isal import igzip
from scipy.ndimage import gaussian_filter

from deltaroi.grid import Grid
from deltaroi.io.inventory import Run
from deltaroi.masks import RegionSet, build_regions
from deltaroi.signal.stream import read_header
from deltaroi.specs import Regions
from deltaroi.types import RunKey

SPACE = "MNI152NLin2009cAsym"
TR_S = 2.0
REGIONS = ("amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC")
GRIDS = {  # fMRIPrep's grids of the template: shape, and the position of the first voxel, mm
    2.0: ((99, 117, 95), (-98.0, -134.0, -72.0)),
    3.0: ((66, 78, 64), (-97.5, -133.5, -71.5)),
    4.0: ((50, 59, 48), (-97.0, -133.0, -71.0)),
}


@dataclass(frozen=True)
class Kind:
    """What a generated run is like."""

    voxel_mm: float = 2.0
    volumes: int = 150
    dtype: str = "float32"
    compressed: bool = True

    @property
    def label(self) -> str:
        """E.g. ``2mm_150_float32_gzip``."""
        return f"{self.voxel_mm:g}mm_{self.volumes}_{self.dtype}_{'gzip' if self.compressed else 'plain'}"


def write_run(folder: Path, kind: Kind) -> Run:
    """Write a run: a smooth baseline in an ellipsoid of the brain's size, 0 outside, and 1 % of noise.

    The noise does not compress. ``int16`` are integers of the raw unit.
    """
    shape, corner = GRIDS[kind.voxel_mm]
    affine = np.diag([kind.voxel_mm] * 3 + [1.0])
    affine[:3, 3] = corner
    stem = folder / f"sub-01_task-bench_desc-{kind.label.replace('_', '')}"
    bold = Path(f"{stem}_bold.nii{'.gz' if kind.compressed else ''}")
    mask = Path(f"{stem}_mask.nii.gz")
    inside = _ellipsoid(shape, affine)
    if not bold.exists():
        _write_bold(bold, kind, affine, inside)
        image = nib.Nifti1Image(inside.astype(np.uint8), affine)
        image.set_sform(affine, 4)
        nib.save(image, mask)
    events, confounds = Path(f"{stem}_events.tsv"), Path(f"{stem}_confounds.tsv")
    _write_tables(events, confounds, kind.volumes)
    return Run(RunKey("01", "n/a", "bench", "n/a"), bold, mask, confounds, events, TR_S, 0.5, SPACE, ())


def rois(run: Run, definitions: tuple[str, ...] = ("hcpex",)) -> RegionSet:
    """The cortical regions and the amygdala, both sides, on the run's grid."""
    spec = Regions(include=list(REGIONS), definition=list(definitions))
    return build_regions(spec, read_header(run.bold, SPACE).grid, base=Path())


def n_voxels(regions: RegionSet) -> int:
    """How many voxels the ROIs have together."""
    return len(np.unique(np.concatenate([roi.flat for roi in regions.rois])))


def grid_of(voxel_mm: float) -> Grid:
    """The grid of a voxel size."""
    shape, corner = GRIDS[voxel_mm]
    affine = np.diag([voxel_mm] * 3 + [1.0])
    affine[:3, 3] = corner
    return Grid(shape, affine, SPACE)


def _ellipsoid(shape: tuple[int, int, int], affine: np.ndarray) -> np.ndarray:
    """Voxels within 70 × 88 × 62 mm of a point in the middle of the brain."""
    axes = [(np.arange(n) * affine[i, i] + affine[i, 3] - middle) / radius
            for i, (n, middle, radius) in enumerate(zip(shape, (0, -18, 10), (72, 92, 76), strict=True))]
    return np.asarray((axes[0][:, None, None] ** 2 + axes[1][:, None] ** 2 + axes[2] ** 2) < 1)


def _write_bold(path: Path, kind: Kind, affine: np.ndarray, inside: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    baseline = ((9000 + 1e5 * gaussian_filter(rng.standard_normal(inside.shape), 4)) * inside).astype(np.float32)
    header = nib.Nifti1Header(endianness="<")
    header.set_data_dtype(kind.dtype)
    header.set_data_shape((*inside.shape, kind.volumes))
    header.set_sform(affine, 4)
    header.set_qform(affine, 4)
    header["pixdim"][4] = TR_S
    header.set_xyzt_units("mm", "sec")
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["magic"], header["vox_offset"] = b"n+1", 352
    with ExitStack() as stack:
        stream = stack.enter_context(igzip.open(path, "wb", compresslevel=1) if kind.compressed else path.open("wb"))
        stream.write(header.binaryblock + bytes(4))
        for _ in range(kind.volumes):
            volume = baseline * (1 + np.float32(0.01) * rng.standard_normal(inside.shape, dtype=np.float32))
            stored = np.rint(volume) if kind.dtype == "int16" else volume
            stream.write(stored.astype(kind.dtype).tobytes(order="F"))


def _write_tables(events: Path, confounds: Path, volumes: int) -> None:
    rng = np.random.default_rng(1)
    onsets = np.arange(6.0, volumes * TR_S - 20, 14.0)
    pd.DataFrame({"onset": onsets, "duration": 4.0,
                  "trial_type": np.where(np.arange(onsets.size) % 2, "neutral", "negative")}).to_csv(
        events, sep="\t", index=False)
    walks = {name: np.cumsum(rng.normal(0, 0.01, volumes)) for name in
             ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")}
    table = pd.DataFrame(walks)
    for name in walks:
        table[f"{name}_derivative1"] = table[name].diff()
        table[f"{name}_power2"] = table[name] ** 2
        table[f"{name}_derivative1_power2"] = table[f"{name}_derivative1"] ** 2
    table["framewise_displacement"] = np.abs(rng.normal(0.1, 0.05, volumes))
    table.loc[0, "framewise_displacement"] = np.nan
    table.to_csv(confounds, sep="\t", index=False, na_rep="n/a")
