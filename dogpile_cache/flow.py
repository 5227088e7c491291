"""The generator protocol of the slow path, and its two drivers.

A *flow* is a generator that decides and never waits.  Whatever may wait or touch what
others touch (acquire, read, create, write, release) it yields as a *step*, a function
of no arguments; the driver calls it, awaits what it returns if it drives for a task,
and sends that back, or throws in what was raised.  So the algorithm is written once,
without threads and without tasks, and a test can run every interleaving of its steps.

The idea is that of psycopg 3 (``generators.py`` and ``waiting.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

Step = Callable[[], Any]
Flow = Generator[Step, Any, T]


class _Stopped(Exception):
    """Carry through a flow an error that a generator would take for its own end."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Sure(partial[Any]):
    """Be a step that lets go of something: once begun, it is taken to its end."""

    taken = False

    def __call__(self) -> Any:
        answer = super().__call__()
        self.taken = True
        return answer


def surely(step: Step) -> Flow[Any]:
    """Take a step that lets go of something, though a signal may come just before it.

    It may be taken twice.
    """
    sure = Sure(step)
    try:
        return (yield sure)
    except BaseException:
        if not sure.taken:
            sure()
        raise


def once(step: Step) -> Flow[Any]:
    """Take one step, whoever drives."""
    return (yield step)


def drive(flow: Flow[T]) -> T:
    """Run a flow to its end in this thread and return its result.

    The flow is given every error, those too that a signal raises between two steps: it
    holds locks, and is to let go of them.
    """
    error: BaseException | None = None
    try:
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
    finally:
        error = None  # which would keep this frame alive, and this frame the error


def _run(flow: Flow[Any], error: BaseException | None) -> None:
    """Take steps until one fails, or the flow ends."""
    step = next(flow) if error is None else flow.throw(error)
    while True:
        try:
            answer = step()
        except (StopIteration, GeneratorExit) as stop:
            raise _Stopped(stop) from None
        step = flow.send(answer)


async def async_drive(flow: Flow[T]) -> T:
    """Run a flow to its end in this task and return its result.

    The flow is given every error, a cancellation above all, and may then wait: while
    it lets go of what it holds, the task is not cancelled again.
    """
    answer: Any = None
    error: BaseException | None = None
    try:
        while True:
            step = flow.send(answer) if error is None else flow.throw(error)
            answer = error = None
            try:
                answer = await _taken(step)
            except GeneratorExit as closing:
                _abandon(flow, closing)
                raise
            except StopIteration as stop:
                error = _Stopped(stop)
            except BaseException as raised:  # noqa: BLE001  # the flow is to have it
                error = raised
    except StopIteration as end:
        result: T = end.value
        return result
    except _Stopped as stopped:
        raise stopped.error from None
    finally:
        error = None  # which would keep this frame alive, and this frame the error


async def _taken(step: Step) -> Any:
    answer = step()
    if hasattr(answer, "__await__"):
        return await (_to_its_end(answer) if isinstance(step, Sure) else answer)
    return answer


def _abandon(flow: Flow[Any], error: BaseException) -> None:
    """Let go of what can be let go of without waiting; the task is no more."""
    try:
        step = flow.throw(_Stopped(error))
        while True:
            answer = step()
            if hasattr(answer, "__await__"):
                answer.close()
                step = flow.throw(_Stopped(error))
            else:
                step = flow.send(answer)
    except (StopIteration, _Stopped):
        pass


async def _to_its_end(answer: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine; a cancellation that comes meanwhile is raised afterwards."""
    import asyncio  # costly, and imported by whoever runs a loop

    task = asyncio.ensure_future(answer)
    cancelled: BaseException | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()
