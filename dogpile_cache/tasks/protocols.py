"""The types of decorated coroutine functions, which only type checkers see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from dogpile_cache.api import NoValueType

P = ParamSpec("P")
P2 = ParamSpec("P2")
R = TypeVar("R")
S = TypeVar("S")

Coro = Coroutine[Any, Any, R]


class AsyncCachedFunction(Protocol[P, R]):
    """Be a coroutine function decorated with ``cache_on_arguments``."""

    original: Callable[P, Awaitable[R]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coro[R]:
        """Return the cached result, or call the function."""
        ...

    def get(self, *args: P.args, **kwargs: P.kwargs) -> Coro[R | NoValueType]:
        """Return the cached result, or ``NO_VALUE``."""
        ...

    def set(self, value: R, /, *args: P.args, **kwargs: P.kwargs) -> Coro[None]:
        """Set the result for these arguments."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> Coro[R]:
        """Call the function and set its result."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Coro[None]:
        """Delete the result for these arguments."""
        ...

    @overload
    def __get__(
        self: AsyncCachedFunction[Concatenate[S, P2], R], instance: S, owner: Any
    ) -> AsyncCachedMethod[S, P2, R]: ...
    @overload
    def __get__(
        self: AsyncCachedFunction[Concatenate[S, P2], R], instance: object, owner: Any
    ) -> AsyncCachedMethod[S, P2, R]: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> AsyncCachedFunction[P, R]: ...


class AsyncCachedMethod(Generic[S, P, R]):
    """Be a method decorated with ``cache_on_arguments``, bound.

    The companions are those of the function and take the instance as an argument.
    """

    original: Callable[Concatenate[S, P], Awaitable[R]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coro[R]:
        """Return the cached result, or call the method."""
        raise NotImplementedError

    def get(self, it: S, /, *args: P.args, **kwargs: P.kwargs) -> Coro[R | NoValueType]:
        """Return the cached result, or ``NO_VALUE``."""
        raise NotImplementedError

    def set(self, value: R, it: S, /, *args: P.args, **kwargs: P.kwargs) -> Coro[None]:
        """Set the result for these arguments."""
        raise NotImplementedError

    def refresh(self, it: S, /, *args: P.args, **kwargs: P.kwargs) -> Coro[R]:
        """Call the method and set its result."""
        raise NotImplementedError

    def invalidate(self, it: S, /, *args: P.args, **kwargs: P.kwargs) -> Coro[None]:
        """Delete the result for these arguments."""
        raise NotImplementedError


class AsyncCachedManyFunction(Protocol[P, R]):
    """Be a coroutine function decorated with ``cache_multi_on_arguments``."""

    original: Callable[P, Awaitable[R]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coro[R]:
        """Return the cached results, calling the function for those there are not."""
        ...

    def get(self, *args: P.args, **kwargs: P.kwargs) -> Coro[list[Any]]:
        """Return the cached results, ``NO_VALUE`` for those there are not."""
        ...

    def set(self, mapping: Mapping[Any, Any], /, *owner: Any) -> Coro[None]:
        """Set results by key; of a method, give the instance, too."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> Coro[R]:
        """Call the function and set its results."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Coro[None]:
        """Delete the results for these keys."""
        ...
