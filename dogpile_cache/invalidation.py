"""What a region forgets, softly or hard.

An invalidation is a point in time: values whose creation started before it are
invalidated.  After a hard one everybody waits for a new value; after a soft one the
old value is served while a new one is made.

The default strategy keeps its point in time in this process.  A strategy that keeps
it elsewhere reaches other processes; hand it to ``configure(region_invalidator=...)``.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .protocols import Clock


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
