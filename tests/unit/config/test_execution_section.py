"""The section ``execution``: what contradicts itself is named with its key."""

from __future__ import annotations

import pytest

from deltaroi.config.read import parse_study
from deltaroi.errors import StudyError

STUDY = """\
schema_version: 1
name: s
dataset: {bids_dir: b, derivatives: d, task: t}
contrasts: {a: "x"}
execution: """
JOBS = "jobs: 4, memory: 8GB, walltime: 04:00:00"


@pytest.mark.parametrize(("text", "key", "says"), [
    ("{scheduler: 'tcp://a:1'}", "scheduler", "belongs to `backend: dask`"),
    ("{wait_minutes: 3}", "wait_minutes", "belongs to `backend: dask`"),
    ("{backend: dask}", "backend", "needs one of scheduler, scheduler_file and cluster"),
    ("{backend: dask, scheduler: 'tcp://a:1', scheduler_file: f}", "scheduler_file", "scheduler and scheduler_file"),
    ("{backend: dask, scheduler: 'tcp://a:1', jobs: 2}", "jobs", "cluster.jobs"),
    ("{backend: dask, scheduler: node01}", "scheduler", "found 'node01'"),
    ("{backend: spark}", "backend", "'local' or 'dask'"),
    (f"{{backend: dask, cluster: {{kind: sge, cores: 4, {JOBS}}}}}", "cluster.cores", "-pe smp 4"),
    (f"{{backend: dask, cluster: {{kind: pbs, {JOBS.replace('04:', '1-04:')}}}}}", "cluster.walltime", "slurm alone"),
    (f"{{backend: dask, cluster: {{kind: slrum, {JOBS}}}}}", "cluster.kind", "did you mean 'slurm'"),
    (f"{{backend: dask, cluster: {{kind: slurm, partition: main, {JOBS}}}}}", "cluster.partition", "unknown key"),
    ("{backend: dask, cluster: {kind: slurm, jobs: 2, memory: 8, walltime: 04:00:00}}", "cluster.memory", '"8"'),
    (f'{{backend: dask, cluster: {{kind: slurm, directives: ["a\\nrm b"], {JOBS}}}}}', "cluster.directives.0", "match"),
])
def test_what_cannot_be_is_named(text: str, key: str, says: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(STUDY + text)
    assert str(caught.value).startswith(f"study file:5: execution.{key}: ")
    assert says in str(caught.value)


def test_patience_follows_the_place() -> None:
    assert parse_study(STUDY + "{backend: dask, scheduler: 'tcp://a:1'}").execution.patience_s == 120
    assert parse_study(STUDY + f"{{backend: dask, cluster: {{kind: slurm, {JOBS}}}}}").execution.patience_s == 86400
    assert parse_study(STUDY + "{backend: dask, scheduler: 'tls://a:1', wait_minutes: 1}").execution.patience_s == 60
