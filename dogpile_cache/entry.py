"""The keys of a region, as the algorithm in ``regenerate.py`` sees them."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE, CachedValue, CacheReturnType
from .context import OF_REGION, CreationContext, is_in_place, takes_context
from .events import HIT, MISS, STALE, Kind, tell
from .freshness import State, seconds
from .mutex import Flight, Flights, Handover, backoff, release
from .report import warning
from .settings import duration, timeouts
from .stamps import stamp, stamp_own

if TYPE_CHECKING:
    from .base import BaseRegion
    from .protocols import Lifetime, Timeouts

_CREATED, _FAILED, _WAITED = Kind.CREATED, Kind.CREATOR_FAILED, Kind.WAITED


class BaseEntry:
    """Be one key of a region for the time of one regeneration, but for its steps."""

    __slots__ = (
        "_begun",
        "_context",
        "_create",
        "_in_place",
        "_keep",
        "_region",
        "_stored",
        "defer",
        "hard_timeout",
        "id",
        "key",
        "lifetime",
        "mutex",
        "policy",
        "previous",
        "shares_errors",
        "soft_timeout",
        "stale_if_error",
        "store",
    )

    def __init__(
        self,
        region: BaseRegion,
        key: Any,
        create: Callable[..., Any],
        lifetime: Lifetime,
        should_cache_fn: Callable[[Any], bool] | None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> None:
        settings = region.settings
        self.policy = region._policy
        self.store: Any = region._store
        self.key = key
        self.id = self.store.mangle(key)
        self.lifetime = seconds(lifetime)
        self.mutex = region._mutex(self.id)
        self.defer: Callable[[Any], None] | None = None
        self.previous: CacheReturnType = NO_VALUE
        self.shares_errors = settings.share_errors
        self.stale_if_error = settings.stale_if_error
        if stale_if_error is not None:
            self.stale_if_error = duration("stale_if_error", stale_if_error)
        self.soft_timeout, self.hard_timeout = settings.creator_timeout
        if creator_timeout is not None:
            times = timeouts("creator_timeout", creator_timeout)
            self.soft_timeout, self.hard_timeout = times
        self._begun = monotonic()
        self._context: CreationContext | None = None
        self._region = region
        self._create = create
        self._in_place = is_in_place(create)
        self._keep = should_cache_fn
        self._stored: Any = NO_VALUE

    def state(self, value: CacheReturnType) -> State:
        return self.policy.state(value, self.lifetime)

    @property
    def is_away(self) -> bool:
        """Whether the backend is left alone, and nobody limits the creator's time."""
        return self.hard_timeout == inf and bool(self.store.is_away)

    @property
    def time_left(self) -> float:
        """How many seconds the caller still waits where there is nothing to serve."""
        return max(self.hard_timeout - (monotonic() - self._begun), 0.0)

    def is_ahead(self, value: CacheReturnType) -> bool:
        """Tell whether a value is fresh, and to be made anew in the background."""
        return (
            not self._in_place
            and self.policy.is_fresh(value, self.lifetime)
            and self.state(value) is not State.FRESH
        )

    def is_resting(self, value: CacheReturnType) -> bool:
        """Tell whether the creator has just failed, and a stale value is served."""
        return self.id in self._region._resting and self.tolerates(value)

    def tolerates(self, value: CacheReturnType) -> bool:
        """Tell whether a value may be served when the creator fails."""
        if self.policy.is_fresh(value, self.lifetime):
            return True
        return (
            self.stale_if_error > 0
            and isinstance(value, CachedValue)
            and self.state(value) is State.STALE
            and self.policy.staleness(value, self.lifetime) <= self.stale_if_error
        )

    def excuses(self, error: Exception) -> bool:
        """Let a creator that failed rest if there is a value to serve meanwhile."""
        if not self.tolerates(self.previous):
            return False
        self.rest()
        warning(
            "The creator of %r failed; a stale value is served",
            self.key,
            exc_info=error,
        )
        return True

    def rest(self) -> None:
        """Leave the creator alone for a while."""
        self._region._resting.add(self.id, self._region.settings.retry_after)

    def deferral(
        self, value: CacheReturnType
    ) -> tuple[Callable[[Any], None] | None, float]:
        """Return who is to make the value in the caller's place, if anybody is.

        And how many seconds the caller waits for it.
        """
        if self._in_place:
            return None, inf
        if self.state(value) is State.STALE:
            if self.defer is not None:
                return self.defer, 0.0
            if self.policy.is_fresh(value, self.lifetime):
                return self._region._refresh_ahead, 0.0
            patience = self.soft_timeout
        else:
            patience = self.time_left
        return (None if patience == inf else self._region._refresh_apart), patience

    def found(self, stored: Any) -> Any:
        """Note what the backend holds, and return it."""
        self._stored = stored
        return stored

    def make(self) -> Any:
        """Call the creator, with what it wants to be told."""
        if not takes_context(self._create):
            return self._create()
        now = self.policy.clock.time()
        self._context = CreationContext(self.key, self.previous, now)
        return self._create(context=self._context)

    def created(self, begun: float) -> None:
        """Tell of a creation that began at some time of ``time.monotonic()``."""
        if self._region._watched:
            tell(self._region, _CREATED, self.key, monotonic() - begun)

    def failed(self, error: Exception) -> None:
        """Tell that the creator has raised an error."""
        if self._region._watched:
            tell(self._region, _FAILED, self.key, error=error)

    def waited(self, begun: float) -> None:
        """Tell that somebody has waited, since some time of ``time.monotonic()``."""
        if self._region._watched:
            tell(self._region, _WAITED, self.key, monotonic() - begun)

    def tell_served(self, served: Any, seen: Any) -> None:
        """Tell of a request what it was served, given what it saw at first."""
        if self.policy.is_fresh(seen, self.lifetime):
            kind = HIT
        else:
            kind = STALE if served is seen or served is self.previous else MISS
        tell(self._region, kind, self.key)

    def made(self, payload: Any, started: float) -> CachedValue:
        """Return the value of a payload whose making has just ended."""
        region, context = self._region, self._context
        region._resting.discard(self.id)
        if context is not None and not context.store:
            self._keep = lambda _: False
        if context is None or context.expiration_time is OF_REGION:
            return stamp(region, payload, started, self.lifetime)
        return stamp_own(region, payload, started, context.expiration_time)

    def prepare(self, value: CachedValue) -> bool:
        """Take what was created; True if it is to be written."""
        self._stored = NO_VALUE
        if value.payload is NO_VALUE or (self._keep and not self._keep(value.payload)):
            return False
        self._stored = self.store.dump(value, self.key)
        return True

    def stored(self) -> Any:
        """Return what this process knows to be in the backend, or ``NO_VALUE``."""
        return self._stored

    def receive(self, stored: Any) -> CacheReturnType:
        """Return the value that another entry of the process had stored."""
        value: CacheReturnType = self.store.load(stored, self.key)
        return value


class RegionEntry(BaseEntry):
    """Be one key of a region, for the threads."""

    __slots__ = ()

    def read(self) -> CacheReturnType:
        return self.receive(self.found(self.store.read(self.id)))

    def create(self) -> CachedValue:
        started, begun = self.policy.clock.time(), monotonic()
        try:
            payload = self.make()
        except Exception as error:
            self.failed(error)
            raise
        self.created(begun)
        return self.made(payload, started)

    def write(self) -> None:
        with self.store.lasting({self.id: self.lifetime}):
            self.store.write(self.id, self._stored)

    def take_back(self) -> None:
        self._stored = NO_VALUE
        self.store.take_back(self.id)

    def pause(self, waited: float) -> None:
        """Wait before looking again at a mutex that does not say when to."""
        sleep(backoff(waited))

    def release(self) -> bool:
        return release(self.mutex)

    def handover(self, flight: Flight, flights: Flights) -> Handover:
        """Return what another is to release in place of the mutex."""
        return Handover(self, flight, flights)
