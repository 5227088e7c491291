"""Rows of one process: hits in memory and in a file, and the bytes an entry takes."""

from __future__ import annotations

import dbm
import functools
import gc
import pickle
import statistics
import tempfile
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.harness import THAT, THIS, Contender, Figure, Reach, Row, Sampler, Stage
from benchmarks.peers import beaker_hit, cachetools_hit, cashews_hit, diskcache_hit
from benchmarks.regions import AN_HOUR, GET_OR_CREATE, KEY, KILOBYTE, make_region, never

ENTRIES = 20_000

Fill = Callable[[Sequence[str], Sequence[bytes]], object]


def add(a: int, b: int) -> int:
    return a + b


# One key in memory


def region_hit(package: str) -> Contender:
    def prepare(stage: Stage) -> Sampler:
        region = make_region(package, "memory")
        region.set(KEY, KILOBYTE)
        return stage.statement(
            GET_OR_CREATE, get_or_create=region.get_or_create, key=KEY, creator=never
        )

    return prepare


def dict_hit(stage: Stage) -> Sampler:
    return stage.statement("get(key)", get={KEY: KILOBYTE}.get, key=KEY)


# A decorated function


def decorated(decorate: Callable[[Callable[[int, int], int]], Any]) -> Contender:
    """Call ``add`` as ``decorate`` returns it, always with the same two numbers."""

    def prepare(stage: Stage) -> Sampler:
        return stage.statement("cached(1, 2)", cached=decorate(add))

    return prepare


def decorated_by_region(package: str, **options: Any) -> Contender:
    def prepare(stage: Stage) -> Sampler:
        region = make_region(package, "memory")
        return decorated(region.cache_on_arguments(**options))(stage)

    return prepare


def decorated_with_typed_keys(stage: Stage) -> Sampler:
    from dogpile_cache.keys import typed_key_generator

    return decorated_by_region(THIS, function_key_generator=typed_key_generator)(stage)


def decorated_by_cachetools(stage: Stage) -> Sampler:
    from cachetools import TTLCache, cached

    return decorated(cached(TTLCache(100, AN_HOUR), lock=threading.Lock()))(stage)


def decorated_by_beaker(stage: Stage) -> Sampler:
    from beaker.cache import CacheManager

    return decorated(CacheManager(type="memory").cache("benchmarks"))(stage)


# A file of 1,000 keys


def dbm_region_hit(package: str) -> Contender:
    def prepare(stage: Stage) -> Sampler:
        path = f"{stage.directory()}/cache.dbm"
        region = make_region(package, "dbm", filename=path)
        region.set_multi({f"key {number}": KILOBYTE for number in range(1000)})
        return stage.statement(
            GET_OR_CREATE,
            get_or_create=region.get_or_create,
            key="key 500",
            creator=never,
        )

    return prepare


def dbm_hit(stage: Stage) -> Sampler:
    path = f"{stage.directory()}/cache.dbm"
    with dbm.open(path, "c") as file:
        for number in range(1000):
            file[f"key {number}"] = pickle.dumps(KILOBYTE)
    return stage.statement(
        "with open(path) as file: loads(file[key])",
        open=dbm.open,
        path=path,
        loads=pickle.loads,
        key="key 500",
    )


def dbm_module() -> str:
    """Name the dbm module that this Python opens new files with."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/probe"
        dbm.open(path, "c").close()
        return dbm.whichdb(path) or "unknown"


# Bytes per entry


def fill_dict(keys: Sequence[str], payloads: Sequence[bytes]) -> object:
    return dict(zip(keys, payloads, strict=True))


def fill_region(package: str) -> Fill:
    def fill(keys: Sequence[str], payloads: Sequence[bytes]) -> object:
        region = make_region(package, "memory")
        for key, payload in zip(keys, payloads, strict=True):
            region.get_or_create(key, functools.partial(bytes, payload))
        return region

    return fill


def fill_cachetools(keys: Sequence[str], payloads: Sequence[bytes]) -> object:
    from cachetools import TTLCache

    cache: Any = TTLCache(ENTRIES, AN_HOUR)
    cache.update(zip(keys, payloads, strict=True))
    return cache


def bytes_per_entry(fill: Fill) -> Contender:
    """Sample what an entry takes beyond its place in a plain dict."""

    def prepare(stage: Stage) -> Sampler:
        keys = [f"key {number}" for number in range(ENTRIES)]
        payloads = [b"%100d" % number for number in range(ENTRIES)]

        def sample() -> tuple[float]:
            above = _growth(fill, keys, payloads) - _growth(fill_dict, keys, payloads)
            return (round(above / (ENTRIES - 1)),)  # less than a byte is no finding

        return sample

    return prepare


def _growth(fill: Fill, keys: Sequence[str], payloads: Sequence[bytes]) -> int:
    """Return what all entries but the first take: the cache itself is not counted."""
    return _traced_bytes(fill, keys, payloads) - _traced_bytes(
        fill, keys[:1], payloads[:1]
    )


def _traced_bytes(fill: Fill, keys: Sequence[str], payloads: Sequence[bytes]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        filled = fill(keys, payloads)
        gc.collect()
        took, _ = tracemalloc.get_traced_memory()
        del filled
        return took
    finally:
        tracemalloc.stop()


def rows() -> list[Row]:  # long as a table is
    return [
        Row(
            "memory, get_or_create hit",
            {
                THIS: region_hit(THIS),
                THAT: region_hit(THAT),
                "dict.get": dict_hit,
                "cachetools": cachetools_hit,
                "Beaker": beaker_hit(lambda stage: {"type": "memory"}),
                "cashews": cashews_hit(lambda stage: "mem://"),
            },
            floor="dict.get",
            reach=(Reach(1 / 14, THAT), Reach(1, "cachetools")),
        ),
        Row(
            "memory, cache_on_arguments hit",
            {
                THIS: decorated_by_region(THIS),
                THAT: decorated_by_region(THAT),
                "lru_cache": decorated(functools.lru_cache),
                "cachetools": decorated_by_cachetools,
                "Beaker": decorated_by_beaker,
            },
            floor="lru_cache",
            reach=(Reach(1 / 16, THAT), Reach(1, "cachetools")),
        ),
        Row(
            "memory, cache_on_arguments hit, typed keys",
            {
                THIS: decorated_with_typed_keys,
                THAT: decorated_by_region(THAT),
                "lru_cache": decorated(functools.lru_cache(typed=True)),
                f"{THIS}, default keys": decorated_by_region(THIS),
            },
            floor="lru_cache",
        ),
        Row(
            f"file ({dbm_module()}) of 1,000 keys, 1 KB, hit",
            {
                THIS: dbm_region_hit(THIS),
                THAT: dbm_region_hit(THAT),
                "dbm.open + loads": dbm_hit,
                "diskcache": diskcache_hit,
            },
            floor="dbm.open + loads",
        ),
        Row(
            "memory, bytes per entry above a dict",
            {
                THIS: bytes_per_entry(fill_region(THIS)),
                THAT: bytes_per_entry(fill_region(THAT)),
                "cachetools": bytes_per_entry(fill_cachetools),
            },
            figures=(Figure((Reach(160),), unit="B", summary=statistics.median),),
            rounds=3,
        ),
    ]
