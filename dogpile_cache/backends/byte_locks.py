"""Locks of single bytes of one file: one for each key, and no file for each key.

The kernel keeps such locks by process.  It drops all of them when the process ends, however
it ends, and when the process closes the file; so the file is opened once, and who holds
what among the threads is noted here.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from dogpile_cache.api import CacheMutex
from dogpile_cache.forking import forget_after_fork
from dogpile_cache.mutex import backoff, longest_wait

from .file_access import open_private

if sys.platform != "win32":  # which has no such locks
    import fcntl

TURNS = 1 << 56
"""Where the bytes begin that stand for turns; those of the keys come before."""

OTHERS = 1 << 57
"""Where the bytes begin that stand for neither."""

_PACE = 0.001
"""Seconds after which one who waits looks again; for several of them, together."""


class ByteLocks:
    """Lock bytes of a file for this process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._begin()
        forget_after_fork(self)

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self.held: set[int] = set()

    def forget(self) -> None:
        """Hold nothing: what a forked child inherits are its parent's locks."""
        self.close()
        self._begin()

    def close(self) -> None:
        """Drop all locks."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def take(self, byte: int, *, wait: bool = False, shared: bool = False) -> bool:
        """Lock a byte unless it is locked; tell whether it was.

        One that is held by this process is not locked again, but may become shared.
        """
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        with self._guard:
            if byte in self.held and not shared:
                return False
            if self._file is None:
                self._file = open_private(self._path)
            try:
                fcntl.lockf(self._file, how if wait else how | fcntl.LOCK_NB, 1, byte)
            except (BlockingIOError, PermissionError):  # depending on the system
                return False
            self.held.add(byte)
            return True

    def drop(self, byte: int) -> None:
        """Unlock a byte."""
        with self._guard:
            self.held.discard(byte)
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)


class Bytes(Protocol):
    """Be what locks bytes, as :class:`ByteLocks` does."""

    def take(self, byte: int) -> bool: ...
    def drop(self, byte: int) -> None: ...


class KeyLock(CacheMutex):
    """Be the lock of one key: one byte, chosen by the key.

    It is fair: the first of those who wait holds another byte meanwhile, which means that
    it is next in turn, and nobody takes the lock before it.
    """

    _waiting: ClassVar[set[KeyLock]] = set()  # in this process

    def __init__(self, file: Bytes, key: Any) -> None:
        self._file = file
        text = "" if isinstance(key, bytes) else str(key)
        data = key if isinstance(key, bytes) else text.encode("utf-8", "surrogatepass")
        digest = hashlib.sha1(data, usedforsecurity=False).digest()
        self._byte = int.from_bytes(digest[:7], "big")
        self._without = False

    def acquire(self, wait: bool = True) -> bool:
        begun = time.monotonic()
        while not (self._without or self._take()):
            if not wait:
                return False
            self.pause(time.monotonic() - begun)
        return True

    def _take(self) -> bool:
        turn = self._byte + TURNS
        if not self._file.take(turn):
            return False
        try:
            return self._file.take(self._byte)
        finally:
            self._file.drop(turn)

    def pause(self, waited: float) -> None:
        """Wait until it is worth looking again, or no longer."""
        with self.in_turn(waited) as seconds:
            time.sleep(seconds)

    @contextmanager
    def in_turn(self, waited: float) -> Iterator[float]:
        """Be next, if nobody else is, for the time of a pause; tell how long it is."""
        if waited >= longest_wait.get():
            self._without = True
            yield 0
            return
        turn = self._byte + TURNS
        is_next = self._file.take(turn)
        self._waiting.add(self)
        try:
            yield min(backoff(waited), _PACE * len(self._waiting))
        finally:
            self._waiting.discard(self)
            if is_next:
                self._file.drop(turn)

    def release(self) -> bool | None:
        if not self._without:
            self._file.drop(self._byte)
        return None

    def locked(self) -> bool:
        if not self.acquire(False):
            return True
        self.release()
        return False
