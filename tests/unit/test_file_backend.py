"""The dbm backend: a lock per key, private files, simultaneous first use."""

from __future__ import annotations

import os
import stat
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.backends.file import AbstractFileLock, FileLock
from dogpile_cache.util import ReadWriteMutex

from .threads import PATIENCE, Call, Creation


def dbm_region(filename: Path, **arguments: Any) -> CacheRegion:
    """Return a region; which format the file has is not of interest here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is a dbm.dumb file", RuntimeWarning)
        return make_region().configure(
            "dogpile.cache.dbm", arguments={"filename": str(filename), **arguments}
        )


def test_creations_of_two_keys_do_not_wait_for_each_other(tmp_path: Path) -> None:
    region = dbm_region(tmp_path / "cache.dbm")
    creation = Creation(1)
    call = Call(region.get_or_create, "one", creation)
    creation.wait_for_start()
    assert Call(region.get_or_create, "two", lambda: 2).result() == 2
    creation.end()
    assert call.result() == 1


def test_two_regions_of_one_file_make_a_value_once(tmp_path: Path) -> None:
    regions = [dbm_region(tmp_path / "cache.dbm") for _ in range(2)]
    creation = Creation("value")
    calls = [Call(region.get_or_create, "key", creation) for region in regions]
    creation.wait_for_start()
    creation.end()
    assert [call.result() for call in calls] == ["value", "value"]
    assert len(creation.calls) == 1


def test_files_and_directories_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        region = dbm_region(tmp_path / "a" / "b" / "cache.dbm")
        region.get_or_create("key", lambda: 1)
    finally:
        os.umask(before)
    made = list((tmp_path / "a").rglob("*"))
    assert len(made) >= 4  # b, the file, and two lock files
    for path in [tmp_path / "a", *made]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_simultaneous_first_use_does_not_raise(tmp_path: Path) -> None:
    for round in range(5):
        barrier = threading.Barrier(8)
        filename = tmp_path / str(round) / "deep" / "cache.dbm"

        def use(number: int, filename: Path = filename, start: Any = barrier) -> Any:
            start.wait(PATIENCE)
            arguments = {"filename": str(filename)}
            region = make_region().configure("dogpile.cache.dbm", arguments=arguments)
            return region.get_or_create(f"key {number % 2}", lambda: number % 2)

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*is a dbm.dumb file", RuntimeWarning)
            calls = [Call(use, number) for number in range(8)]
            assert [call.result() for call in calls] == [0, 1] * 4


def test_both_lock_files_can_be_done_without(tmp_path: Path) -> None:
    region = dbm_region(
        tmp_path / "cache.dbm", rw_lockfile=False, dogpile_lockfile=False
    )
    assert region.get_or_create("key", lambda: 1) == 1
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".lock"]


def test_lock_files_go_where_they_are_told_to(tmp_path: Path) -> None:
    names = {
        "rw_lockfile": str(tmp_path / "locks" / "rw"),
        "dogpile_lockfile": str(tmp_path / "locks" / "dogpile"),
    }
    region = dbm_region(tmp_path / "cache.dbm", **names)
    region.get_or_create("key", lambda: 1)
    assert sorted(os.listdir(tmp_path / "locks")) == ["dogpile", "dogpile.keys", "rw"]


def test_a_lock_factory_takes_the_place_of_file_locks(tmp_path: Path) -> None:
    class MutexLock(AbstractFileLock):
        def __init__(self, filename: str) -> None:
            self.mutex = ReadWriteMutex()
            made.append(Path(filename).name)

        def acquire_read_lock(self, wait: bool) -> bool:
            return self.mutex.acquire_read_lock(wait)

        def acquire_write_lock(self, wait: bool) -> bool:
            return self.mutex.acquire_write_lock(wait)

        def release_read_lock(self) -> None:
            self.mutex.release_read_lock()

        def release_write_lock(self) -> None:
            self.mutex.release_write_lock()

    made: list[str] = []
    region = dbm_region(tmp_path / "cache.dbm", lock_factory=MutexLock)
    assert region.get_or_create("key", lambda: 1) == 1
    made_many = region.get_or_create_multi(["a", "b"], lambda *keys: [1, 2])
    assert made_many == [1, 2]
    assert sorted(made) == ["cache.dbm.dogpile.lock", "cache.dbm.rw.lock"]
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".lock"]


def test_a_file_lock_lets_many_read_or_one_write(tmp_path: Path) -> None:
    lock = FileLock(str(tmp_path / "lock"))
    other = FileLock(str(tmp_path / "lock"))
    with lock.read():
        assert lock.is_open
        assert other.acquire_read_lock(False)
        assert not Call(other.acquire_write_lock, False).result()
        other.release_read_lock()
    assert not lock.is_open
    with lock.write():
        assert not Call(other.acquire_read_lock, False).result()
        assert not Call(lock.acquire_write_lock, False).result()
    assert other.acquire(False)
    other.release()


def test_values_outlive_the_region(tmp_path: Path) -> None:
    dbm_region(tmp_path / "cache.dbm").set("key é", {"a": 1})
    region = dbm_region(tmp_path / "cache.dbm")
    assert region.get("key é") == {"a": 1}
    region.delete("key é")
    region.delete("key é")
    assert dbm_region(tmp_path / "cache.dbm").get("key é") is NO_VALUE


def test_a_dumb_dbm_file_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dbm
    import dbm.dumb

    monkeypatch.setattr(dbm, "_defaultmod", dbm.dumb)
    arguments = {"filename": str(tmp_path / "cache.dbm")}
    with pytest.warns(RuntimeWarning, match="dbm.dumb") as caught:
        make_region().configure("dogpile.cache.dbm", arguments=arguments)
    assert caught[0].filename == __file__


def test_a_file_that_was_removed_holds_nothing_and_is_made_again(
    tmp_path: Path,
) -> None:
    region = dbm_region(tmp_path / "cache.dbm")
    region.set("key", 1)
    for path in tmp_path.iterdir():
        path.unlink()
    assert region.get("key") is NO_VALUE
    assert region.get_or_create("key", lambda: 2) == 2
    assert region.get("key") == 2
