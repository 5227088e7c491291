"""The types that users rely on, as code that type checkers read and a test runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from typing_extensions import assert_type

from dogpile_cache import (
    NO_VALUE,
    CacheRegion,
    Lock,
    NeedRegenerationException,
    make_region,
)
from dogpile_cache.api import CachedValue, NoValueType  # noqa: F401  # in strings
from dogpile_cache.config import Regions, make_regions
from dogpile_cache.keys import typed_key_generator
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.region import DefaultInvalidationStrategy
from dogpile_cache.testing import SettableClock

region = make_region(
    name="typed",
    function_key_generator=typed_key_generator(ignore=("note",)),
    clock=SettableClock(),
)
assert_type(region, CacheRegion)
assert_type(
    region.configure(
        "dogpile.cache.memory",
        expiration_time=timedelta(minutes=1),
        arguments={"max_entries": 100},
        wrap=[ProxyBackend],
        region_invalidator=DefaultInvalidationStrategy(),
    ),
    CacheRegion,
)

# A value by its key


def halves(*keys: str) -> list[float]:
    return [0.5 for _ in keys]


assert_type(region.get_or_create("key", lambda: 1), int)
assert_type(region.get_or_create_multi(["a"], halves), list[float])
assert_type(region.get_value_metadata("key"), "CachedValue | None")
assert region.get("key") is not NO_VALUE

# A function


@region.cache_on_arguments(namespace="one", expiration_time=60)
def one(number: int, *, note: str = "") -> list[int]:
    return [number]


assert_type(one(1, note="x"), list[int])
assert_type(one.get(1), "list[int] | NoValueType")
assert_type(one.refresh(1), list[int])
assert_type(one.original(1), list[int])
one.set([2], 1, note="x")
one.invalidate(1)


@region.cache_on_arguments
def bare() -> str:
    return "bare"


assert_type(bare(), str)


@region.cache_on_arguments(expiration_time=lambda: 60.0)
def of_anything(value: Any) -> float:
    return 1.0


assert_type(of_anything([1]), float)

# A function of many keys


@region.cache_multi_on_arguments()
def many(*keys: int) -> list[str]:
    return [str(key) for key in keys]


assert_type(many(1, 2), list[str])
assert_type(many.refresh(1), list[str])
many.set({1: "1"})
many.invalidate(1, 2)


@region.cache_multi_on_arguments(asdict=True)
def mapped(*keys: int) -> dict[int, str]:
    return {key: str(key) for key in keys}


assert_type(mapped(1, 2), dict[int, str])

# Methods


class Shop:
    @region.cache_on_arguments()
    def price(self, article: int, currency: str = "EUR") -> float:
        return 1.0

    @classmethod
    @region.cache_on_arguments()
    def rate(cls, currency: str) -> float:
        return 2.0

    @staticmethod
    @region.cache_on_arguments()
    def rounded(price: float) -> int:
        return round(price)

    @region.cache_multi_on_arguments()
    def titles(self, *articles: int) -> list[str]:
        return [str(article) for article in articles]


shop = Shop()
assert_type(shop.price(1, currency="USD"), float)
assert_type(Shop.price(shop, 1), float)
assert_type(shop.price.get(shop, 1), "float | NoValueType")
shop.price.set(3.0, shop, 1)
shop.price.invalidate(shop, 1)
assert_type(Shop.rate("USD"), float)
assert_type(shop.rate("USD"), float)
assert_type(Shop.rounded(1.5), int)
assert_type(shop.titles(1, 2), list[str])
shop.titles.set({1: "one"}, shop)

# The rest of the surface

settings = {
    "dogpile_cache.regions": "short",
    "dogpile_cache.short.backend": "dogpile.cache.memory",
}
assert_type(make_regions(settings), Regions)
assert_type(make_regions(settings)["short"], CacheRegion)


def create() -> tuple[str, float]:
    return "made", 1.0


def read() -> tuple[str, float]:
    raise NeedRegenerationException


class NoMutex:
    def acquire(self, wait: bool = True) -> bool:
        return True

    def release(self) -> None:
        pass


with Lock(NoMutex(), create, read, 60) as made:
    assert made == "made"
