"""One creation per key and expiry, among the threads of a process."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.exception import CreationDeadlock, DogpileCacheException
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.testing import SettableClock

from .threads import PATIENCE, Call, Creation


class SlowReader(ProxyBackend):
    """Hold back, in one thread, the value that was read."""

    def __init__(self) -> None:
        self.slow_thread: int | None = None
        self.has_read = threading.Event()
        self.may_return = threading.Event()

    def get(self, key: Any) -> Any:
        value = self.proxied.get(key)
        if threading.get_ident() == self.slow_thread:
            self.slow_thread = None
            self.has_read.set()
            assert self.may_return.wait(PATIENCE)
        return value


@pytest.mark.parametrize("stored", ["stale", "missing"])
def test_who_saw_an_old_state_looks_again_before_creating(
    clock: SettableClock, stored: str
) -> None:
    reader = SlowReader()
    region = make_region(clock=clock).configure(
        "dogpile.cache.memory", expiration_time=10, wrap=[reader]
    )
    if stored == "stale":
        region.set("key", "old")
        clock.move(11)

    def late() -> Any:
        reader.slow_thread = threading.get_ident()
        return region.get_or_create("key", lambda: "second")

    call = Call(late)
    assert reader.has_read.wait(PATIENCE)
    assert region.get_or_create("key", lambda: "first") == "first"
    reader.may_return.set()
    assert call.result() == "first"
    assert region.get("key") == "first"


def test_while_one_creates_the_others_are_served_the_stale_value(
    region: CacheRegion, clock: SettableClock
) -> None:
    region.set("key", "old")
    clock.move(11)
    creation = Creation("new")
    call = Call(region.get_or_create, "key", creation)
    creation.wait_for_start()
    assert [region.get_or_create("key", creation) for _ in range(3)] == ["old"] * 3
    creation.end()
    assert call.result() == "new"
    assert len(creation.calls) == 1


def test_thirty_two_callers_of_a_missing_key_share_one_creation(
    region: CacheRegion,
) -> None:
    creation = Creation("value")
    everyone = threading.Barrier(32)

    def ask() -> Any:
        everyone.wait(PATIENCE)
        return region.get_or_create("key", creation)

    calls = [Call(ask) for _ in range(32)]
    creation.wait_for_start()
    creation.end()
    assert {call.result() for call in calls} == {"value"}
    assert len(creation.calls) == 1


def test_creations_of_two_keys_do_not_wait_for_each_other(region: CacheRegion) -> None:
    creation = Creation(1)
    call = Call(region.get_or_create, "one", creation)
    creation.wait_for_start()
    assert region.get_or_create("two", lambda: 2) == 2
    creation.end()
    assert call.result() == 1


def test_a_failed_creation_is_raised_to_its_caller_and_the_next_one_creates(
    region: CacheRegion,
) -> None:
    def fail() -> None:
        raise LookupError("no such row")

    with pytest.raises(LookupError, match="no such row"):
        region.get_or_create("key", fail)
    assert region.get_or_create("key", lambda: 1) == 1


def test_recursion_into_the_same_key_raises_and_names_the_key(
    region: CacheRegion,
) -> None:
    def recurse() -> Any:
        return region.get_or_create("the key", recurse)

    with pytest.raises(DogpileCacheException, match="'the key'"):
        region.get_or_create("the key", recurse)
    assert region.get_or_create("the key", lambda: 1) == 1


def test_recursion_into_a_stale_key_is_served_the_stale_value(
    region: CacheRegion, clock: SettableClock
) -> None:
    region.set("key", "old")
    clock.move(11)

    def inner() -> str:
        return region.get_or_create("key", inner) + " and new"

    assert region.get_or_create("key", inner) == "old and new"


def test_creators_that_wait_for_each_other_raise_and_do_not_hang(
    region: CacheRegion,
) -> None:
    both_started = threading.Barrier(2)

    def create(own: str, other: str) -> Any:
        both_started.wait(PATIENCE)
        return region.get_or_create(other, lambda: f"{other} made by {own}")

    calls = [
        Call(region.get_or_create, "a", lambda: create("a", "b")),
        Call(region.get_or_create, "b", lambda: create("b", "a")),
    ]
    outcomes = []
    for call in calls:
        try:
            outcomes.append(call.result())
        except CreationDeadlock as error:
            outcomes.append(type(error))
            assert error.key in ("a", "b")
    assert CreationDeadlock in outcomes


def test_a_creator_may_ask_for_other_keys(region: CacheRegion) -> None:
    def outer() -> Any:
        return region.get_or_create("inner", lambda: 1) + 1

    assert region.get_or_create("outer", outer) == 2
    assert region.get("inner") == 1


def test_a_base_exception_in_a_creator_leaves_the_key_free(region: CacheRegion) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        region.get_or_create("key", interrupted)
    assert not region.key_is_locked("key")


@pytest.mark.parametrize(
    "error", [StopIteration(1), KeyboardInterrupt(), GeneratorExit()]
)
def test_whatever_a_creator_raises_reaches_its_caller_as_it_is(
    error: BaseException,
) -> None:
    region = make_region().configure("dogpile.cache.memory")

    def create() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        region.get_or_create("key", create)
    assert caught.value is error
    assert not region.key_is_locked("key")
