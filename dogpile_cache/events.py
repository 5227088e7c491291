"""What a region tells of itself: events, and the listeners that are given them.

A region has a list, ``listeners``; a listener is anything that can be called with an
:class:`Event`.  It is called where the event occurs, in the thread or task whose request
this is, so it returns soon, awaits nothing and does not use the region it listens to.

Each request for one key is exactly one of a hit, a miss and a stale value served; a call
for many keys is as many requests.  Everything else comes beside these.

An error of a listener never reaches who made the request: it is logged, once for each
listener.  What is no ``Exception``, such as a ``KeyboardInterrupt``, goes through.
"""

from __future__ import annotations

import enum
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .report import warning

if TYPE_CHECKING:
    from .protocols import Watched


class Kind(str, enum.Enum):
    """Say what has happened; each kind is the string that it is called by, too."""

    HIT = "hit"
    """A fresh value was served."""
    MISS = "miss"
    """There was no value to serve at once; who asked made it, or waited."""
    STALE = "stale"
    """A value that is no longer fresh was served."""
    CREATED = "created"
    """A creator has returned a value; ``seconds`` tells how long it took."""
    WAITED = "waited"
    """Somebody has waited for another's creation; ``seconds`` tells how long."""
    CREATOR_FAILED = "creator_failed"
    """A creator has raised ``error``."""
    BACKEND_FAILED = "backend_failed"
    """The backend has raised ``error``."""
    CIRCUIT_OPENED = "circuit_opened"
    """The backend has failed so often that it is no longer asked."""
    CIRCUIT_CLOSED = "circuit_closed"
    """The backend is asked again."""
    EVICTED = "evicted"
    """A value was dropped to make room."""
    REJECTED = "rejected"
    """A stored value could not be read, or was not accepted; ``error`` may tell why."""

    __str__ = str.__str__


HIT, MISS, STALE = Kind.HIT, Kind.MISS, Kind.STALE  # found in a fifth of the time


class Event(NamedTuple):
    """Be one thing that has happened in a region.

    An error refers to the frames it came through: who keeps events keeps those, too.
    """

    kind: Kind
    """What has happened."""
    region: str | None
    """The name of the region."""
    key: Any = None
    """The key as the caller gave it, or None where it is about no single key."""
    seconds: float | None = None
    """How long it took, of what is created and waited for."""
    error: BaseException | None = None
    """What was raised."""


Listener = Callable[[Event], object]

_new = tuple.__new__  # makes an Event in half the time that Event() takes
_failed: dict[int, object] = {}  # by id, each for as long as the listener lives


def tell(
    region: Watched,
    kind: Kind,
    key: Any = None,
    seconds: float | None = None,
    error: BaseException | None = None,
) -> None:
    """Call each listener of a region with an event.

    Those are called who listen now, whatever they do to the list meanwhile.

    :param region: anything with a ``name`` and ``listeners``.
    :param kind: what has happened; the other parameters are those of :class:`Event`.
    """
    event = _new(Event, (kind, region.name, key, seconds, error))
    for listener in tuple(region.listeners):
        try:
            listener(event)
        except Exception as failure:  # noqa: BLE001  # whatever it is
            _report(listener, region, failure)


def _report(listener: Listener, region: Watched, error: Exception) -> None:
    """Log an error of a listener unless one of its errors was logged before."""
    mark = _mark(listener)
    if _failed.setdefault(id(listener), mark) is mark:
        warning(
            "The listener %s of the region %r has failed; later errors of it are not "
            "logged",
            getattr(listener, "__qualname__", type(listener).__qualname__),
            region.name,
            exc_info=error,
        )


def _mark(listener: Listener) -> object:
    """Return what stands for a listener among those that have failed."""
    id_ = id(listener)
    try:
        return weakref.ref(listener, lambda _: _failed.pop(id_, None))
    except TypeError:  # it can but be kept, lest another one has its id
        return [listener]
