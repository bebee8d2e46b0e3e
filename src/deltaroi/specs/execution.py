"""Where and how the work is done: in processes of this machine, or on the workers of a Dask scheduler."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from deltaroi.specs.base import Spec

ADDRESS = r"^(tcp|tls|ws|wss|ucx)://\S+:\d+$"
"""The addresses of Dask schedulers."""
_Line = Annotated[str, Field(pattern=r"^[^\r\n]+$")]


class Cluster(Spec):
    """Jobs of a batch system that run Dask workers; submitted and cancelled by the run itself."""

    kind: Literal["slurm", "pbs", "sge"] = Field(description="The batch system.")
    jobs: int = Field(ge=1, description="Number of jobs that are submitted, and kept up while there is work.")
    cores: int = Field(1, ge=1, description="Cores of one job; each is a worker process with one thread.")
    memory: str = Field(pattern=r"^\d+(\.\d+)?\s?(MB|MiB|GB|GiB|TB|TiB)$", description="Memory of one job, e.g. 8GB; "
                        "its workers share it.")
    walltime: str = Field(pattern=r"^(\d+-)?\d{1,3}:\d{2}:\d{2}$", description="Time limit of one job, e.g. 04:00:00.")
    queue: _Line | None = Field(None, description="Queue or partition; null: the default of the batch system.")
    account: _Line | None = Field(None, description="Account or project that is charged.")
    directives: list[_Line] = Field([], description="Further options of the batch system, one per line of the job "
                                    "script, without #SBATCH, #PBS or #$.")
    setup: list[str] = Field([], description="Shell lines that a job runs before its workers start, e.g. module load.")
    python: _Line | None = Field(None, description="Python of the workers, with the same deltaroi; null: the one that "
                                 "runs this.")
    interface: _Line | None = Field(None, description="Network interface between the run and its workers, e.g. ib0.")
    scratch: _Line | None = Field(None, description="Folder on the nodes for files of Dask itself.")
    logs: str | None = Field(None, description="Folder for what the jobs print, relative to the study file; null: "
                             "logs/cluster in the output folder.")

    @model_validator(mode="after")
    def _fits_the_batch_system(self) -> Cluster:
        if self.kind != "slurm" and "-" in self.walltime:
            raise _wrong("walltime", f"found '{self.walltime}', and days are known to slurm alone: write hours")
        if self.kind == "sge" and self.cores > 1 and not any("-pe " in line for line in self.directives):
            raise _wrong("cores", f"SGE books {self.cores} cores in a parallel environment, and no directive names "
                         f"one: add e.g. '-pe smp {self.cores}' to directives")
        return self


class Execution(Spec):
    """How the work is done; never changes a result."""

    jobs: int = Field(1, ge=1, description="Worker processes of the backend local.")
    backend: Literal["local", "dask"] = Field("local", description="Where the work is done: processes of this machine, "
                                              "or the workers of a Dask scheduler.")
    scheduler: str | None = Field(None, pattern=ADDRESS, description="Address of a running Dask scheduler, e.g. "
                                  "tcp://node01:8786.")
    scheduler_file: str | None = Field(None, description="File that a running Dask scheduler writes its address to "
                                       "(--scheduler-file), relative to the study file.")
    cluster: Cluster | None = Field(None, description="Jobs of a batch system that run Dask workers.")
    wait_minutes: float | None = Field(None, gt=0, description="How long to wait while there is no worker at all; "
                                       "null: 2 for a scheduler, 1440 for jobs in a queue.")
    on_error: Literal["continue", "stop"] = Field("continue", description="What one failing subject means.")

    @property
    def patience_s(self) -> float:
        """How long to wait while there is no worker at all, in s."""
        minutes = self.wait_minutes or (1440 if self.cluster else 2)
        return 60 * minutes

    @model_validator(mode="after")
    def _one_place(self) -> Execution:
        places = [name for name in ("scheduler", "scheduler_file", "cluster") if getattr(self, name) is not None]
        if self.backend == "local":
            alien = [*places, *(["wait_minutes"] if self.wait_minutes is not None else [])]
            if alien:
                raise _wrong(alien[0], f"'{alien[0]}' belongs to `backend: dask`, and the backend is local")
            return self
        if not places:
            raise _wrong("backend", "`backend: dask` needs one of scheduler, scheduler_file and cluster")
        if len(places) > 1:
            raise _wrong(places[1], f"give one of scheduler, scheduler_file and cluster, found {' and '.join(places)}")
        if "jobs" in self.model_fields_set:
            raise _wrong("jobs", "'jobs' counts processes of the backend local, and the backend is dask: the scheduler "
                         "knows its workers; the number of jobs of a batch system is cluster.jobs")
        return self


def _wrong(key: str, text: str) -> ValidationError:
    """What is wrong with one key."""
    error = PydanticCustomError("value_error", "{text}", {"text": text})
    return ValidationError.from_exception_data("execution", [InitErrorDetails(type=error, loc=(key,), input=None)])
