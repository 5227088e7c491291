"""The storm: four processes of eight threads ask for one key at once, on real servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
import redis

from benchmarks.remote import count_commands
from benchmarks.storm import Storm
from dogpile_cache import NO_VALUE, CacheRegion, make_region
from tests.servers import Memcached, Redis
from tests.unit.threads import Call

PROCESSES, THREADS = 4, 8
MOST_COMMANDS = 60

THREADS_OF_ONE, SECONDS, FEWEST_ROUNDS = 32, 2.0, 30
"""Long, since all that may happen has to happen to one region."""


BACKENDS = ["redis", "valkey", "pymemcache", "pylibmc", "memcached", "dbm", "lmdb"]


@pytest.fixture(params=BACKENDS)
def storm(request: Any, tmp_path: Path) -> Iterator[Storm]:
    backend = request.param
    arguments: dict[str, Any] = {"distributed_lock": True}
    if backend in ("redis", "valkey"):
        arguments["url"] = request.getfixturevalue("redis_server").url
    elif backend == "dbm":
        arguments = {"filename": str(tmp_path / "file.dbm")}
    elif backend == "lmdb":
        arguments = {"path": str(tmp_path / "cache")}
    else:
        arguments["url"] = request.getfixturevalue("memcached_server").url
    with Storm("dogpile_cache", backend, arguments, processes=PROCESSES) as storm:
        yield storm


pytestmark = pytest.mark.server


def test_a_missing_value_is_made_once_and_given_to_all(storm: Storm) -> None:
    for _ in range(2):
        result = storm.run(f"missing {uuid4()}")
        assert result.errors == []
        assert result.creations == 1
        assert len(result.values) == 1
        assert len(result.answers) == PROCESSES * THREADS


def test_an_expired_value_is_made_once_and_all_others_are_served_it(
    storm: Storm,
) -> None:
    result = storm.run(f"expired {uuid4()}", expired=True)
    assert result.errors == []
    assert result.creations == 1
    assert result.served_stale == PROCESSES * THREADS - 1


def test_a_storm_costs_redis_few_commands(redis_server: Redis) -> None:
    arguments = {"url": redis_server.url, "distributed_lock": True}
    with redis.Redis.from_url(redis_server.url) as client:
        count = partial(count_commands, client)
        with Storm("dogpile_cache", "redis", arguments, count=count) as storm:
            storm.run("rehearsal")
            result = storm.run("counted")
    assert result.creations == 1
    assert sum(result.commands.values()) <= MOST_COMMANDS, result.commands


class Making:
    """Make values that tell whose they are and their number."""

    def __init__(self, keys: list[str]) -> None:
        self.made = dict.fromkeys(keys, 0)
        self._lock = threading.Lock()

    def one(self, key: str) -> tuple[str, int]:
        with self._lock:
            self.made[key] += 1
            return key, self.made[key]

    def many(self, *keys: str) -> list[tuple[str, int]]:
        return [self.one(key) for key in keys]


def act(region: CacheRegion, making: Making, random: Random) -> None:
    """Do to the region, at random, one of all the things there are to do."""
    keys = random.sample(list(making.made), 5)
    key = keys[0]
    what = random.random()
    if what < 0.7:
        value = region.get_or_create(key, making.one, creator_args=((key,), {}))
        assert value[0] == key
        assert 1 <= value[1] <= making.made[key]
    elif what < 0.8:
        found = region.get_or_create_multi(keys, making.many)
        assert [value[0] for value in found] == keys
    elif what < 0.9:
        value = region.get(key)
        assert value is NO_VALUE or value[0] == key
    elif what < 0.97:
        region.delete(key)
    else:
        region.invalidate(hard=random.random() < 0.5)


@pytest.mark.parametrize(
    "backend", ["memory", "bounded", "redis", "pymemcache", "lmdb"]
)
def test_many_threads_on_one_region_lose_nothing(
    backend: str, redis_server: Redis, memcached_server: Memcached, tmp_path: Path
) -> None:
    """Whatever is set, deleted, invalidated or expires: a key gives its own value."""
    arguments: dict[str, Any] = {
        "memory": {},
        "bounded": {"max_entries": 10},
        "redis": {"url": redis_server.url, "distributed_lock": True},
        "pymemcache": {"url": memcached_server.url, "distributed_lock": True},
        "lmdb": {"path": tmp_path / "cache", "max_entries": 10},
    }[backend]
    name = "memory" if backend == "bounded" else backend
    region = make_region().configure(
        f"dogpile.cache.{name}", expiration_time=0.05, arguments=arguments
    )
    making = Making([f"{backend} {i}" for i in range(20)])
    until = time.monotonic() + SECONDS

    def use(seed: int) -> None:
        random, rounds = Random(seed), 0
        while rounds < FEWEST_ROUNDS or time.monotonic() < until:
            act(region, making, random)
            rounds += 1

    for call in [Call(use, seed) for seed in range(THREADS_OF_ONE)]:
        call.result()
    assert not any(region.key_is_locked(key) for key in making.made)
