"""Invalidations that reach other processes, for regions for tasks."""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

from typing import Any

from dogpile_cache.api import NO_VALUE
from dogpile_cache.invalidation import (
    LEFT_ALONE,
    DefaultInvalidationStrategy,
    SharedInvalidationStrategy,
)
from dogpile_cache.report import warning

from .background import in_background


class AsyncSharedInvalidationStrategy(SharedInvalidationStrategy):
    """Keep the time of the last invalidation in a backend, for all its processes.

    A task that reads values has it looked for now and then, in the background; so an
    invalidation by another process counts a little later than ``interval`` seconds.  The
    parameters are those of
    :class:`~dogpile_cache.invalidation.SharedInvalidationStrategy`.
    """

    @property
    def latest(self) -> float:
        """When the last invalidation was, as far as is known."""
        now = self._clock.time()
        if not 0 <= now - self._looked < self._pause:
            self._looked = now
            in_background(self._look())
        return self._latest

    @latest.setter
    def latest(self, latest: float) -> None:
        self._latest = latest

    async def invalidate(self, hard: bool = True) -> None:
        await self._look()
        DefaultInvalidationStrategy.invalidate(self, hard)
        self._untold = True
        await self._tell()

    async def _tell(self) -> None:
        backend: Any = self._backend
        await backend.set_serialized(self._key, self._told())
        self._untold = False

    async def _look(self) -> None:
        backend: Any = self._backend
        try:
            stored = await backend.get_serialized(self._key)
            if stored is not NO_VALUE:
                self._hear(stored)
            if self._untold:
                await self._tell()
            self._pause = self._interval
        except Exception:  # noqa: BLE001  # a backend may raise anything
            self._pause = max(self._interval, LEFT_ALONE)
            warning("Whether %r was invalidated is unknown", self._key, exc_info=True)
