"""Listeners are told what happens, and what they do reaches nobody else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from dogpile_cache.events import Event, Kind, Listener, tell

from .threads import Call

KINDS = [
    "hit", "miss", "stale", "created", "waited", "creator_failed", "backend_failed",
    "circuit_opened", "circuit_closed", "evicted", "rejected",
]  # fmt: skip


def watched(*listeners: Listener) -> Any:
    return SimpleNamespace(name="short", listeners=[*listeners])


class Failing:
    """Fail at each event, and be nothing that can be hashed or weakly referred to."""

    __slots__ = ("calls",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, event: Event) -> None:
        self.calls += 1
        raise ValueError("no such table")


def test_the_kinds_are_these_and_are_strings() -> None:
    assert [*Kind] == KINDS
    assert [f"{kind} {kind!s}" for kind in Kind] == [f"{k} {k}" for k in KINDS]
    assert {Kind.HIT: 1}["hit"] == 1


def test_each_listener_is_given_the_event() -> None:
    first: list[Event] = []
    second: list[Event] = []
    error = OSError("gone")
    region = watched(first.append, second.append)
    tell(region, Kind.CREATED, "key", 0.5)
    tell(region, Kind.BACKEND_FAILED, error=error)
    assert first == second
    assert first == [
        Event(Kind.CREATED, "short", "key", 0.5, None),
        Event(Kind.BACKEND_FAILED, "short", None, None, error),
    ]
    assert type(first[0]) is Event
    assert first[0].seconds == 0.5


def test_nobody_needs_to_listen() -> None:
    tell(watched(), Kind.HIT, "key")


def test_an_error_of_a_listener_is_logged_once_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Event] = []
    region = watched(Failing(), seen.append)
    for _ in range(3):
        tell(region, Kind.HIT, "a secret key")
    assert len(seen) == region.listeners[0].calls == 3
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.name == "dogpile_cache"
    assert record.getMessage().startswith("The listener Failing of the region 'short'")
    assert "no such table" in caplog.text
    assert "secret" not in caplog.text


def test_each_listener_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def failing(event: Event) -> None:
        raise LookupError

    for listener in (Failing(), failing, Failing(), {}.__getitem__):
        for _ in range(2):
            tell(watched(listener), Kind.HIT)
    assert len(caplog.records) == 4


def test_a_listener_in_the_place_of_one_that_is_gone_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(20):  # each may have the id of the last one
        tell(watched(lambda event: 1 / 0), Kind.HIT)
    assert len(caplog.records) == 20


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError]
)
def test_what_is_no_exception_goes_through(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(event: Event) -> None:
        raise error

    with pytest.raises(error):
        tell(watched(interrupted), Kind.HIT)
    assert not caplog.records


def test_a_listener_may_leave_while_it_is_told() -> None:
    seen: list[Event] = []

    def once(event: Event) -> None:
        region.listeners.remove(once)

    region = watched(once, seen.append)
    tell(region, Kind.HIT)
    tell(region, Kind.MISS)
    assert [event.kind for event in seen] == ["hit", "miss"]


def test_a_listener_that_comes_is_told_of_the_next_event() -> None:
    seen: list[Event] = []

    def invite(event: Event) -> None:
        if seen.append not in region.listeners:
            region.listeners.append(seen.append)

    region = watched(invite)
    tell(region, Kind.HIT)
    tell(region, Kind.MISS)
    assert [event.kind for event in seen] == ["miss"]


def test_threads_tell_and_change_the_list_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Event] = []
    region = watched(Failing(), seen.append)

    def work() -> None:
        def passing(event: Event) -> None:
            pass

        for _ in range(500):
            region.listeners.append(passing)
            tell(region, Kind.HIT)
            region.listeners.remove(passing)

    for call in [Call(work) for _ in range(8)]:
        call.result()
    assert len(seen) == 4000
    assert len(caplog.records) == 1


def test_telling_imports_no_logging_until_there_is_something_to_say() -> None:
    code = (
        "import sys, types;"
        "from dogpile_cache import events, stats;"
        "told = types.SimpleNamespace(name=None, listeners=[stats.Statistics()]);"
        "events.tell(told, events.Kind.HIT);"
        "print('logging' in sys.modules, told.listeners[0].snapshot().hits)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert run.stdout.split() == ["False", "1"]
