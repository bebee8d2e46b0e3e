"""Where a run does its work: what the study file says, what the command line says instead, and the executor for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from deltaroi.config.study import Study
from deltaroi.errors import StudyError, UsageError
from deltaroi.layout import Layout
from deltaroi.pipeline.executor import Executor, LocalExecutor
from deltaroi.specs import ADDRESS, Execution


def done_at(study: Study, jobs: int | None, backend: str | None, scheduler: str | None) -> Study:
    """The study with another place to do its work; what is None stays as in the study file.

    Parameters
    ----------
    study : Study
        The study.
    jobs : int or None
        Worker processes of the backend local.
    backend : {"local", "dask"} or None
        Where the work is done.
    scheduler : str or None
        Address of a Dask scheduler; implies the backend dask.

    Raises
    ------
    UsageError
        The options contradict each other.
    """
    old = study.execution
    backend = backend or ("dask" if scheduler else old.backend)
    if backend not in ("local", "dask"):
        raise UsageError(f"found '{backend}', expected local or dask", where="--backend")
    if scheduler and backend == "local":
        raise UsageError("a scheduler is named, and the backend is local", where="--scheduler",
                         hint="leave one of --scheduler and --backend out")
    if backend == "local":
        return study.model_copy(update={"execution": Execution(jobs=jobs or old.jobs, on_error=old.on_error)})
    if jobs is not None:
        raise UsageError("processes of this machine are asked for, and the backend is dask", where="--jobs",
                         hint="the workers of the scheduler decide; --backend local works on this machine")
    if scheduler:
        if not re.match(ADDRESS, scheduler):
            raise UsageError(f"found '{scheduler}', expected an address such as tcp://node01:8786", where="--scheduler")
        new = Execution(backend="dask", scheduler=scheduler, wait_minutes=old.wait_minutes, on_error=old.on_error)
        return study.model_copy(update={"execution": new})
    if old.backend != "dask":
        raise UsageError("the study file names no Dask scheduler", where="--backend",
                         hint="name one: --scheduler tcp://host:8786; or add it to the section execution")
    return study


def require(spec: Execution) -> None:
    """Refuse a backend whose packages are not installed.

    Raises
    ------
    StudyError
        ``execution.backend`` is dask and the extra is not there.
    """
    needed = {"local": (), "dask": ("distributed", *(("dask_jobqueue",) if spec.cluster else ()))}[spec.backend]
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise StudyError(f"the backend dask needs {' and '.join(missing)} (the extra 'cluster' of deltaroi), not "
                         "installed here", where="execution.backend",
                         hint="pip install 'deltaroi[cluster]', or `backend: local`")


@contextmanager
def executing(spec: Execution, file: Path, layout: Layout, inputs: Sequence[Path]) -> Iterator[Executor]:
    """The executor of a run, for as long as it works.

    Parameters
    ----------
    spec : Execution
        Where the work is done.
    file : Path
        The study file.
    layout : Layout
        The output folder.
    inputs : sequence of Path
        Some files of the data, by which workers of other machines are known to see the same data.
    """
    if spec.backend == "local":
        yield LocalExecutor(spec.jobs)
        return
    from deltaroi.pipeline.dask_executor import DaskExecutor

    with DaskExecutor(spec, file, layout, inputs) as executor:
        yield executor
