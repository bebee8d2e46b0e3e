"""A study on the workers of a real Dask scheduler on loopback: bytes, killed processes, workers that do not fit."""

from __future__ import annotations

import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import deltaroi
from dask_processes import Processes, queue, until
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout
from deltaroi.pipeline.executor import Failure
from deltaroi.specs import Execution
from deltaroi.tables import RESPONSES
from helpers import file_hashes

QUICK = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}


def start(root: Path, out: Path, *words: str, env: dict[str, str] | None = None,
          study: Path | None = None) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "deltaroi", "run", str(study or root / "study.yaml"), "--out", str(out), *words]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, **(env or {})})


def end(process: subprocess.Popen[str], code: int = 0, seconds: float = 120) -> str:
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return out + err


def fitted(out: Path) -> int:
    return len(list((out / "logs" / "steps" / "first-level").glob("*.json")))


@pytest.fixture(scope="module")
def plain(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a run in one process of this machine leaves."""
    out = tmp_path_factory.mktemp("plain") / "out"
    deltaroi.run(simulated / "study.yaml", out, jobs=1)
    return file_hashes(out)


@pytest.fixture
def dask(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Processes]:
    processes = Processes(tmp_path, getattr(request, "param", 3))
    yield processes
    processes.close()


@pytest.mark.long
def test_dask_gives_the_bytes_of_one_and_of_two_local_processes(simulated: Path, plain: dict[str, str], dask: Processes,
                                                               tmp_path: Path) -> None:
    for _ in range(2):
        dask.worker("--no-nanny")
    end(start(simulated, tmp_path / "dask", "--scheduler", dask.address))
    deltaroi.run(simulated / "study.yaml", tmp_path / "two", jobs=2)
    assert file_hashes(tmp_path / "dask") == file_hashes(tmp_path / "two") == plain
    assert not list((tmp_path / "dask").rglob(".tmp-*"))


@pytest.mark.long
def test_a_worker_killed_while_it_has_a_subject_costs_nothing(tiny: Path, plain: dict[str, str], dask: Processes,
                                                              tmp_path: Path) -> None:
    from distributed import Client

    out = tmp_path / "out"
    with (tiny / "study.yaml").open("a") as study:
        study.write(f"execution: {{backend: dask, scheduler_file: {dask.file}}}\n")
    workers = {process.pid: process for process in (dask.worker("--no-nanny"), dask.worker("--no-nanny"))}
    client = Client(dask.address, set_as_default=False)
    until(lambda: len(client.nthreads()) == 2)
    pids = client.run(os.getpid)
    running = start(tiny, out)
    until(lambda: fitted(out) > 0)
    busy = [address for address, keys in client.processing().items() if keys]
    workers[pids[busy[0]]].send_signal(signal.SIGKILL)
    client.close()
    end(running)
    assert file_hashes(out) == plain
    assert fitted(out) == 16
    counts = Counter(read_table(out / "group" / "responses.tsv", RESPONSES)["subject"])
    assert len(counts) == 8
    assert set(counts.values()) == {24}  # two sessions, six ROIs, two contrasts


@pytest.mark.long
def test_without_any_worker_it_ends_in_time_and_goes_on_later(tiny: Path, plain: dict[str, str], dask: Processes,
                                                              tmp_path: Path) -> None:
    out, study = tmp_path / "out", tiny / "study.yaml"
    text = study.read_text()
    study.write_text(f"{text}execution: {{backend: dask, scheduler: '{dask.address}', wait_minutes: 0.2}}\n")
    workers = [dask.worker("--no-nanny") for _ in range(2)]
    running = start(tiny, out)
    until(lambda: fitted(out) > 0)
    for worker in workers:
        worker.kill()
    begun = time.monotonic()
    said = end(running, code=4)
    assert time.monotonic() - begun < 60
    assert "no worker for 0.2 minutes" in said
    done = fitted(out)
    assert 0 < done < 16
    study.write_text(text)
    assert deltaroi.run(study, out).reran["first-level"] == 16 - done
    assert file_hashes(out) == plain


@pytest.mark.long
def test_a_lost_scheduler_ends_it_with_what_is_finished(simulated: Path, dask: Processes, tmp_path: Path) -> None:
    dask.worker("--no-nanny")
    running = start(simulated, tmp_path / "out", "--scheduler", dask.address, env=QUICK)
    until(lambda: fitted(tmp_path / "out") > 0)
    dask.scheduler.kill()
    said = end(running, code=4, seconds=60)
    assert "scheduler" in said
    assert "goes on from there" in said


def test_a_scheduler_that_is_not_there_is_named(simulated: Path, tmp_path: Path) -> None:
    said = end(start(simulated, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9", env=QUICK), code=4, seconds=30)
    assert "tcp://127.0.0.1:9" in said
    assert "cannot be reached" in said


@pytest.mark.long
@pytest.mark.parametrize("what", ["a library", "the code"])
def test_a_worker_with_other_software_is_refused(simulated: Path, dask: Processes, tmp_path: Path, what: str) -> None:
    other = tmp_path / "other"
    if what == "a library":
        (other / "nilearn-0.99.0.dist-info").mkdir(parents=True)
        (other / "nilearn-0.99.0.dist-info" / "METADATA").write_text("Name: nilearn\nVersion: 0.99.0\n")
        words = ("nilearn", "0.99.0 there")
    else:
        checkout = Path(__file__).parents[2]
        for folder in ("src", "atlases", "configs"):
            shutil.copytree(checkout / folder, other / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(checkout / "pyproject.toml", other)
        with (other / "src" / "deltaroi" / "scaling.py").open("a") as file:
            file.write("# another version\n")
        other, words = other / "src", ("deltaroi's code", "there")
    dask.worker("--no-nanny", path=str(other))
    said = end(start(simulated, tmp_path / "out", "--scheduler", dask.address), code=4)
    assert all(word in said for word in words), said
    assert fitted(tmp_path / "out") == 0


@pytest.mark.long
@pytest.mark.parametrize("dask", [0], indirect=True)  # the first death counts
@pytest.mark.filterwarnings("default")  # those of distributed about its own sockets are not ours
def test_only_the_piece_that_kills_its_workers_fails(dask: Processes, tmp_path: Path) -> None:
    from deltaroi.pipeline.dask_executor import DaskExecutor

    harmless, deadly = tmp_path / "harmless.py", tmp_path / "deadly.py"
    harmless.write_text("")
    deadly.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    dask.worker("--nanny", "--nworkers", "2")
    spec = Execution(backend="dask", scheduler=dask.address)
    with DaskExecutor(spec, tmp_path / "study.yaml", Layout(tmp_path / "out")) as executor:
        files = [str(harmless), str(deadly), str(harmless)]
        first, second, third = executor.map(runpy.run_path, files, lambda: None)
        missing, text = executor.map(os.path.basename, [3, "x/a"], lambda: None)
    assert isinstance(second, Failure)
    assert second.error is not None
    assert "killed" in str(second.error)
    assert first["__name__"] == third["__name__"] == "<run_path>"
    assert isinstance(missing, Failure)
    assert "TypeError" in missing.trace
    assert text == "a"


JOBS = """\
execution:
  backend: dask
  cluster: {kind: KIND, jobs: 1, cores: CORES, memory: 4GB, walltime: 01:00:00, interface: lo, queue: main,
            account: lab, setup: [touch SETUP], directives: [-pe smp 2]}
"""


@pytest.mark.long
@pytest.mark.parametrize(("kind", "cores", "killed"), [("slurm", 1, True), ("pbs", 2, True), ("sge", 2, False)])
def test_a_batch_system_from_the_study_file(tiny: Path, plain: dict[str, str], tmp_path: Path, kind: str,
                                            cores: int, killed: bool) -> None:
    """With stand-ins for the commands of the batch system; the jobs are real, and a killed one is replaced."""
    out, jobs = tmp_path / "out", tmp_path / "jobs"
    with (tiny / "study.yaml").open("a") as study:
        study.write(JOBS.replace("KIND", kind).replace("CORES", str(cores)).replace("SETUP", f"{tmp_path}/was-here"))
    running = start(tiny, out, env=queue(tmp_path, kind))
    if killed:
        until(lambda: fitted(out) > 0)
        os.killpg(int((jobs / "0.pid").read_text()), signal.SIGKILL)
    said = end(running)
    assert file_hashes(out) == plain
    assert (tmp_path / "was-here").exists()
    assert len(list(jobs.glob("*.sh"))) == 1 + killed
    assert ("ended before the work" in said) == killed
    for file in jobs.glob("*.pid"):  # nothing goes on in the background
        until(lambda file=file: not alive(int(file.read_text())), 20)  # type: ignore[misc]


@pytest.mark.long
def test_a_batch_system_that_takes_no_job_is_quoted(tiny: Path, tmp_path: Path) -> None:
    with (tiny / "study.yaml").open("a") as study:
        study.write(JOBS.replace("KIND", "slurm").replace("CORES", "1"))
    said = end(start(tiny, tmp_path / "out", env=queue(tmp_path, "slurm", takes=False)), code=4, seconds=60)
    assert "invalid account or partition" in said
    assert "execution.cluster" in said


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
