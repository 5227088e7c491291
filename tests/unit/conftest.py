"""A clock that the tests move, and a region in memory that reads it."""

from __future__ import annotations

import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.testing import SettableClock


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def region(clock: SettableClock) -> CacheRegion:
    """Return a region in memory whose values live for ten seconds."""
    return make_region(clock=clock).configure(
        "dogpile.cache.memory", expiration_time=10
    )
