"""Stored bytes: whatever stands in the cache is a value or a miss."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.api import CachedValue, Metadata
from dogpile_cache.compression import LARGEST, decompress
from dogpile_cache.testing import SettableClock

NOW = 1.7e9
KEY = "key"


class Kept(NamedTuple):
    """Be a region and what its backend keeps, and all that is signed there."""

    region: CacheRegion
    bytes: dict[str, Any]
    genuine: list[bytes]


def _kept(name: str, serializer: str, **settings: Any) -> Kept:
    kept: dict[str, Any] = {}
    region = make_region(name, serializer=serializer, clock=SettableClock(NOW))
    arguments = {"cache_dict": kept}
    region.configure("dogpile.cache.memory", 60, arguments, **settings)
    genuine = []
    for payload in ("text", "a longer text " * 50):
        region.set(KEY, payload)
        genuine.append(kept[KEY])
    return Kept(region, kept, genuine)


SIGNED = {"signing_key": "0123456789abcdef"}
UNSIGNED_REGIONS = [
    _kept("r", serializer, stale_if_error=1e9, compress_min_bytes=20)
    for serializer in ("text", "json", "msgpack")
]
SIGNED_REGIONS = [
    _kept("one", "text", **SIGNED),
    _kept("other", "json", **SIGNED, compress_min_bytes=20),
]
REGIONS = [*UNSIGNED_REGIONS, *SIGNED_REGIONS]

SEEDS = [
    *(stored for kept in REGIONS for stored in kept.genuine),
    b'{"ct": 1700000000.0, "v": 2}|text',
    b'{"ct": 1e400, "v": 2, "st": -1, "lt": 10, "more": [1]}|"text"',
    b'{"ct": NaN, "v": 2, "cz": "zlib"}|x\x9c',
    b'{"ct": 1, "v": 2, "cz": "zstd"}|(\xb5/\xfd\xa0',
]
"""What an input may begin as: one of each form that is read."""

_numbers = st.sampled_from(
    [b"1700000000.0", b"NaN", b"1e999", b"-1", b'"1"', b"[]", b"9"]
)
_entries = st.builds(
    b'"%b": %b'.__mod__,
    st.tuples(
        st.sampled_from([b"ct", b"v", b"st", b"lt", b"kd", b"cz", b"hs", b"x"]),
        _numbers | st.sampled_from([b"2", b'"zlib"', b'"zstd"', b"null", b"1" * 5000]),
    ),
)
_metadata = st.lists(_entries, max_size=5).map(
    lambda them: b"{" + b", ".join(them) + b"}"
)


@st.composite
def _changed(draw: Any) -> bytes:
    stored: bytes = draw(st.sampled_from(SEEDS))
    start = draw(st.integers(0, len(stored)))
    end = draw(st.integers(start, min(len(stored), start + 4)))
    return stored[:start] + draw(st.binary(max_size=4)) + stored[end:]


inputs: st.SearchStrategy[bytes] = (
    st.binary()
    | _changed()
    | st.tuples(_metadata, st.just(b"|"), st.binary(max_size=20)).map(b"".join)
)


def check(data: bytes) -> None:
    """Read some bytes in every way that a region may read them."""
    for kept in REGIONS:
        _check_region(kept, data)
    for method in ("zlib", "zstd"):
        try:
            assert len(decompress(method, data)) <= LARGEST
        except AssertionError:
            raise
        except Exception:  # as it says of itself
            continue


def _check_region(kept: Kept, data: bytes) -> None:
    region, stored, genuine = kept
    stored[KEY] = data
    found = region.get(KEY, ignore_expiration=True)
    if kept in SIGNED_REGIONS:
        assert found is NO_VALUE or data in genuine, (found, data)
    [again] = region.get_multi([KEY], ignore_expiration=True)
    assert repr(again) == repr(found)  # which takes NaN for itself
    codec: Any = region._store.codec
    seen = codec.peek(data, KEY)
    assert seen is NO_VALUE or isinstance(seen, CachedValue)
    made = region.get_or_create(KEY, lambda: "created")
    assert repr(made) in (repr(found), "'created'")
    stored[KEY] = data
    made, _ = region.get_or_create_multi([KEY, "other"], _created)
    assert repr(made) in (repr(found), "'created'")
    stored[KEY] = data
    region.actual_backend.purge()  # type: ignore[attr-defined]  # it is in memory
    codec.fresh_payloads([data], [KEY], (0.0, 0.0))
    metadata = codec.load(data, KEY)
    assert metadata is NO_VALUE or isinstance(metadata.metadata, (Metadata, dict))
    stored.clear()


def _created(*keys: str) -> list[str]:
    return ["created" for _ in keys]
