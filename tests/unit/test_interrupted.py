"""Creations that are broken off, and what comes from where nobody expects it."""

from __future__ import annotations

import gc
import sys
import threading
from types import FrameType
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, flow, make_region, mutex
from dogpile_cache.testing import SettableClock

from .threads import Call, Creation, eventually


class Interrupt:
    """Raise KeyboardInterrupt before the n-th line that the driver runs its steps by."""

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._in_driver if frame.f_code is flow._run.__code__ else None

    def _in_driver(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self._in_driver


@pytest.mark.parametrize("many", [False, True])
def test_a_signal_between_any_two_lines_leaves_no_key_locked(
    region: CacheRegion, many: bool
) -> None:
    before, line, interrupted = sys.gettrace(), 0, True
    while interrupted:
        line, interrupt = line + 1, Interrupt(line + 1)
        sys.settrace(interrupt)
        try:
            if many:
                region.get_or_create_multi(["a", "b"], lambda *keys: keys)
            else:
                region.get_or_create("a", lambda: "a")
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        interrupted = interrupt.left <= 0
        region.delete_multi(["a", "b"])
        assert not region.key_is_locked("a"), f"after line {line}"
        assert not region.key_is_locked("b"), f"after line {line}"
    assert line > 10


class Mutex:
    """Be free, but break off whoever releases it, once for all."""

    broken = False

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, wait: bool = True) -> bool:
        return self._lock.acquire(wait)

    def release(self) -> None:
        self._lock.release()
        if not Mutex.broken:
            Mutex.broken = True
            raise KeyboardInterrupt

    def locked(self) -> bool:
        return self._lock.locked()


def test_a_release_that_is_broken_off_does_not_keep_the_others_locked() -> None:
    Mutex.broken = False
    mutexes = {key: Mutex() for key in "abc"}
    region = make_region(lock_generator=mutexes.__getitem__)  # type: ignore[arg-type]
    region.configure("dogpile.cache.memory")
    with pytest.raises(KeyboardInterrupt):
        region.get_or_create_multi("abc", lambda *keys: keys)
    assert not any(region.key_is_locked(key) for key in "abc")


def test_a_follower_that_has_yet_to_wake_up_is_not_taken_for_waiting() -> None:
    """Its leader may go on, and wait for what that follower makes."""
    region = make_region().configure("dogpile.cache.memory")
    flights, me = region._flights, threading.get_ident()
    led = region.get_or_create("user", lambda: flights.get("user"))
    made = Creation("page")
    follower = Call(region.get_or_create, "page", made)
    made.wait_for_start()
    flight = flights.get("page")
    assert flight is not None
    assert flight.leader is not None
    mutex._waiting[flight.leader] = led  # from which it would soon come back
    Call(lambda: (eventually(lambda: me in mutex._waiting), made.end()))
    try:
        assert region.get_or_create("page", pytest.fail) == "page"
    finally:
        mutex._waiting.clear()
    assert follower.result() == "page"


def test_a_runner_that_loses_its_mutex_does_not_lock_the_key(
    clock: SettableClock,
) -> None:
    asked: list[str] = []

    def lose(region: CacheRegion, key: str, creator: Any, mutex: Any) -> None:
        asked.append(key)

    region = make_region(clock=clock, async_creation_runner=lose).configure(
        "dogpile.cache.memory", expiration_time=10
    )
    region.set("key", "old")
    clock.move(11)
    for _ in range(2):
        assert region.get_or_create("key", lambda: "new") == "old"
        gc.collect()
    assert asked == ["key", "key"]
    region.delete("key")
    assert Call(region.get_or_create, "key", lambda: "new").result() == "new"


def test_a_runner_may_release_twice_and_fail_after_it_released(
    clock: SettableClock,
) -> None:
    def fail(region: CacheRegion, key: str, creator: Any, mutex: Any) -> None:
        mutex.release()
        mutex.release()
        raise ZeroDivisionError

    released: list[str] = []

    class Counted(Mutex):
        def release(self) -> None:
            released.append("key")
            self._lock.release()

    counted = Counted()
    region = make_region(
        clock=clock,
        async_creation_runner=fail,
        lock_generator=lambda key: counted,  # type: ignore[arg-type,return-value]
    ).configure("dogpile.cache.memory", expiration_time=10)
    region.set("key", "old")
    clock.move(11)
    with pytest.raises(ZeroDivisionError):
        region.get_or_create("key", lambda: "new")
    assert released == ["key"]
    assert not region.key_is_locked("key")


def test_the_finalizer_of_a_value_may_use_the_region() -> None:
    region = make_region().configure(
        "dogpile.cache.memory", arguments={"max_entries": 2}
    )

    class Value:
        def __init__(self, number: int) -> None:
            self.number = number

        def __del__(self) -> None:
            region.delete(f"of {self.number}")
            region.set("last", self.number)

    def fill() -> None:
        for number in range(20):
            region.set(number % 5, Value(number))
            region.set(f"of {number}", number)

    Call(fill).result()
    assert len(region.backend._cache) == 2  # type: ignore[attr-defined]


def test_what_is_refreshed_is_as_old_as_the_start_of_its_making(
    region: CacheRegion, clock: SettableClock
) -> None:
    @region.cache_on_arguments()
    def load(number: int) -> int:
        clock.move(1)
        region.invalidate()
        clock.move(1)
        return number

    @region.cache_multi_on_arguments()
    def load_many(*numbers: int) -> list[int]:
        clock.move(1)
        region.invalidate()
        clock.move(1)
        return list(numbers)

    assert load.refresh(1) == 1
    assert load.get(1) is NO_VALUE
    assert load_many.refresh(1, 2) == [1, 2]
    assert load_many.get(1, 2) == [NO_VALUE] * 2
