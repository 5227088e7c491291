"""Who has lost its lease does not write what it made."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.lease import Lease
from dogpile_cache.proxy import ProxyBackend

from .threads import eventually


class DictLease(Lease):
    """Be a lease in a dict, which breaks where there is none."""

    tokens: dict[str, bytes] | None

    def __init__(self, tokens: dict[str, bytes], seconds: float) -> None:
        super().__init__("key", seconds)
        self.tokens = tokens

    @property
    def shared(self) -> dict[str, bytes]:
        assert self.tokens is not None
        return self.tokens

    def take(self) -> bool:
        return self.shared.setdefault(self.name, self.token) == self.token

    def renew(self) -> bool:
        return self.shared.get(self.name) == self.token

    def drop(self) -> bool:
        return self.renew() and bool(self.shared.pop(self.name))

    def locked(self) -> bool:
        return self.name in self.shared


class Written(ProxyBackend):
    """Note what is written."""

    def __init__(self) -> None:
        self.keys: list[Any] = []

    def set(self, key: Any, value: Any) -> None:
        self.keys.append(key)
        self.proxied.set(key, value)

    def set_multi(self, mapping: Any) -> None:
        self.keys += mapping
        self.proxied.set_multi(mapping)


class Place:
    """Be a region of which one key's lease is at hand."""

    def __init__(self, seconds: float) -> None:
        self.lease = DictLease({}, seconds)
        self.written = Written()
        self.region: CacheRegion = make_region(lock_generator=lambda key: self.lease)
        self.region.configure("dogpile.cache.memory", wrap=[self.written])

    def lose(self) -> None:
        self.lease.shared["key"] = b"lease:of another"


def create_after(steps: Any, region: CacheRegion, many: bool) -> Any:
    if many:
        return region.get_or_create_multi(["key"], lambda *keys: [steps() or "made"])
    return [region.get_or_create("key", lambda: steps() or "made")]


@pytest.mark.parametrize("many", [False, True])
def test_a_lease_that_was_found_lost(many: bool) -> None:
    place = Place(seconds=0.05)

    def lose() -> None:
        place.lose()
        eventually(lambda: place.lease.lost)

    assert create_after(lose, place.region, many) == ["made"]
    assert place.written.keys == []
    assert place.region.get("key") is NO_VALUE
    assert place.lease.shared["key"] == b"lease:of another"


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("lost", [False, True])
def test_a_process_that_was_stopped_asks_before_it_writes(
    many: bool, lost: bool
) -> None:
    place = Place(seconds=60)

    def stop() -> None:
        place.lease._until = time.monotonic()  # as if so much time had passed
        if lost:
            place.lose()

    assert create_after(stop, place.region, many) == ["made"]
    assert place.written.keys == ([] if lost else ["key"])


def test_who_cannot_ask_does_not_write(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(seconds=60)

    def stop() -> None:
        place.lease._until = 0
        place.lease.tokens = None

    assert create_after(stop, place.region, False) == ["made"]
    assert place.written.keys == []
    assert "Whether 'key' is still ours is unknown" in caplog.text


class RenewedLate(DictLease):
    """Be a lease that is renewed once more just after it has been given back."""

    def drop(self) -> bool:
        dropped = super().drop()
        self.extend()
        return dropped


def test_a_renewal_that_comes_after_the_release_is_no_loss() -> None:
    lease = RenewedLate({}, 60)
    assert lease.acquire(False)
    assert lease.release()
