"""Mistakes that type checkers find; each ignored error is one they must report."""

from __future__ import annotations

from dogpile_cache import make_region

region = make_region()


@region.cache_on_arguments()
def one(number: int) -> str:
    return str(number)


@region.cache_multi_on_arguments()
def many(*keys: int) -> list[str]:
    return [str(key) for key in keys]


class Shop:
    @region.cache_on_arguments()
    def price(self, article: int) -> float:
        return 1.0

    @classmethod
    @region.cache_on_arguments()
    def rate(cls, currency: str) -> float:
        return 2.0


def mistakes() -> None:
    one("1")  # type: ignore[arg-type]
    one()  # type: ignore[call-arg]
    one.invalidate("1")  # type: ignore[arg-type]
    one.set(1, 1)  # type: ignore[arg-type]
    one.get(nmber=1)  # type: ignore[call-arg]
    many("1")  # type: ignore[arg-type]
    Shop().price("1")  # type: ignore[arg-type]
    Shop.rate(1, 2)  # type: ignore[call-overload]
    region.configure("dogpile.cache.memory", expiration_time="1")  # type: ignore[arg-type]
    region.get_or_create("key", 1)  # type: ignore[arg-type]
    _: int = region.get_or_create("key", str)  # type: ignore[assignment]
