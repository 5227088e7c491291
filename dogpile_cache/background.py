"""Stale values made anew by threads in the background, for regions for threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from .exception import ValidationError
from .flow import Flow, drive
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
        self.refresh(mutex)

    def refresh(self, handover: Handover) -> None:
        """Have a thread make what was handed over, in the context of the caller."""
        from concurrent.futures import ThreadPoolExecutor  # costly, and rarely needed

        with self._guard:
            if self._pool is None:
                name = "dogpile_cache refresh"
                self._pool = ThreadPoolExecutor(self._max_workers, name)
            work = self._pool.submit(copy_context().run, _drive, refresh(handover))
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


def _drive(flow: Flow[None]) -> None:
    try:
        drive(flow)
    except Exception:  # noqa: BLE001  # nobody else will hear of it
        warning("Work in the background failed", exc_info=True)


refresh_ahead = ThreadPoolRunner().refresh
"""Has values that will soon expire made anew, in a few threads."""


def apart(flow: Flow[None]) -> None:
    """Have a flow taken to its end by a thread of its own, in the caller's context.

    Were there but a few threads, creators that wait for each other could fill them.
    """
    work = threading.Thread(
        target=copy_context().run,
        args=(_drive, flow),
        name="dogpile_cache creator",
        daemon=True,
    )
    work.start()


def refresh_apart(handover: Handover) -> None:
    """Have a thread of its own make what was handed over."""
    apart(refresh(handover))
