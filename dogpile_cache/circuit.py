"""A circuit breaker: a backend that keeps failing is left alone for a while.

After ``failure_threshold`` failures in a row the circuit *opens*: for ``recovery_time``
seconds the backend is not asked.  Then one caller after the other, each that many seconds
apart, *probes* it; the first one that gets an answer closes the circuit.

Source: Nygard, "Release It!", 2007; Fowler, "CircuitBreaker", 2014.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE
from .events import Kind, tell
from .forking import forget_after_fork
from .missed import Missed
from .report import warning

if TYPE_CHECKING:
    from collections.abc import Callable

    from .binding import Binding
    from .exception import ValueTooLarge

_FAILED, _OPENED, _CLOSED = (
    Kind.BACKEND_FAILED,
    Kind.CIRCUIT_OPENED,
    Kind.CIRCUIT_CLOSED,
)


class Circuit:
    """Know whether a backend can be asked, and what it has missed.

    :param recover: is called when the backend answers and has missed something.
    """

    troubled: bool
    """Whether there is anything to look at before the backend is asked."""

    def __init__(self, region: Binding, recover: Callable[[], None]) -> None:
        self._region = region
        self._recover = recover
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Begin anew in a forked child: its parent makes up for what was missed."""
        self.troubled = False
        self.missed = Missed()
        self.recovers = False
        """Whether what it has missed is just being made up for."""
        self._guard = threading.Lock()
        self._failures = 0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether the backend is left alone."""
        return self._failures >= self._region.settings.failure_threshold

    @property
    def is_away(self) -> bool:
        """Tell whether the backend is left alone, and nobody is to probe it just now."""
        left = self._until - self._region.clock.time()
        return self.is_open and 0 < left <= self._region.settings.recovery_time

    def allows(self) -> bool:
        """Tell whether the backend may be asked now.

        Of an open circuit this is said to one caller, who is to ask it.
        """
        if not self.is_open:
            return True
        if self.is_away:
            return False
        with self._guard:
            is_first = not self.is_away
            pause = self._region.settings.recovery_time
            self._until = self._region.clock.time() + pause
        return is_first

    def shows(self, id: Any) -> bool:
        """Tell whether what the backend has under a mangled key may be served."""
        return id not in self.missed and self.allows()

    def miss(self, id: Any, stored: Any = NO_VALUE) -> None:
        """Remember a write, or by default a deletion, that did not take place."""
        with self._guard:
            self.missed.add(id, stored)
            self.troubled = True

    def fail(self, error: Exception) -> None:
        """Count a failure."""
        settings, region = self._region.settings, self._region
        with self._guard:
            self._failures += 1
            self.troubled = True
            opens = self._failures == settings.failure_threshold
            if self.is_open:
                self._until = region.clock.time() + settings.recovery_time
        warning("The backend of the region %r failed", region.name, exc_info=error)
        if region._watched:
            tell(region, _FAILED, error=error)
            if opens:
                tell(region, _OPENED)

    def refuse(self, error: ValueTooLarge) -> list[Any]:
        """Return the keys of what the backend does not keep; the log tells.

        They are to be deleted, so that no older values stay.
        """
        warning("The region %r goes without a value: %s", self._region.name, error)
        return [*error.sizes]

    def succeed(self) -> None:
        """Note that the backend has answered."""
        with self._guard:
            closes, self._failures = self.is_open, 0
            self.troubled = bool(self.missed)
            recovers = self.troubled and not self.recovers
            self.recovers = self.recovers or recovers
        if closes:
            warning("The backend of the region %r is back", self._region.name)
            if self._region._watched:
                tell(self._region, _CLOSED)
        if recovers:
            self._recover()
