"""The files of an embedded cache: whose they are, and what may be wrong with them."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.backends import file_system, lmdb_files
from dogpile_cache.exception import (
    BackendUnavailable,
    DogpileCacheException,
    ValidationError,
)

SCRIPT = """
import logging, os, signal, sys, threading
from dogpile_cache import make_region
path = sys.argv[1]

def cache(name=None, **options):
    arguments = {"path": path, **options}
    return make_region(name=name).configure("dogpile.cache.lmdb", arguments=arguments)
"""

UNSHARE = "unshare", "--map-root-user", "--mount"


def run(path: Path, script: str, *, within: str = "") -> str:
    """Return what a script prints in a process of its own, perhaps within a shell's."""
    command = [sys.executable, "-c", SCRIPT + textwrap.dedent(script), str(path)]
    if within:
        if subprocess.run([*UNSHARE, "true"], capture_output=True).returncode:
            pytest.skip("this kernel gives no mounts of one's own")
        shell = f'{within} && exec "$@"'
        command = [*UNSHARE, "sh", "-ec", shell, "-", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.strip()


def cache(path: Path, **options: Any) -> CacheRegion:
    name, strict = options.pop("name", None), options.pop("strict", True)
    return make_region(name=name).configure(
        "dogpile.cache.lmdb",
        arguments={"path": path, **options},
        on_backend_error="raise" if strict else "miss",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "cache"


# Whose they are


def test_everything_is_for_its_owner_alone(path: Path) -> None:
    mask = os.umask(0)
    try:
        cache(path).set("key", 1)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o700
    assert path.parent.stat().st_mode & 0o777 == 0o700
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.iterdir()}
    names = ["about", "data.mdb", "lock.mdb", "locks", "marks"]
    assert modes == dict.fromkeys(names, 0o600)


def test_nothing_is_opened_before_it_is_used(path: Path) -> None:
    region = cache(path)
    assert list(path.iterdir()) == []
    assert region.get("key") is NO_VALUE
    assert path.joinpath("data.mdb").exists()


def test_a_directory_that_all_may_write_to_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    path.chmod(0o777)
    with pytest.raises(ValidationError, match="Everybody may write to the directory"):
        cache(path)


@pytest.mark.parametrize("name", ["data.mdb", "lock.mdb", "marks", "about", "locks"])
def test_a_planted_link_is_refused(path: Path, tmp_path: Path, name: str) -> None:
    path.mkdir(parents=True, mode=0o700)
    (path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DogpileCacheException, match=r"symbolic link"):
        cache(path).get("key")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["data.mdb", "marks"])
def test_a_file_that_all_may_write_to_is_refused(path: Path, name: str) -> None:
    path.mkdir(parents=True, mode=0o700)
    (path / name).touch()
    (path / name).chmod(0o666)
    with pytest.raises(ValidationError, match=f"Everybody may write to .*{name}"):
        cache(path).get("key")


# Where they are


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValidationError, match=r"file/below' cannot be used: Not a dir"):
        cache(tmp_path / "file" / "below")


def mounts(*lines: str) -> Callable[[pytest.MonkeyPatch, Path], None]:
    def mount(patch: pytest.MonkeyPatch, path: Path) -> None:
        table = path / "mounts"
        table.write_text("".join(f"{line}\n" for line in lines))
        patch.setattr(file_system, "MOUNTS", str(table))

    return mount


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs", "ceph"])
def test_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    place = str(tmp_path / "net work").replace(" ", "\\040")
    mount = mounts("/dev/sda / ext4 rw 0 0", f"server:/x {place} {kind} rw 0 0")
    mount(monkeypatch, tmp_path)
    cache(tmp_path / "local").set("key", 1)
    with pytest.raises(
        ValidationError, match=f"is on a file system of the kind '{kind}'"
    ):
        cache(tmp_path / "net work" / "cache")


def test_the_kind_of_a_file_system_is_that_of_the_last_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts("a / ext4 rw 0 0", f"b {tmp_path} nfs rw 0 0", f"c {tmp_path} xfs rw 0 0")(
        monkeypatch, tmp_path
    )
    assert file_system.file_system(str(tmp_path / "cache")) == "xfs"
    assert file_system.file_system(str(tmp_path) + "-beside") == "ext4"


def test_without_a_table_of_mounts_the_kind_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_system, "MOUNTS", "/nonexistent")
    assert file_system.file_system("/tmp") == ""


def test_a_read_only_file_system_is_refused(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    script = """
        from dogpile_cache.exception import ValidationError
        try:
            cache()
        except ValidationError as error:
            print(error)
    """
    within = f"mount -t tmpfs -o ro,mode=0700 none {path}"
    assert "is mounted read-only" in run(path, script, within=within)


FULL = """
from dogpile_cache import NO_VALUE
from dogpile_cache.testing import SettableClock
logging.basicConfig(filename=os.devnull)
clock = SettableClock()
region = make_region(clock=clock).configure(
    "dogpile.cache.lmdb", arguments={"path": path, "max_bytes": 2 ** 24})
def fill():
    with open(os.path.join(path, "filler"), "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
"""


def test_a_disk_that_is_full_from_the_start_is_a_miss(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    script = """
        fill()
        assert region.get_or_create("key", lambda: 1) == 1
        os.unlink(os.path.join(path, "filler"))
        clock.move(3600)
        assert region.get_or_create("key", lambda: 1) == 1
        print(region.backend.stat().entries)
    """
    within = f"mount -t tmpfs -o size=1m,mode=0700 none {path}"
    assert run(path, FULL + textwrap.dedent(script), within=within) == "1"


def test_a_disk_that_fills_up_is_a_miss_until_there_is_room(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    script = """
        region.set("first", "value")
        fill()
        for number in range(100):
            key = f"key {number}"
            assert region.get_or_create(key, lambda: "x" * 9000) == "x" * 9000
        assert region.get("first") in ("value", NO_VALUE)
        os.unlink(os.path.join(path, "filler"))
        clock.move(3600)
        region.get("first")
        region.set("last", "value")
        print(region.get("last"), region.get("first"))
    """
    within = f"mount -t tmpfs -o size=2m,mode=0700 none {path}"
    told = run(path, FULL + textwrap.dedent(script), within=within)
    assert told == "value value"


@pytest.mark.parametrize("room", [4, 8, 12, 40, 80, 90])
def test_no_room_for_a_mapped_file_is_no_bus_error(path: Path, room: int) -> None:
    path.mkdir(parents=True, mode=0o700)
    script = f"""
        fill()
        os.truncate(os.path.join(path, "filler"), 2 ** 20 - {room} * 1024)
        for number in range(70):
            clock.move(3600)
            assert region.get_or_create(f"key {{number}}", lambda: "x" * 900)
        print("alive")
    """
    within = f"mount -t tmpfs -o size=1m,mode=0700 none {path}"
    assert run(path, FULL + textwrap.dedent(script), within=within) == "alive"


def test_a_full_disk_is_named(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    script = """
        fill()
        region.settings = region.settings._replace(on_backend_error="raise")
        region.backend = region.backend
        try:
            region.set("key", 1)
        except Exception as error:
            print(type(error).__name__, error)
    """
    within = f"mount -t tmpfs -o size=1m,mode=0700 none {path}"
    told = run(path, FULL + textwrap.dedent(script), within=within)
    assert told.startswith("BackendUnavailable")
    assert "No space left on device" in told
    assert str(path) in told


# Who else has them open


def test_a_second_mapping_in_one_process_is_refused(path: Path) -> None:
    run(path, "cache().set('key', 'value')")
    with lmdb.open(str(path)):
        with pytest.raises(ValidationError, match="is open in this process already"):
            cache(path).get("key")
    assert cache(path).get("key") == "value"


def test_the_database_of_somebody_else_is_left_alone(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    with lmdb.open(str(path)) as env, env.begin(write=True) as txn:
        txn.put(b"key", b"value")
    with pytest.raises(ValidationError, match="holds an LMDB file that is no cache's"):
        cache(path).get("key")
    with lmdb.open(str(path)) as env, env.begin() as txn:
        assert txn.get(b"key") == b"value"


def test_two_names_of_one_directory_are_one_cache(path: Path, tmp_path: Path) -> None:
    first = cache(path)
    first.set("key", 1)
    (tmp_path / "link").symlink_to(path)
    assert cache(tmp_path / "link").get("key") == 1


def test_regions_have_keys_of_their_own_by_name(path: Path) -> None:
    pages, queries, unnamed = (
        cache(path, name="pages"),
        cache(path, name="q"),
        cache(path),
    )
    for region in (pages, queries, unnamed):
        region.set("key", region.name)
    assert [r.get("key") for r in (pages, queries, unnamed)] == ["pages", "q", None]
    assert cache(path, name="pages").get("key") == "pages"
    assert pages.backend.stat().entries == 3


def test_another_bound_counts_when_nobody_uses_the_old_one(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    region = cache(path, max_bytes=2**23)
    region.set("key", 1)
    told = run(
        path,
        """
        logging.basicConfig(stream=sys.stdout, format="%(message)s")
        region = cache(max_bytes=2 ** 24)
        print(region.get("key"), region.backend.stat().max_bytes)
        """,
    )
    assert "is 16777216, and stays 8388608 until no process uses it any more" in told
    assert told.endswith("1 8388608")
    region.backend._environment.end()  # and no other process has it open
    ask = """
        region = cache(max_bytes=2 ** 24)
        print(region.get("key"), region.backend.stat().max_bytes)
    """
    assert run(path, ask) == "1 16777216"
    assert region.backend.stat().max_bytes == 2**23  # it is asked for again


def test_a_bound_that_is_too_small_for_what_there_is_begins_anew(path: Path) -> None:
    region = cache(path, max_bytes=2**24)
    region.set_multi({f"key {number}": "x" * 100_000 for number in range(80)})
    region.backend._environment.end()
    smaller = 'print(repr(cache(max_bytes=2 ** 22).get("key 1")))'
    assert run(path, smaller) == "NO_VALUE"


# What is in them


def test_values_outlive_their_processes(path: Path) -> None:
    run(path, "cache().set('key', 'value')")
    assert cache(path).get("key") == "value"


def test_a_machine_that_was_started_anew_begins_with_an_empty_cache(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(path, "cache().set('key', 'value')")
    monkeypatch.setattr(lmdb_files, "boot_id", lambda: "another")
    assert cache(path).get("key") is NO_VALUE
    assert not (path / "data.mdb.aside").exists()


def damage(kind: str, path: Path) -> None:
    data = path / "data.mdb"
    if kind == "garbage":
        data.write_bytes(os.urandom(10_000))
    elif kind == "cut off":
        data.write_bytes(data.read_bytes()[:4096])
    elif kind == "shortened":
        os.truncate(data, 40 * 4096)
    elif kind == "another LMDB":
        with data.open("r+b") as file:
            for page in (0, 4096):
                file.seek(page + 20)  # the version, behind the head of the page
                file.write((2).to_bytes(4, sys.byteorder))
    elif kind == "another format":
        about = json.loads((path / "about").read_text())
        (path / "about").write_text(json.dumps({**about, "format": 99}))
    elif kind == "no record":
        (path / "about").write_text("{")


@pytest.mark.parametrize(
    "kind",
    ["garbage", "cut off", "shortened", "another LMDB", "another format", "no record"],
)
def test_what_cannot_be_read_is_set_aside(
    path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    run(path, "cache().set_multi({f'key {n}': 'x' * 1000 for n in range(500)})")
    damage(kind, path)
    before = (path / "data.mdb").read_bytes()
    region = cache(path)
    assert region.get_multi([f"key {n}" for n in range(500)]) == [NO_VALUE] * 500
    region.set("key", 2)
    assert region.get("key") == 2
    [record] = [
        record for record in caplog.records if record.levelno == logging.WARNING
    ]
    assert "data.mdb' is set aside, and begun anew" in record.getMessage()
    assert (path / "data.mdb.aside").read_bytes().startswith(before)


@pytest.mark.skipif(
    not hasattr(lmdb.Environment, "lib_version"), reason="it brings one LMDB alone"
)
def test_a_file_of_another_lmdb_that_the_library_brings_is_used(path: Path) -> None:
    run(path, "cache().set('key', 'value')")
    other = path / "other"
    with lmdb.open(str(other), lib_version=1) as env:
        assert env.lib_version()[0] == 1
    (other / "data.mdb").replace(path / "data.mdb")
    (path / "lock.mdb").unlink()
    region = cache(path)
    assert region.get("key") is NO_VALUE
    region.set("key", 1)
    assert region.get("key") == 1


def test_an_older_process_goes_on_with_what_was_set_aside(path: Path) -> None:
    """As in an upgrade, when the new code comes while the old one still runs."""
    region = cache(path)
    region.set("key", "old")
    newer = """
        import dogpile_cache.backends.lmdb_files
        dogpile_cache.backends.lmdb_files.FORMAT = 99
        logging.basicConfig(stream=sys.stdout, format="%(message)s")
        region = cache()
        region.set("key", "new")
        print(region.get("key"), flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", SCRIPT + textwrap.dedent(newer), str(path)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert "set aside" in process.stdout.readline()
        assert process.stdout.readline() == "new\n"
        check_that_it_goes_on(region)
        process.communicate("")


def check_that_it_goes_on(region: CacheRegion) -> None:
    assert region.get("key") == "old"
    assert region.get_or_create("more", lambda: "older") == "older"
    assert region.get("more") == "older"
    region.backend._environment.close()  # as a fork does
    with pytest.raises(BackendUnavailable, match="a newer version has it in use"):
        region.get("key")


# Text, and who may read it


def test_text_is_neither_pickled_nor_unpickled(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pickle

    def refuse(*args: Any) -> Any:
        raise AssertionError("pickle was used")

    monkeypatch.setattr(pickle, "dumps", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    region = cache(path)
    for value in ("<p>text</p>", "\u2603", "\ud800", "", b"bytes"):
        region.set("key", value)
        assert region.get("key") == value
        assert region.get_multi(["key"]) == [value]
    with pytest.raises(AssertionError):
        region.set("key", ["a list"])


class Trap:
    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["TRAP"],)


def test_a_region_with_a_serializer_unpickles_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAP", str(tmp_path / "trapped"))
    cache(path).set("key", Trap())
    region = make_region(serializer="text").configure(
        "dogpile.cache.lmdb", arguments={"path": path}
    )
    assert region.get("key") is NO_VALUE
    assert region.get_multi(["key"]) == [NO_VALUE]
    assert not (tmp_path / "trapped").exists()


def test_regions_of_one_name_with_other_serializers_miss(path: Path) -> None:
    cache(path).set("key", {"a": 1})
    text = make_region(serializer="json").configure(
        "dogpile.cache.lmdb", arguments={"path": path}
    )
    assert text.get("key") is NO_VALUE
    text.set("key", {"a": 2})
    assert text.get("key") == {"a": 2}
    assert cache(path).get("key") is NO_VALUE


def test_what_cannot_be_opened_is_told_in_full(path: Path) -> None:
    region = cache(path)
    path.rmdir()
    path.parent.rmdir()
    path.parent.touch()
    with pytest.raises(BackendUnavailable, match=f"at '{path}' does not answer"):
        region.get("key")


def test_keys_are_told_apart_by_type_and_by_their_ends(path: Path) -> None:
    region = cache(path)
    keys = ["1", 1, b"1", "x" * 600, "x" * 599 + "y", b"x" * 600, "\u2603" * 300]
    for number, key in enumerate(keys):
        region.set(key, number)
    assert [region.get(key) for key in keys] == list(range(len(keys)))
    assert region.get_multi(keys) == list(range(len(keys)))
    assert region.get("x" * 601) is NO_VALUE

    class Text(str):
        __slots__ = ()

    assert region.get(Text("1")) == region.get_multi([Text("1")])[0] == 0
    region.delete(Text("1"))
    assert region.get("1") is NO_VALUE


def test_a_directory_that_was_removed_is_made_anew(path: Path) -> None:
    region = cache(path)
    region.set("key", "old")
    shutil.rmtree(path)
    told = run(path, "cache().set('key', 'new')")
    assert told == ""
    assert region.get_or_create("other", lambda: "made") == "made"
    assert region.get("key") == "new"
    assert run(path, "print(cache().get('other'))") == "made"


def test_what_was_damaged_within_is_a_miss(path: Path) -> None:
    region = cache(path)
    region.set("key", "x" * 20_000)

    def damage(entries: Any, txn: Any) -> None:
        [part, *_] = [key for key, _ in txn.cursor() if bytes(key[:1]) == b"r"]
        txn.delete(bytes(part))

    region.backend._environment.write(damage)
    assert region.get("key") is NO_VALUE
    assert region.get_or_create("key", lambda: "anew") == "anew"
    assert region.get("key") == "anew"


def test_a_process_of_another_pid_namespace_is_told_so(path: Path) -> None:
    """As one of another container is: to LMDB, two processes with one number are one."""
    path.mkdir(parents=True, mode=0o700)
    first = (
        SCRIPT
        + "cache().set('key', 1)\nprint(os.getpid(), flush=True)\nsys.stdin.read()"
    )
    second = SCRIPT + textwrap.dedent(
        """
        logging.basicConfig(filename=os.devnull)
        made = cache().get_or_create("key", lambda: "made")
        region = make_region().configure(
            "dogpile.cache.lmdb", on_backend_error="raise", arguments={"path": path})
        try:
            region.get("key")
        except Exception as error:
            print(made, error)
        """
    )
    pid = ["unshare", "--map-root-user", "--pid", "--fork", sys.executable, "-c"]
    if subprocess.run([*pid, "pass"], capture_output=True).returncode:
        pytest.skip("this kernel gives no numbers of processes of one's own")
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*pid, first, str(path)], **pipes) as process:
        assert process.stdout.readline() == "1\n"
        done = subprocess.run([*pid, second, str(path)], capture_output=True, text=True)
        process.communicate("")
    told = "another process with the number 1, of another container"
    assert done.stdout.startswith("made ") and told in done.stdout, done.stderr
