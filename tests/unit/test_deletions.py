"""A deletion or invalidation that comes after a creation has started wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion
from dogpile_cache.testing import SettableClock

from .threads import Call, Creation

Forget = Callable[[CacheRegion], None]

FORGETTING: dict[str, Forget] = {
    "delete": lambda region: region.delete("key"),
    "delete_multi": lambda region: region.delete_multi(["other", "key"]),
    "invalidate hard": lambda region: region.invalidate(),
    "invalidate soft": lambda region: region.invalidate(hard=False),
}
ASKING: dict[str, Callable[[CacheRegion, Creation], Any]] = {
    "get_or_create": lambda region, create: region.get_or_create("key", create),
    "get_or_create_multi": lambda region, create: region.get_or_create_multi(
        ["key"], lambda *keys: [create()]
    )[0],
}


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
@pytest.mark.parametrize("before", ["missing", "stale"])
def test_what_was_being_made_is_not_kept(
    region: CacheRegion, clock: SettableClock, forget: Forget, ask: Any, before: str
) -> None:
    if before == "stale":
        region.set("key", "old")
        clock.move(11)
    creation = Creation("made too early")
    call = Call(ask, region, creation)
    creation.wait_for_start()
    clock.move(1)
    forget(region)
    clock.move(1)
    creation.end()
    assert call.result() == "made too early"  # its caller asked before the deletion
    assert region.get("key") is NO_VALUE
    assert region.get_or_create("key", lambda: "made after") == "made after"
    assert region.get("key") == "made after"


def test_a_waiter_does_not_take_what_was_deleted_meanwhile(region: CacheRegion) -> None:
    creation = Creation("deleted")
    first = Call(region.get_or_create, "key", creation)
    creation.wait_for_start()
    region.delete("key")
    second = Call(region.get_or_create, "key", lambda: "made after")
    creation.end()
    assert first.result() == "deleted"
    assert second.result() == "made after"
    assert region.get("key") == "made after"


def test_a_value_set_during_a_creation_is_replaced_by_its_end(
    region: CacheRegion,
) -> None:
    creation = Creation("created")
    call = Call(region.get_or_create, "key", creation)
    creation.wait_for_start()
    region.set("key", "set")
    assert region.get("key") == "set"
    creation.end()
    call.result()
    assert region.get("key") == "created"


def test_deleting_one_key_leaves_the_creations_of_others(region: CacheRegion) -> None:
    creation = Creation(["a", "b"])
    call = Call(region.get_or_create_multi, ["a", "b"], creation)
    creation.wait_for_start()
    region.delete("a")
    creation.end()
    assert call.result() == ["a", "b"]
    assert region.get_multi(["a", "b"]) == [NO_VALUE, "b"]
