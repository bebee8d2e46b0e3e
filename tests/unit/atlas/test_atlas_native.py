"""Native weights, and images that are not what was expected."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from deltaroi import atlas
from deltaroi.atlas.definitions import PackageFile
from deltaroi.errors import DataError


def with_image(**changes: str) -> atlas.RegionSource:
    source = atlas.find("VTA", "L", "hcpex")
    assert isinstance(source.shape, atlas.LabelShape)
    image = PackageFile.model_validate({**source.shape.image.model_dump(), **changes})
    return replace(source, shape=replace(source.shape, image=image))


def test_missing_package_is_named() -> None:
    with pytest.raises(DataError, match="package 'brain-atlas' is not installed") as caught:
        atlas.native_weights(with_image(package="brain-atlas", module="no_such_module_here"))
    assert "pip install brain-atlas==1.2.0" in caught.value.hint


def test_missing_file_is_named() -> None:
    with pytest.raises(DataError, match="has no such file"):
        atlas.native_weights(with_image(file="atlases/HCPEx2.nii"))


def test_another_image_is_refused() -> None:
    with pytest.raises(DataError, match="not the one this version was checked with"):
        atlas.native_weights(with_image(sha256="0" * 64))


def test_label_that_is_empty_in_the_image() -> None:
    source = atlas.find("pACC", "B", "aal3")
    assert isinstance(source.shape, atlas.LabelShape)
    with pytest.raises(DataError, match=r"no voxel with the labels \[35, 999\]"):
        atlas.native_weights(replace(source, shape=replace(source.shape, ids=(35, 153, 999))))


def test_weights_are_cropped() -> None:
    native = atlas.native_weights(atlas.find("VTA", "B", "hcpex"))
    for axis in range(3):
        ends = native.weights.take([0, -1], axis=axis)
        assert ends.any(axis=tuple(a for a in range(3) if a != axis)).all()
    assert native.weights.dtype == np.float32


def test_both_sides_include_the_midplane() -> None:
    parts = {side: atlas.native_weights(atlas.find("pACC", side, "hcpex")) for side in ("L", "R", "B")}
    both = parts["B"]
    x = np.argwhere(both.weights) @ both.affine[0, :3] + both.affine[0, 3]
    midplane = (x == 0).sum()
    assert midplane == 264
    assert both.weights.sum() == parts["L"].weights.sum() + parts["R"].weights.sum() + midplane


def test_sphere_is_rasterised_at_its_place() -> None:
    native = atlas.native_weights(atlas.find("midbrain", "R", "metasphere"))
    world = np.argwhere(native.weights > 0) @ native.affine[:3, :3].T + native.affine[:3, 3]
    weights = native.weights[native.weights > 0].astype(float)
    np.testing.assert_allclose(weights @ world / weights.sum(), (8, -18, -10), atol=1e-6)
    assert native.weights.sum() == pytest.approx(4 / 3 * math.pi * 6**3, rel=1e-3)
    assert native.weights.max() == 1
