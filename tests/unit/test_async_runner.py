"""An async_creation_runner makes stale values anew in its own time."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.testing import SettableClock

from .threads import Call, Creation, eventually


class Runner:
    """Keep what it was given, to be run later."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, ...]] = []

    def __call__(self, region: Any, key: Any, creator: Any, mutex: Any) -> None:
        self.given.append((region, key, creator, mutex))

    def run(self) -> None:
        region, key, creator, mutex = self.given.pop(0)
        try:
            region.set(key, creator())
        finally:
            mutex.release()


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def region(runner: Runner, clock: SettableClock) -> CacheRegion:
    region = make_region(async_creation_runner=runner, clock=clock)
    return region.configure("dogpile.cache.memory", expiration_time=10)


def test_a_missing_value_is_made_at_once(region: CacheRegion, runner: Runner) -> None:
    assert region.get_or_create("key", lambda: 1) == 1
    assert runner.given == []


def test_a_stale_value_is_served_and_its_creation_handed_over_once(
    region: CacheRegion, runner: Runner, clock: SettableClock
) -> None:
    region.set("key", "old")
    clock.move(11)
    create = lambda a, b: f"new {a}{b}"
    arguments = ((1,), {"b": 2})
    for _ in range(3):
        assert region.get_or_create("key", create, creator_args=arguments) == "old"
    assert len(runner.given) == 1
    assert runner.given[0][:2] == (region, "key")
    assert region.key_is_locked("key")
    runner.run()
    assert not region.key_is_locked("key")
    assert region.get("key") == "new 12"


def test_a_hard_invalidated_value_is_not_left_to_the_runner(
    region: CacheRegion, runner: Runner, clock: SettableClock
) -> None:
    region.set("key", "old")
    clock.move(1)
    region.invalidate()
    assert region.get_or_create("key", lambda: "new") == "new"
    assert runner.given == []


def test_a_runner_that_fails_frees_the_key(
    region: CacheRegion, clock: SettableClock
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("no threads left")

    region.set("key", "old")
    clock.move(11)
    region.async_creation_runner = fail
    with pytest.raises(RuntimeError, match="no threads left"):
        region.get_or_create("key", lambda: "new")
    assert not region.key_is_locked("key")


def test_a_runner_in_a_thread_releases_what_another_thread_acquired(
    clock: SettableClock,
) -> None:
    calls: list[Call] = []

    def run(region: Any, key: Any, creator: Any, mutex: Any) -> None:
        def work() -> None:
            region.set(key, creator())
            mutex.release()

        calls.append(Call(work))

    region = make_region(async_creation_runner=run, clock=clock)
    region.configure("dogpile.cache.memory", expiration_time=10)
    region.set("key", "old")
    clock.move(11)
    creation = Creation("new")
    assert region.get_or_create("key", creation) == "old"
    creation.wait_for_start()
    assert region.get_or_create("key", creation) == "old"
    creation.end()
    calls[0].result()
    eventually(lambda: not region.key_is_locked("key"))
    assert region.get("key") == "new"
    assert len(creation.calls) == 1


def test_decorated_functions_use_the_runner(
    region: CacheRegion, runner: Runner, clock: SettableClock
) -> None:
    made: list[int] = []

    @region.cache_on_arguments()
    def f(a: int, b: int = 2) -> tuple[int, int, int]:
        made.append(a)
        return a, b, len(made)

    assert f(1) == (1, 2, 1)
    clock.move(11)
    assert f(1, b=2) == (1, 2, 1)
    runner.run()
    assert f(1) == (1, 2, 2)


def test_a_deletion_wins_over_a_handed_over_creation(
    region: CacheRegion, runner: Runner, clock: SettableClock
) -> None:
    region.set("key", "old")
    clock.move(11)
    assert region.get_or_create("key", lambda: "new") == "old"
    region.delete("key")
    assert region.get_or_create("other", lambda: 1) == 1
    runner.run()
    assert not region.key_is_locked("key")
