"""creator_timeout and refresh_ahead."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from dogpile_cache.exception import CreationDeadlock, CreatorTimeout
from dogpile_cache.testing import SettableClock
from tests.unit.threads import Call, Creation, eventually

Make = Callable[..., Any]
MEMORY = "dogpile.cache.memory"
SHORT = 0.01
LONG = 20.0


def filled(make: Make, clock: SettableClock, **settings: Any) -> Any:
    """Return a region whose value has just expired."""
    region = make().configure(MEMORY, expiration_time=10, **settings)
    region.set("key", "old")
    clock.move(11)
    return region


def test_past_soft_the_stale_value_is_served_and_the_new_one_kept(
    make: Make, clock: SettableClock
) -> None:
    region, creation = (
        filled(make, clock, creator_timeout=(SHORT, LONG)),
        Creation("new"),
    )
    assert region.get_or_create("key", creation) == "old"
    assert region.get_or_create("key", creation) == "old"
    creation.end()
    eventually(lambda: region.get("key") == "new")
    eventually(lambda: not region.key_is_locked("key"))
    assert len(creation.calls) == 1


def test_in_time_the_new_value_is_served(make: Make, clock: SettableClock) -> None:
    region = filled(make, clock, creator_timeout=(LONG, LONG))
    assert region.get_or_create("key", lambda: "new") == "new"
    assert region.get("key") == "new"
    assert region.get_or_create("other", lambda: "made") == "made"


def test_past_hard_the_error_names_key_and_time(make: Make) -> None:
    region = make().configure(MEMORY, creator_timeout=SHORT)
    creation = Creation("new")
    for _ in range(2):
        with pytest.raises(CreatorTimeout, match=r"'key'.* 0\.01 seconds") as raised:
            region.get_or_create("key", creation)
        assert isinstance(raised.value, TimeoutError)
        assert (raised.value.key, raised.value.seconds) == ("key", SHORT)
    creation.end()
    eventually(lambda: region.get("key") == "new")
    assert len(creation.calls) == 1


def test_the_soft_time_is_of_no_concern_where_there_is_no_value(make: Make) -> None:
    region = make().configure(MEMORY, creator_timeout=(SHORT, None))
    creation = Creation("new")
    caller = Call(region.get_or_create, "key", creation)
    creation.wait_for_start()
    creation.end()
    assert caller.result() == "new"


def test_without_a_soft_time_a_stale_value_waits_for_the_hard_one(
    make: Make, clock: SettableClock
) -> None:
    region = filled(make, clock, creator_timeout=(None, SHORT))
    creation = Creation("new")
    assert region.get_or_create("key", creation) == "old"
    creation.end()
    eventually(lambda: region.get("key") == "new")


def test_an_error_in_time_goes_through_or_is_excused(
    make: Make, clock: SettableClock
) -> None:
    def fail() -> Any:
        raise ZeroDivisionError

    region = filled(make, clock, creator_timeout=LONG)
    with pytest.raises(ZeroDivisionError):
        region.get_or_create("key", fail)
    with pytest.raises(ZeroDivisionError):
        region.get_or_create("other", fail)
    assert not region.key_is_locked("key")
    assert region.get_or_create("key", fail, stale_if_error=60) == "old"
    assert region.get_or_create("other", lambda: "made") == "made"


def test_an_error_that_comes_late_is_in_the_log(
    make: Make, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    creation = Creation(None)

    def fail() -> Any:
        creation()
        raise ZeroDivisionError("too late")

    region = filled(make, clock, creator_timeout=SHORT)
    assert region.get_or_create("key", fail) == "old"
    creation.end()
    eventually(lambda: not region.key_is_locked("key"))
    assert "too late" in caplog.text
    assert "'key'" in caplog.text


def test_a_call_may_say_it_for_itself(make: Make, clock: SettableClock) -> None:
    region, creation = filled(make, clock), Creation("new")
    assert region.get_or_create("key", creation, creator_timeout=SHORT) == "old"
    creation.end()
    eventually(lambda: region.get("key") == "new")


def test_should_cache_fn_is_asked_of_what_comes_late(
    make: Make, clock: SettableClock
) -> None:
    region, creation = filled(make, clock, creator_timeout=SHORT), Creation("new")
    refuse = lambda value: value != "new"
    assert region.get_or_create("key", creation, should_cache_fn=refuse) == "old"
    creation.end()
    eventually(lambda: not region.key_is_locked("key"))
    assert region.get("key", ignore_expiration=True) == "old"


def test_a_deletion_meanwhile_wins(make: Make, clock: SettableClock) -> None:
    region, creation = filled(make, clock, creator_timeout=SHORT), Creation("new")
    assert region.get_or_create("key", creation) == "old"
    region.delete("key")
    creation.end()
    eventually(lambda: not region.key_is_locked("key"))
    assert region.get_or_create("key", lambda: "newer") == "newer"


def test_many_keys_are_waited_for_together(make: Make, clock: SettableClock) -> None:
    region, creation = make(), Creation([1, 2])
    region.configure(MEMORY, expiration_time=10, creator_timeout=(SHORT, SHORT))
    region.set_multi({"a": "old a", "b": "old b"})
    clock.move(11)
    for _ in range(2):
        assert region.get_or_create_multi(["a", "b"], creation) == ["old a", "old b"]
    creation.end()
    eventually(lambda: region.get_multi(["a", "b"]) == [1, 2])
    assert creation.calls == [("a", "b")]
    missing = Creation([3])
    with pytest.raises(CreatorTimeout, match="'c'"):
        region.get_or_create_multi(["a", "c"], missing)
    missing.end()
    eventually(lambda: region.get("c") == 3)
    assert region.get_or_create_multi(
        ["d"], lambda key: [key * 2], creator_timeout=LONG
    )


def test_the_error_of_many_keys_goes_through(make: Make) -> None:
    def fail(*keys: str) -> Any:
        raise ZeroDivisionError

    region = make().configure(MEMORY, creator_timeout=LONG)
    with pytest.raises(ZeroDivisionError):
        region.get_or_create_multi(["a", "b"], fail)
    assert not region.key_is_locked("a")


def test_a_creator_that_waits_for_itself_is_found_out(make: Make) -> None:
    region = make().configure(MEMORY, creator_timeout=LONG)
    if not hasattr(region, "region"):  # the tasks of this suite call from threads

        def create() -> Any:
            return region.get_or_create("key", lambda: "inner")

        with pytest.raises(CreationDeadlock):
            region.get_or_create("key", create)
    assert region.get_or_create("key", lambda: "made") == "made"


def test_the_creator_has_the_context_of_the_caller(make: Make) -> None:
    user: ContextVar[str] = ContextVar("user")
    region = make().configure(MEMORY, creator_timeout=LONG)
    if not hasattr(region, "region"):
        user.set("jack")
        assert region.get_or_create("key", user.get) == "jack"


def test_ahead_of_time_the_value_is_made_anew_and_nobody_waits(
    make: Make, clock: SettableClock
) -> None:
    region = make().configure(MEMORY, expiration_time=10, refresh_ahead=0.8)
    creation = Creation("new")
    region.set("key", "old")
    clock.move(7.9)
    assert region.get_or_create("key", creation) == "old"
    assert creation.calls == []
    clock.move(0.2)
    assert [region.get_or_create("key", creation) for _ in range(3)] == ["old"] * 3
    creation.wait_for_start()
    creation.end()
    eventually(lambda: not region.key_is_locked("key"))
    assert region.get_or_create("key", creation) == "new"
    assert len(creation.calls) == 1


def test_get_gives_a_value_until_it_has_expired(
    make: Make, clock: SettableClock
) -> None:
    region = make().configure(MEMORY, expiration_time=10, refresh_ahead=0.5)
    region.set("key", "old")
    clock.move(9.9)
    assert region.get("key") == "old"
    assert region.get_multi(["key"]) == ["old"]


def test_past_its_time_the_value_is_waited_for_as_ever(
    make: Make, clock: SettableClock
) -> None:
    region = make().configure(MEMORY, expiration_time=10, refresh_ahead=0.8)
    region.set("key", "old")
    clock.move(10.1)
    assert region.get_or_create("key", lambda: "new") == "new"


def test_a_refresh_that_fails_rests_while_the_value_is_fresh(
    make: Make, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fail() -> Any:
        calls.append(1)
        raise ZeroDivisionError

    region = make().configure(MEMORY, expiration_time=100, refresh_ahead=0.5)
    region.set("key", "old")
    clock.move(51)
    for _ in range(3):
        assert region.get_or_create("key", fail) == "old"
        eventually(lambda: not region.key_is_locked("key"))
    assert len(calls) == 1
    assert len(caplog.records) == 1
    clock.move(6)
    assert region.get_or_create("key", fail) == "old"
    eventually(lambda: len(calls) == 2)


def test_of_many_keys_those_ahead_are_made_in_the_background(
    make: Make, clock: SettableClock
) -> None:
    region = make(key_mangler=str.upper).configure(
        "dogpile.cache.memory_pickle", expiration_time=10, refresh_ahead=0.5
    )
    region.set_multi({"a": 1, "b": 2})
    clock.move(6)
    region.set("c", 3)
    creation = Creation([9])
    assert region.get_or_create_multi(["a", "b", "c"], creation) == [1, 2, 3]
    creation.end()
    eventually(lambda: region.get_multi(["a", "b", "c"]) == [9, 9, 3])
    assert sorted(creation.calls) == [("a",), ("b",)]


def test_values_that_never_expire_are_not_refreshed(
    make: Make, clock: SettableClock
) -> None:
    region = make().configure(MEMORY, refresh_ahead=0.5)
    region.set("key", "old")
    clock.move(1e9)
    assert region.get_or_create("key", lambda: "new") == "old"
