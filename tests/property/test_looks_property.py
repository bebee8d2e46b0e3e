"""Whatever changes in a dataset, in whatever order and way: the plan is the same with the cache and without it."""

from __future__ import annotations

import gzip
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.config.read import read_study
from deltaroi.errors import DeltaroiError
from deltaroi.io.looks import Looks
from deltaroi.pipeline.check_models import check_models
from deltaroi.pipeline.plan import make_plan
from helpers import load_module

MAKE = load_module(Path(__file__).resolve().parents[1] / "unit" / "conftest.py")
SPACE = f"space-{MAKE.SPACE}"
TALL = MAKE.confounds()
SIDECAR = b'{"RepetitionTime": 2.0, "StartTime": 0.5}'
POINTER = b"/annex/objects/MD5E-s100--0123456789abcdef.nii.gz\n"
# What may stand in each file of a run; the first is what a good run has. Several have the size of another.
CONTENTS: dict[str, tuple[bytes | None, ...]] = {
    f"fmriprep/{{}}_{SPACE}_desc-preproc_bold.nii.gz": (
        MAKE.nifti(), MAKE.nifti((4, 4, 4, 18)), MAKE.nifti(tr=3.0), POINTER, MAKE.nifti()[:-20], None,
        MAKE.nifti(affine=MAKE.AFFINE * np.array([[1, 1, 1, 0.5]]))),
    f"fmriprep/{{}}_{SPACE}_desc-preproc_bold.json": (SIDECAR, SIDECAR.replace(b"2.0", b"1.0"), b"{}", None),
    f"fmriprep/{{}}_{SPACE}_desc-brain_mask.nii.gz": (MAKE.nifti((4, 4, 4)), MAKE.nifti((4, 4, 5)), b"", None),
    "fmriprep/{}_desc-confounds_timeseries.tsv": (
        TALL.encode(), TALL.replace("trans_x\t", "trans_q\t").encode(), MAKE.confounds(18).encode(), None),
    "fmriprep/{}_desc-confounds_timeseries.json": (None, b"{}", b"{]"),
    "bids/{}_events.tsv": (MAKE.EVENTS.encode(), MAKE.EVENTS.replace("\ta\n", "\tc\n").encode(),
                           MAKE.EVENTS.replace("\n4\t", "\n5\t").encode(), b"onset\tduration\ttrial_type\n", None),
}
STEMS = ("sub-01/func/sub-01_task-t", "sub-02/func/sub-02_task-t")
WAYS = ("in place", "times set back", "moved there", "linked")
CHANGE = st.sampled_from(sorted(CONTENTS)).flatmap(lambda name: st.tuples(
    st.sampled_from(STEMS).map(name.format), st.just(name), st.integers(0, len(CONTENTS[name]) - 1),
    st.sampled_from(WAYS)))


def put(root: Path, path: Path, content: bytes | None, way: str) -> None:
    """Bring a file to a content in one of several ways."""
    before = path.stat() if path.is_file() else None
    if way != "in place" and way != "times set back":
        path.unlink(missing_ok=True)
    if content is None:
        path.unlink(missing_ok=True)
    elif way == "linked":
        target = root / "store" / f"{hash((path.name, content)):x}"
        if not target.exists():
            target.write_bytes(content)
        path.symlink_to(target)
    elif way == "moved there":
        (root / "store" / "new").write_bytes(content)
        (root / "store" / "new").replace(path)
    else:
        path = path.resolve()
        path.write_bytes(content)
    if before is not None and content is not None and way == "times set back":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def seen(study: Path, looks: Looks, models: Looks) -> Any:
    """The plan, and what can be modelled, as text; or why there is none."""
    try:
        spec = read_study(study)
        plan = make_plan(spec, study, looks)
        plan, lost = check_models(spec, plan, models)
    except DeltaroiError as error:
        return str(error)
    runs = [(one.run, one.grid.digest, one.n_volumes, one.contrasts, one.trials, one.dof) for one in plan.runs]
    return runs, plan.exclusions, plan.foreseen, plan.warnings, plan.notes, lost


def later() -> int:
    """A clock that has moved on, so that the files of this test are old enough to be trusted."""
    return time.time_ns() + 10**10


@pytest.mark.long
def test_the_plan_is_the_same_with_the_cache() -> None:
    recalled = []

    @settings(max_examples=25, deadline=None)
    @given(st.lists(CHANGE, min_size=1, max_size=6))
    def holds(changes: list[tuple[str, str, int, str]]) -> None:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            for stem in STEMS:
                for file, contents in CONTENTS.items():
                    path = root / file.format(stem)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    put(root, path, contents[0], "in place")
                (root / "bids" / f"{stem}_bold.nii.gz").write_bytes(gzip.compress(b"x"))
            (root / "store").mkdir()
            study = root / "study.yaml"
            study.write_text("schema_version: 1\nname: tried\ncontrasts: {a_b: a - b}\n"
                             "dataset: {bids_dir: bids, derivatives: fmriprep, task: t}\n")
            for change in (None, *changes):
                if change is not None:
                    where, file, which, way = change
                    put(root, root / where, CONTENTS[file][which], way)
                looks, models = Looks(root / "runs.json", later), Looks(root / "models.json", later)
                assert seen(study, looks, models) == seen(study, Looks(None), Looks(None)), change
                recalled.append((looks.recalled, models.recalled))

    holds()
    assert sum(runs for runs, _ in recalled) > 10
    assert sum(models for _, models in recalled) > 10
