"""Regions for threads and for tasks behind one interface, so that one suite has both.

Calls of an async region run in an event loop that a thread of its own runs; its creators
are called in further threads, so that they may wait.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dogpile_cache import make_region
from dogpile_cache.aio import make_async_region
from dogpile_cache.context import takes_context
from dogpile_cache.testing import SettableClock

Make = Callable[..., Any]


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


class Loop:
    """Be an event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


def _in_thread(creator: Callable[..., Any]) -> Callable[..., Any]:
    async def create(*args: Any, **kw: Any) -> Any:
        return await asyncio.to_thread(creator, *args, **kw)

    async def with_context(context: Any) -> Any:
        return await asyncio.to_thread(creator, context)

    return with_context if takes_context(creator) else create


class TasksRegion:
    """Be a region for tasks that is called as one for threads is."""

    def __init__(self, loop: Loop, **options: Any) -> None:
        self.loop = loop
        self.region = make_async_region(**options)

    def configure(self, *args: Any, **settings: Any) -> TasksRegion:
        self.region.configure(*args, **settings)
        return self

    def get_or_create(self, key: Any, creator: Any, *args: Any, **kw: Any) -> Any:
        creator = _in_thread(creator)
        return self.loop.run(self.region.get_or_create(key, creator, *args, **kw))

    def get_or_create_multi(self, keys: Any, creator: Any, **kw: Any) -> Any:
        creator = _in_thread(creator)
        return self.loop.run(self.region.get_or_create_multi(keys, creator, **kw))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.region, name)
        if not asyncio.iscoroutinefunction(found):
            return found
        return lambda *args, **kw: self.loop.run(found(*args, **kw))


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(params=["threads", "tasks"])
def make(request: pytest.FixtureRequest, clock: SettableClock) -> Make:
    """Return what makes a region on a clock that stands still."""
    if request.param == "threads":
        return lambda **options: make_region(clock=clock, **options)
    loop = request.getfixturevalue("loop")
    return lambda **options: TasksRegion(loop, clock=clock, **options)
