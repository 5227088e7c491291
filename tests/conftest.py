"""The servers of the tests, each started when the first test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import (
    Memcached,
    Redis,
    RedisCluster,
    SentinelSet,
    Valkey,
)

SERVERS = {
    "memcached_pair",
    "memcached_sasl",
    "memcached_server",
    "memcached_tls",
    "redis_cluster",
    "redis_server",
    "sentinel_set",
    "valkey_server",
}


SERVED = {"redis", "valkey", "memcached", "pylibmc", "pymemcache", "bmemcached"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for a server, by a fixture or by a parameter."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        call = getattr(item, "callspec", None)
        values = call.params.values() if call and "request" in fixtures else ()
        names = {value for value in values if isinstance(value, str)}
        if SERVERS & fixtures or SERVED & names:
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    with Valkey() as server:
        yield server


@pytest.fixture(scope="session")
def sentinel_set() -> Iterator[SentinelSet]:
    with SentinelSet() as servers:
        yield servers


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def memcached_server() -> Iterator[Memcached]:
    with Memcached() as server:
        yield server


@pytest.fixture(scope="session")
def memcached_pair() -> Iterator[tuple[Memcached, Memcached]]:
    with Memcached() as one, Memcached() as other:
        yield one, other


@pytest.fixture(scope="session")
def memcached_tls() -> Iterator[Memcached]:
    with Memcached(tls=True) as server:
        yield server


@pytest.fixture(scope="session")
def memcached_sasl() -> Iterator[Memcached]:
    with Memcached(sasl=True) as server:
        yield server
