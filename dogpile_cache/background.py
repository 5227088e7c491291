"""Stale values made anew by threads in the background, for regions for threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .entry import RegionEntry
from .exception import ValidationError
from .flow import drive
from .forking import forget_after_fork
from .options import POSITIVE
from .regenerate import refresh
from .report import warning

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .base import BaseRegion
    from .mutex import Handover


class ThreadPoolRunner:
    """Be an ``async_creation_runner`` that makes stale values anew in a pool of threads.

    Everybody is served the stale value meanwhile.  An invalidation or a deletion that
    comes while the value is made wins over it.

    :param max_workers: how many threads there are, and so how many creations at once.
    :raises ValidationError: that is not a whole number from 1.
    """

    def __init__(self, max_workers: int = 4) -> None:
        if not POSITIVE.accepts(max_workers):
            raise ValidationError(
                f"max_workers is {max_workers!r}; allowed are {POSITIVE.allowed}."
            )
        self._max_workers = max_workers
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Begin anew: a forked child has none of the threads."""
        self._guard = threading.Lock()
        self._pool: Any = None
        self._under_way: set[Future[None]] = set()

    def __call__(
        self, region: BaseRegion, key: Any, creator: Callable[[], Any], mutex: Handover
    ) -> None:
        from concurrent.futures import ThreadPoolExecutor  # costly, and rarely needed

        with self._guard:
            if self._pool is None:
                name = "dogpile_cache refresh"
                self._pool = ThreadPoolExecutor(self._max_workers, name)
            work = self._pool.submit(_refresh, region, key, creator, mutex)
            self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)

    def wait(self) -> None:
        """Wait until all values that are being made have been made."""
        for work in list(self._under_way):
            work.exception()

    def shutdown(self) -> None:
        """Wait, and end the threads; a later call starts new ones."""
        with self._guard:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()


def _refresh(
    region: BaseRegion, key: Any, creator: Callable[[], Any], mutex: Handover
) -> None:
    try:
        entry = RegionEntry(region, key, creator, None, None)
        entry.mutex = mutex.mutex  # type: ignore[assignment]  # the one that is held
        drive(refresh(entry, mutex))
    except BaseException:
        warning("The value of %r was not made anew", key, exc_info=True)
        raise
