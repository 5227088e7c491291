"""A lifetime among the metadata of a value takes the place of all others."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.api import CachedValue
from dogpile_cache.exception import DogpileCacheException
from dogpile_cache.freshness import Policy, State
from dogpile_cache.invalidation import DefaultInvalidationStrategy
from dogpile_cache.testing import SettableClock

BACKENDS = ["dogpile.cache.memory", "dogpile.cache.memory_pickle"]


def put(region: CacheRegion, key: str, lifetime: Any) -> None:
    now = region.clock.time()
    value = CachedValue("kept", {"ct": now, "v": 2, "st": now, "lt": lifetime})
    region._store.write(key, region._store.dump(value, key))


@pytest.fixture(params=BACKENDS)
def region(request: pytest.FixtureRequest, clock: SettableClock) -> CacheRegion:
    return make_region(clock=clock).configure(request.param, expiration_time=10)


@pytest.mark.parametrize("lifetime", [20, 20.5, None, float("inf")])
def test_a_longer_one_counts(
    region: CacheRegion, clock: SettableClock, lifetime: float | None
) -> None:
    put(region, "key", lifetime)
    clock.move(20)
    fresh = lifetime != 20
    assert region.get("key") == ("kept" if fresh else NO_VALUE)
    assert region.get("key", expiration_time=1) == ("kept" if fresh else NO_VALUE)
    found = "kept" if fresh else "made"
    assert region.get_or_create_multi(["key"], lambda key: ["made"]) == [found]
    clock.move(5)
    assert region.get("key") == (
        "kept"
        if lifetime in (None, float("inf"))
        else "made"
        if not fresh
        else NO_VALUE
    )


@pytest.mark.parametrize("lifetime", [0, 3, 3.0])
def test_a_shorter_one_counts(
    region: CacheRegion, clock: SettableClock, lifetime: float
) -> None:
    put(region, "key", lifetime)
    clock.move(4)
    assert region.get("key") is NO_VALUE
    assert region.get("key", expiration_time=-1) is NO_VALUE
    assert region.get_multi(["key"]) == [NO_VALUE]
    assert region.get("key", ignore_expiration=True) == "kept"
    assert region.get_or_create("key", lambda: "made") == "made"


@pytest.mark.parametrize("hard", [True, False])
def test_an_invalidation_reaches_one_that_never_ends(
    region: CacheRegion, clock: SettableClock, hard: bool
) -> None:
    put(region, "key", None)
    clock.move(1)
    region.invalidate(hard)
    clock.move(1)
    assert region.get("key") is NO_VALUE
    assert region.get_or_create("key", lambda: "made") == "made"


@pytest.mark.parametrize("wrong", ["1", -1, -0.5, float("nan"), True, [1], {}, 10**400])
def test_one_that_is_none_makes_a_value_a_miss(region: CacheRegion, wrong: Any) -> None:
    put(region, "key", wrong)
    assert region.get("key") is NO_VALUE
    assert region.get("key", expiration_time=-1) is NO_VALUE
    assert region.get_or_create("key", lambda: "made") == "made"


@pytest.mark.parametrize(
    ("own", "ago", "soft", "state"),
    [
        (None, 1e9, False, State.FRESH),
        (None, 5, True, State.STALE),
        (5, 4, False, State.FRESH),
        (5, 5, False, State.STALE),
        ("5", 4, False, State.MISSING),
    ],
)
@pytest.mark.parametrize("lifetime", [None, 1, 100])
def test_the_state_is_that_of_the_own_lifetime(
    clock: SettableClock, own: Any, ago: float, soft: bool, state: State, lifetime: Any
) -> None:
    strategy = DefaultInvalidationStrategy(clock)
    if soft:
        strategy.invalidate(hard=False)
    then = clock.time() - ago
    value = CachedValue(1, {"ct": then, "v": 2, "st": then, "lt": own})
    assert Policy(clock, strategy).state(value, lifetime) is state
    if soft and lifetime is None:
        plain = CachedValue(1, {"ct": then, "v": 2, "st": then})
        with pytest.raises(DogpileCacheException, match="soft invalidation"):
            Policy(clock, strategy).state(plain, lifetime)
