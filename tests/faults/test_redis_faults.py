"""Redis and Valkey behind a connection that fails: bounded, survived, never mixed up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import redis.asyncio
import valkey

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.backend import is_callers_fault
from dogpile_cache.backends import redis_awaited, redis_lease, redis_tasks
from dogpile_cache.backends.redis import RedisBackend, RedisSentinelBackend
from dogpile_cache.backends.redis_awaited import (
    AsyncRedisBackend,
    AsyncRedisLease,
    AsyncRedisSentinelBackend,
)
from dogpile_cache.backends.redis_lease import RedisLease
from dogpile_cache.backends.valkey import ValkeyBackend
from dogpile_cache.backends.valkey_awaited import AsyncValkeyBackend
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.testing import SettableClock
from tests.servers import Redis
from tests.servers.faults import FaultyProxy
from tests.unit.threads import eventually

from .conftest import Loop, TasksRegion

WATCHDOG = 20.0
FAULTS = ["refuse", "hang", "cut", "delay", "garble"]
SHORT = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}
VALUES = {"a": b"the value of a", "b": b"b"}
ERRORS = (redis.RedisError, valkey.ValkeyError)


@pytest.fixture
def proxy(redis_server: Redis) -> Iterator[FaultyProxy]:
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        client.mset(VALUES)
    with FaultyProxy(redis_server.port, delay=0.5) as proxy:
        yield proxy


class Raw:
    """Call a backend, for threads in one thread and for tasks in one loop."""

    def __init__(self, backend: Any, loop: Loop) -> None:
        self.backend = backend
        self.loop = loop.loop
        self._thread = ThreadPoolExecutor(1)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args: self.run(getattr(self.backend, name), *args)

    def run(self, call: Callable[..., Any], *args: Any) -> Any:
        """Return what a call returns, or fail when the watchdog barks."""
        if not isinstance(self.backend, AsyncRedisBackend):
            return self._thread.submit(call, *args).result(WATCHDOG)
        return asyncio.run_coroutine_threadsafe(call(*args), self.loop).result(WATCHDOG)

    def close(self) -> None:
        self._thread.shutdown()
        if isinstance(self.backend, AsyncRedisBackend):
            self.aclose()

    def read(self) -> Any:
        return [self.get_serialized(key) for key in (*VALUES, *VALUES)]


KINDS = {
    "redis": RedisBackend,
    "redis for tasks": AsyncRedisBackend,
    "valkey libraries": ValkeyBackend,
    "valkey libraries for tasks": AsyncValkeyBackend,
}


@pytest.fixture(params=KINDS)
def raw(
    request: pytest.FixtureRequest, proxy: FaultyProxy, loop: Loop
) -> Iterator[Raw]:
    where = {"host": "127.0.0.1", "port": proxy.port}
    raw = Raw(KINDS[request.param]({**where, **SHORT}), loop)
    yield raw
    raw.close()


@pytest.fixture(params=["a pool", "a pool for tasks"])
def pooled(
    request: pytest.FixtureRequest, proxy: FaultyProxy, loop: Loop
) -> Iterator[Raw]:
    awaited = request.param == "a pool for tasks"
    library: Any = redis.asyncio if awaited else redis
    pool = library.ConnectionPool(host="127.0.0.1", port=proxy.port, **SHORT)
    made = AsyncRedisBackend if awaited else RedisBackend
    raw = Raw(made({"connection_pool": pool}), loop)
    yield raw
    raw.close()
    if awaited:
        asyncio.run_coroutine_threadsafe(pool.aclose(), loop.loop).result(WATCHDOG)
    else:
        pool.disconnect()


def fails_and_comes_back(raw: Raw, proxy: FaultyProxy, fault: str) -> None:
    assert raw.read() == [*VALUES.values()] * 2
    proxy.fault = fault
    for read in (
        lambda: raw.get_serialized("a"),
        lambda: raw.get_serialized("b"),
        lambda: raw.get_serialized_multi(["a", "b"]),
    ):
        with pytest.raises(ERRORS) as caught:
            read()
        assert not is_callers_fault(raw.backend, caught.value)
    proxy.fault = None
    assert raw.read() == [*VALUES.values()] * 2
    assert raw.get_serialized_multi(["b", "a"]) == [VALUES["b"], VALUES["a"]]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_read_fails_and_the_next_ones_are_right(
    raw: Raw, proxy: FaultyProxy, fault: str
) -> None:
    fails_and_comes_back(raw, proxy, fault)


@pytest.mark.parametrize("fault", FAULTS)
def test_so_it_is_with_a_pool_that_is_given(
    pooled: Raw, proxy: FaultyProxy, fault: str
) -> None:
    fails_and_comes_back(pooled, proxy, fault)


@pytest.fixture
def configured(make: Any, proxy: FaultyProxy) -> Iterator[Callable[..., Any]]:
    """Return what configures a region, which is closed in the end."""
    regions = []

    def configure(wrap: Any = (), **arguments: Any) -> Any:
        where = {"host": "127.0.0.1", "port": proxy.port, **SHORT}
        regions.append(make())
        return regions[-1].configure(
            "dogpile.cache.redis",
            expiration_time=100,
            arguments={**where, **arguments},
            wrap=wrap,
        )

    yield configure
    for region in regions:
        if isinstance(region, TasksRegion):
            region.aclose()


@pytest.mark.parametrize("fault", FAULTS)
def test_pages_are_served_all_along(
    configured: Any, clock: SettableClock, proxy: FaultyProxy, fault: str
) -> None:
    region = configured(distributed_lock=True)
    keys = ["one", "other"]
    region.set_multi({key: key for key in keys})
    proxy.fault = fault
    for _ in range(4):  # with the circuit closed, and open
        for key in keys:
            assert region.get_or_create(key, lambda key=key: key) == key
        made = region.get_or_create_multi(keys, lambda *missing: [*missing])
        assert made == keys
        with pytest.raises(ERRORS):
            region.delete("gone")
    with pytest.raises(ERRORS):
        region.delete_multi(["gone"])
    proxy.fault = None
    clock.move(6)
    region.get("any")
    eventually(lambda: not region._store.backend.circuit.troubled)
    assert region.get_multi([*keys, "gone"]) == [*keys, NO_VALUE]


@pytest.fixture
def counted(redis_server: Redis) -> Iterator[Callable[[], int]]:
    """Return what counts the reads that have reached the server."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_resetstat()
        name = "cmdstat_get"
        yield lambda: client.info("commandstats").get(name, {"calls": 0})["calls"]


@pytest.mark.parametrize(("fault", "reads"), [("delay", 1), ("cut", 2)])
def test_one_more_try_and_none_after_a_timeout(
    raw: Raw, proxy: FaultyProxy, counted: Callable[[], int], fault: str, reads: int
) -> None:
    proxy.fault = fault
    with pytest.raises(ERRORS):
        raw.get_serialized("a")
    assert counted() == reads


def test_a_connection_found_closed_is_opened_anew(raw: Raw, proxy: FaultyProxy) -> None:
    raw.get_serialized("a")
    proxy.fault = "refuse"
    proxy.fault = None
    assert raw.get_serialized("b") == VALUES["b"]


def test_retries_may_be_asked_for(
    proxy: FaultyProxy, counted: Callable[[], int]
) -> None:
    retry = redis.retry.Retry(redis.backoff.NoBackoff(), 2)
    backend = RedisBackend(
        {
            "host": "127.0.0.1",
            "port": proxy.port,
            "socket_timeout": 0.1,
            "connection_kwargs": {
                "retry": retry,
                "retry_on_error": [redis.TimeoutError],  # before redis 6
            },
        }
    )
    proxy.fault = "delay"
    with pytest.raises(redis.TimeoutError):
        backend.get_serialized("a")
    eventually(lambda: counted() == 3)


def test_an_interrupted_command_leaves_no_reply_behind(
    proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupt(BaseException):
        pass

    def interrupt(*args: Any, **options: Any) -> None:
        raise Interrupt

    backend = RedisBackend({"host": "127.0.0.1", "port": proxy.port})
    assert backend.get_serialized("a") == VALUES["a"]
    with monkeypatch.context() as patch:
        patch.setattr(backend._reader(), "parse_response", interrupt)
        with pytest.raises(Interrupt):
            backend.get_serialized("a")
    assert backend.get_serialized("b") == VALUES["b"]


@pytest.mark.parametrize("reply", [[b"one"], b"text", 5, None])
def test_a_reply_of_another_form_is_no_value(
    raw: Raw, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def later(keys: Any) -> Any:
        return reply

    awaited = isinstance(raw.backend, AsyncRedisBackend)
    monkeypatch.setattr(
        raw.backend, "_read_many", later if awaited else lambda _: reply
    )
    with pytest.raises(ERRORS, match="2 keys") as caught:
        raw.get_serialized_multi(["a", "b"])
    assert not is_callers_fault(raw.backend, caught.value)


def test_a_key_of_a_wrong_type_is_the_callers_fault(raw: Raw) -> None:
    for _ in range(2):
        with pytest.raises(ERRORS) as caught:
            raw.get_serialized(["a"])
        assert type(caught.value).__name__ == "DataError"
        assert is_callers_fault(raw.backend, caught.value)
    assert raw.read() == [*VALUES.values()] * 2


@pytest.mark.parametrize("wrap", [[], [ProxyBackend]])
def test_a_region_raises_what_is_the_callers_fault(
    configured: Any, wrap: list[Any]
) -> None:
    region = configured(wrap)
    for _ in range(4):  # of failures of the backend, three are too many
        with pytest.raises(redis.DataError):
            region.get_multi([["a"]])
    assert not region._store.backend.circuit.troubled


def test_errors_of_the_server_are_the_backends() -> None:
    backend = RedisBackend({})
    for error in (
        redis.ConnectionError(),
        redis.TimeoutError(),
        redis.ResponseError("OOM command not allowed"),
        redis.exceptions.ReadOnlyError(),
        redis.BusyLoadingError(),
        redis.AuthenticationError(),
        redis.exceptions.ClusterDownError("CLUSTERDOWN"),
        redis.InvalidResponse(),
        ValueError("invalid literal for int()"),
        IndexError(),
    ):
        assert not is_callers_fault(backend, error)
    for error in (TypeError(), UnicodeError(), redis.DataError()):
        assert is_callers_fault(backend, error)


def limits(client: Any) -> tuple[float, float, int]:
    kwargs = client.connection_pool.connection_kwargs
    retries = kwargs["retry"]._retries
    return kwargs["socket_connect_timeout"], kwargs["socket_timeout"], retries


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, (0.5, 1.0, 1)), ({"socket_timeout": 3, "url": "redis://a:1"}, (0.5, 3, 1))],
)
def test_timeouts_are_short_by_default(given: Any, expected: Any) -> None:
    for arguments in (given, {"socket_connect_timeout": None, **given}):
        assert limits(RedisBackend(arguments).writer_client) == expected
    sentinels = {**given, "sentinels": [("127.0.0.1", 1)]}
    sentinels.pop("url", None)
    backend = RedisSentinelBackend(sentinels)
    assert limits(backend.writer_client) == expected
    assert limits(backend.sentinel.sentinels[0]) == expected


def test_timeouts_are_short_for_tasks(loop: Loop) -> None:
    async def clients() -> None:
        backend = AsyncRedisBackend({})
        assert limits(backend.writer_client) == (0.5, 1.0, 1)
        several = AsyncRedisSentinelBackend({"sentinels": [("127.0.0.1", 1)]})
        assert limits(several.writer_client) == (0.5, 1.0, 1)
        assert limits(several._sentinels.sentinels[0]) == (0.5, 1.0, 1)
        await backend.aclose()
        await several.aclose()

    loop.run(clients())


def test_sentinels_may_have_other_timeouts() -> None:
    backend = RedisSentinelBackend(
        {"sentinels": [("127.0.0.1", 1)], "sentinel_kwargs": {"socket_timeout": 0.2}}
    )
    assert limits(backend.sentinel.sentinels[0]) == (0.5, 0.2, 1)
    assert limits(backend.writer_client) == (0.5, 1.0, 1)


def test_cluster_nodes_have_timeouts(redis_cluster: Any) -> None:
    region = make_region().configure(
        "dogpile.cache.redis_cluster", arguments={"url": redis_cluster.url}
    )
    client = region.backend.writer_client
    if getattr(client, "retry", None) is None:  # before redis 6
        assert client.cluster_error_retry_attempts == 1
    else:
        assert client.retry.get_retries() == 1
    for node in client.get_nodes():
        kwargs = client.get_redis_connection(node).connection_pool.connection_kwargs
        assert kwargs["socket_connect_timeout"] == 0.5
        assert kwargs["socket_timeout"] == 1.0


@pytest.mark.parametrize("timeout", [0.2, 5.0])
def test_who_waits_for_a_lock_listens_whatever_the_timeout(
    proxy: FaultyProxy, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = RedisBackend(
        {"port": proxy.port, "distributed_lock": True, "socket_timeout": timeout}
    )
    holder, waiter = backend.get_mutex("k"), backend.get_mutex("k")
    assert isinstance(holder, RedisLease)
    assert isinstance(waiter, RedisLease)
    slept: list[float] = []
    monkeypatch.setattr(redis_lease, "time", SimpleNamespace(sleep=slept.append))
    assert holder.acquire(False)
    waiter.wait(0, 0.5)
    assert not slept  # as it would after an error
    holder.release()


@pytest.mark.parametrize("timeout", [0.2, 5.0])
def test_tasks_that_wait_for_a_lock_listen_too(
    proxy: FaultyProxy, loop: Loop, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def wait() -> None:
        backend = AsyncRedisBackend(
            {"port": proxy.port, "distributed_lock": True, "socket_timeout": timeout}
        )
        holder, waiter = backend.get_mutex("k"), backend.get_mutex("k")
        assert isinstance(holder, AsyncRedisLease)
        assert isinstance(waiter, AsyncRedisLease)
        assert await holder.acquire(False)
        with monkeypatch.context() as patch:
            patch.setattr(redis_awaited, "asyncio", SimpleNamespace(sleep=sleep))
            await waiter.wait(0, 0.5)
        await holder.release()
        await backend.aclose()

    loop.run(wait())
    assert not slept


def test_a_task_waits_for_a_connection_within_bounds(
    proxy: FaultyProxy, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_tasks, "QUEUE_TIMEOUT", 0.01)

    async def ask() -> None:
        few = {"port": proxy.port, "connection_kwargs": {"max_connections": 2}}
        backend = AsyncRedisBackend(few)
        assert await backend.get_serialized("a") == VALUES["a"]
        proxy.fault = "hang"
        first, second = await asyncio.gather(
            backend.get_serialized("a"),
            backend.get_serialized("b"),
            return_exceptions=True,
        )
        assert isinstance(first, redis.TimeoutError)
        assert isinstance(second, redis.ConnectionError)
        assert "free" in str(second)
        proxy.fault = None
        assert await backend.get_serialized("b") == VALUES["b"]
        await backend.aclose()

    loop.run(ask())
