"""Jobs of Slurm, PBS or SGE that run Dask workers, by dask-jobqueue."""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

from deltaroi.config.read import resolve
from deltaroi.errors import ExecutionError
from deltaroi.layout import Layout
from deltaroi.specs import Cluster

log = logging.getLogger(__name__)
_CLASSES = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster"}
_GONE_S = 20.0  # a job whose workers have been away for as long is over
_SAY_S = 300.0


class Queue:
    """The jobs of one run: submitted here, replaced when they end before the work does, cancelled by :meth:`close`.

    Parameters
    ----------
    spec : Cluster
        Which jobs.
    file : Path
        The study file.
    layout : Layout
        The output folder.

    Attributes
    ----------
    kind : str
        The batch system.
    address : str
        The scheduler, which runs in this process.
    logs : Path
        Where the jobs print to.

    Raises
    ------
    ExecutionError
        The batch system is not here.
    """

    def __init__(self, spec: Cluster, file: Path, layout: Layout) -> None:
        self.kind, self._jobs = spec.kind, spec.jobs
        self.logs = log_folder(spec, file, layout)
        self._refusals: list[str] = []
        self._cluster = open_cluster(spec, self.logs, self._refusals)
        self.address: str = self._cluster.scheduler_address
        self._last: dict[Any, float] = {}
        self._said = time.monotonic()
        self._cluster.scale(jobs=self._jobs)

    def refill(self) -> None:
        """Submit a job in the place of each one whose workers came and went.

        Raises
        ------
        ExecutionError
            The batch system took none of the jobs.
        """
        jobs, now = dict(self._cluster.workers), time.monotonic()
        if jobs and all(job.job_id is None for job in jobs.values()):
            raise ExecutionError(f"{self.kind} took no job: {self._refusals[-1]}", where="execution.cluster",
                                 hint="are the queue, the account and each directive as your site has them?")
        for text in self._refusals:
            log.warning("%s did not take one of the jobs: %s", self.kind, text)
        self._refusals.clear()
        there = {str(one["name"]) for one in self._cluster.scheduler_info["workers"].values()}
        for job in list(self._cluster.worker_spec):  # dask-jobqueue itself forgets some of the jobs that are over
            if any(name == str(job) or name.startswith(f"{job}-") for name in there):
                self._last[job] = now
            elif job in self._last and now - self._last[job] > _GONE_S:
                log.warning("the job %s ended before the work: another one is submitted", job)
                del self._last[job]
                self._cluster.sync(self._cluster.scale_down, [job])
                self._cluster.scale(jobs=self._jobs)
        if not there and now - self._said > _SAY_S:
            self._said = now
            log.warning("no worker of the jobs of %s is running; what they print is in %s", self.kind, self.logs)

    def close(self) -> None:
        """Cancel the jobs."""
        with contextlib.suppress(Exception):  # the batch system may be gone; the jobs end by themselves then
            self._cluster.close(timeout=30)


def log_folder(spec: Cluster, file: Path, layout: Layout) -> Path:
    """Where the jobs print to."""
    return resolve(file, spec.logs) if spec.logs else layout.logs / "cluster"


def open_cluster(spec: Cluster, logs: Path, refusals: list[str]) -> Any:
    """The cluster of dask-jobqueue, without a job yet.

    Parameters
    ----------
    spec : Cluster
        Which jobs.
    logs : Path
        Where they print to.
    refusals : list of str
        Gets what the batch system says about jobs that it does not take.
    """
    import dask
    from distributed.deploy.spec import ProcessInterface
    from distributed.security import Security

    before = signal.getsignal(signal.SIGINT)
    import dask_jobqueue

    if before is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)  # its import makes Ctrl-C end a process as if all were done
    kind = getattr(dask_jobqueue, _CLASSES[spec.kind])
    base: Any = kind.job_cls

    class Job(base):
        async def start(self) -> None:
            try:
                await super().start()
            except Exception as error:  # would be lost in the event loop, and nobody would know why no worker comes
                refusals.append(" ".join(str(error).split()))
                await ProcessInterface.start(self)

        async def close(self) -> None:
            await super().close()
            await ProcessInterface.close(self)  # else a cluster waits in vain for jobs that something still refers to

    command = kind.job_cls.submit_command
    if shutil.which(command) is None:
        raise ExecutionError(f"the command {command} is not here", where="execution.cluster.kind",
                             hint=f"start the run on a machine that submits jobs to {spec.kind}")
    own = dask.config.get(f"jobqueue.{spec.kind}.scheduler-options", None) or {}
    encrypted = dask.config.get("distributed.comm.tls.ca-file", None)
    options = {"dashboard": False, "dashboard_address": ":0", **own}
    return kind(
        job_cls=Job, cores=spec.cores, processes=spec.cores, memory=spec.memory, walltime=spec.walltime,
        queue=spec.queue, job_extra_directives=list(spec.directives), job_script_prologue=list(spec.setup),
        python=spec.python, interface=spec.interface, local_directory=spec.scratch, log_directory=str(logs),
        job_name="deltaroi", scheduler_options=options, security=Security() if encrypted else None,
        **{"project" if spec.kind == "sge" else "account": spec.account})
