"""The contract for tasks, on the servers and files that those for threads are tested on."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache.testing.awaited import AsyncBackendContract
from tests.servers import Memcached

from . import test_contract as of_threads


class TestMemory(of_threads.TestMemory, AsyncBackendContract):
    pass


class TestMemoryPickle(of_threads.TestMemoryPickle, AsyncBackendContract):
    pass


class TestNull(of_threads.TestNull, AsyncBackendContract):
    pass


class TestDBM(of_threads.TestDBM, AsyncBackendContract):
    pass


class TestLmdb(of_threads.TestLmdb, AsyncBackendContract):
    pass


class TestLmdbProxied(of_threads.TestLmdbProxied, AsyncBackendContract):
    pass


class TestProxied(of_threads.TestProxied, AsyncBackendContract):
    pass


class TestRedis(of_threads.TestRedis, AsyncBackendContract):
    pass


class TestRedisWithDistributedLock(
    of_threads.TestRedisWithDistributedLock, AsyncBackendContract
):
    pass


class TestRedisWithExpiration(of_threads.TestRedisWithExpiration, AsyncBackendContract):
    pass


class TestValkey(of_threads.TestValkey, AsyncBackendContract):
    pass


class TestRedisSentinel(of_threads.TestRedisSentinel, AsyncBackendContract):
    pass


class TestRedisCluster(of_threads.TestRedisCluster, AsyncBackendContract):
    pass


class TestMemcached(AsyncBackendContract):
    locks = True

    @pytest.fixture(autouse=True, params=of_threads.CLIENTS)
    def server(self, request: Any, memcached_server: Memcached) -> None:
        self.backend = f"dogpile.cache.{request.param}"
        self.arguments = {"url": memcached_server.url, "distributed_lock": True}

    def test_it_is_asked_without_threads(self) -> None:
        backend = self.make_region()._it.backend
        assert type(backend).__name__ == "AwaitedMemcached"


class TestTwoMemcacheds(of_threads.TestTwoMemcacheds, AsyncBackendContract):
    """Which key is on which server is known to the clients for threads alone."""

    def test_it_is_asked_in_threads(self) -> None:
        backend = self.make_region()._it.backend
        assert type(backend).__name__ == "Threaded"
