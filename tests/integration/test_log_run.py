"""``deltaroi run --log-json`` with worker processes, a lost input and a warning: every line is an event."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
def test_a_whole_run_in_events(tiny: Path) -> None:
    broken = next((tiny / "derivatives").rglob("sub-*_ses-post_*desc-preproc_bold.nii.gz"))
    broken.write_bytes(broken.read_bytes()[:-40])
    done = subprocess.run([sys.executable, "-m", "deltaroi", "run", str(tiny / "study.yaml"), "--out",
                           str(tiny / "out"), "--jobs", "2", "--log-json"], capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 5
    assert "report:" in done.stdout
    stages = [one["stage"] for one in events if one["event"] == "stage_begin"]
    assert stages == ["inputs", "masks", "first-level", "responses", "effects", "report"]
    ends = {one["stage"]: one for one in events if one["event"] == "stage_end"}
    for stage, counts in {"inputs": (16, 8), "first-level": (15, 8), "responses": (8, 8), "report": (1, 0)}.items():
        assert (ends[stage]["done"], ends[stage]["subjects_done"]) == counts
        assert (ends[stage]["total"], ends[stage]["subjects_total"]) == counts
    (lost,) = (one for one in events if one["event"] == "lost")
    assert lost["subject"] in broken.name
    assert "truncated" in lost["message"]
    assert any(one["event"] == "warning" for one in events)
    assert [one["event"] for one in events][-1] == "end"
    assert events[-1]["exit_code"] == 5
    times = [one["time"] for one in events if one["event"] != "message"]
    assert times == sorted(times)
