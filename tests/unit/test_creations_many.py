"""get_or_create_multi: errors, order, and callers that meet."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion
from dogpile_cache.exception import DogpileCacheException
from dogpile_cache.testing import SettableClock

from .threads import PATIENCE, Call, Creation


def test_an_error_leaves_no_key_locked(region: CacheRegion) -> None:
    def fail(*keys: str) -> list[str]:
        raise LookupError(keys)

    with pytest.raises(LookupError):
        region.get_or_create_multi(["a", "b", "c"], fail)
    assert not any(map(region.key_is_locked, "abc"))
    assert region.get_or_create_multi(["a", "b", "c"], lambda *k: list(k)) == [
        "a",
        "b",
        "c",
    ]


def test_an_error_of_a_lock_leaves_no_earlier_key_locked(clock: SettableClock) -> None:
    locks = {"a": threading.Lock(), "b": threading.Lock()}

    def lock(key: str) -> Any:
        if key == "c":
            return FailingLock()
        return locks[key]

    region = CacheRegion(clock=clock, lock_generator=lock)
    region.configure("dogpile.cache.memory")
    with pytest.raises(ConnectionError):
        region.get_or_create_multi(["a", "b", "c"], lambda *keys: list(keys))
    assert not any(lock.locked() for lock in locks.values())
    assert region.get_or_create_multi(["a", "b"], lambda *keys: list(keys)) == [
        "a",
        "b",
    ]


class FailingLock:
    def acquire(self, wait: bool = True) -> bool:
        raise ConnectionError

    def release(self) -> None:
        raise AssertionError("it was never acquired")


def test_keys_of_mixed_types_are_taken(region: CacheRegion) -> None:
    keys = [1, "1", (2, 3), None, b"4"]
    assert region.get_or_create_multi(keys, lambda *k: list(k)) == keys
    assert region.get_multi(keys) == keys


def test_the_creator_is_given_missing_keys_once_and_in_order(
    region: CacheRegion,
) -> None:
    creation = Creation([30, 10], paused=False)
    region.set("two", 20)
    keys = ["three", "two", "one", "three"]
    assert region.get_or_create_multi(keys, creation) == [30, 20, 10, 30]
    assert creation.calls == [("three", "one")]


def test_no_keys_ask_nobody(region: CacheRegion) -> None:
    creation = Creation([], paused=False)
    assert region.get_or_create_multi([], creation) == []
    assert creation.calls == []


def test_keys_may_come_from_a_generator(region: CacheRegion) -> None:
    keys = (name for name in "ab")
    assert region.get_or_create_multi(keys, lambda *k: list(k)) == ["a", "b"]
    assert region.get_multi(name for name in "ab") == ["a", "b"]


def test_a_wrong_number_of_values_is_an_error_that_tells_both_numbers(
    region: CacheRegion,
) -> None:
    with pytest.raises(DogpileCacheException, match="returned 1 values for 2 keys"):
        region.get_or_create_multi(["a", "b"], lambda *keys: [1])
    assert region.get_multi(["a", "b"]) == [NO_VALUE, NO_VALUE]


def test_a_value_that_the_creator_does_not_have_is_not_kept(
    region: CacheRegion,
) -> None:
    made = region.get_or_create_multi(["a", "b"], lambda *keys: [1, NO_VALUE])
    assert made == [1, NO_VALUE]
    assert region.get_or_create_multi(["b"], lambda *keys: [2]) == [2]


def test_should_cache_fn_is_asked_about_each_value(region: CacheRegion) -> None:
    made = region.get_or_create_multi(
        ["a", "b"], lambda *keys: [1, None], should_cache_fn=lambda v: v is not None
    )
    assert made == [1, None]
    assert region.get_multi(["a", "b"]) == [1, NO_VALUE]


def test_who_meets_a_creation_in_progress_gets_its_value(region: CacheRegion) -> None:
    creation = Creation("from the first")
    first = Call(region.get_or_create, "b", creation)
    creation.wait_for_start()
    asked: list[tuple[Any, ...]] = []

    def create(*keys: str) -> list[str]:
        asked.append(keys)
        return list(keys)

    second = Call(region.get_or_create_multi, ["a", "b", "c"], create)
    third = Call(region.get_or_create, "c", lambda: "never")
    creation.end()
    assert first.result() == "from the first"
    assert second.result()[:2] == ["a", "from the first"]
    assert third.result() == second.result()[2]
    assert asked[0] in (("a", "c"), ("a",))


def test_a_stale_key_in_creation_is_served_as_it_is(
    region: CacheRegion, clock: SettableClock
) -> None:
    region.set_multi({"a": "old a", "b": "old b"})
    clock.move(11)
    creation = Creation("new b")
    call = Call(region.get_or_create, "b", creation)
    creation.wait_for_start()
    made = region.get_or_create_multi(["a", "b"], lambda *keys: ["new a"])
    assert made == ["new a", "old b"]
    creation.end()
    assert call.result() == "new b"


def test_callers_with_opposite_orders_do_not_lock_each_other_out(
    region: CacheRegion,
) -> None:
    together = threading.Barrier(2)

    def ask(keys: list[str]) -> list[str]:
        together.wait(PATIENCE)
        return region.get_or_create_multi(
            keys, lambda *asked: [f"<{k}>" for k in asked]
        )

    for round in range(50):
        keys = [f"{round}-{i}" for i in range(6)]
        calls = [Call(ask, keys), Call(ask, keys[::-1])]
        expected = [f"<{key}>" for key in keys]
        assert [calls[0].result(), calls[1].result()] == [expected, expected[::-1]]
