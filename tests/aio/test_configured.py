"""How regions for tasks are configured, and which backend they are given."""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from typing import Any
from uuid import uuid4

import pytest

from dogpile_cache import NO_VALUE, register_backend
from dogpile_cache.aio import AsyncBytesBackend, AsyncCacheRegion, make_async_region
from dogpile_cache.api import CacheBackend
from dogpile_cache.config import Regions
from dogpile_cache.exception import (
    PluginNotFound,
    RegionAlreadyConfigured,
    TwoEventLoops,
    ValidationError,
)
from tests.servers import Redis

from .conftest import Run


class ForThreads(CacheBackend):
    """Be somebody's backend, which knows nothing of tasks."""

    def __init__(self, arguments: Any) -> None:
        self.kept: dict[Any, Any] = {}

    def get(self, key: Any) -> Any:
        return self.kept.get(key, NO_VALUE)

    def set(self, key: Any, value: Any) -> None:
        self.kept[key] = value

    def delete(self, key: Any) -> None:
        self.kept.pop(key, None)


class ForTasks(AsyncBytesBackend):
    """Be somebody's backend for tasks."""

    def __init__(self, arguments: Any) -> None:
        self.kept: dict[Any, bytes] = {}

    async def get_serialized(self, key: Any) -> Any:
        await asyncio.sleep(0)
        return self.kept.get(key, NO_VALUE)

    async def set_serialized(self, key: Any, value: bytes) -> None:
        await asyncio.sleep(0)
        self.kept[key] = value


for cls in (ForThreads, ForTasks):
    register_backend(f"test.{cls.__name__}", __name__, cls.__name__)


def test_a_backend_that_has_no_awaited_form_is_called_by_threads(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "dogpile_cache"):
        region = make_async_region().configure("test.ForThreads")
    assert "'test.ForThreads' has no awaited form; threads call it" in caplog.text

    async def main() -> None:
        assert await region.get_or_create("key", lambda: 1) == 1
        assert await region.get("key") == 1
        assert set(region.backend.kept) == {"key"}

    run(main())


def test_our_own_are_called_by_threads_without_a_word(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a dbm.dumb file
        make_async_region().configure(
            "dogpile.cache.dbm", arguments={"filename": str(tmp_path / "file")}
        )
    assert caplog.text == ""


def test_somebody_s_backend_for_tasks(run: Run) -> None:
    region = make_async_region().configure("test.ForTasks", expiration_time=60)

    async def main() -> None:
        assert await region.get_or_create("key", lambda: {"a": 1}) == {"a": 1}
        assert await region.get("key") == {"a": 1}

    run(main())


def test_regions_of_settings(run: Run) -> None:
    regions: Any = Regions(make_async_region)  # type: ignore[arg-type]
    short = regions["short"]
    regions.configure(
        {
            "dogpile_cache.regions": "short",
            "dogpile_cache.short.backend": "dogpile.cache.memory",
            "dogpile_cache.short.expiration_time": "60",
            "dogpile_cache.short.arguments.max_entries": "10",
        }
    )
    assert isinstance(short, AsyncCacheRegion)
    assert short.expiration_time == 60
    assert short.actual_backend.max_entries == 10
    assert run(short.get_or_create("key", lambda: 1)) == 1
    with pytest.raises(RegionAlreadyConfigured):
        short.configure("dogpile.cache.memory")


def test_a_mistake_is_the_error_that_it_is_for_threads() -> None:
    with pytest.raises(PluginNotFound, match="there are"):
        make_async_region().configure("dogpile.cache.memroy")
    with pytest.raises(ValidationError, match="lock_sleep is 'x'"):
        make_async_region().configure(
            "dogpile.cache.redis", arguments={"lock_sleep": "x"}
        )
    with pytest.raises(ValidationError, match="max_entries is 0"):
        make_async_region().configure(
            "dogpile.cache.memory", arguments={"max_entries": 0}
        )


@pytest.mark.server
def test_two_loops_at_once_on_one_server_are_told(redis_server: Redis) -> None:
    region = make_async_region().configure(
        "dogpile.cache.redis", arguments={"url": redis_server.url}
    )
    other = asyncio.new_event_loop()

    async def main() -> None:
        async with region:
            await region.get("key")
            with pytest.raises(TwoEventLoops, match="Make a region for each loop"):
                await asyncio.to_thread(other.run_until_complete, region.get("key"))

    asyncio.run(main())
    other.close()


@pytest.mark.server
@pytest.mark.parametrize("name", ["redis", "pymemcache"])
def test_a_forked_child_opens_connections_of_its_own(name: str, request: Any) -> None:
    fixture = "redis_server" if name == "redis" else "memcached_server"
    url, key = request.getfixturevalue(fixture).url, uuid4().hex
    region = make_async_region().configure(
        f"dogpile.cache.{name}", arguments={"url": url}
    )

    async def main() -> None:
        async with region:
            await region.set(key, "of the parent")
            child = os.fork()
            if child == 0:
                asyncio.events._set_running_loop(None)
                os._exit(asyncio.new_event_loop().run_until_complete(in_child()))
            status = await asyncio.to_thread(os.waitpid, child, 0)
            assert os.waitstatus_to_exitcode(status[1]) == 0
            assert await region.get(key) == "of the child"

    async def in_child() -> int:
        if await region.get(key) != "of the parent":
            return 1
        await region.set(key, "of the child")
        return 0

    asyncio.run(main())
