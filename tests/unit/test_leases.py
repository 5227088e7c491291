"""Locks between processes: leases with a token, renewed, and lost without harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dogpile_cache import lease
from dogpile_cache.backends.memcached import MemcachedLock
from dogpile_cache.testing import SettableClock

from . import shared
from .shared import MEMCACHED, REDIS, Fleet
from .threads import Call, Creation, eventually

pytestmark = [pytest.mark.server, shared.threads_leave_clients]


@pytest.fixture(params=[*REDIS, *MEMCACHED])
def fleet(request: pytest.FixtureRequest, clock: SettableClock) -> Iterator[Fleet]:
    yield from shared.fleet(request, clock)


def test_only_one_holds_a_lease_and_any_thread_may_release_it(fleet: Fleet) -> None:
    one, other = fleet.mutex("key"), fleet.mutex("key")
    assert not one.locked()
    assert one.acquire(False)
    assert not other.acquire(False)
    assert other.locked()
    assert Call(one.release).result() is not False
    assert other.acquire(False)
    other.release()
    assert not one.locked()


def test_every_lease_has_a_token_of_its_own(fleet: Fleet) -> None:
    client, tokens = fleet.client(), set()
    for _ in range(3):
        mutex = fleet.mutex("key")
        mutex.acquire(False)
        tokens.add(client.get(fleet.lock_name("key")))
        mutex.release()
    assert len(tokens) == 3
    assert None not in tokens


def test_who_lost_a_lease_does_not_release_that_of_another(fleet: Fleet) -> None:
    lost, other = fleet.mutex("key"), fleet.mutex("key")
    assert lost.acquire(False)
    fleet.client().delete(fleet.lock_name("key"))
    assert other.acquire(False)
    assert lost.release() is False
    assert other.locked()
    assert not fleet.mutex("key").acquire(False)
    assert other.release() is not False


def test_a_lease_has_an_end_even_if_nobody_asked_for_one(fleet: Fleet) -> None:
    assert lease.DEFAULT_LEASE == 30
    mutex = fleet.mutex("key")
    assert mutex.seconds == 30
    assert fleet.region().backend.has_lock_timeout()
    mutex.acquire(False)
    if fleet.name in REDIS:
        assert 25_000 < fleet.client().pttl(fleet.lock_name("key")) <= 30_000
    mutex.release()


@pytest.mark.parametrize("fleet", ["redis", "pymemcache", "bmemcached"], indirect=True)
def test_a_lease_outlives_its_time_while_its_holder_is_at_work(fleet: Fleet) -> None:
    # Memcached makes three whole seconds of it, of which one may have passed.
    region = fleet.region(lock_timeout=0.3 if fleet.name in REDIS else 1.3)
    creation = Creation("value")
    call = Call(region.get_or_create, "key", creation)
    creation.wait_for_start()
    client, watched = fleet.client(), 1.0 if fleet.name in REDIS else 3.5
    deadline = time.monotonic() + watched
    while time.monotonic() < deadline:
        assert client.get(fleet.lock_name("key")) is not None
        time.sleep(0.02)
    creation.end()
    assert call.result() == "value"
    assert region.get("key") == "value"
    assert client.get(fleet.lock_name("key")) is None


def test_a_lease_that_nobody_renews_ends(fleet: Fleet) -> None:
    mutex = fleet.mutex("key", lock_timeout=0.2)
    mutex.token = b"lease:of a killed process"
    assert mutex.take()  # as acquire() does, but that it is not renewed
    region = fleet.region()
    assert region.get_or_create("key", lambda: "made by another") == "made by another"


def test_a_lost_lease_does_not_cost_its_caller_the_value(fleet: Fleet) -> None:
    region, other = fleet.region(), fleet.region()
    creation = Creation("of the loser")
    call = Call(region.get_or_create, "key", creation)
    creation.wait_for_start()
    fleet.client().delete(fleet.lock_name("key"))
    assert other.get_or_create("key", lambda: "of the other") == "of the other"
    creation.end()
    assert call.result() == "of the loser"
    assert other.get_or_create("key", lambda: "new") in ("of the other", "new")
    assert not other.key_is_locked("key")


@pytest.mark.parametrize("many", [False, True])
def test_a_server_that_fails_at_the_release_does_not_cost_the_value(
    fleet: Fleet, many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = fleet.region()

    def fail(mutex: Any) -> bool:
        raise ConnectionError("gone")

    cls = MemcachedLock if fleet.name in MEMCACHED else type(fleet.mutex("key"))
    monkeypatch.setattr(cls, "drop", fail)
    if many:
        assert region.get_or_create_multi(["key"], lambda *keys: [1]) == [1]
    else:
        assert region.get_or_create("key", lambda: 1) == 1
    assert region.get("key") == 1


def test_two_regions_share_one_creation_of_a_missing_value(fleet: Fleet) -> None:
    creation = Creation("value")
    calls = [Call(fleet.region().get_or_create, "key", creation) for _ in range(2)]
    creation.wait_for_start()
    creation.end()
    assert [call.result() for call in calls] == ["value", "value"]
    assert len(creation.calls) == 1


def test_two_regions_share_one_creation_of_a_stale_value(
    fleet: Fleet, clock: SettableClock
) -> None:
    one, other = fleet.region(), fleet.region()
    one.set("key", "old")
    clock.move(11)
    creation = Creation("new")
    call = Call(one.get_or_create, "key", creation)
    creation.wait_for_start()
    assert other.key_is_locked("key")
    assert other.get_or_create("key", creation) == "old"
    creation.end()
    assert call.result() == "new"
    assert other.get_or_create("key", creation) == "new"
    assert len(creation.calls) == 1


def test_the_renewal_of_a_lease_ends_with_it(fleet: Fleet) -> None:
    mutex = fleet.mutex("key", lock_timeout=0.3)
    mutex.acquire(False)
    mutex.release()
    client = fleet.client()
    client.set(fleet.lock_name("key"), b"of another")
    time.sleep(0.15)  # more than the third of the time, when a renewal would be due
    assert client.get(fleet.lock_name("key")) == b"of another"
    client.delete(fleet.lock_name("key"))


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("fleet", REDIS, indirect=True)
def test_thread_local_lock_has_no_bad_value(fleet: Fleet, accepted: bool) -> None:
    region = fleet.region(thread_local_lock=accepted)

    def run(region: Any, key: str, creator: Any, mutex: Any) -> None:
        Call(lambda: (region.set(key, creator()), mutex.release()))

    region.async_creation_runner = run
    region.set("key", "old")
    fleet.clock.move(11)
    assert region.get_or_create("key", lambda: "new") == "old"
    eventually(lambda: region.get("key") == "new" and not region.key_is_locked("key"))


@pytest.mark.parametrize("fleet", REDIS, indirect=True)
def test_lock_blocking_false_makes_a_missing_value_without_waiting(
    fleet: Fleet,
) -> None:
    held = fleet.mutex("key")
    held.acquire(False)
    region = fleet.region(lock_blocking=False)
    assert region.get_or_create("key", lambda: "at once") == "at once"
    assert held.release() is not False


@pytest.mark.parametrize("fleet", REDIS, indirect=True)
def test_lock_blocking_timeout_bounds_the_wait(fleet: Fleet) -> None:
    held = fleet.mutex("key")
    held.acquire(False)
    region = fleet.region(lock_blocking_timeout=0.2)
    assert region.get_or_create("key", lambda: "in the end") == "in the end"
    held.release()


@pytest.mark.parametrize("fleet", REDIS, indirect=True)
@pytest.mark.parametrize("wrong", ["x", "x" * 11, "a b", "lock*", "l\n"])
def test_a_wrong_lock_prefix_is_refused(fleet: Fleet, wrong: str) -> None:
    with pytest.raises(ValueError, match="Allowed are 2 to 10 letters"):
        fleet.region(lock_prefix=wrong)


@pytest.mark.parametrize("fleet", REDIS, indirect=True)
def test_a_lock_prefix_stands_before_the_key(fleet: Fleet) -> None:
    mutex = fleet.mutex("key", lock_prefix="_lk.")
    mutex.acquire(False)
    name = fleet.lock_name("key").replace("_lock", "_lk.")
    assert fleet.client().exists(name)
    mutex.release()


@pytest.mark.parametrize("fleet", ["pymemcache"], indirect=True)
def test_a_memcached_lease_is_never_shorter_than_asked(fleet: Fleet) -> None:
    """Memcached counts whole seconds, of which one may have almost passed."""
    asked = {f"key-{i}": (0.2, 1, 1.5)[i % 3] for i in range(12)}
    client, taken = fleet.client(), {}
    for number, (key, seconds) in enumerate(asked.items()):
        mutex = fleet.mutex(key, lock_timeout=seconds)
        mutex.token = b"lease:not renewed"
        assert mutex.take()
        taken[mutex.name] = (time.monotonic(), seconds)
        if number % 3 == 2:
            time.sleep(0.25)  # to another point of memcached's second
    while taken:
        for name, (start, seconds) in list(taken.items()):
            if client.get(name) is None:
                assert time.monotonic() - start >= seconds
                del taken[name]


def test_a_lease_whose_renewal_cannot_start_is_given_back(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(lease, "_renewals", lease._Renewals())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            fleet.mutex("key").acquire(False)
    mutex = fleet.mutex("key")
    assert mutex.acquire(False)
    assert lease._renewals._thread is not None
    assert lease._renewals._thread.is_alive()
    mutex.release()
