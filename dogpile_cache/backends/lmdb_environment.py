"""One LMDB environment for each path and process, shared by the regions on it."""

from __future__ import annotations

import gc
import os
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, ClassVar, TypeVar

from dogpile_cache.exception import ValidationError
from dogpile_cache.forking import unforked

from .lmdb_entries import Entries
from .lmdb_opening import OpenFiles

T = TypeVar("T")

_TRIES = 12


class _InTheMiddle(Exception):  # it says where
    """Say that a thread cannot write before it has written."""


class Environment(OpenFiles):
    """Read and write the entries of one directory."""

    _all: ClassVar[dict[str, Environment]] = {}

    @classmethod
    def of(
        cls, user: Any, path: str, max_bytes: int, max_entries: int | None
    ) -> Environment:
        """Return the environment of a path for a user, with which it is closed.

        :raises ValidationError: it is in use in this process with other bounds.
        """
        path = os.path.realpath(path)
        given = {"max_bytes": max_bytes, "max_entries": max_entries}
        with unforked:
            found = cls._all.get(path)
            if found is not None and found.given != given:
                gc.collect()  # regions that are no longer used
                if found.users:
                    raise ValidationError(
                        f"The bounds of {path!r} are {given!r}, and another region of "
                        f"this process has {found.given!r}; allowed are the same for all "
                        "regions on a path."
                    )
                found.end()
                found = None
            if found is None:
                found = cls._all[path] = cls(path, max_bytes, max_entries)
                found.given = given
            found.users.add(id(user))
            weakref.finalize(user, found.leave, id(user))
            return found

    def __init__(self, path: str, max_bytes: int, max_entries: int | None) -> None:
        super().__init__(path, max_bytes, max_entries)
        self.given: dict[str, int | None] = {}
        self.users: set[int] = set()

    def leave(self, user: int) -> None:
        """Be used by one less; the last one closes the files.

        This comes from a finalizer, at any time; so it waits for nobody.
        """
        self.users.discard(user)
        if not self.users and unforked.acquire(blocking=False):
            try:
                if not self.users:
                    self.end()
            finally:
                unforked.release()

    def end(self) -> None:
        """Close the files, and give back their locks."""
        self.close()
        self.locks.close()

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
                    was_closed or self._finds_room(error) or self.mends(error)
                ):
                    raise self.unavailable(error) from error
        raise AssertionError  # which count() does not let happen

    def _finds_room(self, error: Exception) -> bool:
        """Tell whether killed processes have left room for readers."""
        if not isinstance(error, self._lmdb.ReadersFullError):
            return False
        with unforked:
            self.open()
            return bool(self._env.reader_check())

    def write(self, change: Callable[[Entries, Any], T]) -> T:
        """Change the entries, in a transaction; make room where there is none.

        :raises BackendUnavailable: LMDB says why.
        """
        for attempt in count():
            try:
                return self._write(change)
            except _InTheMiddle as error:
                raise self.unavailable(error) from None
            except self._lmdb.MapFullError as error:
                if attempt == _TRIES:
                    raise self.unavailable(error) from error
                self._make_room(attempt)
            except self._lmdb.Error as error:
                if attempt == _TRIES or not self.mends(error):
                    self.close()  # which may be in a bad state, as by a disk that is full
                    raise self.unavailable(error) from error
        raise AssertionError  # likewise

    def _write(self, change: Callable[[Entries, Any], T]) -> T:
        with unforked:
            if self.writes:  # a signal handler or a finalizer has come in between
                raise _InTheMiddle("this thread is in the middle of another write")
            self.open()
            with self._env.begin(write=True, buffers=True) as txn:
                self.writes = True
                try:
                    return change(self.entries, txn)
                finally:
                    self.writes = False

    def _make_room(self, attempt: int) -> None:
        """Have room in a file that is full, though so much has been dropped before.

        What was dropped is in use for as long as anybody reads who began before, and what
        one transaction frees is there for the next but one.  So who was killed is
        forgotten, two transactions go by, and those who read are given time.
        """
        with unforked:
            self.open()
            if self._env.reader_check():
                return
            for _ in range(2):
                with suppress(self._lmdb.MapFullError):
                    self._write(_shrink)
        time.sleep(0.0005 * 2**attempt)

    def stat(self) -> tuple[int, int, int]:
        """Tell the number of entries, of bytes in use, and of evictions."""

        def look(txn: Any) -> tuple[int, int, int]:
            entries = self.entries
            return entries.count(txn), entries.size(txn), entries.evicted(txn)

        return self.read(look)


def _shrink(entries: Entries, txn: Any) -> None:
    entries.shrink(txn, time.time())
