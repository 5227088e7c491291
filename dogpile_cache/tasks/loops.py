"""What belongs to one event loop, made anew for the next.

Connections and the tasks that wait belong to the event loop they were made in.  A region
may be used by loops that run one after the other, such as those of two ``asyncio.run()``,
and not by two that run at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from dogpile_cache.exception import TwoEventLoops
from dogpile_cache.forking import forget_after_fork

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

T = TypeVar("T")


def running_loop() -> AbstractEventLoop:
    """Return the event loop that runs this task."""
    import asyncio  # costly, and imported by whoever runs a loop

    return asyncio.get_running_loop()


class PerLoop(Generic[T]):
    """Hold a thing of the running event loop.

    :param make: makes the thing, in the loop.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Have nothing: what a forked child inherits is its parent's."""
        self._loop: AbstractEventLoop | None = None
        self._thing: T | None = None

    def get(self) -> T:
        """Return the thing of the running loop.

        :raises TwoEventLoops: another loop has it, and runs.
        """
        loop = running_loop()
        if self._loop is not loop:
            self._change(loop)
        return self._thing  # type: ignore[return-value]  # it has been made

    def _change(self, loop: AbstractEventLoop) -> None:
        if self._loop is not None and self._loop.is_running():
            raise TwoEventLoops(self._loop, loop)
        self._loop, self._thing = loop, self._make()

    def peek(self) -> T | None:
        """Return what there is, and make none."""
        return self._thing

    def take(self) -> T | None:
        """Return what there is, and have none."""
        thing, self._thing, self._loop = self._thing, None, None
        return thing
