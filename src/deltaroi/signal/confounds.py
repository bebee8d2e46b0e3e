"""fMRIPrep's confounds table, through nilearn's ``load_confounds`` with every value stated."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, IntArray
from deltaroi.io.files import content_state
from deltaroi.remote import File, local
from deltaroi.specs import Confounds

_MOTION = {6: "basic", 12: "derivatives", 24: "full"}
_FD = "framewise_displacement"
_DVARS = "std_dvars"
_NAME = "sub-run_desc-confounds_timeseries"


@dataclass(frozen=True, eq=False)
class ConfoundColumns:
    """The confounds of one run, ready for its design matrix.

    Attributes
    ----------
    frame : DataFrame, n_volumes rows
        Confounds with mean 0 and SD 1 over the volumes, then one ``censored_<volume>`` column per censored volume.
    censored : ndarray of int64
        Volumes (from 0) that are censored: non-steady state, or above a scrubbing threshold.
    mean_fd_mm : float
        Mean framewise displacement; NaN where the table has none.
    has_drift : bool
        Whether fMRIPrep's cosines are among the columns, so that no second drift model may enter.
    notes : tuple of str
        What else to know.
    """

    frame: pd.DataFrame
    censored: IntArray
    mean_fd_mm: float
    has_drift: bool
    notes: tuple[str, ...] = ()


def load_confounds(path: File | None, spec: Confounds, n_volumes: int) -> ConfoundColumns:
    """Read the confounds that a study asks for.

    Parameters
    ----------
    path : Path, RemoteFile or None
        ``*_desc-confounds_{timeseries,regressors}.tsv``; None where the run has none.
    spec : Confounds
        What is asked for.
    n_volumes : int
        Volumes of the run.

    Returns
    -------
    ConfoundColumns

    Raises
    ------
    DataError
        The table is needed and absent, cannot be read, has another number of rows than the run has volumes, lacks a
        column that is asked for, or has a missing number below the first row.

    Notes
    -----
    Columns, censored volumes and the rule for the undefined first row (it takes the value of the second) are those of
    ``nilearn.interfaces.fmriprep.load_confounds`` with ``scrub=0`` (flagged volumes only, no short segments) and
    ``demean=False``; every other value is passed too. Scaling the columns afterwards does not change what they
    explain; it keeps tiny squared derivatives from being lost to rounding beside a global signal.
    """
    if path is None:
        if _asks(spec):
            raise DataError("the run has no confounds table", where="first_level.confounds",
                            hint="expected *_desc-confounds_timeseries.tsv (or _regressors.tsv) beside the BOLD image; "
                                 "or switch off motion, acompcor, global_signal, scrub_* and non_steady_state")
        return _nothing(n_volumes, float("nan"), "no confounds table")
    path = local(path)
    if not _asks(spec):
        try:
            return _nothing(n_volumes, _mean_fd(_read(path), path, needed=False))
        except DataError as error:
            return _nothing(n_volumes, float("nan"), f"mean framewise displacement unknown: {error.message}")
    table = _read(path)
    if len(table) != n_volumes:
        raise DataError(f"the confounds table has {len(table)} rows, the run {n_volumes} volumes", where=str(path),
                        hint="the table and the BOLD image are not of one run, or one of them is truncated")
    mean_fd = _mean_fd(table, path, needed=spec.scrub_fd_mm is not None)
    notes = [] if np.isfinite(mean_fd) else [f"the confounds table has no column {_FD}"]
    chosen, kept = _through_nilearn(table, spec, path)
    _no_gaps(chosen, path)
    censored = np.setdiff1d(np.arange(n_volumes), kept).astype(np.int64)
    has_drift = any("cosine" in str(name) for name in chosen.columns)
    components = sum(str(name).startswith("a_comp_cor") for name in chosen.columns)
    if components < spec.acompcor:
        notes.append(f"acompcor: {spec.acompcor} asked for, the table has {components}")
    if spec.acompcor and not has_drift:
        notes.append("acompcor: the table has no cosine columns; the drift model stays that of the study file")
    frame, constant = _scaled(chosen)
    if constant:
        notes.append(f"constant confounds left out: {', '.join(constant)}")
    return ConfoundColumns(pd.concat([frame, _one_hot(censored, n_volumes)], axis=1), censored, mean_fd, has_drift,
                           tuple(notes))


def _nothing(n_volumes: int, mean_fd: float, *notes: str) -> ConfoundColumns:
    return ConfoundColumns(pd.DataFrame(index=range(n_volumes)), np.zeros(0, np.int64), mean_fd, False, notes)


def _asks(spec: Confounds) -> bool:
    return bool(spec.motion or spec.acompcor or spec.global_signal or spec.non_steady_state
                or spec.scrub_fd_mm is not None or spec.scrub_dvars is not None)


def _read(path: Path) -> pd.DataFrame:
    state = content_state(path)
    if state != "ok":
        hint = f"fetch its content, e.g. `datalad get {path.name}`" if state == "not fetched" else "check the path"
        raise DataError(f"the confounds table cannot be read: {state}", where=str(path), hint=hint)
    try:
        return pd.read_csv(path, sep="\t", encoding="utf-8-sig", na_values=["N/A", "n/a", "NaN"])
    except (ValueError, OSError) as error:
        raise DataError(f"the confounds table cannot be read: {error}", where=str(path),
                        hint="expected a tab-separated table with a header, as fMRIPrep writes it") from error


def _mean_fd(table: pd.DataFrame, path: Path, needed: bool) -> float:
    """Mean of the framewise displacement over volumes; the first is undefined."""
    if _FD not in table.columns:
        if needed:
            raise DataError(f"the confounds table has no column '{_FD}'", where=str(path),
                            hint="scrub_fd_mm needs it; set scrub_fd_mm: null to go without")
        return float("nan")
    values = _numbers(table, _FD, path)
    _no_gaps(pd.DataFrame({_FD: values[1:]}, index=range(1, len(values))), path)
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if defined.size else float("nan")


def _numbers(table: pd.DataFrame, column: str, path: Path) -> FloatArray:
    try:
        return table[column].to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(f"column '{column}' is not numeric: {error}", where=str(path)) from error


def _wanted(name: str, spec: Confounds) -> bool:
    """Whether nilearn may see a column."""
    if name.startswith("non_steady_state"):
        return spec.non_steady_state
    if name.startswith(("cosine", "a_comp_cor")):
        return spec.acompcor > 0
    return name.startswith(("trans_", "rot_")) or name in ("global_signal", _FD, _DVARS)


def _through_nilearn(table: pd.DataFrame, spec: Confounds, path: Path) -> tuple[pd.DataFrame, IntArray]:
    """nilearn's choice of columns and of volumes.

    nilearn finds a table by the name of its image and its JSON by the name of the table; a folder with one table under
    a plain name leaves it nothing to guess.
    """
    from nilearn.interfaces.fmriprep import load_confounds as nilearn_load_confounds

    seen = table[[name for name in table.columns if _wanted(str(name), spec)]].copy()
    if spec.scrub_fd_mm is None:
        seen[_FD] = 0.0
    if spec.scrub_dvars is None:
        seen[_DVARS] = 0.0
    strategy = ["scrub", *(["motion"] if spec.motion else []), *(["global_signal"] if spec.global_signal else []),
                *(["high_pass", "compcor"] if spec.acompcor else [])]
    options: dict[str, Any] = {
        "strategy": strategy, "motion": _MOTION.get(spec.motion, "basic"), "scrub": 0,
        "fd_threshold": np.inf if spec.scrub_fd_mm is None else spec.scrub_fd_mm,
        "std_dvars_threshold": np.inf if spec.scrub_dvars is None else spec.scrub_dvars, "wm_csf": "basic",
        "global_signal": "basic", "compcor": "anat_combined", "n_compcor": spec.acompcor or "all",
        "ica_aroma": "full", "tedana": "aggressive", "demean": False}
    if spec.scrub_dvars is not None and _DVARS not in seen.columns:
        raise DataError(f"the confounds table has no column '{_DVARS}'", where=str(path),
                        hint="scrub_dvars needs it; set scrub_dvars: null to go without")
    with _folder() as folder:
        seen.to_csv(folder / f"{_NAME}.tsv", sep="\t", index=False, na_rep="n/a")
        sidecar = path.with_suffix(".json")
        if sidecar.is_file():
            (folder / f"{_NAME}.json").write_bytes(sidecar.read_bytes())
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "All volumes were marked", RuntimeWarning)
                frame, kept = nilearn_load_confounds(str(folder / "sub-run_desc-preproc_bold.nii.gz"), **options)
        except (ValueError, KeyError, TypeError) as error:
            asked = f"motion {spec.motion}, acompcor {spec.acompcor}, global_signal {spec.global_signal}"
            reason = str(error).replace(str(folder), str(path.parent))
            raise DataError(f"the confounds asked for ({asked}) are not in the table: {reason}", where=str(path),
                            hint="fMRIPrep 1.2 or later names them; acompcor also needs the table's JSON") from error
    return frame, np.arange(len(table)) if kept is None else np.asarray(kept, dtype=np.int64)


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder; not with ``tsv`` in its name, which nilearn would take for the table's extension."""
    while True:
        with tempfile.TemporaryDirectory(prefix="deltaroi-") as name:
            if "tsv" not in Path(name).name:
                yield Path(name)
                return


def _no_gaps(frame: pd.DataFrame, path: Path) -> None:
    values = frame.to_numpy(dtype=np.float64)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise DataError(f"column '{frame.columns[column]}' has no number in row {int(frame.index[row]) + 2} "
                        f"(volume {int(frame.index[row]) + 1})", where=str(path),
                        hint="only the first volume may be undefined; run fMRIPrep again for this run")


def _scaled(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Columns with mean 0 and SD 1; names of the constant ones that were left out."""
    values = frame.to_numpy(dtype=np.float64)
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0)
    varies = spread > 1e-12 * np.abs(values).max(axis=0, initial=0.0)
    names = [str(name) for name in frame.columns]
    kept = pd.DataFrame(centred[:, varies] / spread[varies],
                        columns=[name for name, keep in zip(names, varies, strict=True) if keep])
    return kept, [name for name, keep in zip(names, varies, strict=True) if not keep]


def _one_hot(censored: IntArray, n_volumes: int) -> pd.DataFrame:
    ones = np.zeros((n_volumes, censored.size))
    ones[censored, np.arange(censored.size)] = 1.0
    return pd.DataFrame(ones, columns=[f"censored_{volume}" for volume in censored])
