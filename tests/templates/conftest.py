"""Two regions in memory, a clock that the tests move, and each engine in turn."""

from __future__ import annotations

import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.testing import SettableClock

from .engines import ENGINES, Engine


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def regions(clock: SettableClock) -> dict[str, CacheRegion]:
    """Return the region ``short``, of ten seconds, and ``long``, of an hour."""
    lifetimes = {"short": 10, "long": 3600}
    return {
        name: make_region(clock=clock).configure("dogpile.cache.memory", lifetime)
        for name, lifetime in lifetimes.items()
    }


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, regions: dict[str, CacheRegion]) -> Engine:
    return ENGINES[request.param](regions)
