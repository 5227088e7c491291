"""What one package writes the other one reads, in both directions."""

from __future__ import annotations

import datetime
import time
import uuid
from typing import Any

import pytest

from dogpile_cache import make_region
from dogpile_cache.api import CachedValue

from .conftest import BACKENDS, arguments_of
from .processes import Process

VALUES: list[Any] = [
    "text é",
    b"bytes | and more",
    0,
    None,
    [1, [2.5, None]],
    {"a": {"b": "|"}, "c": []},
    (1, 2),
    {1, 2},
    datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.timezone.utc),
    "x" * 100_000,
]
JSON_VALUES: list[Any] = ["text é|", 0, None, [1, [2.5, None]], {"a": {"b": "|"}}]

MEMCACHED = [name for name, place in BACKENDS.items() if place == "memcached_server"]
PICKLING = ["redis", "valkey", "dbm"]
DIRECTIONS = ["old to new", "new to old"]


@pytest.fixture(params=DIRECTIONS)
def writer_and_reader(
    old: Process, new: Process, request: pytest.FixtureRequest
) -> tuple[Process, Process]:
    return (old, new) if request.param == "old to new" else (new, old)


def configured(
    processes: tuple[Process, Process],
    request: pytest.FixtureRequest,
    backend: str,
    **options: Any,
) -> list[str]:
    """Configure both and return keys that no other test uses."""
    for process in processes:
        arguments = arguments_of(request, backend)
        process.configure("shared", f"dogpile.cache.{backend}", arguments, **options)
    return [f"{uuid.uuid4()}" for _ in range(len(VALUES))]


@pytest.mark.parametrize("json", [False, True], ids=["pickle", "json"])
@pytest.mark.parametrize("backend", PICKLING)
def test_values_are_shared_through_every_backend_of_bytes(
    writer_and_reader: tuple[Process, Process],
    request: pytest.FixtureRequest,
    backend: str,
    json: bool,
) -> None:
    keys = configured(writer_and_reader, request, backend, json=json)
    check(writer_and_reader, keys, JSON_VALUES if json else VALUES)


@pytest.mark.parametrize("backend", MEMCACHED)
def test_values_are_shared_through_memcached_with_a_serializer(
    writer_and_reader: tuple[Process, Process],
    request: pytest.FixtureRequest,
    backend: str,
) -> None:
    keys = configured(writer_and_reader, request, backend, json=True)
    check(writer_and_reader, keys, JSON_VALUES)


def check(
    writer_and_reader: tuple[Process, Process], keys: list[str], values: list[Any]
) -> None:
    writer, reader = writer_and_reader
    written = dict(zip(keys, values))
    half = len(written) // 2
    for key in keys[:half]:
        writer.call("shared", "set", key, written[key])
    rest = {key: written[key] for key in keys[half:] if key in written}
    writer.call("shared", "set_multi", rest)
    assert reader.call("shared", "get_multi", list(written)) == values
    for key, value in written.items():
        assert reader.call("shared", "get", key) == value
        assert reader.create("shared", key, "made anew") == value
        assert 0 <= reader.age("shared", key) < 60
    reader.call("shared", "delete_multi", keys)
    assert writer.call("shared", "get", keys[0]) == "NO_VALUE"


def test_what_one_creates_the_other_is_served(
    writer_and_reader: tuple[Process, Process], request: pytest.FixtureRequest
) -> None:
    key, *_ = configured(writer_and_reader, request, "redis", expiration_time=60)
    writer, reader = writer_and_reader
    assert writer.create("shared", key, {"made": "by the writer"})
    assert reader.create("shared", key, "never") == {"made": "by the writer"}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_pickled_memory_is_shared_through_a_cache_dict(
    old: Process, new: Process, direction: str
) -> None:
    writer, reader = (old, new) if direction == "old to new" else (new, old)
    writer.configure("memory", "dogpile.cache.memory_pickle", {})
    for number, value in enumerate(VALUES):
        writer.call("memory", "set", str(number), value)
    kept = writer.cache_dict("memory")
    assert all(type(data) is bytes for data in kept.values())
    reader.configure("memory", "dogpile.cache.memory_pickle", {"cache_dict": kept})
    keys = [str(number) for number in range(len(VALUES))]
    assert reader.call("memory", "get_multi", keys) == VALUES


def test_the_other_package_reads_what_is_signed_and_has_a_lifetime_of_its_own(
    old: Process,
) -> None:
    kept: dict[str, Any] = {}
    ours = make_region("ours").configure(
        "dogpile.cache.memory",
        None,
        {"cache_dict": kept},
        signing_key="0123456789abcdef",
    )
    ours.set("signed", VALUES)
    metadata = {"ct": time.time(), "v": 2, "st": time.time(), "lt": None}
    kept["own"] = ours._store.dump(CachedValue(VALUES, metadata), "own")
    assert ours.get_multi(["signed", "own"]) == [VALUES, VALUES]
    old.configure("memory", "dogpile.cache.memory_pickle", {"cache_dict": kept})
    assert old.call("memory", "get_multi", ["signed", "own"]) == [VALUES, VALUES]


@pytest.mark.parametrize("backend", MEMCACHED)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside the other"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_without_a_serializer_a_value_of_the_other_package_is_a_miss_for_us(
    request: pytest.FixtureRequest, backend: str, beside: bool, direction: str
) -> None:
    """Ours never raises, whether or not it can import the other package.

    dogpile.cache does with ours as it does with every foreign class: that it may raise
    is why the documentation advises a serializer.
    """
    suffix = "_beside" if beside else ""
    old = request.getfixturevalue(f"old{suffix}")
    new = request.getfixturevalue(f"new{suffix}")
    key, other, *_ = configured((old, new), request, backend)
    if direction == "new to old":
        new.call("shared", "set", key, "ours")
        assert new.call("shared", "get", key) == "ours"
        old.call("shared", "set", key, "theirs")
    else:
        old.call("shared", "set", key, "theirs")
    new.call("shared", "set", other, "ours")
    assert new.call("shared", "get", key) == "NO_VALUE"
    assert new.call("shared", "get_multi", [key, other]) == ["NO_VALUE", "ours"]
    assert new.create("shared", key, "made anew") == "made anew"
    assert new.call("shared", "get", key) == "made anew"
