"""Locks between processes that outlive no process: leases with a token.

A :class:`Lease` is taken for some seconds under a token that nobody else has.  While
its holder is at work one thread of the process renews all of its leases, each when a
third of its time has passed; so a killed process loses its locks within one lease, and
a slow one keeps them.  Only the holder of the token gives the lease back, and it learns
then whether it had kept it all the time.

A subclass says how the store takes, renews, drops and looks at a lease.
"""

from __future__ import annotations

import heapq
import math
import os
import threading
import time
import weakref
from itertools import count

from .api import CacheMutex
from .forking import forget_after_fork
from .mutex import backoff, longest_wait
from .report import warning

DEFAULT_LEASE = 30.0
"""Seconds that a lease lasts when it is not renewed, unless ``lock_timeout`` is set."""

MARK = b"lease:"
"""What tokens start with; the locks of dogpile.cache have others."""


class Lease(CacheMutex):
    """Be a lock for one key that its store forgets after ``seconds``.

    :param patience: seconds after which one who waits for the lease goes on without it;
        ``None``, the default, for never.
    """

    def __init__(
        self, name: str, seconds: float, patience: float | None = None
    ) -> None:
        self.name = name
        self.seconds = seconds
        self.token = b""
        self.lost = False
        self._patience = math.inf if patience is None else patience
        self._without = False
        self._until = 0.0  # when it has run out, unless it is renewed

    def take(self) -> bool:
        """Store the token unless there is one already; tell whether it was stored."""
        raise NotImplementedError

    def renew(self) -> bool:
        """Begin the lease anew if it is still ours; tell whether it was."""
        raise NotImplementedError

    def drop(self) -> bool:
        """Remove the token if it is still ours; tell whether it was."""
        raise NotImplementedError

    def revoke(self) -> bool:
        """Take the lease away from its holder, unless that runs dogpile.cache.

        A deletion does this, so that what its holder is making is not kept.
        """
        raise NotImplementedError

    def wait(self, waited: float, most: float) -> None:
        """Wait until it is worth looking again, given the seconds waited so far."""
        time.sleep(min(backoff(waited), most))

    def acquire(self, wait: bool = True) -> bool:
        begun = time.monotonic()
        while not self._try():
            if not wait:
                return False
            self.pause(time.monotonic() - begun)
        return True

    def _try(self) -> bool:
        if self._without:
            return True
        self.token = MARK + os.urandom(16).hex().encode()
        begun = time.monotonic()
        if not self.take():
            return False
        self._until, self.lost = begun + self.seconds, False
        try:
            _renewals.add(self)
        except BaseException:  # such as no more threads
            self.release()
            raise
        return True

    def pause(self, waited: float) -> None:
        left = self._left(waited)
        if left > 0:
            self.wait(waited, left)
        else:
            self._without = True

    def _left(self, waited: float) -> float:
        return min(self._patience, longest_wait.get()) - waited

    def extend(self) -> bool:
        """Renew the lease; note for how long, or that it is lost."""
        begun = time.monotonic()
        self.lost = not self.renew()
        self._until = begun + self.seconds
        return not self.lost

    @property
    def is_sure(self) -> bool:
        """Tell whether the lease is known to be ours still, or lost, without asking."""
        return self._without or time.monotonic() < self._until - self.seconds / 2

    def confirm(self) -> bool:
        """Tell whether the lease is still ours; ask if it may be about to run out.

        So one whose process was stopped for a while does not write in place of the next.
        """
        if self.is_sure:
            return not self.lost
        try:
            return self.extend()
        except Exception:  # noqa: BLE001  # who cannot tell does not write
            warning("Whether %r is still ours is unknown", self.name, exc_info=True)
            return False

    def release(self) -> bool:
        """Give the lease back; False if it had been lost before."""
        if self._without:
            return True
        _renewals.remove(self)
        lost = self.lost  # before a renewal that is under way finds it dropped
        return self.drop() and not lost


class _Renewals:
    """Renew the leases of this process in one thread, which starts with the first."""

    def __init__(self) -> None:
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Begin with nothing: the thread and the leases are another process's."""
        self._wake = threading.Condition(threading.Lock())
        self._held: set[int] = set()
        self._due: list[tuple[float, int, weakref.ref[Lease]]] = []
        self._numbers = count()
        self._thread: threading.Thread | None = None

    def add(self, lease: Lease) -> None:
        with self._wake:
            self._held.add(id(lease))
            self._schedule(lease)
            if self._thread is None:
                thread = threading.Thread(
                    target=self._run, name="dogpile_cache leases", daemon=True
                )
                thread.start()
                self._thread = thread

    def remove(self, lease: Lease) -> None:
        with self._wake:
            self._held.discard(id(lease))

    def _schedule(self, lease: Lease) -> None:
        due = time.monotonic() + lease.seconds / 3
        heapq.heappush(self._due, (due, next(self._numbers), weakref.ref(lease)))
        if self._due[0][0] == due:
            self._wake.notify()

    def _run(self) -> None:
        while True:
            lease = self._next()
            try:
                kept = lease.extend()
            except Exception:  # noqa: BLE001  # there is time to try again
                warning("The lease %r was not renewed", lease.name, exc_info=True)
                kept = True
            with self._wake:
                if kept and id(lease) in self._held:
                    self._schedule(lease)
            del lease

    def _next(self) -> Lease:
        with self._wake:
            while True:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._wake.wait(wait)
                    continue
                lease = heapq.heappop(self._due)[2]()
                if lease is not None and id(lease) in self._held:
                    return lease


_renewals = _Renewals()
