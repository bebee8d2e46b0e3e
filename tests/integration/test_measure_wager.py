"""Real contrast maps of 30 people (Wager et al. 2008, Analyze pairs) against the ROI values that came with them.

On which side the ROI lies is not resolved in the source; nothing here tests it.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from deltaroi.measuring import MeasureOptions, MeasureResult, measure


def write_maps(folder: Path, data: Path) -> Path:
    """A table of the 30 maps, in file order."""
    maps = sorted(data.glob("con_*.img"))
    assert len(maps) == 30
    rows = [f"{number:02d}\treappraise_vs_look\t{path}" for number, path in enumerate(maps, start=1)]
    table = folder / "MAPS.tsv"
    table.write_text("subject\tcontrast\tpath\n" + "\n".join(rows) + "\n")
    return table


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    return shared / "data" / "wager2008_emotionreg"


@pytest.fixture(scope="module")
def published(data: Path) -> np.ndarray:
    table = pd.read_csv(data / "Wager_2008_emotionreg_behavioral_data.txt", sep="\t")
    return table["X_RVLPFC"].to_numpy()


@pytest.fixture(scope="module")
def measured(data: Path, tmp_path_factory: pytest.TempPathFactory) -> MeasureResult:
    table = write_maps(tmp_path_factory.mktemp("wager"), data)
    return measure(table, MeasureOptions(sphere="-51.5,22.5,22.5,6"))


def test_the_shipped_column_comes_back(measured: MeasureResult, published: np.ndarray) -> None:
    values = measured.responses["value"].to_numpy()
    assert np.corrcoef(values, published)[0, 1] == pytest.approx(0.9961, abs=5e-5)
    # SOURCE.txt: slope 1.011, intercept 0.036 (published on measured), largest difference 0.363
    np.testing.assert_allclose(np.polyfit(values, published, 1), [1.011, 0.036], atol=5e-4)
    assert np.abs(values - published).max() == pytest.approx(0.363, abs=5e-4)


def test_what_is_known_of_the_maps_travels_along(measured: MeasureResult) -> None:
    assert measured.exit_code == 0
    assert measured.exclusions.empty
    assert set(measured.responses["n_voxels"]) == {18}
    assert set(measured.responses["unit"]) == {"as in the map"}
    assert set(measured.responses["session"]) == {"n/a"}
    assert measured.responses[["variance", "dof", "n_runs", "tsnr"]].isna().all(axis=None)
    text = " ".join(measured.warnings)
    assert "SPM's convention, which cannot be verified: 30 maps" in text
    assert "variance is n/a" in text
    assert measured.regions["space_relation"].tolist() == ["not stated"]


def test_a_sphere_at_the_edge_of_the_brain(data: Path, tmp_path: Path) -> None:
    """Maps are NaN outside the brain, differently in every subject: the mean is over what is there, or it is n/a."""
    result = measure(write_maps(tmp_path, data), MeasureOptions(sphere="0,0,88,7"))
    expected = []
    for path in sorted(data.glob("con_*.img")):
        image = nib.load(path)
        ijk = np.indices(image.shape[:3]).reshape(3, -1).T
        inside = np.linalg.norm(nib.affines.apply_affine(image.affine, ijk) - [0, 0, 88], axis=1) <= 7
        voxels = image.get_fdata().ravel()[inside]
        assert len(voxels) == 10
        present = np.isfinite(voxels)
        expected.append(voxels[present].mean() if present.mean() >= 0.5 else np.nan)
    np.testing.assert_allclose(result.responses["value"], expected, rtol=1e-12)
    assert np.isnan(expected).sum() == 4
    assert result.exclusions["reason"].tolist() == ["coverage of the ROI too low"] * 4
    assert result.exit_code == 0
