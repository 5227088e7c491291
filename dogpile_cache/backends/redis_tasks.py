"""One connection per command under way, for tasks; see ``redis_awaited.py``."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from .redis_bounds import QUEUE_TIMEOUT
from .redis_clients import bounded


class TaskClients:
    """Hand out clients that hold on to one connection each, within bounds.

    So a command need not ask a pool for its connection, which takes as long as half of
    the command.  One that fails or is cancelled closes the connection of its client,
    which opens another for the next.
    """

    def __init__(self, library: Any, client: Any) -> None:
        pool = bounded(library, client.connection_pool)
        self._busy = library.ConnectionError
        self.shared = type(client).from_pool(pool)
        self._left = max(pool.max_connections // 2, 1)  # the others are for who listens
        self._spare: list[Any] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()

    async def call(self, command: str, *args: Any, **kw: Any) -> Any:
        """Run a command of the client."""
        client = self._spare.pop() if self._spare else await self._another()
        try:
            return await getattr(client, command)(*args, **kw)
        except Exception:
            if client.connection is not None:
                await client.connection.disconnect(nowait=True)
            raise
        finally:
            self._give_back(client)

    async def _another(self) -> Any:
        if self._left:
            self._left -= 1
            return self.shared.client()
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await asyncio.wait_for(waiting, QUEUE_TIMEOUT)
        except (asyncio.CancelledError, asyncio.TimeoutError) as error:
            if waiting.done() and not waiting.cancelled():  # it came all the same
                self._give_back(waiting.result())
            if isinstance(error, asyncio.CancelledError):
                raise
            raise self._busy(
                f"No connection became free within {QUEUE_TIMEOUT} seconds."
            ) from None

    def _give_back(self, client: Any) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(client)
                return
        self._spare.append(client)

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._spare:
            await client.aclose()
        await self.shared.aclose()


class SharedClient:
    """Run commands through a client that keeps its own pool."""

    def __init__(self, client: Any) -> None:
        self.shared = client

    async def call(self, command: str, *args: Any, **kw: Any) -> Any:
        """Run a command of the client."""
        return await getattr(self.shared, command)(*args, **kw)

    async def aclose(self) -> None:
        """Close its connections, if they are its own."""
        await self.shared.aclose()
