"""The job scripts of Slurm, PBS and SGE that come of the section ``execution.cluster``."""

from __future__ import annotations

import signal
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from dask_processes import queue
from deltaroi.errors import ExecutionError
from deltaroi.pipeline.queues import open_cluster
from deltaroi.specs import Cluster

SCRIPTS = {
    "slurm": ["#SBATCH -J deltaroi", "#SBATCH -p long", "#SBATCH -A lab", "#SBATCH --cpus-per-task=4",
              "#SBATCH --mem=8G", "#SBATCH -t 04:00:00", "#SBATCH -pe smp 4"],
    "pbs": ["#PBS -N deltaroi", "#PBS -q long", "#PBS -A lab", "#PBS -l select=1:ncpus=4:mem=8192MB",
            "#PBS -l walltime=04:00:00", "#PBS -pe smp 4"],
    "sge": ["#$ -N deltaroi", "#$ -q long", "#$ -P lab", "#$ -l h_rt=04:00:00", "#$ -pe smp 4"],
}


@pytest.mark.parametrize("kind", SCRIPTS)
@pytest.mark.filterwarnings("default")  # of the sockets of distributed
def test_the_job_script_says_what_the_study_file_says(kind: str, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", queue(tmp_path, kind)["PATH"])
    spec = Cluster.model_validate({
        "kind": kind, "jobs": 3, "cores": 4, "memory": "8GiB", "walltime": "04:00:00", "queue": "long",
        "account": "lab", "directives": ["-pe smp 4"], "setup": ["module load python/3.11"], "scratch": "/scratch/me",
        "interface": "lo"})
    interrupted = signal.getsignal(signal.SIGINT)
    cluster = open_cluster(spec, tmp_path / "logs", [])
    assert signal.getsignal(signal.SIGINT) is interrupted  # dask-jobqueue makes it exit with code 0
    try:
        script = cluster.job_script()
    finally:
        cluster.close()
    lines = script.splitlines()
    assert [line for line in SCRIPTS[kind] if line not in lines] == []
    assert any(str(tmp_path / "logs") in line for line in lines if line.startswith("#"))
    assert lines.index("module load python/3.11") == len(lines) - 2
    start = lines[-1].split()
    assert start[:3] == [sys.executable, "-m", "distributed.cli.dask_worker"]
    given = dict(pairwise(start))
    assert (given["--nthreads"], given["--nworkers"], given["--memory-limit"]) == ("1", "4", "2.00GiB")
    assert (given["--local-directory"], given["--interface"]) == ("/scratch/me", "lo")


def test_a_machine_without_the_batch_system_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExecutionError, match="the command qsub is not here"):
        open_cluster(Cluster(kind="pbs", jobs=1, memory="1GB", walltime="01:00:00"), tmp_path / "logs", [])
