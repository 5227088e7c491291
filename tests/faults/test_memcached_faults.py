"""Memcached that hangs, is cut off, late or garbled: errors, and never another's answer."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.aio import make_async_region
from dogpile_cache.backend import is_callers_fault
from dogpile_cache.exception import BackendUnavailable, ValueTooLarge
from dogpile_cache.plugins import load_backend
from dogpile_cache.tasks.backend import Immediate
from dogpile_cache.testing import SettableClock
from tests.servers import Memcached
from tests.servers.faults import FaultyProxy
from tests.unit.shared import MEMCACHED, threads_leave_clients

from .conftest import Loop

pytestmark = [pytest.mark.server, threads_leave_clients]

WATCHDOG = 20
FAULTS = ["refuse", "hang", "cut", "delay", "garble"]
CLIENTS = [*MEMCACHED, "emcache"]
TIMEOUTS = {"connect_timeout", "timeout", "socket_timeout"}
SHORT, LATE = 0.4, 0.8
LARGE = random.Random(0).randbytes(2 << 20)  # which no client makes small
Call = Callable[..., Any]


class Used:
    """Use a backend, of threads or of tasks, as one of threads."""

    def __init__(self, client: str, loop: Loop, port: int, **arguments: Any) -> None:
        name = "pymemcache" if client == "emcache" else client
        self.name = f"dogpile.cache.{name}"
        cls = load_backend(self.name)
        timeouts = dict.fromkeys(TIMEOUTS & {*cls.options}, SHORT)
        where = {"url": f"127.0.0.1:{port}", "distributed_lock": True}
        self.arguments = arguments = {**where, **timeouts, **arguments}
        self.loop = loop
        self.awaits = client == "emcache"
        backend: Any = cls(arguments)
        self.backend = backend.awaited() if self.awaits else backend
        self._thread = ThreadPoolExecutor(1)

    def __getattr__(self, name: str) -> Call:
        return partial(self.run, getattr(self.backend, name))

    def run(self, call: Call, *args: Any) -> Any:
        """Return what a call returns, or fail when the watchdog barks."""
        if self.awaits:
            return asyncio.run_coroutine_threadsafe(call(*args), self.loop.loop).result(
                WATCHDOG
            )
        return self._thread.submit(call, *args).result(WATCHDOG)

    def take(self, key: str) -> Any:
        return self.run(self.backend.get_mutex(key).take)

    def region(self, clock: SettableClock) -> Any:
        make: Any = make_async_region if self.awaits else make_region
        region = make(clock=clock, name="faulty")
        return region.configure(self.name, 100, self.arguments)

    def of(self, region: Any, method: str, *args: Any) -> Any:
        return self.run(getattr(region, method), *args)

    def close(self) -> None:
        self._thread.shutdown()
        if self.awaits:
            self.run(self.backend.aclose)


@pytest.fixture
def proxy(memcached_server: Memcached) -> Iterator[FaultyProxy]:
    with FaultyProxy(memcached_server.port, LATE) as proxy:
        yield proxy


@pytest.fixture(params=CLIENTS)
def used(
    request: pytest.FixtureRequest, loop: Loop, proxy: FaultyProxy
) -> Iterator[Used]:
    used = Used(request.param, loop, proxy.port)
    yield used
    used.close()


def raises(used: Used, call: Call, *args: Any, or_miss: bool = False) -> None:
    """Check that a call raises an error of the backend."""
    try:
        found = call(*args)
    except Exception as error:  # each library has its own
        assert not is_callers_fault(used.backend, error)
    else:
        assert or_miss and found in (NO_VALUE, [NO_VALUE, NO_VALUE]), found


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_answer_is_an_error_and_its_answer_is_never_anothers(
    used: Used, proxy: FaultyProxy, fault: str
) -> None:
    values = {"one": b"first", "other": b"second"}
    calls: list[tuple[Call, tuple[Any, ...]]] = [
        (used.get, ("one",)),
        (used.get_multi, ([*values],)),
        (used.get_serialized, ("one",)),
        (used.set, ("one", b"first")),
        (used.set_multi, (values,)),
        (used.delete, ("third",)),
        (used.delete_multi, (["third", "fourth"],)),
        (used.take, (f"lock-{fault}",)),
    ]
    for call, args in calls:
        used.set_multi(values)
        proxy.fault = fault
        reads = call in (calls[0][0], calls[1][0], calls[2][0])
        raises(used, call, *args, or_miss=reads and fault == "garble")
        proxy.fault = None
        assert [used.get(key) for key in [*values] * 2] == [*values.values()] * 2
        assert used.get_multi([*values]) == [*values.values()]


@pytest.mark.parametrize("fault", FAULTS)
def test_pages_are_served_all_along(
    used: Used, proxy: FaultyProxy, fault: str, clock: SettableClock
) -> None:
    region = used.region(clock)
    made = iter(range(100))

    def create() -> Any:
        return next(made)

    async def create_in_task() -> Any:
        return next(made)

    creator = create_in_task if used.awaits else create
    key = uuid.uuid4().hex
    first = used.of(region, "get_or_create", key, creator)
    proxy.fault = fault
    page = used.of(region, "get_or_create", key, creator)
    assert page > first
    with pytest.raises(Exception) as raised:  # each library has its own
        used.of(region, "delete", key)
    assert not is_callers_fault(used.backend, raised.value)
    proxy.fault = None
    clock.move(6)
    assert used.of(region, "get_or_create", key, creator) > page
    if used.awaits:
        used.run(region.aclose)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_starts_again_is_used_again_by_all_threads(
    client: str, loop: Loop
) -> None:
    with Memcached() as server:
        used = Used(client, loop, server.port)
        used.set("key", b"value")
        go_on, results = threading.Event(), []

        def use() -> None:
            used.backend.set("key", b"value")
            ready.release()
            go_on.wait(WATCHDOG)
            results.append(used.backend.get("key"))

        ready = threading.Semaphore(0)
        others = [threading.Thread(target=use) for _ in range(0 if used.awaits else 3)]
        for other in others:
            other.start()
        for _ in others:
            ready.acquire()
        server.stop()
        for _ in range(4):
            raises(used, used.get, "key")
        server.start()
        assert used.get("key") is NO_VALUE
        go_on.set()
        for other in others:
            other.join(WATCHDOG)
        assert results == [NO_VALUE] * len(others)
        used.set("key", b"other value")
        assert used.get("key") == b"other value"
        used.close()


@pytest.mark.parametrize("client", ["pymemcache", "memcached", "emcache"])
def test_a_key_that_the_client_refuses_is_its_callers_fault(
    client: str, loop: Loop, proxy: FaultyProxy, request: pytest.FixtureRequest
) -> None:
    used = Used(client, loop, proxy.port)
    request.addfinalizer(used.close)
    with pytest.raises(Exception, match=r"whitespace|space characters|charcters") as it:
        used.get("two words")
    assert is_callers_fault(used.backend, it.value)
    in_a_thread = Immediate(used.backend)
    assert is_callers_fault(in_a_thread, it.value)


def test_a_value_that_is_too_large_names_its_key_and_its_size(used: Used) -> None:
    used.set("large", b"small")
    with pytest.raises(ValueTooLarge, match=f"'large' has {len(LARGE)}"):
        used.set("large", LARGE)
    with pytest.raises(ValueTooLarge, match="'large'") as raised:
        used.set_multi({"large": LARGE, "small": b"kept"})
    assert raised.value.sizes == {"large": len(LARGE)}
    assert used.get("small") == b"kept"


def test_a_page_that_is_too_large_is_served_and_no_older_one_stays(
    used: Used, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    region = used.region(clock)
    used.of(region, "set", "page", b"old")
    with caplog.at_level(logging.WARNING):
        used.of(region, "set", "page", LARGE)
    assert "'page'" in caplog.text
    assert used.of(region, "get", "page") is NO_VALUE
    used.of(region, "set_multi", {"page": b"old"})
    used.of(region, "set_multi", {"page": LARGE, "other": b"new"})
    assert used.of(region, "get_multi", ["page", "other"]) == [NO_VALUE, b"new"]
    assert not region._store.backend.circuit.troubled
    if used.awaits:
        used.run(region.aclose)


def test_a_replica_that_answers_is_enough_to_read(
    memcached_server: Memcached,
    proxy: FaultyProxy,
    loop: Loop,
    request: pytest.FixtureRequest,
) -> None:
    addresses = f"127.0.0.1:{proxy.port},127.0.0.1:{memcached_server.port}"
    used = Used("bmemcached", loop, proxy.port, url=addresses)
    request.addfinalizer(used.close)
    used.set("replicated", b"value")
    proxy.fault = "refuse"
    assert used.get("replicated") == b"value"
    with pytest.raises(BackendUnavailable, match=str(proxy.port)):
        used.delete("replicated")


def test_what_pymemcache_leaves_alone_is_no_miss(
    proxy: FaultyProxy, loop: Loop, request: pytest.FixtureRequest
) -> None:
    arguments = {
        "enable_retry_client": True,
        "retry_attempts": 2,
        "hashclient_retry_attempts": 2,
        "hashclient_retry_timeout": 60,
    }
    used = Used("pymemcache", loop, proxy.port, **arguments)
    request.addfinalizer(used.close)
    proxy.fault = "refuse"
    with pytest.raises(BackendUnavailable, match="retry_timeout is not over"):
        used.get("key")


@pytest.mark.parametrize("backend", MEMCACHED)
def test_none_stands_for_the_default_timeouts(backend: str) -> None:
    names = {"connect_timeout": 0.5, "timeout": 1.0, "socket_timeout": 1.0}
    cls = load_backend(f"dogpile.cache.{backend}")
    given = {name: None for name in names if name in cls.options}
    made: Any = cls({"url": "127.0.0.1:11211", **given})
    assert given
    assert {name: getattr(made, name) for name in given} == {
        name: names[name] for name in given
    }


def test_behaviors_go_first() -> None:
    behaviors = {"receive_timeout": 12345, "_poll_timeout": 77}
    arguments = {"url": "127.0.0.1:11211", "timeout": 2, "behaviors": behaviors}
    backend: Any = load_backend("dogpile.cache.pylibmc")(arguments)
    found = backend.client.behaviors
    assert (found["receive_timeout"], found["_poll_timeout"]) == (12345, 77)
    assert (found["send_timeout"], found["connect_timeout"]) == (2000000, 500)
