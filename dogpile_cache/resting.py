"""Creators that failed, and are left alone for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .protocols import Clock

MOST = 10_000
"""How many are remembered; beyond them, one that fails is tried again at once."""


class Resting:
    """Know which creators are left alone, by the mangled keys of their values."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[Any, tuple[float, float]] = {}  # and for how many seconds

    def add(self, id: Any, seconds: float) -> None:
        """Leave a creator alone for some seconds."""
        if len(self._since) >= MOST:
            self._since = {id: rest for id, rest in self._since.items() if id in self}
        if len(self._since) < MOST:
            self._since[id] = self._clock.time(), seconds

    def discard(self, id: Any) -> None:
        """Leave a creator alone no longer."""
        self._since.pop(id, None)

    def __contains__(self, id: Any) -> bool:
        if not self._since:
            return False
        since, seconds = self._since.get(id, (0.0, 0.0))
        return 0 <= self._clock.time() - since < seconds

    def __len__(self) -> int:
        return len(self._since)
