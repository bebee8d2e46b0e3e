"""Design matrices: nilearn's, of full rank, with contrasts that can be estimated."""

from __future__ import annotations

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import FirstLevelModel

from deltaroi.config.expression import parse_contrast
from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.signal.conditions import ConditionEvents, build_conditions
from deltaroi.signal.confounds import ConfoundColumns
from deltaroi.signal.design import DesignMatrix, design
from deltaroi.specs import FirstLevel
from deltaroi.types import RunKey

KEY = RunKey("01", "pre", "faces", "1")
N, TR = 80, 2.0


def events(**rows: list[float]) -> pd.DataFrame:
    parts = [pd.DataFrame({"onset": onsets, "duration": 3.0, "trial_type": name}) for name, onsets in rows.items()]
    return pd.concat(parts, ignore_index=True).sort_values("onset", kind="stable", ignore_index=True)


def conditions(table: pd.DataFrame, contrast: str = "zoo - ant") -> ConditionEvents:
    return build_conditions(table, {}, {"x": parse_contrast(contrast)}, key=KEY, scan_s=N * TR)


def confounds(has_drift: bool = False, **columns: FloatArray) -> ConfoundColumns:
    frame = pd.DataFrame(columns, index=range(N))
    return ConfoundColumns(frame, np.zeros(0, np.int64), 0.1, has_drift)


def make(table: pd.DataFrame, found: ConfoundColumns | None = None, **options: object) -> DesignMatrix:
    spec = FirstLevel(**options)  # type: ignore[arg-type]
    return design(conditions(table), found or confounds(), spec, tr_s=TR, slice_time_ref=0.5, n_volumes=N)


TABLE = events(zoo=[4.0, 37.3, 90.1], ant=[20.2, 60.0, 120.9])


@pytest.mark.parametrize("options", [
    {}, {"hrf": "glover"}, {"hrf": "spm + derivative + dispersion"}, {"drift": "none"},
    {"drift": "polynomial", "drift_order": 3}, {"high_pass_hz": 0.02},
    {"hrf": "fir", "fir_delays": [0, 2, 4], "scaling": "none"}])
def test_equals_the_design_of_nilearn(options: dict[str, object]) -> None:
    rng = np.random.default_rng(1)
    found = confounds(rot=rng.standard_normal(N), trans=rng.standard_normal(N))
    spec = FirstLevel(**options)  # type: ignore[arg-type]
    mine = make(TABLE, found, **options)
    model = FirstLevelModel(t_r=TR, slice_time_ref=0.5, hrf_model=spec.hrf, high_pass=spec.high_pass_hz,
                            drift_model=None if spec.drift == "none" else spec.drift, drift_order=spec.drift_order,
                            fir_delays=spec.fir_delays,
                            mask_img=nib.Nifti1Image(np.ones((2, 2, 2), np.int8), np.eye(4)))
    image = nib.Nifti1Image(rng.standard_normal((2, 2, 2, N)).astype(np.float32) + 100, np.eye(4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nilearn speaks of its own defaults
        theirs = model.fit(image, events=TABLE, confounds=found.frame).design_matrices_[0]
    assert sorted(mine.columns) == sorted(theirs.columns)
    np.testing.assert_array_equal(mine.matrix, theirs[list(mine.columns)].to_numpy())
    np.testing.assert_array_equal(mine.frame_times, theirs.index.to_numpy())
    assert mine.notes == ()
    assert mine.dof == N - theirs.shape[1]


def test_a_contrast_is_placed_on_the_canonical_columns() -> None:
    mine = make(TABLE, hrf="spm + derivative")
    vector = mine.vector({"zoo": 2.0, "ant": -1.0})
    assert vector is not None
    assert {c: v for c, v in zip(mine.columns, vector, strict=True) if v} == {"zoo": 2.0, "ant": -1.0}
    assert mine.n_task == 4


def test_fir_spreads_a_weight_as_the_mean_over_delays() -> None:
    mine = make(TABLE, hrf="fir", fir_delays=[0, 1, 2, 3], scaling="none")
    vector = mine.vector({"zoo": 1.0})
    assert vector is not None
    assert {c: v for c, v in zip(mine.columns, vector, strict=True) if v} == {f"zoo_delay_{d}": 0.25 for d in range(4)}


def test_dependent_confounds_are_left_out_and_change_nothing() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((2, N))
    plain, doubled = make(TABLE, confounds(a=a, b=b)), make(TABLE, confounds(a=a, b=b, c=a - 2 * b))
    assert plain.matrix.shape == doubled.matrix.shape
    assert any("linear combinations" in note for note in doubled.notes)
    y = rng.standard_normal(N)
    estimates = [float(vector @ np.linalg.pinv(m.matrix) @ y) for m in (plain, doubled)
                 if (vector := m.vector({"zoo": 1.0, "ant": -1.0})) is not None]
    assert estimates[0] == pytest.approx(estimates[1], rel=1e-9)


def test_identical_conditions_cannot_be_told_apart_but_their_sum_can() -> None:
    mine = make(events(zoo=[4.0, 37.3], ant=[4.0, 37.3]))
    assert mine.vector({"zoo": 1.0, "ant": -1.0}) is None
    assert mine.vector({"zoo": 1.0}) is None
    total = mine.vector({"zoo": 1.0, "ant": 1.0})
    assert total is not None
    y = np.random.default_rng(3).standard_normal(N)
    alone = make(events(zoo=[4.0, 37.3], other=[70.0]).query("trial_type == 'zoo'"))
    single = alone.vector({"zoo": 1.0})
    assert single is not None
    assert float(total @ np.linalg.pinv(mine.matrix) @ y) == pytest.approx(
        float(single @ np.linalg.pinv(alone.matrix) @ y), rel=1e-9)


def test_a_condition_whose_volumes_are_all_censored_cannot_be_estimated() -> None:
    table = events(zoo=[150.0], ant=[20.2, 60.0])
    late = {f"censored_{v}": np.eye(N)[v] for v in range(74, N)}
    mine = make(table, confounds(**late), drift="none")
    assert mine.vector({"zoo": 1.0}) is None
    assert mine.vector({"ant": 1.0}) is not None


def test_no_degree_of_freedom_is_an_error() -> None:
    with pytest.raises(DataError, match="no degree of freedom"):
        make(TABLE, confounds(**{f"censored_{v}": np.eye(N)[v] for v in range(N)}))


def test_cosines_of_fmriprep_replace_the_drift() -> None:
    mine = make(TABLE, confounds(True, cosine00=np.cos(np.arange(N))))
    assert [c for c in mine.columns if c.startswith("drift")] == []
    assert any("cosines" in note for note in mine.notes)


def test_order_and_names_of_conditions_are_ours() -> None:
    table = events(zoo=[4.0, 37.3], ant=[20.2], constant=[50.0])
    assert make(table).columns[:3] == ("zoo", "ant", "constant")


def test_an_event_long_before_the_scan_is_modelled_from_its_onset() -> None:
    table = pd.DataFrame({"onset": [-40.0, 60.0], "duration": [70.0, 5.0], "trial_type": ["zoo", "ant"]})
    mine = make(table)
    assert mine.matrix[0, 0] == pytest.approx(1.0, abs=0.01)


def test_a_run_without_events_has_a_design() -> None:
    mine = make(TABLE.iloc[:0])
    assert mine.n_task == 0
    assert mine.columns[-1] == "constant"
