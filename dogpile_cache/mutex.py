"""Per-key mutexes for the threads of one process; those for tasks derive from them.

Callers of one key that find nothing to serve gather in a :class:`Flight`: the first
one leads it, makes the value or fetches it from whichever process makes it, and lands
with the result; the others wait for the landing and are handed the result without
asking the backend again.

A thread may wait for a flight while it leads another one.  Should the flights then
wait for each other in a circle, the last one to join raises
:class:`~dogpile_cache.exception.CreationDeadlock` instead of waiting.

After ``fork()`` the child has none of the threads that led flights, so it forgets
their flights.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE, CacheMutex
from .exception import CreationDeadlock
from .forking import forget_after_fork
from .report import warning

if TYPE_CHECKING:
    from .protocols import Entry, Mutex


longest_wait: ContextVar[float] = ContextVar("longest_wait", default=math.inf)
"""Seconds after which a caller makes a value that another process is making.

Set it where a creator waits for other keys: two processes might wait for each other's,
which none of them can see.
"""


def backoff(waited: float) -> float:
    """Return how long to wait before looking again: a twentieth of the wait so far.

    So nobody is late by more than a twentieth, bounded by 1 ms and 250 ms.
    """
    return min(max(waited / 20, 0.001), 0.25)


class Flight:
    """Be one creation under way in this process, and the wait for its end."""

    __slots__ = (
        "error",
        "found",
        "handed_over",
        "id",
        "key",
        "landed",
        "landing",
        "leader",
        "made",
        "reads",
        "result",
        "superseded",
    )

    def __init__(self, id: Hashable, key: Any) -> None:
        self.id = id  # what the backend knows the key by
        self.key = key
        self.leader: Hashable = get_ident()
        self.result: Any = NO_VALUE  # as the backend stores it
        self.reads = 0  # how often the leader has begun to look for the value
        self.found = False  # whether the result was found so, and not made
        self.superseded = False  # deleted since the creation started
        self.handed_over = False  # to somebody who will land it
        self.made: Any = None  # by whom it was handed over to
        self.error: Exception | None = None  # what the creator raised
        self.landed = False
        self.landing: Any = threading.Lock()
        self.landing.acquire()


_waiting: dict[Hashable, Flight] = {}  # by thread or task, across all regions


@contextmanager
def waiting(me: Hashable, flight: Flight) -> Iterator[None]:
    """Be known to wait for a flight; refuse to if it waits, directly or not, for us."""
    _waiting[me] = flight
    try:
        ahead: Flight | None = flight
        while ahead is not None and ahead.leader is not None:
            if ahead.leader == me:
                raise CreationDeadlock(flight.key)
            ahead = _waiting.get(ahead.leader)
        yield
    finally:
        del _waiting[me]


class Flights:
    """Know the creations that are under way in this process, by key."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight] = {}
        self._guard = threading.RLock()  # a finalizer may come in between
        forget_after_fork(self)

    def forget(self) -> None:
        """Drop all flights: their leaders are not in this process."""
        _waiting.clear()
        self._flights = {}
        self._guard = threading.RLock()

    def join(self, id: Hashable, key: Any) -> tuple[Flight, bool]:
        """Return the flight of a key, and whether the caller is to lead it."""
        own = Flight(id, key)
        with self._guard:
            flight = self._flights.setdefault(id, own)
        return flight, flight is own

    def leave(self, id: Hashable) -> None:
        """Land the flight of a key if it was this thread that boarded it first."""
        flight = self._flights.get(id)
        if flight is not None and flight.leader == get_ident():
            self.land(flight)

    def get(self, id: Hashable) -> Flight | None:
        """Return the flight of a key, if there is one."""
        return self._flights.get(id)

    def lead(self, flight: Flight) -> None:
        """Go on with a flight that was handed over."""
        flight.leader = get_ident()

    def wait(self, flight: Flight, patience: float = math.inf) -> Any:
        """Wait until a flight lands, or for so many seconds.

        Return its result, ``NO_VALUE`` for none; ``flight.landed`` tells whether it has
        landed.
        """
        timeout = -1 if patience > threading.TIMEOUT_MAX else patience
        with waiting(get_ident(), flight):
            try:
                flight.landing.acquire(timeout=timeout)
            finally:  # a signal may come just when it is acquired
                if flight.landed:
                    self._let_through(flight)
        return flight.result

    def _let_through(self, flight: Flight) -> None:
        with suppress(RuntimeError):  # another one has done it
            flight.landing.release()

    def land(self, flight: Flight, result: Any = NO_VALUE) -> None:
        """End a flight: let its followers go on with the result."""
        with self._guard:
            if flight.landed:
                return
            if self._flights.get(flight.id) is flight:
                del self._flights[flight.id]
            flight.leader = None  # who waits has but to wake up, and waits for nobody
            flight.result = NO_VALUE if flight.superseded else result
            flight.landed = True
            self._let_through(flight)

    def supersede(self, id: Hashable) -> None:
        """Have what is being made under a key not be kept: it was deleted."""
        flight = self._flights.get(id)
        if flight is not None:
            flight.superseded = True


def release(mutex: Mutex) -> bool:
    """Release a mutex, whatever happens; False if it had been lost before."""
    try:
        return mutex.release() is not False
    except Exception:  # noqa: BLE001  # the caller is to have what was made
        warning("The lock %r was not released", mutex, exc_info=True)
        return True


class LoneFlights(Flights):
    """Let every caller lead a flight of his own: nobody gains by waiting."""

    def join(self, id: Hashable, key: Any) -> tuple[Flight, bool]:
        return Flight(id, key), True


LONE_FLIGHTS = LoneFlights()


class Unguarded(CacheMutex):
    """Be the mutex where the flight alone is enough: nobody else is to be kept out."""

    def acquire(self, wait: bool = True) -> bool:
        return True

    def release(self) -> None:
        return None

    def locked(self) -> bool:
        return False


UNGUARDED = Unguarded()


class Handover(CacheMutex):
    """Be what is given to one who is to make a value in another's place.

    An ``async_creation_runner`` releases it when it has done.  If the runner loses it,
    the callers of this process do not wait for ever: a lease that nobody holds runs out.
    """

    def __init__(self, entry: Entry, flight: Flight, flights: Flights) -> None:
        self.entry = entry
        self.mutex: Mutex = entry.mutex
        self.flight = flight
        self.stored: Any = NO_VALUE  # what the followers of the flight are handed
        self.awaited = False  # by the caller, who is told of an error
        self.released = False
        self._flights = flights

    def acquire(self, wait: bool = True) -> bool:
        return False  # it is held already

    def lead(self) -> None:
        """Be at work on the flight, in this thread or task."""
        self._flights.lead(self.flight)

    def release(self) -> bool | None:
        if self.released:
            return None
        self.released = True
        kept = False
        try:
            kept = release(self.mutex)
            return kept
        finally:
            self._land(kept)

    def _land(self, kept: bool = False) -> None:
        stored = self.stored if kept else NO_VALUE
        self._flights.land(self.flight, stored)

    def __del__(self) -> None:
        if not self.released:
            self._land()

    def locked(self) -> bool:
        return True
