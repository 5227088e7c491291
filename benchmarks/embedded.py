"""Rows of a cache in files that the processes of one machine share, by LMDB."""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, ClassVar

from benchmarks.harness import THIS, Contender, Figure, Reach, Row, Sampler, Stage
from benchmarks.peers import diskcache_hit
from benchmarks.regions import AN_HOUR, GET_OR_CREATE, KILOBYTE, never
from benchmarks.storm import PATIENCE, CommandCount
from benchmarks.storms import MEDIAN, ONE_CREATION, storm_row

KEYS = [f"key-{number}" for number in range(1000)]
PASSES = 20
RAW_READ, RAW_WRITE = "lmdb get", "lmdb put"

Arguments = Callable[[Stage], dict[str, Any]]


def a_directory(stage: Stage) -> dict[str, Any]:
    return {"path": stage.directory()}


def a_redis(stage: Stage) -> dict[str, Any]:
    return {"url": stage.servers.redis_url}


def a_memcached(stage: Stage) -> dict[str, Any]:
    host, port = stage.servers.memcached_address
    return {"url": [f"{host}:{port}"]}


def region_of(backend: str, arguments: dict[str, Any]) -> Any:
    from dogpile_cache import make_region

    return make_region().configure(f"dogpile.cache.{backend}", AN_HOUR, arguments)


# One process


def hit(backend: str, arguments: Arguments) -> Contender:
    def prepare(stage: Stage) -> Sampler:
        region = region_of(backend, arguments(stage))
        keys = [f"{backend}-{key}" for key in KEYS]
        region.set_multi(dict.fromkeys(keys, KILOBYTE))
        return stage.statement(
            GET_OR_CREATE,
            get_or_create=region.get_or_create,
            key=keys[500],
            creator=never,
        )

    return prepare


def write(stage: Stage) -> Sampler:
    region = region_of("lmdb", a_directory(stage))
    region.set_multi(dict.fromkeys(KEYS, KILOBYTE))
    return stage.statement(
        "set(next(keys), value)",
        set=region.set,
        next=next,
        keys=itertools.cycle(KEYS),
        value=KILOBYTE,
    )


def diskcache_write(stage: Stage) -> Sampler:
    from diskcache import Cache

    cache = stage.closing.enter_context(Cache(stage.directory()))
    for key in KEYS:
        cache.set(key, KILOBYTE, expire=AN_HOUR)
    return stage.statement(
        "set(next(keys), value, expire=lifetime)",
        set=cache.set,
        next=next,
        keys=itertools.cycle(KEYS),
        value=KILOBYTE,
        lifetime=AN_HOUR,
    )


def raw_environment(stage: Stage) -> Any:
    import lmdb

    environment = lmdb.open(
        stage.directory(), map_size=2**28, max_spare_txns=16, sync=False
    )
    stage.closing.callback(environment.close)
    with environment.begin(write=True) as txn:
        for key in KEYS:
            txn.put(key.encode(), KILOBYTE.encode())
    return environment


def raw_read(stage: Stage) -> Sampler:
    environment = raw_environment(stage)
    return stage.statement(
        "with begin() as txn: txn.get(key)", begin=environment.begin, key=b"key-500"
    )


def raw_write(stage: Stage) -> Sampler:
    return stage.statement(
        "with begin(write=True) as txn: txn.put(next(keys), value)",
        begin=raw_environment(stage).begin,
        next=next,
        keys=itertools.cycle([key.encode() for key in KEYS]),
        value=KILOBYTE.encode(),
    )


# Several processes


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Reader:
    """Be a process that reads when it is told to."""

    region: ClassVar[Any]
    gate: ClassVar[Barrier]

    @classmethod
    def open(cls, path: str, gate: Barrier) -> None:
        cls.region, cls.gate = region_of("lmdb", {"path": path}), gate

    @classmethod
    def read(cls) -> tuple[float, float]:
        """Hit each key a number of times; return when that began and ended."""
        get_or_create = cls.region.get_or_create
        cls.gate.wait(PATIENCE)
        begin = time.perf_counter()
        for _ in range(PASSES):
            for key in KEYS:
                get_or_create(key, never)
        return begin, time.perf_counter()


def read_at_once(processes: int) -> Contender:
    """Sample the seconds a hit, of all processes together: 1 ÷ throughput."""

    def prepare(stage: Stage) -> Sampler:
        path = stage.directory()
        region = region_of("lmdb", {"path": path})
        region.set_multi(dict.fromkeys(KEYS, KILOBYTE))
        context = get_context("spawn")
        pool = ProcessPoolExecutor(
            processes, context, Reader.open, (path, context.Barrier(processes))
        )
        stage.closing.callback(pool.shutdown)

        def sample() -> tuple[float]:
            # one that waits at the gate takes no second task: each takes one
            readings = [pool.submit(Reader.read) for _ in range(processes)]
            begun, ended = zip(*(reading.result() for reading in readings))
            hits = processes * PASSES * len(KEYS)
            return ((max(ended) - min(begun)) / hits,)

        return sample

    return prepare


def at_once_row() -> Row:
    """Return the row of as many processes as there are cores for: four, or else two."""
    processes, times = (4, 3) if cores() >= 4 else (2, 1.7)
    one = "one process"
    return Row(
        f"lmdb, 1 KB, hits in {processes} processes at once, seconds per hit",
        {THIS: read_at_once(processes), one: read_at_once(1)},
        reach=(Reach(1 / times, one),),
        floor=one,
        pinned=False,
    )


def lmdb_storm(stage: Stage) -> tuple[str, dict[str, Any], CommandCount]:
    return "lmdb", a_directory(stage), Counter


P99 = Figure((Reach(0.005),), "p99 delay", summary=statistics.median)


def rows() -> list[Row]:
    return [
        Row(
            "lmdb, 1 KB, hit",
            {
                THIS: hit("lmdb", a_directory),
                RAW_READ: raw_read,
                "diskcache": diskcache_hit,
                "redis": hit("redis", a_redis),
                "memcached (pymemcache)": hit("pymemcache", a_memcached),
                "memcached (pylibmc)": hit("pylibmc", a_memcached),
            },
            floor=RAW_READ,
            reach=(
                Reach(4, RAW_READ),
                Reach(1 / 3, "diskcache"),
                Reach(1 / 8, "redis"),
                Reach(1 / 8, "memcached (pymemcache)"),
                Reach(1 / 8, "memcached (pylibmc)"),
            ),
        ),
        Row(
            "lmdb, 1 KB, write",
            {THIS: write, RAW_WRITE: raw_write, "diskcache": diskcache_write},
            floor=RAW_WRITE,
            reach=(Reach(1 / 4, "diskcache"),),
        ),
        at_once_row(),
        storm_row(
            "storm, lmdb", lmdb_storm, ONE_CREATION, MEDIAN, P99, packages=(THIS,)
        ),
    ]
