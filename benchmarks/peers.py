"""The other caches, each prepared for a hit on one key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Contender, Sampler, Stage
from benchmarks.regions import AN_HOUR, KEY, KILOBYTE, never


def cachetools_hit(stage: Stage) -> Sampler:
    from cachetools import TTLCache

    cache: Any = TTLCache(100, AN_HOUR)
    cache[KEY] = KILOBYTE
    return stage.statement(
        "with lock: cache[key]", lock=threading.Lock(), cache=cache, key=KEY
    )


def beaker_hit(options: Callable[[Stage], dict[str, Any]]) -> Contender:
    def prepare(stage: Stage) -> Sampler:
        from beaker.cache import CacheManager

        manager = CacheManager(lock_dir=stage.directory(), **options(stage))
        cache = manager.get_cache("benchmarks")
        cache.put(KEY, KILOBYTE)
        return stage.statement(
            "get(key, createfunc=never)", get=cache.get, key=KEY, never=never
        )

    return prepare


def cashews_hit(url: Callable[[Stage], str]) -> Contender:
    def prepare(stage: Stage) -> Sampler:
        from cashews import Cache

        key, run = f"cashews {KEY}", stage.event_loop.run_until_complete
        cache = Cache()
        cache.setup(url(stage))
        stage.closing.callback(lambda: run(cache.close()))
        run(cache.set(key, KILOBYTE, expire=AN_HOUR))
        return stage.statement(
            "await get_or_set(key, never)",
            get_or_set=cache.get_or_set,
            key=key,
            never=never,
        )

    return prepare


def diskcache_hit(stage: Stage) -> Sampler:
    from diskcache import Cache

    cache = stage.closing.enter_context(Cache(stage.directory()))
    for number in range(1000):
        cache.set(f"key {number}", KILOBYTE, expire=AN_HOUR)
    return stage.statement("get(key)", get=cache.get, key="key 500")
