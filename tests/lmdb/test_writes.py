"""Writes in bad times: readers that stay, signals in between, forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.backends.lmdb_lock import EntryLock
from dogpile_cache.exception import BackendUnavailable


def cache(path: Path, **options: Any) -> CacheRegion:
    return make_region().configure(
        "dogpile.cache.lmdb",
        on_backend_error="raise",
        arguments={"path": path, "max_bytes": 2**22, **options},
    )


READER = """
import sys
from dogpile_cache import make_region
region = make_region().configure("dogpile.cache.lmdb", arguments={
    "path": sys.argv[1], "max_bytes": 2 ** 22})
def read(txn):
    print("reading", flush=True)
    sys.stdin.readline()
region.get("key")
region.backend._environment.read(read)
"""


def test_one_who_reads_for_long_costs_no_entries(tmp_path: Path) -> None:
    """What is replaced meanwhile cannot be given back, so in the end nobody can write."""
    region = cache(tmp_path)
    region.set_multi({f"kept {number}": number for number in range(500)})
    command = [sys.executable, "-c", READER, str(tmp_path)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as reader:
        assert reader.stdout.readline() == "reading\n"
        with pytest.raises(BackendUnavailable, match="MDB_MAP_FULL"):
            for number in range(2000):
                region.set("replaced", "x" * 10_000 + str(number))
        reader.communicate("go on\n")
    region.set("replaced", "at last")
    assert region.get("replaced") == "at last"
    kept = region.get_multi([f"kept {number}" for number in range(500)])
    assert kept == list(range(500))


@pytest.mark.parametrize(
    "sizes", [(1, 10, 100, 1000), (1, 10, 1000, 4060, 8000, 60_000)], ids=str
)
def test_no_mix_of_sizes_fills_it_for_good(tmp_path: Path, sizes: Any) -> None:
    region = cache(tmp_path)
    for number in range(4000):
        region.set(f"key {number % 3000}", "x" * sizes[number * 7 % len(sizes)])
    region.set_multi({f"large {number}": "x" * 100_000 for number in range(60)})
    region.set("key", "last")
    assert region.get("key") == "last"
    assert region.backend.stat().bytes > 2**21


def test_a_signal_handler_may_not_write_in_the_middle_of_a_write(
    tmp_path: Path,
) -> None:
    region = cache(tmp_path)
    region.set("key", "before")
    errors: list[Exception] = []

    def write_too(*_: Any) -> None:
        try:
            region.set("other", 1)
        except Exception as error:
            errors.append(error)

    def write(entries: Any, txn: Any) -> bytes:
        value = txn.get(region.backend._key("key"))
        os.kill(os.getpid(), signal.SIGUSR1)
        return bytes(value)

    before = signal.signal(signal.SIGUSR1, write_too)
    try:
        assert region.backend._environment.write(write).endswith(b"before")
    finally:
        signal.signal(signal.SIGUSR1, before)
    [error] = errors
    assert isinstance(error, BackendUnavailable)
    assert "this thread is in the middle of another write" in str(error)
    region.set("other", 2)
    assert region.get("other") == 2


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("where", ["_take_turn", "_take", "acquire"])
def test_no_lock_stays_where_an_error_came_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """As when a signal handler ends what takes too long, just when a lock was taken."""
    region = cache(tmp_path)
    really = getattr(EntryLock, where)

    def interrupt(*args: Any) -> None:
        really(*args)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(EntryLock, where, interrupt)
        with pytest.raises(Interrupted):
            region.get_or_create("key", lambda: "value")
    assert not region.key_is_locked("key")
    assert region.get_or_create("key", lambda: "made") == "made"


FORKS = """
import os, sys, threading
from dogpile_cache import make_region
region = make_region().configure("dogpile.cache.lmdb", on_backend_error="raise",
    arguments={"path": sys.argv[1], "max_bytes": 2 ** 22})
region.set("key", "value")
stopped, failed = threading.Event(), []

def use(number):
    try:
        while not stopped.is_set():
            assert region.get("key") == "value"
            region.set(f"{number}", "x" * 3000)
            assert region.get(f"{number}") == "x" * 3000
    except BaseException as error:
        failed.append(error)
        raise

threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
codes = set()
for _ in range(100):
    child = os.fork()
    if child == 0:
        found = region.get("key")
        region.set("child", os.getpid())
        os._exit(0 if found == "value" else 1)
    codes.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stopped.set()
for thread in threads:
    thread.join()
print(codes, failed)
"""


def test_forks_come_while_threads_read_and_write(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("{0} []\n", "")


def test_nobody_overtakes_one_who_waits(tmp_path: Path) -> None:
    waiter = """
import sys
from dogpile_cache import make_region
region = make_region().configure("dogpile.cache.lmdb", arguments={
    "path": sys.argv[1], "max_bytes": 2 ** 22})
mutex = region.backend.get_mutex("key")
assert not mutex.acquire(False)
mutex.pause(0.0)
print("waiting", flush=True)
sys.stdin.readline()
while not mutex.acquire(False):
    mutex.pause(0.0)
print("acquired", flush=True)
"""
    region = cache(tmp_path)
    mutex = region.backend.get_mutex("key")
    assert mutex.acquire(False)
    command = [sys.executable, "-c", waiter, str(tmp_path)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == "waiting\n"
        mutex.release()
        others = [region.backend.get_mutex("key") for _ in range(100)]
        assert not any(other.acquire(False) for other in others)
        out, _ = process.communicate("go on\n")
    assert out == "acquired\n"
    assert mutex.acquire(False)
    mutex.release()


def test_one_who_waits_no_more_is_not_waited_for(tmp_path: Path) -> None:
    """The value was there before the lock was free."""
    region = cache(tmp_path)
    holder = region.backend.get_mutex("key")
    assert holder.acquire(False)
    waiting = threading.Thread(
        target=region.get_or_create, args=("key", lambda: "late")
    )
    waiting.start()
    region.set("key", "made")
    waiting.join(30)
    assert not waiting.is_alive()
    holder.release()
    assert region.backend.get_mutex("key").acquire(False)
