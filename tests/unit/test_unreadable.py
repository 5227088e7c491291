"""A value that a memcached client cannot unpickle costs no other value."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from dogpile_cache import NO_VALUE
from dogpile_cache.testing import SettableClock

from . import shared
from .shared import MEMCACHED, Fleet

pytestmark = [pytest.mark.server, shared.threads_leave_clients]


@pytest.fixture(params=MEMCACHED)
def fleet(request: pytest.FixtureRequest, clock: SettableClock) -> Iterator[Fleet]:
    yield from shared.fleet(request, clock)


def test_an_unreadable_value_is_a_miss_and_its_neighbours_keep_theirs(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the client had not read yet must not be taken for a later answer."""
    module = ModuleType("soon_gone")
    exec("class Thing: pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "soon_gone", module)
    region = fleet.region()
    keys = ["a", "b", "bad", "c", "d"]
    values = {key: f"value of {key}" for key in keys}
    region.set_multi({**values, "bad": module.Thing()})
    monkeypatch.delitem(sys.modules, "soon_gone")
    expected = [NO_VALUE if key == "bad" else values[key] for key in keys]
    for _ in range(2):
        assert region.get_multi(keys) == expected
        assert [region.get(key) for key in keys] == expected
    assert region.get_or_create("bad", lambda: "made anew") == "made anew"
    assert region.get_multi(keys[::-1]) == [
        "made anew" if key == "bad" else values[key] for key in keys[::-1]
    ]
