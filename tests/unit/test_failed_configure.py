"""What fails at configure leaves a region that can be configured."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import make_region
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.testing import SettableClock


def test_a_region_whose_backend_cannot_be_made_may_be_configured_again(
    tmp_path: Any, clock: SettableClock
) -> None:
    (tmp_path / "file").touch()
    wrong = {"filename": str(tmp_path / "file" / "cache.dbm")}
    region = make_region(clock=clock)
    with pytest.raises(OSError, match="file"):
        region.configure("dogpile.cache.dbm", 7, wrong)
    assert [region.is_configured, region.expiration_time] == [False, None]
    region.configure("dogpile.cache.memory", 9)
    assert region.get_or_create("key", lambda: 1) == region.get("key") == 1


def test_a_region_whose_backend_cannot_be_used_may_be_configured_again() -> None:
    class Nothing(ProxyBackend):
        delete = property(lambda self: 1 / 0)  # type: ignore[assignment]

    region = make_region()
    with pytest.raises(ZeroDivisionError):
        region.configure("dogpile.cache.memory", 7, wrap=[Nothing])
    assert not region.is_configured
    region.configure("dogpile.cache.memory", 9)
    assert region.get_or_create("key", lambda: 1) == 1
