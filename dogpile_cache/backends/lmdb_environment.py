"""One LMDB environment for each path and process, shared by the regions on it.

It is opened when it is first used, closed before the process forks, and opened again when
it is needed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from dogpile_cache.exception import BackendUnavailable, ValidationError
from dogpile_cache.forking import close_before_fork, forget_after_fork, unforked
from dogpile_cache.options import library

from .byte_locks import OTHERS, ByteLocks
from .lmdb_entries import Entries
from .lmdb_files import READERS, Files, boot_id

T = TypeVar("T")

_OPENING, _USERS = OTHERS, OTHERS + 1
_TRIES = 10
_BROKEN = "Corrupted", "Invalid", "PageNotFound", "VersionMismatch"


class Environment:
    """Read and write the entries of one directory."""

    _all: ClassVar[WeakValueDictionary[str, Environment]] = WeakValueDictionary()
    _guard: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def at(cls, path: str, max_bytes: int, max_entries: int | None) -> Environment:
        """Return the environment of a path.

        :raises ValidationError: it is in use in this process with other bounds.
        """
        with cls._guard:
            path = os.path.realpath(path)
            found = cls._all.get(path)
            if found is None:
                found = cls._all[path] = cls(path, max_bytes, max_entries)
            given = {"max_bytes": max_bytes, "max_entries": max_entries}
            if given != found.given:
                raise ValidationError(
                    f"The bounds of {path!r} are {given!r}, and another region of this "
                    f"process has {found.given!r}; allowed are the same for all regions "
                    "on a path."
                )
            return found

    def __init__(self, path: str, max_bytes: int, max_entries: int | None) -> None:
        self.given = {"max_bytes": max_bytes, "max_entries": max_entries}
        self.files = Files(path, max_bytes)
        self.locks = ByteLocks(self.files.name("locks"))
        self._lmdb = library("lmdb", "lmdb")
        self._broken = tuple(getattr(self._lmdb, f"{name}Error") for name in _BROKEN)
        self._max_entries = max_entries
        self._env: Any = None
        self._data: Any = None
        self.entries: Any = None
        self.marks: Any = None
        self.last_mark = 0
        self.begin: Callable[..., Any] = self._open_and_begin
        close_before_fork(self)
        forget_after_fork(self)

    def _open_and_begin(self) -> Any:
        self.open()
        return self.begin()

    def open(self) -> None:
        """Open the files, unless they are.

        :raises BackendUnavailable: they cannot be opened, such as on a full disk.
        :raises ValidationError: something else has them open in this process, or others
            could have planted them.
        """
        with unforked:
            if self._env is not None:
                return
            try:
                with self._opening():
                    self._open(alone=self.locks.take(_USERS))
            except (OSError, self._lmdb.Error) as error:
                raise self._unavailable(error) from error

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Be the only one who opens the files, or changes which there are."""
        self.locks.take(_OPENING, wait=True)
        try:
            yield
        finally:
            self.locks.take(_USERS, shared=True)
            self.locks.drop(_OPENING)

    def _open(self, alone: bool) -> None:
        alone = self.files.prepare(alone) or alone
        marks = self.files.map_marks()
        try:
            env = self._opened(alone)
        except self._lmdb.Error as error:
            if "already open" in str(error):
                raise ValidationError(
                    f"{self.files.path!r} is open in this process already, by something "
                    "else than a region; allowed is a directory that only regions use."
                ) from error
            if not self._is_broken(error):
                raise
            self.files.set_aside(error)
            marks, env = self.files.map_marks(), self._opened(alone=True)
        env.reader_check()
        size = self.files.data_size
        self.marks, self.last_mark = marks, len(marks) - 1
        self.entries = Entries(env, marks, size - size // 8, self._max_entries)
        self._data = self.files.identity
        self._env, self.begin = env, env.begin

    def _opened(self, alone: bool) -> Any:
        if alone:
            self.files.check_data()
        env = self._lmdb.open(
            self.files.path,
            map_size=self.files.data_size,
            mode=0o600,
            max_readers=READERS,
            max_spare_txns=16,
            sync=not boot_id(),
            metasync=False,
            meminit=False,
        )
        if alone:
            self.files.fill_up((env.info()["last_pgno"] + 1) * env.stat()["psize"])
        return env

    def _is_broken(self, error: Exception) -> bool:
        """Tell whether a file is broken, or of another version of LMDB."""
        return "data format" in str(error) or isinstance(error, self._broken)

    def close(self) -> None:
        """Close the files, until they are used again."""
        with unforked:
            env, self._env = self._env, None
            self.begin = self._open_and_begin
            if env is not None:
                env.close()

    def forget(self) -> None:
        """Have a forked child find its own environments; this one is closed."""
        type(self)._guard = threading.Lock()

    def __del__(self) -> None:
        if hasattr(self, "begin"):
            self.close()
            self.locks.close()

    def _unavailable(self, error: Exception) -> BackendUnavailable:
        return BackendUnavailable(repr(self.files.path), error)

    def read(self, look: Callable[[Any], T]) -> T:
        """Look into the entries, in a transaction.

        :raises BackendUnavailable: LMDB says why.
        """
        for attempt in count():
            begin = self.begin
            try:
                with begin() as txn:
                    return look(txn)
            except self._lmdb.Error as error:
                was_closed = begin is not self.begin  # as before a fork
                if attempt == _TRIES or not (
                    was_closed or self._finds_room(error) or self._mends(error)
                ):
                    raise self._unavailable(error) from error
        raise AssertionError  # which count() does not let happen

    def _finds_room(self, error: Exception) -> bool:
        """Tell whether killed processes have left room for readers."""
        if not isinstance(error, self._lmdb.ReadersFullError):
            return False
        with unforked:
            self.open()
            return bool(self._env.reader_check())

    def _mends(self, error: Exception) -> bool:
        """Begin anew, unless another process has, where data turn out to be broken."""
        if not self._is_broken(error):
            return False
        with unforked, self._opening():
            self.close()
            if self.files.identity == self._data:
                self.files.set_aside(error)
        return True

    def write(self, change: Callable[[Entries, Any], T]) -> T:
        """Change the entries, in a transaction; make room where there is none.

        :raises BackendUnavailable: LMDB says why.
        """
        for attempt in count():
            try:
                return self._write(change)
            except self._lmdb.MapFullError as error:
                if attempt == _TRIES:
                    raise self._unavailable(error) from error
                self._make_room(attempt)
            except self._lmdb.Error as error:
                if attempt == _TRIES or not self._mends(error):
                    self.close()  # which may be in a bad state, as by a disk that is full
                    raise self._unavailable(error) from error
        raise AssertionError  # likewise

    def _write(self, change: Callable[[Entries, Any], T]) -> T:
        with unforked:
            self.open()
            with self._env.begin(write=True, buffers=True) as txn:
                return change(self.entries, txn)

    def _make_room(self, attempt: int) -> None:
        """Have room in a file that is full.

        What was dropped is in use for as long as anybody reads who began before, and what
        a transaction frees is there for the next but one.  So who was killed is forgotten,
        and those at work are given time; and more and more entries are dropped.
        """
        with unforked:
            self.open()
            if self._env.reader_check():
                return
            most = self.files.data_size * (14 - attempt) // 16
            for _ in range(2):
                with suppress(self._lmdb.MapFullError):
                    self._write(partial(_evict, most))
        time.sleep(0.001 * 2**attempt)

    def stat(self) -> tuple[int, int, int]:
        """Tell the number of entries, of bytes in use, and of evictions."""

        def look(txn: Any) -> tuple[int, int, int]:
            entries = self.entries
            return entries.count(txn), entries.size(txn), entries.evicted(txn)

        return self.read(look)


def _evict(most: int, entries: Entries, txn: Any) -> None:
    entries.evict(txn, entries.size(txn) - most, 0, time.time())
