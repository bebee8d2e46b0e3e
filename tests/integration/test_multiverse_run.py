"""Many specifications, one read: main as without them, each as a study of its own, resume, what cannot be served."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import deltaroi
from deltaroi.io.tsv import read_table, read_tsv
from deltaroi.layout import Layout
from deltaroi.pipeline.run import preview
from deltaroi.tables import EFFECTS, SPECIFICATION_CURVE

SECTION = """\
multiverse:
  definitions: [aal3]
  smoothing_fwhm_mm: [6]
  scaling: [none]
  confounds: {allVolumes: {scrub_fd_mm: null}}
  noise: [ar1]
  without: [{definition: aal3, noise: ols}, {smoothing_fwhm_mm: 0, scaling: none}]
group:"""


def write(folder: Path, name: str, **changes: str) -> Path:
    """The tiny study with two subjects per group; ``changes`` are texts to replace."""
    text = (folder / "study.yaml").read_text()
    for old, new in {"task: faces,": 'task: faces, subjects: ["1001", "1002", "2001", "2002"],', **changes}.items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def folder(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated dataset, with the responses of a multiverse in ``out`` and of the study alone in ``plain``."""
    root = Path(shutil.copytree(simulated, tmp_path_factory.mktemp("multiverse") / "tiny"))
    deltaroi.run(write(root, "plain"), root / "plain", until="responses")
    deltaroi.run(write(root, "many", **{"group: {perm": SECTION + " {perm"}), root / "out", until="responses")
    return root


def cells(out: Path, name: str, specification: str = "main") -> pd.DataFrame:
    """The rows of one specification as text, so that equal means equal to the last printed digit."""
    table = read_tsv(Layout(out).table(name))
    return table[table["specification"] == specification].drop(columns="specification").reset_index(drop=True)


def files(out: Path) -> dict[str, str]:
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.rglob("*.npz"))}


def test_main_is_as_without_a_multiverse(folder: Path) -> None:
    for name in ("responses", "run_values"):
        pd.testing.assert_frame_equal(cells(folder / "out", name), cells(folder / "plain", name))
    plain = files(folder / "plain")
    assert plain
    assert {name: files(folder / "out")[name] for name in plain} == plain


@pytest.mark.parametrize(("name", "changes"), [
    ("aal3_fwhm6_rawUnits_allVolumes_ar1", {
        "hemispheres: [L, R]": "hemispheres: [L, R], definition: aal3",
        "noise: ols": "noise: ar1, scaling: none, smoothing_fwhm_mm: 6", "scrub_fd_mm: 0.9": "scrub_fd_mm: null"}),
    ("fwhm6", {"noise: ols": "noise: ols, smoothing_fwhm_mm: 6"}),
])
def test_a_specification_is_a_study_of_its_own(folder: Path, name: str, changes: dict[str, str]) -> None:
    deltaroi.run(write(folder, name, **changes), folder / name, until="responses")
    pd.testing.assert_frame_equal(cells(folder / "out", "responses", name), cells(folder / name, "responses"))


def test_the_specifications_are_listed(folder: Path) -> None:
    listed = read_tsv(folder / "out/group/specifications.tsv").set_index("specification")
    assert set(listed.index) == set(read_tsv(folder / "out/group/responses.tsv")["specification"])
    assert list(listed.loc["aal3_fwhm6_rawUnits_allVolumes_ar1"]) == \
        ["aal3", "6", "none", "allVolumes", "auto", "ar1", "fwhm6_allVolumes_ar1", "fwhm6_rawUnits_allVolumes_ar1"]
    assert not [name for name in listed.index if name.startswith("aal3") and not name.endswith("ar1")]  # without
    regions = read_tsv(folder / "out/group/regions.tsv")
    assert set(regions["definition"]) == {"hcpex", "aal3"}


@pytest.fixture(scope="module")
def whole(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of everybody with a small multiverse in ``out``, and of the study alone in ``plain``."""
    root = Path(shutil.copytree(simulated, tmp_path_factory.mktemp("whole") / "tiny"))
    text = (root / "study.yaml").read_text()
    section = "multiverse:\n  definitions: [aal3]\n  scaling: [none]\n  summary: [median]\n  noise: [ar1]\ngroup: {perm"
    (root / "many.yaml").write_text(text.replace("group: {perm", section))
    deltaroi.run(root / "study.yaml", root / "plain")
    deltaroi.run(root / "many.yaml", root / "out", jobs=2)
    return root


@pytest.mark.long
def test_everything_about_main_is_as_without_a_multiverse(whole: Path) -> None:
    for path in sorted((whole / "plain/group").glob("*.tsv")):
        one, many = read_tsv(path), read_tsv(whole / "out/group" / path.name)
        if path.name == "regions.tsv":
            many = many[many["definition"] != "aal3"]
        elif "specification" in many:
            many = many[many["specification"] == "main"]
        pd.testing.assert_frame_equal(many.reset_index(drop=True), one, obj=path.name)
    assert json.loads((whole / "out/group/effects_notes.json").read_text()) == \
        json.loads((whole / "plain/group/effects_notes.json").read_text())


@pytest.mark.long
def test_the_curve_and_the_effects_of_every_specification(whole: Path) -> None:
    curve = read_table(whole / "out/group/specification_curve.tsv", SPECIFICATION_CURVE)
    effects = read_table(whole / "out/group/effects.tsv", EFFECTS)
    assert len(curve) == 2 * 6
    assert set(curve["n_specifications"]) == {16}
    assert set(effects["specification"]) == set(read_tsv(whole / "out/group/specifications.tsv")["specification"])
    primary = effects[effects["primary"]]
    assert primary.groupby(["specification", "contrast"]).size().eq(6).all()
    planted = curve[(curve["region"] == "AI") & (curve["contrast"] == "negative_vs_neutral")]
    assert (planted["median"] > 0).all()
    assert (planted["share_sign"] == 1).all()
    assert (planted["p_median"] < 0.05).all()
    row = planted.iloc[0]
    same = primary[(primary["specification"] == "main") & (primary["contrast"] == row["contrast"])
                   & (primary["region"] == "AI") & (primary["hemisphere"] == row["hemisphere"])].iloc[0]
    assert row["main_estimate"] == same["estimate"]
    page = (whole / "out/report.html").read_text()
    assert page.count('aria-label="AI L: over 16 specifications') == 2
    assert 'id="multiverse"' in page
    assert 'id="multiverse"' not in (whole / "plain/report.html").read_text()


@pytest.mark.long
def test_without_the_section_its_tables_go(whole: Path) -> None:
    out = Path(shutil.copytree(whole / "out", whole / "again", copy_function=shutil.copy2))
    found = deltaroi.run(whole / "study.yaml", out)
    assert (found.reran["first-level"], found.reran["responses"]) == (0, 0)
    ours = {path.relative_to(whole / "plain"): path.read_bytes() for path in (whole / "plain").rglob("*")
            if path.is_file() and "logs" not in path.parts}
    left = {path.relative_to(out) for path in out.rglob("*") if path.is_file() and "logs" not in path.parts} - set(ours)
    assert all(path.parts[0].startswith("sub-") for path in left), left  # artefacts of runs and subjects stay
    assert {name for name, content in ours.items() if (out / name).read_bytes() != content} == set()


@pytest.mark.long
def test_what_shares_a_fit_reads_no_image_and_a_new_width_reads_each_once(folder: Path) -> None:
    out = Path(shutil.copytree(folder / "out", folder / "resumed", copy_function=shutil.copy2))
    more = {"group: {perm": SECTION.replace("noise:", "summary: [median]\n  noise:", 1) + " {perm"}
    shared = deltaroi.run(write(folder, "more", **more), out, until="responses")
    assert shared.reran["first-level"] == 0
    assert shared.reran["specifications"] == 4
    assert "fwhm6_median" in set(shared.responses["specification"])
    wider = {"group: {perm": more["group: {perm"].replace("[6]", "[6, 8]")}
    assert "8 of 8 images will be read, each once" in preview(write(folder, "wider", **wider), out).lines
    found = deltaroi.run(write(folder, "wider", **wider), out, until="responses")
    assert found.reran["masks"] == 0
    assert found.read_again == 8
    listed = read_tsv(out / "group/specifications.tsv")["model"]
    assert found.reran["first-level"] == 8 * len({name for name in listed if "fwhm8" in name})
    for name in ("responses", "run_values"):
        pd.testing.assert_frame_equal(cells(out, name), cells(folder / "plain", name))


def test_a_strategy_that_a_run_cannot_serve_is_named(simulated: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(simulated, tmp_path / "tiny"))
    section = "multiverse:\n  confounds: {compcor: {acompcor: 3}}\n  summary: [median]\ngroup: {perm"
    study = write(root, "lacking", **{"group: {perm": section})
    broken = next(root.glob("derivatives/fmriprep/sub-1001/ses-pre/func/*confounds*.tsv"))
    table = pd.read_csv(broken, sep="\t", keep_default_na=False)
    table.drop(columns=[name for name in table if "comp_cor" in name]).to_csv(broken, sep="\t", index=False)
    foreseen = deltaroi.check(study)
    found = deltaroi.run(study, root / "out", until="responses")
    assert (foreseen.exit_code, found.exit_code) == (0, 0)
    rows = found.exclusions[found.exclusions["reason"].str.contains("compcor")]
    (row,) = rows[rows["stage"] == "first-level"].to_dict("records")
    assert (row["subject"], row["session"]) == ("1001", "pre")
    assert row["reason"].startswith("not fitted for specifications compcor, compcor_median: ")
    assert row["reason"] in set(foreseen.foreseen["reason"])
    values = found.responses.set_index(["specification", "subject", "session"])["value"]
    assert values.loc["main"].notna().all()
    assert ("1001", "pre") not in values.loc["compcor"].index
    assert values.loc["compcor"].notna().all()
