"""What the tags do in environments with ``enable_async=True``: the same, awaited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import Environment

from dogpile_cache.context import in_place
from dogpile_cache.exception import CreationDeadlock

from .fragments import check_around, within_awaited
from .jinja2_each import Items, to_render

Render = Callable[..., Any]


async def one_awaited(region: Any, key: str, render: Render, lifetime: Any) -> str:
    """Return the output of a tag."""
    from dogpile_cache.twin import awaited  # asyncio, which not everybody needs

    @in_place
    async def create() -> str:
        return str(await within_awaited(key, render))

    try:
        text: str = await awaited(region).get_or_create(key, create, lifetime)
    except CreationDeadlock as error:
        check_around(error, (key,))
        return str(await render())
    return text


async def each_awaited(
    region: Any,
    environment: Environment,
    items: Items,
    keys: Sequence[str],
    render: Render,
    lifetime: Any,
) -> str:
    """Return the output of a collection."""
    from dogpile_cache.twin import awaited

    @in_place
    async def create(*missing: str) -> list[str]:
        return await _rendered(environment, items, keys, missing, render)

    try:
        texts = await awaited(region).get_or_create_multi(keys, create, lifetime)
    except CreationDeadlock as error:
        check_around(error, keys)
        texts = await create(*keys)
    return "".join(texts)


async def all_awaited(
    environment: Environment, items: Items, places: Sequence[str], render: Render
) -> str:
    """Return the output of a collection that is neither read nor written."""
    return "".join(await _rendered(environment, items, places, places, render))


async def _rendered(
    environment: Environment,
    items: Items,
    keys: Sequence[str],
    wanted: Sequence[str],
    render: Render,
) -> list[str]:
    made = {
        key: str(await within_awaited(key, render, *values, loop))
        for key, values, loop in to_render(environment, items, keys, wanted)
    }
    return [made[key] for key in wanted]
