"""Specifications of a multiverse: all combinations, their names, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deltaroi.config.read import parse_study
from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.specs import Confounds

BASE: dict[str, Any] = {
    "schema_version": 1, "name": "s", "dataset": {"bids_dir": "b", "derivatives": "d", "task": "t"},
    "first_level": {"confounds": {"motion": 24, "scrub_fd_mm": 0.9}}, "contrasts": {"x": "a - b"}}
SECTION: dict[str, Any] = {
    "definitions": ["aal3"], "smoothing_fwhm_mm": [2.5, 6], "scaling": ["percent_per_unit"],
    "confounds": {"compcor": {"motion": 6, "acompcor": 5}}, "summary": ["weighted_mean"], "noise": ["ols"]}


def study(section: dict[str, Any] | None, **more: Any) -> Study:
    return parse_study(json.dumps({**BASE, **({} if section is None else {"multiverse": section}), **more}))


def test_without_the_section_there_is_main() -> None:
    (main,) = study(None).specifications
    assert (main.name, main.fit, main.model, main.definition) == ("main", "main", "main", "hcpex")
    assert main.first_level == study(None).first_level


def test_all_combinations() -> None:
    made = study(SECTION).specifications
    assert len(made) == len({one.name for one in made}) == 2 * 3 * 2 * 2 * 2 * 2
    assert made[0] == study(None).specifications[0]
    assert len({one.fit for one in made}) == 3 * 2 * 2
    by_name = {one.name: one for one in made}
    whole = by_name["aal3_fwhm2p5_percentPerUnit_compcor_weightedMean_ols"]
    assert whole.choices == {"definition": "aal3", "smoothing_fwhm_mm": 2.5, "scaling": "percent_per_unit",
                             "confounds": "compcor", "summary": "weighted_mean", "noise": "ols"}
    assert (whole.fit, whole.model) == ("fwhm2p5_compcor_ols", "fwhm2p5_percentPerUnit_compcor_ols")
    assert whole.first_level.confounds == Confounds(motion=6, acompcor=5, scrub_fd_mm=0.9)  # only what differs is given


def test_a_further_choice_renames_nothing() -> None:
    fewer = {one.name for one in study({"summary": ["median"], "noise": ["ols"]}).specifications}
    assert fewer == {"main", "median", "ols", "median_ols"}
    assert fewer < {one.name for one in study({**SECTION, "summary": ["median", "weighted_mean"]}).specifications}


def test_a_choice_of_main_is_not_counted_twice() -> None:
    assert len(study({"noise": ["ar1", "ols"], "summary": ["auto"]}).specifications) == 2


def test_combinations_are_left_out() -> None:
    names = {one.name for one in study({"summary": ["median"], "noise": ["ols"], "scaling": ["none"],
                                        "without": [{"noise": "ols", "scaling": "none"},
                                                    {"summary": "median", "scaling": "percent"}]}).specifications}
    assert names == {"main", "rawUnits", "rawUnits_median", "ols"}


@pytest.mark.parametrize(("section", "more", "words"), [
    ({"summary": ["median", "median"]}, {}, "multiverse.summary: median is listed twice"),
    ({"definitions": ["aal3"]}, {"regions": {"definition": ["hcpex", "aal3"]}}, "regions.definition lists several"),
    ({"confounds": {"main": {"motion": 6}}}, {}, "the name 'main'"),
    ({"confounds": {"a_b": {"motion": 6}}}, {}, "letters and digits"),
    ({"confounds": {"ols": {"motion": 6}}}, {}, "no word for another choice"),
    ({"confounds": {"same": {"scrub_fd_mm": 0.9}}}, {}, "multiverse.confounds.same is the same as main"),
    ({"confounds": {"a": {"motion": 6}, "b": {"motion": 6}}}, {}, "multiverse.confounds.b is the same as a"),
    ({"scaling": ["percent"]}, {"first_level": {"hrf": "fir", "scaling": "none"}}, "no meaning with hrf 'fir'"),
    ({"smoothing_fwhm_mm": [-1]}, {}, "found -1, expected 0 or more"),
    ({"noise": ["ols"], "without": [{"noise": "ar1"}]}, {}, "the study's own choices are left out"),
    ({"noise": ["ols"], "without": [{"summary": "median"}]}, {}, "multiverse.without.0: found summary median"),
    ({"noise": ["ols"], "without": [{}]}, {}, "multiverse.without.0: found nothing"),
    ({"smoothing_fwhm_mm": [float(i) for i in range(1, 300)], "noise": ["ols"], "summary": ["median"]}, {},
     "found 1200 specifications, expected at most 1000"),
    ({"confounds": {"median": {"motion": 6}}, "summary": ["median"]}, {},
     "multiverse.confounds: two specifications are called 'median'"),
    ({"summary": ["median"]}, {"dataset": {"bids_dir": "b", "maps": "m.tsv", "task": "t"}}, "ready-made maps"),
    ({"noise": ["old"]}, {}, "found 'old'"),
    ({"smoothing": [6]}, {}, "unknown key 'smoothing'"),
])
def test_refused(section: dict[str, Any], more: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError) as caught:
        study(section, **more)
    assert words in str(caught.value)


def test_a_strategy_is_written_as_it_was_given() -> None:
    """What is not said is not the default: it follows the main strategy, also when the study as run is read again."""
    one = study({"confounds": {"few": {"motion": 6}}})
    dumped = one.model_dump(mode="json")
    assert dumped["multiverse"]["confounds"] == {"few": {"motion": 6}}
    assert Study.model_validate(dumped).specifications == one.specifications
