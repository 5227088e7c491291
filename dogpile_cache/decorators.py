"""Functions whose results are cached, with the types of their arguments kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .api import NO_VALUE
from .entry import one_for_each
from .freshness import lifetimes
from .signature import completer, decoratable, has_self, plain_count

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from .protocols import CachedFunction, CachedManyFunction, ExpirationTime, Lifetime

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
        :param expiration_time: seconds or a timedelta, in place of the region's, or a
            function that returns them and is called at each call.
        :param should_cache_fn: is given a result and tells whether to keep it.
        :param to_str: shows an argument in the key; see the key generators.
        :param function_key_generator: makes the keys, in place of the region's.
        """
        generator = function_key_generator or self.function_key_generator
        extra = {} if to_str is str else {"to_str": to_str}
        bare = namespace if callable(namespace) else None

        def decorate(fn: Any) -> Any:
            make_key = generator(None if bare else namespace, decoratable(fn), **extra)
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
            make_keys = generator(None if bare else namespace, decoratable(fn), **extra)
            return _cached_many(
                self, fn, make_keys, expiration_time, should_cache_fn, asdict
            )

        return decorate(bare) if bare else decorate


def _finish(wrapper: Any, companions: _One | _Many) -> Any:
    update_wrapper(wrapper, companions.original)
    for name in ("invalidate", "set", "get", "refresh", "original"):
        setattr(wrapper, name, getattr(companions, name))
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
    lifetime = lifetimes(expiration_time)
    dynamic = lifetime if callable(expiration_time) else None
    fixed = None if callable(expiration_time) else lifetime()

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

    return _finish(cached, _One(region, fn, key_of, lifetime, should_cache_fn))


class _One:
    """Be the companions of a function with one value per call."""

    def __init__(
        self,
        region: Any,
        fn: Callable[..., Any],
        key_of: Callable[[tuple[Any, ...], dict[str, Any]], Any],
        lifetime: Callable[[], Lifetime],
        should_cache_fn: Callable[[Any], bool] | None,
    ) -> None:
        self._region = region
        self.original = fn
        self._key_of = key_of
        self._lifetime = lifetime
        self._keep = should_cache_fn

    def invalidate(self, *args: Any, **kwargs: Any) -> None:
        self._region.delete(self._key_of(args, kwargs))

    def set(self, value: Any, *args: Any, **kwargs: Any) -> None:
        self._region.set(self._key_of(args, kwargs), value)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._region.get(self._key_of(args, kwargs), self._lifetime())

    def refresh(self, *args: Any, **kwargs: Any) -> Any:
        started = self._region.clock.time()
        value = self.original(*args, **kwargs)
        if self._keep is None or self._keep(value):
            self._region._keep(self._key_of(args, kwargs), value, started)
        return value


def _cached_many(
    region: Any,
    fn: Callable[..., Any],
    make_keys: Callable[..., Sequence[Any]],
    expiration_time: ExpirationTime,
    should_cache_fn: Callable[[Any], bool] | None,
    asdict: bool,
) -> Any:
    lifetime = lifetimes(expiration_time)
    many = _Many(region, fn, make_keys, lifetime, should_cache_fn, asdict)

    def cached(*args: Any, **kwargs: Any) -> Any:
        return many(args, kwargs)

    return _finish(cached, many)


class _Many:
    """Be a function of many keys, and its companions."""

    def __init__(
        self,
        region: Any,
        fn: Callable[..., Any],
        make_keys: Callable[..., Sequence[Any]],
        lifetime: Callable[[], Lifetime],
        should_cache_fn: Callable[[Any], bool] | None,
        asdict: bool,
    ) -> None:
        self._region = region
        self.original = fn
        self._make_keys = make_keys
        self._lifetime = lifetime
        self._keep = should_cache_fn
        self._asdict = asdict
        self._skip = 1 if has_self(fn) else 0

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        keys, asked = self._make_keys(*args, **kwargs), args[self._skip :]
        by_key = dict(zip(keys, asked))

        def create(*wanted: Any) -> list[Any]:
            chosen = tuple(by_key[key] for key in wanted)
            made = self.original(*args[: self._skip], *chosen)
            return self._values(chosen, made)

        values = self._region.get_or_create_multi(
            keys, create, self._lifetime(), self._keep
        )
        return self._answer(asked, values)

    def _values(self, asked: tuple[Any, ...], made: Any) -> list[Any]:
        if self._asdict:
            return [made.get(key, NO_VALUE) for key in asked]
        return list(made)

    def _answer(self, asked: tuple[Any, ...], values: Sequence[Any]) -> Any:
        if not self._asdict:
            return values
        return {key: v for key, v in zip(asked, values) if v is not NO_VALUE}

    def invalidate(self, *args: Any) -> None:
        self._region.delete_multi(self._make_keys(*args))

    def set(self, mapping: Mapping[Any, Any], *owner: Any) -> None:
        keys = self._make_keys(*owner, *mapping)
        self._region.set_multi(dict(zip(keys, mapping.values())))

    def get(self, *args: Any) -> Any:
        return self._region.get_multi(self._make_keys(*args), self._lifetime())

    def refresh(self, *args: Any) -> Any:
        keys, asked = self._make_keys(*args), args[self._skip :]
        started = self._region.clock.time()
        values = one_for_each(keys, self._values(asked, self.original(*args)))
        kept = {
            key: value
            for key, value in zip(keys, values)
            if value is not NO_VALUE and (self._keep is None or self._keep(value))
        }
        self._region._keep_many(kept, started)
        return self._answer(asked, values)
