"""Bytes and back, for all values; and whatever else may be read."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogpile_cache.api import NO_VALUE, CacheBackend, CachedValue, Metadata
from dogpile_cache.codec import Codec
from dogpile_cache.signing import Signer
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


keys = st.text() | st.binary() | st.integers() | st.tuples(st.text(), st.integers())
secrets = st.lists(st.binary(min_size=16), min_size=1, max_size=3)
signers = st.none() | st.builds(Signer, st.none() | st.text(), secrets)
least = st.none() | st.integers(1, 100)
codecs = st.builds(Codec, st.just(pickle.dumps), st.just(pickle.loads), signers, least)
lifetimes = st.none() | st.integers(0) | st.floats(0, allow_nan=False)

plain = Codec(pickle.dumps, pickle.loads)
texts = Codec(str.encode, bytes.decode)  # which unpickles nothing of a stranger's
signed = Codec(str.encode, bytes.decode, Signer("region", [b"0123456789abcdef"]))
short = Codec(str.encode, bytes.decode, compress_from=1)


@pytest.fixture(autouse=True)
def unheard() -> Iterator[None]:
    log = logging.getLogger("dogpile_cache")
    log.disabled = True  # it warns of each miss
    yield
    log.disabled = False


@given(codecs, keys, payloads, recent, recent)
def test_a_value_of_our_time_comes_back_as_it_was(
    codec: Codec, key: Any, payload: Any, ended: float, started: float
) -> None:
    value = CachedValue(payload, Metadata(ended, started))
    found = codec.load(codec.dump(value, key), key)
    assert found == value
    assert isinstance(found, CachedValue)
    assert type(found.metadata) is Metadata
    assert (found.metadata["ct"], found.metadata["st"]) == (ended, started)


@given(codecs, keys, payloads, times, times)
def test_a_value_of_any_time_comes_back_within_a_ten_millionth(
    codec: Codec, key: Any, payload: Any, ended: float, started: float
) -> None:
    value = CachedValue(payload, Metadata(ended, started))
    found = codec.load(codec.dump(value, key), key)
    assert found is not NO_VALUE
    assert found.payload == payload
    assert found.metadata["ct"] == pytest.approx(ended, abs=1e-7, rel=1e-12)
    assert found.metadata["st"] == pytest.approx(started, abs=1e-7, rel=1e-12)


@given(codecs, payloads, st.dictionaries(st.text(), st.integers() | st.text()), times)
def test_metadata_of_others_come_back_as_they_were(
    codec: Codec, payload: Any, extra: dict[str, Any], ended: float
) -> None:
    metadata = {**extra, "ct": ended, "v": 2}
    for name in ("st", "lt", "kd", "cz", "hs"):
        metadata.pop(name, None)
    found = codec.load(codec.dump(CachedValue(payload, metadata), "key"), "key")
    assert found is not NO_VALUE
    assert found.payload == payload
    assert metadata.items() <= dict(found.metadata).items()


@given(codecs, keys, recent, lifetimes)
def test_a_lifetime_of_its_own_comes_back(
    codec: Codec, key: Any, ended: float, lifetime: float | None
) -> None:
    metadata = {"ct": ended, "v": 2, "st": ended, "lt": lifetime}
    found = codec.load(codec.dump(CachedValue(1, metadata), key), key)
    if lifetime is not None and 1e300 <= lifetime < float("inf"):
        assert found is NO_VALUE
        return
    assert found == CachedValue(1, metadata)
    assert isinstance(found, CachedValue)
    assert type(found.metadata["lt"]) is type(lifetime)


@given(codecs, keys, keys)
def test_a_value_is_of_its_key_alone(codec: Codec, key: Any, other: Any) -> None:
    stored = codec.dump(CachedValue(1, Metadata(2e9, 2e9)), key)
    same = type(key) is type(other) and key == other
    assert bool(codec.load(stored, other)) is same
    fresh = codec.fresh_payloads([stored], [other], (1e9, 1e9))
    assert fresh in ([1] if same else None, None)


heads = st.binary() | st.sampled_from(
    [
        b'{"ct": 1, "v": 2}',
        b'{"ct": NaN, "v": 2}',
        b"[]",
        b'{"ct": 1, "v": 2, "cz": "zlib"}',
        b'{"ct": 1, "v": 2, "cz": "lzma"}',
        b'{"ct": 1, "v": 2, "cz": 1}',
        b'{"ct": 1, "v": 2, "kd": 1}',
        b'{"ct": 1, "v": 2, "lt": "1"}',
    ]
)


@given(heads, st.sampled_from([b"|", b"", b"||"]), st.binary())
def test_no_bytes_at_all_give_anything_but_a_value_or_a_miss(
    head: bytes, bar: bytes, tail: bytes
) -> None:
    backend = Bytes()
    store = Store(backend, None, texts)
    backend.kept["key"] = data = head + bar + tail
    found = store.fetch("key")
    assert found is NO_VALUE or isinstance(found, CachedValue)
    assert signed.load(data, "key") is NO_VALUE
    assert store.peek(data, "key") is NO_VALUE or found is not None


@given(
    st.sampled_from([texts, signed, short]),
    st.text() | st.text().map(lambda text: text * 50),
    st.data(),
)
def test_a_changed_byte_gives_a_value_or_a_miss_and_of_what_is_signed_a_miss(
    codec: Codec, payload: str, data: st.DataObject
) -> None:
    stored = codec.dump(CachedValue(payload, Metadata(1.5e9, 1.5e9)), "key")
    place = data.draw(st.integers(0, len(stored) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda it: it != stored[place]))
    changed = stored[:place] + bytes([byte]) + stored[place + 1 :]
    found = codec.load(changed, "key")
    assert found is NO_VALUE or isinstance(found, CachedValue)
    if codec is signed:
        assert found is NO_VALUE
        assert codec.load(stored[:place], "key") is NO_VALUE
        assert codec.load(stored + bytes([byte]), "key") is NO_VALUE
        assert codec.load(stored, "key") == CachedValue(payload, Metadata(1.5e9, 1.5e9))


@given(codecs, payloads, recent)
def test_the_metadata_are_json_with_the_times_for_all_others(
    codec: Codec, payload: Any, ended: float
) -> None:
    stored = codec.dump(CachedValue(payload, Metadata(ended, ended)), "key")
    metadata = json.loads(stored[: stored.index(b"|")])
    assert (metadata["ct"], metadata["v"]) == (ended, 2)
    if "cz" not in metadata:
        assert pickle.loads(stored[stored.index(b"|") + 1 :]) == payload


@given(st.lists(st.tuples(recent, recent), min_size=1), recent, recent)
def test_many_values_are_fresh_together_or_not_at_all(
    stamps: list[tuple[float, float]], after: float, start: float
) -> None:
    names = [f"key {i}" for i in range(len(stamps))]
    stored = [
        plain.dump(CachedValue(i, Metadata(ended, started)), names[i])
        for i, (ended, started) in enumerate(stamps)
    ]
    fresh = all(ended > after and started >= start for ended, started in stamps)
    found = plain.fresh_payloads(stored, names, (after, start))
    assert found == (list(range(len(stamps))) if fresh else None)
    assert plain.fresh_payloads(stored, ["other", *names[1:]], (after, start)) is None
