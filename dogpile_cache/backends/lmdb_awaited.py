"""The LMDB backend for tasks.

What reads does so at once, on the event loop: it takes a microsecond or two, and waits for
nobody.  What writes does so in a thread, since another process may just be writing.
"""

# What its namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dogpile_cache.api import CacheMutex, KeyType
from dogpile_cache.tasks.backend import Immediate

from .lmdb_lock import EntryLock


class AwaitedLmdb(Immediate):
    """Keep values in a directory that the processes of one machine share."""

    async def _change(self, method: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.to_thread(method, *args)

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        return self.backend.get_mutex(key, AsyncEntryLock)  # type: ignore[call-arg]


class AsyncEntryLock(EntryLock):
    """Be such a lock for tasks: they pause without their thread."""

    async def pause(self, waited: float) -> None:
        with self.in_turn(waited) as seconds:
            await asyncio.sleep(seconds)

    async def revoke(self) -> None:
        await asyncio.to_thread(super().revoke)

    async def release(self) -> bool:
        """Give the lock back; False if what was made is not to be kept."""
        if self.confirm():
            return super().release()
        return await asyncio.to_thread(super().release)
