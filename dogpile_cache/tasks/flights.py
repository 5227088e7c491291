"""Per-key mutexes for the tasks of one event loop; see :mod:`dogpile_cache.mutex`."""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Hashable
from typing import Any

from dogpile_cache.exception import TwoEventLoops
from dogpile_cache.mutex import Flight, Flights, Handover, waiting
from dogpile_cache.report import warning


class _Landing:
    """Be to tasks what the lock of a flight is to threads."""

    def __init__(self) -> None:
        self._landed = asyncio.Event()
        self.wait = self._landed.wait
        self.release = self._landed.set


class AsyncFlight(Flight):
    """Be one creation under way in this event loop, and the wait for its end."""

    __slots__ = ("loop",)

    def __init__(self, id: Hashable, key: Any) -> None:
        super().__init__(id, key)
        self.leader = asyncio.current_task()
        self.loop = asyncio.get_running_loop()
        self.landing = _Landing()


class AsyncFlights(Flights):
    """Know the creations that are under way in this event loop, by key."""

    def join(self, id: Hashable, key: Any) -> tuple[Flight, bool]:
        own = AsyncFlight(id, key)
        flight = self._flights.setdefault(id, own)
        if isinstance(flight, AsyncFlight) and flight.loop is not own.loop:
            if flight.loop.is_running():
                raise TwoEventLoops(flight.loop, own.loop)
            self._flights[id] = flight = own  # its leader is gone, with its loop
        return flight, flight is own

    def leave(self, id: Hashable) -> None:
        """Do nothing: between joining and the next step nothing comes, in a task."""

    def lead(self, flight: Flight) -> None:
        flight.leader = asyncio.current_task()

    async def wait(self, flight: Flight, patience: float = math.inf) -> Any:
        with waiting(asyncio.current_task(), flight):
            if patience == math.inf:
                await flight.landing.wait()
            else:
                await _in_time(flight.landing.wait(), patience)
        return flight.result


async def _in_time(waiting: Coroutine[Any, Any, Any], patience: float) -> None:
    task = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait([task], timeout=patience)
    finally:
        task.cancel()


async def async_release(mutex: Any) -> bool:
    """Release a mutex, whatever happens; False if it had been lost before."""
    try:
        return await settled(mutex.release()) is not False
    except Exception:  # noqa: BLE001  # the caller is to have what was made
        warning("The lock %r was not released", mutex, exc_info=True)
        return True


async def settled(answer: Any) -> Any:
    """Return an answer, awaited if it is to be."""
    return await answer if hasattr(answer, "__await__") else answer


class AsyncHandover(Handover):
    """Be what a runner of tasks is given to release when it has done.

    ``release()`` is awaited.
    """

    async def release(self) -> bool | None:
        if self.released:
            return None
        self.released = True
        kept = False
        try:
            kept = await async_release(self.mutex)
            return kept
        finally:
            self._land(kept)
