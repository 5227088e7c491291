"""Calls in threads, creations that wait, and waiting for a fact: no test sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 10.0
"""Seconds after which a test gives up what never came."""


class Call:
    """Be one call that runs in a thread of its own."""

    def __init__(self, fn: Callable[..., Any], *args: Any) -> None:
        self._fn = fn
        self._args = args
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._fn(*self._args)
        except BaseException as error:
            self._error = error

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        """Return what the call returned, or raise what it raised."""
        self._thread.join(PATIENCE)
        assert self.has_ended, f"{self._fn!r} has not ended after {PATIENCE} s"
        if self._error is not None:
            raise self._error
        return self._value


class Creation:
    """Be a creator that tells when it has started and waits to be told to go on."""

    def __init__(self, value: Any, *, paused: bool = True) -> None:
        self._value = value
        self._started = threading.Event()
        self._may_end = threading.Event()
        self.calls: list[tuple[Any, ...]] = []
        if not paused:
            self.end()

    def __call__(self, *args: Any) -> Any:
        self.calls.append(args)
        self._started.set()
        assert self._may_end.wait(PATIENCE), "nobody let the creation end"
        return self._value

    def wait_for_start(self) -> None:
        assert self._started.wait(PATIENCE), "the creation has not started"

    def end(self) -> None:
        self._may_end.set()


def eventually(fact: Callable[[], Any]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < deadline, f"{fact!r} has not come true"
        time.sleep(0.002)
