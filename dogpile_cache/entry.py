"""The keys of a region, as the algorithm in ``regenerate.py`` sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE, CachedValue, CacheMutex, CacheReturnType, Metadata
from .exception import DogpileCacheException
from .freshness import State, seconds
from .mutex import Flight, Handover, release

if TYPE_CHECKING:
    from .base import BaseRegion
    from .protocols import Lifetime


def one_for_each(keys: Sequence[Any], values: Iterable[Any]) -> list[Any]:
    """Return the values as a list; as many as there are keys, or it is an error."""
    values = list(values)
    if len(values) != len(keys):
        raise DogpileCacheException(
            f"The creator returned {len(values)} values for {len(keys)} keys; "
            f"return one for each key, in their order, NO_VALUE where there is none."
        )
    return values


class BaseEntry:
    """Be one key of a region for the time of one regeneration, but for its steps."""

    __slots__ = (
        "_create",
        "_keep",
        "_stored",
        "defer",
        "id",
        "key",
        "lifetime",
        "mutex",
        "policy",
        "store",
    )

    def __init__(
        self,
        region: BaseRegion,
        key: Any,
        create: Callable[[], Any],
        lifetime: Lifetime,
        should_cache_fn: Callable[[Any], bool] | None,
    ) -> None:
        self.policy = region._policy
        self.store: Any = region._store
        self.key = key
        self.id = self.store.mangle(key)
        self.lifetime = seconds(lifetime)
        self.mutex = region._mutex(self.id)
        self.defer: Callable[[CacheMutex], None] | None = None
        self._create = create
        self._keep = should_cache_fn
        self._stored: Any = NO_VALUE

    def state(self, value: CacheReturnType) -> State:
        return self.policy.state(value, self.lifetime)

    def found(self, stored: Any) -> Any:
        """Note what the backend holds, and return it."""
        self._stored = stored
        return stored

    def made(self, payload: Any, started: float) -> CachedValue:
        """Return the value of a payload whose making has just ended."""
        return CachedValue(payload, Metadata(self.policy.clock.time(), started))

    def prepare(self, value: CachedValue) -> bool:
        """Take what was created; True if it is to be written."""
        self._stored = NO_VALUE
        if value.payload is NO_VALUE or (self._keep and not self._keep(value.payload)):
            return False
        self._stored = self.store.dump(value)
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
        started = self.policy.clock.time()
        return self.made(self._create(), started)

    def write(self) -> None:
        self.store.write(self.id, self._stored)

    def take_back(self) -> None:
        self._stored = NO_VALUE
        self.store.delete(self.id)

    def release(self) -> bool:
        return release(self.mutex)

    def handover(self, flight: Flight, land: Callable[[], None]) -> Handover:
        """Return what somebody else is to release in place of the mutex."""
        return Handover(self.mutex, flight, land)


class RegionBatch:
    """Be several keys of a region that one creator makes in one go."""

    def __init__(
        self,
        region: BaseRegion,
        creator: Callable[..., Iterable[Any]],
        lifetime: Lifetime,
        should_cache_fn: Callable[[Any], bool] | None,
    ) -> None:
        self._region = region
        self._creator = creator
        self._lifetime = seconds(lifetime)
        self._should_cache_fn = should_cache_fn

    def entry(self, key: Any) -> RegionEntry:
        """Return the entry of one key, which can be made alone, too."""
        return RegionEntry(
            self._region,
            key,
            lambda: self._make([key])[0],
            self._lifetime,
            self._should_cache_fn,
        )

    def read(self, entries: Sequence[RegionEntry]) -> list[CacheReturnType]:
        found = self._region._store.read_many([entry.id for entry in entries])
        return [e.receive(e.found(stored)) for e, stored in zip(entries, found)]

    def create(self, entries: Sequence[RegionEntry]) -> list[CachedValue]:
        started = self._region.clock.time()
        payloads = self._make([entry.key for entry in entries])
        return [e.made(payload, started) for e, payload in zip(entries, payloads)]

    def write(self, entries: Sequence[RegionEntry]) -> None:
        self._region._store.write_many({e.id: e.stored() for e in entries})

    def _make(self, keys: Sequence[Any]) -> list[Any]:
        return one_for_each(keys, self._creator(*keys))
