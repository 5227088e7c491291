"""Old and new processes keep each other out while a value is made."""

from __future__ import annotations

import uuid

import pytest

from .conftest import arguments_of
from .processes import Process

SERVED = ["redis", "valkey", "pymemcache", "memcached", "pylibmc", "bmemcached"]


@pytest.fixture(params=[*SERVED, "dbm"])
def backend(request: pytest.FixtureRequest, old: Process, new: Process) -> str:
    name: str = request.param
    arguments = arguments_of(request, name)
    if name != "dbm":  # which locks without being told
        arguments["distributed_lock"] = True
    for process in (old, new):
        process.configure(
            "locked", f"dogpile.cache.{name}", arguments, json=True, expiration_time=60
        )
    return name


@pytest.fixture(params=["old first", "new first"])
def pair(
    request: pytest.FixtureRequest, old: Process, new: Process
) -> tuple[Process, Process]:
    return (old, new) if request.param == "old first" else (new, old)


def test_a_lock_that_one_holds_the_other_cannot_take(
    backend: str, pair: tuple[Process, Process]
) -> None:
    first, second = pair
    key = str(uuid.uuid4())
    assert first.acquire("locked", key)
    assert not second.acquire("locked", key)
    first.release(key)
    assert second.acquire("locked", key)
    assert not first.acquire("locked", key)
    second.release(key)


def test_a_mixed_pair_makes_a_value_once(
    backend: str, pair: tuple[Process, Process]
) -> None:
    first, second = pair
    key = str(uuid.uuid4())
    first.begin("locked", key, "of the first", paused=True)
    second.begin("locked", key, "of the second", paused=False)
    assert first.end(key) == ("of the first", 1)
    assert second.end(key) == ("of the first", 0)
    assert second.call("locked", "get", key) == "of the first"


@pytest.mark.parametrize("backend", SERVED, indirect=True)  # of a file the old cannot
def test_both_tell_that_a_key_is_locked(
    backend: str, pair: tuple[Process, Process]
) -> None:
    first, second = pair
    key = str(uuid.uuid4())
    first.begin("locked", key, 1, paused=True)
    assert second.call("locked", "key_is_locked", key)
    first.end(key)
    assert not second.call("locked", "key_is_locked", key)
