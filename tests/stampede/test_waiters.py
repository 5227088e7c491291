"""Waiters of other processes that are killed, and leases that are renewed after a fork."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pymemcache
import pytest
import redis

from dogpile_cache import make_region
from tests.servers import Memcached, Redis

DEADLINE = 30.0

WAITER = """
import sys
from dogpile_cache import make_region
backend, url, key = sys.argv[1:]
arguments = {"url": url, "distributed_lock": True}
region = make_region().configure("dogpile.cache." + backend, arguments=arguments)
region.get_or_create(key, lambda: "by the waiter")
"""

FORKED = """
import os, signal, sys, threading, time, warnings
from dogpile_cache import make_region
warnings.filterwarnings("ignore", "This process .* is multi-threaded")
warnings.filterwarnings("ignore", "unclosed <socket", ResourceWarning)
backend, url, key, seconds = sys.argv[1:]
arguments = {"url": url, "distributed_lock": True, "lock_timeout": 0.3}
region = make_region().configure("dogpile.cache." + backend, arguments=arguments)
region.get_or_create("parent's " + key, lambda: "made")
assert any("leases" in thread.name for thread in threading.enumerate())
child = os.fork()
if child == 0:
    signal.alarm(30)

    def create():
        lock = region.backend.get_mutex(key)
        until = time.monotonic() + float(seconds)
        while time.monotonic() < until:
            if not lock.locked():
                os._exit(3)
        return "by the child"

    os._exit(0 if region.get_or_create(key, create) == "by the child" else 4)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert region.get(key) == "by the child"
print(status)
"""


def eventually(fact: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not fact():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@contextmanager
def waiter(backend: str, url: str, key: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", WAITER, backend, url, key]) as process:
        try:
            yield process
        finally:
            process.kill()


def new_key() -> str:
    return f"key-{os.urandom(8).hex()}"


def is_waited_for(backend: str, server: Any, key: str) -> Callable[[], bool]:
    """Return a function that tells whether a process waits for the lock of a key."""
    if backend == "redis":  # where waiters subscribe to the lock
        client = redis.Redis.from_url(server.url)

        def has_subscribers() -> bool:
            ((_, count),) = client.pubsub_numsub(f"_lock{key}")
            return bool(count > 0)

        return has_subscribers
    watch = pymemcache.Client(server.url)  # where they keep asking

    def is_asked() -> bool:
        before = int(watch.stats()[b"get_misses"])
        time.sleep(0.6)  # who waits looks again at least every quarter of a second
        return int(watch.stats()[b"get_misses"]) > before

    return is_asked


@pytest.mark.parametrize("backend", ["redis", "pymemcache"])
def test_a_process_that_is_killed_while_it_waits_leaves_nothing_behind(
    backend: str, redis_server: Redis, memcached_server: Memcached
) -> None:
    server = redis_server if backend == "redis" else memcached_server
    arguments = {"url": server.url, "distributed_lock": True}
    region = make_region().configure(f"dogpile.cache.{backend}", arguments=arguments)
    key = new_key()

    def create() -> str:
        is_waiting = is_waited_for(backend, server, key)
        with waiter(backend, server.url, key) as process:
            eventually(is_waiting, "the other process does not wait")
            assert process.poll() is None
        eventually(lambda: not is_waiting(), "the killed process still counts")
        assert region.key_is_locked(key)
        return "made"

    assert region.get_or_create(key, create) == "made"
    assert region.get(key) == "made"
    assert not region.key_is_locked(key)
    region.delete(key)
    assert region.get_or_create(key, lambda: "made again") == "made again"


@pytest.mark.parametrize(
    ("backend", "seconds"), [("redis", 1.0), ("pymemcache", 4.0), ("pylibmc", 4.0)]
)
def test_a_forked_child_renews_its_leases(
    backend: str, seconds: float, redis_server: Redis, memcached_server: Memcached
) -> None:
    """A lease lasts for 0.3 seconds, out of which memcached makes two at most."""
    server = redis_server if backend == "redis" else memcached_server
    command = [sys.executable, "-W", "error", "-c", FORKED]
    done = subprocess.run(
        [*command, backend, server.url, new_key(), str(seconds)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_the_time_that_a_lease_has_left_is_set_anew_while_a_value_is_made(
    redis_server: Redis,
) -> None:
    arguments = {"url": redis_server.url, "distributed_lock": True, "lock_timeout": 1}
    region = make_region().configure("dogpile.cache.redis", arguments=arguments)
    key, left = new_key(), list[int]()

    def create() -> str:
        with redis.Redis.from_url(redis_server.url) as client:
            until = time.monotonic() + 3
            while time.monotonic() < until:
                left.append(client.pttl(f"_lock{key}"))
        return "made"

    assert region.get_or_create(key, create) == "made"
    assert region.get(key) == "made"
    assert min(left) > 0, "the lock was free for a moment"
    renewals = sum(later > earlier for earlier, later in pairwise(left))
    assert renewals >= 3
