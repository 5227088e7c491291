"""A backend that may fail, as its region uses it: what fails is a miss, and goes on.

Reads fail open: what cannot be read is not there.  Writes that fail are logged and made up
for later.  Deletions that fail are raised, for what should be gone must not silently stay;
they are made up for, too.  A lock that cannot be asked for is taken to be ours.

A backend that is left alone, see ``circuit.py``, is asked by deletions only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE, CacheMutex
from .backend import is_callers_fault
from .circuit import Circuit
from .exception import ValueTooLarge
from .flow import Flow
from .freshness import times

if TYPE_CHECKING:
    from .binding import Binding


class Guarded:
    """Stand before a backend.

    :param replay: is called with a flow that makes up for what the backend has missed.
    """

    def __init__(
        self, region: Binding, backend: Any, replay: Callable[[Flow[None]], Any]
    ) -> None:
        self.backend = backend
        self._region = region
        self._delete, self._delete_multi = backend.delete, backend.delete_multi
        self.circuit = Circuit(region, lambda: replay(self.replay()))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.backend, name)
        guard = _GUARDS.get(name)
        if guard is not None:
            found = self.__dict__[name] = getattr(self, guard)(found)
        return found

    @property
    def is_away(self) -> bool:
        """Whether the backend is left alone, and nobody is to probe it just now."""
        return self.circuit.troubled and self.circuit.is_away

    def fails(self, error: Exception) -> bool:
        """Count an error of the backend; False if it is its caller's."""
        if is_callers_fault(self.backend, error):
            return False
        self.circuit.fail(error)
        return True

    def _reading(self, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        circuit = self.circuit

        def guarded(id: Any) -> Any:
            if circuit.troubled and not circuit.shows(id):
                return NO_VALUE
            try:
                found = read(id)
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

        def guarded(ids: Sequence[Any]) -> Sequence[Any]:
            if circuit.troubled and not circuit.allows():
                return [NO_VALUE] * len(ids)
            try:
                found = read(ids)
            except Exception as error:
                if not self.fails(error):
                    raise
                return [NO_VALUE] * len(ids)
            return self._shown(ids, found) if circuit.troubled else found

        return guarded

    def _shown(self, ids: Sequence[Any], found: Sequence[Any]) -> Sequence[Any]:
        """Return what was found of those keys of which the backend missed nothing."""
        missed = self.circuit.missed
        shown = [NO_VALUE if id in missed else each for id, each in zip(ids, found)]
        self.circuit.succeed()
        return shown

    def _writing(self, write: Callable[[Any, Any], Any]) -> Callable[[Any, Any], None]:
        circuit = self.circuit

        def guarded(id: Any, stored: Any) -> None:
            if circuit.troubled and not circuit.allows():
                circuit.miss(id, stored)
                return
            try:
                write(id, stored)
            except ValueTooLarge as error:
                self.take_back(*circuit.refuse(error))
            except Exception as error:
                if not self.fails(error):
                    raise
                circuit.miss(id, stored)
            else:
                self.wrote((id,))

        return guarded

    def _writing_many(self, write: Callable[[Any], Any]) -> Callable[[Any], None]:
        circuit = self.circuit

        def guarded(values: Mapping[Any, Any]) -> None:
            if circuit.troubled and not circuit.allows():
                self.missed(values)
                return
            try:
                write(values)
            except ValueTooLarge as error:
                for id in circuit.refuse(error):
                    self.take_back(id)
            except Exception as error:
                if not self.fails(error):
                    raise
                self.missed(values)
            else:
                self.wrote(values)

        return guarded

    def missed(self, values: Mapping[Any, Any]) -> None:
        """Remember values that were not written."""
        for id, stored in values.items():
            self.circuit.miss(id, stored)

    def wrote(self, ids: Iterable[Any]) -> None:
        """Note that the backend has taken what it was told about some keys."""
        circuit = self.circuit
        if circuit.troubled:
            for id in ids:
                circuit.missed.done(id)
            circuit.succeed()

    def failed_to_delete(self, ids: Iterable[Any], error: Exception) -> None:
        """Remember deletions that did not take place."""
        if self.fails(error):
            for id in ids:
                self.circuit.miss(id)

    def delete(self, id: Any) -> None:
        """Delete a key, even where the backend is left alone."""
        try:
            self._delete(id)
        except Exception as error:
            self.failed_to_delete((id,), error)
            raise
        self.wrote((id,))

    def delete_multi(self, ids: Sequence[Any]) -> None:
        """Delete several keys, even where the backend is left alone."""
        try:
            self._delete_multi(ids)
        except Exception as error:
            self.failed_to_delete(ids, error)
            raise
        self.wrote(ids)

    def take_back(self, id: Any) -> None:
        """Delete a value that was overtaken while it was being written."""
        try:
            self.delete(id)
        except Exception as error:
            if is_callers_fault(self.backend, error):
                raise

    def get_mutex(self, id: Any) -> Any:
        """Return the lock that processes share, or None where it cannot be asked for."""
        if self.circuit.troubled and self.circuit.is_open:
            return None
        mutex = self.backend.get_mutex(id)
        return None if mutex is None else self._mutex(mutex, id)

    def _mutex(self, mutex: Any, id: Any) -> GuardedMutex:
        return GuardedMutex(mutex, id, self)

    def replay(self) -> Flow[None]:
        """Make up for what the backend has missed, until it fails again."""
        missed, circuit = self.circuit.missed, self.circuit
        try:
            while (due := missed.first()) is not None:
                try:
                    yield from self._make_up(*due)
                except ValueTooLarge as error:
                    yield partial(self._delete, *circuit.refuse(error))
                missed.done(*due)
        except Exception as error:  # noqa: BLE001  # a backend may raise anything
            circuit.fail(error)
        else:
            circuit.succeed()
        finally:
            circuit.recovers = False

    def _make_up(self, id: Any, stored: Any) -> Flow[None]:
        backend = self.backend
        if stored is NO_VALUE:
            revoke = getattr(backend.get_mutex(id), "revoke", None)
            if revoke is not None:
                yield revoke
            yield partial(backend.delete, id)
            return
        by_bytes = isinstance(stored, bytes)
        found = yield partial(backend.get_serialized if by_bytes else backend.get, id)
        if not self._is_newer(found, stored, id):
            write = backend.set_serialized if by_bytes else backend.set
            yield partial(write, id, stored)

    def _is_newer(self, found: Any, stored: Any, id: Any) -> bool:
        """Tell whether what was found was made after what is to be stored."""
        if found is NO_VALUE or found is None:
            return False
        peek = self._region._store.peek
        there, missed = peek(found, id), peek(stored, id)
        return bool(there) and times(there.metadata) > times(missed.metadata)


_GUARDS = {
    "get": "_reading",
    "get_serialized": "_reading",
    "get_multi": "_reading_many",
    "get_serialized_multi": "_reading_many",
    "set": "_writing",
    "set_serialized": "_writing",
    "set_multi": "_writing_many",
    "set_serialized_multi": "_writing_many",
}


class GuardedMutex(CacheMutex):
    """Be a mutex that is taken to be ours when it cannot be asked for."""

    def __init__(self, mutex: Any, id: Any, guarded: Guarded) -> None:
        self._mutex = mutex
        self._id = id
        self._guarded = guarded
        self._without = False
        self.gathers = getattr(mutex, "gathers", True)

    def __getattr__(self, name: str) -> Any:  # of what not all mutexes have
        found = getattr(self._mutex, name)
        if name == "pause":
            return partial(self._pause, found)
        return partial(self._revoke, found) if name == "revoke" else found

    def acquire(self, wait: bool = True) -> bool:
        if self._without:
            return True
        try:
            return self._mutex.acquire(wait)  # type: ignore[no-any-return]
        except Exception as error:
            if not self._guarded.fails(error):
                raise
            self._without = True
            return True

    def _pause(self, pause: Callable[[float], None], waited: float) -> None:
        try:
            pause(waited)
        except Exception as error:
            if not self._guarded.fails(error):
                raise
            self._without = True

    def _revoke(self, revoke: Callable[[], Any]) -> None:
        try:
            revoke()
        except Exception as error:
            self._guarded.failed_to_delete((self._id,), error)
            raise

    def confirm(self) -> bool:
        confirm = getattr(self._mutex, "confirm", None)
        return self._without or confirm is None or bool(confirm())

    def release(self) -> bool | None:
        return True if self._without else self._mutex.release()

    def locked(self) -> bool:
        return bool(self._mutex.locked())
