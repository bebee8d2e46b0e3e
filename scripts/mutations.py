"""Show that the equality and recovery tests can fail: one-line mutations of a copy of the code, and what they break.

Run with ``make mutations``. Prints per mutation the number of failed tests and the first failing assertion; exits with
1 when a mutation survives.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
NILEARN = "tests/reference/test_first_level_nilearn.py"
RUN = "tests/integration/test_run.py::test_planted_effect_is_recovered"
R = "tests/reference/stats/test_group_against_r.py"


@dataclass(frozen=True)
class Mutation:
    """One line of ``src/deltaroi`` that is made wrong, and the tests that must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTATIONS = (
    Mutation("maps: the weights of a contrast forgotten", "measuring/subject.py", "np.sum([weight * maps[part].values",
             "np.sum([1.0 * maps[part].values", "tests/unit/measuring/test_measure_subject.py"),
    Mutation("cache: a change that keeps size and time is not noticed", "io/looks.py",
             "found.st_mtime_ns, found.st_ctime_ns, found.st_ino]", "found.st_mtime_ns, 0, found.st_ino]",
             "tests/unit/io/test_looks.py"),
    Mutation("replication: a turned row keeps its sign", "pipeline/card_results.py",
             "return from_t(kind, sign * statistic, first, second, df)",
             "return from_t(kind, statistic, first, second, df)", "tests/unit/pipeline/test_card.py"),
    Mutation("replication: groups the other way round are not noticed", "studies/orientation.py", "if any(across):",
             "if False:", "tests/unit/studies/test_orientation.py"),
    Mutation("planted beside a correlation: its spread forgotten", "studies/carriers.py",
             "sd = bench.sd(tested) if put.per_sd_of is not None else spread(bench, tested, _place(claim))",
             "sd = bench.sd(tested)", "tests/unit/studies/test_planting.py"),
    Mutation("hemispheres swapped", "atlas/combine.py", 'x < 0 if side == "L" else x > 0',
             'x > 0 if side == "L" else x < 0', "tests/reference/test_regions_reference.py"),
    Mutation("interaction: condition not centred", "connectivity/gppi.py",
             "(lasting - lasting[machine.lead:].mean())", "lasting", "tests/unit/connectivity"),
    Mutation("interaction: seed with its confounds", "connectivity/gppi.py", "clean = adjusted(fit, seed)",
             "clean = seed", "tests/unit/connectivity"),
    Mutation("connectivity: sessions pooled", "connectivity/connect.py",
             "if (fit.key.session, fit.key.task) == (session, task)]", "if fit.key.task == task]",
             "tests/unit/connectivity"),
    Mutation("beta series: only the difference from the other trials", "connectivity/beta_series.py", "[place, -1]",
             "[-1]", "tests/reference/test_connectivity_nilearn.py"),
    Mutation("planted interaction: half a second late", "simulator/coupling.py", "(onset - fine[0])",
             "(onset + 0.5 - fine[0])", "tests/unit/simulator/test_coupling.py"),
    Mutation("Dice without the 2", "fill.py", "return 2 * len(np.intersect1d",
             "return len(np.intersect1d", "tests/unit/pipeline/test_library_compare.py"),
    Mutation("outlines half a voxel off", "report/figures/overlay.py",
             "affine[:3, 3] -= affine[:3, :3].sum(axis=1)", "affine[:3, 3] -= 0",
             "tests/unit/report/test_region_figures.py"),
    Mutation("minus is within", "atlas/combine.py", "np.minimum(first, 1 - other)", "np.minimum(first, other)",
             "tests/unit/masks/test_masks_combine.py"),
    Mutation("Talairach not converted", "atlas/source.py", "if canonical_space(space) != TALAIRACH:", "if True:",
             "tests/unit/masks/test_masks_custom_values.py"),
    Mutation("probability above, not at or above", "atlas/native.py", "threshold - 1e-6", "threshold + 1e-6",
             "tests/unit/atlas"),
    Mutation("hemispheres swapped (wager)", "measuring/image.py", "image.affine, space)",
             "__import__('numpy').diag([-1, 1, 1, 1]) @ image.affine, space)",
             "tests/integration/test_measure_wager.py"),
    Mutation("half-TR shift", "signal/design.py", "frame_times(n_volumes, tr_s, slice_time_ref)\n",
             "frame_times(n_volumes, tr_s, slice_time_ref + 0.5)\n", NILEARN),
    Mutation("half-TR shift (recovery)", "simulator/derivatives.py", "round(run.tr_s * START_SHARE, 6)",
             "round(run.tr_s * START_SHARE / 2, 6)", "tests/integration/test_simulator.py"),
    Mutation("height is 1", "firstlevel/model.py", 'tall[name] if spec.scaling == "percent" else 1.0', "1.0", NILEARN),
    Mutation("height is 1 (recovery)", "firstlevel/model.py", 'tall[name] if spec.scaling == "percent" else 1.0', "1.0",
             RUN),
    Mutation("sessions swapped", "group/blocks.py", "for i, s in enumerate(sessions)}",
             "for i, s in enumerate(reversed(sessions))}", R),
    Mutation("sessions swapped (recovery)", "group/blocks.py", "for i, s in enumerate(sessions)}",
             "for i, s in enumerate(reversed(sessions))}", RUN),
    Mutation("sessions pooled", "responses/summarise.py",
             "runs = [fit for fit in roi.fits if (fit.key.session, fit.key.task) == (place.session, place.task)",
             "runs = [fit for fit in roi.fits if fit.key.task == place.task", "tests/unit/responses"),
    Mutation("sessions pooled (recovery)", "responses/summarise.py",
             "runs = [fit for fit in roi.fits if (fit.key.session, fit.key.task) == (place.session, place.task)",
             "runs = [fit for fit in roi.fits if fit.key.task == place.task", RUN),
    Mutation("one voxel off", "firstlevel/voxels.py", "np.concatenate([roi.flat for roi in regions.rois]))",
             "np.concatenate([roi.flat + 1 for roi in regions.rois]))", NILEARN),
    Mutation("kernel cut at 3 sigma", "smoothing.py", "TRUNCATE_SIGMAS = 4.0", "TRUNCATE_SIGMAS = 3.0",
             "tests/reference/test_smoothing_nilearn.py"),
    Mutation("HC2 instead of HC3", "stats/linear.py", "model.residuals / (1 - model.leverage))",
             "model.residuals / np.sqrt(1 - model.leverage))", R),
    Mutation("no baseline in the permutation", "stats/permuted.py",
             "residual = self.y - q_nuisance @ (q_nuisance.T @ self.y)", "residual = self.y - self.y.mean()",
             "tests/unit/stats/test_permutation_max_t.py"),
    Mutation("CR2: groups of one variance", "stats/mixed_robust.py", "at = groups == one", "at = groups >= 0",
             "tests/reference/stats/test_mixed_robust_against_r.py"),
    Mutation("CR2: residuals not scaled up", "stats/mixed_robust.py",
             "(used[:, ~alone] / np.sqrt(size[~alone]))", "used[:, ~alone]",
             "tests/reference/stats/test_mixed_robust_against_r.py"),
    Mutation("profiles: group shares of variance, not of error", "stats/profile.py",
             "own = np.stack([one.transpose(0, 2, 1) @ one / (n * (n - 1))",
             "own = np.stack([one.transpose(0, 2, 1) @ one / (n - 1)", "tests/unit/stats/test_mixed_robust.py"),
    Mutation("strata ignored", "group/families.py",
             "permutations(involved.size, spec.permutations, spec.seed, strata)",
             "permutations(involved.size, spec.permutations, spec.seed)",
             "tests/reference/stats/test_permutation_against_coin.py"),
    Mutation("step-down is the single step", "stats/permutation.py", "down += (largest >= reached).sum(axis=1)",
             "down += (largest[:1] >= reached).sum(axis=1)", "tests/reference/stats/test_permutation_against_coin.py"),
    Mutation("the first covariate for every covariate", "group/estimates.py", "[[first + k for k in question.columns]]",
             "[[first + 0 * k for k in question.columns]]", "tests/unit/group/test_covariate_rows.py"),
    Mutation("conditions swapped", "group/conditions.py", 'both["first"] - both["second"]',
             'both["second"] - both["first"]', "tests/unit/group/test_arrangements_of_designs.py"),
    Mutation("majority at 0.6", "masks/build.py", "kept = fill >= HALF", "kept = fill >= 0.6", "tests/unit/masks"),
    Mutation("voxels chosen from the tested run", "responses/choosers.py", "return key not in tested", "return True",
             "tests/unit/responses"),
    Mutation("voxels chosen from the tested session", "responses/choosers.py",
             "key.session not in {run.session for run in tested}", "True", "tests/unit/responses"),
    Mutation("named runs are tested as well", "responses/choosers.py", " and not is_named(spec, run.key):", ":",
             "tests/unit/responses"),
    Mutation("a subject chooses for itself", "responses/functional.py",
             "if one.key == key and one.subject != subject]", "if one.key == key]", "tests/unit/responses"),
    Mutation("the tested run among those that choose", "responses/functional.py",
             "[runs[key] for key in part.choosers]",
             "[runs[k] for k in (*part.choosers, *part.tested) if runs[k].serves(contrast_name(spec))]",
             "tests/property/test_functional_leakage.py"),
    Mutation("voxels by effect instead of t", "responses/functional.py",
             "(effect / len(runs)) / np.sqrt(variance / len(runs) ** 2)", "effect / len(runs)",
             "tests/reference/test_functional_nilearn.py"),
    Mutation("one set of voxels for all runs", "responses/functional.py", "(part.tested, made.voxels))",
             "(part.tested, sets[0].voxels))", "tests/reference/test_functional_nilearn.py"),
    Mutation("partial volume: series by the fill", "responses/series.py",
             "partial_volume_weights(voxels.weights))", "voxels.weights)",
             "tests/unit/responses/test_summarise.py"),
    Mutation("circular ROIs in a family with others", "group/blocks.py", 'frame["definition"] == CIRCULAR',
             'frame["definition"] == ""', "tests/unit/group/test_families_of_rois.py"),
    Mutation("factorial: groups weigh by their size", "stats/factorial.py",
             "(means.mean(axis=1) ** 2).sum(axis=1) * k**2 / (1 / counts).sum()",
             "((means * counts[:, None]).sum(axis=1) ** 2).sum(axis=1) / counts.sum()",
             "tests/reference/stats/test_factorial_against_r.py"),
    Mutation("factorial: no correction for sphericity", "stats/factorial.py",
             "stats.f.sf(plain.statistic, epsilon * df1, epsilon * df2)", "stats.f.sf(plain.statistic, df1, df2)",
             "tests/reference/stats/test_factorial_against_r.py"),
    Mutation("factorial: cells in another order", "group/factorial_terms.py",
             "for contrast in factorial.contrasts for session in sessions)",
             "for session in sessions for contrast in factorial.contrasts)",
             "tests/reference/stats/test_factorial_against_r.py"),
    Mutation("phases: the switch the other way round", "group/estimates.py",
             "last, first, start = last - first, switched(values, question.before[:2])",
             "first, last, start = last - first, switched(values, question.before[:2])",
             "tests/reference/stats/test_phases_against_r.py"),
    Mutation("phases: every phase from the first session on", "group/phases.py",
             "Span(first, last, name) for first, last, name in named if first > 0",
             "Span(0, last, name) for first, last, name in named if first > 0",
             "tests/reference/stats/test_phases_against_r.py"),
    Mutation("behaviour: sessions of a measure swapped", "specs/behaviour.py",
             "return {session: self.columns[session] for session in sessions if session in self.columns}",
             "return dict(zip(self.columns, reversed(self.columns.values())))",
             "tests/unit/group/test_behaviour_of_subjects.py"),
    Mutation("a score without what is subtracted", "group/scores.py",
             "{s: found[s] - less[s] for s in found if s in less}", "{s: found[s] for s in found if s in less}",
             "tests/unit/group/test_associations_with_scores.py"),
    Mutation("specifications: every scaling gets the vectors of the first", "firstlevel/fit.py",
             "start = scalings.index(scaling) * len(task.contrasts)", "start = 0",
             "tests/unit/firstlevel/test_fit_runs.py"),
    Mutation("specifications: all of them with the series of the first model", "responses/series.py",
             "place = (fit.key.label, self._of_voxels(fit.voxels), _digest(fit.scale))", "place = (fit.key.label,)",
             "tests/integration/test_multiverse_run.py::test_a_specification_is_a_study_of_its_own"),
    Mutation("specification curve: an arrangement of its own for each", "group/multiverse.py",
             "found = signed(test, local[key])",
             "found = signed(test, np.roll(local[key], 7 * i, axis=0))",
             "tests/unit/group/test_specification_curve.py"),
    Mutation("specification curve: z without a sign", "stats/signed.py",
             "np.where(np.isnan(raw), np.nan, tall) * np.sign(found)", "np.where(np.isnan(raw), np.nan, tall)",
             "tests/unit/group/test_specification_curve.py"),
    Mutation("audio and video swapped", "signal/conditions.py", "values = modulation[left]",
             "values = -modulation[left]", "tests/integration/test_localizer.py"),
)


def main() -> int:
    """Try every mutation in a copy of the checkout."""
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        ignore = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", "demo-out", ".hypothesis")
        shutil.copytree(CHECKOUT, copy, ignore=ignore)
        for mutation in MUTATIONS:
            path = copy / "src" / "deltaroi" / mutation.file
            text = path.read_text()
            if text.count(mutation.old) != 1:
                print(f"{mutation.name}: the line is not there once: {mutation.old!r}")
                survived += 1
                continue
            path.write_text(text.replace(mutation.old, mutation.new))
            failed, first = outcome(copy, mutation.tests, Path(folder) / "work")
            path.write_text(text)
            survived += failed == 0
            print(f"{mutation.name} | {mutation.tests} | {failed} failed | {first}", flush=True)
    print(f"{len(MUTATIONS) - survived} of {len(MUTATIONS)} mutations were noticed")
    return min(survived, 1)


def outcome(copy: Path, tests: str, work: Path) -> tuple[int, str]:
    """Number of failures and the first failing assertion."""
    shared = os.environ.get("DELTAROI_SHARED", str(CHECKOUT.parent / "shared"))
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "DELTAROI_SHARED": shared}
    words = [sys.executable, "-m", "pytest", tests, "-q", "--no-header", "-p", "no:cacheprovider", f"--basetemp={work}"]
    done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    counts = re.findall(r"(\d+) (?:failed|error)", done.stdout)
    lines = [line[1:].strip() for line in done.stdout.splitlines() if re.match(r"E\s+\S", line)]
    told = [line for line in lines if line.startswith("assert")] or lines or [f"exit code {done.returncode}"]
    return sum(map(int, counts)), told[0][:110]


if __name__ == "__main__":
    sys.exit(main())
