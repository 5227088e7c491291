"""Locks between processes, by the kernel: gone with the process that held them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from dogpile_cache.forking import forget_after_fork

from .byte_locks import ByteLocks, KeyLock
from .file_access import open_private

if sys.platform != "win32":  # where a lock_factory is needed
    import fcntl


class AbstractFileLock:
    """Be the base of read/write locks for a file; a subclass defines the four methods.

    Each thread is to have a hold of its own.
    """

    def __init__(self, filename: str) -> None:
        raise NotImplementedError

    def acquire(self, wait: bool = True) -> Any:
        """Take the write lock."""
        return self.acquire_write_lock(wait)

    def release(self) -> None:
        """Give back the write lock."""
        self.release_write_lock()

    @contextmanager
    def read(self) -> Iterator[None]:
        """Hold the read lock for the time of a block."""
        self.acquire_read_lock(True)
        try:
            yield
        finally:
            self.release_read_lock()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold the write lock for the time of a block."""
        self.acquire_write_lock(True)
        try:
            yield
        finally:
            self.release_write_lock()

    @property
    def is_open(self) -> bool:
        """Tell whether this thread holds the lock; optional."""
        raise NotImplementedError

    def acquire_read_lock(self, wait: bool) -> Any:
        """Take the lock together with other readers; true if it was taken."""
        raise NotImplementedError

    def acquire_write_lock(self, wait: bool) -> Any:
        """Take the lock alone; true if it was taken."""
        raise NotImplementedError

    def release_read_lock(self) -> None:
        """Give back the read lock."""
        raise NotImplementedError

    def release_write_lock(self) -> None:
        """Give back the write lock."""
        raise NotImplementedError


class FileLock(AbstractFileLock):
    """Lock by ``flock()`` on a lock file.

    To take it raises a :class:`~dogpile_cache.exception.ValidationError` if the file is a
    symbolic link or another user's, or if everybody may write to it or to its directory.
    """

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self._files: set[int] = set()
        self._held = threading.local()
        forget_after_fork(self)

    def forget(self) -> None:
        """Close what a forked child inherits: it would keep its parent's locks."""
        for file in self._files:
            os.close(file)
        self._files = set()
        self._held = threading.local()

    @property
    def is_open(self) -> bool:
        return hasattr(self._held, "file")

    def acquire_read_lock(self, wait: bool) -> bool:
        return self._acquire(fcntl.LOCK_SH, wait)

    def acquire_write_lock(self, wait: bool) -> bool:
        return self._acquire(fcntl.LOCK_EX, wait)

    def release_read_lock(self) -> None:
        self._release()

    def release_write_lock(self) -> None:
        self._release()

    def _acquire(self, how: int, wait: bool) -> bool:
        file = open_private(self.filename)
        self._files.add(file)
        try:
            fcntl.flock(file, how if wait else how | fcntl.LOCK_NB)
        except BaseException as error:
            self._close(file)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._held.file = file
        return True

    def _release(self) -> None:
        file = self._held.file
        del self._held.file
        fcntl.flock(file, fcntl.LOCK_UN)  # a child may hold another copy of the file
        self._close(file)

    def _close(self, file: int) -> None:
        self._files.discard(file)
        os.close(file)


class _LockFile:
    """Lock single bytes while sharing a lock file with others.

    The bytes are those of a second file.  While any byte is held, the lock file itself is
    held together with other readers: dogpile.cache takes it alone.
    """

    _files: ClassVar[dict[str, _LockFile]] = {}
    _guard = threading.Lock()

    def __init__(self, path: str) -> None:
        self._path = path
        self._bytes = ByteLocks(path + ".keys")
        self._open()
        forget_after_fork(self)

    def _open(self) -> None:
        self._shared = open_private(self._path)
        self._mine = threading.RLock()  # likewise

    @classmethod
    def at(cls, path: str) -> _LockFile:
        with cls._guard:
            directory, name = os.path.split(path)  # a link in place of it is refused
            path = os.path.join(os.path.realpath(directory), name)
            if path not in cls._files:
                cls._files[path] = cls(path)
            return cls._files[path]

    def forget(self) -> None:
        """Hold nothing: what a forked child inherits are its parent's locks."""
        type(self)._guard = threading.Lock()
        os.close(self._shared)
        self._open()

    def take(self, byte: int, owner: object) -> bool:
        with self._mine:
            if not (self._bytes.held or self._share()):
                return False
            if self._bytes.take(byte, owner):
                return True
            self._unshare()
            return False

    def drop(self, byte: int, owner: object) -> None:
        with self._mine:
            if self._bytes.held.get(byte) is owner:
                self._bytes.drop(byte, owner)
                self._unshare()

    def _share(self) -> bool:
        try:
            fcntl.flock(self._shared, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unshare(self) -> None:
        if not self._bytes.held:
            fcntl.flock(self._shared, fcntl.LOCK_UN)


class KeyFileLock(KeyLock):
    """Be the lock of one key of a dbm file."""

    def __init__(self, path: str, key: Any) -> None:
        super().__init__(_LockFile.at(path), key)
