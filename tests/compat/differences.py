"""Scenarios that end differently on purpose, with both ends.

Each is given a :class:`~tests.compat.packages.Package`; what dogpile.cache 1.5 makes of
it is written down, too, so that a later version of it that does better is noticed.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable
from typing import Any

from .packages import Package, outcome

Scenario = Callable[[Package], Any]

DIFFERENCES: dict[str, tuple[Scenario, Any, Any]] = {}


def difference(theirs: Any, ours: Any) -> Callable[[Scenario], Scenario]:
    def add(scenario: Scenario) -> Scenario:
        DIFFERENCES[scenario.__name__.replace("_", " ")] = (scenario, theirs, ours)
        return scenario

    return add


@difference(theirs=["first", "second"], ours=["first"])
def two_callers_that_both_saw_a_stale_value(p: Package) -> Any:
    """Both read, the first makes it anew, and then the second goes on."""
    second_has_read, first_is_done = threading.Event(), threading.Event()

    class Slow(p.ProxyBackend):  # type: ignore[misc,name-defined]
        def get(self, key: Any) -> Any:
            value = self.proxied.get(key)
            if threading.current_thread() is second and not first_is_done.is_set():
                second_has_read.set()
                first_is_done.wait(10)
            return value

    made: list[str] = []
    region = p.memory(10)
    p.put(region, "key", "old", time.time() - 60)
    second = threading.Thread(
        target=lambda: region.get_or_create("key", lambda: made.append("second"))
    )
    region.wrap(Slow)
    second.start()
    second_has_read.wait(10)
    region.get_or_create("key", lambda: made.append("first"))
    first_is_done.set()
    second.join(10)
    return made


@difference(theirs=[False, True], ours=[True, False])
def key_is_locked_with_a_mangler(p: Package) -> Any:
    region = p.memory(key_mangler=lambda key: f"mangled {key}")
    ask = lambda: [region.key_is_locked("key"), region.key_is_locked("mangled key")]
    return region.get_or_create("key", ask)


@difference(theirs=["made", "made"], ours=["NO_VALUE", "NO_VALUE"])
def a_deletion_or_invalidation_during_a_creation(p: Package) -> Any:
    deleted, invalidated = p.memory(100), p.memory(100)
    deleted.get_or_create("key", lambda: deleted.delete("key") or "made")
    invalidated.get_or_create("key", lambda: invalidated.invalidate() or "made")
    return [deleted.get("key"), invalidated.get("key")]


@difference(theirs="raises UnpicklingError", ours="NO_VALUE")
def a_truncated_payload(p: Package) -> Any:
    data = f'{{"ct": {time.time()}, "v": 2}}|'.encode() + b"\x00"
    region = p.make_region().configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": {"key": data}}
    )
    return region.get("key")


@difference(theirs="raises JSONDecodeError", ours="NO_VALUE")
def malformed_metadata(p: Package) -> Any:
    region = p.make_region().configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": {"key": b"x|y"}}
    )
    return region.get("key")


@difference(theirs=True, ours=False)
def an_error_in_get_or_create_multi_leaves_keys_locked(p: Package) -> Any:
    class Lock:
        def __init__(self, key: Any) -> None:
            self.key = key

        def acquire(self, wait: bool = True) -> bool:
            if self.key == "b":
                raise ConnectionError
            held.add(self.key)
            return True

        def release(self) -> None:
            held.discard(self.key)

    class Locking(p.ProxyBackend):  # type: ignore[misc,name-defined]
        def get_mutex(self, key: Any) -> Any:
            return Lock(key)

    held: set[Any] = set()
    region = p.make_region().configure("dogpile.cache.memory", wrap=[Locking])
    outcome(region.get_or_create_multi, ["a", "b"], lambda *keys: list(keys))
    return "a" in held


@difference(theirs="raises TypeError", ours=[1, "1", None])
def keys_of_mixed_types(p: Package) -> Any:
    return p.memory().get_or_create_multi([1, "1", None], lambda *keys: list(keys))


@difference(theirs="raises AttributeError", ours="raises RegionNotConfigured")
def get_or_create_of_an_unconfigured_region(p: Package) -> Any:
    return p.make_region().get_or_create("key", lambda: 1)


@difference(theirs="MemoryBackend", ours="NullBackend")
def actual_backend_after_replacing_the_backend(p: Package) -> Any:
    region = p.memory()
    assert region.actual_backend is region.backend
    region.configure("dogpile.cache.null", replace_existing_backend=True)
    return type(region.actual_backend).__name__


@difference(theirs="raises AttributeError", ours="green")
def an_attribute_of_the_backend_through_a_proxy(p: Package) -> Any:
    region = p.make_region().configure("dogpile.cache.memory", wrap=[p.ProxyBackend])
    region.actual_backend.colour = "green"
    return region.backend.colour


@difference(theirs=["NO_VALUE", "kept"], ours=["kept", "kept"])
def a_region_whose_values_never_expire(p: Package) -> Any:
    region = p.memory(-1)
    region.set("key", "kept")
    return [region.get("key"), region.get_or_create("key", lambda: "made")]


@difference(theirs=["old", "made"], ours=["NO_VALUE", "made"])
def a_value_of_another_format_version(p: Package) -> Any:
    region = p.memory()
    region.backend.set("key", p.CachedValue("old", {"ct": time.time(), "v": 1}))
    return [region.get("key"), region.get_or_create("key", lambda: "made")]


@difference(theirs=["NO_VALUE", 3], ours=[3, 100])
def companions_of_a_function_with_defaults(p: Package) -> Any:
    """The key of ``f.get(1)`` is that of ``f(1)``."""
    region = p.memory()

    @region.cache_on_arguments()
    def f(a: int, b: int = 2) -> int:
        return a + b

    f(1)
    seen = [f.get(1)]
    f.set(100, 1)
    return [*seen, f(1)]


@difference(theirs="raises TypeError", ours=[3, 3])
def decorating_a_builtin_function(p: Package) -> Any:
    length = p.memory().cache_on_arguments()(len)
    return [length("abc"), length("abc")]


@difference(theirs=False, ours=True)
def many_key_functions_carry_the_original(p: Package) -> Any:
    return hasattr(
        p.memory().cache_multi_on_arguments()(lambda *keys: keys), "original"
    )


@difference(theirs=50, ours=10)
def a_bounded_memory_backend(p: Package) -> Any:
    region = p.make_region().configure(
        "dogpile.cache.memory", arguments={"max_entries": 10}
    )
    for number in range(50):
        region.set(str(number), number)
    return sum(region.get(str(n)) is not p.NO_VALUE for n in range(50))


@difference(theirs="hangs", ours="raises CreationDeadlock")
def recursion_into_the_same_key(p: Package) -> Any:
    region, result = p.memory(), ["hangs"]

    def create() -> Any:
        return region.get_or_create("key", lambda: 1)

    def ask() -> None:
        result[0] = outcome(region.get_or_create, "key", create)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(0.3 if p.root == "dogpile.cache" else 10)
    return result[0]


@difference(theirs=[1, True], ours=[2, False])
def a_creator_that_returns_no_value(p: Package) -> Any:
    region, calls = p.memory(), []
    for _ in range(2):
        region.get_or_create("key", lambda: calls.append(1) or p.NO_VALUE)
    return [len(calls), "key" in region.backend._cache]


@difference(theirs=["a", "b"], ours="raises DogpileCacheException")
def a_creator_that_returns_too_many_values(p: Package) -> Any:
    return p.memory().get_or_create_multi(["a", "b"], lambda *keys: [*keys, "c"])


@difference(theirs=[-5, True, "nan"], ours=["raises ValidationError"] * 3)
def lifetimes_that_are_none(p: Package) -> Any:
    def configured(lifetime: Any) -> Any:
        lifetime = p.memory(lifetime).expiration_time
        return lifetime if lifetime == lifetime else "nan"

    return [outcome(configured, lifetime) for lifetime in (-5, True, float("nan"))]


@difference(theirs="raises TypeError", ours=1)
def a_timedelta_for_one_function(p: Package) -> Any:
    lifetime = datetime.timedelta(seconds=5)
    one = p.memory().cache_on_arguments(expiration_time=lifetime)(lambda: 1)
    return [one(), one()][1]


@difference(theirs="redis", ours="raises ValidationError")
def an_argument_of_a_backend_that_means_nothing(p: Package) -> Any:
    arguments = {"lock_timeout": -1, "redis_expiration_time": "x"}
    p.make_region().configure("dogpile.cache.redis", arguments=arguments)
    return "redis"


@difference(theirs="raises AttributeError", ours=None)
def the_expiration_time_before_configuring(p: Package) -> Any:
    return p.make_region().expiration_time


@difference(theirs="none", ours=None)
def none_in_an_ini_file(p: Package) -> Any:
    return p.coerce_string_conf({"key": "none"})["key"]


@difference(theirs="<dogpile.cache.api.NoValue object>", ours="NO_VALUE")
def how_no_value_shows(p: Package) -> Any:
    return repr(p.NO_VALUE)


@difference(theirs=["dict", {"ct", "v"}], ours=["Metadata", {"ct", "v", "st"}])
def the_metadata_of_a_value(p: Package) -> Any:
    region = p.memory()
    region.set("key", 1)
    metadata = region.get_value_metadata("key").metadata
    return [type(metadata).__name__, set(metadata)]
