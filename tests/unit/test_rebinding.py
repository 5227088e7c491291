"""What is assigned to a configured region is used from then on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.invalidation import DefaultInvalidationStrategy
from dogpile_cache.testing import SettableClock


@pytest.fixture
def kept() -> dict[str, Any]:
    return {}


@pytest.fixture
def plain(clock: SettableClock, kept: dict[str, Any]) -> CacheRegion:
    return make_region(clock=clock).configure(
        "dogpile.cache.memory", 10, arguments={"cache_dict": kept}
    )


def test_a_serializer_and_a_deserializer_may_be_set_after_configuring(
    plain: CacheRegion, kept: dict[str, Any]
) -> None:
    plain.serializer = lambda value: json.dumps(value).encode()
    plain.deserializer = json.loads
    assert plain.get_or_create("key", lambda: [1, 2]) == [1, 2]
    assert kept["key"].endswith(b"|[1, 2]")
    assert plain.get("key") == [1, 2]
    assert plain.get_multi(["key"]) == [[1, 2]]
    plain.serializer = plain.deserializer = None
    plain.set("key", "as it is")
    assert kept["key"].payload == plain.get("key") == "as it is"


def test_an_invalidation_strategy_may_be_set_after_configuring(
    plain: CacheRegion, clock: SettableClock
) -> None:
    strategy = DefaultInvalidationStrategy(clock)
    plain.region_invalidator = strategy
    assert plain.region_invalidator is strategy
    plain.set("key", "old")
    clock.move(1)
    strategy.invalidate()
    assert plain.get("key") is NO_VALUE
    assert plain.get_or_create("key", lambda: "new") == "new"
    clock.move(1)
    plain.invalidate()
    assert strategy.was_hard_invalidated()
    assert plain.get("key") is NO_VALUE


def test_an_invalidation_strategy_may_be_set_before_configuring(
    clock: SettableClock,
) -> None:
    region = make_region(clock=clock)
    strategy = region.region_invalidator = DefaultInvalidationStrategy(clock)
    region.configure("dogpile.cache.memory")
    region.set("key", "old")
    clock.move(1)
    strategy.invalidate()
    assert region.get("key") is NO_VALUE


def test_what_a_hit_reads_is_in_the_instance(plain: CacheRegion) -> None:
    assert {"_fetch", "_is_fresh", "expiration_time"} <= vars(plain).keys()
