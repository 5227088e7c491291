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
    """Run a flow to its end in this thread and return its result.

    The flow is given every error, those too that a signal raises between two steps: it
    holds locks, and is to let go of them.
    """
    error: BaseException | None = None
    while True:
        try:
            _run(flow, error)
        except StopIteration as end:
            result: T = end.value
            return result
        except BaseException as raised:
            if getattr(flow, "gi_frame", None) is not None:
                error = raised
            elif isinstance(raised, _Stopped):
                raise raised.error from None
            else:
                raise


def _run(flow: Flow[Any], error: BaseException | None) -> None:
    """Take steps until one fails, or the flow ends."""
    step = next(flow) if error is None else flow.throw(error)
    while True:
        try:
            answer = step()
        except (StopIteration, GeneratorExit) as stop:
            raise _Stopped(stop) from None
        step = flow.send(answer)


def surely(step: Step) -> Flow[Any]:
    """Take a step that lets go of something, though a signal may come just before it.

    It may be taken twice.
    """
    try:
        return (yield step)
    except BaseException:
        step()
        raise
