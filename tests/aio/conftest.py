"""Async regions over memory and over Redis, each test in an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from dogpile_cache.testing import SettableClock

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def run() -> Run:
    """Return what runs a coroutine to its end, and notices tasks that it leaves."""

    async def alone(work: Coroutine[Any, Any, Any]) -> Any:
        result = await asyncio.wait_for(work, 30)
        for _ in range(3):  # what was cancelled may end
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks are left: {left}"
        return result

    return lambda work: asyncio.run(alone(work))
