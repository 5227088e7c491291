"""Functions whose results are cached, awaited: this is ``decorators.py`` for tasks."""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from dogpile_cache.batch import one_for_each
from dogpile_cache.companions import Companions, Many, One
from dogpile_cache.decorators import Decorators

from .flights import settled

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from dogpile_cache.protocols import ExpirationTime, Lifetime, Timeouts

    from .protocols import AsyncCachedFunction, AsyncCachedManyFunction

    P = ParamSpec("P")

R = TypeVar("R")


class _Awaited(Companions):
    """Make of each decorated function a coroutine function."""

    def finish(self, wrapper: Any) -> Any:
        async def cached(*args: Any, **kwargs: Any) -> Any:
            return await wrapper(*args, **kwargs)

        return super().finish(cached)


class AsyncOne(_Awaited, One):
    """Be the companions of a function with one value per call."""

    async def refresh(self, *args: Any, **kwargs: Any) -> Any:
        started = self._region.clock.time()
        value = await settled(self.original(*args, **kwargs))
        if self._is_kept(value):
            await self._region._keep(self._key_of(args, kwargs), value, started)
        return value


class AsyncMany(_Awaited, Many):
    """Be the companions of a function of many keys."""

    async def _get_or_create(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        keys, asked = self._make_key(*args, **kwargs), args[self._skip :]
        by_key = dict(zip(keys, asked))

        async def create(*wanted: Any) -> list[Any]:
            chosen = tuple(by_key[key] for key in wanted)
            made = await settled(self.original(*args[: self._skip], *chosen))
            return self._values(chosen, made)

        values = await self._region.get_or_create_multi(
            keys, create, self._lifetime(), self._keep, *self._tolerance
        )
        return self._answer(asked, values)

    async def refresh(self, *args: Any) -> Any:
        keys, asked = self._make_key(*args), args[self._skip :]
        started = self._region.clock.time()
        made = await settled(self.original(*args))
        values = one_for_each(keys, self._values(asked, made))
        await self._region._keep_many(self._kept(keys, values), started)
        return self._answer(asked, values)


class AsyncDecorators(Decorators):
    """Give a region its decorators; what they make is awaited."""

    _of_coroutines = True
    _one = AsyncOne
    _many = AsyncMany

    if TYPE_CHECKING:

        @overload
        def cache_on_arguments(
            self, namespace: Callable[P, Awaitable[R]]
        ) -> AsyncCachedFunction[P, R]: ...
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
        ) -> Callable[[Callable[P, Awaitable[R]]], AsyncCachedFunction[P, R]]: ...
        def cache_on_arguments(self, *args: Any, **kw: Any) -> Any: ...

        @overload
        def cache_multi_on_arguments(
            self, namespace: Callable[P, Awaitable[R]]
        ) -> AsyncCachedManyFunction[P, R]: ...
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
        ) -> Callable[[Callable[P, Awaitable[R]]], AsyncCachedManyFunction[P, R]]: ...
        def cache_multi_on_arguments(self, *args: Any, **kw: Any) -> Any: ...
