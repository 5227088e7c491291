"""The lock of one key of an LMDB file: one byte, which the kernel keeps.

A deletion by another process takes nothing away from the holder; it leaves a note that the
holder finds, before it writes what it has made and after.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .byte_locks import KeyLock
from .lmdb_table import is_revoked, note_revoked

if TYPE_CHECKING:
    from .lmdb_entries import Entries
    from .lmdb_environment import Environment


class EntryLock(KeyLock):
    """Keep the other processes from making a value, until it is made."""

    def __init__(self, environment: Environment, key: bytes) -> None:
        super().__init__(environment.locks, key)
        self._environment = environment

    def _take(self) -> bool:
        self._environment.look_again()
        taken = super()._take()
        if taken and self._is_revoked():  # from a holder that was killed
            self._note(False)
        return taken

    def revoke(self) -> None:
        """Have what the holder is making, if there is one, not be kept."""
        if self._file.take(self._byte, self._owner):
            self._file.drop(self._byte, self._owner)
        else:
            self._note(True)

    def confirm(self) -> bool:
        """Tell whether what was made since may be kept."""
        return self._without or not self._is_revoked()

    def release(self) -> bool:
        """Give the lock back; False if what was made is not to be kept."""
        if self._without:
            return True
        kept = not self._is_revoked()
        if not kept:
            self._note(False)
        super().release()
        return kept

    def _is_revoked(self) -> bool:
        return self._environment.read(partial(is_revoked, self._byte))

    def _note(self, revoked: bool) -> None:
        self._environment.write(partial(_note, self._byte, revoked))


def _note(byte: int, revoked: bool, entries: Entries, txn: Any) -> None:
    note_revoked(txn, byte, revoked)
