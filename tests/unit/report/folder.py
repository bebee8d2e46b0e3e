"""Builds output folders of made-up numbers for the report's tests; every variant a report must bear."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd

from deltaroi.config.study import Study
from deltaroi.grid import Grid
from deltaroi.group import GroupDesign, analyse
from deltaroi.io.files import write_json
from deltaroi.io.tsv import write_table
from deltaroi.layout import Layout
from deltaroi.specs import GroupStats
from deltaroi.tables import ALL_ROIS, EFFECTS, EXCLUSIONS, MULTILEVEL, QUALITY, REGIONS, RESPONSES, SCHEMAS, Schema
from deltaroi.types import NA, RoiKey

CENTRES = {"amygdala": (24, -2, -16), "AI": (36, 20, -4), "pACC": (6, 41, 3), "mOFC": (7, 43, -20),
           "dmPFC": (6, 46, 29), "dlPFC": (38, 42, 23), "VTA": (5, -21, -17)}
SEVEN = tuple(CENTRES)


@dataclass(frozen=True)
class Variant:
    """What a folder holds."""

    groups: tuple[str, ...] = ("training", "control")
    sessions: tuple[str, ...] = ("pre", "post")
    contrasts: tuple[tuple[str, str], ...] = (("negative_vs_neutral", "negative - neutral"),)
    regions: tuple[str, ...] = SEVEN
    hemispheres: tuple[str, ...] = ("L", "R")
    definitions: tuple[str, ...] = ("hcpex",)
    per_group: int = 12
    name: str = "training_study"
    description: str = "Does compassion training change the response to suffering more than a memory course does?"
    assignment: str = "randomised"
    simulated: bool = False
    values: bool = True
    effects: bool = True
    exclusions: tuple[tuple[str, ...], ...] = ()
    record: bool = True
    warnings: tuple[str, ...] = ()
    images: bool = True
    exit_code: int = 0
    failures: tuple[dict[str, str], ...] = ()
    seed: int = 1
    multilevel: bool = False


def build(out: Path, variant: Variant) -> Path:
    """Write one folder and return it."""
    layout, random = Layout(out), np.random.default_rng(variant.seed)
    rois = [RoiKey(r, h, d) for r in variant.regions for h in variant.hemispheres for d in variant.definitions]
    grid = Grid((46, 55, 46), np.array([[4.0, 0, 0, -90], [0, 4, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]]),
                "MNI152NLin2009cAsym")
    write_json(layout.study, study(variant).model_dump(mode="json"))
    if variant.record:
        write_json(layout.record, record(variant))
    responses = _responses(variant, rois, random)
    effects = _effects(variant, rois, random)
    exclusions = [dict(zip(EXCLUSIONS.names, row, strict=True)) for row in variant.exclusions]
    quality = _quality(variant, rois, random)
    regions = [_region(layout, roi, grid, i, variant.images) for i, roi in enumerate(rois)]
    for schema, rows in ((RESPONSES, responses), (EFFECTS, effects), (EXCLUSIONS, exclusions), (REGIONS, regions),
                         (QUALITY, quality)):
        _write(layout, schema, rows)
    if variant.effects:
        for name, table in _beside(variant, responses).items():
            write_table(table, SCHEMAS[name], layout.table(name))
    if variant.multilevel:
        _write(layout, MULTILEVEL, _pooled(effects))
    return out


def study(variant: Variant) -> Study:
    """The study as run."""
    groups = {"column": "group", "levels": list(variant.groups), "assignment": variant.assignment} \
        if len(variant.groups) > 1 else None
    return Study.model_validate({
        "schema_version": 1, "name": variant.name, "description": variant.description,
        "dataset": {"bids_dir": "data", "derivatives": "data-fmriprep", "task": "faces",
                    "sessions": list(variant.sessions)},
        "groups": groups, "contrasts": dict(variant.contrasts),
        "regions": {"include": list(variant.regions), "hemispheres": list(variant.hemispheres),
                    "definition": list(variant.definitions)},
        "group": {"multilevel": variant.multilevel},
    })


def record(variant: Variant) -> dict[str, Any]:
    """The record of the run."""
    return {
        "versions": {"deltaroi": "0.1.0", "nilearn": "0.14.1", "numpy": "2.5.0", "scipy": "1.18.1"},
        "inputs": {"Name": "data-fmriprep", "BIDSVersion": "1.4.0",
                   "GeneratedBy": [{"Name": "fMRIPrep", "Version": "23.2.1"}]},
        "warnings": list(variant.warnings), "notes": ["Slice-time reference 0.5 from the sidecar."],
        "simulated": variant.simulated, "counts": {"subjects": 24, "runs_used": 48}, "exit_code": variant.exit_code,
        "failures": list(variant.failures),
    }


def _write(layout: Layout, schema: Schema, rows: list[dict[str, Any]]) -> None:
    write_table(pd.DataFrame(rows, columns=schema.names), schema, layout.table(schema.name))


def _responses(variant: Variant, rois: list[RoiKey], random: np.random.Generator) -> list[dict[str, Any]]:
    groups, sessions = variant.groups or (NA,), variant.sessions or (NA,)
    rows = []
    for g, group in enumerate(groups):
        for s in range(variant.per_group):
            subject, trait = f"{g}{s:03d}", random.normal(0, 0.12)
            for (i, roi), (j, session), (contrast, _) in itertools.product(
                    enumerate(rois), enumerate(sessions), variant.contrasts):
                gain = 0.3 * j if g == 0 and roi.region in ("amygdala", "AI") else 0.03 * j
                lost = not variant.values or (s == 1 and j == len(sessions) - 1 and len(sessions) > 1)
                value = np.nan if lost else 0.2 + 0.02 * i % 0.1 + trait + gain + random.normal(0, 0.1)
                coverage = float(np.clip(random.beta(20, 1.5) - (0.25 if roi.region == "mOFC" else 0), 0, 1))
                rows.append({
                    "specification": "main", "subject": subject, "session": session, "task": "faces",
                    "region": roi.region, "hemisphere": roi.hemisphere, "definition": roi.definition,
                    "contrast": contrast, "summary": "weighted_mean" if roi.region == "VTA" else "mean",
                    "group": group if len(groups) > 1 else NA, "value": value, "unit": "percent",
                    "variance": 0.01, "dof": 130.0, "n_runs": 1, "n_voxels": 60, "n_voxels_used": int(60 * coverage),
                    "n_voxels_effective": 60 * coverage, "coverage": coverage,
                    "tsnr": float(random.normal(55 if roi.region != "VTA" else 35, 8)), "mean_fd_mm": 0.15,
                    "censored_fraction": 0.02})
    return rows


def _effects(variant: Variant, rois: list[RoiKey], random: np.random.Generator) -> list[dict[str, Any]]:
    if not variant.effects:
        return []
    two = len(variant.groups) > 1
    first, second = (variant.groups[0], variant.groups[-1]) if two else ("all", "")
    last = f"{variant.sessions[-1]}-{variant.sessions[0]}" if len(variant.sessions) > 1 else "only"
    models = [("ancova", "group_difference", "hc2_welch", True), ("ancova", "group_difference", "classical", False),
              ("change", "group_difference", "welch", False), ("ancova", "group_at_baseline", "welch", False)] \
        if two and len(variant.sessions) > 1 else [("two_sample", "group_difference", "welch", True)] if two \
        else [("paired", "session_within:all", "classical", True)]
    rows = []
    for roi, (contrast, _), (model, term, se_kind, primary) in itertools.product(rois, variant.contrasts, models):
        effect = (0.28 if roi.region in ("amygdala", "AI") else 0.0) + random.normal(0, 0.04)
        se = abs(random.normal(0.08, 0.01))
        t = effect / se
        p = float(2 * np.exp(-0.717 * abs(t) - 0.416 * t * t))
        p = min(p, 1.0)
        size, tested = effect / 0.25, len(rois)
        known = 1.0 if variant.values else np.nan
        rows.append({
            "specification": "main", "contrast": contrast,
            "summary": "weighted_mean" if roi.region == "VTA" else "mean",
            "region": roi.region, "hemisphere": roi.hemisphere, "definition": roi.definition, "model": model,
            "term": term, "comparison": f"{first}-{second}|{last}", "se_kind": se_kind, "primary": primary,
            "n": 2 * variant.per_group if two else variant.per_group, "n_first": variant.per_group if two else np.nan,
            "n_second": variant.per_group - 1 if two else np.nan, "estimate": known * effect, "unit": "percent",
            "se": known * se, "df": 20.0 if se_kind != "welch" else 19.37, "statistic": known * t,
            "statistic_kind": "t",
            "p": known * p, "ci_low": known * (effect - 2.09 * se), "ci_high": known * (effect + 2.09 * se),
            "p_fwe": known * (min(1.0, p * tested * 0.8)) if primary else np.nan,
            "p_step_down": known * (min(1.0, p * tested * 0.7)) if primary else np.nan,
            "p_holm": known * (min(1.0, p * tested)), "q_fdr": known * (min(1.0, p * tested / 3)),
            "family": f"main|{contrast}", "family_size": tested, "effect_size": known * size,
            "effect_size_kind": "d_ppc2" if two else "d_av", "es_ci_low": known * (size - 0.8),
            "es_ci_high": known * (size + 0.8), "bf10": np.nan, "equivalence_bound": known * 0.075,
            "p_equivalence": known * (0.03 if abs(effect) < 0.03 else 0.6), "loo_min": known * (effect - 0.03),
            "loo_max": known * (effect + 0.03), "mde_80": known * (2.9 * se),
            "reading": f"{roi.region} {roi.hemisphere}: the response of {first} rose by {effect:.2f} % more than that "
                       f"of {second or 'nobody'} (p_fwe {min(1.0, p * tested * 0.8):.3f})."})
    return rows


def _beside(variant: Variant, responses: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """The tables beside the effects, as the group stage makes them of these responses."""
    design = GroupDesign(variant.sessions, variant.groups if len(variant.groups) > 1 else None, variant.assignment)
    return dict(analyse(pd.DataFrame(responses), design, GroupStats(permutations=0)).beside)
def _pooled(effects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Primary effects drawn half-way to 0.1, the mean of all, and one that could not be estimated."""
    shared = {"n": 22, "tau": 0.11, "tau_low": 0.02, "tau_high": 0.24, "rhat": 1.001, "ess": 2150.4, "divergent": 0,
              "reading": "Pooled."}
    names = ("specification", "contrast", "summary", "region", "hemisphere", "definition", "comparison", "model",
             "term", "unit")
    primary = [row for row in effects if row["primary"]]
    rows = []
    for i, row in enumerate(primary):
        estimate = np.nan if i == len(primary) - 1 else 0.05 + row["estimate"] / 2
        rows.append({**{name: row[name] for name in names}, **shared, "n_rois": len(primary), "estimate": estimate,
                     "sd": 0.05, "ci_low": estimate - 0.1, "ci_high": estimate + 0.1, "p_direction": 0.97,
                     "unpooled": row["estimate"], "unpooled_low": row["ci_low"], "unpooled_high": row["ci_high"]})
    overall = {**rows[0], "region": ALL_ROIS, "hemisphere": NA, "summary": "mean+weighted_mean", "estimate": 0.1,
               "ci_low": 0.01, "ci_high": 0.19, "p_direction": 0.9999, "unpooled": np.nan, "unpooled_low": np.nan,
               "unpooled_high": np.nan}
    return [overall, *rows]


def _quality(variant: Variant, rois: list[RoiKey], random: np.random.Generator) -> list[dict[str, Any]]:
    if not variant.values or len(variant.sessions) < 2:
        return []
    return [{"measure": measure, "region": roi.region, "hemisphere": roi.hemisphere, "definition": roi.definition,
             "term": "group_x_session" if len(variant.groups) > 1 else "session", "n": 2 * variant.per_group,
             "estimate": float(random.normal(0, 0.02)), "df": 21.4, "statistic": float(random.normal(0, 1)),
             "p": float(random.uniform(0.02, 1))} for measure in ("coverage", "tsnr") for roi in rois]


def _region(layout: Layout, roi: RoiKey, grid: Grid, i: int, images: bool) -> dict[str, Any]:
    x, y, z = CENTRES.get(roi.region, (10 + 2 * (i % 20), -60 + 5 * (i % 22), -10 + 6 * (i % 9)))
    x = {"L": -x, "R": x}.get(roi.hemisphere, 0)
    small = roi.region == "VTA"
    radius = 5.0 if small else 9.0 if roi.definition == "hcpex" else 12.0
    flat = np.arange(grid.n_voxels)
    distance = np.linalg.norm(grid.world(grid.unravel(flat)) - (x, y, z), axis=1)
    weights = np.clip((radius + 2 - distance) / 4, 0, 1) if small else (distance <= radius).astype(float)
    if images:
        path = layout.roi_image(roi, grid.space, grid.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(weights.reshape(grid.shape).astype(np.float32), grid.affine), path)
    return {"region": roi.region, "hemisphere": roi.hemisphere, "definition": roi.definition,
            "grid": "46x55x46 4x4x4 mm", "grid_digest": grid.digest, "space": grid.space,
            "rule": "fill_weight" if small else "majority", "n_voxels": int((weights > 0).sum()),
            "n_voxels_effective": float(weights.sum()), "fill": float(weights.sum() / (weights > 0).sum()),
            "grade": "medium" if small else "none", "volume_mm3": float(weights.sum() * 64), "x_mm": float(x),
            "y_mm": float(y), "z_mm": float(z), "source": "HCPex" if roi.definition == "hcpex" else roi.definition,
            "source_version": "1.2.0", "source_space": "MNI152NLin2009cAsym", "licence": "GPL-3.0",
            "citation": "Huang C.-C. et al. (2022). An extended Human Connectome Project multimodal parcellation "
                        "atlas. Brain Structure and Function 227, 763–778.", "sha256": "0" * 64,
            "native_volume_mm3": float(weights.sum() * 61), "space_relation": "same",
            "warning": "9.6 effective voxels, fewer than 10" if small else NA}


ROWS = (
    ("inputs", "0001", "post", NA, NA, "no run in this session", "0 runs", "1 run"),
    ("inputs", "0007", NA, NA, NA, "group label not in groups.levels", "waitlist", "training, control"),
    ("first-level", "1004", "pre", "2", NA, "the BOLD image is truncated", "81 of 150 volumes", "150 volumes"),
    ("responses", "0003", NA, NA, "mOFC-L_hcpex", "coverage below the minimum", "0.41", "0.5"),
    ("responses", "1002", NA, NA, "mOFC-R_hcpex", "coverage below the minimum", "0.38", "0.5"),
)
EVIL = "<script>alert('x')</script>"
VARIANTS: dict[str, Variant] = {
    "usual": Variant(simulated=True, exclusions=ROWS, exit_code=5, failures=(
        {"subject": "1004", "session": "pre", "run": "2", "reason": "the BOLD image is truncated"},),
        warnings=("VTA R: 9.6 effective voxels, fewer than 10 (24 times)", "TR: header 2 s, sidecar 2.4 s; used 2.4")),
    "one_group": Variant(groups=("all",), per_group=9),
    "no_sessions": Variant(sessions=(), assignment="preexisting"),
    "many": Variant(groups=("training", "active control", "waitlist"), sessions=("pre", "mid", "post", "followup"),
                    contrasts=(("negative_vs_neutral", "negative - neutral"), ("positive", "positive"),
                               ("all_faces", "(negative + neutral) / 2")), definitions=("hcpex", "aal3"),
                    regions=("amygdala", "AI", "VTA"), per_group=8),
    "pooled": Variant(multilevel=True),
    "one_roi": Variant(regions=("amygdala",), hemispheres=("B",), per_group=3),
    "sixty_rois": Variant(regions=tuple(f"region{i:02d}" for i in range(30)), per_group=6),
    "two_hundred": Variant(regions=("amygdala", "VTA"), per_group=100),
    "nothing_known": Variant(values=False, regions=("amygdala", "VTA"), per_group=4),
    "no_effects": Variant(effects=False, record=False, images=False, regions=("amygdala",), per_group=4),
    "evil": Variant(groups=(EVIL, "a very long group label that goes on and on & on, as labels sometimes do"),
                    sessions=("pre", "averylongsessionlabelwithoutanyspaceatall"), regions=("amygdala", "R" * 70),
                    contrasts=(("n" * 60, "`<img src=x onerror=alert(1)>` - `$\\alpha$`"),), per_group=5,
                    description=f"{EVIL} & {{{{ 7 * 7 }}}} [@nobody]", warnings=(EVIL, "w" * 300), exclusions=(
                        ("inputs", EVIL, NA, NA, NA, "u" * 200, EVIL, NA),)),
}
