"""Files that nilearn's fetchers would place, and extras that are not installed.

The images here are simulated: small, with the layout of the real files (folders, shapes, order of volumes, names).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from deltaroi import atlas, masks
from deltaroi.errors import DataError, UsageError
from deltaroi.specs import Regions

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
SHAPE = (91, 109, 91)
SPACES = {"pauli2017": "MNI152NLin2009cAsym", "schaefer": "MNI152NLin6Asym", "harvard_oxford_fsl": "MNI152NLin6Asym",
          "juelich_fsl": "MNI152NLin6Asym"}


def definition(name: str) -> Any:
    (found,) = atlas.variants(name)
    return found


def save(path: Path, data: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, AFFINE)
    image.set_sform(AFFINE, "mni")
    nib.save(image, path)


def bump(x_mm: float, peak: float) -> np.ndarray:
    """A smooth simulated probability map around (x, 0, 0)."""
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    world = ijk @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    squares = ((world - np.array([x_mm, 0, 0])) ** 2).sum(axis=-1)
    return np.asarray(peak * np.exp(-squares / (2 * 36)), dtype=np.float32)


@pytest.mark.parametrize("name", SPACES)
def test_without_the_file_the_message_says_what_to_do(name: str, nilearn_data: Path) -> None:
    found = definition(name)
    region = next(iter(found.regions))
    with pytest.raises(DataError, match="nothing is downloaded unasked") as caught:
        atlas.native_weights(atlas.find(region, "L", name))
    assert "deltaroi regions fetch" in caught.value.hint
    assert "nilearn.datasets.fetch_atlas_" in caught.value.hint
    assert "nothing is downloaded unasked" in str(atlas.obstacle(found))
    assert not nilearn_data.exists()


def test_pauli_maps_are_weights_on_each_side(nilearn_data: Path) -> None:
    maps = np.zeros((*SHAPE, 16), dtype=np.float32)
    maps[..., 10] = bump(-6, 0.8) + bump(6, 0.8)
    maps[..., 9] = bump(-8, 0.5) + bump(8, 0.5)
    save(nilearn_data / "pauli_2017/pauli_2017_prob.nii.gz", maps)
    assert atlas.obstacle(definition("pauli2017")) is None
    both = atlas.native_weights(atlas.find("VTA", "B", "pauli2017"))
    assert both.weights.sum() == pytest.approx(maps[..., 10].sum(), rel=1e-5)
    for side in ("L", "R"):
        one = atlas.native_weights(atlas.find("VTA", side, "pauli2017"))  # type: ignore[arg-type]
        x = np.argwhere(one.weights) @ one.affine[0, :3] + one.affine[0, 3]
        assert (x < 0).all() if side == "L" else (x > 0).all()
    pbp = atlas.native_weights(atlas.find("VTA_PBP", "B", "pauli2017"))
    assert pbp.weights.sum() == pytest.approx(np.clip(maps[..., 9] + maps[..., 10], 0, 1).sum(), rel=1e-5)
    assert pbp.weights.max() <= 1
    grid = masks.grid_for("MNI152NLin2009cAsym", 3)
    spec = Regions.model_validate({"include": ["VTA"], "definition": "pauli2017"})
    built = masks.build_regions(spec, grid, base=Path())
    left = built.table.set_index("hemisphere").loc["L"]
    assert (left["rule"], left["source_version"]) == ("fill_weight", "n/a")
    assert len(left["sha256"]) == 64  # of the file that was read, as none is recorded
    native = atlas.native_weights(atlas.find("VTA", "L", "pauli2017"))
    assert left["volume_mm3"] == pytest.approx(native.weights.sum() * 8, rel=1e-3)  # weights survive resampling


@pytest.mark.parametrize("damage", ["half", "scrambled", "text"])
@pytest.mark.parametrize("name", ["pauli2017", "schaefer"])
def test_a_broken_download_is_named(nilearn_data: Path, name: str, damage: str) -> None:
    found = definition(name)
    path = nilearn_data / next(iter(found.images.values())).nilearn
    rng = np.random.default_rng(1)
    save(path, rng.integers(0, 200, (20, 20, 20, 16) if name == "pauli2017" else (20, 20, 20)).astype(np.uint8))
    whole = path.read_bytes()
    broken = {"half": whole[:len(whole) // 2], "text": b"<html>not found</html>",
              "scrambled": whole[:500] + rng.bytes(len(whole) - 500)}
    path.write_bytes(broken[damage])
    if name == "schaefer":
        table = nilearn_data / found.names.nilearn
        table.write_text("".join(f"{i}\t{word}\n" for region in found.regions.values()
                                 for i, word in enumerate(region.names["L"], start=1)))
    with pytest.raises(DataError, match="the image cannot be read") as caught:
        atlas.native_weights(atlas.find(next(iter(found.regions)), "L", name))
    assert caught.value.where == str(path)
    assert "fetch" in caught.value.hint


@pytest.mark.parametrize(("threshold", "rule"), [(None, None), (0.5, None), ("weighted", "fill_weight")])
def test_thresholds(nilearn_data: Path, threshold: Any, rule: str | None) -> None:
    entry = definition("harvard_oxford_fsl")
    region = entry.regions["amygdala"]
    maps = np.zeros((*SHAPE, 21), dtype=np.uint8)
    maps[..., region.volumes["L"][0]] = np.rint(100 * bump(-22, 0.9))
    maps[..., region.volumes["R"][0]] = np.rint(100 * bump(22, 0.9))
    save(nilearn_data / entry.images["sub"].nilearn, maps)
    source = atlas.find("amygdala", "L", "harvard_oxford_fsl", threshold=threshold)
    native = atlas.native_weights(source)
    p = maps[..., region.volumes["L"][0]] / 100
    expected = p.sum() if threshold == "weighted" else (p >= (threshold or 0.25)).sum()
    assert native.weights.sum() == pytest.approx(expected, rel=1e-5)
    assert rule is None or source.rule == rule
    words = "probability as weight" if threshold == "weighted" else f"probability >= {threshold or 0.25:g}"
    assert words in source.source
    spec = Regions.model_validate({"include": ["amygdala"], "definition": "harvard-oxford_fsl", "hemispheres": ["L"],
                                   "threshold": threshold})
    built = masks.build_regions(spec, masks.grid_for("MNI152NLin6Asym", 2), base=Path())
    assert built.table["native_volume_mm3"].item() == pytest.approx(8 * expected, rel=1e-5)
    assert built.table["definition"].item() == "harvard_oxford_fsl"


def test_labels_by_name_follow_the_table_that_is_there(nilearn_data: Path) -> None:
    """The ids come from the downloaded table, so that another order of labels changes nothing."""
    names = definition("schaefer").regions["AI"].names
    labels = np.zeros(SHAPE, dtype=np.int16)
    lines = []
    for number, name in enumerate(reversed(names["L"] + names["R"]), start=5):
        x = 25 if name in names["L"] else 65  # the x axis is flipped: high i is left
        labels[90 - x, 60 + number, 30:34] = number
        lines.append(f"{number}\t{name}\t120\t18\t131\t0")
    folder = nilearn_data / "schaefer_2018"
    save(folder / "Schaefer2018_400Parcels_7Networks_order_FSLMNI152_1mm.nii.gz", labels)
    table = folder / "Schaefer2018_400Parcels_7Networks_order.txt"
    table.write_text("\n".join(lines) + "\n")
    left = atlas.native_weights(atlas.find("AI", "L", "schaefer"))
    assert left.weights.sum() == 4 * len(names["L"])
    x = np.argwhere(left.weights) @ left.affine[0, :3] + left.affine[0, 3]
    assert (x < 0).all()
    with pytest.raises(DataError, match="the table of labels has no 7Networks_") as caught:
        atlas.native_weights(atlas.find("mOFC", "L", "schaefer"))
    assert "another release" in caught.value.hint


def test_fewer_volumes_than_the_definition_needs(nilearn_data: Path) -> None:
    save(nilearn_data / "pauli_2017/pauli_2017_prob.nii.gz", np.ones((*SHAPE, 3), dtype=np.float32))
    with pytest.raises(DataError, match=r"has 3 volumes, and not the volumes \[10\]"):
        atlas.native_weights(atlas.find("VTA", "L", "pauli2017"))


def test_fetch_finds_what_is_there_and_refuses_what_is_not_downloaded(nilearn_data: Path) -> None:
    path = nilearn_data / "pauli_2017/pauli_2017_prob.nii.gz"
    save(path, np.ones((2, 2, 2, 16), dtype=np.float32)[:1])
    assert atlas.fetch(definition("pauli2017")) == (path,)
    with pytest.raises(UsageError, match="none that nilearn downloads"):
        atlas.fetch(definition("hcpex"))
