"""The items of a collection of Jinja2, and which of them are to be rendered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import Environment
from jinja2.runtime import LoopContext


class Items(list[tuple[Any, Any, tuple[Any, ...]]]):
    """Be, of each item, its key, itself, and what the names of the loop stand for."""


def to_render(
    environment: Environment, items: Items, keys: Iterable[str], wanted: Iterable[str]
) -> Iterator[tuple[str, tuple[Any, ...], LoopContext]]:
    """Yield what is to be rendered: the key, the values, and the loop as it is there.

    :param keys: those of all items, in their order.
    :param wanted: the keys that are to be rendered, each once.
    """
    missing = set(wanted)
    loop = LoopContext([item for _, item, _ in items], environment.undefined)
    for key, (_, _, values), _ in zip(keys, items, loop):
        if key in missing:
            missing.discard(key)
            yield key, values, loop
