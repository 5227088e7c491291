"""Backends and mutexes for threads in the service of tasks, each call in a thread."""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from dogpile_cache.api import CacheMutex, KeyType

from .backend import Immediate


class Threaded(Immediate):
    """Be a backend for threads as one for tasks.

    A call whose task is cancelled goes on in its thread.
    """

    def reader(self, codec: Any, slowly: Any, circuit: Any) -> None:
        return None

    async def _call(self, method: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.to_thread(method, *args)

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        mutex = self.backend.get_mutex(key)
        return None if mutex is None else ThreadedMutex(mutex)


class ThreadedMutex(CacheMutex):
    """Be a mutex for threads as one for tasks.

    All its calls are made in one thread, since a mutex may belong to a thread; it ends
    with the mutex.
    """

    def __init__(self, mutex: CacheMutex) -> None:
        self._mutex = mutex
        self._thread = ThreadPoolExecutor(1, "dogpile_cache mutex")
        self.gathers = getattr(mutex, "gathers", True)

    def __getattr__(self, name: str) -> Any:
        if name not in (
            "pause",
            "leave",
            "confirm",
            "revoke",
        ):  # what not all mutexes have
            raise AttributeError(name)
        return partial(self._call, getattr(self._mutex, name))

    async def acquire(self, wait: bool = True) -> bool:
        call: Future[Any] = self._thread.submit(self._mutex.acquire, wait)
        try:
            return bool(await asyncio.wrap_future(call))
        except asyncio.CancelledError:
            call.add_done_callback(self._give_up)
            raise

    def _give_up(self, call: Future[Any]) -> None:
        """Release what was acquired, in its thread, for a task that was cancelled."""
        if not call.cancelled() and call.exception() is None and call.result():
            self._mutex.release()

    async def release(self) -> bool | None:
        kept: bool | None = await self._call(self._mutex.release)
        return kept

    async def locked(self) -> bool:
        return bool(await self._call(self._mutex.locked))

    async def _call(self, method: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.wrap_future(self._thread.submit(method, *args))
