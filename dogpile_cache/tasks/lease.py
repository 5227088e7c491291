"""Locks between processes for tasks; this is ``lease.py``, awaited.

A task renews the lease while its holder is at work.  Should the event loop stand still for
longer than the lease lasts, the holder asks whether the lease is still its own before it
writes what it made.
"""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import asyncio
import os
import time
import weakref

from dogpile_cache.lease import MARK, Lease
from dogpile_cache.mutex import backoff
from dogpile_cache.report import warning

from .background import in_background


class AsyncLease(Lease):
    """Be a lock for one key that its store forgets after ``seconds``."""

    _renewal: asyncio.Task[None] | None = None

    async def take(self) -> bool:
        raise NotImplementedError

    async def renew(self) -> bool:
        raise NotImplementedError

    async def drop(self) -> bool:
        raise NotImplementedError

    async def revoke(self) -> bool:
        raise NotImplementedError

    async def wait(self, waited: float, most: float) -> None:
        await asyncio.sleep(min(backoff(waited), most))

    async def acquire(self, wait: bool = True) -> bool:
        begun = time.monotonic()
        while not await self._try():
            if not wait:
                return False
            await self.pause(time.monotonic() - begun)
        return True

    async def _try(self) -> bool:
        if self._without:
            return True
        self.token = MARK + os.urandom(16).hex().encode()
        begun = time.monotonic()
        taking = asyncio.ensure_future(self.take())
        try:
            taken = await asyncio.shield(taking)
        except asyncio.CancelledError:
            in_background(self._give_up(taking))
            raise
        if taken:
            self._until, self.lost = begun + self.seconds, False
            self._renewal = asyncio.create_task(_keep_renewing(weakref.ref(self)))
        return taken

    async def _give_up(self, taking: asyncio.Future[bool]) -> None:
        """Drop what is taken for a task that was cancelled.

        A command that is broken off may still reach the server, and after the next one.
        """
        if await taking:
            await self.drop()

    async def pause(self, waited: float) -> None:
        left = self._left(waited)
        if left > 0:
            await self.wait(waited, left)
        else:
            self._without = True

    async def extend(self) -> bool:
        begun = time.monotonic()
        self.lost = not await self.renew()
        self._until = begun + self.seconds
        return not self.lost

    async def confirm(self) -> bool:
        if self.is_sure:
            return not self.lost
        try:
            return await self.extend()
        except Exception:  # noqa: BLE001  # who cannot tell does not write
            warning("Whether %r is still ours is unknown", self.name, exc_info=True)
            return False

    async def release(self) -> bool:
        if self._without:
            return True
        if self._renewal is not None:
            self._renewal.cancel()
        lost = self.lost
        return await self.drop() and not lost


async def _keep_renewing(lease: weakref.ref[AsyncLease]) -> None:
    """Renew a lease, each time when a third of it has passed, until it is lost."""
    while (held := lease()) is not None and not held.lost:
        pause = held.seconds / 3
        del held  # one that its holder lost is not kept by us
        await asyncio.sleep(pause)
        held = lease()
        if held is not None:
            try:
                await held.extend()
            except Exception:  # noqa: BLE001  # there is time to try again
                warning("The lease %r was not renewed", held.name, exc_info=True)
