"""One case per field of the study file: exactly which stages it decides."""

from __future__ import annotations

import copy
import json
import types
import typing
from typing import Any

import pytest
from pydantic import BaseModel

from deltaroi.config.study import Study
from deltaroi.pipeline.declared import declared

BASE: dict[str, Any] = {
    "schema_version": 1,
    "name": "s",
    "dataset": {"bids_dir": "b", "derivatives": "d", "task": "t", "sessions": ["pre", "post"]},
    "conditions": {"c1": {"where": {"trial_type": ["a"]}}},
    "groups": {"column": "group", "levels": ["A", "B"], "assignment": "randomised"},
    "regions": {
        "include": ["amygdala", "m", {"region": "VTA"}, "f", "t"],
        "custom": {
            "m": {"mask": "m.nii", "space": "X"},
            "l": {"labels": "l.nii", "ids": {"L": [1]}, "space": "X"},
            "w": {"labels": "l.nii", "names": {"L": ["x"]}, "table": "l.tsv", "space": "X"},
            "s": {"sphere": {"L": [-24, -2, -16]}},
            "c": {"combine": {"op": "cut", "of": ["AI.hcpex"], "axis": "y", "from_mm": 1.0, "to_mm": 9.0}},
            "f": {"functional": {"within": "amygdala.hcpex", "contrast": "x", "strongest": 9, "select_from": "runs",
                                 "runs": ["1"]}},
            "a": {"functional": {"within": "amygdala.hcpex", "contrast": "x", "above_t": 2.0,
                                 "select_from": "other_runs"}},
            "t": {"functional": {"within": "amygdala.hcpex", "contrast": "u - v", "strongest": 9, "select_from": "task",
                                 "task": "loc"}},
        },
    },
    "contrasts": {"x": "a - b", "y": "a"},
    "group": {"small_volume": True,
              "factorials": {"f": {"factors": {"v": ["a", "b"]}, "cells": {"x": ["a"], "y": ["b"]}}}},
    "associations": {"h": {"column": "hours"}, "k": {"column": "hours", "of": "both"}},
    "connectivity": {"net": {"method": "gppi", "seed": {"region": "VTA", "hemisphere": "L"}}},
    "multiverse": {"definitions": ["aal3"], "smoothing_fwhm_mm": [4.0], "scaling": ["none"],
                   "confounds": {"n1": {"motion": 12}}, "summary": ["median"], "noise": ["ols"],
                   "without": [{"noise": "ols", "summary": "median"}]},
    "behaviour": {"m": {"columns": {"pre": "rmet_pre", "post": "rmet_post"}}},
    "design": {"citation": "C", "year": 2000, "groups": {"g1": {}}, "not_stated": [{"what": "w", "choice": "c",
                                                                                     "why": "y"}]},
    "claims": {"k1": {"table": "effects", "where": {"region": "AI"}, "plant": {"condition": "a"}},
               "k2": {"table": "effects", "where": {"region": "AI"}, "plant": {"score": "q"}},
               "k3": {"untestable": "u"}},
    "simulation": {"planted": [{"region": "amygdala", "condition": "a", "percent": 1.0}]},
}
M, F, R, E = "masks", "first-level", "responses", "effects"
S = "small-volume"
C = "connectivity"
B = "behaviour"  # measures of the subjects; the responses do not decide it
V = "specifications"  # the others than main, which they do not touch
L = "localisers"  # the first level of localiser tasks, beside the fields of F
CHOSEN = {"within": "amygdala.hcpex", "contrast": "x", "strongest": 9}
CASES: dict[str, tuple[Any, set[str]]] = {
    "name": ("other", set()),
    "description": ("What was asked.", set()),
    "dataset.bids_dir": ("b2", set()),  # decides which files are read; those are part of the keys
    "dataset.derivatives": ("d2", set()),
    "dataset.task": ("t2", set()),
    "dataset.space": ("MNI152NLin6Asym", set()),
    "dataset.resolution": ("2", set()),
    "dataset.sessions": (["pre", "mid", "post"], {E, S, C, B}),
    "dataset.subjects": (["01"], set()),
    "dataset.exclude_where": ({"qc": [1]}, set()),
    "dataset.allow_space_mismatch": (True, {M}),
    "conditions.c1.where": ({"trial_type": ["b"]}, {F}),
    "conditions.c1.duration": (2.0, {F}),
    "conditions.c1.modulator": ("rating", {F}),
    "groups.column": ("arm", {E, S, C, B}),
    "groups.levels": (["B", "A"], {E, S, C, B}),
    "groups.assignment": ("preexisting", {E, S, C, B}),
    "groups.covariates": (["age"], {E, S, C, B}),
    "groups.strata": ("site", {E, S, C, B}),
    "regions.include": (["AI", "f", "t"], {M}),
    "regions.include.2.region": ("AI", {M}),
    "regions.include.2.definition": ("aal3", {M}),
    "regions.include.2.hemispheres": (["L"], {M}),
    "regions.include.2.threshold": (0.3, {M}),
    "regions.threshold": ("weighted", {M}),
    "regions.hemispheres": (["B"], {M}),
    "regions.definition": ("aal3", {M}),
    "regions.custom.m.mask": ("n.nii", {M}),
    "regions.custom.m.space": ("Y", {M}),
    "regions.custom.m.hemisphere": ("L", {M}),
    "regions.custom.m.volume": (2, {M}),
    "regions.custom.m.percent": (True, {M}),
    "regions.custom.m.threshold": (0.4, {M}),
    "regions.custom.m.rule": ("majority", {M}),
    "regions.custom.l.labels": ("n.nii", {M}),
    "regions.custom.l.ids": ({"L": [2]}, {M}),
    "regions.custom.l.space": ("Y", {M}),
    "regions.custom.l.rule": ("majority", {M}),
    "regions.custom.w.table": ("k.tsv", {M}),
    "regions.custom.w.names": ({"L": ["y"]}, {M}),
    "regions.custom.s.sphere": ({"L": [-24, -2, -15]}, {M}),
    "regions.custom.s.radius_mm": (5.0, {M}),
    "regions.custom.s.space": ("MNI152NLin6Asym", {M}),
    "regions.custom.s.rule": ("majority", {M}),
    "regions.custom.c.rule": ("majority", {M}),
    "regions.custom.c.combine.op": ({"op": "union", "of": ["AI.hcpex", "m"]}, {M}),
    "regions.custom.c.combine.of": (["AI.aal3"], {M}),
    "regions.custom.c.combine.axis": ("z", {M}),
    "regions.custom.c.combine.from_mm": (0.0, {M}),
    "regions.custom.c.combine.to_mm": (10.0, {M}),
    "regions.custom.f.functional.within": ("AI.hcpex", {M}),
    "regions.custom.f.functional.contrast": ("y", {R, S, C}),
    "regions.custom.f.functional.strongest": (10, {R, S, C}),
    "regions.custom.f.functional.select_from": ({**CHOSEN, "select_from": "other_runs"}, {R, S, C}),
    "regions.custom.f.functional.runs": (["2"], {R, S, C}),
    "regions.custom.f.functional.above_t": ({"within": "amygdala.hcpex", "contrast": "x", "above_t": 3.0,
                                             "select_from": "runs", "runs": ["1"]}, {R, S, C}),
    "regions.custom.f.functional.allow_circular": ({**CHOSEN, "select_from": "same_data", "allow_circular": True},
                                                   {M, R, S, C}),
    "regions.custom.a.functional.above_t": (3.0, set()),  # not included
    "regions.custom.t.functional.contrast": ("u - 2 * v", {L, R, S, C}),
    "regions.custom.t.functional.task": ("other", {L, R, S, C}),
    "regions.custom.t.functional.strongest": (10, {R, S, C}),
    "regions.minimum_coverage": (0.8, {R, S, C}),
    "regions.family": ("all_contrasts", {E, S, C}),
    "first_level.hrf": ("glover", {F}),
    "first_level.fir_delays": ([1, 2], {F}),
    "first_level.oversampling": (16, {F}),
    "first_level.slice_time_ref": (0.5, {F}),
    "first_level.drift": ("polynomial", {F}),
    "first_level.drift_order": (2, {F}),
    "first_level.high_pass_hz": (0.01, {F}),
    "first_level.noise": ("ols", {F}),
    "first_level.smoothing_fwhm_mm": (6.0, {F}),
    "first_level.scaling": ("none", {F}),
    "first_level.confounds.motion": (6, {F}),
    "first_level.confounds.acompcor": (5, {F}),
    "first_level.confounds.global_signal": (True, {F}),
    "first_level.confounds.scrub_fd_mm": (0.9, {F}),
    "first_level.confounds.scrub_dvars": (1.5, {F}),
    "first_level.confounds.non_steady_state": (False, {F}),
    "contrasts": ({"x": "a - 2 * b", "y": "a"}, {F, C}),
    "summary": ("median", {R}),
    "group.primary": ("change", {E, S, C, B}),
    "group.variance": ("classical", {E, S, C, B}),
    "group.permutations": (99, {E, S, C, B}),
    "group.arrangements": ("permutations", {E, S, C, B}),
    "group.seed": (1, {E, S, C, B}),
    "group.equivalence_bounds_d": (0.5, {E, C, B}),
    "group.random": ("slope", {E, C, B}),
    "group.times": ([0.0, 8.0], {E, C, B}),
    "group.phases": ({"whole": ["pre", "post"]}, {E, C, B}),
    "group.factorials.f.factors": ({"v": ["b", "a"]}, {E}),
    "group.factorials.f.cells": ({"x": ["b"], "y": ["a"]}, {E}),
    "group.small_volume": (False, {S}),
    "associations.h.column": ("scale", {E}),
    "associations.h.minus": ("before", {E}),
    "behaviour.m.columns": ({"pre": "rmet_pre", "post": "rmet_late"}, {B}),
    "behaviour.m.unit": ("points", {B}),
    "associations.h.outcome": ("last", {E}),
    "associations.h.adjust_for": (["baseline"], {E}),
    "associations.h.groups": (["A"], {E}),
    "associations.h.moderation": (False, {E}),
    "associations.h.of": ("connectivity", {E, C}),
    "associations.k.outcome": ("last", {E, C}),
    "connectivity.net.method": ("beta_series", {C}),
    "connectivity.net.seed.region": ("AI", {C}),
    "connectivity.net.seed.hemisphere": ("R", {C}),
    "connectivity.net.seed.definition": ("hcpex", {C}),
    "connectivity.net.targets": ([{"region": "amygdala", "hemisphere": "R"}], {C}),
    "connectivity.net.contrasts": (["x"], {C}),
    "connectivity.net.deconvolve": (False, {C}),
    "connectivity.net.minimum_trials": (12, {C}),
    "power.n": ([20, [30, 15]], set()),
    "power.effects": ([0.5], set()),
    "power.effects_in": ("raw", set()),
    "power.sd": ({"A": {"pre": 1.0, "post": 2.0}, "B": 1.0}, set()),
    "power.correlation": (0.5, set()),
    "power.roi_correlation": (0.5, set()),
    "power.rois": (7, set()),
    "power.affected": (2, set()),
    "power.alpha": (0.01, set()),
    "power.criteria": (["max_t"], set()),
    "power.draws": (500, set()),
    "power.permutations": (99, set()),
    "power.seed": (2, set()),
    "group.multilevel": (True, {E}),
    "multiverse.definitions": ([], {V}),
    "multiverse.smoothing_fwhm_mm": ([4.0, 8.0], {V}),
    "multiverse.scaling": (["percent_per_unit"], {V}),
    "multiverse.confounds.n1.motion": (0, {V}),
    "multiverse.confounds.n1.acompcor": (5, {V}),
    "multiverse.confounds.n1.global_signal": (True, {V}),
    "multiverse.confounds.n1.scrub_fd_mm": (0.5, {V}),  # that of main, said: it stays when main's changes
    "multiverse.confounds.n1.scrub_dvars": (3.0, {V}),
    "multiverse.confounds.n1.non_steady_state": (False, {V}),
    "multiverse.summary": (["median", "eigenvariate"], {V}),
    "multiverse.noise": (["ols", "ar1"], {V}),
    "multiverse.without.0.definition": ("aal3", {V}),
    "multiverse.without.0.smoothing_fwhm_mm": (4.0, {V}),
    "multiverse.without.0.scaling": ("none", {V}),
    "multiverse.without.0.confounds": ("n1", {V}),
    "multiverse.without.0.summary": ("auto", {V}),
    "multiverse.without.0.noise": ("ar1", {V}),
    "design.citation": ("D", set()),
    "design.year": (2001, set()),
    "design.doi": ("10.1/x", set()),
    "design.groups.g1.n": (9, set()),
    "design.groups.g1.male_percent": (50.0, set()),
    "design.groups.g1.age_mean": (30.0, set()),
    "design.groups.g1.age_sd": (5.0, set()),
    "design.groups.g1.training": ("t", set()),
    "design.not_stated.0.what": ("v", set()),
    "design.not_stated.0.choice": ("d", set()),
    "design.not_stated.0.why": ("z", set()),
    "design.default_effect_d": (0.5, set()),
    "design.measurement_sd_percent": (0.2, set()),
    "claims.k1.table": ("factorial", set()),
    "claims.k1.where": ({"region": "VTA"}, set()),
    "claims.k1.plant.condition": (["a", "b"], set()),
    "claims.k1.plant.contrast": ("x", set()),
    "claims.k2.plant.score": ("p", set()),
    "claims.k1.plant.per_sd_of": ("q", set()),
    "claims.k1.plant.coupling": ("n", set()),
    "design.connectivity_sd": (0.3, set()),
    "claims.k1.plant.group": ("A", set()),
    "claims.k1.plant.session": ("post", set()),
    "claims.k3.untestable": ("v", set()),
}
NOWHERE = {"schema_version", "dataset.maps",  # one value only; the other source of data
           "group.primary_phase",  # needs phases: see below
           # all of them in the case connectivity.net.targets
           *(f"connectivity.targets.{end}" for end in ("region", "hemisphere", "definition"))}
WITHOUT_REPORT = ("execution.",)
SIMULATION = "simulation."  # decides only the simulated data, and shows in the report


def change(path: str, value: Any) -> Study:
    data = copy.deepcopy(BASE)
    target: Any = data
    *parents, last = path.split(".")
    if isinstance(value, dict) and parents[-1:] in (["functional"], ["combine"]):  # several keys at once
        *parents, last = parents
    for part in parents:
        target = target[int(part)] if part.isdigit() else target.setdefault(part, {})
    target[last] = value
    return Study.model_validate_json(json.dumps(data))


@pytest.mark.parametrize("path", CASES)
def test_field(path: str) -> None:
    value, stages = CASES[path]
    before, after = declared(change("name", "s")), declared(change(path, value))
    assert {stage for stage in before if before[stage] != after[stage]} == stages | {"report"}


def test_a_primary_phase_is_what_the_voxels_are_asked_too() -> None:
    phases = {"phases": {"whole": ["pre", "post"]}}
    before, after = (declared(change("group", {**BASE["group"], **phases, **more})) for more in
                     ({}, {"primary_phase": "whole"}))
    assert {stage for stage in before if before[stage] != after[stage]} == {E, S, C, B, "report"}


@pytest.mark.parametrize(("path", "value"), [
    ("execution.jobs", 7), ("execution.on_error", "stop"),
    ("execution", {"backend": "dask", "scheduler": "tcp://node01:8786", "wait_minutes": 5.0}),
    ("execution", {"backend": "dask", "scheduler_file": "scheduler.json"}),
    ("execution", {"backend": "dask", "cluster": {"kind": "pbs", "jobs": 4, "memory": "8GB", "walltime": "04:00:00"}}),
])
def test_execution_decides_nothing(path: str, value: Any) -> None:
    assert declared(change("name", "s")) == declared(change(path, value))


def test_a_contrast_written_differently_is_the_same_contrast() -> None:
    before, after = declared(change("name", "s")), declared(change("contrasts", {"x": "1 * a - (b)", "y": "a"}))
    assert before["first-level"] == after["first-level"]


def fields(model: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        inner = models(field.annotation)
        found |= {f"{prefix}{name}"} if not inner else {p for m in inner for p in fields(m, f"{prefix}{name}.")}
    return found


def models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [m for inner in typing.get_args(annotation) for m in models(inner)]


def test_every_field_has_its_case() -> None:
    keys = ("c1", "m", "l", "w", "s", "c", "f", "a", "t", "h", "k", "net", "g1", "k1", "k2", "k3", "n1")
    tested = {".".join(p for p in path.split(".") if not p.isdigit() and p not in keys) for path in CASES}
    known = {path for path in fields(Study) if not path.startswith((SIMULATION, *WITHOUT_REPORT))}
    assert known - tested - NOWHERE == set()


def test_a_functional_roi_that_is_not_included_decides_nothing_but_the_masks() -> None:
    before, after = declared(change("name", "s")), declared(change("regions.include", ["amygdala"]))
    assert before["localisers"] == {"loc": {"u - v": {"u": 1.0, "v": -1.0}}}
    assert (after["localisers"], after["responses"]["functional"]) == ({}, {})
    assert set(before["responses"]["functional"]) == {"f", "t"}
