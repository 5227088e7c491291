"""Keys that memcached takes."""

from __future__ import annotations

import re
from typing import Any

from dogpile_cache.keys import sha1_mangle_key

LONGEST_KEY = 250 - len("_lock")
"""Bytes that a key may have, so that its lock has a name, too."""

_PRINTABLE = re.compile(rb"[^\x00-\x20\x7f]{1,%d}" % LONGEST_KEY)


def safe_key(key: Any) -> Any:
    """Return a key that memcached takes: the same one where possible, else its SHA-1."""
    if (
        isinstance(key, str)
        and 0 < len(key) <= LONGEST_KEY
        and key.isascii()
        and key.isprintable()
        and " " not in key
    ):
        return key  # nearly all of them
    try:
        data = key.encode() if isinstance(key, str) else key
    except UnicodeEncodeError:  # clients cannot encode half a surrogate pair, either
        return sha1_mangle_key(key)
    if isinstance(data, bytes) and not _PRINTABLE.fullmatch(data):
        return sha1_mangle_key(key)
    return key


def ascii_key(key: Any) -> Any:
    """Return a key as :func:`safe_key` does, and the SHA-1 of one that is not ASCII."""
    if isinstance(key, str):
        if not key.isascii():
            return sha1_mangle_key(key)
        if 0 < len(key) <= LONGEST_KEY and key.isprintable() and " " not in key:
            return key  # nearly all of them, by a call less
    return safe_key(key)
