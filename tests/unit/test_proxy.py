"""Proxies pass everything on, change what they want to, and stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.exception import DogpileCacheException, RegionNotConfigured
from dogpile_cache.proxy import ProxyBackend


class Recorder(ProxyBackend):
    """Note what passes, under a name."""

    def __init__(self, name: str = "class", log: list[str] | None = None) -> None:
        self.name = name
        self.log = [] if log is None else log

    def get(self, key: Any) -> Any:
        self.log.append(f"{self.name} get {key}")
        return self.proxied.get(key)

    def set(self, key: Any, value: Any) -> None:
        self.log.append(f"{self.name} set {key}")
        self.proxied.set(key, value)


def test_the_first_proxy_of_a_list_is_the_outermost() -> None:
    log: list[str] = []
    region = make_region().configure(
        "dogpile.cache.memory", wrap=[Recorder("first", log), Recorder("second", log)]
    )
    region.set("key", 1)
    assert log == ["first set key", "second set key"]


def test_a_proxy_that_is_added_later_goes_around_the_others() -> None:
    log: list[str] = []
    region = make_region().configure(
        "dogpile.cache.memory", wrap=[Recorder("first", log)]
    )
    region.wrap(Recorder("added", log))
    region.set("key", 1)
    assert log == ["added set key", "first set key"]


def test_classes_and_instances_are_taken(region: CacheRegion) -> None:
    region.wrap(Recorder)
    backend = region.backend
    assert isinstance(backend, Recorder)
    region.get("key")
    assert backend.log == ["class get key"]
    assert not isinstance(region.actual_backend, ProxyBackend)


@pytest.mark.parametrize("wrong", [3, object, "name"])
def test_what_is_no_proxy_is_refused(region: CacheRegion, wrong: Any) -> None:
    with pytest.raises(TypeError, match="is not a valid ProxyBackend"):
        region.wrap(wrong)
    with pytest.raises(TypeError, match="is not a valid ProxyBackend"):
        make_region().configure("dogpile.cache.memory", wrap=[wrong])


def test_wrapping_an_unconfigured_region_says_so() -> None:
    with pytest.raises(RegionNotConfigured):
        make_region().wrap(Recorder)


def test_every_attribute_of_the_backend_is_passed_on() -> None:
    region = make_region().configure("dogpile.cache.memory_pickle", wrap=[ProxyBackend])
    proxy, backend = region.backend, region.actual_backend
    names = {name for name in dir(backend) if not name.startswith("__")}
    own = set(dir(proxy))
    for name in names - {"get_mutex"}:
        assert name in own or getattr(proxy, name) == getattr(backend, name)
    backend.colour = "green"  # type: ignore[attr-defined]
    assert proxy.colour == "green"  # type: ignore[attr-defined]
    assert proxy.serializer is backend.serializer
    assert proxy.deserializer is backend.deserializer
    assert proxy.key_mangler is backend.key_mangler
    assert proxy.has_lock_timeout() is backend.has_lock_timeout()
    with pytest.raises(AttributeError, match="no_such_thing"):
        proxy.no_such_thing  # type: ignore[attr-defined]


def test_every_method_of_the_backend_is_passed_on() -> None:
    region = make_region().configure("dogpile.cache.memory", wrap=[ProxyBackend])
    region.set("a", 1)
    region.set_multi({"b": 2})
    assert region.get_or_create("c", lambda: 3) == 3
    assert region.get_multi(["a", "b", "c", "d"]) == [1, 2, 3, NO_VALUE]
    region.delete("a")
    region.delete_multi(["b"])
    assert region.actual_backend.get_multi(["a", "b"]) == [NO_VALUE, NO_VALUE]
    assert region.backend.purge() == 0  # type: ignore[attr-defined]


def test_a_proxy_that_wraps_nothing_says_so() -> None:
    with pytest.raises(AttributeError, match="not been wrapped"):
        ProxyBackend().get("key")


def test_a_proxy_may_change_values_and_keys_on_their_way() -> None:
    class Shouting(ProxyBackend):
        def get_serialized(self, key: Any) -> Any:
            return self.proxied.get_serialized(f"prefix {key}")

        def set_serialized(self, key: Any, value: bytes) -> None:
            self.proxied.set_serialized(f"prefix {key}", value)

    kept: dict[str, Any] = {}
    region = make_region().configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": kept}, wrap=[Shouting]
    )
    assert region.get_or_create("key", lambda: 1) == 1
    assert list(kept) == ["prefix key"]
    assert region.get("key") == 1


def test_a_proxy_that_brings_a_lock_of_its_own_is_heard() -> None:
    taken: list[str] = []

    class Lock:
        def acquire(self, wait: bool = True) -> bool:
            taken.append("acquire")
            return True

        def release(self) -> None:
            taken.append("release")

    class Locking(ProxyBackend):
        def get_mutex(self, key: Any) -> Any:
            return Lock()

    region = make_region().configure("dogpile.cache.memory", wrap=[Locking])
    assert region.get_or_create("key", lambda: 1) == 1
    assert taken == ["acquire", "release"]


def test_a_proxy_may_return_many_values_from_a_generator() -> None:
    class Lazy(ProxyBackend):
        def get_serialized_multi(self, keys: Sequence[str]) -> Any:
            return (value for value in self.proxied.get_serialized_multi(keys))

    region = make_region().configure("dogpile.cache.memory_pickle", wrap=[Lazy])
    region.set("a", 1)
    for _ in range(2):
        assert region.get_or_create_multi(["a", "b"], lambda *keys: [2]) == [1, 2]


def test_too_few_values_from_a_backend_are_an_error_and_not_taken_for_others() -> None:
    class Short(ProxyBackend):
        def get_serialized_multi(self, keys: Sequence[str]) -> Any:
            return self.proxied.get_serialized_multi(keys)[:-1]

    region = make_region().configure("dogpile.cache.memory_pickle", wrap=[Short])
    region.set_multi({"a": 1, "b": 2})
    with pytest.raises(DogpileCacheException, match="returned 1 values for 2 keys"):
        region.get_or_create_multi(["a", "b"], pytest.fail)
