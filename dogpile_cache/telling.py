"""What a region tells its listeners of requests; see :mod:`dogpile_cache.events`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .events import HIT, MISS, STALE, tell

if TYPE_CHECKING:
    from .binding import Binding
    from .entry import BaseEntry
    from .events import Kind
    from .protocols import Lifetime


def tell_found(
    region: Binding, key: Any, value: Any, lifetime: Lifetime, takes_any: bool
) -> None:
    """Tell what a request has found that has nothing made."""
    if region._policy.is_fresh(value, lifetime):
        tell(region, HIT, key)
    else:
        tell(region, STALE if value and takes_any else MISS, key)


def tell_all_found(
    region: Binding,
    keys: Sequence[Any],
    values: Sequence[Any],
    lifetime: Lifetime,
    takes_any: bool,
) -> None:
    """Tell the same of several keys."""
    for key, value in zip(keys, values, strict=True):
        tell_found(region, key, value, lifetime, takes_any)


def tell_all_served(
    entries: Iterable[BaseEntry], served: Mapping[Any, Any], seen: Mapping[Any, Any]
) -> None:
    """Tell what a request for several keys was served, given what it saw at first."""
    for entry in entries:
        entry.tell_served(served[entry.key], seen[entry.key])


def tell_each(region: Binding, kind: Kind, keys: Iterable[Any]) -> None:
    """Tell that the same has happened to each of several keys."""
    for key in keys:
        tell(region, kind, key)
