"""A backend for tasks that may fail; this is ``guard.py``, awaited."""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dogpile_cache.api import NO_VALUE
from dogpile_cache.backend import is_callers_fault
from dogpile_cache.exception import ValueTooLarge
from dogpile_cache.guard import Guarded, GuardedMutex

from .flights import settled


class AsyncGuarded(Guarded):
    """Stand before a backend for tasks."""

    def _reading(self, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        circuit = self.circuit

        async def guarded(id: Any) -> Any:
            if circuit.troubled and not circuit.shows(id):
                return NO_VALUE
            try:
                found = await read(id)
            except Exception as error:
                if not self.fails(error):
                    raise
                return NO_VALUE
            if circuit.troubled:
                circuit.succeed()
            return found

        return guarded

    def _reading_many(self, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        circuit = self.circuit

        async def guarded(ids: Sequence[Any]) -> Sequence[Any]:
            if circuit.troubled and not circuit.allows():
                return [NO_VALUE] * len(ids)
            try:
                found = await read(ids)
            except Exception as error:
                if not self.fails(error):
                    raise
                return [NO_VALUE] * len(ids)
            return self._shown(ids, found) if circuit.troubled else found

        return guarded

    def _writing(self, write: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        circuit = self.circuit

        async def guarded(id: Any, stored: Any) -> None:
            if circuit.troubled and not circuit.allows():
                circuit.miss(id, stored)
                return
            try:
                await write(id, stored)
            except ValueTooLarge as error:
                await self.take_back(*circuit.refuse(error))
            except Exception as error:
                if not self.fails(error):
                    raise
                circuit.miss(id, stored)
            else:
                self.wrote((id,))

        return guarded

    def _writing_many(self, write: Callable[[Any], Any]) -> Callable[[Any], Any]:
        circuit = self.circuit

        async def guarded(values: Mapping[Any, Any]) -> None:
            if circuit.troubled and not circuit.allows():
                self.missed(values)
                return
            try:
                await write(values)
            except ValueTooLarge as error:
                for id in circuit.refuse(error):
                    await self.take_back(id)
            except Exception as error:
                if not self.fails(error):
                    raise
                self.missed(values)
            else:
                self.wrote(values)

        return guarded

    async def delete(self, id: Any) -> None:
        try:
            await self._delete(id)
        except Exception as error:
            self.failed_to_delete((id,), error)
            raise
        self.wrote((id,))

    async def delete_multi(self, ids: Sequence[Any]) -> None:
        try:
            await self._delete_multi(ids)
        except Exception as error:
            self.failed_to_delete(ids, error)
            raise
        self.wrote(ids)

    async def take_back(self, id: Any) -> None:
        try:
            await self.delete(id)
        except Exception as error:
            if is_callers_fault(self.backend, error):
                raise

    def _mutex(self, mutex: Any, id: Any) -> AsyncGuardedMutex:
        return AsyncGuardedMutex(mutex, id, self)


class AsyncGuardedMutex(GuardedMutex):
    """Be a mutex for tasks that is taken to be ours when it cannot be asked for."""

    async def acquire(self, wait: bool = True) -> bool:
        if self._without:
            return True
        try:
            return bool(await settled(self._mutex.acquire(wait)))
        except Exception as error:
            if not self._guarded.fails(error):
                raise
            self._without = True
            return True

    async def _pause(self, pause: Callable[[float], Any], waited: float) -> None:
        try:
            await settled(pause(waited))
        except Exception as error:
            if not self._guarded.fails(error):
                raise
            self._without = True

    async def _revoke(self, revoke: Callable[[], Any]) -> None:
        try:
            await settled(revoke())
        except Exception as error:
            self._guarded.failed_to_delete((self._id,), error)
            raise

    async def confirm(self) -> bool:
        confirm = getattr(self._mutex, "confirm", None)
        return self._without or confirm is None or bool(await settled(confirm()))

    async def release(self) -> bool | None:
        if self._without:
            return True
        kept: bool | None = await settled(self._mutex.release())
        return kept

    async def locked(self) -> bool:
        return bool(await settled(self._mutex.locked()))
