"""Processes that are killed, stopped and continued in the middle of a creation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.region import CacheRegion

LEASE = 1.5
FREE_AFTER = LEASE + 6.0
"""Seconds; memcached counts up to 1.5 more, and a tenfold lease lasts twice as long."""
DEADLINE = 30.0

CREATOR = """
import sys, threading, warnings
from dogpile_cache import make_region
warnings.simplefilter("ignore")
backend, arguments, key, value = sys.argv[1:]
region = make_region().configure("dogpile.cache." + backend, arguments=eval(arguments))

def create():
    print("creating", flush=True)
    sys.stdin.readline()  # until it is told to end
    return value

print(region.get_or_create(key, create), flush=True)
"""

Process = subprocess.Popen[str]
Start = Callable[[str, str], Process]

LEASED = ["redis", "valkey", "pymemcache", "memcached", "pylibmc", "bmemcached"]
leased = pytest.mark.parametrize("place", LEASED, indirect=True)
pytestmark = pytest.mark.server


@pytest.fixture(params=[*LEASED, "dbm", "lmdb"])
def place(request: Any, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """Name a backend whose processes share locks, and its arguments."""
    backend = request.param
    shared = {"distributed_lock": True, "lock_timeout": LEASE}
    if backend == "dbm":
        return backend, {"filename": str(tmp_path / "file.dbm")}
    if backend == "lmdb":
        return backend, {"path": str(tmp_path / "cache")}
    server = "redis_server" if backend in ("redis", "valkey") else "memcached_server"
    return backend, {"url": request.getfixturevalue(server).url, **shared}


@pytest.fixture
def region(place: tuple[str, dict[str, Any]]) -> CacheRegion:
    backend, arguments = place
    return make_region().configure(f"dogpile.cache.{backend}", arguments=arguments)


@pytest.fixture
def start(place: tuple[str, dict[str, Any]]) -> Iterator[Start]:
    """Start processes that are creating a value when this returns."""
    started: list[Process] = []

    def start(key: str, value: str) -> Process:
        process = waiting(key, value)
        assert process.stdout is not None
        assert process.stdout.readline() == "creating\n"
        return process

    def waiting(key: str, value: str) -> Process:
        backend, arguments = place
        process = subprocess.Popen(
            [sys.executable, "-c", CREATOR, backend, repr(arguments), key, value],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    start.waiting = waiting  # type: ignore[attr-defined]
    yield start
    for process in started:
        process.kill()
        process.communicate()


def finish(process: Process) -> str:
    """Have a creator end, and return what its caller was given."""
    out, _ = process.communicate("\n", timeout=DEADLINE)
    return out.splitlines()[-1]


def new_key() -> str:
    return f"key {os.urandom(8).hex()}"


def test_when_a_creator_is_killed_another_process_makes_the_value(
    region: CacheRegion, start: Start
) -> None:
    key = new_key()
    creator = start(key, "never")
    assert region.key_is_locked(key)
    creator.kill()
    creator.wait()
    begun = time.monotonic()
    assert region.get_or_create(key, lambda: "made here") == "made here"
    assert time.monotonic() - begun < FREE_AFTER
    assert region.get(key) == "made here"
    assert not region.key_is_locked(key)


def test_a_waiter_that_is_killed_leaves_nothing_behind(
    region: CacheRegion, start: Any
) -> None:
    key = new_key()
    creator = start(key, "made")
    waiter = start.waiting(key, "not made")
    waiter.kill()
    waiter.wait()
    assert finish(creator) == "made"
    assert region.get(key) == "made"
    assert not region.key_is_locked(key)


def test_a_waiter_is_given_what_another_process_makes(
    region: CacheRegion, start: Any
) -> None:
    key = new_key()
    creator = start(key, "made")
    waiter = start.waiting(key, "not made")
    assert finish(creator) == "made"
    assert finish(waiter) == "made"


@leased  # a lock of the kernel's cannot be taken away; the documentation says so
def test_a_deletion_by_another_process_wins(region: CacheRegion, start: Start) -> None:
    key = new_key()
    creator = start(key, "old")
    region.delete(key)
    assert finish(creator) == "old"
    assert region.get(key) is NO_VALUE


@leased  # a lock of the kernel's is kept by a stopped process, so nobody overtakes it
def test_a_process_that_was_stopped_for_long_does_not_overwrite_a_newer_value(
    region: CacheRegion, start: Start
) -> None:
    key = new_key()
    creator = start(key, "old")
    creator.send_signal(signal.SIGSTOP)
    assert region.get_or_create(key, lambda: "new") == "new"  # after the lease
    creator.send_signal(signal.SIGCONT)
    finish(creator)
    assert region.get(key) in ("new", NO_VALUE)


@pytest.mark.parametrize("place", ["redis", "pymemcache", "bmemcached"], indirect=True)
def test_a_slow_creator_keeps_its_lock(region: CacheRegion, start: Start) -> None:
    """Until three leases have passed the lock is never free."""
    key = new_key()
    creator = start(key, "slow")
    until = time.monotonic() + 3 * LEASE
    while time.monotonic() < until:
        assert region.key_is_locked(key)
        time.sleep(0.05)
    assert finish(creator) == "slow"
    assert region.get(key) == "slow"
