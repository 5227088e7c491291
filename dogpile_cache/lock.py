"""The dogpile lock as a tool of its own, for values that no region keeps.

It is the algorithm of :mod:`dogpile_cache.regenerate` over one mutex and two functions::

    with Lock(mutex, create, read, expiretime=60) as value:
        ...

where ``create()`` makes and keeps a value and returns it with its creation time, and
``read()`` returns the same pair or raises :class:`NeedRegenerationException`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE, CachedValue, CacheReturnType, Metadata
from .flow import drive
from .freshness import Policy, State
from .invalidation import DefaultInvalidationStrategy
from .mutex import Flight, Flights, Handover, release
from .regenerate import elect

if TYPE_CHECKING:
    from .protocols import Clock, Mutex

Pair = tuple[Any, float]


class NeedRegenerationException(Exception):
    """Raise this where a value is read, to say that there is none."""


class Lock:
    """Be a context manager that gives the value, made by one of all that ask.

    :param mutex: an object with ``acquire(wait)`` and ``release()``.
    :param creator: makes a value and keeps it; returns it with the time of its
        creation.
    :param value_and_created_fn: returns the kept value with the time of its creation,
        or raises :class:`NeedRegenerationException`.
    :param expiretime: seconds; ``None`` means that values never expire.
    :param async_creator: is called with the mutex when the value is stale, in place of
        the creator, and releases the mutex when a new value has been kept.
    :param clock: tells the time.
    """

    def __init__(
        self,
        mutex: Mutex,
        creator: Callable[[], Pair],
        value_and_created_fn: Callable[[], Pair],
        expiretime: float | None,
        async_creator: Callable[[Mutex], None] | None = None,
        clock: Clock = time,
    ) -> None:
        self.mutex = mutex
        self.creator = creator
        self.value_and_created_fn = value_and_created_fn
        self.expiretime = expiretime
        self.async_creator = async_creator
        self._policy = Policy(clock, DefaultInvalidationStrategy(clock))

    def __enter__(self) -> Any:
        entry = _LockEntry(self)
        seen = entry.read()
        if self._policy.is_fresh(seen, self.expiretime):
            return seen[0]
        return drive(elect(entry, seen, Flight(None, None)))[0]

    def __exit__(self, *exc_info: object) -> None:
        pass


class _LockEntry:
    """Be the value of a lock, as the algorithm sees it."""

    id = key = None
    previous: CacheReturnType = NO_VALUE
    hard_timeout = time_left = inf
    shares_errors = is_away = False

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self.mutex = lock.mutex

    def is_ahead(self, value: CacheReturnType) -> bool:
        return False

    def is_resting(self, value: CacheReturnType) -> bool:
        return False

    def excuses(self, error: Exception) -> bool:
        return False

    def deferral(
        self, value: CacheReturnType
    ) -> tuple[Callable[[Any], None] | None, float]:
        stale = self.state(value) is State.STALE
        return (self._lock.async_creator if stale else None), 0.0

    def waited(self, begun: float) -> None:
        pass

    def pause(self, waited: float) -> None:
        raise NotImplementedError

    def state(self, value: CacheReturnType) -> State:
        return self._lock._policy.state(value, self._lock.expiretime)

    def read(self) -> CacheReturnType:
        try:
            return _value(*self._lock.value_and_created_fn())
        except NeedRegenerationException:
            return NO_VALUE

    def create(self) -> CachedValue:
        payload, created = self._lock.creator()
        return CachedValue(payload, Metadata(created, created))

    def prepare(self, value: CachedValue) -> bool:
        return False  # the creator has kept it

    def write(self) -> None:
        raise NotImplementedError

    def take_back(self) -> None:
        raise NotImplementedError

    def release(self) -> bool:
        return release(self.mutex)

    def handover(self, flight: Flight, flights: Flights) -> Handover:
        return Handover(self, flight, flights)

    def stored(self) -> Any:
        return NO_VALUE

    def receive(self, stored: Any) -> CacheReturnType:
        return NO_VALUE


def _value(payload: Any, created: float) -> CacheReturnType:
    return CachedValue(payload, Metadata(created, created)) if created > 0 else NO_VALUE
