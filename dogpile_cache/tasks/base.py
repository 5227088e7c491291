"""How regions for tasks are configured: as those for threads are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from dogpile_cache.api import BackendArguments, CacheBackend
from dogpile_cache.base import BaseRegion
from dogpile_cache.plugins import load_awaited_backend, load_backend
from dogpile_cache.report import warning

from .backend import AsyncCacheBackend, Immediate
from .background import apart, background_work, in_background, refresh
from .flights import AsyncFlights
from .guard import AsyncGuarded
from .store import AsyncStore
from .threads import Threaded

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

Runner = Callable[..., Any]


class AsyncBaseRegion(BaseRegion):
    """Hold a region's configuration; not to be used by itself.

    The parameters are those of :class:`~dogpile_cache.base.BaseRegion`.  An
    ``async_creation_runner`` may be a coroutine function, such as
    :func:`~dogpile_cache.aio.refresh_in_background`; it then runs as a task.
    """

    _make_store = AsyncStore
    _make_flights = AsyncFlights
    _make_guard = AsyncGuarded
    _apart = staticmethod(apart)
    _refresh_apart = staticmethod(refresh)
    _refresh_ahead = staticmethod(refresh)
    _runner: Runner | None = None

    @staticmethod
    def _load(name: str) -> Any:
        found = load_awaited_backend(name)
        return _Adapted(name) if found is None else found

    @property
    def async_creation_runner(self) -> Runner | None:
        """What makes a stale value anew in the background, if anything does."""
        return None if self._runner is None else partial(_run, self._runner)

    @async_creation_runner.setter
    def async_creation_runner(self, runner: Runner | None) -> None:
        self._runner = runner

    async def aclose(self) -> None:
        """Wait for the work in the background and close what the backend has open.

        The region can be used again: what it needs is opened anew.
        """
        await background_work()
        close = getattr(self.actual_backend, "aclose", None)
        if close is not None:
            await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _run(runner: Runner, *args: Any) -> None:
    answer = runner(*args)
    if hasattr(answer, "__await__"):
        in_background(answer)


class _Adapted:
    """Make a backend for threads serve tasks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._class = load_backend(name)

    def __call__(self, arguments: BackendArguments) -> AsyncCacheBackend:
        return self._adapt(self._class(arguments))

    def from_config_dict(
        self, config_dict: Mapping[str, Any], prefix: str
    ) -> AsyncCacheBackend:
        return self._adapt(self._class.from_config_dict(config_dict, prefix))

    def _adapt(self, backend: CacheBackend) -> AsyncCacheBackend:
        awaited: AsyncCacheBackend | None = backend.awaited()
        if awaited is not None:
            return awaited
        if backend.never_waits:
            return Immediate(backend)
        if not type(backend).__module__.startswith("dogpile_cache."):
            warning("The backend %r has no awaited form; threads call it", self._name)
        return Threaded(backend)
