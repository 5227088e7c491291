"""The contract, over every backend there is for tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.testing.awaited import AsyncBackendContract
from tests.servers import Memcached, Redis, RedisCluster, SentinelSet, Valkey

from .test_contract import TestNull as OfThreads


class TestMemory(AsyncBackendContract):
    backend = "dogpile.cache.memory"

    @pytest.fixture(autouse=True)
    def one_dict(self) -> None:
        self.arguments = {"cache_dict": {}}


class TestMemoryPickle(TestMemory):
    backend = "dogpile.cache.memory_pickle"


class TestNull(AsyncBackendContract):
    backend = "dogpile.cache.null"
    keeps = False
    locals().update(
        {name: None for name, test in vars(OfThreads).items() if test is None}
    )


class TestDBM(AsyncBackendContract):
    backend = "dogpile.cache.dbm"
    locks = True

    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path) -> None:
        self.arguments = {"filename": str(tmp_path / "cache" / "file.dbm")}


class TestProxied(TestMemory):
    def make_region(self, **options: Any) -> Any:
        return super().make_region(wrap=[ProxyBackend, ProxyBackend()], **options)


class OnRedis(AsyncBackendContract):
    backend = "dogpile.cache.redis"
    options: Mapping[str, Any] = {}

    @pytest.fixture(autouse=True)
    def server(self, redis_server: Redis) -> None:
        self.arguments = {"url": redis_server.url, **self.options}


class TestRedis(OnRedis):
    pass


class TestRedisWithDistributedLock(OnRedis):
    options = {"distributed_lock": True, "lock_timeout": 5}
    locks = True


class TestRedisWithExpiration(OnRedis):
    options = {"redis_expiration_time": 3600}


class TestValkey(AsyncBackendContract):
    backend = "dogpile.cache.valkey"
    locks = True

    @pytest.fixture(autouse=True)
    def server(self, valkey_server: Valkey) -> None:
        self.arguments = {"url": valkey_server.url, "distributed_lock": True}


class TestRedisSentinel(AsyncBackendContract):
    backend = "dogpile.cache.redis_sentinel"
    locks = True

    @pytest.fixture(autouse=True)
    def servers(self, sentinel_set: SentinelSet) -> None:
        self.arguments = {"sentinels": sentinel_set.addresses}


class TestRedisCluster(AsyncBackendContract):
    backend = "dogpile.cache.redis_cluster"
    locks = True

    @pytest.fixture(autouse=True)
    def cluster(self, redis_cluster: RedisCluster) -> None:
        self.arguments = {"url": redis_cluster.url, "distributed_lock": True}


class TestMemcached(AsyncBackendContract):
    locks = True

    @pytest.fixture(
        autouse=True, params=["memcached", "pylibmc", "pymemcache", "bmemcached"]
    )
    def server(self, request: Any, memcached_server: Memcached) -> None:
        self.backend = f"dogpile.cache.{request.param}"
        self.arguments = {"url": memcached_server.url, "distributed_lock": True}

    def test_it_is_asked_without_threads(self) -> None:
        backend = self.make_region()._it.backend
        assert type(backend).__name__ == "AwaitedMemcached"


class TestTwoMemcacheds(AsyncBackendContract):
    """Which key is on which server is known to the clients for threads alone."""

    @pytest.fixture(autouse=True, params=["pymemcache", "pylibmc"])
    def server(self, request: Any, memcached_pair: tuple[Memcached, Memcached]) -> None:
        self.backend = f"dogpile.cache.{request.param}"
        self.arguments = {"url": [server.url for server in memcached_pair]}

    def test_it_is_asked_in_threads(self) -> None:
        backend = self.make_region()._it.backend
        assert type(backend).__name__ == "Threaded"
