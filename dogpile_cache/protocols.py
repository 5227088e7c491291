"""The types that only type checkers see; no module imports this one when it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    overload,
)

from .api import CachedValue, CacheReturnType, NoValueType
from .events import Listener
from .flow import Flow
from .freshness import State
from .mutex import Flight, Flights

P = ParamSpec("P")
P2 = ParamSpec("P2")
R = TypeVar("R")
S = TypeVar("S")

Lifetime = float | timedelta | None
Timeouts = float | timedelta | tuple[Lifetime, Lifetime] | None
ExpirationTime = Lifetime | Callable[[], Lifetime]


class SettingsGiven(TypedDict, total=False):
    """Be the settings of a region as ``configure()`` takes them."""

    stale_if_error: float | timedelta | None
    retry_after: float | timedelta | None
    share_errors: bool
    creator_timeout: Timeouts
    refresh_ahead: float | None
    jitter: float | timedelta | None
    on_backend_error: Literal["miss", "raise"]
    failure_threshold: int
    recovery_time: float | timedelta
    collect_stats: bool
    signing_key: str | bytes | Sequence[str | bytes] | None
    compress_min_bytes: int | None


class CachedFunction(Protocol[P, R]):
    """Be a function decorated with ``cache_on_arguments``."""

    original: Callable[P, R]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the cached result, or call the function."""
        ...

    def get(self, *args: P.args, **kwargs: P.kwargs) -> R | NoValueType:
        """Return the cached result, or ``NO_VALUE``."""
        ...

    def set(self, value: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Set the result for these arguments."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function and set its result."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Delete the result for these arguments."""
        ...

    # For a checker a classmethod is but a function whose first parameter is a class; and
    # mypy does not look at the type of self here.  So the order matters.
    @overload
    def __get__(
        self: CachedFunction[Concatenate[S, P2], R], instance: None, owner: Any
    ) -> CachedOnClass[P2, R]: ...
    @overload
    def __get__(
        self: CachedFunction[Concatenate[S, P2], R], instance: S, owner: Any
    ) -> CachedMethod[S, P2, R]: ...
    @overload
    def __get__(
        self: CachedFunction[Concatenate[S, P2], R], instance: object, owner: Any
    ) -> CachedMethod[S, P2, R]: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> CachedFunction[P, R]: ...


class Companions(Generic[S, P, R]):
    """Be what is common to a method on its instance and on its class.

    The companions are those of the function and take the instance as an argument.
    """

    original: Callable[Concatenate[S, P], R]

    def get(self, it: S, /, *args: P.args, **kwargs: P.kwargs) -> R | NoValueType:
        """Return the cached result, or ``NO_VALUE``."""
        raise NotImplementedError

    def set(self, value: R, it: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Set the result for these arguments."""
        raise NotImplementedError

    def refresh(self, it: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the method and set its result."""
        raise NotImplementedError

    def invalidate(self, it: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Delete the result for these arguments."""
        raise NotImplementedError


class CachedMethod(Companions[S, P, R]):
    """Be a method decorated with ``cache_on_arguments``, bound."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the cached result, or call the method."""
        raise NotImplementedError


class CachedOnClass(Companions[Any, P, R]):
    """Be a decorated method, or a bound classmethod, as an attribute of its class."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, it: Any, /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    def __call__(self, *args: Any, **kwargs: Any) -> R:  # type: ignore[misc]  # takes all
        """Return the cached result, or call the method."""
        raise NotImplementedError


class CachedManyFunction(Protocol[P, R]):
    """Be a function decorated with ``cache_multi_on_arguments``."""

    original: Callable[P, R]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the cached results, calling the function for those there are not."""
        ...

    def get(self, *args: P.args, **kwargs: P.kwargs) -> list[Any]:
        """Return the cached results, ``NO_VALUE`` for those there are not."""
        ...

    def set(self, mapping: Mapping[Any, Any], /, *owner: Any) -> None:
        """Set results by key; of a method, give the instance, too."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function and set its results."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Delete the results for these keys."""
        ...

    @overload
    def __get__(
        self: CachedManyFunction[Concatenate[S, P2], R], instance: S, owner: Any
    ) -> CachedManyMethod[S, P2, R]: ...
    @overload
    def __get__(
        self: CachedManyFunction[Concatenate[S, P2], R], instance: object, owner: Any
    ) -> CachedManyMethod[S, P2, R]: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> CachedManyFunction[P, R]: ...


class CachedManyMethod(CachedMethod[S, P, R]):
    """Be a bound method decorated with ``cache_multi_on_arguments``."""

    def get(self, it: S, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the cached results, ``NO_VALUE`` for those there are not."""
        raise NotImplementedError

    def set(self, mapping: Any, it: S, /, *args: Any, **kwargs: Any) -> None:
        """Set results by key."""
        raise NotImplementedError


class Mutex(Protocol):
    """Be any object that can be locked, such as a ``threading.Lock``."""

    def acquire(self, wait: bool = ..., /) -> Any:
        """Take the lock; without ``wait``, return at once.  True if it was taken."""
        ...

    def release(self) -> Any:
        """Give the lock back."""
        ...


class Clock(Protocol):
    """Tell the time."""

    def time(self) -> float:
        """Return the time in seconds since the epoch."""
        ...


class Watched(Protocol):
    """Be what has listeners, as a region has; see :mod:`dogpile_cache.events`."""

    name: str | None

    @property
    def listeners(self) -> list[Listener]: ...


class Strategy(Protocol):
    """Tell which values are invalidated; see :mod:`dogpile_cache.invalidation`."""

    latest: float

    def is_invalidated(self, timestamp: float) -> Any: ...
    def is_hard_invalidated(self, timestamp: float) -> Any: ...
    def is_soft_invalidated(self, timestamp: float) -> Any: ...


class Entry(Protocol):
    """Be one key, as the algorithm sees it; see :mod:`dogpile_cache.entry`."""

    id: Any
    key: Any
    previous: CacheReturnType
    """What there is in place of the value that is to be made."""

    @property
    def mutex(self) -> Mutex: ...
    @property
    def is_away(self) -> bool: ...
    @property
    def hard_timeout(self) -> float: ...
    @property
    def time_left(self) -> float: ...
    @property
    def shares_errors(self) -> bool: ...

    def state(self, value: CacheReturnType) -> State: ...
    def is_ahead(self, value: CacheReturnType) -> bool: ...
    def is_resting(self, value: CacheReturnType) -> bool: ...
    def excuses(self, error: Exception) -> bool: ...
    def deferral(
        self, value: CacheReturnType
    ) -> tuple[Callable[[Any], None] | None, float]: ...
    def waited(self, begun: float) -> None: ...
    def prepare(self, value: CachedValue) -> bool: ...
    def stored(self) -> Any: ...
    def receive(self, stored: Any) -> CacheReturnType: ...
    def handover(self, flight: Flight, flights: Flights) -> Any: ...

    # These are steps, which may return what is to be awaited.
    def read(self) -> Any: ...
    def create(self) -> Any: ...
    def write(self) -> Any: ...
    def take_back(self) -> Any: ...
    def pause(self, waited: float) -> Any: ...
    def release(self) -> Any: ...


EntryT = TypeVar("EntryT", bound=Entry)
EntryT_contra = TypeVar("EntryT_contra", bound=Entry, contravariant=True)


class Batch(Protocol[EntryT_contra]):
    """Be several keys that are read, made and written in one go."""

    awaited: bool

    @property
    def is_away(self) -> bool: ...
    def mangle(self, key: Any) -> Any: ...
    def entry(self, key: Any) -> Any: ...
    def make(self, keys: Sequence[Any]) -> Any: ...
    def patience(self, entries: Sequence[EntryT_contra]) -> float: ...
    def excuses(self, entries: Sequence[EntryT_contra], error: Exception) -> bool: ...

    def read(self, entries: Sequence[EntryT_contra]) -> Any: ...
    def create(self, entries: Sequence[EntryT_contra]) -> Any: ...
    def write(self, entries: Sequence[EntryT_contra]) -> Any: ...
    def apart(self, flow: Flow[None]) -> Any: ...
