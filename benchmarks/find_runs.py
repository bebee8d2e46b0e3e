"""How long finding the runs of a 200-subject × 2-session fMRIPrep tree takes: ``python benchmarks/find_runs.py``.

The tree has the names that fMRIPrep 23 writes (anatomy, figures, several spaces, surfaces), as small files.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from deltaroi.io.inventory import DatasetQuery, find_runs

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


def main() -> None:
    """Build, find five times, print."""
    with tempfile.TemporaryDirectory() as name:
        query = build(Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else 200)
        files = sum(1 for path in Path(name).rglob("*") if path.is_file())
        times = []
        for _ in range(5):
            start = time.perf_counter()
            found = find_runs(query)
            times.append(time.perf_counter() - start)
    print(f"{files} files, {len(found.runs)} runs, {len(found.exclusions)} exclusions")
    print(f"find_runs: first {times[0]:.2f} s, median {statistics.median(times):.2f} s, slowest {max(times):.2f} s")


if __name__ == "__main__":
    main()
