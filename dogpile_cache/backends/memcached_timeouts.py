"""How long a backend for memcached waits, by whichever names its library has for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dogpile_cache.options import SOME_SECONDS, Check, optional

CONNECT_TIMEOUT, TIMEOUT = 0.5, 1.0

NAMES = ("connect_timeout", "timeout", "socket_timeout")

ONE: Mapping[str, Any] = {"socket_timeout": TIMEOUT}
TWO: Mapping[str, Any] = {"connect_timeout": CONNECT_TIMEOUT, "timeout": TIMEOUT}
ONE_CHECKED: Mapping[str, Check] = dict.fromkeys(ONE, optional(SOME_SECONDS))
TWO_CHECKED: Mapping[str, Check] = dict.fromkeys(TWO, optional(SOME_SECONDS))


def set_missing(backend: Any) -> None:
    """Have the default stand for None, which would be for ever."""
    for name in NAMES:
        if getattr(backend, name, 0) is None:
            setattr(backend, name, backend.options[name])


def timeouts(backend: Any) -> tuple[float, float]:
    """Return the seconds for a connection to be made, and for an answer to come."""
    timeout = getattr(backend, "timeout", getattr(backend, "socket_timeout", TIMEOUT))
    return getattr(backend, "connect_timeout", min(timeout, CONNECT_TIMEOUT)), timeout


def behaviors(backend: Any) -> dict[str, int]:
    """Return what libmemcached is told: thousandths of seconds, and millionths."""
    connect_timeout, timeout = timeouts(backend)
    return {
        "connect_timeout": max(1, round(connect_timeout * 1000)),
        "_poll_timeout": max(1, round(timeout * 1000)),
        "send_timeout": max(1, round(timeout * 1000000)),
        "receive_timeout": max(1, round(timeout * 1000000)),
    }
