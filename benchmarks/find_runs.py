"""How long a 200-subject × 2-session fMRIPrep tree takes to be found, planned and checked.

``python benchmarks/find_runs.py [SUBJECTS]``. The tree has the names that fMRIPrep 23 writes (anatomy, several spaces,
surfaces), as small files; what a study reads (headers, confounds, events) is as large as in a real one.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
from timing import timed

from deltaroi.config.read import read_study
from deltaroi.io.inventory import DatasetQuery, find_runs
from deltaroi.pipeline.check import check
from deltaroi.pipeline.plan import make_plan

ANAT = ["desc-aparcaseg_dseg.nii.gz", "desc-aseg_dseg.nii.gz", "desc-brain_mask.json", "desc-brain_mask.nii.gz",
        "desc-preproc_T1w.json", "desc-preproc_T1w.nii.gz", "dseg.nii.gz", "from-T1w_to-fsnative_mode-image_xfm.txt",
        "from-MNI152NLin2009cAsym_to-T1w_mode-image_xfm.h5", "from-T1w_to-MNI152NLin2009cAsym_mode-image_xfm.h5",
        "hemi-L_pial.surf.gii", "hemi-R_pial.surf.gii", "hemi-L_inflated.surf.gii", "hemi-R_inflated.surf.gii",
        "label-CSF_probseg.nii.gz", "label-GM_probseg.nii.gz", "label-WM_probseg.nii.gz"]
FUNC = ["AROMAnoiseICs.csv", "boldref.nii.gz", "desc-MELODIC_mixing.tsv", "desc-brain_mask.json",
        "desc-brain_mask.nii.gz", "desc-confounds_timeseries.json", "desc-confounds_timeseries.tsv",
        "desc-coreg_boldref.nii.gz", "desc-hmc_boldref.nii.gz", "desc-preproc_bold.json", "desc-preproc_bold.nii.gz",
        "from-T1w_to-scanner_mode-image_xfm.txt", "from-scanner_to-T1w_mode-image_xfm.txt",
        "hemi-L_space-fsaverage5_bold.func.gii", "hemi-R_space-fsaverage5_bold.func.gii",
        "space-MNI152NLin2009cAsym_res-2_boldref.nii.gz", "space-MNI152NLin2009cAsym_res-2_desc-aseg_dseg.nii.gz",
        "space-MNI152NLin2009cAsym_res-2_desc-aparcaseg_dseg.nii.gz",
        "space-MNI152NLin2009cAsym_res-2_desc-brain_mask.json",
        "space-MNI152NLin2009cAsym_res-2_desc-brain_mask.nii.gz",
        "space-MNI152NLin2009cAsym_res-2_desc-preproc_bold.json",
        "space-MNI152NLin2009cAsym_res-2_desc-preproc_bold.nii.gz",
        "space-MNI152NLin6Asym_desc-smoothAROMAnonaggr_bold.nii.gz", "space-T1w_boldref.nii.gz",
        "space-T1w_desc-brain_mask.nii.gz", "space-T1w_desc-preproc_bold.json", "space-T1w_desc-preproc_bold.nii.gz",
        "space-fsLR_den-91k_bold.dtseries.nii", "space-fsLR_den-91k_bold.json"]
TASKS = {"emotion": 2, "rest": 1}
VOLUMES = 150
MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
LINKS = {"space-MNI152NLin2009cAsym_res-2_desc-preproc_bold.nii.gz": "bold.nii.gz",
         "space-MNI152NLin2009cAsym_res-2_desc-brain_mask.nii.gz": "mask.nii.gz",
         "desc-confounds_timeseries.tsv": "confounds.tsv"}


def build(root: Path, subjects: int = 200) -> DatasetQuery:
    """Write the tree."""
    raw, derived = root / "bids", root / "derivatives"
    people = [f"{n:03d}" for n in range(1, subjects + 1)]
    raw.mkdir()
    rows = "".join(f"sub-{p}\t{'AB'[i % 2]}\n" for i, p in enumerate(people))
    (raw / "participants.tsv").write_text(f"participant_id\tgroup\n{rows}")
    (raw / "task-emotion_bold.json").write_text(json.dumps({"RepetitionTime": 2.0, "TaskName": "emotion"}))
    for person in people:
        for session in ("pre", "post"):
            where = Path(f"sub-{person}") / f"ses-{session}"
            for top in (raw, derived):
                (top / where / "func").mkdir(parents=True)
                (top / where / "anat").mkdir()
            head = f"sub-{person}_ses-{session}"
            for name in ANAT:
                (derived / where / "anat" / f"{head}_{name}").write_text("x")
            (raw / where / "anat" / f"{head}_T1w.nii.gz").write_text("x")
            for task, runs in TASKS.items():
                for run in range(1, runs + 1):
                    stem = f"{head}_task-{task}_run-{run}"
                    (raw / where / "func" / f"{stem}_bold.nii.gz").write_text("x")
                    (raw / where / "func" / f"{stem}_events.tsv").write_text("onset\tduration\ttrial_type\n")
                    for name in FUNC:
                        text = json.dumps({"RepetitionTime": 2.0, "StartTime": 0.98}) if name.endswith("json") else "x"
                        (derived / where / "func" / f"{stem}_{name}").write_text(text)
    return DatasetQuery(raw, derived, "emotion", sessions=("pre", "post"))


def fill(root: Path) -> Path:
    """Give the runs of the task real headers, confounds and events, and write a study file.

    Images and confounds are hard links to one file each: a benchmark need not write gigabytes, and reads as many bytes.
    """
    one = root / "one"
    one.mkdir()
    affine = np.array([[2.0, 0, 0, -96.5], [0, 2, 0, -132.5], [0, 0, 2, -78.5], [0, 0, 0, 1]])
    for name, shape in (("bold", (97, 115, 97, VOLUMES)), ("mask", (97, 115, 97))):
        image = nibabel.Nifti1Image(np.ones(shape, np.uint8), affine)
        image.header.set_xyzt_units("mm", "sec")
        image.header.set_zooms((2.0, 2.0, 2.0, 2.0)[:len(shape)])
        nibabel.save(image, one / f"{name}.nii.gz")
    columns = [f"{name}{more}" for name in MOTION for more in ("", "_derivative1", "_power2", "_derivative1_power2")]
    columns += ["framewise_displacement", "std_dvars", "global_signal", *(f"a_comp_cor_{n:02d}" for n in range(200))]
    values = np.random.default_rng(0).normal(size=(VOLUMES, len(columns)))
    (one / "confounds.tsv").write_text("\n".join("\t".join(map(str, row)) for row in (columns, *values)) + "\n")
    for path in root.rglob("*_task-emotion_*"):
        for end, name in LINKS.items():
            if path.name.endswith(end):
                path.unlink()
                path.hardlink_to(one / name)
    events = "onset\tduration\ttrial_type\n" + "".join(f"{8 * n + 4}\t4\t{('vn', 'vt')[n % 2]}\n" for n in range(34))
    for path in root.rglob("*_task-emotion_*_events.tsv"):
        path.write_text(events)
    study = root / "study.yaml"
    study.write_text("schema_version: 1\nname: benchmark\ngroups: {column: group, levels: [A, B], "
                     "assignment: randomised}\nregions: {include: [amygdala, AI]}\ncontrasts: {negative: vn - vt}\n"
                     "dataset: {bids_dir: bids, derivatives: derivatives, task: emotion, sessions: [pre, post]}\n")
    return study


def listed(root: Path) -> int:
    """List the folders that ``find_runs`` lists, and do no more: what a cache of listings could save."""
    folders = [root]
    for folder in folders:
        with os.scandir(folder) as entries:
            folders += [Path(entry.path) for entry in entries if entry.name.startswith(("sub-", "ses-", "func"))
                        and entry.is_dir()]
    return len(folders)


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    return timed(work)[0]


def main() -> None:
    """Build, find five times, plan and check with an empty cache and a filled one, print."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        query = build(root, int(sys.argv[1]) if len(sys.argv) > 1 else 200)
        study = fill(root)
        print(f"{sum(path.is_file() for path in root.rglob('*'))} files, {len(find_runs(query).runs)} runs")
        times = [seconds(lambda: find_runs(query)) for _ in range(5)]
        print(f"find_runs: median {statistics.median(times):.2f} s, slowest {max(times):.2f} s")
        listing = [seconds(lambda: [listed(root / top) for top in ("bids", "derivatives")]) for _ in range(5)]
        print(f"  of which listing the folders: {statistics.median(listing):.2f} s")
        time.sleep(3)  # files younger than two seconds are not trusted yet
        for what, work in (("make_plan", lambda: make_plan(read_study(study), study)), ("check", lambda: check(study))):
            os.environ["DELTAROI_CACHE"] = str(root / f"cache-{what}")
            cold = seconds(work)
            warm = [seconds(work) for _ in range(3)]
            size = sum(path.stat().st_size for path in (root / f"cache-{what}").iterdir())
            print(f"{what}: with an empty cache {cold:.1f} s, with a filled one {statistics.median(warm):.2f} s "
                  f"(cache {size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
