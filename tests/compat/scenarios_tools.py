"""Scenarios of configuring, of backends and of the helper names, for both packages."""

from __future__ import annotations

import threading
import time
from typing import Any

from .packages import Package, outcome
from .scenarios import counting, scenario


@scenario
def nothing_keeps_nothing(p: Package) -> Any:
    region = p.make_region().configure("dogpile.cache.null")
    region.set("a", 1)
    region.set_multi({"a": 1})
    create = counting()
    made = [region.get_or_create("a", create) for _ in range(2)]
    return region.get("a"), region.get_multi(["a"]), made


@scenario
def configuring(p: Package) -> Any:
    region = p.make_region(name="mine")
    seen = [region.name, region.is_configured, outcome(lambda: region.get("a"))]
    seen.append(outcome(lambda: region.backend))
    seen.append(outcome(region.configure, "dogpile.cache.nope"))
    seen.append(outcome(p.make_region().configure, "dogpile.cache.memory", "soon"))
    seen.append(region.configure("dogpile.cache.memory") is region)
    seen.append(outcome(region.configure, "dogpile.cache.memory"))
    region.configure("dogpile.cache.null", replace_existing_backend=True)
    return [*seen, region.is_configured, type(region.backend).__name__]


@scenario
def configuring_from_settings(p: Package) -> Any:
    settings = {
        "cache.backend": "dogpile.cache.memory",
        "cache.expiration_time": " 60 ",
        "cache.arguments.whatever": "1",
        "other.backend": "nope",
    }
    region = p.make_region().configure_from_config(settings, "cache.")
    return region.expiration_time, type(region.backend).__name__


@scenario
def custom_serializer(p: Package) -> Any:
    kept: dict[str, Any] = {}

    def read(data: bytes) -> str:
        if data == b"UNREADABLE":
            raise p.CantDeserializeException
        return data.decode().lower()

    region = p.make_region(
        serializer=lambda value: value.upper().encode(), deserializer=read
    ).configure("dogpile.cache.memory", arguments={"cache_dict": kept})
    region.set_multi({"a": "text", "b": "unreadable"})
    seen = [region.get("a"), region.get("b"), region.get_or_create("c", lambda: "Xy")]
    seen += [region.get("c"), region.get_multi(["a", "b"])]
    return seen, {key: data.partition(b"|")[2] for key, data in kept.items()}


@scenario
def registered_backend(p: Package) -> Any:
    module = "dogpile.cache" if p.root != "dogpile_cache" else "dogpile_cache"
    p.register_backend("mine", f"{module}.backends.memory", "MemoryBackend")
    return [type(p.make_region().configure("mine").backend).__name__]


@scenario
def settings_and_lists(p: Package) -> Any:
    words = ["1", "-3", " 2.5", "true", "False", "None", "text", " spaced ", "", "0x1"]
    coerced = p.coerce_string_conf({word: word for word in words})
    lists = [p.to_list(x) for x in (None, "a", ["a"], ("a",), 3)]
    return coerced, {k: type(v).__name__ for k, v in coerced.items()}, lists


@scenario
def manglers(p: Package) -> Any:
    conditional = p.length_conditional_mangler(5, p.sha1_mangle_key)
    keys = ["", "four", "five5", "é"]
    return [p.sha1_mangle_key(key) for key in [*keys, b"b"]], list(
        map(conditional, keys)
    )


@scenario
def no_value(p: Package) -> Any:
    value = p.NO_VALUE
    return bool(value), value is None, value.payload is value


@scenario
def lock_as_a_tool(p: Package) -> Any:
    kept: list[Any] = []

    def create() -> Any:
        kept.append((len(kept), time.time()))
        return kept[-1]

    def read() -> Any:
        if not kept:
            raise p.NeedRegenerationException
        return kept[-1]

    def enter(expiretime: Any) -> Any:
        with p.Lock(threading.Lock(), create, read, expiretime) as value:
            return value

    seen = [enter(10), enter(10), enter(None)]
    kept.append(("old", time.time() - 60))
    return [*seen, enter(None), enter(10)]


@scenario
def read_write_mutex(p: Package) -> Any:
    mutex = p.ReadWriteMutex()
    mutex.acquire_read_lock()
    seen = [mutex.acquire_write_lock(False)]
    mutex.release_read_lock()
    mutex.acquire_write_lock()
    seen.append(mutex.acquire_read_lock(False))
    mutex.release_write_lock()
    return seen, outcome(mutex.release_read_lock), outcome(mutex.release_write_lock)


@scenario
def key_reentrant_mutex(p: Package) -> Any:
    class Mutex:
        held = False

        def acquire(self, wait: bool = True) -> bool:
            self.held = True
            return True

        def release(self) -> None:
            self.held = False

    mutex = Mutex()
    make = p.KeyReentrantMutex.factory(mutex)
    a, b = make("a"), make("b")
    seen = [a.acquire(), b.acquire(), a.locked(), make("c").locked(), mutex.held]
    a.release()
    seen += [a.locked(), b.locked(), mutex.held]
    b.release()
    return [*seen, mutex.held, outcome(a.release)]
