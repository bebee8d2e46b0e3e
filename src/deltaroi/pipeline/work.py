"""One run of one study: what it was given, what has come of it, and how its steps are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import ExecutionError, UsageError
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout
from deltaroi.pipeline import work_items
from deltaroi.pipeline.executor import Executor, Failure
from deltaroi.pipeline.lock import Judged
from deltaroi.pipeline.plan import Plan
from deltaroi.pipeline.progress import Progress, SubjectCount
from deltaroi.pipeline.steps import Step, soon
from deltaroi.tables import REGIONS, failures
from deltaroi.types import Exclusion, RunKey


@dataclass
class Work:
    """One run of one study: what it was given, and what has come of it so far."""

    study: Study
    file: Path
    layout: Layout
    plan: Plan
    executor: Executor
    progress: Progress
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)
    reran: Counter[str] = field(default_factory=Counter)
    partly: Counter[str] = field(default_factory=Counter)
    region_digests: dict[str, str] = field(default_factory=dict)
    other_digests: dict[str, str] = field(default_factory=dict)
    fit_digests: dict[RunKey, str] = field(default_factory=dict)
    model_digests: dict[tuple[RunKey, str], str] = field(default_factory=dict)
    response_digests: dict[str, str] = field(default_factory=dict)
    specification_digests: dict[str, str] = field(default_factory=dict)
    told_digests: tuple[str, ...] = ()
    small_volume_digest: str = ""
    lock: Judged | None = None

    def failures(self) -> list[dict[str, str]]:
        """What was lost to unreadable, truncated or failing inputs; the fields that name it."""
        return failures((*self.plan.exclusions, *self.exclusions))

    def exit_code(self) -> int:
        """0, or 5 when an input was unreadable, truncated or failing."""
        return 5 if self.failures() else 0

    def region_table(self) -> pd.DataFrame:
        """The regions table of all grids."""
        return read_table(self.layout.table("regions"), REGIONS)

    def do(self, stage: str, steps: Sequence[Step], items: Sequence[Any], function: Any) -> list[str | Failure]:
        """Do the steps that are not done yet; returns every step's digest, or its failure.

        ``function`` takes ``(layout, item)`` and returns the paths it wrote.
        """
        done = self.do_together(stage, [[step] for step in steps], items, work_items.Alone(function))
        return [digest for (digest,) in done]

    def do_together(self, stage: str, groups: Sequence[Sequence[Step]], items: Sequence[Any],
                    function: Any) -> list[list[str | Failure]]:
        """As :meth:`do`, for groups of steps that share their work, such as one read of an image.

        ``function`` takes ``(layout, item, wanted)`` with the positions of a group's steps that are to be done, and
        yields ``(position, paths written or Failure)`` for each of them.
        """
        digests = [[step.finished(self.layout) for step in group] for group in groups]
        open_ = [i for i, group in enumerate(digests) if None in group]
        count = SubjectCount(self.progress, stage, [group[0].subject for group in groups],
                             [None not in group for group in digests])
        tasks = [work_items.Task(function, self.layout, {n: step for n, (step, digest) in
                                                         enumerate(zip(groups[i], digests[i], strict=True))
                                                         if digest is None}, items[i]) for i in open_]
        found: list[list[str | Failure]] = [[digest for digest in group if digest is not None] for group in digests]
        results = self.executor.map(work_items.perform, tasks, lambda: self.progress.advance(stage))
        for i, task, result in zip(open_, tasks, results, strict=True):
            made = dict.fromkeys(task.steps, result) if isinstance(result, Failure) else result
            for failure in (one for one in made.values() if isinstance(one, Failure)):
                if isinstance(failure.error, UsageError) or self.study.execution.on_error == "stop":  # e.g. a full disk
                    raise failure.error or RuntimeError(failure.trace)
            for n, digest in made.items():
                self._wait_for(task.steps[n], digest)
            count.finished(groups[i][0].subject)
            found[i] = [made[n] if digest is None else digest for n, digest in enumerate(digests[i])]
        self.partly[stage] += sum(any(digest is not None for digest in digests[i]) for i in open_)
        self.reran[stage] += sum(len(task.steps) for task in tasks)
        self.progress.end(stage)
        return found

    def _wait_for(self, step: Step, digest: str | Failure) -> None:
        """Wait until what a worker on another machine wrote is seen here."""
        patience_s = self.executor.patience_s
        if patience_s and isinstance(digest, str) and not soon(partial(step.seen, self.layout, digest), patience_s):
            raise ExecutionError("what a worker wrote is not seen here", where=str(step.mark(self.layout)),
                                 hint="the output folder must lie on a file system that all machines share")
