"""A real Dask scheduler and real workers on loopback, and stand-ins for the commands of batch systems."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

SUBMITTED = {"slurm": ("sbatch", "scancel", "Submitted batch job"), "pbs": ("qsub", "qdel", ""),
             "sge": ("qsub", "qdel", "Your job")}


def until(seen: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < give_up, "it did not come"
        time.sleep(0.01)


class Processes:
    """A scheduler and its workers; every process is ended with the test.

    Parameters
    ----------
    folder : Path
        For the scheduler's file and the logs.
    allowed_failures : int
        How often the scheduler gives a piece of work to another worker after one died on it.
    """

    def __init__(self, folder: Path, allowed_failures: int = 3) -> None:
        self.file, self._folder = folder / "scheduler.json", folder
        self._all: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("dask_scheduler", "--scheduler-file", str(self.file), "--host", "127.0.0.1",
                                     "--port", "0", "--no-dashboard",
                                     env={"SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)})
        until(self.file.is_file)

    @property
    def address(self) -> str:
        """Address of the scheduler."""
        return str(json.loads(self.file.read_text())["address"])

    def worker(self, *words: str, path: str = "") -> subprocess.Popen[bytes]:
        """Start a worker with one thread; ``path`` comes first in its PYTHONPATH."""
        return self._start("dask_worker", self.address, "--nthreads", "1", "--no-dashboard", "--local-directory",
                           str(self._folder / "scratch"), "--death-timeout", "60", *words, path=path)

    def _start(self, name: str, *words: str, env: Mapping[str, str] | None = None,
               path: str = "") -> subprocess.Popen[bytes]:
        settings = {f"DASK_DISTRIBUTED__{key}": value for key, value in (env or {}).items()}
        found = os.pathsep.join(part for part in (path, os.environ.get("PYTHONPATH", "")) if part)
        log = (self._folder / f"{name}{len(self._all)}.log").open("wb")
        self._all.append(subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *words], stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, **settings, "PYTHONPATH": found}))
        log.close()
        return self._all[-1]

    def close(self) -> None:
        """End what still runs."""
        for process in self._all:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def queue(folder: Path, kind: str, *, takes: bool = True) -> dict[str, str]:
    """Stand-ins for the commands of a batch system, which run a job script at once in the background.

    They stand in for the queue alone: the script, the workers that it starts and all that follows are real.

    Returns
    -------
    dict of str to str
        The environment in which they are found; job ids and process groups are noted in ``folder/jobs``.
    """
    submit, cancel, says = SUBMITTED[kind]
    commands, jobs = folder / "bin", folder / "jobs"
    commands.mkdir()
    jobs.mkdir()
    refuse = "" if takes else "echo 'error: invalid account or partition' >&2; exit 1\n"
    (commands / submit).write_text(f"""#!/bin/sh
{refuse}n=$(ls {jobs} | grep -c 'sh$')
cp "$1" {jobs}/$n.sh
setsid sh {jobs}/$n.sh > {jobs}/$n.out 2>&1 < /dev/null &
echo $! > {jobs}/$n.pid
echo "{says} $n"
""")
    (commands / cancel).write_text(f"#!/bin/sh\nkill -TERM -- -$(cat {jobs}/$1.pid)\n")
    for name in (submit, cancel):
        (commands / name).chmod(0o755)
    return {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
