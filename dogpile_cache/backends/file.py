"""A backend that keeps values in a dbm file, for the processes of one machine.

Three lock files stand beside the file: one lets many read or one write; one is held by
all whose values are being made, and keeps processes of dogpile.cache out; in the third
each key has a lock of its own for its creation.  The kernel drops these locks when
their process ends, however it ends.

Python's :mod:`dbm` chooses the format of a new file.  ``dbm.dumb``, its last resort,
reads its whole index each time it is opened, which is each time a value is read: a hit
takes milliseconds with a thousand keys.  The backend warns of it.
"""

from __future__ import annotations

import dbm
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from dogpile_cache.api import (
    NO_VALUE,
    BackendArguments,
    BytesBackend,
    CacheMutex,
    KeyType,
    SerializedReturnType,
)
from dogpile_cache.exception import MissingSetting
from dogpile_cache.forking import unforked
from dogpile_cache.options import FUNCTION, PATH, PATH_OR_FALSE, Check, take
from dogpile_cache.util import KeyReentrantMutex

from .file_access import SUFFIXES, make_directories, refuse_strangers
from .file_lock import AbstractFileLock, FileLock, KeyFileLock

__all__ = ["AbstractFileLock", "DBMBackend", "FileLock"]


class DBMBackend(BytesBackend):
    """Keep values in a dbm file.

    The file and its lock files are made for their owner alone, and so are directories
    above them that are not there, whatever the umask.  Since others could have written
    them, some are refused, with a :class:`~dogpile_cache.exception.ValidationError`: a
    file that is a symbolic link, one that belongs to another user than the effective one
    of this process, one that everybody may write to, and any in a directory that everybody
    may write to, such as ``/tmp`` itself; a directory of your own in it is fine.

    :param filename: the file; some formats add a suffix to it.
    :param rw_lockfile: the lock file for reading and writing; by default ``filename``
        with ``.rw.lock`` added.  False: no such lock.
    :param dogpile_lockfile: the lock file for creations; by default ``filename`` with
        ``.dogpile.lock`` added; that of the keys has ``.keys`` added to it.  False: only
        threads of one process keep each other out.
    :param lock_factory: makes a lock from the name of a lock file, in place of
        :class:`FileLock`; it derives from :class:`AbstractFileLock`.  With a factory all
        keys share one lock for their creation, and the lock files are its own affair.
    """

    options: ClassVar[Mapping[str, Any]] = {
        "filename": None,
        "rw_lockfile": None,
        "dogpile_lockfile": None,
        "lock_factory": None,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        "filename": PATH,
        "rw_lockfile": PATH_OR_FALSE,
        "dogpile_lockfile": PATH_OR_FALSE,
        "lock_factory": FUNCTION,
    }

    filename: str
    rw_lockfile: Any
    dogpile_lockfile: Any
    lock_factory: Callable[[str], AbstractFileLock] | None

    def __init__(self, arguments: BackendArguments) -> None:
        take(self, arguments)
        if self.filename is None:
            raise MissingSetting(
                "The argument 'filename' is missing; it is the path of the dbm file."
            )
        self.filename = os.path.abspath(os.path.normpath(self.filename))
        make_directories(os.path.dirname(self.filename))
        lock = self._lockfile(self.rw_lockfile, ".rw.lock")
        self._rw_lock = (self.lock_factory or FileLock)(lock) if lock else None
        self._creation_lock = self._lockfile(self.dogpile_lockfile, ".dogpile.lock")
        self._shared_mutex: Callable[[str], Any] | None = None
        if self.lock_factory is not None and self._creation_lock is not None:
            lock_of_all = self.lock_factory(self._creation_lock)
            self._shared_mutex = KeyReentrantMutex.factory(lock_of_all)
        if self.lock_factory is None:
            refuse_strangers(self._lockfiles(lock, self._creation_lock))
        self._create()

    def _lockfile(self, argument: Any, suffix: str) -> str | None:
        if argument is None:
            return self.filename + suffix
        return os.path.abspath(os.path.normpath(argument)) if argument else None

    @staticmethod
    def _lockfiles(rw_lock: str | None, creation_lock: str | None) -> Sequence[str]:
        """Return the names of the lock files there will be; one takes two."""
        names = [rw_lock, creation_lock, creation_lock and creation_lock + ".keys"]
        return [name for name in names if name]

    def _create(self) -> None:
        with self._open("c"):
            pass
        if dbm.whichdb(self.filename) == "dbm.dumb":
            warnings.warn(
                f"{self.filename!r} is a dbm.dumb file, which is read as a whole for each "
                "value.  Install gdbm for your Python, or use Python 3.13, before the "
                "file is made; or use another backend.",
                RuntimeWarning,
                stacklevel=4,  # the caller of configure()
            )

    @contextmanager
    def _open(self, flag: Literal["r", "c"]) -> Iterator[Any]:
        with self._locked(flag), unforked:
            refuse_strangers([self.filename + suffix for suffix in SUFFIXES])
            with dbm.open(self.filename, flag, 0o600) as file:
                yield file

    @contextmanager
    def _locked(self, flag: str) -> Iterator[None]:
        if self._rw_lock is None:
            yield
        else:
            with self._rw_lock.read() if flag == "r" else self._rw_lock.write():
                yield

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        if self._creation_lock is None:
            return None
        if self._shared_mutex is not None:
            return self._shared_mutex(key)  # type: ignore[no-any-return]
        return KeyFileLock(self._creation_lock, key)

    def get_serialized(self, key: KeyType) -> SerializedReturnType:
        return self.get_serialized_multi([key])[0]

    def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        try:
            with self._open("r") as file:
                return [_get(file, _bytes(key)) for key in keys]
        except dbm.error:
            if dbm.whichdb(self.filename) is None:  # somebody removed the file
                return [NO_VALUE for _ in keys]
            raise

    def set_serialized(self, key: KeyType, value: bytes) -> None:
        self.set_serialized_multi({key: value})

    def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        with self._open("c") as file:
            for key, value in mapping.items():
                file[_bytes(key)] = value

    def delete(self, key: KeyType) -> None:
        self.delete_multi([key])

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        with self._open("c") as file:
            for key in map(_bytes, keys):
                if key in file:
                    del file[key]


def _bytes(key: Any) -> bytes:
    return key if isinstance(key, bytes) else str(key).encode("utf-8", "surrogatepass")


def _get(file: Any, key: bytes) -> SerializedReturnType:
    try:
        value: bytes = file[key]
    except KeyError:
        return NO_VALUE
    return value
