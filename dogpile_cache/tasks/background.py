"""Work that nobody waits for: kept from being collected, and waited for at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from dogpile_cache.flow import Flow, async_drive
from dogpile_cache.regenerate import refresh as flow
from dogpile_cache.report import warning

if TYPE_CHECKING:
    from dogpile_cache.base import BaseRegion

    from .flights import AsyncHandover

_at_work: set[asyncio.Task[Any]] = set()


def in_background(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Have work done by a task, whose failure the log tells."""
    task = asyncio.get_running_loop().create_task(work)
    _at_work.add(task)
    task.add_done_callback(_done)
    return task


def _done(task: asyncio.Task[Any]) -> None:
    _at_work.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        warning("Work in the background failed", exc_info=error)


async def background_work() -> None:
    """Wait until all work in the background of this event loop is done."""
    loop = asyncio.get_running_loop()
    while tasks := [task for task in _at_work if task.get_loop() is loop]:
        await asyncio.wait(tasks)


def apart(flow: Flow[None]) -> None:
    """Have a flow taken to its end by a task of its own."""
    in_background(async_drive(flow))


def refresh(handover: AsyncHandover) -> None:
    """Have a task make what was handed over."""
    apart(flow(handover))


async def refresh_in_background(
    region: BaseRegion, key: Any, creator: Callable[[], Any], mutex: AsyncHandover
) -> None:
    """Make a stale value anew in the background: an ``async_creation_runner``.

    Hand it to a region for tasks; everybody is then served the stale value.  A shutdown
    that is to wait for what is being made awaits :func:`background_work`, as
    ``aclose()`` of the region does.
    """
    await async_drive(flow(mutex))
