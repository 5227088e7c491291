"""Several keys of a region, as the algorithm in ``regenerate_many.py`` sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from .api import CachedValue, CacheReturnType
from .context import in_place, is_in_place
from .entry import BaseEntry, RegionEntry
from .events import Kind, tell
from .exception import DogpileCacheException
from .flow import Flow
from .freshness import State, seconds
from .report import warning

if TYPE_CHECKING:
    from .base import BaseRegion
    from .protocols import Lifetime, Timeouts


def one_for_each(keys: Sequence[Any], values: Iterable[Any]) -> list[Any]:
    """Return the values as a list; as many as there are keys, or it is an error."""
    values = list(values)
    if len(values) != len(keys):
        raise DogpileCacheException(
            f"The creator returned {len(values)} values for {len(keys)} keys; "
            f"return one for each key, in their order, NO_VALUE where there is none."
        )
    return values


_CREATED, _FAILED = Kind.CREATED, Kind.CREATOR_FAILED


class BaseBatch:
    """Be several keys of a region that one creator makes in one go."""

    awaited = True
    """Whether the caller still waits for what is made apart."""

    def __init__(
        self,
        region: BaseRegion,
        creator: Callable[..., Any],
        lifetime: Lifetime,
        should_cache_fn: Callable[[Any], bool] | None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> None:
        self._region = region
        self._store: Any = region._store
        self._creator = creator
        self._options = (
            seconds(lifetime), should_cache_fn, stale_if_error, creator_timeout
        )  # fmt: skip

    def apart(self, flow: Flow[None]) -> None:
        """Have a flow taken to its end by another thread or task."""
        self._region._apart(flow)

    def _marked(self, create: Callable[..., Any]) -> Callable[..., Any]:
        return in_place(create) if is_in_place(self._creator) else create

    def mangle(self, key: Any) -> Any:
        """Return the key by which the backend knows a key."""
        return self._store.mangle(key)

    def created(self, keys: Sequence[Any], begun: float) -> None:
        """Tell of values that were made since some time of ``time.monotonic()``."""
        if self._region._watched:
            seconds = monotonic() - begun
            for key in keys:
                tell(self._region, _CREATED, key, seconds)

    def failed(self, keys: Sequence[Any], error: Exception) -> None:
        """Tell of values that could not be made."""
        if self._region._watched:
            for key in keys:
                tell(self._region, _FAILED, key, error=error)

    @property
    def is_away(self) -> bool:
        """Whether the backend is left alone, and nobody limits the creator's time."""
        unlimited = self._options[3] is None and not self._region.settings.is_timed
        return unlimited and bool(self._store.is_away)

    def patience(self, entries: Sequence[BaseEntry]) -> float:
        """Return how long a caller waits for the values; infinity to make them itself."""
        if is_in_place(self._creator):
            return inf
        stale = all(each.state(each.previous) is State.STALE for each in entries)
        return min(
            (e.soft_timeout if stale else e.time_left for e in entries), default=inf
        )

    def excuses(self, entries: Sequence[BaseEntry], error: Exception) -> bool:
        """Let a creator that failed rest if there are values to serve meanwhile."""
        if not all(entry.tolerates(entry.previous) for entry in entries):
            return False
        for entry in entries:
            entry.rest()
        keys = [entry.key for entry in entries]
        warning(
            "The creator of %r failed; stale values are served", keys, exc_info=error
        )
        return True


class RegionBatch(BaseBatch):
    """Be several keys of a region, for the threads."""

    def entry(self, key: Any) -> RegionEntry:
        """Return the entry of one key, which can be made alone, too."""
        create = self._marked(partial(self._make_one, key))
        return RegionEntry(self._region, key, create, *self._options)

    def read(self, entries: Sequence[RegionEntry]) -> list[CacheReturnType]:
        found = self._store.read_many([entry.id for entry in entries])
        return [e.receive(e.found(stored)) for e, stored in zip(entries, found)]

    def create(self, entries: Sequence[RegionEntry]) -> list[CachedValue]:
        started = self._region.clock.time()
        payloads = self.make([entry.key for entry in entries])
        return [e.made(payload, started) for e, payload in zip(entries, payloads)]

    def write(self, entries: Sequence[RegionEntry]) -> None:
        with self._store.lasting({e.id: e.lifetime for e in entries}):
            self._store.write_many({e.id: e.stored() for e in entries})

    def make(self, keys: Sequence[Any]) -> list[Any]:
        """Return the payloads of some keys."""
        begun = monotonic()
        try:
            payloads = self._make(keys)
        except Exception as error:
            self.failed(keys, error)
            raise
        self.created(keys, begun)
        return payloads

    def _make_one(self, key: Any) -> Any:
        return self._make([key])[0]

    def _make(self, keys: Sequence[Any]) -> list[Any]:
        return one_for_each(keys, self._creator(*keys))
