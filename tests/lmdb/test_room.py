"""A cache that is full: its bounds, and what it keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.exception import DogpileCacheException, ValueTooLarge
from dogpile_cache.testing import SettableClock
from tests.lmdb import traces

MEBIBYTE = 2**20

FILLER = """
import json, os, sys
from dogpile_cache import make_region
from tests.lmdb.traces import sizes
path, bound, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
region = make_region(name="pages").configure(
    "dogpile.cache.lmdb", expiration_time=3600, on_backend_error="raise",
    arguments={"path": path, "max_bytes": bound},
)
written, largest, wrong = 0, 0, 0
for number, size in enumerate(sizes(seed, bound // 33)):
    key = f"{seed} {number}"
    region.set(key, (key + " ") * (size // (len(key) + 1) + 1))
    found = region.get(f"{seed} {number // 2}")
    wrong += bool(found) and not found.startswith(f"{seed} {number // 2} ")
    written += size
    if number % 20 == 0:
        stats = [os.stat(os.path.join(path, name)) for name in os.listdir(path)]
        largest = max(largest, sum(max(s.st_size, s.st_blocks * 512) for s in stats))
    if written >= 2.5 * bound:
        break
print(json.dumps([largest, wrong]))
"""


def cache(path: Path, **options: Any) -> CacheRegion:
    clock = options.pop("clock", None)
    region = make_region(name="room", **({"clock": clock} if clock else {}))
    lifetime = options.pop("expiration_time", None)
    return region.configure(
        "dogpile.cache.lmdb",
        expiration_time=lifetime,
        on_backend_error="raise",
        arguments={"path": path, **options},
    )


def test_four_processes_fill_it_ten_times_over(tmp_path: Path) -> None:
    bound = 8 * MEBIBYTE
    command = [sys.executable, "-c", FILLER, str(tmp_path / "cache"), str(bound)]
    fillers = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True)
        for seed in range(4)
    ]
    told = [json.loads(filler.communicate(timeout=120)[0]) for filler in fillers]
    assert [filler.returncode for filler in fillers] == [0] * 4
    assert max(largest for largest, _ in told) <= bound
    assert [wrong for _, wrong in told] == [0] * 4
    stat = cache(tmp_path / "cache", max_bytes=bound).backend.stat()
    assert stat.bytes > bound / 2  # and not for having dropped everything
    assert stat.evictions > 1000
    assert stat.max_bytes == bound


@pytest.mark.parametrize(
    ("trace", "entries"),
    [
        (traces.zipf(1, 10_000, 60_000, 0.9), 500),
        (traces.zipf(2, 10_000, 60_000, 1.1), 500),
        (traces.computations(3, 60_000), 225),
    ],
    ids=["zipf 0.9", "zipf 1.1", "computations"],
)
def test_it_has_what_it_is_asked_for_as_often_as_lru_has(
    tmp_path: Path, trace: traces.Trace, entries: int
) -> None:
    region = cache(tmp_path, max_entries=entries)
    found = traces.hits(
        trace,
        lambda key: region.get(key) is not NO_VALUE,
        lambda key: region.set(key, key),
    )
    assert region.backend.stat().entries == entries
    assert found >= traces.lru_hits(trace, entries)


def test_it_is_as_good_when_it_is_bound_by_bytes(tmp_path: Path) -> None:
    region, trace = (
        cache(tmp_path, max_bytes=4 * MEBIBYTE),
        traces.computations(4, 120_000),
    )
    found = traces.hits(
        trace,
        lambda key: region.get(key) is not NO_VALUE,
        lambda key: region.set(key, key * (2439 // len(key))),
    )
    assert found >= traces.lru_hits(trace, region.backend.stat().entries)


def test_what_has_expired_goes_first(tmp_path: Path) -> None:
    clock = SettableClock()
    region = cache(tmp_path, max_entries=100, expiration_time=60, clock=clock)
    for number in range(50):
        region.set(f"old {number}", number)
    clock.move(61)
    for number in range(50):
        region.set(f"new {number}", number)
        assert region.get(f"old {number}", ignore_expiration=True) == number  # a hit
    for number in range(50):
        region.set(f"newer {number}", number)
    kept = region.get_multi([f"new {n}" for n in range(50)])
    assert kept == list(range(50))
    assert region.get("old 7", ignore_expiration=True) is NO_VALUE


def test_a_value_or_a_call_may_have_a_lifetime_of_its_own(tmp_path: Path) -> None:
    clock = SettableClock()
    region = cache(tmp_path, expiration_time=3600, clock=clock)

    def create(context: Any) -> str:
        context.expiration_time = 10
        return "of its own"

    @region.cache_on_arguments(expiration_time=10)
    def computed(number: int) -> int:
        return number

    region.get_or_create("value", create)
    region.get_or_create("call", lambda: "of the call", expiration_time=10)
    region.get_or_create_multi(["a", "b"], lambda *keys: keys, expiration_time=10)
    computed(1)
    region.get_or_create("forever", lambda: 1, expiration_time=-1)
    region.set("region", 1)
    clock.move(11)
    assert region.backend.purge() == 5
    clock.move(3600)
    assert region.backend.purge() == 1
    assert region.get("forever", expiration_time=-1) == 1


def test_the_lifetime_of_a_call_is_that_of_no_other_write(tmp_path: Path) -> None:
    clock = SettableClock()
    region = cache(tmp_path, expiration_time=3600, clock=clock)

    def overtaken() -> str:
        region.delete("key")
        return "not kept"

    region.get_or_create("key", overtaken, expiration_time=10)
    region.set("key", "kept")
    clock.move(11)
    assert region.backend.purge() == 0
    assert region.get("key") == "kept"
    assert region._store.lifetimes == {}


@pytest.mark.parametrize("size", [1, 9000])
def test_a_deadline_moves_with_what_is_written_last(tmp_path: Path, size: int) -> None:
    clock = SettableClock()
    region = cache(tmp_path, clock=clock, expiration_time=3600)
    for _ in range(3):  # later each time
        region.get_or_create("key", lambda: "x" * size, expiration_time=10)
        clock.move(11)
        region.get_or_create("key", lambda: "y" * size, expiration_time=10)
        clock.move(9)
        assert region.backend.purge() == 0
        assert region.get("key") == "y" * size
        clock.move(2)
    assert region.backend.purge() == 1
    assert region.backend.stat().entries == 0
    region.set("key", "for an hour" * size)
    clock.move(11)
    region.get_or_create("key", lambda: "sooner", expiration_time=10)
    clock.move(11)
    assert region.backend.purge() == 1


def test_purge_drops_what_has_expired_and_nothing_else(tmp_path: Path) -> None:
    clock = SettableClock()
    region = cache(tmp_path, expiration_time=60, clock=clock)
    region.set_multi({f"old {number}": "x" * 5000 for number in range(2500)})
    clock.move(30)
    region.set("young", 1)
    assert region.backend.purge() == 0
    clock.move(31)
    assert region.backend.purge() == 2500
    assert region.backend.stat().entries == 1
    assert region.get("young") == 1


def test_max_entries_holds_in_several_processes(tmp_path: Path) -> None:
    script = """
import sys
from dogpile_cache import make_region
region = make_region().configure("dogpile.cache.lmdb", arguments={
    "path": sys.argv[1], "max_entries": 50})
most = 0
for number in range(2000):
    region.set(f"{sys.argv[2]} {number}", number)
    most = max(most, region.backend.stat().entries)
print(most)
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    running = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    assert [each.communicate(timeout=60)[0] for each in running] == ["50\n"] * 2


@pytest.mark.parametrize(
    "size", [*range(2010, 2040), *range(4020, 4110, 3), 8150, 70_000]
)
def test_a_value_of_any_size_comes_back_whole(tmp_path: Path, size: int) -> None:
    region = cache(tmp_path, max_bytes=4 * MEBIBYTE)
    value = os.urandom(size)
    for _ in range(2):
        region.set("key", value)
        assert region.get("key") == value
        assert region.get_multi(["key"]) == [value]


def test_nothing_leaks_however_values_grow_and_shrink(tmp_path: Path) -> None:
    region = cache(tmp_path, max_bytes=4 * MEBIBYTE)
    for number in range(300):
        for size in (10, 100_000, 3000, 50_000):
            region.set("key", bytes(size))
        if number % 3 == 0:
            region.delete("key")
    region.set("key", 1)
    stat = region.backend.stat()
    assert stat.entries == 1
    assert stat.bytes < 10 * 4096
    assert stat.evictions == 0


def test_a_value_that_is_too_large_is_refused(tmp_path: Path) -> None:
    region = cache(tmp_path, max_bytes=4 * MEBIBYTE)
    region.set("small", 1)
    with pytest.raises(ValueTooLarge, match="'large' has 140017"):
        region.set_multi({"large": b"x" * 140_000, "other": 2})
    assert region.get_multi(["small", "other"]) == [1, NO_VALUE]


def test_listeners_are_told_of_what_is_evicted(tmp_path: Path) -> None:
    region = cache(tmp_path, max_entries=10)
    told: list[str] = []
    region.listeners.append(lambda event: told.append(event.key))
    for key in ["\ud800", 5, "x" * 600, *range(2), *(f"key {n}" for n in range(12))]:
        region.backend.set_serialized(
            key, b"x"
        )  # of which some are not kept as they are
    assert told == ["\ud800", "key 0", "key 1"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"path": ""},
        {"path": 7},
        {"path": "x", "max_bytes": 2**22 - 1},
        {"path": "x", "max_bytes": "1 GB"},
        {"path": "x", "max_entries": 0},
    ],
    ids=str,
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], tmp_path: Path) -> None:
    if arguments.get("path") == "x":
        arguments = {**arguments, "path": tmp_path}
    with pytest.raises(DogpileCacheException, match=r"path|max_bytes|max_entries"):
        make_region().configure("dogpile.cache.lmdb", arguments=arguments)


def test_regions_on_a_path_share_its_bounds(tmp_path: Path) -> None:
    first = cache(tmp_path, max_entries=10)
    with pytest.raises(
        DogpileCacheException, match=r"'max_entries': 11.*'max_entries': 10"
    ):
        cache(tmp_path, max_entries=11)
    assert first.get("key") is NO_VALUE
