"""The workers of a storm whose callers are tasks; see ``storm.py``."""

from __future__ import annotations

import asyncio
import itertools
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.storm import Answer, Order, Worker


def work_in_tasks(worker: Worker, gate: Barrier, orders: Connection) -> None:
    """Carry out orders by tasks, until the other end of the pipe is gone."""
    asyncio.run(_storm(worker, gate, orders))


async def _storm(worker: Worker, gate: Barrier, orders: Connection) -> None:
    from benchmarks.storm import PATIENCE  # which imports this module
    from dogpile_cache.aio import make_async_region

    region = make_async_region()
    region.configure(f"dogpile.cache.{worker.backend}", arguments=worker.arguments)
    warm_keys = (f"warm-{worker.number}-{again}" for again in itertools.count())
    while True:
        try:
            order: Order = await asyncio.to_thread(orders.recv)
        except EOFError:
            return
        keys = [next(warm_keys) for _ in range(worker.tasks)]
        await asyncio.gather(*(region.get_or_create(key, time.time) for key in keys))
        for _ in range(2):
            await asyncio.to_thread(gate.wait, PATIENCE)
        asking = (_ask_in_task(region, order) for _ in keys)
        orders.send(await asyncio.gather(*asking))


async def _ask_in_task(region: Any, order: Order) -> Answer:
    created = False

    async def creator() -> float:
        nonlocal created
        created = True
        await asyncio.sleep(order.creation)
        return time.time()

    from benchmarks.storm import STALE, Answer

    called, value, error = time.time(), STALE, ""
    try:
        value = await region.get_or_create(order.key, creator, order.expiration)
    except Exception as problem:
        error = repr(problem)
    return Answer(called, time.time(), value, created, error)
