"""The storm among tasks, and among tasks and threads, on real servers."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import redis

from benchmarks.remote import count_commands
from benchmarks.storm import Storm
from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.aio import make_async_region
from tests.servers import Memcached, Redis

from .conftest import Run

pytestmark = pytest.mark.server

PROCESSES, TASKS = 4, 64
MOST_COMMANDS = 60


@pytest.mark.parametrize("library", ["redis", "valkey", "pymemcache", "pylibmc"])
@pytest.mark.parametrize("tasks", [[TASKS], [TASKS, 0]], ids=["tasks", "mixed"])
def test_a_fleet_makes_a_value_once(
    library: str, tasks: list[int], request: Any
) -> None:
    """Processes of tasks and processes of threads share values, keys and locks."""
    of_redis = library in ("redis", "valkey")
    name = "redis_server" if of_redis else "memcached_server"
    arguments = {
        "url": request.getfixturevalue(name).url,
        "distributed_lock": True,
    }
    with Storm("dogpile_cache", library, arguments, tasks=tasks) as storm:
        missing = storm.run(f"missing {uuid4()}")
        expired = storm.run(f"expired {uuid4()}", expired=True)
    for result in (missing, expired):
        assert result.errors == []
        assert result.creations == 1
    assert len(missing.values) == 1
    assert expired.served_stale == len(expired.answers) - 1


def test_a_storm_of_tasks_costs_redis_few_commands(redis_server: Redis) -> None:
    arguments = {"url": redis_server.url, "distributed_lock": True}
    with redis.Redis.from_url(redis_server.url) as client:
        count = partial(count_commands, client)
        with Storm(
            "dogpile_cache", "redis", arguments, tasks=[TASKS], count=count
        ) as s:
            s.run("rehearsal of tasks")
            result = s.run("counted of tasks")
    assert len(result.answers) == PROCESSES * TASKS
    assert result.creations == 1
    assert sum(result.commands.values()) <= MOST_COMMANDS, result.commands


def test_who_blocked_its_loop_for_longer_than_the_lease_does_not_write(
    run: Run, redis_server: Redis
) -> None:
    arguments = {
        "url": redis_server.url,
        "distributed_lock": True,
        "lock_timeout": 0.1,
    }
    other = make_region().configure("dogpile.cache.redis", arguments=arguments)
    key = uuid4().hex

    async def main() -> Any:
        region = make_async_region().configure(
            "dogpile.cache.redis", arguments=arguments
        )

        def block() -> str:
            with redis.Redis.from_url(redis_server.url) as client:
                deadline = time.monotonic() + 20
                while client.exists(f"_lock{key}"):
                    assert time.monotonic() < deadline
            assert other.get_or_create(key, lambda: "of the other") == "of the other"
            return "of the blocked one"

        async with region:
            return await region.get_or_create(key, block)

    assert run(main()) == "of the blocked one"
    assert other.get(key) == "of the other"


def test_a_lease_is_renewed_while_its_holder_is_at_work(
    run: Run, redis_server: Redis
) -> None:
    arguments = {
        "url": redis_server.url,
        "distributed_lock": True,
        "lock_timeout": 0.3,
    }
    key = uuid4().hex

    async def main() -> None:
        region = make_async_region().configure(
            "dogpile.cache.redis", arguments=arguments
        )
        async with region:

            async def create() -> int:
                deadline = time.monotonic() + 1
                while time.monotonic() < deadline:
                    assert await region.key_is_locked(key)
                    await asyncio.sleep(0.02)
                return 1

            assert await region.get_or_create(key, create) == 1
            assert await region.get(key) == 1
            assert not await region.key_is_locked(key)

    run(main())


def test_a_value_of_a_region_for_threads_is_one_for_tasks(
    run: Run, redis_server: Redis
) -> None:
    arguments = {"url": redis_server.url}
    other = make_region().configure("dogpile.cache.redis", arguments=arguments)
    key = uuid4().hex
    other.set(key, {"a": 1})

    async def main() -> None:
        region = make_async_region().configure(
            "dogpile.cache.redis", arguments=arguments
        )
        async with region:
            assert await region.get(key) == {"a": 1}
            await region.set(key, 2)

    run(main())
    assert other.get(key) == 2
    other.delete(key)
    assert other.get(key) is NO_VALUE


def test_a_region_over_a_server_serves_one_loop_after_the_other(
    redis_server: Redis,
) -> None:
    region = make_async_region().configure(
        "dogpile.cache.redis", arguments={"url": redis_server.url}
    )

    async def use() -> Any:
        async with region:
            return await region.get_or_create(key, lambda: 1)

    key = uuid4().hex
    assert [asyncio.run(use()) for _ in range(2)] == [1, 1]


VALUES = [{"a": [1, None]}, "text", b"bytes", 5, "x" * 5000]


@pytest.mark.parametrize("name", ["memcached", "pylibmc", "pymemcache", "bmemcached"])
@pytest.mark.parametrize("serializer", [None, "json"])
def test_values_of_memcached_are_shared(
    run: Run, memcached_server: Memcached, name: str, serializer: str | None
) -> None:
    arguments = {"url": memcached_server.url}
    backend, keys = f"dogpile.cache.{name}", [uuid4().hex for _ in VALUES]
    values = [value for value in VALUES if serializer is None or value != b"bytes"]
    other = make_region(serializer=serializer).configure(backend, arguments=arguments)

    async def main() -> None:
        region = make_async_region(serializer=serializer)
        region.configure(backend, arguments=arguments)
        async with region:
            for key, value in zip(keys, values):
                other.set(key, value)
                assert await region.get(key) == value
                await region.set(f"{key} of tasks", value)  # which is mangled
                assert other.get(f"{key} of tasks") == value
            asked = keys[: len(values)]
            assert await region.get_multi(asked) == other.get_multi(asked) == values

    run(main())


def test_a_compressed_value_is_read(run: Run, memcached_server: Memcached) -> None:
    arguments = {"url": memcached_server.url}
    compressing = {**arguments, "min_compress_len": 10}
    other = make_region().configure("dogpile.cache.memcached", arguments=compressing)
    key = uuid4().hex
    other.set(key, "x" * 5000)

    async def main() -> None:
        region = make_async_region()
        region.configure("dogpile.cache.memcached", arguments=arguments)
        async with region:
            assert await region.get(key) == "x" * 5000

    run(main())


def test_a_server_that_was_away_is_asked_again(run: Run) -> None:
    async def main() -> None:
        with Memcached() as server:
            region = make_async_region().configure(
                "dogpile.cache.pymemcache",
                arguments={"url": server.url},
                on_backend_error="raise",
            )
            server.stop()
            async with region:
                with pytest.raises(Exception, match=r"\S|^$"):
                    await asyncio.wait_for(region.get("key"), 10)
                server.start()
                for _ in range(200):
                    try:
                        await region.set("key", 1)
                        break
                    except Exception:
                        await asyncio.sleep(0.05)
                assert await region.get("key") == 1

    run(main())
