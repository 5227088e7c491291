"""The contract, over every backend there is, in every form it comes in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.region import CacheRegion
from dogpile_cache.testing import BackendContract
from tests.servers import Memcached, Redis, RedisCluster, SentinelSet, Valkey


class TestMemory(BackendContract):
    backend = "dogpile.cache.memory"

    @pytest.fixture(autouse=True)
    def one_dict(self) -> None:
        self.arguments = {"cache_dict": {}}


class TestBoundedMemory(BackendContract):
    backend = "dogpile.cache.memory"
    arguments = {"max_entries": 100}

    test_what_cannot_be_deserialized_is_created_anew = None  # needs two regions


class TestMemoryPickle(TestMemory):
    backend = "dogpile.cache.memory_pickle"


class TestNull(BackendContract):
    backend = "dogpile.cache.null"
    keeps = False

    # Nobody waits for anybody: there is nothing that they could be given.
    test_of_many_threads_one_creates = None
    test_of_many_threads_one_creates_each_of_many_values = None
    test_others_are_served_the_stale_value_at_once = None
    test_a_creator_that_asks_for_its_own_key_is_told = None
    test_the_mutex_of_a_key_excludes_others = None


class TestDBM(BackendContract):
    backend = "dogpile.cache.dbm"
    locks = True

    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path) -> None:
        self.arguments = {"filename": str(tmp_path / "cache" / "file.dbm")}


class TestLmdb(BackendContract):
    backend = "dogpile.cache.lmdb"
    locks = True

    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.arguments = {"path": tmp_path / "cache", "max_entries": 1000}


class TestLmdbProxied(TestLmdb):
    def make_region(self, **options: Any) -> CacheRegion:
        return super().make_region(wrap=[ProxyBackend], **options)


class TestLmdbSigned(TestLmdb):
    """What is signed is not kept as records."""

    def make_region(self, **options: Any) -> CacheRegion:
        region = super().make_region(**options)
        region.settings = region.settings._replace(signing_key=(b"secret " * 5,))
        region.backend = region.backend
        return region


class TestProxied(TestMemory):
    def make_region(self, **options: Any) -> CacheRegion:
        return super().make_region(wrap=[ProxyBackend, ProxyBackend()], **options)


class TestOwnSerializer(TestMemory):
    """A region whose serializer is its own keeps bytes in any backend."""

    def make_region(self, **options: Any) -> CacheRegion:
        if "serializer" not in options:
            options.update(serializer=dumps, deserializer=eval)
        return super().make_region(**options)


def dumps(value: object) -> bytes:
    return repr(value).encode()


# Redis and Valkey


class OnRedis(BackendContract):
    library = "redis"
    options: Mapping[str, Any] = {}

    @property
    def backend(self) -> str:  # type: ignore[override]
        return f"dogpile.cache.{self.library}"

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


class TestRedisByHostAndPort(OnRedis):
    @pytest.fixture(autouse=True)
    def server(self, redis_server: Redis) -> None:
        self.arguments = {"host": "127.0.0.1", "port": redis_server.port, "db": 1}


class TestRedisWithPool(OnRedis):
    @pytest.fixture(autouse=True)
    def server(self, redis_server: Redis) -> None:
        import redis

        pool = redis.ConnectionPool.from_url(redis_server.url)
        self.arguments = {"connection_pool": pool}
        yield
        pool.disconnect()


class TestValkey(OnRedis):
    library = "valkey"
    locks = True

    @pytest.fixture(autouse=True)
    def server(self, valkey_server: Valkey) -> None:
        self.arguments = {"url": valkey_server.url, "distributed_lock": True}


class OnSentinel(BackendContract):
    locks = True  # by default

    @pytest.fixture(autouse=True)
    def servers(self, sentinel_set: SentinelSet) -> None:
        self.arguments = {"sentinels": sentinel_set.addresses}


class TestRedisSentinel(OnSentinel):
    backend = "dogpile.cache.redis_sentinel"


class TestValkeySentinel(OnSentinel):
    backend = "dogpile.cache.valkey_sentinel"


class OnCluster(BackendContract):
    locks = True

    @pytest.fixture(autouse=True)
    def cluster(self, redis_cluster: RedisCluster) -> None:
        self.arguments = {"url": redis_cluster.url, "distributed_lock": True}


class TestRedisCluster(OnCluster):
    backend = "dogpile.cache.redis_cluster"


class TestValkeyCluster(OnCluster):
    backend = "dogpile.cache.valkey_cluster"


# memcached

CLIENTS = ["memcached", "pylibmc", "pymemcache", "bmemcached"]


class OnMemcached(BackendContract):
    options: Mapping[str, Any] = {}

    @pytest.fixture(autouse=True, params=CLIENTS)
    def server(self, request: Any, memcached_server: Memcached) -> None:
        self.backend = f"dogpile.cache.{request.param}"
        self.arguments = {"url": memcached_server.url, **self.options}


class TestMemcached(OnMemcached):
    pass


class TestMemcachedWithDistributedLock(OnMemcached):
    options = {"distributed_lock": True, "lock_timeout": 5}
    locks = True


class TestTwoMemcacheds(OnMemcached):
    @pytest.fixture(autouse=True, params=CLIENTS)
    def server(self, request: Any, memcached_pair: tuple[Memcached, Memcached]) -> None:
        self.backend = f"dogpile.cache.{request.param}"
        self.arguments = {"url": [server.url for server in memcached_pair]}
        if request.param == "pylibmc":
            self.arguments["behaviors"] = {"ketama": True}


class TestMemcachedWithTLS(OnMemcached):
    @pytest.fixture(autouse=True, params=["pymemcache", "bmemcached"])
    def server(self, request: Any, memcached_tls: Memcached) -> None:
        self.backend = f"dogpile.cache.{request.param}"
        context = memcached_tls.context()
        self.arguments = {"url": memcached_tls.url, "tls_context": context}


class TestMemcachedWithSASL(OnMemcached):
    @pytest.fixture(autouse=True, params=["bmemcached"])
    def server(self, request: Any, memcached_sasl: Memcached) -> None:
        self.backend = f"dogpile.cache.{request.param}"
        self.arguments = {
            "url": memcached_sasl.url,
            "username": memcached_sasl.username,
            "password": memcached_sasl.password,
        }
