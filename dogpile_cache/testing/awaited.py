"""The contract of backends, asked of one for tasks.

The tests call and do not await.  So an event loop runs in a thread of its own, in which
everything is done that they ask for, and the creators run in threads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from dogpile_cache.aio import AsyncCacheRegion
from dogpile_cache.api import CacheMutex
from dogpile_cache.backend import BaseBackend
from dogpile_cache.exception import CreationDeadlock
from dogpile_cache.tasks.flights import settled

from .contract import BackendContract
from .tools import DEADLINE, raises


class AsyncBackendContract(BackendContract):
    """Test what a backend for tasks promises; derive from it as from the other one."""

    def make_region(self, **options: Any) -> Any:
        expiration_time = options.pop("expiration_time", None)
        wrap = options.pop("wrap", ())
        region = AsyncCacheRegion(**options).configure(
            self.backend,
            expiration_time=expiration_time,
            arguments=self.arguments,
            wrap=wrap,
        )
        _regions.append(region)
        return _Called(region)

    def teardown_method(self) -> None:
        """Close the regions that the test has made."""
        while _regions:
            _run(_regions.pop().aclose)

    def test_a_creator_that_asks_for_its_own_key_is_told(self) -> None:
        region, key = self.make_region(), self.key()

        async def ask() -> Any:
            return await region._it.get_or_create(key, ask)

        with raises(CreationDeadlock):
            _run(ask)
        assert not region.key_is_locked(key)


_regions: list[AsyncCacheRegion] = []
_PARTS = (AsyncCacheRegion, BaseBackend, CacheMutex)


class _Called:
    """Be something of a loop for who calls from outside."""

    def __init__(self, it: Any) -> None:
        self._it = it

    def __getattr__(self, name: str) -> Any:
        value: Any = getattr(self._it, name)
        if isinstance(value, _PARTS):
            return _Called(value)
        if not callable(value):
            return value
        if name == "cache_on_arguments":
            decorators: Any = value
            return lambda **kw: lambda fn: _Function(decorators(**kw)(fn))

        def call(*args: Any, **kw: Any) -> Any:
            if name.startswith("get_or_create"):
                args = (args[0], _in_thread(args[1]), *args[2:])
            answer = _run(value, *args, **kw)
            return _Called(answer) if isinstance(answer, _PARTS) else answer

        return call


class _Function:
    """Be a decorated function, and its companions."""

    def __init__(self, function: Any) -> None:
        for name in ("get", "set", "refresh", "invalidate"):
            setattr(self, name, _blocking(getattr(function, name)))
        self._call = _blocking(function)

    def __call__(self, *args: Any) -> Any:
        return self._call(*args)


def _blocking(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: _run(function, *args)


def _in_thread(creator: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *keys: asyncio.to_thread(creator, *keys)


def _run(function: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    async def run() -> Any:
        return await settled(function(*args, **kw))

    return asyncio.run_coroutine_threadsafe(run(), _loop()).result(DEADLINE)


_loops: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    if not _loops:
        _loops.append(asyncio.new_event_loop())
        threading.Thread(target=_loops[0].run_forever, daemon=True).start()
    return _loops[0]
