"""What is particular to Redis: connections, commands and arguments."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import redis

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.backends.redis_clients import MAX_CONNECTIONS
from dogpile_cache.backends.redis_lease import RedisLease
from dogpile_cache.exception import ValidationError
from tests.servers import Redis, SentinelSet
from tests.unit.threads import Call, Creation

DEADLINE = 30.0
pytestmark = pytest.mark.server


@pytest.fixture
def server() -> Iterator[Redis]:
    """A server of the test's own, whose connections and commands can be counted."""
    with Redis() as server:
        yield server


@pytest.fixture
def client(server: Redis) -> Iterator[Any]:
    with redis.Redis.from_url(server.url) as client:
        yield client


def commands(client: Any) -> Counter[str]:
    stats = client.info("commandstats")
    return Counter({name[8:]: stat["calls"] for name, stat in stats.items()})


def connections(client: Any) -> int:
    return len(client.client_list()) - 1  # less the one that asks


def test_a_hit_is_one_command(server: Redis, client: Any) -> None:
    region = make_region().configure(
        "dogpile.cache.redis", arguments={"url": server.url}
    )
    region.set_multi({"a": 1, "b": 2})
    client.config_resetstat()
    region.get_or_create("a", pytest.fail)
    assert commands(client)["get"] == 1
    region.get_or_create_multi(["a", "b"], pytest.fail)
    assert commands(client)["mget"] == 1
    others = commands(client) - Counter(get=1, mget=1)
    assert set(others) <= {"info", "config|resetstat"}


def test_a_connection_says_nothing_of_itself(server: Redis, client: Any) -> None:
    client.config_resetstat()
    region = make_region().configure(
        "dogpile.cache.redis", arguments={"url": server.url}
    )
    region.get("a")
    assert set(commands(client)) <= {"get", "config|resetstat", "info"}


def test_a_thread_keeps_its_connection(server: Redis, client: Any) -> None:
    region = make_region().configure(
        "dogpile.cache.redis", arguments={"url": server.url}
    )
    for _ in range(5):
        region.set("a", 1)
        region.get("a")
    assert connections(client) == 1


def test_the_connection_of_a_thread_that_ended_is_used_again(
    server: Redis, client: Any
) -> None:
    region = make_region().configure(
        "dogpile.cache.redis", arguments={"url": server.url}
    )
    for _ in range(2 * MAX_CONNECTIONS):
        thread = threading.Thread(target=region.get, args=("a",))
        thread.start()
        thread.join(DEADLINE)
    assert connections(client) == 1


@pytest.mark.parametrize(
    ("arguments", "bound"),
    [({}, MAX_CONNECTIONS), ({"connection_kwargs": {"max_connections": 6}}, 6)],
)
def test_connections_stay_within_their_bound(
    server: Redis, client: Any, arguments: dict[str, Any], bound: int
) -> None:
    region = make_region().configure(
        "dogpile.cache.redis",
        arguments={"url": server.url, "distributed_lock": True, **arguments},
    )
    count = 200
    barrier, most = threading.Barrier(count), []

    def use(number: int) -> None:
        barrier.wait(DEADLINE)
        for i in range(5):
            region.get_or_create(f"{number} {i}", lambda: number)
        if number == 0:  # alone, so that the asking takes one connection
            most.append(connections(client))
        barrier.wait(DEADLINE)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(use, range(count)))
    assert max(most) <= bound
    assert connections(client) <= bound


def test_those_who_wait_for_others_leave_connections_for_the_rest(
    server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"url": server.url, "distributed_lock": True}
    few = {**options, "connection_kwargs": {"max_connections": 8}}
    theirs, ours = (
        make_region().configure("dogpile.cache.redis", arguments=arguments)
        for arguments in (options, few)
    )
    listening, go_on = threading.Semaphore(0), threading.Event()
    time_left = RedisLease._time_left

    def slowly(lease: RedisLease) -> float | None:
        listening.release()
        assert go_on.wait(DEADLINE)
        return time_left(lease)

    monkeypatch.setattr(RedisLease, "_time_left", slowly)
    keys = [f"key {number}" for number in range(12)]
    made = [Creation(key) for key in keys]
    makers = [Call(partial(theirs.get_or_create, k, c)) for k, c in zip(keys, made)]
    for creation in made:
        creation.wait_for_start()
    waiters = [Call(partial(ours.get_or_create, key, pytest.fail)) for key in keys]
    for _ in range(2):  # a quarter of the connections
        assert listening.acquire(timeout=DEADLINE)
    assert Call(partial(ours.get, "another")).result() is NO_VALUE
    assert not listening.acquire(blocking=False)
    go_on.set()
    for creation in made:
        creation.end()
    assert [call.result() for call in makers + waiters] == keys * 2


def test_reader_client_and_writer_client_can_be_used(server: Redis) -> None:
    region = make_region().configure(
        "dogpile.cache.redis", arguments={"url": server.url}
    )
    region.backend.writer_client.set("plain", b"1")
    assert region.backend.reader_client.get("plain") == b"1"


def test_values_expire_in_redis_after_redis_expiration_time(
    server: Redis, client: Any
) -> None:
    region = make_region().configure(
        "dogpile.cache.redis",
        arguments={"url": server.url, "redis_expiration_time": 100},
    )
    region.set("one", 1)
    region.set_multi({"two": 2})
    assert 90 < client.ttl("one") <= 100
    assert 90 < client.ttl("two") <= 100


def test_arguments_about_connections_reach_the_client(server: Redis) -> None:
    region = make_region().configure(
        "dogpile.cache.redis",
        arguments={
            "host": "127.0.0.1",
            "port": server.port,
            "db": 3,
            "socket_timeout": 1.5,
            "socket_connect_timeout": 2.5,
            "socket_keepalive": True,
            "connection_kwargs": {"client_name": "mine", "health_check_interval": 7},
        },
    )
    region.set("a", 1)
    kwargs = region.backend.writer_client.connection_pool.connection_kwargs
    expected = {
        "db": 3,
        "socket_timeout": 1.5,
        "socket_connect_timeout": 2.5,
        "socket_keepalive": True,
        "client_name": "mine",
        "health_check_interval": 7,
    }
    assert expected.items() <= kwargs.items()


@pytest.mark.parametrize("prefix", ["x", "x" * 11, "a b", "a*"])
def test_a_wrong_lock_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError, match="2 to 10 letters") as caught:
        make_region().configure(
            "dogpile.cache.redis", arguments={"lock_prefix": prefix}
        )
    assert isinstance(caught.value, ValueError)  # which dogpile.cache raises


def test_a_lock_has_its_prefix_and_ends_by_itself(server: Redis, client: Any) -> None:
    region = make_region().configure(
        "dogpile.cache.redis",
        arguments={
            "url": server.url,
            "distributed_lock": True,
            "lock_prefix": "lk:",
            "lock_timeout": 7,
        },
    )
    assert region.get_or_create("a", lambda: client.pttl("lk:a")) in range(6000, 7001)
    assert not client.exists("lk:a")


def test_a_lock_lasts_thirty_seconds_by_default(server: Redis, client: Any) -> None:
    for timeout in ({}, {"lock_timeout": None}, {"thread_local_lock": False}):
        region = make_region().configure(
            "dogpile.cache.redis",
            arguments={"url": server.url, "distributed_lock": True, **timeout},
        )
        key = repr(timeout)
        left = region.get_or_create(key, lambda key=key: client.pttl(f"_lock{key}"))
        assert left in range(29_000, 30_001)


@pytest.mark.parametrize(
    "impatience", [{"lock_blocking": False}, {"lock_blocking_timeout": 0.05}]
)
def test_a_caller_may_go_on_without_the_lock(
    server: Redis, client: Any, impatience: dict[str, Any]
) -> None:
    region = make_region().configure(
        "dogpile.cache.redis",
        arguments={"url": server.url, "distributed_lock": True, **impatience},
    )
    client.set("_locka", "somebody", px=60_000)
    assert region.get_or_create("a", lambda: 1) == 1
    assert region.get("a") == 1
    assert client.get("_locka") == b"somebody"


def test_sentinel_reads_go_to_the_master(sentinel_set: SentinelSet) -> None:
    region = make_region().configure(
        "dogpile.cache.redis_sentinel", arguments={"sentinels": sentinel_set.addresses}
    )
    region.set("a", 1)
    with redis.Redis(port=sentinel_set.master.port) as master:
        master.config_resetstat()
        assert region.get("a") == 1
        assert commands(master)["get"] == 1


def test_sentinels_have_to_be_named() -> None:
    with pytest.raises(ValidationError, match="sentinels"):
        make_region().configure("dogpile.cache.redis_sentinel")
