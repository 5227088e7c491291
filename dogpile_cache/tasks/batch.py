"""Several keys of a region for tasks; this is ``batch.py``, awaited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any

from dogpile_cache.api import CachedValue, CacheReturnType
from dogpile_cache.batch import BaseBatch, one_for_each

from .entry import AsyncRegionEntry
from .flights import settled


class AsyncRegionBatch(BaseBatch):
    """Be several keys of a region, for the tasks."""

    def entry(self, key: Any) -> AsyncRegionEntry:
        """Return the entry of one key, which can be made alone, too."""

        async def make() -> Any:
            return (await self._make([key]))[0]

        create = self._marked(make)
        return AsyncRegionEntry(self._region, key, create, *self._options)

    async def read(self, entries: Sequence[AsyncRegionEntry]) -> list[CacheReturnType]:
        found = await self._store.read_many([entry.id for entry in entries])
        return [e.receive(e.found(stored)) for e, stored in zip(entries, found)]

    async def create(self, entries: Sequence[AsyncRegionEntry]) -> list[CachedValue]:
        started = self._region.clock.time()
        payloads = await self.make([entry.key for entry in entries])
        return [e.made(payload, started) for e, payload in zip(entries, payloads)]

    async def write(self, entries: Sequence[AsyncRegionEntry]) -> None:
        with self._store.lasting({e.id: e.lifetime for e in entries}):
            await self._store.write_many({e.id: e.stored() for e in entries})

    async def make(self, keys: Sequence[Any]) -> list[Any]:
        """Return the payloads of some keys."""
        begun = monotonic()
        try:
            payloads = await self._make(keys)
        except Exception as error:
            self.failed(keys, error)
            raise
        self.created(keys, begun)
        return payloads

    async def _make(self, keys: Sequence[Any]) -> list[Any]:
        made: Iterable[Any] = await settled(self._creator(*keys))
        return one_for_each(keys, made)
