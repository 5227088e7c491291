"""What happens to a world while its callers are at work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from typing import Any
from unittest.mock import patch

from dogpile_cache import CacheRegion
from dogpile_cache.flow import Flow, Step

from .actors import Actor
from .world import LIFETIME, Case, LeaseMutex, Phase, World


def event(key: str, victim: Actor) -> Callable[[Actor], Flow[Any]]:
    """Do to the world what its case says, step by step.

    :param key: what is deleted.
    :param victim: who is killed.
    """

    def happen(me: Actor) -> Flow[None]:
        first, *rest = _steps(me, key, victim)

        def begin() -> None:
            me.world.phase = Phase.DURING
            first()

        yield begin
        for _number, step in enumerate(rest):  # which tells how far it has come
            yield step
        me.world.phase = Phase.OVER

    return happen


def _parts_of_deletion(region: CacheRegion, key: str) -> dict[str, Step]:
    revoke = getattr(region._mutex(key), "revoke", lambda: None)
    return {
        "supersede": partial(region._flights.supersede, key),
        "revoke": revoke,
        "delete": partial(region._store.delete, key),
    }


@cache
def deletion() -> tuple[str, ...]:
    """Return in which order ``region.delete`` does its parts."""
    region = World(Case((0,))).regions[0]
    order: list[str] = []
    with ExitStack() as stack:
        for of, part in (
            (region._flights, "supersede"),
            (LeaseMutex, "revoke"),
            (region._store, "delete"),
        ):
            note = partial(order.append, part)
            noting = lambda *args, note=note: note()
            stack.enter_context(patch.object(of, part, noting))
        region.delete("key")
    return tuple(order)


def _steps(me: Actor, key: str, victim: Actor) -> list[Step]:
    world, region = me.world, me.region

    def run_out() -> None:
        for lock in world.locks.values():
            if lock.owner and not (victim.killed and lock.holder != victim.name):
                lock.give(None)

    def invalidate(hard: bool) -> None:
        world.clock.move(1)
        region.invalidate(hard=hard)

    parts = _parts_of_deletion(region, key)
    steps: dict[str, list[Step]] = {
        "delete": [parts[name] for name in deletion()],
        "invalidate hard": [partial(invalidate, True)],
        "invalidate softly": [partial(invalidate, False)],
        "expire": [partial(world.clock.move, LIFETIME + 1)],
        "lose the lease": [run_out],
        "kill": [victim.kill, run_out],
    }
    return steps[world.case.event]
