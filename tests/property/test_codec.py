"""Bytes and back, for all values; and whatever else may be read."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogpile_cache.api import NO_VALUE, CacheBackend, CachedValue, Metadata
from dogpile_cache.serializers import decode, encode, fresh_payloads
from dogpile_cache.store import Store

times = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)
recent = st.floats(min_value=1e9, max_value=9.999e9)
payloads = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


class Bytes(CacheBackend):
    """A backend that keeps bytes in a dict."""

    def __init__(self) -> None:
        self.kept: dict[Any, bytes] = {}

    def get(self, key: Any) -> Any:
        return self.kept.get(key, NO_VALUE)

    def set(self, key: Any, value: Any) -> None:
        self.kept[key] = value


@given(payloads, recent, recent)
def test_a_value_of_our_time_comes_back_as_it_was(
    payload: Any, ended: float, started: float
) -> None:
    value = CachedValue(payload, Metadata(ended, started))
    found = decode(encode(value, pickle.dumps), pickle.loads)
    assert found == value
    assert isinstance(found, CachedValue)
    assert (found.metadata["ct"], found.metadata["st"]) == (ended, started)


@given(payloads, times, times)
def test_a_value_of_any_time_comes_back_within_a_ten_millionth(
    payload: Any, ended: float, started: float
) -> None:
    value = CachedValue(payload, Metadata(ended, started))
    found = decode(encode(value, pickle.dumps), pickle.loads)
    assert found is not NO_VALUE
    assert found.payload == payload
    assert found.metadata["ct"] == pytest.approx(ended, abs=1e-7, rel=1e-12)
    assert found.metadata["st"] == pytest.approx(started, abs=1e-7, rel=1e-12)


@given(payloads, st.dictionaries(st.text(), st.integers() | st.text()), times)
def test_metadata_of_others_come_back_as_they_were(
    payload: Any, extra: dict[str, Any], ended: float
) -> None:
    metadata = {**extra, "ct": ended, "v": 2}
    metadata.pop("st", None)
    found = decode(encode(CachedValue(payload, metadata), pickle.dumps), pickle.loads)
    assert found is not NO_VALUE
    assert found.payload == payload
    assert metadata.items() <= dict(found.metadata).items()


heads = st.binary() | st.sampled_from(
    [b'{"ct": 1, "v": 2}', b'{"ct": NaN, "v": 2}', b"[]"]
)


@given(heads, st.sampled_from([b"|", b"", b"||"]), st.binary())
def test_no_bytes_at_all_give_anything_but_a_value_or_a_miss(
    head: bytes, bar: bytes, tail: bytes
) -> None:
    backend = Bytes()
    store = Store(
        backend, None, pickle.dumps, bytes.decode
    )  # no pickle of a stranger's
    backend.kept["key"] = head + bar + tail
    logging.disable()
    try:
        found = store.fetch("key")
    finally:
        logging.disable(logging.NOTSET)
    assert found is NO_VALUE or isinstance(found, CachedValue)


@given(st.lists(st.tuples(recent, recent), min_size=1), recent, recent)
def test_many_values_are_fresh_together_or_not_at_all(
    stamps: list[tuple[float, float]], after: float, start: float
) -> None:
    stored = [
        encode(CachedValue(i, Metadata(ended, started)), pickle.dumps)
        for i, (ended, started) in enumerate(stamps)
    ]
    fresh = all(ended > after and started >= start for ended, started in stamps)
    found = fresh_payloads(stored, after, start, pickle.loads)
    assert found == (list(range(len(stamps))) if fresh else None)
