"""Which ROIs a study asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaroi import masks
from deltaroi.errors import SpaceError, StudyError
from deltaroi.masks import roi_keys
from deltaroi.masks.keys import resolve
from deltaroi.specs import Combine, CombineRoi, LabelsRoi, MaskRoi, RegionChoice, Regions, SphereRoi

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
    (Regions(include=["VTA"], definition=[]), "no definition is named", "hcpex"),
    (Regions(include=["VTA"], definition=["hcpex", "hcpex"]), "VTA-L_hcpex is listed twice", "once"),
    (Regions(include=["amygdala"], definition=["harvard-oxford", "harvard_oxford"]),
     "amygdala-L_harvard_oxford is listed twice", "once"),
    (Regions(include=["VTA"], hemispheres=["L", "L"]), "VTA-L_hcpex is listed twice", "once"),
    (Regions(include=["VTA", RegionChoice(region="VTA", definition="custom")], custom={"VTA": SPHERE}),
     "VTA-L_custom is listed twice", "once"),
    (Regions(include=["VTAA"]), "no region 'VTAA'", "did you mean 'VTA'"),
    (Regions(include=["VTA", "VTA"]), "VTA-L_hcpex is listed twice", "once"),
    (Regions(include=["pACC"], definition="metasphere"), "has the hemispheres L, B, not R", "hemispheres"),
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


def test_a_threshold_holds_for_those_of_several_definitions_that_have_probabilities() -> None:
    asked = RegionChoice(region="amygdala", definition=["hcpex", "harvard-oxford"], threshold=0.5)
    requests, _ = resolve(Regions(include=[asked]))
    assert [(request.key.definition, request.threshold) for request in requests] == [
        ("hcpex", None), ("hcpex", None), ("harvard_oxford", 0.5), ("harvard_oxford", 0.5)]
    for definition in ("hcpex", ["hcpex", "aal3"]):
        with pytest.raises(StudyError, match="is not drawn from probabilities"):
            resolve(Regions(include=[asked.model_copy(update={"definition": definition})]))


def test_custom_rois_that_hide_a_region_and_names_that_only_look_used() -> None:
    custom = {"VTA": SPHERE, "it": CombineRoi(combine=Combine(op="union", of=["VTA.hcpex", "amygdala.hcpex.L"]))}
    _, notes = resolve(Regions(include=["VTA", "it"], custom=custom))
    assert notes == ("VTA is the ROI of that name in regions.custom, not the region of hcpex",)
    _, notes = resolve(Regions(include=["it"], custom=custom))
    assert notes == ("regions.custom.VTA is not in regions.include and is not measured",)
    for name in ("VTA", "VTA.L", "VTA.custom", "VTA.custom.R"):
        made = CombineRoi(combine=Combine(op="union", of=[name, "amygdala.hcpex"]))
        assert resolve(Regions(include=["it"], custom={"VTA": SPHERE, "it": made}))[1] == ()


def test_a_region_that_only_one_template_has_is_refused_by_its_space() -> None:
    """The midbrain of cit168 exists for one template; on the other the message names what fits."""
    regions = Regions(include=["VTA"], definition="cit168")
    grid = masks.grid_for("MNI152NLin6Asym", 3)
    assert len(roi_keys(regions, grid.space)) == 2
    with pytest.raises(SpaceError, match="drawn in MNI152NLin2009cAsym, but the images are in MNI152NLin6Asym") as e:
        masks.build_regions(regions, grid, base=Path())
    assert "definitions that would fit: aal3" in e.value.hint
    assert "cit168" not in e.value.hint
