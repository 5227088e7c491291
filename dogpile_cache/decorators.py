"""Functions whose results are cached, with the types of their arguments kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .api import NO_VALUE
from .signature import completer, has_self, is_coroutine_function, plain_count

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from .protocols import CachedFunction, CachedManyFunction, ExpirationTime

    P = ParamSpec("P")

R = TypeVar("R")


class Decorators:
    """Give a region its decorators."""

    if TYPE_CHECKING:
        function_key_generator: Callable[..., Any]
        function_multi_key_generator: Callable[..., Any]
        get: Callable[..., Any]
        get_multi: Callable[..., Any]
        get_or_create: Callable[..., Any]
        get_or_create_multi: Callable[..., Any]
        set: Callable[..., None]
        set_multi: Callable[..., None]
        delete: Callable[..., None]
        delete_multi: Callable[..., None]

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
    ) -> Callable[[Callable[P, R]], CachedFunction[P, R]]: ...

    def cache_on_arguments(
        self,
        namespace: Any = None,
        expiration_time: ExpirationTime = None,
        should_cache_fn: Callable[[Any], bool] | None = None,
        to_str: Callable[[Any], str] = str,
        function_key_generator: Callable[..., Any] | None = None,
    ) -> Any:
        """Decorate a function: its results are cached, by its arguments.

        The function gets five companions: ``invalidate(*args)`` deletes the result for
        some arguments, ``set(value, *args)`` sets it, ``get(*args)`` returns it or
        ``NO_VALUE``, ``refresh(*args)`` calls the function and sets what it returns,
        ``original(*args)`` just calls it.  Those of a method take ``self`` as an
        argument.

        The parentheses may be left out when there are no parameters.

        :param namespace: a part of the keys; tells functions of one name apart.
        :param expiration_time: seconds, in place of the region's, or a function that
            returns them and is called at each call.
        :param should_cache_fn: is given a result and tells whether to keep it.
        :param to_str: shows an argument in the key; see the key generators.
        :param function_key_generator: makes the keys, in place of the region's.
        """
        generator = function_key_generator or self.function_key_generator
        extra = {} if to_str is str else {"to_str": to_str}
        bare = namespace if callable(namespace) else None

        def decorate(fn: Any) -> Any:
            make_key = generator(None if bare else namespace, _checked(fn), **extra)
            return _cached(self, fn, make_key, expiration_time, should_cache_fn)

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
    ) -> Callable[[Callable[P, R]], CachedManyFunction[P, R]]: ...

    def cache_multi_on_arguments(
        self,
        namespace: Any = None,
        expiration_time: ExpirationTime = None,
        should_cache_fn: Callable[[Any], bool] | None = None,
        asdict: bool = False,
        to_str: Callable[[Any], str] = str,
        function_multi_key_generator: Callable[..., Any] | None = None,
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
        bare = namespace if callable(namespace) else None

        def decorate(fn: Any) -> Any:
            make_keys = generator(None if bare else namespace, _checked(fn), **extra)
            return _cached_many(
                self, fn, make_keys, expiration_time, should_cache_fn, asdict
            )

        return decorate(bare) if bare else decorate


def _checked(fn: Any) -> Any:
    if isinstance(fn, (classmethod, staticmethod)):
        raise TypeError(
            f"{fn!r} cannot be decorated; put @{type(fn).__name__} above the decorator "
            "of the region, so that it comes last."
        )
    if is_coroutine_function(fn):
        raise TypeError(
            f"{fn.__qualname__} is a coroutine function; a CacheRegion would cache the "
            "coroutine, which can be awaited but once."
        )
    return fn


def _lifetime(expiration_time: ExpirationTime) -> Callable[[], float | None]:
    return expiration_time if callable(expiration_time) else lambda: expiration_time


def _finish(wrapper: Any, fn: Callable[..., Any], **companions: Any) -> Any:
    update_wrapper(wrapper, fn)
    for name, companion in companions.items():
        setattr(wrapper, name, companion)
    return wrapper


def _cached(
    region: Any,
    fn: Callable[..., Any],
    make_key: Callable[..., Any],
    expiration_time: ExpirationTime,
    should_cache_fn: Callable[[Any], bool] | None,
) -> Any:
    complete = completer(fn)
    count = plain_count(fn)
    template = getattr(make_key, "template", None)
    lifetime = _lifetime(expiration_time)
    fixed = None if callable(expiration_time) else expiration_time
    dynamic = expiration_time if callable(expiration_time) else None

    def key_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args, kwargs = complete(args, kwargs)
        return make_key(*args, **kwargs)

    def cached(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != count:
            key = key_of(args, kwargs)
        elif template is not None:
            key = template % args
        else:
            key = make_key(*args)
        timeout = fixed if dynamic is None else dynamic()
        return region.get_or_create(key, fn, timeout, should_cache_fn, (args, kwargs))

    def invalidate(*args: Any, **kwargs: Any) -> None:
        region.delete(key_of(args, kwargs))

    def set_(value: Any, *args: Any, **kwargs: Any) -> None:
        region.set(key_of(args, kwargs), value)

    def get(*args: Any, **kwargs: Any) -> Any:
        return region.get(key_of(args, kwargs), lifetime())

    def refresh(*args: Any, **kwargs: Any) -> Any:
        value = fn(*args, **kwargs)
        if should_cache_fn is None or should_cache_fn(value):
            region.set(key_of(args, kwargs), value)
        return value

    return _finish(
        cached,
        fn,
        invalidate=invalidate,
        set=set_,
        get=get,
        refresh=refresh,
        original=fn,
    )


def _cached_many(
    region: Any,
    fn: Callable[..., Any],
    make_keys: Callable[..., Sequence[Any]],
    expiration_time: ExpirationTime,
    should_cache_fn: Callable[[Any], bool] | None,
    asdict: bool,
) -> Any:
    skip = 1 if has_self(fn) else 0
    lifetime = _lifetime(expiration_time)

    def values_of(args: tuple[Any, ...], made: Any) -> list[Any]:
        return [made.get(arg, NO_VALUE) for arg in args] if asdict else list(made)

    def answer(args: tuple[Any, ...], values: Sequence[Any]) -> Any:
        if not asdict:
            return values
        return {a: value for a, value in zip(args, values) if value is not NO_VALUE}

    def cached(*args: Any, **kwargs: Any) -> Any:
        keys, asked = make_keys(*args, **kwargs), args[skip:]
        by_key = dict(zip(keys, asked))

        def create(*wanted: Any) -> list[Any]:
            chosen = tuple(by_key[key] for key in wanted)
            return values_of(chosen, fn(*args[:skip], *chosen))

        values = region.get_or_create_multi(keys, create, lifetime(), should_cache_fn)
        return answer(asked, values)

    def invalidate(*args: Any) -> None:
        region.delete_multi(make_keys(*args))

    def set_(mapping: Mapping[Any, Any], *owner: Any) -> None:
        keys = make_keys(*owner, *mapping)
        region.set_multi(dict(zip(keys, mapping.values())))

    def get(*args: Any) -> Any:
        return region.get_multi(make_keys(*args), lifetime())

    def refresh(*args: Any) -> Any:
        keys, asked = make_keys(*args), args[skip:]
        values = values_of(asked, fn(*args))
        region.set_multi(
            {
                key: value
                for key, value in zip(keys, values)
                if value is not NO_VALUE
                and (should_cache_fn is None or should_cache_fn(value))
            }
        )
        return answer(asked, values)

    return _finish(
        cached,
        fn,
        invalidate=invalidate,
        set=set_,
        get=get,
        refresh=refresh,
        original=fn,
    )
