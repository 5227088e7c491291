"""What is counted is exact, and durations are as exact as is promised."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogpile_cache.events import Event, Kind, tell
from dogpile_cache.stats import Percentiles, Statistics

from .threads import Call

FIELDS = {
    Kind.HIT: "hits",
    Kind.MISS: "misses",
    Kind.STALE: "stale",
    Kind.CREATED: "created",
    Kind.WAITED: "waited",
    Kind.CREATOR_FAILED: "creator_failures",
    Kind.BACKEND_FAILED: "backend_failures",
    Kind.CIRCUIT_OPENED: "circuit_openings",
    Kind.CIRCUIT_CLOSED: None,
    Kind.EVICTED: "evictions",
    Kind.REJECTED: "rejected",
}
ERROR = 0.045  # as the documentation says


def watched(name: str = "short") -> tuple[Any, Statistics]:
    statistics = Statistics()
    return SimpleNamespace(name=name, listeners=[statistics]), statistics


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_counted_as_itself(kind: Kind) -> None:
    region, statistics = watched()
    for _ in range(3):
        tell(region, kind)
    counts = {
        name: value for name, value in statistics.snapshot()._asdict().items() if value
    }
    field = FIELDS[kind]
    assert counts.pop("hit_ratio", 1.0) == 1.0
    assert counts == ({field: 3} if field else {})


def test_before_the_first_request_there_is_no_ratio() -> None:
    region, statistics = watched()
    tell(region, Kind.EVICTED)
    assert statistics.snapshot().hit_ratio is None
    assert statistics.snapshot().creation_seconds is None


def test_the_ratio_is_that_of_requests_served_at_once() -> None:
    region, statistics = watched()
    told = [Kind.HIT] * 5 + [Kind.STALE] * 1 + [Kind.MISS] * 2
    for kind in (*told, Kind.CREATED, Kind.WAITED, Kind.BACKEND_FAILED):
        tell(region, kind, seconds=0.1)
    assert statistics.snapshot().hit_ratio == 0.75


def test_two_regions_may_be_counted_together() -> None:
    statistics = Statistics()
    for name in ("short", "long"):
        statistics(Event(Kind.HIT, name))
    assert statistics.snapshot().hits == 2


def test_looking_does_not_count() -> None:
    region, statistics = watched()
    tell(region, Kind.HIT)
    assert [statistics.snapshot().hits for _ in range(3)] == [1, 1, 1]


def test_after_a_reset_all_counts_from_nothing() -> None:
    region, statistics = watched()
    nothing = statistics.snapshot()
    for _ in range(2):
        for kind in Kind:
            tell(region, kind, seconds=3.0)
        statistics.reset()
        assert statistics.snapshot() == nothing
    tell(region, Kind.CREATED, seconds=1.0)
    assert statistics.snapshot().created == 1
    assert statistics.snapshot().creation_seconds == Percentiles(1.0, 1.0, 1.0, 1.0)


def test_eight_threads_are_counted_exactly_while_others_look() -> None:
    region, statistics = watched()
    interval, each = sys.getswitchinterval(), 5000

    def work() -> None:
        for _ in range(each):
            tell(region, Kind.HIT)
            tell(region, Kind.CREATED, seconds=0.01)

    def look() -> list[int]:
        return [statistics.snapshot().hits for _ in range(300)]

    sys.setswitchinterval(1e-6)  # threads take turns as often as they can
    try:
        calls = [Call(work) for _ in range(8)]
        looks = [Call(look) for _ in range(2)]
        for call in calls:
            call.result()
        for call in looks:
            seen = call.result()
            assert seen == sorted(seen)
    finally:
        sys.setswitchinterval(interval)
    stats = statistics.snapshot()
    assert (stats.hits, stats.created, stats.misses) == (8 * each, 8 * each, 0)
    durations = statistics._durations._buckets
    assert sum(durations.values()) == 8 * each


def test_what_comes_while_it_is_reset_is_counted_once_at_most() -> None:
    region, statistics = watched()

    def work() -> None:
        for _ in range(5000):
            tell(region, Kind.HIT)

    calls = [Call(work) for _ in range(4)]
    while not all(call.has_ended for call in calls):
        statistics.reset()
        assert 0 <= statistics.snapshot().hits <= 20_000
    statistics.reset()
    tell(region, Kind.HIT)
    assert statistics.snapshot().hits == 1


def rank(durations: list[float], percent: int) -> float:
    """Return the nearest-rank percentile."""
    return sorted(durations)[math.ceil(len(durations) * percent / 100) - 1]


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300))
def test_percentiles_are_as_near_as_is_promised(durations: list[float]) -> None:
    region, statistics = watched()
    for seconds in durations:
        tell(region, Kind.CREATED, seconds=seconds)
    told = statistics.snapshot().creation_seconds
    assert told is not None
    assert told.max == max(durations)
    for percent, found in ((50, told.p50), (90, told.p90), (99, told.p99)):
        assert found == pytest.approx(rank(durations, percent), rel=ERROR)
    assert told.p50 <= told.p90 <= told.p99 <= told.max


def test_only_what_is_created_is_among_the_durations() -> None:
    region, statistics = watched()
    tell(region, Kind.WAITED, seconds=9.0)
    tell(region, Kind.CREATED, seconds=1.0)
    told = statistics.snapshot().creation_seconds
    assert told is not None
    assert told.max == 1.0


def test_memory_is_bounded_and_no_duration_is_too_odd() -> None:
    region, statistics = watched()
    odd = [0.0, -1.0, math.inf, math.nan, 1e-300, 1e300]
    for seconds in (*odd, *(1.01**n for n in range(-5000, 5000))):
        tell(region, Kind.CREATED, seconds=seconds)
    assert statistics.snapshot().created == 10_006
    assert len(statistics._durations._buckets) == 321
    told = statistics.snapshot().creation_seconds
    assert told is not None
    assert told.p50 == pytest.approx(1.0, rel=ERROR)


FORK = """
import os, signal, warnings
from dogpile_cache.events import Event, Kind
from dogpile_cache.stats import Statistics
import threading

warnings.filterwarnings("ignore", "This process .* is multi-threaded")
statistics = Statistics()
statistics(Event(Kind.HIT, None))
held, may_end = threading.Event(), threading.Event()

def hold():
    with statistics._guard:
        held.set()
        may_end.wait(20)

thread = threading.Thread(target=hold)
thread.start()
held.wait(20)
child = os.fork()
if child == 0:
    signal.alarm(15)  # a child that hangs dies
    assert statistics.snapshot().hits == 0
    statistics(Event(Kind.HIT, None))
    statistics(Event(Kind.CREATED, None, None, 1.0))
    assert statistics.snapshot()[:4] == (1, 0, 0, 1)
    os._exit(0)
_, status = os.waitpid(child, 0)
may_end.set()
thread.join(20)
assert statistics.snapshot().hits == 1
print(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_child_begins_at_nothing_whoever_was_looking() -> None:
    run = subprocess.run(
        [sys.executable, "-c", FORK], check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == "0"


def test_a_signal_may_tell_while_somebody_looks() -> None:
    region, statistics = watched()
    handler = lambda *_: tell(region, Kind.CREATED, seconds=1.0)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with statistics._guard:
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert statistics.snapshot().created == 1
