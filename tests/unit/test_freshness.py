"""Fresh, stale or missing, and bytes: decisions and codecs without a region."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from dogpile_cache.api import NO_VALUE, CachedValue, Metadata
from dogpile_cache.codec import Codec
from dogpile_cache.freshness import Policy, State
from dogpile_cache.invalidation import DefaultInvalidationStrategy
from dogpile_cache.testing import SettableClock


def value(clock: SettableClock, *, ago: float, took: float = 0) -> CachedValue:
    ended = clock.time() - ago
    return CachedValue("payload", Metadata(ended, ended - took))


@pytest.mark.parametrize(
    ("ago", "lifetime", "state"),
    [
        (0, 10, State.FRESH),
        (9.9, 10, State.FRESH),
        (10, 10, State.STALE),
        (0, 0, State.STALE),
        (1e9, -1, State.FRESH),
        (1e9, None, State.FRESH),
        (-5, 10, State.FRESH),
    ],
)
def test_a_value_is_fresh_until_its_lifetime_is_over(
    clock: SettableClock, ago: float, lifetime: float | None, state: State
) -> None:
    policy = Policy(clock, DefaultInvalidationStrategy(clock))
    assert policy.state(value(clock, ago=ago), lifetime) is state


def test_no_value_is_missing(clock: SettableClock) -> None:
    policy = Policy(clock, DefaultInvalidationStrategy(clock))
    assert policy.state(NO_VALUE, 10) is State.MISSING
    assert policy.state(NO_VALUE, None) is State.MISSING


@pytest.mark.parametrize(
    ("hard", "took", "state"),
    [
        (True, 0, State.FRESH),
        (False, 0, State.FRESH),
        (True, 5, State.MISSING),
        (False, 5, State.STALE),
    ],
)
def test_an_invalidation_compares_with_the_start_of_the_creation(
    clock: SettableClock, hard: bool, took: float, state: State
) -> None:
    strategy = DefaultInvalidationStrategy(clock)
    policy = Policy(clock, strategy)
    strategy.invalidate(hard)
    clock.move(3)
    assert policy.state(value(clock, ago=1, took=took), 10) is state


def test_a_plain_mapping_is_metadata_enough(clock: SettableClock) -> None:
    policy = Policy(clock, DefaultInvalidationStrategy(clock))
    theirs = CachedValue("payload", {"ct": clock.time() - 5, "v": 2})
    assert policy.state(theirs, 10) is State.FRESH
    assert policy.state(theirs, 4) is State.STALE
    other_version = CachedValue("payload", {"ct": clock.time(), "v": 1})
    assert policy.state(other_version, 10) is State.MISSING


def test_metadata_are_a_mapping_of_the_times_and_the_version() -> None:
    metadata = Metadata(2.0, 1.0)
    assert dict(metadata) == {"ct": 2.0, "v": 2, "st": 1.0}
    assert metadata == {"ct": 2.0, "v": 2, "st": 1.0}
    assert len(metadata) == 3
    assert "x" not in metadata
    assert repr(metadata) == "{'ct': 2.0, 'v': 2, 'st': 1.0}"
    assert pickle.loads(pickle.dumps(metadata)) == metadata


@pytest.mark.parametrize("metadata", [Metadata(2.0, 1.0), {"ct": 2.0, "v": 2, "x": 1}])
def test_a_cached_value_is_a_tuple_that_can_be_pickled(metadata: Any) -> None:
    cached = CachedValue("payload", metadata)
    assert cached.cached_time == 2.0
    assert cached.age > 0
    assert tuple(cached) == ("payload", metadata)
    assert pickle.loads(pickle.dumps(cached)) == cached


def test_no_value_is_false_but_not_none_and_one_of_its_kind() -> None:
    assert not NO_VALUE
    assert NO_VALUE is not None
    assert NO_VALUE.payload is NO_VALUE
    assert pickle.loads(pickle.dumps(NO_VALUE)) is NO_VALUE
    assert repr(NO_VALUE) == "NO_VALUE"


@pytest.mark.parametrize(
    ("ct", "st"),
    [
        (1_700_000_000.1234567, 1_699_999_999.0),
        (0.0, 0.0),
        (1.0, -1.0),
        (99_999_999_999.0, 99_999_999_998.5),
    ],
)
def test_every_time_survives_the_way_to_bytes_and_back(ct: float, st: float) -> None:
    codec = Codec(pickle.dumps, pickle.loads)
    data = codec.dump(CachedValue({"a": b"|"}, Metadata(ct, st)), "key")
    assert codec.load(data, "key") == CachedValue({"a": b"|"}, Metadata(ct, st))
