"""Small scenarios that both packages must play to the same end.

Each is given a :class:`~tests.compat.packages.Package` and returns what it has seen.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable
from typing import Any

from .packages import Package, outcome

Scenario = Callable[[Package], Any]

SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__.replace("_", " ")] = function
    return function


def counting(value: Any = None) -> Any:
    """Return a creator that counts its calls and notes their arguments."""

    def create(*args: Any, **kwargs: Any) -> Any:
        create.calls.append((args, kwargs))  # type: ignore[attr-defined]
        if callable(value):
            return value(*args, **kwargs)
        return len(create.calls) if value is None else value  # type: ignore[attr-defined]

    create.calls = []  # type: ignore[attr-defined]
    return create


@scenario
def get_and_set(p: Package) -> Any:
    region = p.memory()
    seen = [region.get("a"), region.set("a", None), region.get("a")]
    seen += [region.delete("a"), region.get("a"), region.delete("a")]
    return seen, region.set_multi({"b": 1, "c": 2}), region.get_multi(["c", "x", "b"])


@scenario
def delete_multi(p: Package) -> Any:
    region = p.memory()
    region.set_multi({"a": 1, "b": 2, "c": 3})
    region.delete_multi(["a", "c", "missing"])
    region.delete_multi([])
    return region.get_multi(["a", "b", "c"]), region.get_multi([])


@scenario
def get_or_create(p: Package) -> Any:
    region, create = p.memory(60), counting()
    made = [region.get_or_create("a", create) for _ in range(3)]
    made.append(region.get_or_create("b", create, creator_args=((1,), {"x": 2})))
    return made, create.calls


@scenario
def expired_values(p: Package) -> Any:
    region, now = p.memory(10), time.time()
    p.put(region, "old", "value", now - 60)
    p.put(region, "new", "value", now - 1)
    return (
        region.get_multi(["old", "new"]),
        region.get("old", expiration_time=100),
        region.get("new", expiration_time=0.5),
        region.get("old", ignore_expiration=True),
        region.get_multi(["old", "new"], ignore_expiration=True),
        region.get("old", expiration_time=-1) is not None,
        region.get_or_create("old", lambda: "made", expiration_time=-1),
        region.get_or_create("old", lambda: "made", expiration_time=100),
        region.get_or_create("old", lambda: "made"),
        region.get("old"),
    )


@scenario
def values_of_another_version(p: Package) -> Any:
    region = p.memory()
    region.backend.set("key", p.CachedValue("value", {"ct": time.time(), "v": 1}))
    return [region.get_or_create("key", lambda: "made")]


@scenario
def timedelta_as_expiration_time(p: Package) -> Any:
    region = p.memory(datetime.timedelta(minutes=1))
    p.put(region, "old", 1, time.time() - 70)
    p.put(region, "new", 1, time.time() - 50)
    return region.expiration_time, region.get_multi(["old", "new"])


@scenario
def should_cache_fn(p: Package) -> Any:
    region = p.memory()
    keep = lambda value: value is not None
    return (
        region.get_or_create("a", lambda: None, should_cache_fn=keep),
        region.get("a"),
        region.get_or_create("a", lambda: 1, should_cache_fn=keep),
        region.get("a"),
        region.get_or_create_multi(["b", "c"], lambda *k: [None, 2], None, keep),
        region.get_multi(["b", "c"]),
    )


@scenario
def get_or_create_multi(p: Package) -> Any:
    region, create = p.memory(60), counting(lambda *keys: [k.upper() for k in keys])
    region.set("b", "set")
    made = [
        region.get_or_create_multi(["a", "b", "c"], create),
        region.get_or_create_multi(["a", "b"], create),
        region.get_or_create_multi([], create),
    ]
    return made, create.calls, region.get_multi(["a", "b", "c"])


@scenario
def get_value_metadata(p: Package) -> Any:
    region = p.memory()
    region.set("key", "value")
    value = region.get_value_metadata("key")
    recent = abs(value.cached_time - time.time()) < 30 and 0 <= value.age < 30
    payload, metadata = value
    return payload, metadata["v"], recent, region.get_value_metadata("missing")


@scenario
def hard_invalidation(p: Package) -> Any:
    region = p.memory(100)
    p.put(region, "key", "old", time.time() - 1)
    region.invalidate()
    strategy = region.region_invalidator
    return (
        region.get("key"),
        region.get("key", ignore_expiration=True),
        strategy.was_hard_invalidated(),
        strategy.was_soft_invalidated(),
        bool(strategy.is_hard_invalidated(0)),
        bool(strategy.is_invalidated(time.time() + 5)),
        region.get_or_create("key", lambda: "new"),
        region.get("key"),
    )


@scenario
def soft_invalidation(p: Package) -> Any:
    region = p.memory(100)
    p.put(region, "key", "old", time.time() - 1)
    region.invalidate(hard=False)
    during: list[Any] = []

    def create() -> str:
        thread = threading.Thread(
            target=lambda: during.append(region.get_or_create("key", lambda: "second"))
        )
        thread.start()
        thread.join(10)
        return "new"

    strategy = region.region_invalidator
    return (
        region.get("key"),
        bool(strategy.was_hard_invalidated()),
        bool(strategy.was_soft_invalidated()),
        region.get_or_create("key", create),
        during,
        region.get("key"),
    )


@scenario
def soft_invalidation_without_expiration_time(p: Package) -> Any:
    region = p.memory()
    p.put(region, "key", "old", time.time() - 1)
    region.invalidate(hard=False)
    return [outcome(region.get_or_create, "key", lambda: "new")]


@scenario
def custom_invalidation_strategy(p: Package) -> Any:
    class Strategy(p.RegionInvalidationStrategy):  # type: ignore[misc,name-defined]
        hard = soft = 0.0

        def invalidate(self, hard: bool = True) -> None:
            self.hard, self.soft = (time.time(), 0.0) if hard else (0.0, time.time())

        def is_invalidated(self, timestamp: float) -> bool:
            return timestamp < self.hard or timestamp < self.soft

        def was_hard_invalidated(self) -> bool:
            return bool(self.hard)

        def is_hard_invalidated(self, timestamp: float) -> bool:
            return timestamp < self.hard

        def was_soft_invalidated(self) -> bool:
            return bool(self.soft)

        def is_soft_invalidated(self, timestamp: float) -> bool:
            return timestamp < self.soft

    region = p.make_region().configure(
        "dogpile.cache.memory", expiration_time=60, region_invalidator=Strategy()
    )
    p.put(region, "key", "old", time.time() - 1)
    seen = [region.get("key")]
    region.invalidate(hard=False)
    seen += [region.get("key"), region.get_or_create("key", lambda: "new")]
    p.put(region, "key", "old", time.time() - 1)
    region.invalidate()
    return [*seen, region.get("key"), region.get_or_create("key", lambda: "newer")]


@scenario
def proxies(p: Package) -> Any:
    log: list[Any] = []

    class Noting(p.ProxyBackend):  # type: ignore[misc,name-defined]
        def __init__(self, name: str = "class") -> None:
            super().__init__()
            self.name = name

        def get(self, key: Any) -> Any:
            log.append((self.name, "get", key))
            return self.proxied.get(key)

        def set(self, key: Any, value: Any) -> None:
            log.append((self.name, "set", key, value.payload))
            self.proxied.set(key, value)

        def get_multi(self, keys: Any) -> Any:
            log.append((self.name, "get_multi", list(keys)))
            return self.proxied.get_multi(keys)

    region = p.make_region().configure(
        "dogpile.cache.memory", wrap=[Noting, Noting("instance")]
    )
    region.wrap(Noting("last"))
    region.set("a", 1)
    seen = [region.get("a"), region.get_multi(["a", "b"])]
    seen.append(type(region.actual_backend).__name__)
    return seen, log, outcome(region.wrap, 3), outcome(region.wrap, object)


@scenario
def async_creation_runner(p: Package) -> Any:
    given: list[Any] = []

    def runner(region: Any, key: str, creator: Any, mutex: Any) -> None:
        given.append((region is mine, key))
        try:
            region.set(key, creator())
        finally:
            mutex.release()

    mine = p.memory(10, async_creation_runner=runner)
    made = [mine.get_or_create("key", lambda: "first")]
    p.put(mine, "key", "old", time.time() - 60)
    create = counting(lambda *args, **kwargs: f"new {args} {kwargs}")
    made.append(mine.get_or_create("key", create, creator_args=((1,), {"b": 2})))
    made.append(mine.get_or_create("key", create))
    return made, given, create.calls
