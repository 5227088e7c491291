"""The generator protocol of the slow path, and its driver.

A *flow* is a generator that decides and never waits.  Whatever may wait or touch what
others touch (acquire, read, create, write, release) it yields as a *step*, a function
of no arguments; the driver calls it and sends back what it returns, or throws in what
it raised.  So the algorithm is written once, without threads and without tasks, and a
test can run every interleaving of its steps.

The idea is that of psycopg 3 (``generators.py`` and ``waiting.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

T = TypeVar("T")

Step = Callable[[], Any]
Flow = Generator[Step, Any, T]


class _Stopped(Exception):
    """Carry through a flow an error that a generator would take for its own end."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def drive(flow: Flow[T]) -> T:
    """Run a flow to its end in this thread and return its result."""
    try:
        step = next(flow)
        while True:
            try:
                answer = step()
            except (StopIteration, GeneratorExit) as error:
                step = flow.throw(_Stopped(error))
            except BaseException as error:  # noqa: BLE001  # the flow handles it
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
    except _Stopped as stopped:
        raise stopped.error from None
