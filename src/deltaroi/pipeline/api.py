"""The public functions that span several rooms: thin, with paths or frozen options in, a frozen result out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from deltaroi.group import GroupResult
    from deltaroi.group.options import CompareOptions
    from deltaroi.masks import RegionSet
    from deltaroi.measuring import MeasureOptions, MeasureResult
    from deltaroi.simulator import SimulatedDataset


def measure(maps: str | Path, options: MeasureOptions) -> MeasureResult:
    """Measure ROI values in contrast maps that exist already.

    Parameters
    ----------
    maps : path
        Table with the columns ``subject session contrast path [variance_path]``.
    options : deltaroi.measuring.MeasureOptions
        Regions and how they are summarised.

    Returns
    -------
    MeasureResult
        Frozen; responses, exclusions and regions as data frames, and the warnings.

    Raises
    ------
    DataError
        The table cannot be read, or no map can.
    SpaceError
        The regions live in another template than the maps.
    """
    from deltaroi.measuring import measure as measure_maps

    return measure_maps(Path(maps), options)


def compare(values: str | Path | pd.DataFrame, options: CompareOptions) -> GroupResult:
    """Compare groups on any long table of ROI values.

    Parameters
    ----------
    values : path or DataFrame
        Columns ``subject session region value`` (and ``group``, unless ``options.participants`` names a table).
    options : deltaroi.group.CompareOptions
        Sessions in time order, groups (intervention first), assignment, statistics.

    Returns
    -------
    GroupResult
        Frozen; effects (:data:`deltaroi.tables.EFFECTS`), exclusions, warnings.

    Raises
    ------
    TableError
        A column, cell or row is not what it must be; names file, row and column.
    """
    from deltaroi.group import compare as compare_values

    return compare_values(values, options)


def regions(names: str | Sequence[str], *, definition: str = "hcpex", hemispheres: Sequence[str] = ("L", "R"),
            space: str = "MNI152NLin2009cAsym", resolution: float | None = None,
            like: str | Path | None = None) -> RegionSet:
    """Build ROIs of the library on a grid.

    Parameters
    ----------
    names : str or sequence of str
        Regions, e.g. ``["amygdala", "VTA"]``.
    definition : str
        How they are drawn.
    hemispheres : sequence of {"L", "R", "B"}
        Which sides; B is both as one ROI.
    space : str
        Template space of the grid.
    resolution : float, optional
        Voxel edge in mm of the template's grid; default 2.
    like : path, optional
        An image whose grid is used instead.

    Returns
    -------
    RegionSet
        Frozen; per ROI its voxels and weights, and the regions table.

    Raises
    ------
    DataError
        The definition does not have the region; names those that do.
    SpaceError
        The definition lives in another template.
    """
    from deltaroi.pipeline.regions import BuildOptions, build

    image = Path(like) if like is not None else None
    chosen = (names,) if isinstance(names, str) else tuple(names)
    return build(BuildOptions(chosen, definition, tuple(hemispheres), space, image, resolution))


def simulate(study: str | Path, out: str | Path, *, skeleton: str | Path | None = None,
             subjects: Sequence[str] | None = None, jobs: int = 1) -> SimulatedDataset:
    """Simulate a BIDS dataset with fMRIPrep-like derivatives from a study file with a ``simulation`` section.

    Parameters
    ----------
    study : path
        The study file.
    out : path
        Folder; the dataset is written to ``out/bids`` and ``out/derivatives/fmriprep``, the truth to ``out/truth.tsv``.
    skeleton : path, optional
        A real BIDS folder whose participants, sessions and events are taken as they are.
    subjects : sequence of str, optional
        Only these subjects of the skeleton.
    jobs : int
        Worker processes; never changes a byte.

    Returns
    -------
    SimulatedDataset
        Frozen; where the data are, and what was planted.

    Raises
    ------
    StudyError
        The study file has no ``simulation``, or it says something that cannot be.
    DataError
        The skeleton cannot be read.
    """
    from deltaroi.config.read import read_study
    from deltaroi.simulator import write_dataset

    return write_dataset(read_study(study), Path(out), skeleton=Path(skeleton) if skeleton is not None else None,
                         subjects=list(subjects) if subjects is not None else None, jobs=jobs)
