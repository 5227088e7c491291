"""stale_if_error, retry_after and share_errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dogpile_cache import NO_VALUE
from dogpile_cache.testing import SettableClock
from tests.unit.threads import Call, Creation, eventually

Make = Callable[..., Any]
MEMORY = "dogpile.cache.memory"


class Broken:
    """Be a creator that fails, and counts how often it was called."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.error = error or ZeroDivisionError("the database is away")

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        raise self.error


def stale(make: Make, clock: SettableClock, *, by: float = 1, **settings: Any) -> Any:
    """Return a region whose value expired some seconds ago."""
    region = make().configure(MEMORY, expiration_time=10, **settings)
    region.set("key", "old")
    clock.move(10 + by)
    return region


def test_the_stale_value_is_served_and_the_error_logged_once(
    make: Make, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    region, broken = stale(make, clock, stale_if_error=60), Broken()
    assert [region.get_or_create("key", broken) for _ in range(3)] == ["old"] * 3
    assert broken.calls == 1
    [record] = caplog.records
    assert "'key'" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is broken.error
    assert "the database is away" in caplog.text


def test_without_the_setting_the_error_goes_through(
    make: Make, clock: SettableClock
) -> None:
    region = stale(make, clock)
    with pytest.raises(ZeroDivisionError):
        region.get_or_create("key", Broken())
    assert region.get_or_create("key", lambda: "new") == "new"


def test_the_creator_is_tried_again_after_a_while(
    make: Make, clock: SettableClock
) -> None:
    region, broken = stale(make, clock, stale_if_error=60, retry_after=3), Broken()
    for moved, calls in ((0, 1), (2.9, 1), (0.2, 2), (1, 2), (2.1, 3)):
        clock.move(moved)
        assert region.get_or_create("key", broken) == "old"
        assert broken.calls == calls
    clock.move(3.1)
    assert region.get_or_create("key", lambda: "new") == "new"
    assert region.get("key") == "new"


def test_the_default_is_to_try_again_after_five_seconds(
    make: Make, clock: SettableClock
) -> None:
    region, broken = stale(make, clock, stale_if_error=60), Broken()
    for moved, calls in ((0, 1), (4.9, 1), (0.2, 2)):
        clock.move(moved)
        region.get_or_create("key", broken)
        assert broken.calls == calls


def test_a_clock_that_is_set_back_wakes_the_creator(
    make: Make, clock: SettableClock
) -> None:
    region = stale(make, clock, stale_if_error=60)
    assert region.get_or_create("key", Broken()) == "old"
    clock.move(-0.5)
    assert region.get_or_create("key", lambda: "new") == "new"


def test_a_value_that_is_too_stale_is_not_served(
    make: Make, clock: SettableClock
) -> None:
    region, broken = stale(make, clock, by=59, stale_if_error=60), Broken()
    assert region.get_or_create("key", broken) == "old"
    clock.move(2)  # within the time in which the creator would rest
    with pytest.raises(ZeroDivisionError):
        region.get_or_create("key", broken)


def test_what_was_deleted_or_invalidated_is_not_served(
    make: Make, clock: SettableClock
) -> None:
    for forget in (lambda it: it.delete("key"), lambda it: it.invalidate()):
        region = stale(make, clock, stale_if_error=60)
        assert region.get_or_create("key", Broken()) == "old"
        forget(region)
        with pytest.raises(ZeroDivisionError):
            region.get_or_create("key", Broken())


def test_a_softly_invalidated_value_is_served(make: Make, clock: SettableClock) -> None:
    region = make().configure(MEMORY, expiration_time=100, stale_if_error=60)
    region.set("key", "old")
    clock.move(1)
    region.invalidate(hard=False)
    assert region.get_or_create("key", Broken()) == "old"


def test_without_a_value_the_error_goes_through_and_is_not_cached(make: Make) -> None:
    region = make().configure(MEMORY, stale_if_error=60)
    broken = Broken()
    for calls in (1, 2):
        with pytest.raises(ZeroDivisionError):
            region.get_or_create("key", broken)
        assert broken.calls == calls
    assert region.get("key") is NO_VALUE


def test_a_call_may_say_it_for_itself(make: Make, clock: SettableClock) -> None:
    region = stale(make, clock)
    assert region.get_or_create("key", Broken(), stale_if_error=60) == "old"
    region = stale(make, clock, stale_if_error=60)
    with pytest.raises(ZeroDivisionError):
        region.get_or_create("key", Broken(), stale_if_error=0)


def test_one_key_rests_and_the_others_do_not(make: Make, clock: SettableClock) -> None:
    region = stale(make, clock, stale_if_error=60)
    assert region.get_or_create("key", Broken()) == "old"
    assert region.get_or_create("other", lambda: "made") == "made"


def test_of_many_keys_all_stale_ones_are_served(
    make: Make, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    region, broken = make(), Broken()
    region.configure(MEMORY, expiration_time=10, stale_if_error=60)
    region.set_multi({"a": 1, "b": 2})
    clock.move(11)
    region.set("c", 3)
    for _ in range(2):
        assert region.get_or_create_multi(["a", "b", "c"], broken) == [1, 2, 3]
    assert broken.calls == 1
    assert len(caplog.records) == 1
    with pytest.raises(ZeroDivisionError):
        region.get_or_create_multi(["a", "d"], broken)


def test_those_who_wait_try_in_turn(make: Make) -> None:
    region, calls = make().configure(MEMORY), []
    first = Creation(None)

    def create() -> Any:
        calls.append(1)
        first()
        raise ZeroDivisionError(f"try {len(calls)}")

    callers = [Call(region.get_or_create, "key", create)]
    first.wait_for_start()
    callers += [Call(region.get_or_create, "key", create) for _ in range(3)]
    first.end()
    for caller in callers:
        with pytest.raises(ZeroDivisionError):
            caller.result()
    assert len(calls) == 4


def test_those_who_wait_may_share_the_error(make: Make, clock: SettableClock) -> None:
    region = make().configure(MEMORY, share_errors=True)
    creation, entered = Creation(None), []
    error = ZeroDivisionError("once for all")

    def create() -> Any:
        creation()
        raise error

    flights = region._flights
    wait = flights.wait

    def counted(*args: Any) -> Any:
        entered.append(1)
        return wait(*args)

    flights.wait = counted
    callers = [Call(region.get_or_create, "key", create)]
    creation.wait_for_start()
    callers += [Call(region.get_or_create, "key", create) for _ in range(3)]
    eventually(lambda: len(entered) == 3)
    creation.end()
    for caller in callers:
        with pytest.raises(ZeroDivisionError) as raised:
            caller.result()
        assert raised.value is error
    assert len(creation.calls) == 1
    assert region.get_or_create("key", lambda: "new") == "new"


def test_the_memory_of_failures_is_bounded(
    make: Make, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dogpile_cache.resting.MOST", 3)
    region = make().configure(MEMORY, expiration_time=10, stale_if_error=60)
    keys = [f"key {n}" for n in range(6)]
    region.set_multi(dict.fromkeys(keys, "old"))
    clock.move(11)
    for key in keys:
        assert region.get_or_create(key, Broken()) == "old"
    assert len(region._resting) == 3
    clock.move(6)
    assert region.get_or_create(keys[5], Broken()) == "old"
    assert len(region._resting) == 1
