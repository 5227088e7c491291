"""A clock for tests."""

from __future__ import annotations


class SettableClock:
    """Be a clock that stands still until it is moved.

    ::

        clock = SettableClock()
        region = make_region(clock=clock).configure(..., expiration_time=60)
        clock.move(61)  # what was in the cache has now expired
    """

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def time(self) -> float:
        """Return the time in seconds since the epoch."""
        return self.now

    def move(self, seconds: float) -> None:
        """Go forward by some seconds; or back, if they are less than 0."""
        self.now += seconds
