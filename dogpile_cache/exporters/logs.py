"""Events in the standard ``logging``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from dogpile_cache.events import Event, Kind, Listener
from dogpile_cache.exception import ValidationError

LEVELS: Mapping[Kind, int] = {
    **dict.fromkeys(Kind, logging.DEBUG),
    Kind.CREATOR_FAILED: logging.WARNING,
    Kind.BACKEND_FAILED: logging.WARNING,
    Kind.REJECTED: logging.WARNING,
    Kind.CIRCUIT_OPENED: logging.WARNING,
    Kind.CIRCUIT_CLOSED: logging.INFO,
}
"""The level of each kind by default."""


def log_events(
    logger: logging.Logger | None = None,
    levels: Mapping[Kind, int | None] | None = None,
    with_keys: bool = False,
) -> Listener:
    """Return a listener that logs each event.

    The records have ``cache_event``, ``cache_region`` and ``cache_seconds``, and
    ``cache_key`` where there are keys, for formatters that write such fields.

    :param logger: where to; by default ``dogpile_cache.events``.
    :param levels: the levels of some kinds, in place of those in :data:`LEVELS`; None
        leaves a kind out.
    :param with_keys: log keys, and the messages of errors, which may name keys.  By
        default only the type of an error is told.
    :raises ValidationError: a kind or a level is not one.
    """
    log = logging.getLogger("dogpile_cache.events") if logger is None else logger
    chosen = {**LEVELS, **_checked(levels or {})}

    def listen(event: Event) -> None:
        level = chosen[event.kind]
        if level is not None and log.isEnabledFor(level):
            text = _text(event, with_keys)
            log.log(
                level, "%s: %s", event.region, text, extra=_fields(event, with_keys)
            )

    return listen


def _checked(levels: Mapping[Kind, int | None]) -> Mapping[Kind, int | None]:
    for kind, level in levels.items():
        if kind not in LEVELS:
            raise ValidationError(
                f"There is no event {kind!r}; there are {', '.join(LEVELS)}."
            )
        if level is not None and type(level) is not int:
            raise ValidationError(
                f"The level of {kind!s} is {level!r}; allowed are whole numbers such as "
                "logging.INFO, and None."
            )
    return levels


def _text(event: Event, with_keys: bool) -> str:
    text = str(event.kind)
    if with_keys and event.key is not None:
        text += f" {event.key!r}"
    if event.seconds is not None:
        text += f", {event.seconds:.6f} s"
    if event.error is not None:
        text += f", {type(event.error).__qualname__}"
        if with_keys:
            text += f": {event.error}"
    return text


def _fields(event: Event, with_keys: bool) -> dict[str, Any]:
    fields = {
        "cache_event": str(event.kind),
        "cache_region": event.region,
        "cache_seconds": event.seconds,
    }
    return {**fields, "cache_key": event.key} if with_keys else fields
