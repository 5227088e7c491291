"""The memory backends: bounds, eviction by SIEVE, purging."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.backends.sieve import Sieve
from dogpile_cache.exception import ValidationError
from dogpile_cache.testing import SettableClock

from .threads import PATIENCE, Call


def test_without_max_entries_nothing_is_evicted(region: CacheRegion) -> None:
    region.set_multi({str(number): number for number in range(5000)})
    assert region.get_multi(map(str, range(5000))) == list(range(5000))


@pytest.mark.parametrize(
    "backend", ["dogpile.cache.memory", "dogpile.cache.memory_pickle"]
)
def test_max_entries_bounds_the_number_of_values(backend: str) -> None:
    region = make_region().configure(backend, arguments={"max_entries": 10})
    for number in range(100):
        region.set(str(number), number)
    held = [n for n in range(100) if region.get(str(n)) is not NO_VALUE]
    assert len(held) == 10


def test_what_was_hit_survives_what_was_not() -> None:
    region = make_region().configure(
        "dogpile.cache.memory", arguments={"max_entries": 3}
    )
    region.set_multi({"a": 1, "b": 2, "c": 3})
    assert region.get("a") == 1
    region.set("d", 4)
    assert region.get_multi(["a", "b", "c", "d"]) == [1, NO_VALUE, 3, 4]


def reference_sieve(size: int, operations: list[tuple[str, int]]) -> set[int]:
    """Return what SIEVE keeps, by the book and slowly."""
    queue: list[int] = []  # the oldest first
    visited: dict[int, bool] = {}
    hand = 0
    for operation, key in operations:
        if key in visited:
            visited[key] = True
            continue
        if operation == "get":
            continue
        if len(queue) >= size:
            while visited[queue[hand]]:
                visited[queue[hand]] = False
                hand = (hand + 1) % len(queue)
            del visited[queue.pop(hand)]
            hand %= len(queue)
        queue.append(key)
        visited[key] = False
    return set(queue)


@pytest.mark.parametrize("seed", range(20))
def test_eviction_is_that_of_sieve(seed: int) -> None:
    import random

    numbers = random.Random(seed)
    operations = [
        (numbers.choice(["get", "set"]), int(numbers.triangular(0, 30, 5)))
        for _ in range(600)
    ]
    sieve = Sieve(7)
    for operation, key in operations:
        if operation == "get":
            sieve.get(key)
        else:
            sieve[key] = key
    assert set(sieve) == reference_sieve(7, operations)


def test_a_sieve_is_a_mapping() -> None:
    sieve = Sieve(2)
    sieve["a"] = 1
    sieve["a"] = 2
    assert (sieve["a"], sieve.get("b"), len(sieve), dict(sieve)) == (
        2,
        None,
        1,
        {"a": 2},
    )
    assert sieve.pop("a") == 2
    assert sieve.pop("a", None) is None
    with pytest.raises(KeyError):
        sieve["a"]
    for number in range(10):
        sieve[number] = number
    assert len(sieve) == 2


def test_deleting_the_entry_under_the_hand_keeps_the_queue_whole() -> None:
    sieve = Sieve(3)
    for key in "abcd":
        sieve[key] = key
    for key in list(sieve):
        del sieve[key]
        sieve["new" + key] = key
    for key in "vwxyz":
        sieve[key] = key
    assert len(sieve) == 3


def test_threads_that_read_write_and_delete_leave_a_bounded_whole_cache() -> None:
    region = make_region().configure(
        "dogpile.cache.memory", arguments={"max_entries": 20}
    )
    barrier = threading.Barrier(8)

    def work(seed: int) -> None:
        barrier.wait(PATIENCE)
        for step in range(1500):
            key = str((step * 7 + seed * 13) % 60)
            assert region.get_or_create(key, lambda key=key: key) == key
            if step % 5 == seed % 5:
                region.delete(key)

    for call in [Call(work, seed) for seed in range(8)]:
        call.result()
    kept = [n for n in range(60) if region.get(str(n)) is not NO_VALUE]
    assert len(kept) <= 20


@pytest.mark.parametrize(
    "backend", ["dogpile.cache.memory", "dogpile.cache.memory_pickle"]
)
def test_a_hit_of_a_bounded_cache_takes_no_lock(backend: str) -> None:
    region = make_region().configure(backend, arguments={"max_entries": 3})
    region.set_multi({"a": 1, "b": 2})
    hits = [
        lambda: region.get("a"),
        lambda: region.get_multi(["a"])[0],
        lambda: region.get_value_metadata("a").payload,
        lambda: region.get_or_create("a", pytest.fail),
        lambda: region.get_or_create_multi(["a"], pytest.fail)[0],
    ]
    with region.backend._cache._lock:
        assert [Call(hit).result() for hit in hits] == [1] * 5


def test_a_bound_on_somebody_elses_dict_is_refused() -> None:
    with pytest.raises(ValidationError, match="allowed without a cache_dict"):
        make_region().configure(
            "dogpile.cache.memory", arguments={"max_entries": 5, "cache_dict": {}}
        )


@pytest.mark.parametrize(
    "backend", ["dogpile.cache.memory", "dogpile.cache.memory_pickle"]
)
@pytest.mark.parametrize("arguments", [{}, {"max_entries": 100}])
def test_purge_drops_what_has_expired(
    clock: SettableClock, backend: str, arguments: dict[str, Any]
) -> None:
    region = make_region(clock=clock)
    region.configure(backend, expiration_time=10, arguments=arguments)
    region.set_multi({"a": 1, "b": 2})
    clock.move(6)
    region.set("c", 3)
    clock.move(6)
    assert region.backend.purge() == 2  # type: ignore[attr-defined]
    assert region.backend.purge() == 0  # type: ignore[attr-defined]
    values = region.get_multi(["a", "b", "c"], ignore_expiration=True)
    assert values == [NO_VALUE, NO_VALUE, 3]
    region.invalidate()
    clock.move(1)
    assert region.get("c", ignore_expiration=True) == 3
    region.backend.purge()  # type: ignore[attr-defined]


def test_purge_drops_what_is_malformed_and_names_its_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept: dict[str, Any] = {"the key": b"malformed"}
    region = make_region().configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": kept}
    )
    assert region.backend.purge() == 1  # type: ignore[attr-defined]
    assert not kept
    assert "'the key'" in caplog.text


def test_purge_knows_nothing_of_expiry_without_an_expiration_time(
    clock: SettableClock,
) -> None:
    region = make_region(clock=clock).configure("dogpile.cache.memory")
    region.set("a", 1)
    clock.move(1e9)
    assert region.backend.purge() == 0  # type: ignore[attr-defined]
    assert region.get("a") == 1


def test_pickled_values_are_copies_and_others_the_same_object(
    region: CacheRegion,
) -> None:
    value = ["mutable"]
    pickled = make_region().configure("dogpile.cache.memory_pickle")
    for each in (region, pickled):
        each.set("key", value)
    assert region.get("key") is value
    assert pickled.get("key") == value
    assert pickled.get("key") is not value
    assert pickled.get("key") is not pickled.get("key")


def test_a_null_backend_keeps_nothing_and_lets_creators_run_side_by_side() -> None:
    region = make_region().configure("dogpile.cache.null")
    together = threading.Barrier(3)

    def create() -> int:
        together.wait(PATIENCE)
        return 1

    calls = [Call(region.get_or_create, "key", create) for _ in range(3)]
    assert [call.result() for call in calls] == [1, 1, 1]
    region.set("key", 1)
    region.set_multi({"key": 1})
    assert region.get_multi(["key"]) == [region.get("key")] == [NO_VALUE]
