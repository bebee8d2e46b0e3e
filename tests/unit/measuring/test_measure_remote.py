"""Maps behind URLs give the numbers of local ones, and are read once."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi.measuring import MeasureOptions, measure
from remote_servers import Page, Trouble, WebServer, own_settings, serving

OPTIONS = MeasureOptions(sphere="0,0,0,9")


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own_settings(tmp_path, monkeypatch)
    values = np.random.default_rng(1).normal(size=(30, 30, 30, 3)).astype(np.float32)
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -45
    for name, data in (("con.nii.gz", values[..., 0]), ("var.nii", np.abs(values[..., 1])), ("all.nii.gz", values)):
        image = nib.Nifti1Image(data, affine)
        image.set_sform(affine, 1)
        nib.save(image, tmp_path / name)
    return tmp_path


def table(folder: Path, name: str, start: str, end: str = "") -> Path:
    rows = ["subject\tcontrast\tpath\tvariance_path", f"1\tc\t{start}con.nii.gz{end}\t{start}var.nii{end}",
            f"2\tc\t{start}all.nii.gz{end and ''},3\tn/a"]
    (folder / name).write_text("\n".join(rows) + "\n")
    return folder / name


def test_maps_behind_urls(maps: Path) -> None:
    at_home = measure(table(maps, "home.tsv", ""), OPTIONS)
    with serving(WebServer()) as web:
        web.pages = {f"/{path.name}": Page(path.read_bytes()) for path in maps.glob("*.nii*")}
        web.trouble["/con.nii.gz"] = [Trouble(), Trouble(after=40_000)]
        far = measure(table(maps, "far.tsv", web.url("/"), "?X-Amz-Signature=planted"), OPTIONS)
        assert web.sent == {f"/{path.name}": path.stat().st_size for path in maps.glob("*.nii*")}
    assert far.responses.equals(at_home.responses)
    assert far.responses["value"].notna().all()
    assert far.exit_code == 0
    assert far.transfers["drops"] == 1
    far.write(maps / "out")
    at_home.write(maps / "out-home")
    for path in (maps / "out").iterdir():
        assert "planted" not in path.read_text()
        assert path.read_bytes() == (maps / "out-home" / path.name).read_bytes()


def test_a_map_that_is_gone_is_left_out_by_its_address(maps: Path) -> None:
    with serving(WebServer()) as web:
        web.pages["/all.nii.gz"] = Page((maps / "all.nii.gz").read_bytes())
        far = measure(table(maps, "far.tsv", web.url("/"), "?X-Amz-Signature=planted"), OPTIONS)
        row = far.exclusions.iloc[0]
        assert (row["value"], row["reason"]) == (web.url("/con.nii.gz"),
                                                 "map not readable: there is no such file (HTTP status 404)")
    assert far.exit_code == 5
