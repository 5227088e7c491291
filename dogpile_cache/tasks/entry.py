"""The keys of a region for tasks; this is ``entry.py``, awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dogpile_cache.api import NO_VALUE, CachedValue, CacheReturnType
from dogpile_cache.entry import BaseEntry, one_for_each
from dogpile_cache.freshness import seconds

from .flights import AsyncHandover, async_release, settled

if TYPE_CHECKING:
    from dogpile_cache.base import BaseRegion
    from dogpile_cache.mutex import Flight
    from dogpile_cache.protocols import Lifetime


class AsyncRegionEntry(BaseEntry):
    """Be one key of a region, for the tasks."""

    __slots__ = ()

    async def read(self) -> CacheReturnType:
        return self.receive(self.found(await self.store.read(self.id)))

    async def create(self) -> CachedValue:
        started = self.policy.clock.time()
        return self.made(await settled(self._create()), started)

    async def write(self) -> None:
        await self.store.write(self.id, self._stored)

    async def take_back(self) -> None:
        self._stored = NO_VALUE
        await self.store.delete(self.id)

    async def release(self) -> bool:
        return await async_release(self.mutex)

    def handover(self, flight: Flight, land: Callable[[], None]) -> AsyncHandover:
        """Return what somebody else is to release in place of the mutex."""
        return AsyncHandover(self.mutex, flight, land)


class AsyncRegionBatch:
    """Be several keys of a region that one creator makes in one go."""

    def __init__(
        self,
        region: BaseRegion,
        creator: Callable[..., Any],
        lifetime: Lifetime,
        should_cache_fn: Callable[[Any], bool] | None,
    ) -> None:
        self._region = region
        self._store: Any = region._store
        self._creator = creator
        self._lifetime = seconds(lifetime)
        self._should_cache_fn = should_cache_fn

    def entry(self, key: Any) -> AsyncRegionEntry:
        """Return the entry of one key, which can be made alone, too."""

        async def create() -> Any:
            return (await self._make([key]))[0]

        return AsyncRegionEntry(
            self._region, key, create, self._lifetime, self._should_cache_fn
        )

    async def read(self, entries: Sequence[AsyncRegionEntry]) -> list[CacheReturnType]:
        found = await self._store.read_many([entry.id for entry in entries])
        return [e.receive(e.found(stored)) for e, stored in zip(entries, found)]

    async def create(self, entries: Sequence[AsyncRegionEntry]) -> list[CachedValue]:
        started = self._region.clock.time()
        payloads = await self._make([entry.key for entry in entries])
        return [e.made(payload, started) for e, payload in zip(entries, payloads)]

    async def write(self, entries: Sequence[AsyncRegionEntry]) -> None:
        await self._store.write_many({e.id: e.stored() for e in entries})

    async def _make(self, keys: Sequence[Any]) -> list[Any]:
        made: Iterable[Any] = await settled(self._creator(*keys))
        return one_for_each(keys, made)
