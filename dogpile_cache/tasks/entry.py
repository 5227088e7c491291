"""One key of a region for tasks; this is ``entry.py``, awaited."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from dogpile_cache.api import NO_VALUE, CachedValue, CacheReturnType
from dogpile_cache.entry import BaseEntry
from dogpile_cache.mutex import backoff

from .flights import AsyncHandover, async_release, settled

if TYPE_CHECKING:
    from dogpile_cache.mutex import Flight, Flights


class AsyncRegionEntry(BaseEntry):
    """Be one key of a region, for the tasks."""

    __slots__ = ()

    async def read(self) -> CacheReturnType:
        return self.receive(self.found(await self.store.read(self.id)))

    async def create(self) -> CachedValue:
        started, begun = self.policy.clock.time(), monotonic()
        try:
            payload = await settled(self.make())
        except Exception as error:
            self.failed(error)
            raise
        self.created(begun)
        return self.made(payload, started)

    async def write(self) -> None:
        with self.store.lasting({self.id: self.lifetime}):
            await self.store.write(self.id, self._stored)

    async def take_back(self) -> None:
        self._stored = NO_VALUE
        await self.store.take_back(self.id)

    async def pause(self, waited: float) -> None:
        """Wait before looking again at a mutex that does not say when to."""
        await asyncio.sleep(backoff(waited))

    async def release(self) -> bool:
        return await async_release(self.mutex)

    def handover(self, flight: Flight, flights: Flights) -> AsyncHandover:
        """Return what another is to release in place of the mutex."""
        return AsyncHandover(self, flight, flights)
