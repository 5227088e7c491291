"""The helper classes: locks, registries, plugins, and what settings mean."""

from __future__ import annotations

import gc
import os.path
import sys
import threading
from typing import Any

import pytest

from dogpile_cache import make_region, plugins
from dogpile_cache.exception import PluginNotFound
from dogpile_cache.plugins import PluginLoader, register_backend
from dogpile_cache.util import (
    KeyReentrantMutex,
    NameRegistry,
    ReadWriteMutex,
    coerce_string_conf,
    length_conditional_mangler,
    memoized_property,
    repr_obj,
    sha1_mangle_key,
    to_list,
)

from .threads import Call


def test_many_may_read_at_once_and_one_may_write_alone() -> None:
    mutex = ReadWriteMutex()
    assert mutex.acquire_read_lock()
    assert Call(mutex.acquire_read_lock, False).result()
    assert not mutex.acquire_write_lock(wait=False)
    mutex.release_read_lock()
    assert not mutex.acquire_write_lock(wait=False)
    mutex.release_read_lock()
    assert mutex.acquire_write_lock(wait=False)
    assert not Call(mutex.acquire_read_lock, False).result()
    assert not Call(mutex.acquire_write_lock, False).result()
    mutex.release_write_lock()
    assert mutex.acquire_read_lock(wait=False)


def test_a_writer_waits_for_readers_and_readers_for_a_writer() -> None:
    mutex = ReadWriteMutex()
    mutex.acquire_read_lock()
    written = threading.Event()

    def write() -> None:
        mutex.acquire_write_lock()
        written.set()
        mutex.release_write_lock()

    call = Call(write)
    assert not written.is_set()
    mutex.release_read_lock()
    call.result()
    assert written.is_set()

    mutex.acquire_write_lock()
    reader = Call(mutex.acquire_read_lock)
    assert not reader.has_ended
    mutex.release_write_lock()
    assert reader.result() is True


def test_releasing_what_is_not_held_is_an_error() -> None:
    mutex = ReadWriteMutex()
    with pytest.raises(Exception, match="release_read_lock"):
        mutex.release_read_lock()
    with pytest.raises(Exception, match="release_write_lock"):
        mutex.release_write_lock()
    mutex.acquire_write_lock()
    with pytest.raises(Exception, match="release_write_lock"):
        Call(mutex.release_write_lock).result()
    mutex.release_write_lock()


def test_the_thread_that_holds_a_key_reentrant_mutex_takes_other_keys() -> None:
    lock = threading.Lock()
    mutex = KeyReentrantMutex.factory(lock)
    a, b = mutex("a"), mutex("b")
    assert a.acquire()
    assert b.acquire()
    assert not mutex("a").acquire(wait=False)
    assert not Call(mutex("c").acquire, False).result()
    assert (a.locked(), b.locked(), mutex("c").locked()) == (True, True, False)
    a.release()
    assert lock.locked()
    b.release()
    assert not lock.locked()
    with pytest.raises(AssertionError):
        a.release()
    a.acquire()
    with pytest.raises(AssertionError):
        b.release()


def test_a_registry_keeps_one_object_for_as_long_as_it_is_held() -> None:
    class Thing:
        def __init__(self, name: str, *args: Any) -> None:
            made.append((name, *args))

    made: list[tuple[Any, ...]] = []
    registry = NameRegistry(Thing)
    thing = registry.get("a", 1)
    assert registry.get("a", 2) is thing
    assert registry.get("b") is not thing
    del thing
    gc.collect()
    registry.get("a", 3)
    assert made == [("a", 1), ("b",), ("a", 3)]


def test_a_registry_makes_one_object_for_threads_that_ask_at_once() -> None:
    registry = NameRegistry(lambda name: threading.Event())
    barrier = threading.Barrier(8)

    def ask() -> Any:
        barrier.wait(10)
        return registry.get("name")

    calls = [Call(ask) for _ in range(8)]
    assert len({id(call.result()) for call in calls}) == 1


def test_repr_obj_cuts_the_middle_out_and_says_how_much() -> None:
    assert repr(repr_obj(["a", "b"])) == "['a', 'b']"
    text = repr(repr_obj(["x" * 1000], max_chars=100))
    assert "(904 characters truncated)" in text
    assert text.startswith("['xx")
    assert text.endswith("xx']")
    assert len(text) < 150


def test_a_plugin_is_loaded_when_it_is_asked_for() -> None:
    loader = PluginLoader("dogpile_cache.tests.none")
    loader.register("path", "os.path", "join")
    loader.register("wrong", "no_such_module", "thing")
    assert loader.load("path") is os.path.join
    assert "no_such_module" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        loader.load("wrong")
    with pytest.raises(PluginNotFound, match=r"'missing'; there are path, wrong\."):
        loader.load("missing")
    assert loader.NotFound is PluginNotFound


def test_entry_points_of_the_group_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint, EntryPoints

    def entry_points(group: str) -> EntryPoints:
        found = EntryPoint("theirs", "collections:OrderedDict", group)
        return EntryPoints([found] if group == "dogpile.cache" else [])

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    import collections

    assert PluginLoader("dogpile.cache").load("theirs") is collections.OrderedDict


def test_a_registered_backend_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(plugins._backend_loader.impls)
    monkeypatch.setattr(plugins._backend_loader, "impls", known)
    register_backend("mine", "dogpile_cache.backends.memory", "MemoryBackend")
    region = make_region().configure("mine")
    region.set("key", 1)
    assert region.get("key") == 1


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1", 1),
        (" -3 ", -3),
        ("2.5", 2.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("none", None),
        ("text", "text"),
        (" text ", "text"),
        ("1.2.3", "1.2.3"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("", ""),
        (b"1", b"1"),
        ([1], [1]),
    ],
)
def test_strings_of_settings_mean_what_they_look_like(text: Any, meaning: Any) -> None:
    coerced = coerce_string_conf({"setting": text})["setting"]
    assert coerced == meaning
    assert type(coerced) is type(meaning)


def test_small_helpers() -> None:
    assert to_list(None) is None
    assert to_list(None, [1]) == [1]
    assert to_list("a") == ["a"]
    assert to_list(("a",)) == ("a",)
    assert sha1_mangle_key("abc") == sha1_mangle_key(b"abc")
    assert len(sha1_mangle_key("é" * 1000)) == 40
    mangle = length_conditional_mangler(5, sha1_mangle_key)
    assert mangle("four") == "four"
    assert mangle("five5") == sha1_mangle_key("five5")


def test_a_memoized_property_is_computed_once() -> None:
    class Thing:
        count = 0

        @memoized_property
        def value(self) -> int:
            self.count += 1
            return self.count

    thing = Thing()
    assert [thing.value, thing.value] == [1, 1]
