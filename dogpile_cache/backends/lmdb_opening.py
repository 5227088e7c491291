"""The files of an LMDB environment, open: by a process, and not by its children.

They are opened when they are first used, closed before the process forks, and opened again
when they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dogpile_cache.exception import BackendUnavailable, ValidationError
from dogpile_cache.forking import close_before_fork, forget_after_fork, unforked
from dogpile_cache.options import library

from .byte_locks import OTHERS, ByteLocks
from .lmdb_entries import Entries
from .lmdb_files import READERS, Files, boot_id

_OPENING, _USERS = OTHERS, OTHERS + 1
_BROKEN = "Corrupted", "Invalid", "PageNotFound", "VersionMismatch"
_OF_ONE_NUMBER = (
    "another process with the number {}, of another container, has it open; all who do "
    "must be of one PID namespace"
)
_LEAST_SPARE = 2**19
"""Bytes that are left for what a few transactions write, before what they free is free."""


class OpenFiles:
    """Open the files of one directory, and close them.

    :ivar begin: begins a transaction that reads; it opens the files if they are closed.
    """

    def __init__(self, path: str, max_bytes: int, max_entries: int | None) -> None:
        self.files = Files(path, max_bytes)
        self.locks = ByteLocks(self.files.name("locks"))
        self._lmdb = library("lmdb", "lmdb")
        self._broken = tuple(getattr(self._lmdb, f"{name}Error") for name in _BROKEN)
        self._max_entries = max_entries
        self._env: Any = None
        self._data: Any = None
        self.writes = False  # whether the thread that holds ``unforked`` is writing
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
        """Open the files, unless they are open.

        :raises BackendUnavailable: they cannot be opened, such as on a full disk.
        :raises ValidationError: something else has them open in this process, or others
            could have planted them.
        """
        with unforked:
            if self._env is not None:
                return
            try:
                self.locks.renew()
                with self._opening():
                    self._open(alone=self.locks.take(_USERS))
            except (OSError, self._lmdb.Error) as error:
                raise self.unavailable(error) from error

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Be the only one who opens the files, or changes which there are."""
        self.locks.take(_OPENING, wait=True)
        try:
            yield
        finally:
            if self._env is None:
                self.locks.drop(_USERS)
            else:
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
            if "temporarily unavailable" in str(error):
                raise self.unavailable(_OF_ONE_NUMBER.format(os.getpid())) from error
            if not self.is_broken(error):
                raise
            self.files.set_aside(error)
            marks, env = self.files.map_marks(), self._opened(alone=True)
        env.reader_check()
        size = self.files.data_size
        spare = max(size // 8, _LEAST_SPARE)
        self.marks, self.last_mark = marks, len(marks) - 1
        self.entries = Entries(env, marks, size - spare, self._max_entries, spare)
        self._data = self.files.identity
        self._env, self.begin = env, env.begin

    def _opened(self, alone: bool) -> Any:
        if alone:
            self.files.check_data()
            self.files.reserve_locks()
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

    def is_broken(self, error: Exception) -> bool:
        """Tell whether a file is broken, or of another version of LMDB."""
        return "data format" in str(error) or isinstance(error, self._broken)

    def close(self) -> None:
        """Close the files, until they are used again."""
        with unforked:
            if self.writes:
                return  # to end the process would be to lose what is being written
            env, self._env = self._env, None
            self.begin = self._open_and_begin
            if env is not None:
                env.close()

    def look_again(self) -> None:
        """Open other files where those that are open have been removed or set aside."""
        if self._env is None or self.files.identity == self._data:
            return
        if not self.files.are_others:
            self.close()

    def mends(self, error: Exception) -> bool:
        """Begin anew, unless another process has, where data turn out to be broken."""
        if not self.is_broken(error):
            return False
        with unforked, self._opening():
            self.close()
            if self.files.identity == self._data:
                self.files.set_aside(error)
        return True

    def forget(self) -> None:
        """Have a forked child find its own environments; this one is closed."""
        self.writes = False

    def unavailable(self, error: object) -> BackendUnavailable:
        return BackendUnavailable(repr(self.files.path), error)
