"""Creators that failed, and are left alone for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .protocols import Clock

MOST = 10_000
"""How many are remembered; beyond them, one that fails is tried again at once."""


class Resting:
    """Know until when the creators of some mangled keys are left alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[Any, float] = {}

    def add(self, id: Any, seconds: float) -> None:
        """Leave a creator alone for some seconds."""
        now = self._clock.time()
        if len(self._until) >= MOST:
            self._until = {i: time for i, time in self._until.items() if time > now}
        if len(self._until) < MOST:
            self._until[id] = now + seconds

    def discard(self, id: Any) -> None:
        """Leave a creator alone no longer."""
        self._until.pop(id, None)

    def __contains__(self, id: Any) -> bool:
        until = self._until.get(id)
        return until is not None and self._clock.time() < until

    def __len__(self) -> int:
        return len(self._until)
