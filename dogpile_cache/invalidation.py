"""What a region forgets, softly or hard.

An invalidation is a point in time: values whose creation started before it are
invalidated.  After a hard one everybody waits for a new value; after a soft one the
old value is served while a new one is made.

The default strategy keeps its point in time in this process.  A strategy that keeps
it elsewhere reaches other processes, as :class:`SharedInvalidationStrategy` does; hand it
to ``configure(region_invalidator=...)``, or set it as ``region.region_invalidator``.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE, CacheBackend
from .report import warning

if TYPE_CHECKING:
    from .protocols import Clock


LEFT_ALONE = 5.0
"""Seconds for which a backend that could not be asked is left alone."""


class RegionInvalidationStrategy:
    """Be the interface of invalidation strategies."""

    latest: float = math.inf
    """Values that started at this time or later are not asked about.

    The default, infinity, has the region ask about every value.
    """

    def invalidate(self, hard: bool = True) -> None:
        """Invalidate all that was begun before now."""
        raise NotImplementedError

    def is_invalidated(self, timestamp: float) -> Any:
        """Tell whether a value begun at this time is invalidated, softly or hard."""
        raise NotImplementedError

    def is_hard_invalidated(self, timestamp: float) -> Any:
        """Tell whether a value begun at this time must not be served any more."""
        raise NotImplementedError

    def is_soft_invalidated(self, timestamp: float) -> Any:
        """Tell whether a value begun at this time may be served until it is renewed."""
        raise NotImplementedError

    def was_hard_invalidated(self) -> Any:
        """Tell whether the last invalidation was a hard one."""
        raise NotImplementedError

    def was_soft_invalidated(self) -> Any:
        """Tell whether the last invalidation was a soft one."""
        raise NotImplementedError


class DefaultInvalidationStrategy(RegionInvalidationStrategy):
    """Keep the time of the last invalidation in this process.

    A hard invalidation is not undone by a soft one that follows: what it forbade
    stays forbidden.
    """

    def __init__(self, clock: Clock = time) -> None:
        self._clock = clock
        self._hard = -math.inf
        self._soft = -math.inf
        self.latest = -math.inf

    def invalidate(self, hard: bool = True) -> None:
        now = self._clock.time()
        if hard:
            self._hard, self._soft = now, -math.inf
        else:
            self._soft = now
        self.latest = now

    def is_invalidated(self, timestamp: float) -> bool:
        return timestamp < self.latest

    def is_hard_invalidated(self, timestamp: float) -> bool:
        return timestamp < self._hard

    def is_soft_invalidated(self, timestamp: float) -> bool:
        return timestamp < self._soft

    def was_hard_invalidated(self) -> bool:
        return self._hard > -math.inf and not self.was_soft_invalidated()

    def was_soft_invalidated(self) -> bool:
        return self._soft > -math.inf


class SharedInvalidationStrategy(DefaultInvalidationStrategy):
    """Keep the time of the last invalidation in a backend, for all its processes.

    A process that reads values looks for it now and then, so an invalidation by another
    process counts after ``interval`` seconds at the latest.  While the backend cannot be
    asked, what was known stays true, and it is left alone for five seconds; an
    invalidation that failed is told when it is back.  The clocks of the machines should
    agree.

    :param backend: where it is kept; one that processes share.
    :param key: what it is kept under, different for each region of the backend.
    :param interval: seconds between two looks.
    """

    def __init__(
        self,
        backend: CacheBackend,
        key: str,
        interval: float = 1.0,
        clock: Clock = time,
    ) -> None:
        self._latest = -math.inf
        self._looked = -math.inf
        self._backend = backend
        self._key = key
        self._interval = self._pause = interval
        self._untold = False  # what the backend was away for
        super().__init__(clock)

    @property
    def latest(self) -> float:
        """When the last invalidation was, as far as is known."""
        now = self._clock.time()
        if not 0 <= now - self._looked < self._pause:
            self._looked = now  # first, so that other threads do not look, too
            self._look()
        return self._latest

    @latest.setter
    def latest(self, latest: float) -> None:
        self._latest = latest

    def invalidate(self, hard: bool = True) -> None:
        self._look()
        super().invalidate(hard)
        self._untold = True
        self._tell()

    def _tell(self) -> None:
        self._backend.set_serialized(self._key, self._told())
        self._untold = False

    def _told(self) -> bytes:
        """Return what is told to other processes."""
        return b"%r %r" % (self._hard, self._soft)

    def _hear(self, told: bytes) -> None:
        """Take in what a process has told."""
        hard, soft = map(float, told.split())
        self._hard, self._soft = max(hard, self._hard), max(soft, self._soft)
        self._latest = max(self._hard, self._soft)

    def _look(self) -> None:
        try:
            stored = self._backend.get_serialized(self._key)
            if stored is not NO_VALUE:
                self._hear(stored)
            if self._untold:
                self._tell()
            self._pause = self._interval
        except Exception:  # noqa: BLE001  # a backend may raise anything
            self._pause = max(self._interval, LEFT_ALONE)
            warning("Whether %r was invalidated is unknown", self._key, exc_info=True)
