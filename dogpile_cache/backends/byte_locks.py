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
        self._guard = threading.RLock()  # a finalizer may come in between
        self.held: dict[int, object] = {}

    def forget(self) -> None:
        """Hold nothing: what a forked child inherits are its parent's locks."""
        self._begin()
        self.close()

    def close(self) -> None:
        """Drop all locks."""
        with self._guard:
            file, self._file = self._file, None
            self.held.clear()
            if file is not None:
                os.close(file)

    def renew(self) -> None:
        """Drop all locks if the file is no longer the one of its name."""
        with self._guard:
            if self._file is not None and not self._is_there(os.fstat(self._file)):
                self.close()

    def _is_there(self, ours: os.stat_result) -> bool:
        try:
            return os.path.samestat(ours, os.stat(self._path))
        except FileNotFoundError:
            return False

    def take(
        self,
        byte: int,
        owner: object = None,
        *,
        wait: bool = False,
        shared: bool = False,
    ) -> bool:
        """Lock a byte unless it is locked; tell whether it was.

        One that is held by this process is not locked again, but may become shared.
        """
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        with self._guard:
            if byte in self.held and not shared:
                return False
            if self._file is None:
                self._file = open_private(self._path)
            self.held[byte] = owner
            try:
                fcntl.lockf(self._file, how if wait else how | fcntl.LOCK_NB, 1, byte)
            except BaseException as error:
                self.drop(byte, owner)
                if isinstance(error, (BlockingIOError, PermissionError)):
                    return False  # which of them it is depends on the system
                raise
            return True

    def drop(self, byte: int, owner: object = None) -> None:
        """Unlock a byte, unless it is another's."""
        with self._guard:
            if byte in self.held and self.held[byte] is owner:
                if self._file is not None:
                    fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)
                del self.held[byte]


class Bytes(Protocol):
    """Be what locks bytes, as :class:`ByteLocks` does."""

    def take(self, byte: int, owner: object) -> bool: ...
    def drop(self, byte: int, owner: object) -> None: ...


class KeyLock(CacheMutex):
    """Be the lock of one key: one byte, chosen by the key.

    It is fair: the first of those who wait holds another byte, the turn, from its first
    pause until it has the lock or waits no more, and nobody takes the lock before it.
    """

    _waiting: ClassVar[set[KeyLock]] = set()  # in this process
    _byte = -1  # until it is known

    def __init__(self, file: Bytes, key: Any) -> None:
        self._file = file
        text = "" if isinstance(key, bytes) else str(key)
        data = key if isinstance(key, bytes) else text.encode("utf-8", "surrogatepass")
        digest = hashlib.sha1(data, usedforsecurity=False).digest()
        self._owner = object()
        self._is_next = False
        self._without = False
        self._byte = int.from_bytes(digest[:7], "big")

    def acquire(self, wait: bool = True) -> bool:
        begun, taken = time.monotonic(), False
        try:
            while not (taken := self._without or self._take()) and wait:
                self._wait(time.monotonic() - begun)
        finally:
            if wait and not taken:
                self.leave()
        return taken

    def _take(self) -> bool:
        """Take the lock, unless it is somebody else's turn."""
        was_next = self._is_next
        if not (was_next or self._take_turn()):
            return False
        taken = self._file.take(self._byte, self._owner)
        if taken or not was_next:
            self._drop_turn()
        return taken

    def _take_turn(self) -> bool:
        self._is_next = self._file.take(self._byte + TURNS, self._owner)
        return self._is_next

    def _drop_turn(self) -> None:
        self._is_next = False
        self._file.drop(self._byte + TURNS, self._owner)

    def leave(self) -> None:
        """Wait no more; give back what was taken, should an error have come just then."""
        self._drop_turn()
        self._file.drop(self._byte, self._owner)

    def pause(self, waited: float) -> None:
        """Wait until it is worth looking again, or no longer."""
        self._wait(waited)

    def _wait(self, waited: float) -> None:
        with self.in_turn(waited) as seconds:
            time.sleep(seconds)

    @contextmanager
    def in_turn(self, waited: float) -> Iterator[float]:
        """Be next, if nobody else is; tell how long to pause."""
        if waited >= longest_wait.get():
            self._without = True
            yield 0
            return
        if not self._is_next:
            self._take_turn()
        self._waiting.add(self)
        try:
            yield min(backoff(waited), _PACE * len(self._waiting))
        finally:
            self._waiting.discard(self)

    def release(self) -> bool | None:
        if not self._without:
            self._file.drop(self._byte, self._owner)
        return None

    def locked(self) -> bool:
        if not self._take():
            return True
        self._file.drop(self._byte, self._owner)
        return False

    def __del__(self) -> None:
        if self._byte >= 0:
            self.leave()
