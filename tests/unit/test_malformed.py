"""Bytes that are truncated, foreign or malformed are a miss, and the log tells."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.api import CantDeserializeException
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.testing import SettableClock

GOOD = b'{"ct": 1700000000.0, "v": 2}|'
PAYLOAD = pickle.dumps("payload")

MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "no bar": b"abc",
    "only a bar": b"|",
    "truncated metadata": b'{"ct": 17000|' + PAYLOAD,
    "metadata that are a list": b"[1, 2]|" + PAYLOAD,
    "metadata that are null": b"null|" + PAYLOAD,
    "metadata that are not UTF-8": b'{"ct": "\xff\xfe"}|' + PAYLOAD,
    "no creation time": b'{"v": 2}|' + PAYLOAD,
    "no version": b'{"ct": 1700000000.0}|' + PAYLOAD,
    "a creation time of text": b'{"ct": "now", "v": 2}|' + PAYLOAD,
    "a creation time of null": b'{"ct": null, "v": 2}|' + PAYLOAD,
    "no payload": GOOD,
    "truncated payload": GOOD + PAYLOAD[:-3],
    "payload of an unknown class": GOOD + b"cno_such_module\nThing\n.",
    "payload that is no pickle": GOOD + b"\x00\xff\x00",
    "pickle of another program": PAYLOAD,
    "html": b"<html>|</html>",
}


@pytest.fixture
def kept() -> dict[str, Any]:
    return {}


@pytest.fixture
def pickled(clock: SettableClock, kept: dict[str, Any]) -> CacheRegion:
    return make_region(clock=clock).configure(
        "dogpile.cache.memory_pickle",
        expiration_time=10,
        arguments={"cache_dict": kept},
    )


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_bytes_are_a_miss_and_the_log_names_the_key(
    pickled: CacheRegion,
    kept: dict[str, Any],
    data: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept["the key"] = data
    assert pickled.get("the key") is NO_VALUE
    assert pickled.get_multi(["the key"]) == [NO_VALUE]
    assert pickled.get_value_metadata("the key") is None
    assert pickled.get("the key", ignore_expiration=True) is NO_VALUE
    assert caplog.records
    for record in caplog.records:
        assert record.levelname == "WARNING"
        assert record.name == "dogpile_cache"
        assert "'the key'" in record.getMessage()
    assert pickled.get_or_create("the key", lambda: "made anew") == "made anew"
    assert pickled.get("the key") == "made anew"


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_one_malformed_value_costs_no_other(
    pickled: CacheRegion, kept: dict[str, Any], data: bytes
) -> None:
    pickled.set_multi({"a": 1, "c": 3})
    kept["b"] = data
    assert pickled.get_multi(["a", "b", "c"]) == [1, NO_VALUE, 3]
    made = pickled.get_or_create_multi(["a", "b", "c"], lambda *keys: [2])
    assert made == [1, 2, 3]


def test_every_truncation_of_a_value_is_a_miss(
    pickled: CacheRegion, kept: dict[str, Any]
) -> None:
    pickled.set("key", ["a", 1, None])
    whole = kept["key"]
    for length in range(len(whole)):
        kept["key"] = whole[:length]
        assert pickled.get("key") is NO_VALUE, whole[:length]


def test_another_version_of_the_format_is_a_miss_without_a_warning(
    pickled: CacheRegion, kept: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    kept["key"] = b'{"ct": 1700000000.0, "v": 3}|' + PAYLOAD
    assert pickled.get("key") is NO_VALUE
    assert not caplog.records


def test_further_metadata_are_kept_and_ignored(
    pickled: CacheRegion, kept: dict[str, Any]
) -> None:
    metadata = {"ct": 1_700_000_000.0, "v": 2, "host": "web|1"}
    kept["key"] = json.dumps(metadata).replace("|", "\\u007c").encode() + b"|" + PAYLOAD
    assert pickled.get("key") == "payload"
    value = pickled.get_value_metadata("key")
    assert value is not None
    assert value.metadata["host"] == "web|1"


def test_a_deserializer_may_say_that_it_cannot_read_without_a_warning(
    clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(data: bytes) -> Any:
        raise CantDeserializeException

    region = make_region(serializer=str.encode, deserializer=refuse, clock=clock)
    region.configure("dogpile.cache.memory")
    region.set("key", "value")
    assert region.get("key") is NO_VALUE
    assert region.get_multi(["key"]) == [NO_VALUE]
    assert region.get_or_create("key", lambda: "made") == "made"
    assert not caplog.records


@pytest.mark.parametrize("foreign", ["text", b"bytes", ("a", {"ct": 1}), 3, object()])
def test_an_object_that_is_no_cached_value_is_a_miss(
    clock: SettableClock, foreign: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Keeper(ProxyBackend):
        """Stand for a backend that gives back what others have put there."""

        def get(self, key: Any) -> Any:
            return entries.get(key, NO_VALUE)

        def set(self, key: Any, value: Any) -> None:
            entries[key] = value

        def get_multi(self, keys: Any) -> Any:
            return [self.get(key) for key in keys]

    entries: dict[str, Any] = {"the key": foreign}
    region = make_region(clock=clock).configure("dogpile.cache.memory", wrap=[Keeper])
    assert region.get("the key") is NO_VALUE
    assert region.get_or_create("the key", lambda: "made") == "made"
    assert region.get_multi(["the key"]) == ["made"]
    assert "'the key'" in caplog.text


def test_a_payload_that_cannot_be_serialized_raises_and_frees_the_key(
    pickled: CacheRegion, kept: dict[str, Any]
) -> None:
    pickled.set("key", "before")
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        pickled.set("key", lambda: None)
    assert pickled.get("key") == "before"
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        pickled.get_or_create("other", lambda: lambda: None)
    assert not pickled.key_is_locked("other")
