"""Softly, hard, by strategies of one's own."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.exception import DogpileCacheException
from dogpile_cache.region import DefaultInvalidationStrategy, RegionInvalidationStrategy
from dogpile_cache.testing import SettableClock

from .threads import Call, Creation


class Epoch(RegionInvalidationStrategy):
    """Keep one time for several regions, as one kept in a shared store would be."""

    def __init__(self, clock: SettableClock) -> None:
        self.clock = clock
        self.time = 0.0
        self.hard = True

    def invalidate(self, hard: bool = True) -> None:
        self.time, self.hard = self.clock.time(), hard

    def is_invalidated(self, timestamp: float) -> bool:
        return timestamp < self.time

    def is_hard_invalidated(self, timestamp: float) -> bool:
        return self.hard and timestamp < self.time

    def is_soft_invalidated(self, timestamp: float) -> bool:
        return not self.hard and timestamp < self.time

    def was_hard_invalidated(self) -> bool:
        return self.hard and self.time > 0

    def was_soft_invalidated(self) -> bool:
        return not self.hard and self.time > 0


class Lookalike:
    """Have the methods of a strategy and no base class."""

    def __init__(self, clock: SettableClock) -> None:
        epoch = Epoch(clock)
        self.invalidate = epoch.invalidate
        self.is_invalidated = epoch.is_invalidated
        self.is_hard_invalidated = epoch.is_hard_invalidated
        self.is_soft_invalidated = epoch.is_soft_invalidated
        self.was_hard_invalidated = epoch.was_hard_invalidated
        self.was_soft_invalidated = epoch.was_soft_invalidated


STRATEGIES: list[Any] = [DefaultInvalidationStrategy, Epoch, Lookalike]


@pytest.fixture(params=STRATEGIES)
def invalidated(request: pytest.FixtureRequest, clock: SettableClock) -> CacheRegion:
    """Return a region with a value and a strategy, a second after the value was set."""
    region = make_region(clock=clock).configure(
        "dogpile.cache.memory",
        expiration_time=10,
        region_invalidator=request.param(clock),
    )
    region.set("key", "old")
    clock.move(1)
    return region


def test_after_a_hard_invalidation_everybody_waits(invalidated: CacheRegion) -> None:
    region = invalidated
    region.invalidate()
    assert region.get("key") is NO_VALUE
    creation = Creation("new")
    calls = [Call(region.get_or_create, "key", creation) for _ in range(3)]
    creation.wait_for_start()
    assert not any(call.has_ended for call in calls)
    creation.end()
    assert [call.result() for call in calls] == ["new"] * 3
    assert len(creation.calls) == 1


def test_after_a_soft_invalidation_the_old_value_is_served_during_the_creation(
    invalidated: CacheRegion,
) -> None:
    region = invalidated
    region.invalidate(hard=False)
    assert region.get("key") is NO_VALUE
    creation = Creation("new")
    call = Call(region.get_or_create, "key", creation)
    creation.wait_for_start()
    assert region.get_or_create("key", creation) == "old"
    creation.end()
    assert call.result() == "new"
    assert region.get("key") == "new"


def test_what_was_set_after_an_invalidation_is_fresh(
    invalidated: CacheRegion, clock: SettableClock
) -> None:
    invalidated.invalidate()
    invalidated.set("key", "new")
    assert invalidated.get("key") == "new"
    clock.move(1)
    assert invalidated.get_multi(["key"]) == ["new"]


def test_a_strategy_tells_what_the_last_invalidation_was(
    invalidated: CacheRegion,
) -> None:
    strategy = invalidated.region_invalidator
    assert not strategy.was_hard_invalidated()
    assert not strategy.was_soft_invalidated()
    invalidated.invalidate()
    assert strategy.was_hard_invalidated()
    assert not strategy.was_soft_invalidated()
    invalidated.invalidate(hard=False)
    assert strategy.was_soft_invalidated()
    assert not strategy.was_hard_invalidated()


def test_a_soft_invalidation_does_not_undo_a_hard_one(
    region: CacheRegion, clock: SettableClock
) -> None:
    region.set("key", "forbidden")
    clock.move(1)
    region.invalidate()
    clock.move(1)
    region.invalidate(hard=False)
    creation = Creation("new")
    calls = [Call(region.get_or_create, "key", creation) for _ in range(2)]
    creation.wait_for_start()
    creation.end()
    assert [call.result() for call in calls] == ["new", "new"]


def test_a_strategy_shared_by_two_regions_reaches_both(clock: SettableClock) -> None:
    strategy = Epoch(clock)
    kept: dict[str, Any] = {}
    one, other = (
        make_region(clock=clock).configure(
            "dogpile.cache.memory",
            arguments={"cache_dict": kept},
            region_invalidator=strategy,
        )
        for _ in range(2)
    )
    one.set("key", "old")
    clock.move(1)
    one.invalidate()
    assert other.get("key") is NO_VALUE


def test_a_soft_invalidation_needs_an_expiration_time(clock: SettableClock) -> None:
    region = make_region(clock=clock).configure("dogpile.cache.memory")
    region.set("key", "old")
    clock.move(1)
    region.invalidate(hard=False)
    with pytest.raises(DogpileCacheException, match="expiration time required"):
        region.get_or_create("key", lambda: "new")
    assert region.get_or_create("key", lambda: "new", expiration_time=60) == "new"


def test_the_base_class_leaves_every_decision_to_subclasses() -> None:
    base = RegionInvalidationStrategy()
    for call in (
        base.invalidate,
        base.was_hard_invalidated,
        base.was_soft_invalidated,
        lambda: base.is_invalidated(0),
        lambda: base.is_hard_invalidated(0),
        lambda: base.is_soft_invalidated(0),
    ):
        with pytest.raises(NotImplementedError):
            call()
