"""A shared invalidation while the backend is away."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import make_region
from dogpile_cache.aio import AsyncSharedInvalidationStrategy
from dogpile_cache.invalidation import SharedInvalidationStrategy
from dogpile_cache.testing import SettableClock
from tests.unit.threads import eventually

from .conftest import Loop, TasksRegion
from .flaky import Away, FlakyBackend, Server

KEY = "short was invalidated"


class Process:
    """Be a region, and the strategy that it shares with others."""

    def __init__(self, server: Server, clock: SettableClock, loop: Loop | None) -> None:
        backend: Any = FlakyBackend({"server": server})
        if loop is None:
            strategy: Any = SharedInvalidationStrategy(backend, KEY, 1, clock)
            self.region: Any = make_region(clock=clock)
        else:
            strategy = AsyncSharedInvalidationStrategy(backend.awaited(), KEY, 1, clock)
            self.region = TasksRegion(loop, clock=clock)
        self.region.configure(
            "dogpile.cache.memory", expiration_time=100, region_invalidator=strategy
        )


@pytest.fixture(params=["threads", "tasks"])
def processes(request: pytest.FixtureRequest, clock: SettableClock) -> list[Any]:
    loop = None if request.param == "threads" else request.getfixturevalue("loop")
    server = Server()
    return [server, *(Process(server, clock, loop).region for _ in range(2))]


def test_it_is_raised_counts_here_and_is_told_when_the_server_is_back(
    processes: list[Any], clock: SettableClock
) -> None:
    server, here, there = processes
    for region in (here, there):
        region.set("key", "old")
        assert region.get("key") == "old"
    clock.move(1)
    server.away = True
    with pytest.raises(Away):
        here.invalidate()
    assert here.get_or_create("key", lambda: "new") == "new"
    assert there.get("key") == "old"
    server.away = False
    clock.move(6)
    eventually(lambda: here.get("key") == "new" and server.values)
    clock.move(6)
    eventually(lambda: there.get("key") != "old")


def test_a_server_that_is_away_is_not_asked_again_at_once(
    processes: list[Any], clock: SettableClock
) -> None:
    server, here, _ = processes
    server.away = True
    here.set("key", "value")
    here.get("key")
    eventually(lambda: server.calls)
    asked = len(server.calls)
    for _ in range(4):
        clock.move(1.1)
        assert here.get("key") == "value"
    assert len(server.calls) == asked
    clock.move(1)
    here.get("key")
    eventually(lambda: len(server.calls) > asked)
