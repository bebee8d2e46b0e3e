"""Connectivity from the command line on a simulated study: values, comparison, resume, refusals, exclusions."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

import deltaroi
from deltaroi.io.tsv import read_table
from deltaroi.tables import CONNECTIVITY, CONNECTIVITY_ASSOCIATIONS, CONNECTIVITY_EFFECTS, CONNECTIVITY_SLOPES, COUPLED
from helpers import file_hashes

Edit = Callable[[Path, str, str], None]
STUDY = """\
schema_version: 1
name: coupled
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: faces, sessions: [pre, post]}
groups: {column: group, levels: [training, control], assignment: randomised}
regions: {include: [dlPFC, NAcc, amygdala], hemispheres: [R]}
first_level: {noise: ols, confounds: {motion: 6, scrub_fd_mm: 0.9}}
contrasts: {negative_vs_neutral: "negative - neutral", negative: "negative"}
group: {permutations: 200}
associations: {years: {column: age, of: both}, linked: {column: age, of: connectivity}, plain: {column: age}}
connectivity:
  dlpfc: {method: gppi, seed: {region: dlPFC, hemisphere: R}}
  betas: {method: beta_series, seed: {region: dlPFC, hemisphere: R}, targets: [{region: NAcc, hemisphere: R}],
          contrasts: [negative_vs_neutral]}
simulation:
  seed: 5
  subjects: {training: 5, control: 5}
  resolution_mm: 6
  partial_volume: false
  events: {conditions: [negative, neutral], trials: 10, duration_s: 6, gap_s: [4, 7]}
  noise: {spatial_fwhm_mm: 0, non_steady_volumes: 0}
  planted: [{region: dlPFC, condition: negative, percent: 0.8}]
  coupled:
    - {seed: dlPFC, target: NAcc, hemispheres: [R], condition: negative, strength: 0.4}
    - {seed: dlPFC, target: NAcc, hemispheres: [R], condition: negative, strength: 0.8, group: training, session: post}
"""


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True,
                          check=False)


@pytest.fixture(scope="module")
def coupled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated study with a finished run in ``out``; not to be changed."""
    root = tmp_path_factory.mktemp("coupled")
    (root / "study.yaml").write_text(STUDY)
    deltaroi.simulate(root / "study.yaml", root)
    done = command("run", root / "study.yaml", "--out", root / "out", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    (root / "printed.txt").write_text(done.stdout)
    return root


@pytest.fixture(scope="module")
def _worked(coupled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose study file tests change."""
    return Path(shutil.copytree(coupled, tmp_path_factory.mktemp("worked") / "coupled",
                                ignore=shutil.ignore_patterns("out")))


@pytest.fixture
def worked(_worked: Path) -> Iterator[Path]:
    """The copy, run as far as the effects; its study file is put back afterwards."""
    study = (_worked / "study.yaml").read_text()
    deltaroi.run(_worked / "study.yaml", _worked / "out", until="effects")
    yield _worked
    (_worked / "study.yaml").write_text(study)


@pytest.fixture
def copy(coupled: Path, tmp_path: Path) -> Path:
    """A copy of the data that a test may change."""
    return Path(shutil.copytree(coupled, tmp_path / "coupled", ignore=shutil.ignore_patterns("out")))


def table(root: Path, schema: object) -> pd.DataFrame:
    return read_table(root / "out" / "group" / f"{schema.name}.tsv", schema)  # type: ignore[attr-defined, arg-type]


def test_the_truth_is_written_beside_the_data(coupled: Path) -> None:
    truth = read_table(coupled / "coupled.tsv", COUPLED)
    strengths = truth.groupby(["group", "session"])["strength"].unique().map(list)
    assert strengths.to_dict() == {("control", "post"): [0.4], ("control", "pre"): [0.4],
                                   ("training", "post"): [pytest.approx(1.2)], ("training", "pre"): [0.4]}


def test_the_planted_change_comes_back_in_the_group_comparison(coupled: Path) -> None:
    values, effects = table(coupled, CONNECTIVITY), table(coupled, CONNECTIVITY_EFFECTS)
    assert len(values) == 10 * 2 * (2 * 2 + 1)
    assert values["value"].notna().all()
    link = values.query("name == 'dlpfc' and target_region == 'NAcc' and contrast == 'negative'")
    means = link.groupby(["group", "session"])["value"].mean()
    assert means["control"].between(0.1, 0.7).all()
    assert means["training", "post"] - means["training", "pre"] > 0.4
    primary = effects[effects["primary"]].set_index(["name", "target_region", "contrast"])
    row = primary.loc[("dlpfc", "NAcc", "negative")]
    assert row["ci_low"] < 0.8 < row["ci_high"]
    assert row["p"] < 0.05
    assert (row["family_size"], row["model"], row["unit"], row["n"]) == (2, "ancova", "% per %", 10)
    assert row["reading"].startswith("At post, given the value at pre, the coupling of dlPFC-R (hcpex) with NAcc-R "
                                     "(hcpex) was")
    assert primary.loc[("betas", "NAcc", "negative_vs_neutral"), "unit"] == "Fisher z"
    assert len(primary) == 5


def test_associations_are_asked_of_what_they_name(coupled: Path) -> None:
    group = coupled / "out" / "group"
    effects = pd.read_csv(group / "effects.tsv", sep="\t")
    assert {t for t in effects["term"] if t.startswith("association")} == {
        f"association:{name}{end}" for name in ("years", "plain") for end in ("", "_x_group")}
    linked = table(coupled, CONNECTIVITY_ASSOCIATIONS)
    assert set(linked["association"]) == {"years", "linked"}
    assert set(zip(linked["name"], linked["target_region"], strict=True)) == {("dlpfc", "NAcc"), ("dlpfc", "amygdala"),
                                                                             ("betas", "NAcc")}
    assert "association:linked_x_group" in set(table(coupled, CONNECTIVITY_EFFECTS)["term"])
    assert (table(coupled, CONNECTIVITY_SLOPES)["reading"].str.contains("coupling of dlPFC-R")).all()


def test_what_is_printed_and_reported(coupled: Path) -> None:
    printed = (coupled / "printed.txt").read_text()
    assert "connectivity:" in printed
    assert "dlpfc: dlPFC-R with NAcc-R" in printed
    assert "100 connections" in printed
    page = (coupled / "out" / "report.html").read_text()
    for text in ('<section id="connectivity">', '<a href="#connectivity">', "Seed: dlPFC R (hcpex)",
                 "association linked", "group/connectivity_effects.tsv",
                 "Forest plot: difference between groups for negative, 2 ROIs"):
        assert text in page, text
    methods = (coupled / "out" / "methods.md").read_text()
    assert all(f"{name} et al., {year}" in methods for name, year in (
        ("McLaren", 2012), ("Di", 2017), ("Gitelman", 2003), ("Mumford", 2012), ("Rissman", 2004)))
    items = json.loads((coupled / "out" / "cobidas.json").read_text())["Connectivity"]
    assert set(items["Asked"]) == {"dlpfc", "betas"}
    assert items["Units"] == ["% per %", "Fisher z"]
    assert len(items["TestedEffects"]) == len(table(coupled, CONNECTIVITY_EFFECTS))


@pytest.mark.long
def test_jobs_change_no_byte_and_a_second_run_does_nothing(coupled: Path, tmp_path: Path) -> None:
    before = file_hashes(coupled / "out")
    again = deltaroi.run(coupled / "study.yaml", coupled / "out")
    assert set(again.reran.values()) == {0}
    deltaroi.run(coupled / "study.yaml", tmp_path / "other", jobs=1)
    assert file_hashes(tmp_path / "other") == file_hashes(coupled / "out") == before


@pytest.mark.long
@pytest.mark.parametrize(("old", "new", "stages", "steps"), [
    ("method: gppi, seed", "method: gppi, deconvolve: false, seed", {"connectivity"}, 11),
    ("permutations: 200", "permutations: 201", {"effects", "connectivity"}, 1),
    ("years: {column: age, of: both}", "years: {column: age}", {"connectivity"}, 1),
    ("group: {perm", "summary: median\ngroup: {perm", {"responses", "effects"}, 0),
])
def test_what_a_change_runs_again(worked: Path, edit: Edit, old: str, new: str, stages: set[str], steps: int) -> None:
    edit(worked, old, new)
    again = deltaroi.run(worked / "study.yaml", worked / "out", until="effects")
    assert {stage for stage, count in again.reran.items() if count} == stages
    assert again.reran["connectivity"] == steps


def test_without_the_section_nothing_of_it_stays(worked: Path, edit: Edit) -> None:
    text = (worked / "study.yaml").read_text()
    start, end = text.index("connectivity:\n"), text.index("simulation:\n")
    (worked / "study.yaml").write_text(text[:start] + text[end:])
    edit(worked, "years: {column: age, of: both}, linked: {column: age, of: connectivity}, ", "")
    deltaroi.run(worked / "study.yaml", worked / "out")
    assert not list((worked / "out" / "group").glob("connectivity*"))
    assert 'id="connectivity"' not in (worked / "out" / "report.html").read_text()


@pytest.mark.parametrize(("old", "new", "says"), [
    ("gppi, seed: {region: dlPFC", "gppi, seed: {region: dlPFK", "connectivity.dlpfc.seed: the study does not measure"),
    ("targets: [{region: NAcc", "targets: [{region: dlPFC", "connectivity.betas.targets.0: the target dlPFC-R and the "
     "seed dlPFC-R (connectivity.betas.seed) are the same ROI"),
    ("contrasts: [negative_vs_neutral]", "contrasts: [negativ]", "connectivity.betas.contrasts.0: the study has no "
     "contrast 'negativ'"),
    ("noise: ols", "noise: ols, hrf: fir, scaling: none", "connectivity.dlpfc.method: connectivity needs a response"),
    ("method: gppi", "method: ppi", "connectivity.dlpfc.method"),
    ("method: gppi", "method: gppi, deconvolv: true", "did you mean 'deconvolve'"),
])
def test_what_cannot_be_is_refused_before_anything_is_computed(coupled: Path, old: str, new: str, says: str) -> None:
    text = (coupled / "study.yaml").read_text()
    assert old in text
    (coupled / "wrong.yaml").write_text(text.replace(old, new))
    for words in (["check", coupled / "wrong.yaml"], ["run", coupled / "wrong.yaml", "--out", coupled / "fresh"]):
        done = command(*words)
        assert done.returncode == 3, done.stdout
        assert says in done.stderr
    assert not (coupled / "fresh").exists()


def test_an_association_of_connectivity_needs_connectivity(coupled: Path) -> None:
    text = (coupled / "study.yaml").read_text()
    (coupled / "wrong.yaml").write_text(text[:text.index("connectivity:\n")] + text[text.index("simulation:\n"):])
    done = command("check", coupled / "wrong.yaml")
    assert done.returncode == 3
    assert "associations.years.of: found both, but the study has no section connectivity" in done.stderr


def test_check_foresees_what_the_run_leaves_out(copy: Path) -> None:
    """A condition missing in one session, too few trials in another, a session without a run, a run of few volumes."""
    events = sorted((copy / "bids").glob("sub-*/ses-*/func/*_events.tsv"))
    gone, few = events[0], events[3]
    rows = pd.read_csv(gone, sep="\t", dtype=str)
    rows[rows["trial_type"] == "negative"].to_csv(gone, sep="\t", index=False)
    rows = pd.read_csv(few, sep="\t", dtype=str)
    rows.drop(rows.index[rows["trial_type"] == "neutral"][:3]).to_csv(few, sep="\t", index=False)
    absent = sorted((copy / "derivatives" / "fmriprep").glob("sub-*/ses-post"))[4]
    shutil.rmtree(absent)
    checked = deltaroi.check(copy / "study.yaml")
    result = deltaroi.run(copy / "study.yaml", copy / "other", until="effects")
    names = list(result.exclusions.columns)
    mine = {tuple(row) for row in checked.foreseen[checked.foreseen["stage"] == "connectivity"].to_numpy()}
    theirs = {tuple(row) for row in result.exclusions[result.exclusions["stage"] == "connectivity"].to_numpy()}
    assert mine
    assert mine <= theirs, sorted(mine - theirs)
    reasons = [dict(zip(names, row, strict=True))["reason"] for row in mine]
    assert {"no run of this session is left that serves the contrast and covers seed and target",
            "too few trials for a beta series in this session",
            "no connectivity in this session: left out of every comparison that needs it"} == set(reasons)
    assert result.exit_code == checked.exit_code == 0
    counts = result.connectivity_effects.query("primary").set_index(["name", "target_region", "contrast"])["n"]
    assert counts["betas", "NAcc", "negative_vs_neutral"] == 7
    assert counts["dlpfc", "NAcc", "negative"] == 9
