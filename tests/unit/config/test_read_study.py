"""The study file: what it accepts, and what it says when it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deltaroi.config.read import parse_study, read_study
from deltaroi.config.study import Study
from deltaroi.errors import StudyError

MINIMAL = """\
schema_version: 1
name: s
dataset: {bids_dir: b, derivatives: d, task: faces, sessions: [pre, post]}
contrasts: {c: "a - b"}
"""
FULL = """\
schema_version: 1
name: my_study
dataset:
  bids_dir: data/ds003823
  derivatives: data/ds003823-fmriprep
  task: emotionRegulation
  space: MNI152NLin2009cAsym
  sessions: [01, 02]
  allow_space_mismatch: false
conditions:
  negative: {where: {trial_type: [vn, dn]}}
  risky: {where: {choseAccept: 1}, duration: 4.0, modulator: amount}
groups:
  column: condition
  levels: [increase_HRV, decrease_HRV]
  assignment: randomised
  covariates: [age]
regions:
  include: [amygdala, my_mask, {region: VTA, definition: aal3}]
  hemispheres: [L, R]
  definition: hcpex
  custom:
    my_mask: {mask: masks/roi.nii.gz, space: MNI152NLin2009cAsym, hemisphere: B}
    my_labels: {labels: atlas.nii.gz, ids: {L: [1], R: [2]}, space: MNI152NLin2009cAsym}
    my_sphere: {sphere: {L: [-24, -2, -16], R: [24, -2, -16]}, radius_mm: 6}
  minimum_coverage: 0.5
first_level:
  hrf: spm
  slice_time_ref: auto
  noise: ar1
  confounds: {motion: 24, acompcor: 0, global_signal: false, scrub_fd_mm: 0.5, scrub_dvars: null}
  scaling: percent
contrasts:
  negative_vs_neutral: "vn - vt"
group: {primary: auto, variance: robust, permutations: 10000, seed: 20260101, equivalence_bounds_d: 0.3}
execution: {jobs: 2, backend: local, on_error: continue}
"""


def test_full_file() -> None:
    study = parse_study(FULL)
    assert study.dataset.sessions == ["01", "02"]  # not the numbers 1 and 2
    assert study.first_level.confounds.scrub_dvars is None
    sphere = study.regions.custom["my_sphere"]
    assert sphere.model_dump()["sphere"]["L"] == (-24.0, -2.0, -16.0)


def test_defaults_are_those_of_the_design() -> None:
    study = parse_study(MINIMAL)
    first = study.first_level
    assert (first.hrf, first.oversampling, first.noise, first.scaling) == ("spm", 50, "ar1", "percent")
    assert (first.drift, first.high_pass_hz, first.smoothing_fwhm_mm) == ("cosine", 0.0078125, 0)
    assert first.confounds.model_dump() == {"motion": 24, "acompcor": 0, "global_signal": False, "scrub_fd_mm": 0.5,
                                            "scrub_dvars": None, "non_steady_state": True}
    assert study.regions.include == ["amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "VTA"]
    assert (study.group.permutations, study.group.seed, study.group.equivalence_bounds_d) == (10000, 20260101, 0.3)


@pytest.mark.parametrize(("old", "new", "line", "key_path", "says"), [
    ("hrf: spm", "hrff: spm", 28, "first_level.hrff", "did you mean 'hrf'?"),
    ("noise: ar1", "noise: ar2", 30, "first_level.noise", "did you mean 'ar1'?"),
    ("[01, 02]", "[1, 2]", 8, "dataset.sessions.0", 'in quotes: "1"'),
    ("radius_mm: 6", "radius: 6", 25, "regions.custom.my_sphere.radius", "did you mean 'radius_mm'?"),
    ("motion: 24", "motion: 23", 31, "first_level.confounds.motion", "found 23"),
    ("motion: 24", "motion: .nan", 31, "first_level.confounds.motion", "found"),
    ("noise: ar1", "oversampling: '50'", 30, "first_level.oversampling", "found '50'"),
    ("hemispheres: [L, R]", "hemispheres: [L, Q]", 20, "regions.hemispheres.1", "found 'Q'"),
    ("risky:", "ris ky:", 12, "conditions.ris ky", "found 'ris ky'"),
    ("slice_time_ref: auto", "slice_time_ref: 3", 29, "first_level.slice_time_ref", "found 3"),
    ("task: emotionRegulation", "tsk: x", 3, "dataset.task", "required"),
    ("task: emotionRegulation", "task: x\n  task: y", 7, "", "stands twice"),
    ("sessions: [01, 02]", "sessions: &a [x]", 8, "", "anchors"),
    ("task: emotionRegulation", "task: x\n  index: f.tsv", 7, "dataset.index", "not available in this version"),
    ("my_sphere: {", "my_core: {combine: {op: onion, of: [a, b]}}\n    my_sphere: {", 25,
     "regions.custom.my_core.combine.op", "did you mean 'union'?"),
    ("my_sphere: {", "my_core: {combine: {op: union, of: [a]}}\n    my_sphere: {", 25,
     "regions.custom.my_core.combine", "union takes at least two ROIs, found 1"),
    ("my_sphere: {", "my_core: {combine: {op: cut, of: [a], from: 8}}\n    my_sphere: {", 25,
     "regions.custom.my_core.combine.from", "did you mean 'from_mm'?"),
    ("my_sphere: {", "my_core: {combine: {op: cut, of: [a], axis: y}}\n    my_sphere: {", 25,
     "regions.custom.my_core.combine", "`from_mm` or `to_mm`"),
    ("my_sphere: {", "f: {functional: {within: a.b, contrast: c, strongest: 9, select_from: same_data}}\n"
     "    my_sphere: {", 25, "regions.custom.f.functional", "is circular"),
    ("my_sphere: {", "f: {functional: {within: a.hcpex, contrast: c, select_from: other_runs}}\n    my_sphere: {",
     25, "regions.custom.f.functional", "`strongest: <number of voxels>` or `above_t: <t value>`"),
    ("my_sphere: {", "f: {functional: {within: a.b, contrast: c, strongst: 9, select_from: other_runs}}\n"
     "    my_sphere: {", 25, "regions.custom.f.functional.strongst", "did you mean 'strongest'?"),
    ("my_mask: {mask: masks/roi.nii.gz,", "my_mask: {mask: masks/roi.nii.gz, treshold: 0.5,", 23,
     "regions.custom.my_mask.treshold", "did you mean 'threshold'?"),
    ("ids: {L: [1], R: [2]},", "", 24, "regions.custom.my_labels", "give either `ids:`"),
    ("hemispheres: [L, R]", "hemispheres: [L, R]\n  threshold: 1.5", 21, "regions.threshold: found 1.5", "or weighted"),
    ("hemispheres: [L, R]", "hemispheres: [L, R]\n  threshold: wrong", 21, "regions.threshold:", "or weighted"),
    ("scaling: percent", "scaling: percent\n  smoothing_fwhm_mm: -1", 33, "first_level.smoothing_fwhm_mm", "found -1"),
    ("name: my_study", "name: my study", 2, "name", "found 'my study'"),
    ("name: my_study", "name: my_study\ngroup[x: {}", 3, "group[x", "unknown key 'group[x'"),
    ("    my_sphere: {", "    odd: -1\n    my_sphere: {", 25, "regions.custom.odd", "found -1"),
    ("    my_sphere: {", "    odd: true\n    my_sphere: {", 25, "regions.custom.odd", "found True"),
    ("[increase_HRV, decrease_HRV]", "[x, x]", 1, "", "listed twice"),
])
def test_mistakes_are_named(old: str, new: str, line: int, key_path: str, says: str) -> None:
    assert old in FULL
    with pytest.raises(StudyError) as caught:
        parse_study(FULL.replace(old, new, 1), "s.yaml")
    text = str(caught.value)
    assert text.startswith(f"s.yaml:{line}")
    assert key_path in text
    assert says in text
    assert caught.value.exit_code == 3


def test_all_mistakes_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(FULL.replace("hrf: spm", "hrff: spm").replace("jobs: 2", "jbos: 2"))
    assert "'hrff'" in str(caught.value)
    assert "did you mean 'jobs'?" in str(caught.value)


def test_fir_has_no_peak() -> None:
    with pytest.raises(StudyError, match="no peak height"):
        parse_study(FULL.replace("hrf: spm", "hrf: fir"))


@pytest.mark.parametrize("text", ["", "[]", "a: b: c", "\t- x", "schema_version: 2", "- 1", "null",
                                  "x: !!python/object:os.system 1", "{" * 60, "? [a]\n: b"])
def test_rubbish_is_refused(text: str) -> None:
    with pytest.raises(StudyError):
        parse_study(text)


def test_files(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot read"):
        read_study(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(StudyError, match="UTF-8"):
        read_study(tmp_path / "latin.yaml")
    (tmp_path / "bom.yaml").write_text(MINIMAL, encoding="utf-8-sig")
    assert read_study(tmp_path / "bom.yaml").name == "s"


def test_labels_that_fall_together() -> None:
    with pytest.raises(StudyError, match="one file label"):
        parse_study(MINIMAL.replace('{c: "a - b"}', '{a_b: "a", aB: "b"}'))


def test_every_field_is_described() -> None:
    schema = Study.model_json_schema()
    models = {"Study": schema, **schema["$defs"]}
    lacking = [f"{name}.{key}" for name, model in models.items() for key, field in model.get("properties", {}).items()
               if not (field.get("description") or "$ref" in field)]
    assert not lacking
    json.dumps(schema)


def test_frozen() -> None:
    study = parse_study(MINIMAL)
    with pytest.raises(Exception, match="frozen"):
        study.name = "other"  # type: ignore[misc]
