"""The dogpile lock as a tool of its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dogpile_cache import Lock, NeedRegenerationException
from dogpile_cache.testing import SettableClock

from .threads import Call, Creation


class Shelf:
    """Keep one value and the time of its creation."""

    def __init__(self, clock: SettableClock) -> None:
        self.clock = clock
        self.pair: tuple[Any, float] | None = None
        self.mutex = threading.Lock()

    def keep(self, value: Any) -> tuple[Any, float]:
        self.pair = (value, self.clock.time())
        return self.pair

    def read(self) -> tuple[Any, float]:
        if self.pair is None:
            raise NeedRegenerationException
        return self.pair

    def lock(self, create: Any, expiretime: float | None = 10, **kw: Any) -> Lock:
        return Lock(
            self.mutex,  # type: ignore[arg-type]  # acquire and release are enough
            lambda: self.keep(create()),
            self.read,
            expiretime,
            clock=self.clock,
            **kw,
        )

    def get(self, create: Any, expiretime: float | None = 10, **kw: Any) -> Any:
        with self.lock(create, expiretime, **kw) as value:
            return value


@pytest.fixture
def shelf(clock: SettableClock) -> Shelf:
    return Shelf(clock)


def test_a_missing_value_is_made_and_a_fresh_one_served(shelf: Shelf) -> None:
    assert shelf.get(lambda: "made") == "made"
    assert shelf.get(lambda: "again") == "made"
    assert not shelf.mutex.locked()


def test_a_value_expires_unless_there_is_no_expiretime(
    shelf: Shelf, clock: SettableClock
) -> None:
    shelf.keep("old")
    clock.move(1000)
    assert shelf.get(lambda: "new", expiretime=None) == "old"
    assert shelf.get(lambda: "new") == "new"


def test_who_does_not_get_the_lock_is_served_the_stale_value(
    shelf: Shelf, clock: SettableClock
) -> None:
    shelf.keep("old")
    clock.move(11)
    creation = Creation("new")
    call = Call(shelf.get, creation)
    creation.wait_for_start()
    assert shelf.get(creation) == "old"
    creation.end()
    assert call.result() == "new"
    assert len(creation.calls) == 1


def test_who_waits_for_a_missing_value_does_not_make_it_again(shelf: Shelf) -> None:
    creation = Creation("value")
    calls = [Call(shelf.get, creation) for _ in range(4)]
    creation.wait_for_start()
    creation.end()
    assert [call.result() for call in calls] == ["value"] * 4
    assert len(creation.calls) == 1


def test_a_creation_time_of_zero_means_that_there_is_no_value(shelf: Shelf) -> None:
    shelf.pair = ("nothing", 0)
    assert shelf.get(lambda: "made") == "made"


def test_an_error_of_the_creator_is_raised_and_frees_the_mutex(shelf: Shelf) -> None:
    def fail() -> None:
        raise LookupError("no row")

    with pytest.raises(LookupError, match="no row"):
        shelf.get(fail)
    assert not shelf.mutex.locked()


def test_an_async_creator_takes_over_mutex_and_creation_of_a_stale_value(
    shelf: Shelf, clock: SettableClock
) -> None:
    given: list[Any] = []
    shelf.keep("old")
    clock.move(11)
    assert shelf.get(lambda: "never", async_creator=given.append) == "old"
    assert shelf.mutex.locked()
    shelf.keep("new")
    given[0].release()
    assert not shelf.mutex.locked()
    assert shelf.get(lambda: "never", async_creator=given.append) == "new"
    assert len(given) == 1


def test_a_missing_value_is_made_at_once_in_spite_of_an_async_creator(
    shelf: Shelf,
) -> None:
    given: list[Any] = []
    assert shelf.get(lambda: "made", async_creator=given.append) == "made"
    assert given == []


def test_a_mutex_whose_release_fails_does_not_cost_the_value(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    class Lost:
        def acquire(self, wait: bool = True) -> bool:
            return True

        def release(self) -> None:
            raise ConnectionError("gone")

    shelf.mutex = Lost()  # type: ignore[assignment]
    assert shelf.get(lambda: "made") == "made"
    assert "was not released" in caplog.text
