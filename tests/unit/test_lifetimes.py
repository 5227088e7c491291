"""Lifetimes given for one call or one function: what is wrong is said before it costs."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.exception import ValidationError
from dogpile_cache.testing import SettableClock

ALLOWED = "a number of seconds from 0, a timedelta, and None or -1"
FIVE = datetime.timedelta(seconds=5)

GETS: dict[str, Callable[[CacheRegion, Any], Any]] = {
    "get": lambda r, t: r.get("key", t),
    "get_value_metadata": lambda r, t: getattr(
        r.get_value_metadata("key", t), "payload", NO_VALUE
    ),
    "get_multi": lambda r, t: r.get_multi(["key"], t)[0],
}
CREATES: dict[str, Callable[..., Any]] = {
    "get_or_create": lambda r, t, make: r.get_or_create("key", make, t),
    "get_or_create_multi": lambda r, t, make: r.get_or_create_multi(
        ["key"], lambda *keys: [make()], t
    )[0],
}
creates = pytest.mark.parametrize("create", CREATES.values(), ids=CREATES)


@pytest.fixture(params=["memory", "memory_pickle"])
def region(request: pytest.FixtureRequest, clock: SettableClock) -> CacheRegion:
    name: str = request.param
    return make_region(clock=clock).configure(f"dogpile.cache.{name}", 10)


@creates
@pytest.mark.parametrize("wrong", ["60", [], -2, True, float("nan")])
def test_a_wrong_lifetime_is_an_error_before_the_creator_is_called(
    region: CacheRegion, create: Any, wrong: Any
) -> None:
    with pytest.raises(ValidationError, match=ALLOWED):
        create(region, wrong, pytest.fail)
    assert region.get("key") is NO_VALUE
    assert not region.key_is_locked("key")


@creates
def test_a_lifetime_of_text_is_an_error_where_there_is_a_value_too(
    region: CacheRegion, create: Any
) -> None:
    region.set("key", "value")
    with pytest.raises(ValidationError, match=f"It is '60'; allowed are {ALLOWED}"):
        create(region, "60", pytest.fail)


@pytest.mark.parametrize("get", GETS.values(), ids=GETS)
def test_looking_with_a_lifetime_of_text_is_an_error(
    region: CacheRegion, get: Any
) -> None:
    region.set("key", "value")
    with pytest.raises(ValidationError, match=ALLOWED):
        get(region, "60")


@pytest.mark.parametrize("get", GETS.values(), ids=GETS)
def test_a_timedelta_is_a_lifetime_for_looking(
    region: CacheRegion, clock: SettableClock, get: Any
) -> None:
    region.set("key", "value")
    clock.move(4)
    assert get(region, FIVE) == "value"
    clock.move(2)
    assert get(region, FIVE) is NO_VALUE
    assert region.get("key") == "value"


@creates
def test_a_timedelta_is_a_lifetime_for_creating(
    region: CacheRegion, clock: SettableClock, create: Any
) -> None:
    assert create(region, FIVE, lambda: "first") == "first"
    clock.move(4)
    assert create(region, FIVE, pytest.fail) == "first"
    clock.move(2)
    assert create(region, FIVE, lambda: "second") == "second"


def test_a_wrong_lifetime_is_an_error_when_a_function_is_decorated(
    region: CacheRegion,
) -> None:
    wrong: Any = "60"
    for decorator in (region.cache_on_arguments, region.cache_multi_on_arguments):
        with pytest.raises(ValidationError, match=ALLOWED):
            decorator(expiration_time=wrong)(lambda *keys: keys)


def test_decorated_functions_take_timedeltas(
    region: CacheRegion, clock: SettableClock
) -> None:
    calls: list[Any] = []

    @region.cache_on_arguments(expiration_time=FIVE)
    def one(number: int) -> int:
        calls.append(number)
        return number

    @region.cache_multi_on_arguments(expiration_time=lambda: FIVE)
    def many(*numbers: int) -> list[int]:
        calls.extend(numbers)
        return list(numbers)

    for _ in range(2):
        assert [one(1), *many(2, 3)] == [1, 2, 3]
    assert calls == [1, 2, 3]
    clock.move(6)
    assert one.get(1) is NO_VALUE
    assert [one(1), *many(2, 3)] == [1, 2, 3]
    assert calls == [1, 2, 3] * 2


def test_what_a_strategy_raises_is_not_hidden(clock: SettableClock) -> None:
    class Broken:
        def is_invalidated(self, timestamp: float) -> bool:
            raise TypeError("mine")

    strategy: Any = Broken()
    region = make_region(clock=clock).configure(
        "dogpile.cache.memory", region_invalidator=strategy
    )
    region.set("key", 1)
    with pytest.raises(TypeError, match="mine"):
        region.get("key")
