"""The files of an LMDB environment, but for what is in them.

A directory holds:

- ``data.mdb`` and ``lock.mdb``, LMDB's own;
- ``marks``, a byte for each entry that has been read; see ``lmdb_entries.py``;
- ``about``, which says what wrote them, in JSON;
- ``locks``, of which single bytes are locked: for the creation of keys, while the files are
  being opened, and by all who have them open.

LMDB is told not to wait for the disk.  What a killed process has written is there, since
the kernel has it; but a machine that crashes may leave anything.  So the files are begun
anew when the machine has been started since.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dogpile_cache.exception import BackendUnavailable, ValidationError
from dogpile_cache.report import warning

from .file_access import open_private, refuse_strangers

FORMAT = 1
"""What is in the files; another number for whatever this code could not read."""

READERS = 1000
"""How many transactions that read there may be at once, in all processes."""

_DATA = "data.mdb", "lock.mdb", "marks"
_LEAST_DATA = 2 * 4096
_LOCKS = READERS * 64 + 2**13  # bytes of lock.mdb, at most
_BESIDE = _LOCKS + 2**13  # and of the small files


def boot_id() -> str:
    """Return what differs after each start of the machine; empty if that is unknown."""
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
    return ""


class Files:
    """Be the files in a directory.

    :param max_bytes: what they may take together.
    """

    def __init__(self, path: str, max_bytes: int) -> None:
        self.path = path
        self.max_bytes = self._wanted = max_bytes

    def name(self, name: str) -> str:
        """Return the path of a file."""
        return os.path.join(self.path, name)

    def prepare(self, alone: bool) -> bool:
        """Have files that may be opened: of this format, bounds and start of the machine.

        Tell whether they were changed.

        :param alone: whether no other process has them open.
        :raises ValidationError: others could have planted them, or they are of something
            else than a cache.
        :raises BackendUnavailable: they are of a newer version, which is at work on them.
        """
        refuse_strangers([self.name(name) for name in (*_DATA, "about")])
        self.max_bytes = self._wanted
        ours = {"format": FORMAT, "boot": boot_id(), "max_bytes": self.max_bytes}
        found = self._about()
        if found == ours:
            return False
        readable = found is not None and found.get("format") == FORMAT
        if found and readable and not alone:
            self._adopt(found)
            return False
        if found is None and self.identity is not None:
            raise ValidationError(
                f"The directory {self.path!r} holds an LMDB file that is no cache's.  "
                "Allowed are new directories, empty ones, and those of a cache."
            )
        if found and _is_newer(found.get("format")) and not alone:
            raise BackendUnavailable(repr(self.path), "a newer version has it in use")
        if not readable and self.identity is not None:
            self.set_aside("it was written in another format")
        resized = {**(found or {}), "max_bytes": self.max_bytes}
        if resized == ours and self._data_length() <= self.data_size:
            self._remove("marks")  # of which there are more, or fewer, from now on
        else:
            self._remove(*_DATA)
        self._write_about(ours)
        return True

    def _about(self) -> Mapping[str, Any] | None:
        """Return what wrote the files: {} if that cannot be read, None if none did."""
        try:
            with open(self.name("about")) as file:
                found = json.load(file)
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write_about(self, about: Mapping[str, Any]) -> None:
        new = self.name("about.new")
        with suppress(FileNotFoundError):
            os.unlink(new)
        with open(open_private(new), "w") as file:
            json.dump(about, file)
        os.replace(new, self.name("about"))

    def _adopt(self, found: Mapping[str, Any]) -> None:
        """Take the bound of those who have the files open."""
        bound = found.get("max_bytes", self.max_bytes)
        if bound != self.max_bytes:
            warning(
                "max_bytes of %r is %s, and stays %s until no process uses it any more",
                self.path,
                self.max_bytes,
                bound,
            )
            self.max_bytes = bound

    def _remove(self, *names: str) -> None:
        for name in names:
            with suppress(FileNotFoundError):
                os.unlink(self.name(name))

    def set_aside(self, reason: object) -> None:
        """Keep what cannot be read under another name, in place of the one before."""
        data = self.name("data.mdb")
        warning("%r is set aside, and begun anew: %s", data, reason)
        with suppress(FileNotFoundError):
            os.replace(data, data + ".aside")
        self._remove(*_DATA)

    @property
    def are_others(self) -> bool:
        """Whether another version has put its own in their place."""
        found = self._about()
        return found is not None and found.get("format", FORMAT) != FORMAT

    @property
    def identity(self) -> object:
        """What differs when the data have been begun anew."""
        try:
            found = os.stat(self.name("data.mdb"))
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def check_data(self) -> None:
        """Set data aside that are too short to be any."""
        if 0 < self._data_length() < _LEAST_DATA:
            self.set_aside("it was cut off")

    def _data_length(self) -> int:
        try:
            return os.stat(self.name("data.mdb")).st_size
        except FileNotFoundError:
            return 0

    def reserve_locks(self) -> None:
        """Have room on the disk for LMDB's locks, which it maps without."""
        _allocate(self.name("lock.mdb"), _LOCKS)

    def fill_up(self, size: int) -> None:
        """Have data of at least so many bytes.

        Pages that are in no use may be missing at the end.  Others may be if the file was
        cut off, and to look for them in mapped memory would be a SIGBUS; as it is, LMDB
        finds them to be none.
        """
        if self._data_length() < size:
            os.truncate(self.name("data.mdb"), size)

    @property
    def data_size(self) -> int:
        """How many bytes are left for LMDB's data."""
        size = self.max_bytes - self._marks_size - _BESIDE
        return size - size % mmap.PAGESIZE

    @property
    def _marks_size(self) -> int:
        """A power of two: a byte for each KiB, or so."""
        return max(1 << (self.max_bytes // 2048).bit_length(), mmap.PAGESIZE)

    def map_marks(self) -> Any:
        """Return the marks, in memory that the processes share."""
        _allocate(self.name("marks"), self._marks_size)
        file = open_private(self.name("marks"))
        try:
            return mmap.mmap(file, self._marks_size)
        finally:
            os.close(file)


def _is_newer(format: Any) -> bool:
    return isinstance(format, int) and format > FORMAT


def _allocate(name: str, size: int) -> None:
    """Have a file of a size, and room for it on the disk.

    A page of a mapped file that the disk had no room for would be a SIGBUS.
    """
    file = open_private(name)
    try:
        getattr(os, "posix_fallocate", _extend)(file, 0, size)
    finally:
        os.close(file)


def _extend(file: int, start: int, size: int) -> None:
    os.ftruncate(file, start + size)
