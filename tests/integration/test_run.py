"""The whole way on a tiny simulated study: bytes, resume, broken inputs, exit codes."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import deltaroi
from deltaroi.layout import Layout
from helpers import file_hashes

Edit = Callable[[Path, str, str], None]


def changed(one: Path, other: Path) -> list[str]:
    """Names of the files that are not the same in two output folders."""
    a, b = file_hashes(one), file_hashes(other)
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def command(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True, cwd=cwd,
                          check=False)


@pytest.fixture(scope="module")
def clean(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of an undisturbed run with one job."""
    out = tmp_path_factory.mktemp("clean") / "out"
    assert deltaroi.run(simulated / "study.yaml", out, jobs=1).exit_code == 0
    return out


@pytest.fixture(scope="module")
def _worked(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the dataset with a finished run beside it, for tests that change one thing and run again."""
    root = Path(shutil.copytree(simulated, tmp_path_factory.mktemp("worked") / "tiny"))
    deltaroi.run(root / "study.yaml", root / "out")
    return root


@pytest.fixture
def worked(_worked: Path) -> Iterator[Path]:
    """The finished copy; the study file and the times of the images are put back afterwards."""
    study = (_worked / "study.yaml").read_text()
    times = {p: p.stat().st_mtime_ns for p in (_worked / "derivatives").rglob("*bold.nii.gz")}
    yield _worked
    (_worked / "study.yaml").write_text(study)
    for path, time_ns in times.items():
        os.utime(path, ns=(time_ns, time_ns))
    deltaroi.run(_worked / "study.yaml", _worked / "out")


def bold(root: Path, subject: int = 0, session: str = "post") -> Path:
    return sorted(root.glob(f"derivatives/fmriprep/sub-*/ses-{session}/func/*desc-preproc_bold.nii.gz"))[subject]


def test_planted_effect_is_recovered(clean: Path) -> None:
    from deltaroi.io.tsv import read_table
    from deltaroi.tables import EFFECTS

    effects = read_table(clean / "group" / "effects.tsv", EFFECTS)
    asked = effects["primary"] & (effects["contrast"] == "negative_vs_neutral")
    rows = effects[asked].set_index(["region", "hemisphere"])
    for side in "LR":
        assert rows.loc[("AI", side), "ci_low"] < 1.5 < rows.loc[("AI", side), "ci_high"]
        assert rows.loc[("AI", side), "p"] < 0.05


def test_jobs_do_not_change_a_byte(simulated: Path, clean: Path, tmp_path: Path) -> None:
    deltaroi.run(simulated / "study.yaml", tmp_path / "out", jobs=3)
    assert changed(tmp_path / "out", clean) == []


def test_order_of_subjects_does_not_change_a_byte(tiny: Path, clean: Path, tmp_path: Path) -> None:
    table = tiny / "bids" / "participants.tsv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(rows)]) + "\n")
    deltaroi.run(tiny / "study.yaml", tmp_path / "out")
    assert changed(tmp_path / "out", clean) == []


def test_an_added_roi_does_not_change_the_others(tiny: Path, clean: Path, tmp_path: Path, edit: Edit) -> None:
    edit(tiny, "[amygdala, AI, VTA]", "[amygdala, AI, VTA, mOFC]")
    deltaroi.run(tiny / "study.yaml", tmp_path / "out", until="responses")
    old, new = ((out / "group" / "responses.tsv").read_text().splitlines() for out in (clean, tmp_path / "out"))
    assert [line for line in new if "\tmOFC\t" not in line] == old
    assert len(new) > len(old)


def test_an_image_on_another_grid_and_another_order_of_voxels_counts_the_same(clean: Path) -> None:
    from deltaroi.io.tsv import read_table
    from deltaroi.tables import REGIONS

    regions = read_table(clean / "group" / "regions.tsv", REGIONS)
    assert (regions.loc[regions["hemisphere"] == "L", "x_mm"] < 0).all()
    assert (regions.loc[regions["hemisphere"] == "R", "x_mm"] > 0).all()


def test_second_run_does_nothing_and_changes_nothing(worked: Path) -> None:
    before = file_hashes(worked / "out")
    again = deltaroi.run(worked / "study.yaml", worked / "out")
    assert set(again.reran.values()) == {0}
    assert file_hashes(worked / "out") == before


@pytest.mark.parametrize(("old", "new", "stages"), [
    ("permutations: 200", "permutations: 201", {"effects", "report"}),
    ("noise: ols", "noise: ar1", {"first-level", "responses", "effects", "report"}),
    ("name: tiny", "name: tiny2", {"report"}),
    ("regions: {", "summary: median\nregions: {", {"responses", "effects", "report"}),
    ("include: [amygdala, AI, VTA]", "include: [amygdala, AI]",
     {"masks", "first-level", "responses", "effects", "report"}),
])
def test_what_a_change_runs_again(worked: Path, edit: Edit, old: str, new: str, stages: set[str]) -> None:
    edit(worked, old, new)
    again = deltaroi.run(worked / "study.yaml", worked / "out")
    assert {stage for stage, count in again.reran.items() if count} == stages


@pytest.mark.parametrize(("file", "old", "new", "stages"), [
    ("hcpex.yaml", "ids: {L: [387], R: [420]}", "ids: {L: [387, 68], R: [420, 248]}",  # of the amygdala
     {"masks", "first-level", "responses", "effects", "report"}),
    ("hcpex.yaml", "ids: {L: [140, 144, 146], R: [320, 324, 326]}", "ids: {L: [140], R: [320]}", set()),  # of pACC
    ("spaces.yaml", "offset: not stated by the source", "offset: up to 5 mm", set()),  # of MNI152, which nobody uses
])
def test_what_an_edit_of_the_region_library_runs_again(worked: Path, tmp_path: Path, file: str, old: str, new: str,
                                                       stages: set[str]) -> None:
    checkout, copy = Path(__file__).parents[2], tmp_path / "checkout"
    for folder in ("src", "atlases", "configs"):
        shutil.copytree(checkout / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(checkout / "pyproject.toml", copy)
    text = (copy / "atlases" / file).read_text()
    assert text.count(old) == 1
    (copy / "atlases" / file).write_text(text.replace(old, new))
    code = "import deltaroi, json; print(json.dumps(dict(deltaroi.run('study.yaml', 'out').reran)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=worked, check=False,
                          env={**os.environ, "PYTHONPATH": str(copy / "src")})
    assert done.returncode == 0, done.stderr
    assert {stage for stage, count in json.loads(done.stdout).items() if count} == stages


def test_a_touched_input_runs_again_alone(worked: Path) -> None:
    before = file_hashes(worked / "out")
    os.utime(bold(worked), (1, 1))
    again = deltaroi.run(worked / "study.yaml", worked / "out")
    assert again.reran["first-level"] == 1
    assert again.reran["effects"] == 0
    assert file_hashes(worked / "out") == before


@pytest.mark.parametrize("files", [1, 20, 42])
def test_killed_at_any_moment_it_goes_on(simulated: Path, clean: Path, tmp_path: Path, files: int) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "-m", "deltaroi", "run", simulated / "study.yaml", "--out", out, "--jobs", "2"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    give_up = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < give_up:
        if len([p for p in out.rglob("*") if p.is_file() and "logs" not in p.parts]) >= files:
            break
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = command("run", simulated / "study.yaml", "--out", out)
    assert done.returncode == 0, done.stderr
    assert changed(out, clean) == []


def test_a_truncated_image_costs_one_run_and_shows(tiny: Path, tmp_path: Path) -> None:
    path = bold(tiny)
    path.write_bytes(path.read_bytes()[:-5000])
    result = deltaroi.run(tiny / "study.yaml", tmp_path / "out", until="effects")
    assert result.exit_code == 5
    rows = result.exclusions[result.exclusions["session"] == "post"]
    assert rows["reason"].str.contains("truncated").any(), rows.to_string()
    assert result.effects.loc[result.effects["primary"], "n"].max() == 7


def test_a_corrupt_image_is_noticed(tiny: Path, tmp_path: Path) -> None:
    path = bold(tiny)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    assert deltaroi.run(tiny / "study.yaml", tmp_path / "out", until="responses").exit_code == 5


def test_a_subject_without_post_is_listed(tiny: Path, tmp_path: Path) -> None:
    path = bold(tiny, 2)
    subject = path.name.split("_")[0].removeprefix("sub-")
    for file in path.parent.iterdir():
        file.unlink()
    result = deltaroi.run(tiny / "study.yaml", tmp_path / "out", until="effects")
    assert result.exit_code == 0
    rows = result.exclusions[result.exclusions["subject"] == subject]
    assert (rows["session"] == "post").any(), rows.to_string()
    assert result.effects.loc[result.effects["primary"], "n"].max() == 7


@pytest.mark.parametrize(("break_it", "code", "says"), [
    (lambda root: (root / "study.yaml").write_text("a: ["), 3, "YAML"),
    (lambda root: (root / "study.yaml").unlink(), 3, "cannot read"),
    (lambda root: (root / "derivatives").rename(root / "moved"), 4, "derivatives"),
    (lambda root: (root / "bids" / "participants.tsv").unlink(), 4, "participants.tsv"),
])
def test_exit_codes(tiny: Path, tmp_path: Path, break_it: Callable[[Path], object], code: int, says: str) -> None:
    break_it(tiny)
    for words in (["check", tiny / "study.yaml"], ["run", tiny / "study.yaml", "--out", tmp_path / "out"]):
        done = command(*words)
        assert done.returncode == code, done.stderr
        assert says in done.stderr + done.stdout
        assert "Traceback" not in done.stderr


def test_check_writes_nothing_and_foresees_the_exit_code(tiny: Path) -> None:
    before = sorted(p.as_posix() for p in tiny.rglob("*"))
    done = command("check", "study.yaml", cwd=tiny)
    assert done.returncode == 0, done.stderr
    assert "training" in done.stdout
    assert sorted(p.as_posix() for p in tiny.rglob("*")) == before


def test_output_folder_of_somebody_else_is_refused(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    done = command("run", tiny / "study.yaml", "--out", out)
    assert done.returncode == 2
    assert [p.name for p in out.iterdir()] == ["thesis.txt"]


def test_an_output_folder_that_cannot_be_made_is_named(simulated: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file" / "out", tmp_path / ("n" * 300)):
        done = command("run", simulated / "study.yaml", "--out", out)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert out.name in done.stderr


def test_dry_run_writes_nothing(tiny: Path, tmp_path: Path) -> None:
    done = command("run", tiny / "study.yaml", "--out", tmp_path / "out", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "first-level" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("until", ["masks", "first-level", "responses", "effects"])
def test_until(simulated: Path, tmp_path: Path, until: str) -> None:
    done = command("run", simulated / "study.yaml", "--out", tmp_path / "out", "--until", until)
    assert done.returncode == 0, done.stderr
    expected = {"masks": "regions", "first-level": "exclusions", "responses": "responses", "effects": "effects"}[until]
    assert (tmp_path / "out" / "group" / f"{expected}.tsv").is_file()
    assert not (tmp_path / "out" / "report.html").exists()


def test_nothing_personal_in_the_output(clean: Path) -> None:
    here = str(clean.parent).encode()
    home = str(Path.home()).encode()
    for path in clean.rglob("*"):
        if path.is_file() and path.relative_to(clean).parts[0] != "logs":
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            assert here not in data, path
            assert home + b"/" not in data, path


def test_results_of_another_study_do_not_stay(worked: Path, edit: Edit) -> None:
    edit(worked, "permutations: 200", "permutations: 300")
    deltaroi.run(worked / "study.yaml", worked / "out", until="responses")
    left = {path.name for path in (worked / "out" / "group").iterdir()}
    assert "responses.tsv" in left
    assert not left & {"effects.tsv", "effect_sizes.tsv", "residuals.tsv", "quality.tsv", "effects_notes.json"}
    assert not (worked / "out" / "report.html").exists()


def test_only_own_images_of_rois_are_removed(worked: Path, edit: Edit) -> None:
    """The ROIs of the earlier study go, also where a run was stopped between; what somebody else put there stays."""
    layout = Layout(worked / "out")
    amygdala = [path for path in layout.atlas_files() if "label-amygdala" in path.name]
    mine = amygdala[0].parent / "tpl-MNI152NLin2009cAsym_atlas-Mine_res-6mm_label-amygdalaL_desc-mine_probseg.nii.gz"
    others = [mine, layout.root / "atlas-Mine_description.json"]
    for path in others:
        path.write_text("years of work")
    table = layout.table("regions").read_bytes()
    edit(worked, "include: [amygdala, AI, VTA]", "include: [AI, pACC]")
    deltaroi.run(worked / "study.yaml", layout.root, until="masks")
    pacc = [path for path in layout.atlas_files() if "label-pACC" in path.name]
    layout.table("regions").write_bytes(table)  # as if the run had been stopped before it wrote its own
    edit(worked, "include: [AI, pACC]", "include: [AI]")
    deltaroi.run(worked / "study.yaml", layout.root, until="masks")
    left = [path.read_text() for path in others if path.is_file()]
    for path in others:
        path.unlink(missing_ok=True)
    assert left == ["years of work"] * 2
    assert amygdala
    assert pacc
    assert not any(path.exists() for path in (*amygdala, *pacc))
    assert not [path for path in layout.atlas_files() if "_label-AI" not in path.name and "_dseg" not in path.name
                and path != layout.atlas_description("hcpex")]


def test_going_on_after_an_earlier_stage_gives_the_same_bytes(worked: Path) -> None:
    before = file_hashes(worked / "out")
    deltaroi.run(worked / "study.yaml", worked / "out", until="masks")
    assert not (worked / "out" / "group" / "effects.tsv").exists()
    again = deltaroi.run(worked / "study.yaml", worked / "out")
    assert again.reran["first-level"] == again.reran["responses"] == 0
    assert file_hashes(worked / "out") == before


def test_nothing_usable_leaves_no_old_results(worked: Path, edit: Edit) -> None:
    edit(worked, "sessions: [pre, post]", "sessions: [pre, post], exclude_where: {group: [training, control]}")
    with pytest.raises(deltaroi.DeltaroiError, match="nothing usable"):
        deltaroi.run(worked / "study.yaml", worked / "out")
    left = {path.name for path in (worked / "out" / "group").iterdir()}
    assert "exclusions.tsv" in left
    assert not left & {"responses.tsv", "effects.tsv", "bayes.tsv", "assumptions.json", "quality.tsv"}
    assert not (worked / "out" / "report.html").exists()
