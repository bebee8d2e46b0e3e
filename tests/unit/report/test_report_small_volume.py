"""The section about the voxels inside the ROIs."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import DataError
from deltaroi.io.tsv import read_table, write_table
from deltaroi.report import write_report
from deltaroi.report.data import read_output
from deltaroi.report.figures.slices import Volume
from deltaroi.report.figures.small_volume import Inside, around, inside, shades
from deltaroi.report.small_volume import small_volume_pictures, small_volume_tables
from deltaroi.tables import REGIONS, SMALL_VOLUME
from deltaroi.types import CIRCULAR, NA, RoiKey


@pytest.fixture
def out(folder: ModuleType, tmp_path: Path) -> Path:
    """An output folder with voxels inside two ROIs, of which one holds."""
    root = folder.build(tmp_path / "out", folder.Variant(regions=("amygdala",), per_group=4))
    regions = read_table(root / "group" / "regions.tsv", REGIONS)
    output = read_output(root)
    rows = []
    for row in regions.to_dict("records"):
        roi, good = RoiKey(row["region"], row["hemisphere"], row["definition"]), row["hemisphere"] == "L"
        image = nib.load(output.layout.roi_image(roi, row["space"], row["grid_digest"]))
        weights = np.asarray(image.dataobj)
        for kind, values in (("z", -4.0 * (weights > 0)), ("corrp", (0.99 if good else 0.4) * (weights > 0))):
            path = output.layout.voxel_map(roi, "negative_vs_neutral", row["grid_digest"], kind)
            path.parent.mkdir(exist_ok=True)
            nib.save(nib.Nifti1Image(values.astype(np.float32), image.affine), path)
        rows.append({
            "specification": "main", "contrast": "negative_vs_neutral", "region": roi.region,
            "hemisphere": roi.hemisphere, "definition": roi.definition, "model": "ancova", "term": "group_difference",
            "comparison": "training-control|post-pre", "se_kind": "hc2_welch", "status": NA, "n": 8, "n_voxels": 40,
            "n_voxels_shared": 39, "n_voxels_tested": 38, "statistic": -5.0, "statistic_kind": "t", "df": 5.5,
            "estimate": -0.5, "unit": "percent", "x_mm": row["x_mm"], "y_mm": row["y_mm"], "z_mm": row["z_mm"],
            "p_peak": 0.01 if good else 0.6, "p_holm": 0.02 if good else 0.6, "family_size": 2,
            "n_voxels_significant": 38 if good else 0, "extent_mm3": 2432.0 if good else 0.0,
            "grid_digest": row["grid_digest"], "reading": f"What is inside {roi.hemisphere} <b>."})
    write_table(pd.DataFrame(rows), SMALL_VOLUME, root / "group" / "small_volume.tsv")
    return root


def test_the_section_has_table_pictures_and_readings(out: Path) -> None:
    page = write_report(out).read_text()
    assert '<section id="inside">' in page
    assert '<a href="#inside">' in page
    assert page.count("What is inside") >= 4  # caption and what the picture says to those who do not see it
    assert "inside L &lt;b&gt;" in page
    assert "Voxels inside the ROIs" in (out / "methods.md").read_text()
    (table,) = small_volume_tables(read_output(out))
    assert table.rows[0][2] == "38 (40)"
    assert table.rows[0][-1] == "38 (2432)"
    assert table.marked == {0}
    (panel,) = small_volume_pictures(read_output(out))
    assert len(panel.pictures) == 2


def test_without_the_table_there_is_no_section(out: Path) -> None:
    (out / "group" / "small_volume.tsv").unlink()
    page = write_report(out).read_text()
    assert "inside" not in page.split("</nav>")[0].split("<nav")[1]
    assert '<section id="inside">' not in page
    assert "Voxels inside" not in (out / "methods.md").read_text()


def test_a_circular_roi_is_never_marked(out: Path) -> None:
    path = out / "group" / "small_volume.tsv"
    table = read_table(path, SMALL_VOLUME).assign(definition=CIRCULAR)
    regions = read_table(out / "group" / "regions.tsv", REGIONS).assign(definition=CIRCULAR)
    write_table(table, SMALL_VOLUME, path)
    write_table(regions, REGIONS, out / "group" / "regions.tsv")
    (shown,) = small_volume_tables(read_output(out))
    assert shown.marked == frozenset()
    assert all("circular" in row[0] for row in shown.rows)


def test_a_broken_image_is_named(out: Path) -> None:
    path = sorted((out / "group" / "small_volume").glob("*stat-z*"))[0]
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="image cannot be read"):
        small_volume_pictures(read_output(out))


def test_colours() -> None:
    """Red up, blue down, whole where it holds, nothing where nothing was tested."""
    found = shades(np.array([4.0, -4.0, 2.0, 0.0]), np.array([0.99, 0.2, 0.2, 0.0]), 4.0)
    assert found[0, 0] > found[0, 2]
    assert found[1, 2] > found[1, 0]
    assert found[0, 3] == 1.0 > found[1, 3] == found[2, 3] > found[3, 3] == 0.0
    assert (found[2, :3] > found[0, :3]).all()


def test_all_of_a_large_roi_is_seen() -> None:
    weights = np.zeros((60, 60, 60))
    weights[5:55, 20:30, 20:30] = 1
    volume = Volume(weights, np.diag([2.0, 2, 2, 1]))
    view = around(volume)
    assert view.box[0][0] < 10 < 108 < view.box[0][1]
    assert len({high - low for low, high in view.box}) == 1
    figure = inside(Inside(volume, volume, volume, (60.0, 50.0, 50.0), "F"), None)
    assert len(figure.axes) == 4
