"""Invalidations that reach the other processes of a backend."""

from __future__ import annotations

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.invalidation import SharedInvalidationStrategy
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.testing import SettableClock


class Failing(ProxyBackend):
    """Fail when told to."""

    fails = False

    def get_serialized(self, key: str) -> object:
        if self.fails:
            raise ConnectionError
        return self.proxied.get_serialized(key)


class Process:
    """Be a region as one of several processes has it."""

    def __init__(self, clock: SettableClock, shared: dict[str, bytes]) -> None:
        self.backend = Failing()
        self.region = make_region(clock=clock).configure(
            "dogpile.cache.memory_pickle",
            expiration_time=60,
            arguments={"cache_dict": shared},
            wrap=[self.backend],
        )
        self.region.region_invalidator = SharedInvalidationStrategy(
            self.backend, "invalidated", interval=2, clock=clock
        )


@pytest.fixture
def processes(clock: SettableClock) -> tuple[Process, Process]:
    shared: dict[str, bytes] = {}
    one, other = Process(clock, shared), Process(clock, shared)
    one.region.set("key", "old")
    clock.move(1)
    assert other.region.get("key") == "old"
    return one, other


def test_it_counts_here_at_once_and_there_after_the_interval(
    processes: tuple[Process, Process], clock: SettableClock
) -> None:
    here, there = processes
    here.region.invalidate()
    assert here.region.get("key") is NO_VALUE
    assert there.region.get("key") == "old"
    clock.move(2)
    assert there.region.get("key") is NO_VALUE
    there.region.set("key", "new")
    assert here.region.get("key") == "new"


def test_a_soft_one_serves_the_old_value_while_a_new_one_is_made(
    processes: tuple[Process, Process], clock: SettableClock
) -> None:
    here, there = processes
    here.region.invalidate(hard=False)
    clock.move(2)
    region = there.region
    seen: list[object] = []

    def create() -> str:
        seen.append(region.get("key", ignore_expiration=True))
        return "new"

    assert region.get_or_create("key", create) == "new"
    assert seen == ["old"]


def test_it_is_looked_for_no_more_often_than_told(
    processes: tuple[Process, Process], clock: SettableClock
) -> None:
    here, there = processes
    here.region.invalidate()
    for _ in range(3):
        clock.move(0.5)
        assert there.region.get("key") == "old"
    clock.move(0.5)
    assert there.region.get("key") is NO_VALUE


def test_a_clock_that_is_set_back_does_not_blind_it(
    processes: tuple[Process, Process], clock: SettableClock
) -> None:
    here, there = processes
    here.region.invalidate()
    clock.move(-0.5)
    assert there.region.get("key") is NO_VALUE


@pytest.mark.parametrize("broken", ["a backend that fails", "a value that is none"])
def test_what_was_known_stays_true(
    processes: tuple[Process, Process], clock: SettableClock, broken: str
) -> None:
    here, there = processes
    here.region.invalidate()
    clock.move(2)
    assert there.region.get("key") is NO_VALUE
    region: CacheRegion = there.region
    if "fails" in broken:
        there.backend.fails = True
        clock.move(2)
        assert region.region_invalidator.is_invalidated(0)
        assert region.region_invalidator.latest > 0
    else:
        there.backend.set_serialized("invalidated", b"nonsense")
        clock.move(2)
        assert region.get("key") is NO_VALUE
    assert region.region_invalidator.was_hard_invalidated()
