"""One backend as its region for tasks uses it; this is ``store.py``, awaited."""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override, misc"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from dogpile_cache.api import CacheReturnType
from dogpile_cache.store import Store, all_found

SHARED_FOR = 0.002
"""Seconds after its start for which others may share a read, and not start their own.

So a storm of tasks asks the server once; and what another process deletes may be seen
for so much longer.
"""

_FAILED = object()


class _TakesLongerError(Exception):
    """Say that a value cannot be read at once."""


def _take_longer(id: Any) -> Any:
    raise _TakesLongerError


class _Read:
    """Be a read under way, and the wait for its end."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.until = time.monotonic() + SHARED_FOR
        self.stored: asyncio.Future[Any] = self.loop.create_future()

    @property
    def may_be_shared(self) -> bool:
        now, loop = time.monotonic(), asyncio.get_running_loop()
        return now < self.until and loop is self.loop


class AsyncStore(Store):
    """Read and write the values of one backend."""

    def __init__(self, *args: Any) -> None:
        self._reads: dict[Any, _Read] = {}
        super().__init__(*args)
        if self._at_once is None:
            self.write = self._then_forget(self.write)
            self.delete = self._then_forget(self.delete)
            self._write_many = self._then_forget_many(self._write_many)
            self._delete_many = self._then_forget_many(self._delete_many)

    def _fetch(self) -> Callable[[Any], Awaitable[CacheReturnType]]:
        """Choose the way from a key to its value: the only part that a hit runs."""
        load, mangle, read = self.load, self.mangle, self._read
        self._at_once = self._quickly(_take_longer)
        if self._at_once is not None:
            return self._fetch_at_once(self._at_once)

        async def fetch(key: Any) -> CacheReturnType:
            return load(await read(mangle(key)), key)

        return fetch

    async def _read(self, id: Any) -> Any:
        """Read what is stored, together with whoever has just begun to."""
        under_way = self._reads.get(id)
        if under_way is not None and under_way.may_be_shared:
            stored = await asyncio.shield(under_way.stored)
            return await self.read(id) if stored is _FAILED else stored
        self._reads[id] = own = _Read()
        stored = _FAILED
        try:
            stored = await self.read(id)
        finally:
            own.stored.set_result(stored)
            if self._reads.get(id) is own:
                del self._reads[id]
        return stored

    def _then_forget(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """Have nobody share a read that was begun before a change has ended."""

        async def changed(id: Any, *value: Any) -> None:
            try:
                await change(id, *value)
            finally:
                self._reads.pop(id, None)

        return changed

    def _then_forget_many(self, change: Callable[..., Any]) -> Callable[..., Any]:
        async def changed(ids: Any) -> None:
            try:
                await change(ids)
            finally:
                for id in ids:
                    self._reads.pop(id, None)

        return changed

    def _fetch_at_once(self, quick: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Fetch as a region for threads does, and wait only where that fails."""
        mangle, load = self._mangler, self.load

        async def fetch(key: Any) -> CacheReturnType:
            id = key if mangle is None else mangle(key)
            try:
                found: CacheReturnType = quick(id)
                return found
            except _TakesLongerError:
                return load(await self.read(id), key)

        return fetch

    async def read_keys(self, keys: Sequence[Any]) -> Sequence[Any]:
        ids = self.mangle_all(keys)
        return all_found(ids, await self.read_many(ids) if ids else ())

    async def write_many(self, values: Mapping[Any, Any]) -> None:
        if values:
            await self._write_many(values)

    async def delete_many(self, keys: Iterable[Any]) -> None:
        keys = list(keys)
        if keys:
            await self._delete_many(keys)
