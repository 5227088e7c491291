"""The lease of Redis and Valkey; see :mod:`dogpile_cache.backends.redis`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dogpile_cache.lease import MARK, Lease
from dogpile_cache.mutex import backoff

from .redis_clients import Listeners

LONGEST_WAIT = 1.0
"""Seconds after which to look again, should the news of a release have been lost."""

RENEW = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])
"""
DROP = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('del', KEYS[1])
redis.call('publish', KEYS[1], '')
return 1
"""
REVOKE = """
local token = redis.call('get', KEYS[1])
if not token or string.sub(token, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('del', KEYS[1])
redis.call('publish', KEYS[1], '')
return 1
"""


class RedisLease(Lease):
    """Be a key with a token, which the server forgets."""

    def __init__(
        self,
        name: str,
        seconds: float,
        client: Callable[[], Any],
        listeners: Listeners,
        sleep: float,
        patience: float | None,
    ) -> None:
        super().__init__(name, seconds, patience)
        self._client = client
        self._listeners = listeners
        self._sleep = sleep

    def _milliseconds(self) -> int:
        return max(int(self.seconds * 1000), 1)

    def take(self) -> bool:
        client = self._client()
        return bool(client.set(self.name, self.token, nx=True, px=self._milliseconds()))

    def renew(self) -> bool:
        eval_ = self._client().eval
        return bool(eval_(RENEW, 1, self.name, self.token, self._milliseconds()))

    def drop(self) -> bool:
        return bool(self._client().eval(DROP, 1, self.name, self.token))

    def revoke(self) -> bool:
        return bool(self._client().eval(REVOKE, 1, self.name, MARK))

    def locked(self) -> bool:
        return bool(self._client().exists(self.name))

    def wait(self, waited: float, most: float) -> None:
        """Wait for the news of the release; look for it where there is no news."""
        if not self._listeners.enter():
            time.sleep(min(backoff(waited), self._sleep, most))
            return
        try:
            with self._client().pubsub() as news:
                news.subscribe(self.name)
                news.get_message(timeout=LONGEST_WAIT)  # that we are subscribed
                left = self._time_left()
                if left is None:
                    time.sleep(min(self._sleep, most))
                elif left > 0:
                    news.get_message(timeout=min(left, most, LONGEST_WAIT))
        except Exception:  # noqa: BLE001  # such as no right to subscribe; look instead
            time.sleep(min(self._sleep, most))
        finally:
            self._listeners.leave()

    def _time_left(self) -> float | None:
        """Return how long the lease lasts; None if its release is not published."""
        with self._client().pipeline(transaction=False) as pipe:
            token, milliseconds = pipe.get(self.name).pttl(self.name).execute()
        if token is None:
            return 0
        if isinstance(token, str):  # from a client that decodes
            token = token.encode()
        return max(milliseconds, 1) / 1000 if token.startswith(MARK) else None
