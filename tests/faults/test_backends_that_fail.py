"""Reads fail open, writes are made up for, deletions are raised; the circuit breaker."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.events import Event, Kind
from dogpile_cache.testing import SettableClock
from tests.unit.threads import Call, Creation, eventually

from .flaky import Away, Server

Make = Callable[..., Any]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def region(make: Make, server: Server) -> Any:
    return flaky(make, server)


def flaky(make: Make, server: Server, **settings: Any) -> Any:
    arguments = {"server": server, **settings.pop("arguments", {})}
    return make(name="short").configure(
        "tests.flaky", expiration_time=100, arguments=arguments, **settings
    )


def come_back(region: Any, server: Server, clock: SettableClock) -> None:
    """Have the server back, and all made up for that it has missed."""
    server.away = False
    clock.move(6)
    region.get("any")
    eventually(lambda: not region._store.backend.circuit.troubled)


def test_a_page_is_served_all_the_same(region: Any, server: Server) -> None:
    region.set("key", "old")
    server.away = True
    assert region.get_or_create("key", lambda: "made") == "made"
    assert region.get_or_create_multi(["key", "b"], lambda *keys: [*keys]) == [
        "key",
        "b",
    ]
    assert region.get("key") is NO_VALUE
    assert region.get_multi(["key", "b"]) == [NO_VALUE, NO_VALUE]
    assert region.get_value_metadata("key") is None
    region.set("key", "new")
    region.set_multi({"key": "newer"})


def test_the_creator_runs_once_for_all_callers_of_the_process(
    region: Any, server: Server
) -> None:
    server.away = True
    creation = Creation("made")
    waiting = []
    wait = region._flights.wait
    region._flights.wait = lambda *args: (waiting.append(1), wait(*args))[1]
    callers = [Call(region.get_or_create, "key", creation)]
    creation.wait_for_start()
    callers += [Call(region.get_or_create, "key", creation) for _ in range(3)]
    eventually(lambda: len(waiting) == 3)
    creation.end()
    assert [caller.result() for caller in callers] == ["made"] * 4
    assert len(creation.calls) == 1


def test_of_many_keys_each_is_made_once_while_the_backend_is_left_alone(
    region: Any, server: Server
) -> None:
    server.away = True
    for _ in range(3):
        region.get("key")
    first, asked = Creation(["a", "b"]), []
    caller = Call(region.get_or_create_multi, ["a", "b"], first)
    first.wait_for_start()

    def create(*keys: str) -> list[str]:
        asked.append(keys)
        return [*keys]

    other = Call(region.get_or_create_multi, ["b", "c"], create)
    eventually(lambda: asked == [("c",)])
    first.end()
    assert caller.result() == ["a", "b"]
    assert other.result() == ["b", "c"]
    assert asked == [("c",)]
    assert first.calls == [("a", "b")]
    assert server.calls == ["get"] * 3

    def fail(*keys: str) -> list[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        region.get_or_create_multi(["a", "b"], fail)
    assert region.get_or_create_multi(["a", "a"], create) == ["a", "a"]


def test_keys_that_the_backend_knows_as_one_are_made_together(
    make: Make, server: Server
) -> None:
    region = make(key_mangler=str.lower).configure(
        "tests.flaky", arguments={"server": server}
    )
    server.away = True
    for _ in range(3):
        region.get("key")
    found = region.get_or_create_multi(["a", "A", "b"], lambda *keys: [*keys])
    assert found == ["a", "a", "b"]


def test_a_lock_that_cannot_be_asked_for_is_gone_without(
    make: Make, server: Server
) -> None:
    region = flaky(make, server, arguments={"distributed_lock": True})
    server.away = True
    for _ in range(5):
        assert region.get_or_create("key", lambda: "made") == "made"
    server.away = False


@pytest.mark.parametrize("broken", ["acquire", "pause", "release"])
def test_a_lock_that_breaks_on_the_way_stops_nobody(
    make: Make, server: Server, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = flaky(make, server, arguments={"distributed_lock": True})
    call = server.call

    def breaking(name: str) -> None:
        server.calls.append(name)
        if name == broken:
            raise Away

    monkeypatch.setattr(server, "call", breaking)
    if broken == "pause":
        server.locks.add("key")
    assert region.get_or_create("key", lambda: "made") == "made"
    assert broken in server.calls
    monkeypatch.setattr(server, "call", call)
    assert region.get_or_create("key", lambda: "again") == "made"


def test_writes_that_fail_are_logged(
    region: Any, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.away = True
    region.set("key", "value")
    assert "'short'" in caplog.text
    assert "nobody there" in caplog.text


def test_deletions_that_fail_are_raised(region: Any, server: Server) -> None:
    server.away = True
    for _ in range(5):  # with the circuit closed, and open
        with pytest.raises(Away):
            region.delete("key")
        with pytest.raises(Away):
            region.delete_multi(["key", "other"])


def test_the_old_behaviour_can_be_had(make: Make, server: Server) -> None:
    region = flaky(make, server, on_backend_error="raise")
    server.away = True
    for call in (
        lambda: region.get("key"),
        lambda: region.get_or_create("key", lambda: 1),
        lambda: region.get_or_create_multi(["key"], lambda *keys: [1]),
        lambda: region.set("key", 1),
        lambda: region.set_multi({"key": 1}),
    ):
        with pytest.raises(Away):
            call()


def test_what_the_caller_did_wrong_is_told_the_caller(
    region: Any, server: Server
) -> None:
    server.away, server.error = True, TypeError("keys are strings")
    for call in (
        lambda: region.get("key"),
        lambda: region.get_or_create_multi(["key"], lambda *keys: [1]),
        lambda: region.set("key", 1),
        lambda: region.set_multi({"key": 1}),
    ):
        with pytest.raises(TypeError, match="keys are strings"):
            call()
    assert not region._store.backend.circuit.troubled


def test_after_some_failures_the_backend_is_left_alone(
    make: Make, server: Server, clock: SettableClock
) -> None:
    region = flaky(make, server, failure_threshold=4, recovery_time=7)
    server.away = True
    for _ in range(10):
        assert region.get("key") is NO_VALUE
    assert len(server.calls) == 4
    for _ in range(10):
        assert region.get_or_create("key", lambda: "made") == "made"
    assert len(server.calls) == 4


def test_one_caller_probes_now_and_then(
    make: Make, server: Server, clock: SettableClock
) -> None:
    region = flaky(make, server, failure_threshold=2, recovery_time=7)
    server.away = True
    for moved, calls in ((0, 2), (6.9, 2), (0.2, 3), (6.9, 3), (0.2, 4)):
        clock.move(moved)
        for _ in range(5):
            region.get("key")
        assert len(server.calls) == calls
    server.away = False
    clock.move(7.1)
    server.values.clear()
    region.get("key")
    region.set("key", "value")
    assert region.get("key") == "value"


def test_failures_that_are_not_in_a_row_do_not_open_the_circuit(
    region: Any, server: Server
) -> None:
    for _ in range(5):
        server.away = True
        region.get("key")
        region.get("key")
        server.away = False
        region.get("key")
    assert len(server.calls) == 15


def test_values_that_were_missed_are_written_on_recovery(
    region: Any, server: Server, clock: SettableClock
) -> None:
    server.away = True
    region.set("key", "first")
    clock.move(1)
    region.set("key", "second")
    region.set_multi({"a": 1, "b": 2})
    assert server.values == {}
    come_back(region, server, clock)
    assert region.get_multi(["key", "a", "b"]) == ["second", 1, 2]


def test_values_made_while_it_was_left_alone_are_not_kept(
    region: Any, server: Server, clock: SettableClock
) -> None:
    region.set("key", "in the backend")
    server.away = True
    for _ in range(5):
        assert region.get_or_create("key", lambda: "made meanwhile") == "made meanwhile"
    come_back(region, server, clock)
    assert region.get("key") in {"in the backend", "made meanwhile"}


def test_deletions_that_were_missed_are_made_up_for(
    make: Make, server: Server, clock: SettableClock
) -> None:
    region = flaky(make, server, arguments={"distributed_lock": True})
    region.set_multi({"key": "old", "other": "old", "kept": "kept"})
    server.away = True
    for delete in (
        lambda: region.delete("key"),
        lambda: region.delete_multi(["other"]),
    ):
        with pytest.raises(Away):
            delete()
    come_back(region, server, clock)
    assert sorted(server.values) == ["kept"]
    assert {"key", "other"} <= {*server.revoked}


def test_the_last_change_of_a_key_counts(
    region: Any, server: Server, clock: SettableClock
) -> None:
    region.set("deleted", "old")
    server.away = True
    region.set("deleted", "new")
    with pytest.raises(Away):
        region.delete("deleted")
    with pytest.raises(Away):
        region.delete("set")
    region.set("set", "last")
    come_back(region, server, clock)
    assert region.get("deleted") is NO_VALUE
    assert region.get("set") == "last"


def test_a_newer_value_of_another_process_is_not_overwritten(
    make: Make, region: Any, server: Server, clock: SettableClock
) -> None:
    server.away = True
    region.set("key", "ours")
    clock.move(1)
    server.away = False
    other = flaky(make, server)
    other.set("key", "theirs")
    come_back(region, server, clock)
    assert region.get("key") == "theirs"


def test_what_should_be_gone_is_not_served_before_it_is(
    region: Any, server: Server, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    region.set("key", "old")
    server.away = True
    with pytest.raises(Away):
        region.delete("key")
    server.away = False
    monkeypatch.setattr(region._store.backend.circuit, "_recover", lambda: None)
    assert region.get("key") is NO_VALUE
    assert region.get_multi(["key"]) == [NO_VALUE]
    assert region.get_or_create("key", lambda: "new") == "new"
    assert region.get("key") == "new"


def test_a_recovery_that_fails_goes_on_later(
    region: Any, server: Server, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.away = True
    for number in range(5):
        region.set(f"key {number}", number)
    call, answers = server.call, []

    def briefly(name: str) -> None:
        answers.append(name)
        if len(answers) > 4:
            raise Away
        call(name)

    server.away = False
    monkeypatch.setattr(server, "call", briefly)
    clock.move(6)
    region.get("any")
    circuit = region._store.backend.circuit
    eventually(lambda: len(answers) > 4 and not circuit.recovers)
    assert 0 < len(circuit.missed) < 5
    monkeypatch.setattr(server, "call", call)
    come_back(region, server, clock)
    assert sorted(server.values) == [f"key {number}" for number in range(5)]


def test_what_is_remembered_is_bounded(
    region: Any,
    server: Server,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("dogpile_cache.missed.MOST_KEYS", 3)
    monkeypatch.setattr("dogpile_cache.missed.MOST_BYTES", 1000)
    region.set_multi({"large": "old", "small": "old"})
    server.away = True
    region.set("small", "new")
    region.set("large", "x" * 2000)
    assert len(region._store.backend.circuit.missed) == 2
    come_back(region, server, clock)
    assert region.get("small") == "new"
    assert region.get("large") is NO_VALUE  # and not the old one
    server.away = True
    for number in range(5):
        region.set(number, number)
    assert len(region._store.backend.circuit.missed) == 3
    assert "the oldest are forgotten" in caplog.text


def test_listeners_are_told(region: Any, server: Server, clock: SettableClock) -> None:
    events: list[Event] = []
    region.listeners.append(events.append)
    server.away = True
    for _ in range(5):
        region.get("key")
    come_back(region, server, clock)
    told = [e for e in events if e.kind.name.startswith(("BACKEND", "CIRCUIT"))]
    assert [e.kind for e in told] == [
        Kind.BACKEND_FAILED,
        Kind.BACKEND_FAILED,
        Kind.BACKEND_FAILED,
        Kind.CIRCUIT_OPENED,
        Kind.CIRCUIT_CLOSED,
    ]
    assert told[0].error is server.error
    assert {e.region for e in told} == {"short"}


def test_a_backend_in_the_process_is_not_guarded(make: Make) -> None:
    region = make().configure("dogpile.cache.memory")
    assert not hasattr(region._store.backend, "circuit")


def test_a_value_that_cannot_be_taken_back_is_not_served(
    region: Any, server: Server, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = server.call

    def overtaking(name: str) -> None:
        if name == "set":
            region._flights.supersede("key")  # as a deletion does that comes meanwhile
        if name == "delete":
            raise Away
        call(name)

    monkeypatch.setattr(server, "call", overtaking)
    assert region.get_or_create("key", lambda: "overtaken") == "overtaken"
    assert region.get("key") is NO_VALUE
    monkeypatch.setattr(server, "call", call)
    come_back(region, server, clock)
    assert server.values == {}


def test_a_clock_that_is_set_back_does_not_keep_the_circuit_open(
    region: Any, server: Server, clock: SettableClock
) -> None:
    server.away = True
    for _ in range(5):
        region.get("key")
    server.away = False
    clock.move(-3600)
    server.values.clear()
    region.get("key")
    region.set("key", "value")
    assert region.get("key") == "value"


def test_a_forked_child_begins_with_a_closed_circuit(server: Server) -> None:
    region = make_region().configure("tests.flaky", arguments={"server": server})
    server.away = True
    for _ in range(5):
        region.get("key")
    region.set("key", "missed")
    store: Any = region._store
    with store.backend.circuit._guard:  # as another thread may hold it just then
        child = os.fork()
        if child == 0:
            server.away = False
            region.set("other", "value")
            os._exit(0 if region.get("other") == "value" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.backend.circuit.is_open
