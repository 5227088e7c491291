"""Files of the dbm backend: for their owner alone, refused where others had a hand in."""

from __future__ import annotations

import dbm
import dbm.dumb
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.backends.file import FileLock
from dogpile_cache.backends.file_access import SUFFIXES
from dogpile_cache.exception import ValidationError

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="other systems have no such modes"
)

LOCKS = ["cache.dbm.rw.lock", "cache.dbm.dogpile.lock", "cache.dbm.dogpile.lock.keys"]


@pytest.fixture(params=[0, 0o022, 0o077], ids=["umask 0", "umask 022", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def region_at(filename: Path, **arguments: Any) -> CacheRegion:
    return make_region().configure(
        "dogpile.cache.dbm",
        arguments={"filename": str(filename), **arguments},
    )


def used(directory: Path) -> CacheRegion:
    """Return a region whose files are all there."""
    region = region_at(directory / "cache.dbm")
    assert region.get_or_create("key", lambda: "value") == "value"
    return region


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files_of_values(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if "lock" not in path.name]


@pytest.mark.parametrize("format", [*dbm._names])  # type: ignore[attr-defined]
def test_every_format_has_private_files_of_known_names(
    format: str, umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        module = __import__(format, fromlist=["open"])
    except ImportError:
        assert format != "dbm.dumb"  # which every Python has
        return
    monkeypatch.setattr(dbm, "_defaultmod", module)
    monkeypatch.setattr(dbm, "_modules", {format: module})
    directory = tmp_path / "a" / "b"
    region = used(directory)
    region.delete("key")
    region.set("key", "other")
    assert region.get("key") == "other"
    names = {path.name for path in directory.iterdir()}
    assert {*LOCKS} < names
    assert names - {*LOCKS} <= {"cache.dbm" + suffix for suffix in SUFFIXES}
    assert {mode(path) for path in directory.iterdir()} == {0o600}
    assert {mode(tmp_path / "a"), mode(directory)} == {0o700}


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_in_place_of_a_lock_file_is_refused(
    name: str, dangling: bool, tmp_path: Path
) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    victim = tmp_path / "victim"
    if not dangling:
        victim.touch(0o600)
    (directory / name).symlink_to(victim)
    with pytest.raises(ValidationError, match=rf"{name}' is a symbolic link.*Remove"):
        region_at(directory / "cache.dbm")
    assert victim.exists() is not dangling
    assert not files_of_values(directory)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_link_in_place_of_the_file_is_refused(suffix: str, tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    victim = tmp_path / "victim"
    (directory / f"cache.dbm{suffix}").symlink_to(victim)
    with pytest.raises(ValidationError, match=f"cache.dbm{suffix}' is a symbolic link"):
        region_at(directory / "cache.dbm")
    assert not victim.exists()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_that_everybody_may_write_is_refused(
    name: str, tmp_path: Path
) -> None:
    used(tmp_path)
    (tmp_path / name).chmod(0o606)
    with pytest.raises(ValidationError, match=rf"write to '.*{name}'.*0606.*Remove it"):
        region_at(tmp_path / "cache.dbm")


def test_a_file_that_everybody_may_write_is_refused_whenever_it_is_opened(
    tmp_path: Path,
) -> None:
    region = used(tmp_path)
    for path in files_of_values(tmp_path):
        path.chmod(0o666)
        for use in (
            lambda: region_at(tmp_path / "cache.dbm"),
            lambda: region.get("key"),
            lambda: region.set("key", 1),
            lambda: region.delete("key"),
        ):
            with pytest.raises(ValidationError, match=rf"'{path}' \(its mode is 0666"):
                use()
        path.chmod(0o600)
    assert region.get("key") == "value"


@pytest.mark.parametrize("bits", [0o777, 0o1777, 0o703])
def test_a_directory_that_everybody_may_write_is_refused(
    bits: int, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(bits)
    told = rf"directory '{shared}' \(its mode is {bits:04o}\).*directory of your own"
    with pytest.raises(ValidationError, match=told):
        region_at(shared / "cache.dbm")
    for name in ("rw_lockfile", "dogpile_lockfile"):
        with pytest.raises(ValidationError, match=told):
            region_at(tmp_path / "own" / "cache.dbm", **{name: str(shared / "lock")})
    with pytest.raises(ValidationError, match=told):
        FileLock(str(shared / "lock")).acquire_read_lock(False)
    assert not [*shared.iterdir()]
    used(shared / "own")


def test_a_link_to_the_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    used(tmp_path / "link")
    assert {*LOCKS} < {path.name for path in (tmp_path / "real").iterdir()}


def test_files_of_another_user_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = used(tmp_path)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    told = f"belongs to the user {other - 1}, and this process runs as {other}"
    with pytest.raises(ValidationError, match=f"cache.dbm.rw.lock' {told}"):
        region_at(tmp_path / "cache.dbm")
    without = {"rw_lockfile": False, "dogpile_lockfile": False}
    with pytest.raises(ValidationError, match=rf"cache.dbm[.a-z]*' {told}"):
        region_at(tmp_path / "cache.dbm", **without)
    with pytest.raises(ValidationError, match=told):
        region.get("key")


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o644, 0o664, 0o660])
def test_files_that_not_everybody_may_write_are_read_and_written(
    bits: int, tmp_path: Path
) -> None:
    used(tmp_path)
    for path in tmp_path.iterdir():
        path.chmod(bits)
    tmp_path.chmod(0o775)
    region = region_at(tmp_path / "cache.dbm")
    assert region.get("key") == "value"
    assert region.get_or_create("other", lambda: 1) == 1


def test_files_that_dogpile_cache_made_are_taken(tmp_path: Path) -> None:
    made = """
import os, sys, warnings
os.umask(0o022)
warnings.simplefilter("ignore")
from dogpile.cache import make_region
region = make_region().configure("dogpile.cache.dbm", arguments={"filename": sys.argv[1]})
region.get_or_create("key", lambda: "value")
"""
    filename = tmp_path / "cache.dbm"
    subprocess.run([sys.executable, "-c", made, str(filename)], check=True)
    assert 0o644 in {mode(path) for path in tmp_path.iterdir()}
    region = region_at(filename)
    assert region.get("key") == "value"
    assert region.get_or_create("other", lambda: 1) == 1


def test_files_of_a_lock_factory_are_its_own_affair(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "lock")
    made: list[str] = []

    class Lock(FileLock):
        def __init__(self, filename: str) -> None:
            made.append(filename)
            super().__init__(str(tmp_path / "another"))

    link = str(tmp_path / "link")
    region = region_at(
        tmp_path / "cache.dbm",
        lock_factory=Lock,
        rw_lockfile=link,
        dogpile_lockfile=False,
    )
    region.set("key", 1)
    assert region.get("key") == 1
    assert made == [link]


def test_a_link_that_is_planted_after_the_look_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dogpile_cache.backends import file_access

    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    monkeypatch.setattr(file_access, "refuse_strangers", lambda paths: None)
    with pytest.raises(OSError, match="lock"):
        file_access.open_private(str(tmp_path / "lock"))
    assert not (tmp_path / "victim").exists()
