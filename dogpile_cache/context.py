"""What a creator may be told, and what it may say: of the value, and of itself.

A creator with one parameter named ``context``, without a default, is called with a
:class:`CreationContext`::

    def page(context):
        answer = http.get(url, etag=context.previous and context.previous.etag)
        if answer.status == 304:
            return context.not_modified()
        context.expiration_time = answer.max_age
        context.store = answer.status == 200
        return answer
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from .api import NO_VALUE, CachedValue, CacheReturnType
from .exception import DogpileCacheException

OF_REGION: Any = object()
"""Stands for the lifetime that values of the region, or of the call, have."""


class CreationContext:
    """Tell a creator of the previous value, and be told of the new one."""

    __slots__ = ("expiration_time", "key", "previous", "previous_age", "store")

    def __init__(self, key: Any, previous: CacheReturnType, now: float) -> None:
        made = previous.metadata["ct"] if isinstance(previous, CachedValue) else None
        self.key = key
        """The key, as the caller gave it."""
        self.previous: Any = previous.payload
        """The value that was there, stale or invalidated, or ``NO_VALUE``."""
        self.previous_age: float | None = None if made is None else now - made
        """How many seconds ago it was made, if there was one."""
        self.expiration_time: Any = OF_REGION
        """Set it to give the new value a lifetime of its own, as for ``configure()``."""
        self.store = True
        """Set it to False, and the new value is returned and not kept."""

    def not_modified(self) -> Any:
        """Return the previous value; return that, and it is as good as a new one.

        :raises DogpileCacheException: there is no previous value.
        """
        if self.previous is NO_VALUE:
            raise DogpileCacheException(
                f"The creator of {self.key!r} says that the value is not modified, and "
                "there was none; look whether context.previous is NO_VALUE."
            )
        return self.previous


F = TypeVar("F", bound=Callable[..., Any])


def in_place(creator: F) -> F:
    """Have a creator called in the thread, or task, of whoever wants its value.

    A decorator, for creators that use what cannot be shared with another thread, such
    as the page that is being rendered: ``creator_timeout`` has nobody else call them,
    and those who want a value ahead of its time make it themselves.
    """
    creator.in_place = True  # type: ignore[attr-defined]
    return creator


def is_in_place(creator: Callable[..., Any]) -> bool:
    """Tell whether a creator is one that :func:`in_place` has marked."""
    while isinstance(creator, partial) and not hasattr(creator, "in_place"):
        creator = creator.func
    return getattr(creator, "in_place", False)


def takes_context(creator: Callable[..., Any]) -> bool:
    """Tell whether a creator is to be called with a :class:`CreationContext`."""
    inner: Any = creator
    while isinstance(inner, partial):
        inner = inner.func
    code = getattr(inner, "__code__", None) or getattr(
        type(inner).__call__, "__code__", None
    )
    if code is None:
        return False
    if "context" not in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        return False  # nearly all of them
    from inspect import Parameter, signature  # costly, and rarely needed

    parameters = [*signature(creator).parameters.values()]
    return len(parameters) == 1 and (
        parameters[0].name == "context"
        and parameters[0].default is Parameter.empty
        and parameters[0].kind is not Parameter.POSITIONAL_ONLY
    )
