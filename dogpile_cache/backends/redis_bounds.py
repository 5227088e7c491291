"""How long Redis may take; see :mod:`dogpile_cache.backends.redis`.

The client libraries wait without end, or try again and again.  A cache is there to save
time, so here a command takes a bounded time: what does not answer is asked once, and a
connection that turns out to be closed is opened anew, once.  The bounds are those of one
connection and one answer; a server that sends an answer byte by byte may take longer.
"""

from __future__ import annotations

from typing import Any

from dogpile_cache.options import library

CONNECT_TIMEOUT = 0.5
"""Seconds that connecting may take, where nothing else is said."""

ANSWER_TIMEOUT = 1.0
"""Seconds that an answer may take, where nothing else is said."""

QUEUE_TIMEOUT = 5.0
"""Seconds to wait for a free connection while all are in use."""


def timeouts(backend: Any) -> dict[str, Any]:
    """Return the timeouts of the connections of a backend."""
    return {
        "socket_connect_timeout": backend.socket_connect_timeout or CONNECT_TIMEOUT,
        "socket_timeout": backend.socket_timeout or ANSWER_TIMEOUT,
    }


def retries(name: str, module: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by which a client tries once more, but not after a timeout.

    :param name: of the client library.
    :param module: of the library, with its class ``Retry``.
    :param given: what the user says about connections, and perhaps about retries.
    """
    if "retry" in given:
        return {}
    closed = library(name, name).ConnectionError
    # Before redis 6, and in valkey, both must name the error.
    retry = _retry(name, module, (closed,))
    return {"retry": retry, "retry_on_error": [closed]}


def cluster_retries(name: str, module: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by which a cluster client tries once more.

    It does so after a timeout, too, since another node may have taken over.
    """
    attempts = "cluster_error_retry_attempts"
    if "retry" in given or attempts in given:
        return {}
    if hasattr(library(f"{name}.retry", name), "AbstractRetry"):  # since redis 6
        return {"retry": _retry(name, module)}
    of_nodes = {"connection_error_retry_attempts": 0} if "asyncio" in module else {}
    return {attempts: 1, **of_nodes}


def _retry(name: str, module: str, *errors: Any) -> Any:
    at_once = library(f"{name}.backoff", name).NoBackoff()
    return library(f"{name}.{module}", name).Retry(at_once, 1, *errors)
