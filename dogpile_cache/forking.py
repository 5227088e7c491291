"""What a forked child must not do with what it inherits.

A child has none of its parent's other threads, and shares its connections.  So it must
forget who was at work and who holds what, and open connections of its own.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

_forgetful: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_closable: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_frail: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_pinned: list[Any] = []

unforked = threading.RLock()
"""Hold this while a child would inherit what it could neither use nor close."""


def forget_after_fork(thing: Any) -> None:
    """Have ``thing.forget()`` called in every child that this process forks."""
    _forgetful[id(thing)] = thing


def close_before_fork(thing: Any) -> None:
    """Have ``thing.close()`` called whenever this process is about to fork.

    For what a child can neither use nor close; both processes open it when they need it.
    """
    _closable[id(thing)] = thing


def pin_in_children(thing: Any) -> None:
    """Have no child free a thing that it inherits.

    A client that is freed may say goodbye to its server, on its parent's connection.
    """
    _frail[id(thing)] = thing


def _before() -> None:
    unforked.acquire()
    for thing in list(_closable.values()):
        thing.close()
    _pinned.extend(_frail.values())


def _in_parent() -> None:
    _pinned.clear()
    unforked.release()


def _in_child() -> None:
    for thing in list(_forgetful.values()):
        thing.forget()
    unforked.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(
        before=_before, after_in_parent=_in_parent, after_in_child=_in_child
    )
