"""A deletion in one process wins over a creation that began in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dogpile_cache import NO_VALUE
from dogpile_cache.region import RegionInvalidationStrategy
from dogpile_cache.testing import SettableClock

from . import shared
from .shared import Fleet
from .threads import Call, Creation

pytestmark = [pytest.mark.server, shared.threads_leave_clients]

FORGETTING: dict[str, Any] = {
    "delete": lambda region: region.delete("key"),
    "delete_multi": lambda region: region.delete_multi(["other", "key"]),
}
ASKING: dict[str, Any] = {
    "get_or_create": lambda region, create: region.get_or_create("key", create),
    "get_or_create_multi": lambda region, create: region.get_or_create_multi(
        ["key"], lambda *keys: [create()]
    )[0],
}


@pytest.fixture(params=["redis", "pymemcache", "pylibmc"])
def fleet(request: pytest.FixtureRequest, clock: SettableClock) -> Iterator[Fleet]:
    yield from shared.fleet(request, clock)


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
@pytest.mark.parametrize("before", ["missing", "stale"])
@pytest.mark.parametrize("by", ["itself", "another"])
def test_what_was_being_made_is_not_kept(
    fleet: Fleet, clock: SettableClock, forget: Any, ask: Any, before: str, by: str
) -> None:
    creating, other = fleet.region(), fleet.region()
    if before == "stale":
        creating.set("key", "old")
        clock.move(11)
    creation = Creation("made too early")
    call = Call(ask, creating, creation)
    creation.wait_for_start()
    forget(other if by == "another" else creating)
    creation.end()
    assert call.result() == "made too early"
    assert other.get("key") is NO_VALUE
    assert other.get_or_create("key", lambda: "made after") == "made after"
    assert creating.get("key") == "made after"


def test_a_value_made_after_the_deletion_survives_the_end_of_the_older_creation(
    fleet: Fleet,
) -> None:
    slow, deleting, quick = fleet.region(), fleet.region(), fleet.region()
    creation = Creation("too old")
    call = Call(slow.get_or_create, "key", creation)
    creation.wait_for_start()
    deleting.delete("key")
    assert quick.get_or_create("key", lambda: "made after") == "made after"
    creation.end()
    assert call.result() == "too old"
    assert quick.get("key") != "too old"
    assert quick.get_or_create("key", lambda: "again") in ("made after", "again")


class SharedTime(RegionInvalidationStrategy):
    """Keep the time of the last invalidation where both regions see it."""

    def __init__(self, clock: SettableClock) -> None:
        self.clock = clock
        self.time = 0.0

    def invalidate(self, hard: bool = True) -> None:
        self.time = self.clock.time()

    def is_invalidated(self, timestamp: float) -> bool:
        return timestamp < self.time

    is_hard_invalidated = is_invalidated

    def is_soft_invalidated(self, timestamp: float) -> bool:
        return False


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_an_invalidation_during_a_creation_elsewhere_wins(
    fleet: Fleet, clock: SettableClock, ask: Any
) -> None:
    strategy = SharedTime(clock)
    creating, other = fleet.region(strategy), fleet.region(strategy)
    creation = Creation("made too early")
    call = Call(ask, creating, creation)
    creation.wait_for_start()
    clock.move(1)
    other.invalidate()
    clock.move(1)
    creation.end()
    assert call.result() == "made too early"
    assert other.get("key") is NO_VALUE
    assert creating.get("key") is NO_VALUE
    assert other.get_or_create("key", lambda: "made after") == "made after"
