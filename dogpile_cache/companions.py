"""What a decorated function is made of: the function itself, and its companions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE
from .batch import one_for_each
from .freshness import lifetimes
from .settings import check_tolerance
from .signature import completer, has_self, plain_count

if TYPE_CHECKING:
    from .protocols import ExpirationTime, Lifetime, Timeouts


class Companions:
    """Be what the companions of every decorated function have in common."""

    def __init__(
        self,
        region: Any,
        fn: Callable[..., Any],
        make_key: Callable[..., Any],
        expiration_time: ExpirationTime,
        should_cache_fn: Callable[[Any], bool] | None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> None:
        check_tolerance(stale_if_error, creator_timeout)
        self._tolerance = stale_if_error, creator_timeout
        self._region = region
        self.original = fn
        self._make_key = make_key
        self._lifetime = lifetimes(expiration_time)
        self._expiration_time = expiration_time
        self._keep = should_cache_fn

    def finish(self, wrapper: Any) -> Any:
        """Give a function the name of the original one, and the companions."""
        update_wrapper(wrapper, self.original)
        for name in ("invalidate", "set", "get", "refresh", "original"):
            setattr(wrapper, name, getattr(self, name))
        return wrapper

    def _is_kept(self, value: Any) -> bool:
        return self._keep is None or self._keep(value)


class One(Companions):
    """Be the companions of a function with one value per call."""

    def decorated(self) -> Any:
        """Return the function that answers from the cache.  This is the hot path."""
        region, fn, make_key, keep = (
            self._region,
            self.original,
            self._make_key,
            self._keep,
        )
        stale_if_error, creator_timeout = self._tolerance
        count = plain_count(fn)
        template = getattr(make_key, "template", None)
        dynamic = self._lifetime if callable(self._expiration_time) else None
        fixed = None if dynamic else self._lifetime()
        self._complete = completer(fn)
        key_of = self._key_of

        def cached(*args: Any, **kwargs: Any) -> Any:
            if kwargs or len(args) != count:
                key = key_of(args, kwargs)
            elif template is not None:
                key = template % args
            else:
                key = make_key(*args)
            timeout = fixed if dynamic is None else dynamic()
            return region.get_or_create(
                key, fn, timeout, keep, (args, kwargs), stale_if_error, creator_timeout
            )

        return self.finish(cached)

    def _key_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args, kwargs = self._complete(args, kwargs)
        return self._make_key(*args, **kwargs)

    def invalidate(self, *args: Any, **kwargs: Any) -> Any:
        return self._region.delete(self._key_of(args, kwargs))

    def set(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return self._region.set(self._key_of(args, kwargs), value)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._region.get(self._key_of(args, kwargs), self._lifetime())

    def refresh(self, *args: Any, **kwargs: Any) -> Any:
        started = self._region.clock.time()
        value = self.original(*args, **kwargs)
        if self._is_kept(value):
            self._region._keep(self._key_of(args, kwargs), value, started)
        return value


class Many(Companions):
    """Be the companions of a function of many keys."""

    def decorated(self, asdict: bool) -> Any:
        """Return the function that answers from the cache."""
        self._asdict = asdict
        self._skip = 1 if has_self(self.original) else 0

        def cached(*args: Any, **kwargs: Any) -> Any:
            return self._get_or_create(args, kwargs)

        return self.finish(cached)

    def _get_or_create(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        keys, asked = self._make_key(*args, **kwargs), args[self._skip :]
        by_key = dict(zip(keys, asked))

        def create(*wanted: Any) -> list[Any]:
            chosen = tuple(by_key[key] for key in wanted)
            made = self.original(*args[: self._skip], *chosen)
            return self._values(chosen, made)

        values = self._region.get_or_create_multi(
            keys, create, self._lifetime(), self._keep, *self._tolerance
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

    def _kept(self, keys: Sequence[Any], values: Sequence[Any]) -> dict[Any, Any]:
        return {
            key: value
            for key, value in zip(keys, values)
            if value is not NO_VALUE and self._is_kept(value)
        }

    def invalidate(self, *args: Any) -> Any:
        return self._region.delete_multi(self._make_key(*args))

    def set(self, mapping: Mapping[Any, Any], *owner: Any) -> Any:
        keys = self._make_key(*owner, *mapping)
        return self._region.set_multi(dict(zip(keys, mapping.values())))

    def get(self, *args: Any) -> Any:
        return self._region.get_multi(self._make_key(*args), self._lifetime())

    def refresh(self, *args: Any) -> Any:
        keys, asked = self._make_key(*args), args[self._skip :]
        started = self._region.clock.time()
        values = one_for_each(keys, self._values(asked, self.original(*args)))
        self._region._keep_many(self._kept(keys, values), started)
        return self._answer(asked, values)
