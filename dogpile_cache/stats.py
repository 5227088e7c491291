"""Counts of what happens in regions: a listener, and what it has counted.

A hit is counted by one step of an ``itertools.count``, which no other thread can
interrupt while there is the GIL; so counting takes no lock, and is exact.  Such a counter
can be read only by a further step, which is kept account of.

Durations are counted in buckets, eight for each doubling from 1 µs to 12 days, and are
told as the middle of their bucket.  So a percentile is at most 4.5 % off, and memory is
bounded.  A shorter duration counts as the shortest there is, a longer one as the longest.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from itertools import accumulate, count
from typing import NamedTuple

from .events import Event, Kind
from .forking import forget_after_fork

_PER_DOUBLING = 8
_SHORTEST, _LONGEST = 2.0**-20, 2.0**20


class Percentiles(NamedTuple):
    """Tell how long things took, in seconds."""

    p50: float
    """What half of them did not exceed."""
    p90: float
    """What nine of ten did not exceed."""
    p99: float
    """What 99 of 100 did not exceed."""
    max: float
    """The longest of all, exactly."""


class Stats(NamedTuple):
    """Be what has been counted until one moment."""

    hits: int
    """Requests that were served a fresh value."""
    misses: int
    """Requests that were served nothing at once: they made the value, or waited."""
    stale: int
    """Requests that were served a value that is no longer fresh."""
    created: int
    """Values that creators have returned."""
    waited: int
    """How often somebody waited for another's creation."""
    creator_failures: int
    """Errors of creators."""
    backend_failures: int
    """Errors of the backend."""
    circuit_openings: int
    """How often the backend was given up for a while."""
    evictions: int
    """Values dropped to make room."""
    rejected: int
    """Stored values that could not be read, or were not accepted."""
    hit_ratio: float | None
    """The share of requests that were served at once, fresh or stale; None before the
    first one.  Each key of a call for many is a request."""
    creation_seconds: Percentiles | None
    """How long creators took; None before the first one."""


class _Durations:
    """Count durations in buckets that grow with what they hold."""

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._longest = 0.0

    def add(self, seconds: float) -> None:
        within = min(max(_SHORTEST, seconds), _LONGEST)
        bucket = math.floor(math.log2(within) * _PER_DOUBLING)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self._longest = max(self._longest, seconds)

    def percentiles(self) -> Percentiles | None:
        buckets = sorted(self._buckets)
        upto = [*accumulate(self._buckets[bucket] for bucket in buckets)]

        def at(percent: int) -> float:
            rank = math.ceil(percent * upto[-1] / 100)
            bucket = buckets[bisect_left(upto, rank)]
            middle: float = 2 ** ((bucket + 0.5) / _PER_DOUBLING)
            return min(middle, self._longest)

        if not buckets:
            return None
        return Percentiles(at(50), at(90), at(99), self._longest)


class Statistics:
    """Count the events of the regions that it listens to, in this process.

    It may listen to several regions, in any number of threads.  A forked child begins
    at nothing.
    """

    def __init__(self) -> None:
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Begin at nothing; used by one thread alone, as a forked child is."""
        self._guard = threading.RLock()  # of all but counting
        self._step = {kind: count().__next__ for kind in Kind}
        self._ignored = dict.fromkeys(Kind, 0)  # of the steps: those that only read
        self._durations = _Durations()

    def __call__(self, event: Event) -> None:
        self._step[event.kind]()
        if event.seconds is not None and event.kind == Kind.CREATED:
            with self._guard:
                self._durations.add(event.seconds)

    def snapshot(self) -> Stats:
        """Return what has been counted since the beginning or the last :meth:`reset`."""
        with self._guard:
            counts = {kind: self._count(kind) for kind in Kind}
            creation_seconds = self._durations.percentiles()
        hits, misses, stale = (
            counts[kind] for kind in (Kind.HIT, Kind.MISS, Kind.STALE)
        )
        requests = hits + misses + stale
        return Stats(
            hits=hits,
            misses=misses,
            stale=stale,
            created=counts[Kind.CREATED],
            waited=counts[Kind.WAITED],
            creator_failures=counts[Kind.CREATOR_FAILED],
            backend_failures=counts[Kind.BACKEND_FAILED],
            circuit_openings=counts[Kind.CIRCUIT_OPENED],
            evictions=counts[Kind.EVICTED],
            rejected=counts[Kind.REJECTED],
            hit_ratio=(hits + stale) / requests if requests else None,
            creation_seconds=creation_seconds,
        )

    def reset(self) -> None:
        """Count from nothing; what is told meanwhile counts before or after, not twice."""
        with self._guard:
            for kind in Kind:
                counted = self._count(kind)
                self._ignored[kind] += counted
            self._durations = _Durations()

    def _count(self, kind: Kind) -> int:
        """Return how many events of a kind there were."""
        steps = self._step[kind]() - self._ignored[kind]
        self._ignored[kind] += 1
        return steps
