"""Who may write the files of the dbm backend: their owner, and whom the owner allowed.

What is read from the file is unpickled by default, and whoever can write it, or put
another in its place, could have this process run code.  So a file that anybody could
have written or planted is refused before it is opened, and new ones are made for their
owner alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from dogpile_cache.exception import ValidationError

SUFFIXES = ("", ".dat", ".dir", ".bak", ".db", ".pag", "-journal", "-wal", "-shm")
"""What the formats of :mod:`dbm` add to the name of a file for the files they make."""

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # not on Windows


def open_private(path: str) -> int:
    """Open a file to lock; create it, and the directories above, for its owner alone.

    :raises ValidationError: as :func:`refuse_strangers` does.
    """
    make_directories(os.path.dirname(path))
    refuse_strangers([path])
    return os.open(path, _FLAGS | _NO_LINK, 0o600)


def make_directories(path: str) -> None:
    """Create the directories that are not there, for their owner alone."""
    if path and not os.path.isdir(path):
        make_directories(os.path.dirname(path))
        with suppress(FileExistsError):  # by another process, since we looked
            os.mkdir(path, 0o700)


def refuse_strangers(paths: Sequence[str]) -> None:
    """Raise a ValidationError if others could have written, or planted, one of the files.

    Files that are not there are fine, where their directory is.
    """
    for directory in {os.path.dirname(path) for path in paths}:
        _refuse_shared(directory or os.curdir)
    for path in paths:
        with suppress(FileNotFoundError):
            _refuse_foreign(path, os.lstat(path))


def _refuse_shared(directory: str) -> None:
    with suppress(FileNotFoundError):
        mode = os.stat(directory).st_mode
        if _all_may_write(mode):
            raise ValidationError(
                f"Everybody may write to the directory {directory!r} (its mode is "
                f"{stat.S_IMODE(mode):04o}), and so could plant files there that are "
                "read as values.  Name a file in a directory of your own below it, which "
                "is created if it is not there."
            )


def _refuse_foreign(path: str, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise ValidationError(
            f"{path!r} is a symbolic link, and could lead to any file.  Remove it, or "
            "name the file that it leads to."
        )
    if _all_may_write(found.st_mode):
        raise ValidationError(
            f"Everybody may write to {path!r} (its mode is "
            f"{stat.S_IMODE(found.st_mode):04o}), and what it holds may be anybody's.  "
            "Remove it; it is created again for its owner alone."
        )
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise ValidationError(
            f"{path!r} belongs to the user {found.st_uid}, and this process runs as "
            f"{os.geteuid()}.  Run it as that user, or name another file."
        )


def _all_may_write(mode: int) -> bool:
    return os.name == "posix" and bool(mode & stat.S_IWOTH)  # Windows has no such bit
