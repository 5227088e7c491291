"""A value that was stored for another key is a miss, and the log tells."""

from __future__ import annotations

import enum
import json
from typing import Any

import pytest
from markupsafe import Markup

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.api import CachedValue, KeyedMetadata, Metadata
from dogpile_cache.codec import Codec, KeyedObjects

MESSAGE = "was stored for another key"


@pytest.fixture
def kept() -> dict[Any, Any]:
    return {}


@pytest.fixture
def region(kept: dict[Any, Any]) -> CacheRegion:
    return make_region().configure(
        "dogpile.cache.memory_pickle", 60, {"cache_dict": kept}
    )


def test_a_swapped_value_is_a_miss_and_is_made_anew(
    region: CacheRegion, kept: dict[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    region.set_multi({"a": "of a", "b": "of b"})
    kept["a"] = kept["b"]
    assert region.get("a") is NO_VALUE
    assert "'a'" in caplog.text
    assert MESSAGE in caplog.text
    assert region.get_multi(["a", "b"]) == [NO_VALUE, "of b"]
    assert region.get_or_create_multi(["a", "b"], lambda *keys: [*keys]) == [
        "a",
        "of b",
    ]
    assert region.get("a") == "a"


def test_keys_that_a_mangler_makes_one_are_not_taken_for_each_other(
    kept: dict[Any, Any],
) -> None:
    region = make_region(key_mangler=lambda key: key[:1]).configure(
        "dogpile.cache.memory_pickle", 60, {"cache_dict": kept}
    )
    assert region.get_or_create("one", lambda: 1) == 1
    assert region.get_or_create("other", lambda: 2) == 2
    assert region.get_or_create("other", lambda: 3) == 2
    assert region.get("one") is NO_VALUE


def test_the_digest_stands_behind_the_times_in_a_form_of_its_own(
    region: CacheRegion, kept: dict[Any, Any]
) -> None:
    region.set("key", 1)
    head = kept["key"].partition(b"|")[0]
    assert [*json.loads(head)] == ["ct", "v", "st", "kd"]
    assert head.endswith(b', "kd": "b4ae5b3ff6b75747"}')
    value = region.get_value_metadata("key")
    assert value is not None
    assert type(value.metadata) is Metadata  # of the value it says nothing


@pytest.mark.parametrize(
    "form", ['{"ct": %f, "v": 2}|1', '{"ct": %f, "v": 2, "st": 0}|1']
)
def test_a_value_without_digest_is_read(form: str) -> None:
    codec = Codec(None, json.loads)
    assert codec.load((form % 2e9).encode(), "any").payload == 1
    older = b'{"ct": 1700000000.0000000, "v": 2, "st": 1700000000.0000000}|1'
    assert codec.load(older, "any") == CachedValue(1, Metadata(1.7e9, 1.7e9))


def test_other_forms_of_the_metadata_are_checked_as_well() -> None:
    codec = Codec(None, json.loads)
    right = b'{"kd": "b4ae5b3ff6b75747", "ct": 2, "v": 2, "host": "a"}|1'
    found = codec.load(right, "key")
    assert found
    assert found.metadata == {"ct": 2.0, "st": 2.0, "v": 2, "host": "a"}
    assert codec.load(right, "other") is NO_VALUE
    for wrong in (b"1", b"null", b'"B4AE5B3FF6B75747"', b'""'):
        data = right.replace(b'"b4ae5b3ff6b75747"', wrong)
        assert bool(codec.load(data, "key")) is (wrong == b"null")


class Name(str, enum.Enum):
    KEY = "key"


def test_keys_of_several_types_are_several_keys_and_texts_are_texts() -> None:
    codec = Codec(lambda value: b"1", json.loads)
    value = CachedValue(1, Metadata(2e9, 2e9))
    texts = ["key", Name.KEY, Markup("key")]
    others = [1, "1", b"1", True, (1,), (True,), 1.0, 0.0, -0.0, "", None]
    for one in [texts[0], *others]:
        stored = codec.dump(value, one)
        for other in [texts[0], *others]:
            same = type(one) is type(other) and repr(one) == repr(other)
            assert bool(codec.load(stored, other)) is same, (one, other)
    for one in texts:
        for other in texts:
            assert codec.load(codec.dump(value, one), other)


def test_keys_that_cannot_be_hashed_or_told_apart_do_for_a_mangler(
    kept: dict[Any, Any],
) -> None:
    class Thing:
        id = "thing"

    region = make_region(
        key_mangler=lambda key: key[0] if isinstance(key, list) else key.id
    ).configure("dogpile.cache.memory_pickle", 60, {"cache_dict": kept})
    region.set(["a"], 1)
    region.set(Thing(), 2)
    assert region.get(["a"]) == 1
    assert region.get(["a", "b"]) is NO_VALUE
    assert region.get_multi([["a"], Thing()]) == [1, 2]
    assert region.get_or_create_multi([Thing()], lambda *keys: [3]) == [2]


def test_purge_needs_no_key(kept: dict[Any, Any]) -> None:
    region = make_region(key_mangler=str.upper).configure(
        "dogpile.cache.memory_pickle", 60, {"cache_dict": kept}
    )
    region.set("key", 1)
    assert region.backend.purge() == 0  # type: ignore[attr-defined]
    assert region.get("key") == 1


def test_memory_keeps_no_digest() -> None:
    region = make_region().configure("dogpile.cache.memory")
    region.set("key", 1)
    value = region.get_value_metadata("key")
    assert value is not None
    assert type(value.metadata) is Metadata


@pytest.mark.parametrize(
    "metadata", [Metadata(2.0, 1.0), {"ct": 2.0, "v": 2, "lt": None}]
)
def test_objects_that_others_can_write_carry_it_too(metadata: Any) -> None:
    codec = KeyedObjects()
    value = CachedValue(1, metadata)
    stored = codec.dump(value, "key")
    assert dict(stored.metadata) == {**metadata, "kd": "b4ae5b3ff6b75747"}
    assert codec.load(stored, "key") is stored
    assert codec.load(stored, "other") is NO_VALUE
    assert codec.load(value, "other") is value  # it has none
    assert codec.dump(value, object()) is value


@pytest.mark.parametrize("metadata", [None, 5, {"ct": 1.0, "v": 2, "lt": "soon"}])
def test_malformed_metadata_of_objects_are_a_miss(
    metadata: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert KeyedObjects().load(CachedValue(1, metadata), "key") is NO_VALUE
    assert "The value of 'key' is malformed" in caplog.text


def test_keyed_metadata_are_a_mapping() -> None:
    metadata = KeyedMetadata(2.0, 1.0, "digest")
    assert dict(metadata) == {"ct": 2.0, "v": 2, "st": 1.0, "kd": "digest"}
    assert len(metadata) == 4
    assert "x" not in metadata
