"""What a directory must be for files that processes map into their memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dogpile_cache.exception import ValidationError

from .file_access import make_directories, refuse_strangers

MOUNTS = "/proc/self/mounts"

_REMOTE = {
    *("9p", "afs", "ceph", "cifs", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs"),
    *("nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs", "sshfs"),
}


def prepare_directory(path: str) -> None:
    """Create a directory for its owner alone, if it is not there.

    :raises ValidationError: it cannot be made or written to, it is on a network file
        system, or others could have planted files there.
    """
    try:
        make_directories(path)
        fault = _fault(path)
        if fault is None:
            refuse_strangers([os.path.join(path, "data.mdb")])
    except OSError as error:
        fault = f"cannot be used: {error.strerror}"
    if fault is not None:
        raise ValidationError(
            f"The directory {path!r} {fault}.  Allowed are directories on a disk of this "
            "machine that this process may write to."
        )


def _fault(path: str) -> str | None:
    kind = file_system(path)
    if kind in _REMOTE or kind.startswith("fuse."):
        return (
            f"is on a file system of the kind {kind!r}, where processes of two machines "
            "could not see each other's locks"
        )
    if os.statvfs(path).f_flag & getattr(os, "ST_RDONLY", 0):
        return "is on a file system that is mounted read-only"
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return f"cannot be written to by the user {os.geteuid()}"
    return None


def file_system(path: str) -> str:
    """Return the kind of the file system that a path is on; empty if that is unknown."""
    path, best, kind = os.path.realpath(path), "", ""
    for place, found in _mounts():
        within = path == place or path.startswith(place.rstrip("/") + "/")
        if within and len(place) >= len(best):
            best, kind = place, found
    return kind


def _mounts() -> Iterator[tuple[str, str]]:
    """Return where file systems are mounted, and of what kind they are."""
    try:
        with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.readlines()
    except OSError:  # not on Linux
        return
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        yield _unescaped(place), kind


def _unescaped(place: str) -> str:
    for octal, plain in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        place = place.replace("\\" + octal, plain)
    return place
