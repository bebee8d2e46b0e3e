"""Which ROIs a study asks for."""

from __future__ import annotations

import pytest

from deltaroi.errors import StudyError
from deltaroi.masks import roi_keys
from deltaroi.masks.keys import resolve
from deltaroi.specs import LabelsRoi, MaskRoi, RegionChoice, Regions, SphereRoi

SPHERE = SphereRoi(sphere={"L": (-24, -2, -16), "R": (24, -2, -16)})
MIDLINE = SphereRoi(sphere={"B": (0, 40, 4)})
BOTH = MaskRoi(mask="m.nii", space="MNI152NLin2009cAsym")
LEFT = MaskRoi(mask="m.nii", space="MNI152NLin2009cAsym", hemisphere="L")
LABELS = LabelsRoi(labels="l.nii", ids={"L": [1], "R": [2]}, space="MNI152NLin2009cAsym")

CASES = [
    ("default", Regions(include=["VTA"]), "VTA-L_hcpex VTA-R_hcpex"),
    ("B", Regions(include=["VTA"], hemispheres=["B"]), "VTA-B_hcpex"),
    ("two definitions", Regions(include=["VTA"], definition=["hcpex", "aal3"], hemispheres=["B"]),
     "VTA-B_hcpex VTA-B_aal3"),
    ("override", Regions(include=["AI", RegionChoice(region="VTA", definition="aal3", hemispheres=["B"])],
                         hemispheres=["L"]), "AI-L_hcpex VTA-B_aal3"),
    ("override with a list", Regions(include=[RegionChoice(region="VTA", definition=["aal3", "hcpex"])],
                                     hemispheres=["R"]), "VTA-R_aal3 VTA-R_hcpex"),
    ("mask of both sides", Regions(include=["m"], custom={"m": BOTH}), "m-B_custom"),
    ("mask of one side", Regions(include=["m"], custom={"m": LEFT}), "m-L_custom"),
    ("labels", Regions(include=["m"], custom={"m": LABELS}), "m-L_custom m-R_custom"),
    ("labels united", Regions(include=["m"], custom={"m": LABELS}, hemispheres=["B"]), "m-B_custom"),
    ("sphere", Regions(include=["m"], custom={"m": SPHERE}, hemispheres=["R"]), "m-R_custom"),
    ("midline sphere", Regions(include=["m"], custom={"m": MIDLINE}), "m-B_custom"),
    ("midline of the library", Regions(include=["mOFC"], definition="liu2011sphere"), "mOFC-B_liu2011sphere"),
    ("custom before library", Regions(include=["VTA"], custom={"VTA": SPHERE}), "VTA-L_custom VTA-R_custom"),
    ("library by name", Regions(include=[RegionChoice(region="VTA", definition="hcpex")], custom={"VTA": SPHERE}),
     "VTA-L_hcpex VTA-R_hcpex"),
]


@pytest.mark.parametrize(("regions", "labels"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_keys(regions: Regions, labels: str) -> None:
    assert " ".join(key.label for key in roi_keys(regions)) == labels


WRONG = [
    (Regions(include=["VTAA"]), "no region 'VTAA'", "did you mean 'VTA'"),
    (Regions(include=["VTA", "VTA"]), "VTA-L_hcpex is listed twice", "once"),
    (Regions(include=["pACC"], definition="amft2015sphere"), "has the hemispheres L, B, not R", "hemispheres"),
    (Regions(include=["m"], custom={"m": LEFT}, hemispheres=["R"]), "has the hemispheres L, not R", "[L]"),
    (Regions(include=["m"], custom={"m": LEFT}, hemispheres=["B"]), "has the hemispheres L, not B", "[L]"),
    (Regions(include=[RegionChoice(region="x", definition="custom")], custom={"m": LEFT}), "no custom ROI 'x'",
     "regions.custom has m"),
    (Regions(include=[RegionChoice(region="m", definition="hcpex")], custom={"m": LEFT}), "no region 'm'", "has"),
]


@pytest.mark.parametrize(("regions", "message", "hint"), WRONG)
def test_refused(regions: Regions, message: str, hint: str) -> None:
    with pytest.raises(StudyError) as caught:
        roi_keys(regions)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_what_was_not_taken_literally_is_noted() -> None:
    _, notes = resolve(Regions(include=["m", RegionChoice(region="mOFC", definition="liu2011sphere")],
                               custom={"m": BOTH, "unused": LEFT}))
    assert notes == ("mOFC (liu2011sphere) is drawn as B; L, R was asked for",
                     "regions.custom.unused is not in regions.include and is not measured")
