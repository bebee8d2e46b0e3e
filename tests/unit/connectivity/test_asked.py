"""From the study file's words to seeds and targets."""

from __future__ import annotations

from typing import Any

import pytest

from deltaroi.connectivity import connections
from deltaroi.errors import StudyError
from deltaroi.specs import Connectivity
from deltaroi.types import RoiKey

ROIS = [RoiKey(region, side, "hcpex") for region in ("dlPFC", "NAcc", "VTA") for side in "LR"]
SEED = {"region": "dlPFC", "hemisphere": "R"}
CONTRASTS = {"x": {"a": 1.0, "b": -1.0}, "m": {"rating": 1.0}}


def asked(rois: list[RoiKey] = ROIS, hrf: str = "spm", **spec: Any) -> Any:
    return connections({"link": Connectivity(**{"method": "gppi", "seed": SEED, **spec})}, rois, CONTRASTS, hrf,
                       ["rating"])[0]


def test_without_targets_every_other_roi_and_without_contrasts_all() -> None:
    found = asked()
    assert found.seed == RoiKey("dlPFC", "R", "hcpex")
    assert [key.label for key in found.targets] == [key.label for key in ROIS if key.label != "dlPFC-R_hcpex"]
    assert dict(found.contrasts) == CONTRASTS


def test_named_targets_and_contrasts_in_their_order() -> None:
    targets = [{"region": "VTA", "hemisphere": "L"}, {"region": "NAcc", "hemisphere": "R"}]
    found = asked(targets=targets, contrasts=["x"])
    assert [key.region for key in found.targets] == ["VTA", "NAcc"]
    assert list(found.contrasts) == ["x"]


def test_what_shares_voxels_with_the_seed_is_no_target_by_itself() -> None:
    both = [*ROIS, RoiKey("dlPFC", "B", "hcpex"), RoiKey("dlPFC", "R", "aal3"), RoiKey("VTA", "R", "circular")]
    found = asked(rois=both, seed={**SEED, "definition": "hcpex"})
    assert {(key.region, key.hemisphere) for key in found.targets} == {
        ("dlPFC", "L"), ("NAcc", "L"), ("NAcc", "R"), ("VTA", "L"), ("VTA", "R")}
    assert all(key.definition == "hcpex" for key in found.targets)


@pytest.mark.parametrize(("spec", "where", "says"), [
    ({"seed": {"region": "dlPFK", "hemisphere": "R"}}, "connectivity.link.seed", "did you mean 'dlPFC'"),
    ({"seed": {"region": "dlPFC", "hemisphere": "B"}}, "connectivity.link.seed", "does not measure dlPFC-B"),
    ({"seed": {**SEED, "definition": "aal3"}}, "connectivity.link.seed", r"does not measure dlPFC-R \(aal3\)"),
    ({"targets": [{"region": "NAcc", "hemisphere": "R"}, {"region": "Nacc", "hemisphere": "R"}]},
     "connectivity.link.targets.1", "did you mean 'NAcc'"),
    ({"targets": [SEED]}, "connectivity.link.targets.0", r"\(connectivity.link.seed\) are the same ROI"),
    ({"contrasts": ["x", "y"]}, "connectivity.link.contrasts.1", "no contrast 'y'; there are x, m"),
    ({"method": "beta_series"}, "connectivity.link.contrasts", "modulated condition 'rating'"),
    ({"method": "beta_series", "contrasts": ["m"]}, "connectivity.link.contrasts.0", "modulated condition 'rating'"),
    ({"hrf": "fir"}, "connectivity.link.method", "first_level.hrf is fir"),
    ({"rois": [ROIS[1]]}, "connectivity.link.targets", "no other ROI"),
    ({"rois": [*ROIS, RoiKey("dlPFC", "R", "aal3")]}, "connectivity.link.seed", "in 2 ways: hcpex, aal3"),
    ({"rois": [RoiKey("dlPFC", "R", "circular"), *ROIS[2:]]}, "connectivity.link.seed", "is circular"),
])
def test_what_cannot_be_is_named_by_its_key(spec: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(StudyError, match=says) as error:
        asked(**spec)
    assert error.value.where == where


@pytest.mark.parametrize("spec", [
    {"targets": []}, {"contrasts": []}, {"contrasts": ["x", "x"]}, {"targets": [SEED, SEED]}, {"minimum_trials": 3},
    {"method": "ppi"}, {"seed": {"region": "dlPFC"}},
])
def test_the_section_is_closed(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        asked(**spec)
