"""What listeners are told, and what is counted: each request is one event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from dogpile_cache import NO_VALUE
from dogpile_cache.events import Event, Kind
from dogpile_cache.exception import ValidationError
from dogpile_cache.testing import SettableClock
from tests.unit.threads import Call, Creation, eventually

Make = Callable[..., Any]
MEMORY = "dogpile.cache.memory"
CREATED, HIT, MISS, STALE = Kind.CREATED, Kind.HIT, Kind.MISS, Kind.STALE


class Ear:
    """Be a listener that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def heard(self) -> list[tuple[Kind, Any]]:
        """Return kinds and keys of what was heard since the last time."""
        heard = [(event.kind, event.key) for event in self.events]
        self.events.clear()
        return heard


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def region(make: Make, ear: Ear) -> Any:
    region = make(name="short").configure(MEMORY, expiration_time=10)
    region.listeners.append(ear)
    return region


def test_reading_tells_of_hits_and_misses(region: Any, ear: Ear) -> None:
    region.set("key", 1)
    region.get("key")
    region.get("other")
    region.get_multi(["key", "other"])
    region.get_value_metadata("key")
    one = [(HIT, "key"), (MISS, "other")]
    assert ear.heard() == [*one, *one, (HIT, "key")]


def test_reading_what_has_expired_tells_of_stale_values(
    region: Any, ear: Ear, clock: SettableClock
) -> None:
    region.set("key", 1)
    clock.move(11)
    region.get("key")
    region.get("key", ignore_expiration=True)
    assert ear.heard() == [(MISS, "key"), (STALE, "key")]


def test_making_a_value_tells_of_the_miss_and_the_creation(
    region: Any, ear: Ear, clock: SettableClock
) -> None:
    made = [(CREATED, "key"), (MISS, "key")]
    region.get_or_create("key", lambda: 1)
    assert ear.heard() == made
    region.get_or_create("key", lambda: 1)
    assert ear.heard() == [(HIT, "key")]
    clock.move(11)
    region.get_or_create("key", lambda: 1)
    assert ear.events[0].seconds is not None
    assert ear.events[0].seconds >= 0
    assert ear.events[0].region == "short"
    assert ear.heard() == made


def test_of_many_keys_each_is_told(region: Any, ear: Ear, clock: SettableClock) -> None:
    region.set("a", 1)
    region.get_or_create_multi(["a", "b", "c"], lambda *keys: [*keys])
    assert sorted(ear.heard()) == [
        (CREATED, "b"), (CREATED, "c"), (HIT, "a"), (MISS, "b"), (MISS, "c"),
    ]  # fmt: skip
    region.get_or_create_multi(["a", "b"], lambda *keys: [*keys])
    assert ear.heard() == [(HIT, "a"), (HIT, "b")]


def test_of_many_keys_that_are_stored_as_bytes_each_is_told(
    make: Make, ear: Ear
) -> None:
    region = make().configure("dogpile.cache.memory_pickle", expiration_time=10)
    region.set_multi({"a": 1, "b": 2})
    region.listeners.append(ear)
    region.get_or_create_multi(["a", "b"], lambda *keys: [*keys])
    assert ear.heard() == [(HIT, "a"), (HIT, "b")]


def test_who_waits_tells_how_long(region: Any, ear: Ear) -> None:
    creation = Creation("made")
    callers = [Call(region.get_or_create, "key", creation)]
    creation.wait_for_start()
    callers.append(Call(region.get_or_create, "key", creation))
    creation.end()
    assert [caller.result() for caller in callers] == ["made", "made"]
    kinds = Counter(event.kind for event in ear.events)
    assert kinds[CREATED] == 1
    assert kinds[MISS] + kinds[HIT] == 2  # the second one may have come late
    assert kinds[Kind.WAITED] in (0, 1)


def test_a_stale_value_served_while_another_is_made(
    region: Any, ear: Ear, clock: SettableClock
) -> None:
    region.set("key", "old")
    clock.move(11)
    creation = Creation("new")
    caller = Call(region.get_or_create, "key", creation)
    creation.wait_for_start()
    assert region.get_or_create("key", creation) == "old"
    assert ear.heard() == [(STALE, "key")]
    creation.end()
    caller.result()
    assert ear.heard() == [(CREATED, "key"), (MISS, "key")]


def test_a_creator_that_fails(region: Any, ear: Ear, clock: SettableClock) -> None:
    error = ZeroDivisionError()

    def fail(*keys: str) -> Any:
        raise error

    with pytest.raises(ZeroDivisionError):
        region.get_or_create("key", fail)
    assert ear.events[0].error is error
    assert ear.heard() == [(Kind.CREATOR_FAILED, "key")]
    region.set("key", "old")
    clock.move(11)
    region.get_or_create("key", fail, stale_if_error=60)
    assert ear.heard() == [(Kind.CREATOR_FAILED, "key"), (STALE, "key")]
    with pytest.raises(ZeroDivisionError):
        region.get_or_create_multi(["a", "b"], fail)
    assert ear.heard() == [(Kind.CREATOR_FAILED, "a"), (Kind.CREATOR_FAILED, "b")]


def test_a_refresh_ahead_is_a_hit(make: Make, ear: Ear, clock: SettableClock) -> None:
    region = make().configure(MEMORY, expiration_time=10, refresh_ahead=0.5)
    region.set("key", "old")
    region.listeners.append(ear)
    clock.move(6)
    region.get_or_create("key", lambda: "new")
    eventually(lambda: region._store.fetch and not region.key_is_locked("key"))
    assert sorted(ear.heard()) == [(CREATED, "key"), (HIT, "key")]


def test_evictions_are_told(make: Make, ear: Ear) -> None:
    region = make().configure(MEMORY, arguments={"max_entries": 2})
    region.listeners.append(ear)
    for key in ("a", "b", "c"):
        region.set(key, key)
    assert ear.heard() == [(Kind.EVICTED, "a")]


def test_rejected_values_are_told(make: Make, ear: Ear) -> None:
    region = make().configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": (kept := {})}
    )
    region.set("key", 1)
    region.listeners.append(ear)
    kept["other"] = kept["key"]
    kept["broken"] = b"nonsense"
    assert region.get_multi(["other", "broken", "key"]) == [NO_VALUE, NO_VALUE, 1]
    assert (Kind.REJECTED, "other") in (heard := ear.heard())
    assert (Kind.REJECTED, "broken") in heard
    assert (HIT, "key") in heard


def test_a_listener_that_fails_stops_nobody(
    region: Any, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: Event) -> None:
        raise ZeroDivisionError

    region.listeners.insert(0, fail)
    for _ in range(3):
        assert region.get_or_create("key", lambda: 1) == 1
    assert len(caplog.records) == 1
    assert [kind for kind, _ in ear.heard()] == [CREATED, MISS, HIT, HIT]


def test_a_region_may_count(make: Make, clock: SettableClock) -> None:
    region = make().configure(MEMORY, expiration_time=10, collect_stats=True)
    region.get_or_create("key", lambda: 1)
    for _ in range(3):
        region.get_or_create("key", lambda: 1)
    stats = region.stats()
    assert (stats.hits, stats.misses, stats.created) == (3, 1, 1)
    assert stats.hit_ratio == 0.75
    assert stats.creation_seconds is not None


def test_a_region_that_is_configured_anew_counts_on(make: Make) -> None:
    region = make().configure(MEMORY, collect_stats=True)
    region.get("key")
    region.configure(MEMORY, collect_stats=True, replace_existing_backend=True)
    region.get("key")
    assert region.stats().misses == 2


def test_a_region_that_counts_nothing_says_so(make: Make) -> None:
    region = make().configure(MEMORY)
    with pytest.raises(ValidationError, match="collect_stats=True"):
        region.stats()
