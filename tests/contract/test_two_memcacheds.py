"""Two memcacheds behind one region: where the keys are, and what is lost with one."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from tests.servers import Memcached
from tests.unit.shared import threads_leave_clients

pytestmark = [pytest.mark.server, threads_leave_clients]

COUNT = 400
FEWEST = COUNT // 10
"""Keys that each of two servers has at least, if they are spread at all evenly."""

KETAMA = {"behaviors": {"ketama": True}}

Pair = tuple[Memcached, Memcached]


def region_on(name: str, *servers: Memcached, **arguments: Any) -> CacheRegion:
    urls = [server.url for server in servers]
    return make_region().configure(
        f"dogpile.cache.{name}", arguments={"url": urls, **arguments}
    )


def found(region: CacheRegion, keys: list[str]) -> set[str]:
    """Return the keys that have their own values, asked for one by one and at once."""
    singly = [region.get(key) for key in keys]
    assert region.get_multi(keys) == singly
    assert all(value in (key, NO_VALUE) for key, value in zip(keys, singly))
    return {key for key, value in zip(keys, singly) if value is not NO_VALUE}


def fill(region: CacheRegion, name: str) -> list[str]:
    """Set values, half of them at once."""
    keys = [f"{name}-{number}" for number in range(COUNT)]
    for key in keys[::2]:
        region.set(key, key)
    region.set_multi({key: key for key in keys[1::2]})
    return keys


spread = pytest.mark.parametrize(
    ("name", "arguments"),
    [("pymemcache", {}), ("memcached", {}), ("pylibmc", {}), ("pylibmc", KETAMA)],
    ids=["pymemcache", "memcached", "pylibmc", "pylibmc ketama"],
)
consistent = pytest.mark.parametrize(
    ("name", "arguments"),
    [("pymemcache", {}), ("pylibmc", KETAMA)],  # what the others do is not consistent
    ids=["pymemcache", "pylibmc ketama"],
)


@spread
def test_each_key_is_on_one_of_the_servers_and_both_have_some(
    name: str, arguments: Any, memcached_pair: Pair
) -> None:
    region = region_on(name, *memcached_pair, **arguments)
    keys = fill(region, f"spread-{name}-{len(arguments)}")
    assert found(region, keys) == set(keys)
    one, other = (
        found(region_on(name, server, **arguments), keys) for server in memcached_pair
    )
    assert min(len(one), len(other)) > FEWEST
    assert one | other == set(keys)
    assert not one & other


@consistent
@pytest.mark.parametrize("position", [0, 1])
def test_with_a_server_only_its_own_keys_are_lost(
    name: str, arguments: Any, position: int, memcached_server: Any, memcached_pair: Any
) -> None:
    """Three become two: what the two had is found where it was."""
    servers = [*memcached_pair, memcached_server]
    keys = fill(region_on(name, *servers, **arguments), f"lost-{name}-{position}")
    dropped = servers.pop(position)
    lost = found(region_on(name, dropped, **arguments), keys)
    left = found(region_on(name, *servers, **arguments), keys)
    assert len(lost) > FEWEST
    assert left == set(keys) - lost


def test_bmemcached_keeps_each_key_on_both_servers(memcached_pair: Pair) -> None:
    keys = fill(region_on("bmemcached", *memcached_pair), "replicated")
    for server in memcached_pair:
        assert found(region_on("bmemcached", server), keys) == set(keys)
