"""Processes that are killed in the middle of whatever they do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import lmdb
import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.backends.lmdb_table import ENTRY, KEY

KILLS, PROCESSES = 200, 4

UNDER_LOAD = """
import mmap, os, random, signal, sys, time, traceback
import dogpile_cache.backends.lmdb  # once for all
from dogpile_cache import make_region
path, kills, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rounds = memoryview(mmap.mmap(-1, 8 * processes)).cast("Q")

def make(key):
    return (key + " ") * random.Random(key).choice([1, 30, 300, 700, 3000])

def work(place):
    random.seed()
    region = make_region(name="under load").configure(
        "dogpile.cache.lmdb", expiration_time=0.05, on_backend_error="raise",
        arguments={"path": path, "max_bytes": 2 ** 22})
    while True:
        keys = [f"key {n}" for n in random.sample(range(300), 3)]
        key, what = keys[0], random.random()
        if what < 0.5:
            found = {key: region.get_or_create(key, lambda: make(key))}
        elif what < 0.7:
            found = dict(zip(keys, region.get_or_create_multi(
                keys, lambda *missing: [make(key) for key in missing])))
        elif what < 0.9:
            region.set(key, make(key))
            found = {}
        elif what < 0.95:
            found = {key: region.get(key, ignore_expiration=True) or make(key)}
        else:
            region.delete(key)
            found = {}
        for key, value in found.items():
            assert value == make(key), (key, value[:100])
        rounds[place] += 1
        time.sleep(0.0002)  # let those go first who wait to write

def start(place):
    child = os.fork()
    if child == 0:
        try:
            work(place)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return child

def go_on(places):
    before, until = list(rounds), time.monotonic() + 30
    while any(rounds[place] == before[place] for place in places):
        assert time.monotonic() < until, "somebody is stuck"
        for child in children:
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "somebody failed"
        time.sleep(0.001)

children = [start(place) for place in range(processes)]
for number in range(kills):
    go_on(range(processes))
    place = random.randrange(processes)
    os.kill(children[place], signal.SIGKILL)
    os.waitpid(children[place], 0)
    children[place] = start(place)
go_on(range(processes))
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""

KILLED = """
import os, signal, sys
from dogpile_cache import make_region
region = make_region(name="under load").configure(
    "dogpile.cache.lmdb", arguments={"path": sys.argv[1], "max_bytes": 2 ** 22})
environment = region.backend._environment

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def region_at(path: Path) -> CacheRegion:
    return make_region(name="under load").configure(
        "dogpile.cache.lmdb",
        on_backend_error="raise",
        arguments={"path": path, "max_bytes": 2**22},
    )


def kill_in(path: Path, script: str) -> None:
    command = [sys.executable, "-c", KILLED + textwrap.dedent(script), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == -signal.SIGKILL, done.stderr


def check_whole(path: Path) -> None:
    """Check that each entry has its place, and each place its entry, in a sound file."""
    with lmdb.open(str(path), map_size=2**22, create=False) as env, env.begin() as txn:
        items = list(txn.cursor())
    entries = {key: value for key, value in items if key[:1] == KEY}
    places = {key[1:]: value for key, value in items if key[:1] == b"p"}
    assert places == {value[:16]: key for key, value in entries.items()}
    parts = Counter(key[:-4] for key, _ in items if key[:1] == b"r")
    assert sum(parts.values()) == sum(ENTRY.unpack_from(e)[3] for e in entries.values())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_processes_killed_under_load_leave_the_others_and_the_values_alone(
    path: Path,
) -> None:
    command = [sys.executable, "-c", UNDER_LOAD, str(path), str(KILLS), str(PROCESSES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.stderr == ""
    assert done.returncode == 0
    size = sum(file.stat().st_size for file in path.iterdir())
    assert size <= 2**22
    check_whole(path)


def test_one_killed_in_the_middle_of_a_write_has_written_nothing(path: Path) -> None:
    region = region_at(path)
    region.set("key", "old")
    kill_in(
        path,
        """
        def write(entries, txn):
            entries.put(txn, region.backend._key("key"), b"broken", 0.0, 0.0)
            die()
        environment.write(write)
        """,
    )
    assert region.get("key") == "old"
    region.set("key", "new")
    assert region.get("key") == "new"


def test_one_killed_in_the_middle_of_a_read_leaves_no_reader(path: Path) -> None:
    region = region_at(path)
    region.set("key", "x" * 1000)
    for _ in range(3):
        kill_in(path, "environment.read(die)")
    for number in range(5000):  # each of which would take a page of its own, and more
        region.set("key", f"{number} " + "x" * 10_000)
    assert region.backend.stat().evictions == 0
    told = region.backend._environment._env.readers().split()
    assert {pid for pid in told[3::3] if pid.isdecimal()} <= {str(os.getpid())}, told


def test_readers_that_were_killed_make_room_for_others(path: Path) -> None:
    region = region_at(path)
    region.set("key", "value")
    kill_in(
        path,
        """
        environment.open()
        held = [environment.begin() for _ in range(1000)]
        die()
        """,
    )
    assert region.get_multi(["key"]) == ["value"]


def test_the_lock_of_one_killed_is_free_at_once(path: Path) -> None:
    region = region_at(path)
    kill_in(path, "region.get_or_create('key', die)")
    assert not region.key_is_locked("key")
    assert region.get_or_create("key", lambda: "made") == "made"
    assert sorted(os.listdir(path)) == [
        "about",
        "data.mdb",
        "lock.mdb",
        "locks",
        "marks",
    ]


def test_what_a_killed_holder_was_told_not_to_keep_is_no_matter_of_the_next(
    path: Path,
) -> None:
    region = region_at(path)
    kill_in(
        path,
        """
        def create():
            lock = region.backend.get_mutex("key")
            lock.revoke()
            die()
        region.get_or_create("key", create)
        """,
    )
    assert region.get_or_create("key", lambda: "made") == "made"
    assert region.get("key") == "made"
