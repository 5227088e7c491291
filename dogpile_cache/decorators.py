"""Functions whose results are cached, with the types of their arguments kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from .companions import Many, One
from .signature import decoratable

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from .protocols import (
        CachedFunction,
        CachedManyFunction,
        ExpirationTime,
        Lifetime,
        Timeouts,
    )

    P = ParamSpec("P")

R = TypeVar("R")


class Decorators:
    """Give a region its decorators."""

    if TYPE_CHECKING:
        function_key_generator: Callable[..., Any]
        function_multi_key_generator: Callable[..., Any]

    _of_coroutines = False
    _one: ClassVar[type[One]] = One
    _many: ClassVar[type[Many]] = Many

    @overload
    def cache_on_arguments(self, namespace: Callable[P, R]) -> CachedFunction[P, R]: ...

    @overload
    def cache_on_arguments(
        self,
        namespace: str | tuple[Any, ...] | None = None,
        expiration_time: ExpirationTime = None,
        should_cache_fn: Callable[[Any], bool] | None = None,
        to_str: Callable[[Any], str] = str,
        function_key_generator: Callable[..., Any] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> Callable[[Callable[P, R]], CachedFunction[P, R]]: ...

    def cache_on_arguments(
        self,
        namespace: Any = None,
        expiration_time: ExpirationTime = None,
        should_cache_fn: Callable[[Any], bool] | None = None,
        to_str: Callable[[Any], str] = str,
        function_key_generator: Callable[..., Any] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> Any:
        """Decorate a function: its results are cached, by its arguments.

        The function gets five companions: ``invalidate(*args)`` deletes the result for
        some arguments, ``set(value, *args)`` sets it, ``get(*args)`` returns it or
        ``NO_VALUE``, ``refresh(*args)`` calls the function and sets what it returns,
        ``original(*args)`` just calls it.  Those of a method take ``self`` as an
        argument.

        The parentheses may be left out when there are no parameters.

        :param namespace: a part of the keys; tells functions of one name apart.
        :param expiration_time: seconds or a timedelta, in place of the region's, or a
            function that returns them and is called at each call.
        :param should_cache_fn: is given a result and tells whether to keep it.
        :param to_str: shows an argument in the key; see the key generators.
        :param function_key_generator: makes the keys, in place of the region's.
        :param stale_if_error: in place of the region's setting.
        :param creator_timeout: likewise.
        """
        generator = function_key_generator or self.function_key_generator
        extra = {} if to_str is str else {"to_str": to_str}
        options = should_cache_fn, stale_if_error, creator_timeout
        bare = namespace if callable(namespace) else None

        def decorate(fn: Any) -> Any:
            decoratable(fn, self._of_coroutines)
            make_key = generator(None if bare else namespace, fn, **extra)
            one = self._one(self, fn, make_key, expiration_time, *options)
            return one.decorated()

        return decorate(bare) if bare else decorate

    @overload
    def cache_multi_on_arguments(
        self, namespace: Callable[P, R]
    ) -> CachedManyFunction[P, R]: ...

    @overload
    def cache_multi_on_arguments(
        self,
        namespace: str | tuple[Any, ...] | None = None,
        expiration_time: ExpirationTime = None,
        should_cache_fn: Callable[[Any], bool] | None = None,
        asdict: bool = False,
        to_str: Callable[[Any], str] = str,
        function_multi_key_generator: Callable[..., Any] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> Callable[[Callable[P, R]], CachedManyFunction[P, R]]: ...

    def cache_multi_on_arguments(
        self,
        namespace: Any = None,
        expiration_time: ExpirationTime = None,
        should_cache_fn: Callable[[Any], bool] | None = None,
        asdict: bool = False,
        to_str: Callable[[Any], str] = str,
        function_multi_key_generator: Callable[..., Any] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> Any:
        """Decorate a function of many keys: its results are cached, one for each.

        The function takes keys as its arguments and returns a sequence of as many
        results; it is called with those keys that have no fresh result.  The companions
        are those of :meth:`cache_on_arguments`, for many keys: ``set`` takes a mapping
        of keys to results.

        :param asdict: the function returns a dict of keys to results, and so does the
            decorated one; keys that it leaves out are not cached.
        """
        generator = function_multi_key_generator or self.function_multi_key_generator
        extra = {} if to_str is str else {"to_str": to_str}
        options = should_cache_fn, stale_if_error, creator_timeout
        bare = namespace if callable(namespace) else None

        def decorate(fn: Any) -> Any:
            decoratable(fn, self._of_coroutines)
            make_keys = generator(None if bare else namespace, fn, **extra)
            many = self._many(self, fn, make_keys, expiration_time, *options)
            return many.decorated(asdict)

        return decorate(bare) if bare else decorate
