"""Fresh, stale or missing: pure decisions over a value, a clock and a policy.

A value is *fresh* when it may be served, *stale* when it may be served while another
is being made, and *missing* when everybody has to wait for a new one.  Its lifetime
counts from the end of its creation, an invalidation from the start, so that an
invalidation which comes while a value is being made wins.

A lifetime of ``None``, of ``-1`` seconds or of infinitely many never ends.  One that is
among the metadata of a value, as ``lt``, is the value's own and goes before all others.

A clock is any object with a method ``time()`` that returns seconds: the module
``time``, or in tests :class:`dogpile_cache.testing.SettableClock`.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Any

from .api import CachedValue, CacheReturnType, Metadata, MetaDataType, value_version
from .exception import DogpileCacheException, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeGuard

    from .protocols import Clock, ExpirationTime, Lifetime, Strategy


_NEVER = float("-inf")
_MOST_SECONDS = 1e300  # which fits a float, as not every whole number does


class State(enum.Enum):
    """Say what may be done with a value."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


def seconds(lifetime: Any, name: str = "expiration_time") -> float | None:
    """Return a lifetime, a number or a timedelta, in seconds.

    :param name: what the setting is called where it stands, for the error.
    :raises ValidationError: it is something else.
    """
    if hasattr(lifetime, "total_seconds"):
        lifetime = lifetime.total_seconds()
    if lifetime is None or lifetime == -1:
        return lifetime  # type: ignore[no-any-return]
    if (
        not isinstance(lifetime, (int, float))
        or isinstance(lifetime, bool)
        or not lifetime >= 0  # which nan is not, either
    ):
        raise ValidationError(
            f"{name} is not a number or timedelta.  It is {lifetime!r}; allowed are a "
            "number of seconds from 0, a timedelta, and None or -1 for values that never "
            "expire."
        )
    return lifetime if lifetime < _MOST_SECONDS else math.inf


def lifetimes(expiration_time: ExpirationTime) -> Callable[[], Lifetime]:
    """Return what gives the lifetime at each call; check a fixed one now."""
    if callable(expiration_time):
        return expiration_time
    lifetime = seconds(expiration_time)
    return lambda: lifetime


def is_own_lifetime(it: Any) -> bool:
    """Tell whether metadata may hold this as ``lt``: seconds from 0, or None."""
    if it is None:
        return True
    return type(it) in (int, float) and (0 <= it < _MOST_SECONDS or it == math.inf)


def times(metadata: MetaDataType) -> tuple[float, float]:
    """Return when a creation started and when it ended.

    A value of another format version, or of a lifetime that is none, was, to us, never
    made.
    """
    ours = metadata.get("v", value_version) == value_version
    if not (ours and is_own_lifetime(metadata.get("lt"))):
        return _NEVER, _NEVER
    ended = metadata["ct"]
    return metadata.get("st", ended), ended


class Policy:
    """Judge the values of one region."""

    __slots__ = ("_ahead", "clock", "strategy")

    def __init__(
        self, clock: Clock, strategy: Strategy, ahead: float | None = None
    ) -> None:
        self.clock = clock
        self.strategy = strategy
        self._ahead = ahead

    def is_fresh(
        self, value: CacheReturnType, lifetime: Lifetime
    ) -> TypeGuard[CachedValue]:
        """Tell whether a value may be served to everyone.  This is the hot path."""
        if not value:
            return False
        try:
            metadata: Any = value[1]
            started, ended = metadata.st, metadata.ct
            strategy = self.strategy
            return (
                lifetime is None
                or self.clock.time() - ended < lifetime
                or lifetime == -1
            ) and not (started < strategy.latest and strategy.is_invalidated(started))
        except (AttributeError, LookupError, TypeError):
            return self._is_fresh_at_second_look(value, lifetime)

    def _is_fresh_at_second_look(self, value: Any, lifetime: Lifetime) -> bool:
        """Judge a value of whose metadata or lifetime more is to be known.

        It was not made here, or has a lifetime of its own; or the lifetime is no number.
        """
        if not isinstance(value, CachedValue):
            return False
        started, ended = times(value.metadata)
        if ended == _NEVER:
            return False
        after, latest = self.bounds(value.metadata.get("lt", lifetime))
        if ended <= after:
            return False
        return not (started < latest and self.strategy.is_invalidated(started))

    @property
    def is_current(self) -> Callable[[Any, Any], TypeGuard[CachedValue]]:
        """Tell whether a value is fresh, and need not be made anew ahead of time."""
        return self.is_fresh if self._ahead is None else self._is_current

    def _is_current(
        self, value: CacheReturnType, lifetime: Lifetime
    ) -> TypeGuard[CachedValue]:
        if not self.is_fresh(value, lifetime):
            return False
        limit = self._limit(value, lifetime)
        return limit is None or self._age(value) < limit * (self._ahead or 1)

    def staleness(self, value: CachedValue, lifetime: float | None) -> float:
        """Return how many seconds ago a value expired; 0 if it has not."""
        limit = self._limit(value, lifetime)
        return 0.0 if limit is None else max(self._age(value) - limit, 0.0)

    def deadline(self, value: CacheReturnType, lifetime: Lifetime) -> float:
        """Return when a value expires, by the clock; infinity for never."""
        if not isinstance(value, CachedValue):
            return math.inf
        metadata: Any = value.metadata
        if type(metadata) is Metadata and isinstance(lifetime, (int, float)):
            return math.inf if lifetime == -1 else metadata.ct + lifetime
        limit = self._limit(value, lifetime)
        return math.inf if limit is None else times(metadata)[1] + limit

    def _age(self, value: CachedValue) -> float:
        return self.clock.time() - times(value.metadata)[1]

    def _limit(self, value: CachedValue, lifetime: Lifetime) -> float | None:
        """Return the age at which a value expires, if it does."""
        limit = seconds(value.metadata.get("lt", lifetime))
        return None if limit == -1 else limit

    def bounds_ahead(self, lifetime: Lifetime) -> tuple[float, float]:
        """Return the bounds of what need not be made anew ahead of time."""
        limit = seconds(lifetime)
        if self._ahead is None or limit is None or limit == -1:
            return self.bounds(limit)
        return self.bounds(limit * self._ahead)

    def bounds(self, lifetime: Lifetime) -> tuple[float, float]:
        """Return when a value must have ended after, and started from, to be fresh."""
        if lifetime is None or lifetime == -1:
            return _NEVER, self.strategy.latest
        try:
            return self.clock.time() - lifetime, self.strategy.latest  # type: ignore[operator]
        except OverflowError:  # of a number that fits no float
            return self.bounds(seconds(lifetime))
        except TypeError:  # of a timedelta, or of what is no lifetime at all
            if isinstance(lifetime, (int, float)):
                raise
            return self.bounds(seconds(lifetime))

    def state(self, value: CacheReturnType, lifetime: float | None) -> State:
        """Tell what may be done with a value."""
        if self.is_current(value, lifetime):
            return State.FRESH
        if not isinstance(value, CachedValue):
            return State.MISSING
        started, ended = times(value.metadata)
        if _NEVER in (started, ended) or self.strategy.is_hard_invalidated(started):
            return State.MISSING
        if lifetime is None and "lt" not in value.metadata:
            raise DogpileCacheException(
                "Non-None expiration time required for soft invalidation"
            )
        return State.STALE
