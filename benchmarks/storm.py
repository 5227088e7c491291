"""A storm: many processes and threads ask at once for a key that nobody has.

A ``Storm`` keeps worker processes with threads, each process with a region of
its own. Before every storm the threads use their connections, then gather at
a gate; it opens for all of them together. Nothing is left to the timing of a
sleep, and the workers are killed and reaped when the ``Storm`` is closed,
whatever they are doing.

The creator takes a while and returns the time at its end. So every answer
says when the value came into existence, and how long after that it was
returned is the delay that a waiter suffers from the lock alone.
"""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any

from typing_extensions import Self

from benchmarks.regions import make_region
from benchmarks.storm_tasks import work_in_tasks

PATIENCE = 60.0
EXPIRATION = 0.5
STALE = 0.0

CommandCount = Callable[[], Counter[str]]


class StormError(Exception):
    """Say which worker died or did not answer, or what its callers ran into."""


@dataclass(frozen=True)
class Answer:
    """What one thread got: ``value`` is the time at which the value was ready."""

    called: float
    returned: float
    value: float
    created: bool
    error: str = ""

    @property
    def delay(self) -> float:
        """Seconds from the first moment at which this caller could be served."""
        return self.returned - max(self.called, self.value)


@dataclass(frozen=True)
class StormResult:
    """What all callers of one storm got, and what it cost the server."""

    answers: tuple[Answer, ...]
    commands: Mapping[str, int]

    @property
    def creations(self) -> int:
        return sum(answer.created for answer in self.answers)

    @property
    def values(self) -> set[float]:
        return {answer.value for answer in self.answers if not answer.error}

    @property
    def served_stale(self) -> int:
        return sum(
            answer.value == STALE and not answer.error for answer in self.answers
        )

    @property
    def errors(self) -> list[str]:
        return [answer.error for answer in self.answers if answer.error]

    @property
    def delays(self) -> list[float]:
        """The delays of those who did not create, from the shortest to the longest."""
        served = [
            answer for answer in self.answers if not answer.created and not answer.error
        ]
        return sorted(answer.delay for answer in served)

    @property
    def median(self) -> float:
        return self.percentile(50)

    @property
    def p99(self) -> float:
        return self.percentile(99)

    def percentile(self, percent: int) -> float:
        """Return the delay that ``percent`` of the callers do not exceed (nearest rank)."""
        delays = self.delays
        return delays[-(-len(delays) * percent // 100) - 1]


@dataclass(frozen=True)
class Worker:
    """What a worker process is made of."""

    number: int
    package: str
    backend: str
    arguments: Mapping[str, Any]
    threads: int
    tasks: int
    """If there are any, they take the place of the threads."""


@dataclass(frozen=True)
class Order:
    """What a worker is told: ask for ``key``, which expires after ``expiration``."""

    key: str
    expiration: float
    creation: float


class Storm:
    """Worker processes that storm a region, any number of times.

    ``tasks`` says of each process how many tasks it has in place of threads, and is
    repeated for all processes.
    """

    def __init__(
        self,
        package: str,
        backend: str,
        arguments: Mapping[str, Any],
        *,
        processes: int = 4,
        threads: int = 8,
        tasks: Sequence[int] = (0,),
        creation: float = 0.2,
        count: CommandCount = Counter,
    ) -> None:
        self.creation = creation
        self.processes: list[BaseProcess] = []
        self._count = count
        self._pipes: list[Connection] = []
        self._closing = ExitStack()
        self._region = make_region(package, backend, **arguments)
        context = multiprocessing.get_context("spawn")
        workers = [
            Worker(number, package, backend, arguments, threads, of_tasks)
            for number, of_tasks in zip(range(processes), itertools.cycle(tasks))
        ]
        parties = sum(1 if worker.tasks else threads for worker in workers)
        self._gate = context.Barrier(parties + 1)
        for worker in workers:
            mine, theirs = context.Pipe()
            process = context.Process(
                target=work_in_tasks if worker.tasks else _work,
                args=(worker, self._gate, theirs),
                daemon=True,
            )
            process.start()
            theirs.close()
            self._closing.callback(_reap, process, mine)
            self._pipes.append(mine)
            self.processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers and wait for their end."""
        self._closing.close()

    def run(self, key: str, *, expired: bool = False) -> StormResult:
        """Let every thread ask for ``key``, which is missing, or there but expired."""
        if expired:
            self._region.set(key, STALE)
            time.sleep(
                EXPIRATION * 1.1
            )  # from here on it has expired for every process
        order = Order(key, EXPIRATION if expired else -1, self.creation)
        for pipe in self._pipes:
            pipe.send(order)
        self._meet()  # all are connected and wait
        before = self._count()
        self._meet()
        answers = [answer for pipe in self._pipes for answer in self._answers(pipe)]
        return StormResult(tuple(answers), self._count() - before)

    def _meet(self) -> None:
        try:
            self._gate.wait(PATIENCE)
        except BrokenBarrierError:
            raise StormError("not every caller came to the gate") from None

    def _answers(self, pipe: Connection) -> list[Answer]:
        process = self.processes[self._pipes.index(pipe)]
        try:
            if pipe.poll(PATIENCE):
                answers: list[Answer] = pipe.recv()
                return answers
        except EOFError:
            raise StormError(f"{process} died in the storm") from None
        raise StormError(f"{process} did not answer within {PATIENCE:g} s")


def run_storm(
    package: str,
    backend: str,
    arguments: Mapping[str, Any],
    *,
    key: str = "storm",
    expired: bool = False,
    **options: Any,
) -> StormResult:
    """Run one storm with workers of its own; ``options`` are those of ``Storm``."""
    with Storm(package, backend, arguments, **options) as storm:
        return storm.run(key, expired=expired)


def _reap(process: BaseProcess, pipe: Connection) -> None:
    process.kill()
    process.join()
    pipe.close()


# In the worker


def _work(worker: Worker, gate: Barrier, orders: Connection) -> None:
    """Carry out orders until the other end of the pipe is gone."""
    region = make_region(worker.package, worker.backend, **worker.arguments)
    pool = ThreadPoolExecutor(worker.threads)
    warm_keys = (f"warm-{worker.number}-{again}" for again in itertools.count())
    while True:
        try:
            order: Order = orders.recv()
        except EOFError:
            return
        ask = partial(_ask, region, order, gate)
        # a thread that waits at the gate takes no second task: each takes one
        tasks = [pool.submit(ask, next(warm_keys)) for _ in range(worker.threads)]
        orders.send([task.result() for task in tasks])


def _ask(region: Any, order: Order, gate: Barrier, warm_key: str) -> Answer:
    created = False

    def creator() -> float:
        nonlocal created
        created = True
        time.sleep(order.creation)
        return time.time()

    try:
        region.get_or_create(warm_key, time.time)
    except Exception:
        gate.abort()  # or everyone would wait for this thread
        raise
    gate.wait(PATIENCE)
    gate.wait(PATIENCE)
    called, value, error = time.time(), STALE, ""
    try:
        value = region.get_or_create(order.key, creator, order.expiration)
    except Exception as problem:  # the answer carries it to whoever judges the storm
        error = repr(problem)
    return Answer(called, time.time(), value, created, error)
