"""A pre-forking server: the region is configured and used, and then come the forks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import os, signal, sys, threading, warnings
from dogpile_cache import NO_VALUE, make_region
warnings.simplefilter("ignore")
backend, arguments = sys.argv[1], eval(sys.argv[2])
run = os.urandom(8).hex()
if arguments.pop("pool", False):
    import redis
    arguments["connection_pool"] = redis.ConnectionPool.from_url(arguments.pop("url"))
keeps = backend != "dogpile.cache.null"
shared = backend.endswith(("dbm", "lmdb")) or "distributed_lock" in arguments
region = make_region().configure(backend, expiration_time=60, arguments=arguments)

def use(who, rounds):
    for i in range(rounds):
        own, common = f"{run} {who} {i % 7}", f"{run} common {i % 7}"
        region.set(own, [who, i])
        assert region.get_or_create(common, lambda: common) == common
        found = region.get_multi([own, common])
        # what is common may have been deleted by another
        kept = [who, i] if keeps else NO_VALUE
        assert found in ([kept, common], [kept, NO_VALUE]), (who, i, found)
        if i % 5 == 0:
            region.delete(common)
            assert region.get_or_create(own, list) == ([who, i] if keeps else [])

use("parent", 5)
begun, may_end = threading.Event(), threading.Event()

def create():
    begun.set()
    assert may_end.wait(50)
    return "by the parent"

threads = [threading.Thread(target=region.get_or_create, args=(f"{run} slow", create))]
threads.append(threading.Thread(target=use, args=("busy", 200)))
for thread in threads:
    thread.start()
assert begun.wait(20)
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        signal.alarm(50)  # one that hangs is killed
        try:
            use(f"child {number}", 60)
            # what the parent is creating is awaited where the lock is one of processes
            slow = region.get_or_create(f"{run} slow", lambda: "by a child")
            assert slow == "by the parent" or not shared, slow
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
use("parent", 60)
may_end.set()
for thread in threads:
    thread.join(50)
    assert not thread.is_alive()
use("parent", 5)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""

BUSY_FILE = """
import dbm, os, sys, threading, warnings
from contextlib import contextmanager
from dogpile_cache import make_region
warnings.simplefilter("ignore")
in_use = []

@contextmanager
def noted(*args, really_open=dbm.open):
    in_use.append(args)
    try:
        with really_open(*args) as file:
            yield file
    finally:
        in_use.pop()

dbm.open = noted
region = make_region().configure("dogpile.cache.dbm", arguments={"filename": sys.argv[1]})
stopped = threading.Event()

def use(key):
    while not stopped.is_set():
        region.set(key, key)
        assert region.get(key) == key

threads = [threading.Thread(target=use, args=(f"{n}",)) for n in range(3)]
for thread in threads:
    thread.start()
forked = 0
for _ in range(40):
    child = os.fork()
    if child == 0:
        os._exit(len(in_use))
    forked += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
stopped.set()
for thread in threads:
    thread.join(50)
print(forked)
"""

SERVERS = {
    "redis": ("redis_server", {"distributed_lock": True}),
    "redis pool": ("redis_server", {"pool": True}),
    "valkey": ("valkey_server", {"distributed_lock": True}),
    "redis_cluster": ("redis_cluster", {"distributed_lock": True}),
    "valkey_cluster": ("redis_cluster", {"distributed_lock": True}),
    "pymemcache": ("memcached_server", {"distributed_lock": True}),
    "memcached": ("memcached_server", {"distributed_lock": True}),
    "pylibmc": ("memcached_server", {"distributed_lock": True}),
    "bmemcached": ("memcached_server", {"distributed_lock": True}),
}


def check(backend: str, arguments: dict[str, Any]) -> None:
    name = f"dogpile.cache.{backend}"
    command = [sys.executable, "-c", SCRIPT, name, repr(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0, 0, 0, 0]\n", done.stderr


@pytest.mark.parametrize("backend", ["memory", "memory_pickle"])
@pytest.mark.parametrize("arguments", [{}, {"max_entries": 200}], ids=str)
def test_memory_after_a_fork(backend: str, arguments: dict[str, Any]) -> None:
    check(backend, arguments)


def test_a_cache_that_keeps_nothing_after_a_fork() -> None:
    check("null", {})


def test_a_dbm_file_after_a_fork(tmp_path: Path) -> None:
    check("dbm", {"filename": str(tmp_path / "file.dbm")})


def test_an_lmdb_file_after_a_fork(tmp_path: Path) -> None:
    check("lmdb", {"path": str(tmp_path / "cache")})


def test_no_fork_comes_while_a_dbm_file_is_open(tmp_path: Path) -> None:
    """The child would have an open file that nobody closes, and SQLite its locks."""
    command = [sys.executable, "-c", BUSY_FILE, str(tmp_path / "file.dbm")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.server
@pytest.mark.parametrize("name", SERVERS)
def test_connections_after_a_fork(name: str, request: Any) -> None:
    """No process is ever given another one's reply."""
    fixture, arguments = SERVERS[name]
    url = request.getfixturevalue(fixture).url
    check(name.split()[0], {"url": url, **arguments})


@pytest.mark.server
@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_a_sentinel_set_after_a_fork(library: str, sentinel_set: Any) -> None:
    check(f"{library}_sentinel", {"sentinels": sentinel_set.addresses})
