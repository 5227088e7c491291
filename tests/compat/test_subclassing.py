"""Backends that others derive from ours, and locks that they bring."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region, plugins, register_backend
from dogpile_cache.api import BytesBackend, CacheBackend
from dogpile_cache.backends.memcached import GenericMemcachedBackend, PyMemcacheBackend
from dogpile_cache.backends.redis import RedisBackend, _RedisLockWrapper
from tests.servers import Memcached, Redis


@pytest.fixture(autouse=True)
def _forget_registrations(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(plugins._backend_loader.impls)
    monkeypatch.setattr(plugins._backend_loader, "impls", known)


def configured(cls: type[CacheBackend], **arguments: Any) -> CacheRegion:
    register_backend(f"test.{cls.__name__}", __name__, cls.__name__)
    return make_region().configure(
        f"test.{cls.__name__}", expiration_time=60, arguments=arguments
    )


def use(region: CacheRegion) -> None:
    region.delete_multi(["key", "a", "b"])
    assert region.get_or_create("key", lambda: {"x": 1}) == {"x": 1}
    assert region.get_or_create("key", lambda: "never") == {"x": 1}
    assert region.get_or_create_multi(["a", "b"], lambda *keys: [1, 2]) == [1, 2]
    assert region.get_multi(["key", "a", "b", "no"]) == [{"x": 1}, 1, 2, NO_VALUE]
    region.delete("a")
    assert region.get("a") is NO_VALUE


class OwnImport(RedisBackend):
    """Bring a client library under a global name, as subclasses do."""

    def _imports(self) -> None:
        global redis
        import redis

    def _create_client(self) -> None:
        client = redis.StrictRedis(host=self.host, port=self.port)  # type: ignore[name-defined]
        self.writer_client = client
        self.reader_client = client


class Counting:
    """Count the calls of a client."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self.client, name)


class TwoClients(RedisBackend):
    """Read from one client and write with another."""

    def _create_client(self) -> None:
        super()._create_client()
        self.reader_client = Counting(self.reader_client)
        self.writer_client = Counting(self.writer_client)


class LibraryLock(RedisBackend):
    """Use the lock of the client library."""

    def get_mutex(self, key: str) -> Any:
        lock = self.writer_client.lock(f"_own{key}", timeout=5, thread_local=False)
        return _RedisLockWrapper(lock)


class ReadsArguments(RedisBackend):
    """Take a further argument, before and after the base class is initialised."""

    def __init__(self, arguments: Any) -> None:
        arguments = dict(arguments)
        self.prefix = arguments.pop("prefix")
        super().__init__(arguments)
        self.rest = arguments.get("unknown")

    def get_serialized(self, key: str) -> Any:
        return super().get_serialized(self.prefix + key)

    def set_serialized(self, key: str, value: bytes) -> None:
        super().set_serialized(self.prefix + key, value)


class OwnMemcached(GenericMemcachedBackend):
    """Bring a client for memcached from scratch."""

    def _imports(self) -> None:
        import pymemcache

        self.module = pymemcache

    def _create_client(self) -> Any:
        serde = self.module.serde.pickle_serde
        return self.module.HashClient(self.url, serde=serde)


class Prefixed(PyMemcacheBackend):
    def _create_client(self) -> Any:
        client = super()._create_client()
        created.append(client)
        return client


created: list[Any] = []


class DictOfBytes(BytesBackend):
    """Define what the documentation says a backend of bytes defines."""

    def __init__(self, arguments: Any) -> None:
        self.kept: dict[str, bytes] = arguments["kept"]

    def get_serialized(self, key: str) -> Any:
        return self.kept.get(key, NO_VALUE)

    def get_serialized_multi(self, keys: Any) -> Any:
        return [self.get_serialized(key) for key in keys]

    def set_serialized(self, key: str, value: bytes) -> None:
        self.kept[key] = value

    def set_serialized_multi(self, mapping: Any) -> None:
        self.kept.update(mapping)

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    def delete_multi(self, keys: Any) -> None:
        for key in keys:
            self.delete(key)


class DictOfObjects(CacheBackend):
    """Define what the documentation says a backend of objects defines."""

    def __init__(self, arguments: Any) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.kept.get(key, NO_VALUE)

    def get_multi(self, keys: Any) -> Any:
        return [self.get(key) for key in keys]

    def set(self, key: str, value: Any) -> None:
        self.kept[key] = value

    def set_multi(self, mapping: Any) -> None:
        self.kept.update(mapping)

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    def delete_multi(self, keys: Any) -> None:
        for key in keys:
            self.delete(key)


@pytest.mark.parametrize("distributed_lock", [False, True])
@pytest.mark.parametrize("cls", [OwnImport, LibraryLock])
def test_a_redis_subclass_brings_its_own_client_or_lock(
    redis_server: Redis, cls: type[RedisBackend], distributed_lock: bool
) -> None:
    region = configured(cls, port=redis_server.port, distributed_lock=distributed_lock)
    use(region)
    assert not region.key_is_locked("key")


def test_reader_and_writer_client_are_used_for_reading_and_writing(
    redis_server: Redis,
) -> None:
    region = configured(TwoClients, port=redis_server.port)
    use(region)
    backend: Any = region.actual_backend
    assert {"get", "mget"} & {*backend.reader_client.calls}
    assert {"set", "mset", "delete"} & {*backend.writer_client.calls}
    assert not {"set", "mset", "delete"} & {*backend.reader_client.calls}


def test_a_subclass_may_take_further_arguments(redis_server: Redis) -> None:
    region = configured(
        ReadsArguments, port=redis_server.port, prefix="mine:", unknown=3
    )
    region.set("key", 1)
    backend: Any = region.backend
    assert backend.rest == 3
    assert backend.writer_client.exists("mine:key")
    assert region.get("key") == 1


@pytest.mark.parametrize("cls", [OwnMemcached, Prefixed])
@pytest.mark.parametrize("distributed_lock", [False, True])
def test_a_memcached_subclass_brings_its_own_client(
    memcached_server: Memcached,
    cls: type[GenericMemcachedBackend],
    distributed_lock: bool,
) -> None:
    region = configured(
        cls, url=[memcached_server.url], distributed_lock=distributed_lock
    )
    use(region)
    backend: Any = region.backend
    assert cls is OwnMemcached or backend.client is created[-1]
    backend.client.close()


def test_backends_of_ones_own_need_no_more_than_dogpile_cache_asks() -> None:
    kept: dict[str, bytes] = {}
    use(configured(DictOfBytes, kept=kept))
    assert all(type(value) is bytes for value in kept.values())
    use(configured(DictOfObjects))


def test_the_lock_wrapper_turns_wait_into_blocking(redis_server: Redis) -> None:
    import redis

    with redis.Redis(port=redis_server.port) as client:
        one = _RedisLockWrapper(client.lock("wrapped", timeout=5))
        other = _RedisLockWrapper(client.lock("wrapped", timeout=5))
        assert one.acquire(wait=False)
        assert not other.acquire(wait=False)
        assert other.locked()
        one.release()
        assert other.acquire()
        other.release()
