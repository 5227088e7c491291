"""jitter, and creators that take a context."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.exception import DogpileCacheException
from dogpile_cache.testing import SettableClock
from tests.unit.threads import eventually

Make = Callable[..., Any]
MEMORY = "dogpile.cache.memory"


def lifetimes(region: Any, clock: SettableClock, count: int) -> list[float]:
    """Return how much sooner than by the clock each of some new values will expire."""
    for number in range(count):
        region.get_or_create(number, lambda: "value")
    metadata = [region.get_value_metadata(n).metadata for n in range(count)]
    return [clock.now - each["ct"] for each in metadata]


@pytest.mark.parametrize(
    ("jitter", "most"),
    [(0.25, 25), (20, 20), (timedelta(seconds=0.5), 0.5), (1000, 50)],
)
def test_lifetimes_are_spread(
    make: Make, clock: SettableClock, jitter: Any, most: float
) -> None:
    region = make().configure(MEMORY, expiration_time=100, jitter=jitter)
    sooner = lifetimes(region, clock, 300)
    assert 0 <= min(sooner) < most / 10
    assert most * 0.9 < max(sooner) <= most
    assert len(set(sooner)) > 250


def test_invalidations_count_from_the_start_all_the_same(
    make: Make, clock: SettableClock
) -> None:
    region = make().configure(MEMORY, expiration_time=100, jitter=0.5)
    region.invalidate()
    clock.move(1)
    assert [region.get_or_create(n, lambda: n) for n in range(50)] == [*range(50)]
    assert [region.get(n) for n in range(50)] == [*range(50)]


def test_values_that_are_set_are_spread_too(make: Make, clock: SettableClock) -> None:
    region = make().configure(MEMORY, expiration_time=100, jitter=0.5)
    region.set_multi(dict.fromkeys(range(50), "value"))
    stamps = {region.get_value_metadata(n).metadata["ct"] for n in range(50)}
    assert len(stamps) > 40


def test_values_that_never_expire_have_nothing_to_spread(
    make: Make, clock: SettableClock
) -> None:
    region = make().configure(MEMORY, jitter=0.5)
    assert lifetimes(region, clock, 3) == [0, 0, 0]


def test_the_context_tells_of_the_previous_value(
    make: Make, clock: SettableClock
) -> None:
    told: list[Any] = []

    def create(context: Any) -> str:
        told.append((context.key, context.previous, context.previous_age))
        return "value"

    region = make().configure(MEMORY, expiration_time=10)
    assert region.get_or_create("key", create) == "value"
    clock.move(12)
    assert region.get_or_create("key", create) == "value"
    assert told == [("key", NO_VALUE, None), ("key", "value", 12)]


@pytest.mark.parametrize("backend", [MEMORY, "dogpile.cache.memory_pickle"])
def test_a_value_may_have_a_lifetime_of_its_own(
    make: Make, clock: SettableClock, backend: str
) -> None:
    def create(context: Any) -> str:
        context.expiration_time = {"short": 2, "long": timedelta(seconds=50)}.get(
            context.key
        )
        return "value"

    region = make().configure(backend, expiration_time=10)
    keys = ["short", "long", "for ever"]
    for key in keys:
        region.get_or_create(key, create)
    for moved, left in ((1.9, 3), (0.2, 2), (40, 2), (10, 1), (1e9, 1)):
        clock.move(moved)
        fresh = [value for value in region.get_multi(keys) if value is not NO_VALUE]
        assert len(fresh) == left
        again = [region.get(key) is not NO_VALUE for key in keys]
        assert sum(again) == left
    assert region.get_or_create("short", lambda: "new") == "new"
    clock.move(9)
    assert region.get("short") == "new"


def test_a_lifetime_of_its_own_in_a_region_of_values_for_ever(
    make: Make, clock: SettableClock
) -> None:
    def create(context: Any) -> str:
        context.expiration_time = 2
        return "value"

    region = make().configure(MEMORY)
    region.get_or_create("key", create)
    clock.move(3)
    assert region.get("key") is NO_VALUE
    assert region.get_or_create("key", lambda: "new") == "new"


def test_not_modified_gives_the_previous_value_a_new_life(
    make: Make, clock: SettableClock
) -> None:
    region = make().configure(MEMORY, expiration_time=10)
    region.set("key", "value")
    clock.move(11)
    assert (
        region.get_or_create("key", lambda context: context.not_modified()) == "value"
    )
    clock.move(9)
    assert region.get("key") == "value"


def test_not_modified_without_a_previous_value_is_an_error(make: Make) -> None:
    region = make().configure(MEMORY)
    with pytest.raises(DogpileCacheException, match=r"'key'.*there was none"):
        region.get_or_create("key", lambda context: context.not_modified())


def test_a_value_need_not_be_stored(make: Make) -> None:
    def create(context: Any) -> str:
        context.store = False
        return "value"

    region = make().configure(MEMORY)
    assert region.get_or_create("key", create) == "value"
    assert region.get("key") is NO_VALUE


def test_in_the_background_the_context_is_the_same(
    make: Make, clock: SettableClock
) -> None:
    def create(context: Any) -> str:
        context.expiration_time = 50
        return f"after {context.previous}"

    region = make().configure(MEMORY, expiration_time=10, refresh_ahead=0.5)
    region.set("key", "old")
    clock.move(6)
    assert region.get_or_create("key", create) == "old"
    eventually(lambda: region.get("key") == "after old")
    clock.move(20)
    assert region.get("key") == "after old"


class Callable_:
    def __call__(self, context: Any) -> Any:
        return context.key

    def method(self, context: Any) -> Any:
        return context.key


def of_two(number: int, context: Any) -> Any:
    return context.key, number


TAKE_IT = [
    lambda context: context.key,
    lambda *, context: context.key,
    Callable_(),
    Callable_().method,
    partial(lambda number, context: context.key, 1),
]
DO_NOT = [
    lambda context="key": context,
    lambda: "key",
    lambda *context: "key",
    lambda **context: "key",
    partial(lambda context: context, "key"),
    partial(lambda context: context, context="key"),
    "key".strip,
]


@pytest.mark.parametrize("creator", TAKE_IT + DO_NOT)
def test_only_one_required_parameter_of_that_name_is_given_it(creator: Any) -> None:
    region = make_region().configure(MEMORY)
    assert region.get_or_create("key", creator) == "key"


def test_arguments_of_the_creator_come_before_the_context() -> None:
    region = make_region().configure(MEMORY)
    arguments = ((1,), {})
    assert region.get_or_create("key", of_two, creator_args=arguments) == ("key", 1)


def test_decorated_functions_are_given_their_arguments_alone() -> None:
    region = make_region().configure(MEMORY)

    @region.cache_on_arguments()
    def shout(context: str) -> str:
        return context.upper()

    assert shout("key") == "KEY"
