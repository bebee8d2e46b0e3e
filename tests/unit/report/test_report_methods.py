"""The methods text says what was done, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from deltaroi.config.read import parse_study
from deltaroi.config.study import Study
from deltaroi.report import write_report
from deltaroi.report.data import Output, read_output
from deltaroi.report.html import study_yaml
from deltaroi.report.methods import write_methods

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "report"


@pytest.fixture(scope="module")
def usual(folder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Output:
    return read_output(folder.build(tmp_path_factory.mktemp("usual"), folder.VARIANTS["usual"]))


def changed(output: Output, **sections: Any) -> Output:
    """The output with sections of its study replaced, by key path with dots as double underscores."""
    data = output.study.model_dump(mode="json")
    for path, value in sections.items():
        *parents, last = path.split("__")
        inner = data
        for name in parents:
            inner = inner[name]
        inner[last] = value
    return dataclasses.replace(output, study=Study.model_validate_json(json.dumps(data)))


def redefined(output: Output, definition: str) -> Output:
    """The output with another definition of the amygdala in all tables."""
    frames = {}
    for name in ("responses", "effects", "regions", "quality"):
        frame = getattr(output, name).copy()
        frame.loc[frame["region"] == "amygdala", "definition"] = definition
        frames[name] = frame
    return dataclasses.replace(output, **frames)


def text_of(output: Output) -> str:
    return write_methods(output).markdown()


def test_golden(usual: Output) -> None:
    golden, text = GOLDEN / "methods.md", text_of(usual)
    if os.environ.get("DELTAROI_REPLACE_GOLDEN") == "1":
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize(("sections", "present", "absent"), [
    ({"first_level__smoothing_fwhm_mm": 6.0}, "kernel of 6 mm", "not smoothed"),
    ({"first_level__noise": "ols"}, "ordinary least squares", "autoregressive"),
    ({"first_level__hrf": "glover + derivative"}, "Glover + derivative (Glover, 1999)", "SPM canonical"),
    ({"first_level__confounds__motion": 0}, "No confound columns", "Satterthwaite T. D."),
    ({"first_level__confounds__acompcor": 5}, "fMRIPrep's cosine regressors", "high-pass cut-off"),
    ({"first_level__confounds__scrub_fd_mm": None}, "censored for non-steady-state", "framewise displacement"),
    ({"first_level__confounds__global_signal": True}, "the global signal", "no such words"),
    ({"first_level__drift": "none"}, "Drift was not modelled", "cosines"),
    ({"first_level__scaling": "none"}, "Responses", "peak height"),
    ({"first_level__slice_time_ref": 0.0}, "slice-time reference was 0 of", "sidecar"),
    ({"dataset__maps": "maps.tsv", "dataset__derivatives": None}, "Ready-made contrast maps", "Each run was fitted"),
    ({"regions__family": "all_contrasts"}, "ROIs of all contrasts", "ROIs of one contrast"),
    ({"group__primary": "ancova"}, "asks for this estimator", "Groups were randomised"),
    ({"groups__covariates": ["age"]}, "Covariates: age", "no such words"),
])
def test_only_what_was_done(sections: dict[str, Any], present: str, absent: str, usual: Output) -> None:
    text = text_of(changed(usual, **sections))
    assert present in text
    assert absent not in text


@pytest.mark.parametrize(("column", "words"), [
    ("p_fwe", "sign flips"), ("p_holm", "Holm"), ("q_fdr", "Benjamini"), ("p_equivalence", "one-sided tests"),
    ("loo_min", "left out"), ("effect_size", "Standardised effect sizes")])
def test_what_was_not_computed_is_not_told(column: str, words: str, usual: Output) -> None:
    assert words in text_of(usual)
    effects = usual.effects.assign(**{column: np.nan})
    sizes = usual.beside["effect_sizes"].assign(**({"value": np.nan} if column == "effect_size" else {}))
    beside = {**usual.beside, "effect_sizes": sizes}
    assert words not in text_of(dataclasses.replace(usual, effects=effects, beside=beside))


def test_methods_say_only_what_stands_beside_the_effects(usual: Output) -> None:
    text = text_of(usual)
    for said in ("Efron", "widths 0.707, 1 and 1.41", "Senn", "slopes of ANCOVA", "Shapiro"):
        assert said in text
    empty = {name: frame.iloc[:0] for name, frame in usual.beside.items()}
    without = text_of(dataclasses.replace(usual, beside=empty))
    for said in ("Efron", "Cauchy", "Senn", "slopes of ANCOVA", "Shapiro", "## Assumptions"):
        assert said not in without


def test_without_a_record_nothing_is_guessed(usual: Output) -> None:
    run = dataclasses.replace(usual.run, versions={}, inputs={}, simulated=False)
    text = text_of(dataclasses.replace(usual, run=run))
    assert "the program that did it is not recorded" in text
    assert "Versions" not in text
    assert "Esteban" not in text
    assert "simulated" not in text


@pytest.mark.parametrize("inputs", [
    {"GeneratedBy": [{"Name": "fMRIPrep", "Version": "1.5.0"}]},
    {"derivatives": {"generated_by": [{"name": "fmriprep", "version": "1.5.0"}]}}])
def test_fmriprep_is_cited_with_its_version(inputs: dict[str, Any], usual: Output) -> None:
    run = dataclasses.replace(usual.run, inputs=inputs, simulated=False)
    assert "1.5.0 (Esteban et al., 2019)" in text_of(dataclasses.replace(usual, run=run))


def test_simulated_images_were_not_preprocessed(usual: Output) -> None:
    text = text_of(usual)
    assert text.startswith("# Methods\n\n## Data\n\nThe data are simulated")
    assert "fMRIPrep 23.2.1" not in text
    assert "Esteban" not in text


def test_references_are_those_cited(usual: Output) -> None:
    methods = write_methods(usual)
    body = " ".join(text for _, text in methods.paragraphs)
    assert any(reference.startswith("Huang") for reference in methods.references)  # the atlas
    for reference in methods.references:
        family = reference.partition(" ")[0]
        assert family in body or family == "Huang", reference
    assert list(methods.references) == sorted(methods.references, key=str.casefold)


def test_combined_citations_are_references_of_their_own(usual: Output) -> None:
    first, second = "Huang CC (2022). One. doi:10.1/1", "Rolls ET (2020). Two. doi:10.1/2"
    regions = usual.regions.assign(citation=first)
    regions.loc[regions.index[0], "citation"] = f"{first} | {second} | not stated (user ROI)"
    references = write_methods(dataclasses.replace(usual, regions=regions)).references
    assert [text for text in references if "doi:10.1/" in text] == [first, second]
    assert not any("|" in text or "not stated" in text for text in references)


def test_study_as_shown_reads_back_as_the_study(usual: Output) -> None:
    assert parse_study(study_yaml(usual)) == usual.study


def test_cobidas_items(usual: Output) -> None:
    write_report(usual.layout.root)
    items = json.loads(usual.layout.cobidas.read_text())
    assert items["Participants"]["Analysed"] == {"training": 12, "control": 12}
    assert len(items["RegionsOfInterest"]) == 14
    assert {roi["Type"] for roi in items["RegionsOfInterest"]} == {"atlas"}
    assert items["MultipleTesting"]["Methods"] == ["max-T permutation", "Holm", "Benjamini-Hochberg"]
    assert items["MultipleTesting"]["FamilySizes"] == [14]
    assert items["GroupModel"]["VarianceStructure"] == ["hc2_welch"]
    assert len(items["TestedEffects"]) == len(usual.effects)
    assert items["Units"] == ["percent"]
    assert items["Study"]["SimulatedData"] is True


def test_cobidas_does_not_vouch_for_custom_regions(usual: Output) -> None:
    from deltaroi.report.cobidas import cobidas_items

    custom = {"amygdala": {"mask": "own.nii.gz", "space": "MNI152NLin2009cAsym", "hemisphere": "L"}}
    output = redefined(changed(usual, regions__custom=custom), "custom")
    items = cobidas_items(output)["RegionsOfInterest"]
    own = [roi for roi in items if roi["Region"] == "amygdala"]
    assert {roi["Type"] for roi in own} == {"custom image"}
    assert {roi["IndependentOfTheData"] for roi in own} == {None}
    assert {roi["IndependentOfTheData"] for roi in items if roi["Region"] == "AI"} == {True}
    assert "amygdala rests on images or coordinates of the study file" in text_of(output)
    assert "for the authors to state. No other ROI was drawn from the tested data" in text_of(output)


CHOSEN = {"within": "amygdala.hcpex", "contrast": "negative_vs_neutral", "strongest": 50}


@pytest.mark.parametrize(("spec", "within", "words", "independent"), [
    ({"select_from": "other_runs"}, "amygdala.hcpex", "chosen for each run from the same subject's other runs", True),
    ({"select_from": "other_sessions"}, "amygdala.hcpex", "for each session from the same subject's other sess", True),
    ({"select_from": "other_subjects"}, "amygdala.hcpex", "one-sample t over their mean effects in all sess", True),
    ({"select_from": "runs", "runs": ["1", "2"]}, "amygdala.hcpex", "runs labelled 1 and 2, which were not", True),
    ({"select_from": "task", "task": "loc"}, "amygdala.hcpex", "runs of the task 'loc'", True),
    ({"select_from": "other_runs"}, "mine", "is for the authors to state", None),
    ({"select_from": "same_data", "allow_circular": True}, "amygdala.hcpex", "this is circular", False),
])
def test_functional_rois_are_told_and_vouched_for(usual: Output, spec: dict[str, Any], within: str, words: str,
                                                  independent: bool | None) -> None:
    from deltaroi.report.cobidas import cobidas_items

    custom = {"amygdala": {"functional": {**CHOSEN, **spec, "within": within}},
              "mine": {"mask": "own.nii.gz", "space": "MNI152NLin2009cAsym"}}
    output = redefined(changed(usual, regions__custom=custom), "circular" if independent is False else "functional")
    text = text_of(output)
    assert f"amygdala is the 50 voxels with the largest t of the contrast negative_vs_neutral within {within}" in text
    assert words in text
    assert ("The data that chose the voxels of amygdala were not tested in them." in text) == (independent is not False)
    items = [roi for roi in cobidas_items(output)["RegionsOfInterest"] if roi["Region"] == "amygdala"]
    assert {roi["IndependentOfTheData"] for roi in items} == {independent}
    assert {roi["Type"] for roi in items} == {"functional"}
