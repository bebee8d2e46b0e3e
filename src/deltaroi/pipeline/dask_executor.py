"""Doing the work on the workers of a Dask scheduler: one that runs already, or one of our own with jobs of a queue."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from deltaroi.config.read import resolve
from deltaroi.errors import DeltaroiError, ExecutionError
from deltaroi.io.files import atomic_write, temporary_prefix
from deltaroi.layout import Layout
from deltaroi.pipeline import queues, worker
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.steps import soon
from deltaroi.specs import Execution

_POLL_S = 0.05
_LOOK_S = 2.0
_FETCH_S = 5.0
_ANSWER_S = 120.0  # a scheduler with thousands of workers may be busy for a while
_KILLED, _LOST = object(), object()  # instead of a result: of a worker that died on it, or with it
_CHATTY = ("distributed", "tornado", "asyncio")
_GO_ON = "what is finished is kept: the same command goes on from there"


class DaskExecutor:
    """Runs pieces of work on Dask workers; connects when there is the first piece to do.

    Parameters
    ----------
    spec : Execution
        Where the scheduler is, or which jobs run workers.
    file : Path
        The study file; paths in ``spec`` are relative to it.
    layout : Layout
        The output folder, which the workers share.
    inputs : sequence of Path
        Some files of the data, which the workers must see as they are here.
    """

    patience_s = worker.PATIENCE_S

    def __init__(self, spec: Execution, file: Path, layout: Layout, inputs: Sequence[Path] = ()) -> None:
        self._spec, self._file, self._layout, self._inputs = spec, file, layout, tuple(inputs)
        self._client: Any = None
        self._queue: queues.Queue | None = None
        self._probe: Path | None = None
        self._terms = ""
        self._alone_since: float | None = None
        self._looked = time.monotonic()
        self._quiet = contextlib.ExitStack()

    def __enter__(self) -> DaskExecutor:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        with self._quiet:
            self._end(tidy=kind is None)

    def _end(self, *, tidy: bool) -> None:
        if self._client is not None:
            if tidy:
                self._sweep()
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.close(timeout=5)
        if self._queue is not None:
            self._queue.close()
        if self._probe is not None:
            self._probe.unlink(missing_ok=True)

    def map(self, function: Callable[[Any], Any], items: Sequence[Any],
            tick: Callable[[], None]) -> Iterator[Any | Failure]:
        """As :meth:`deltaroi.pipeline.executor.Executor.map`.

        Raises
        ------
        ExecutionError
            There is no scheduler or worker, or a worker cannot do this work.
        """
        if not items:
            return
        self._connect()
        pieces = [pickle.dumps((function, item)) for item in items]
        pending = {place: self._submit(piece) for place, piece in enumerate(pieces)}
        found: dict[int, Any] = {}
        try:
            for place, piece in enumerate(pieces):
                while place not in found:
                    self._collect(pending, found, tick)
                result = found.pop(place)
                if result is _KILLED:
                    while pending:  # what else was in the hands of the same workers
                        self._collect(pending, found, tick)
                    result = self._by_itself(piece)
                yield result
        finally:
            with contextlib.suppress(Exception):  # what is not begun need not be; the scheduler may be gone
                self._client.cancel(list(pending.values()))

    def _submit(self, piece: bytes) -> Any:
        return self._client.submit(worker.work, self._terms, piece, pure=False)

    def _by_itself(self, piece: bytes) -> Any | Failure:
        """Redo a piece alone after the workers that had it were killed: only the culprit fails."""
        pending, found = {0: self._submit(piece)}, dict[int, Any]()
        while pending:
            self._collect(pending, found, lambda: None)
        if found[0] is _KILLED:
            hint = "often for lack of memory: give the workers more, in the study file with execution.cluster.memory"
            return Failure(DeltaroiError("every worker process that worked on it was killed", hint=hint), "")
        return found[0]

    def _collect(self, pending: dict[int, Any], found: dict[int, Any], tick: Callable[[], None]) -> None:
        """Take in what is finished, before its worker can be lost; where nothing is, look after the workers."""
        done = [place for place, future in pending.items() if future.done()]
        for place in done:
            result = self._result(pending[place])
            if result is not _LOST:
                found[place] = result
                del pending[place]
                tick()
        if not done:
            time.sleep(_POLL_S)
        if time.monotonic() - self._looked > _LOOK_S:
            self._look_after()

    def _result(self, future: Any) -> Any:
        from distributed.scheduler import KilledWorker

        try:
            found = future.result(timeout=_FETCH_S)
        except KilledWorker:
            return _KILLED
        except TimeoutError:
            return _LOST
        except Exception as error:
            if future.status == "error":  # the worker could not even begin
                raise _cannot_load(str(error)) from error
            raise ExecutionError("the connection to the scheduler was lost, or it was restarted",
                                 where=self._where(), hint=_GO_ON) from error
        if isinstance(found, worker.Refusal):
            raise ExecutionError(found.problem, where=self._where(), hint=found.hint)
        return found

    def _look_after(self) -> int:
        """Number of workers; an error when there has been none for too long, or the scheduler does not answer."""
        try:
            workers = self._client.sync(self._client.scheduler.ncores, workers=None, callback_timeout=_ANSWER_S)
        except Exception as error:
            raise ExecutionError("the scheduler does not answer any more", where=self._where(), hint=_GO_ON) from error
        self._looked = time.monotonic()
        if self._queue is not None:
            self._queue.refill()
        if workers:
            self._alone_since = None
            return len(workers)
        self._alone_since = self._alone_since or time.monotonic()
        if time.monotonic() - self._alone_since > self._spec.patience_s:
            hint = ("look at what the jobs printed: " + str(self._queue.logs)) if self._queue else \
                f"start some: dask worker {self._where()} --nworkers 4 --nthreads 1"
            raise ExecutionError(f"there has been no worker for {self._spec.patience_s / 60:g} minutes",
                                 where=self._where(), hint=f"{hint}; {_GO_ON}; execution.wait_minutes is how long to "
                                 "wait")
        return 0

    def _where(self) -> str:
        if self._queue is not None:
            return f"the jobs of {self._queue.kind}"
        return str(self._client.scheduler.address if self._client else self._spec.scheduler)

    def _connect(self) -> None:
        if self._client is not None:
            return
        from distributed import Client

        self._quiet.enter_context(_quietly())
        if self._spec.cluster is not None:
            self._queue = queues.Queue(self._spec.cluster, self._file, self._layout)
            address = self._queue.address
        else:
            address = self._address()
        try:
            self._client = Client(address, set_as_default=False, name="deltaroi")
        except (OSError, ValueError, RuntimeError) as error:
            raise ExecutionError(f"the Dask scheduler cannot be reached: {error}", where=address,
                                 hint="does it run, and is its port open from here?") from error
        self._agree()

    def _address(self) -> str:
        """The address of the scheduler, maybe from its file."""
        if self._spec.scheduler is not None:
            return self._spec.scheduler
        path = resolve(self._file, str(self._spec.scheduler_file))
        try:
            return str(json.loads(path.read_text())["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ExecutionError(f"not the file of a running Dask scheduler: {error}", where=str(path), hint="`dask "
                                 f"scheduler --scheduler-file {path}` writes it") from error

    def _agree(self) -> None:
        """Wait for a worker, and hold all that are there against what this run needs."""
        token = uuid.uuid4().hex
        self._probe = self._layout.logs / f"{temporary_prefix()}{token}"
        atomic_write(self._probe, token.encode())
        inputs = [(str(path), path.stat().st_size) for path in self._inputs]
        self._terms = worker.Terms(worker.software(), token, str(self._probe), inputs).text()
        while not self._look_after():
            time.sleep(_LOOK_S / 4)
        for address, answer in self._client.run(worker.greet, self._terms, on_error="return").items():
            if isinstance(answer, worker.Refusal):
                raise ExecutionError(answer.problem, where=address, hint=answer.hint)
            if isinstance(answer, BaseException):
                raise _cannot_load(str(answer), address)
            path = Path(answer)
            if not soon(partial(worker.holds, answer, token), self.patience_s):
                raise ExecutionError(f"a file that the worker wrote is not seen here: {path}", where=address,
                                     hint="the output folder must lie on a file system that all machines share")
            path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Let one worker per machine remove what killed processes there left half written."""
        with contextlib.suppress(Exception):  # tidying must not cost a finished run
            workers = self._client.sync(self._client.scheduler.ncores, workers=None, callback_timeout=_ANSWER_S)
            hosts = {address.rpartition(":")[0]: address for address in workers}
            self._client.run(worker.sweep, str(self._layout.root), workers=list(hosts.values()), on_error="ignore")


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep from the terminal what Dask logs about lost connections, with tracebacks: the run says it in its words."""
    logging.getLogger("asyncio").addFilter(_worth_telling)
    loggers = [logging.getLogger(name) for name in (*_CHATTY, *logging.root.manager.loggerDict)
               if name.partition(".")[0] in _CHATTY]
    levels = {logger: logger.level for logger in loggers}
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _worth_telling(record: logging.LogRecord) -> bool:
    """Whether a record of asyncio is more than Dask's way to leave a wait for results that are lost."""
    return not (record.exc_info and record.exc_info[0] is not None and record.exc_info[0].__name__ == "AllExit")


def _cannot_load(text: str, where: str = "a worker") -> ExecutionError:
    """The error of a worker that cannot even begin."""
    return ExecutionError(f"the worker cannot run deltaroi: {' '.join(text.split())}", where=where,
                          hint="install the same deltaroi for the workers, with 'deltaroi[cluster]'")
