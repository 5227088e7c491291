"""Rows of asyncio: hits in memory and on Redis, awaited."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from benchmarks.harness import THIS, Reach, Row, Stage, Statement
from benchmarks.memory import region_hit
from benchmarks.peers import cashews_hit
from benchmarks.regions import AN_HOUR, KEY, KILOBYTE, never

AWAITED = "await get_or_create(key, creator)"


def hit(backend: str) -> Any:
    """Return a contender: a hit of a region for tasks."""

    def prepare(stage: Stage) -> Statement:
        from dogpile_cache.aio import make_async_region

        arguments = {"url": stage.servers.redis_url} if backend == "redis" else {}
        region = make_async_region()
        region.configure(f"dogpile.cache.{backend}", arguments=arguments)
        run = stage.event_loop.run_until_complete
        run(region.set(KEY, KILOBYTE))
        stage.closing.callback(lambda: run(region.aclose()))
        return stage.statement(
            AWAITED, get_or_create=region.get_or_create, key=KEY, creator=never
        )

    return prepare


async def add(a: int, b: int) -> int:
    return a + b


def decorated(decorate: Callable[[Any], Any]) -> Any:
    """Return a contender: a call of a decorated function, with the same two numbers."""

    def prepare(stage: Stage) -> Statement:
        function = decorate(add)
        stage.event_loop.run_until_complete(function(1, 2))
        return stage.statement("await function(1, 2)", function=function)

    return prepare


def by_region(function: Any) -> Any:
    from dogpile_cache.aio import make_async_region

    region = make_async_region().configure("dogpile.cache.memory", AN_HOUR)
    return region.cache_on_arguments()(function)


def by_cashews(function: Any) -> Any:
    from cashews import Cache

    cache = Cache()
    cache.setup("mem://")
    return cache(ttl=AN_HOUR)(function)


def by_aiocache(function: Any) -> Any:
    from aiocache import cached

    return cached(ttl=AN_HOUR)(function)


def redis_asyncio(stage: Stage) -> Statement:
    from redis.asyncio import Redis

    run = stage.event_loop.run_until_complete
    client = Redis.from_url(stage.servers.redis_url)
    stage.closing.callback(lambda: run(client.aclose()))
    run(client.set("raw of asyncio", pickle.dumps(KILOBYTE)))
    return stage.statement(
        "loads(await get(key))",
        loads=pickle.loads,
        get=client.get,
        key="raw of asyncio",
    )


def rows() -> list[Row]:
    threads, raw = "for threads", "redis.asyncio get + loads"
    return [
        Row(
            "asyncio, memory, get_or_create hit",
            {
                THIS: hit("memory"),
                "cashews": cashews_hit(lambda stage: "mem://"),
                threads: region_hit("dogpile_cache"),
            },
            reach=(Reach(1 / 8, "cashews"), Reach(2, threads)),
            floor=threads,
        ),
        Row(
            "asyncio, memory, cache_on_arguments hit",
            {
                THIS: decorated(by_region),
                "cashews": decorated(by_cashews),
                "aiocache": decorated(by_aiocache),
            },
            reach=(Reach(1 / 8, "cashews"), Reach(1 / 8, "aiocache")),
        ),
        Row(
            "asyncio, redis, 1 KB, hit",
            {
                THIS: hit("redis"),
                "cashews": cashews_hit(lambda stage: stage.servers.redis_url),
                raw: redis_asyncio,
            },
            reach=(Reach(1.1, raw), Reach(1, "cashews")),
            floor=raw,
        ),
    ]
