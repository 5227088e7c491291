"""The helper names that users of dogpile.cache import from here."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSet
from functools import cached_property
from threading import get_ident
from typing import Any
from weakref import WeakValueDictionary

from .keys import (
    function_key_generator,
    function_multi_key_generator,
    kwarg_function_key_generator,
    length_conditional_mangler,
    sha1_mangle_key,
)
from .plugins import PluginLoader

__all__ = [
    "KeyReentrantMutex",
    "NameRegistry",
    "PluginLoader",
    "ReadWriteMutex",
    "coerce_string_conf",
    "function_key_generator",
    "function_multi_key_generator",
    "kwarg_function_key_generator",
    "length_conditional_mangler",
    "memoized_property",
    "repr_obj",
    "sha1_mangle_key",
    "to_list",
]

_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?|[-+]?\.\d+([eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "none": None}


class memoized_property(cached_property[Any]):  # noqa: N801  # dogpile.cache's name
    """Be a read-only property that is evaluated once."""

    def __init__(self, fget: Callable[[Any], Any], doc: str | None = None) -> None:
        super().__init__(fget)
        self.__doc__ = doc or fget.__doc__


def coerce_string_conf(d: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with those strings turned that look like another thing.

    Those are integers, floats, ``true``, ``false`` and ``None``, in any case.  Other
    strings are stripped; what is not a string stays as it is.
    """
    return {key: _coerced(value) for key, value in d.items()}


def _coerced(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if not _NUMBER.fullmatch(text):
        return text
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:  # it has more digits than Python reads
        return text


def to_list(x: Any, default: Any = None) -> Any:
    """Return a list or tuple as it is, and anything else in a list of its own."""
    if x is None:
        return default
    return x if isinstance(x, (list, tuple)) else [x]


class repr_obj:  # noqa: N801  # the name is dogpile.cache's
    """Show a sequence, for logs, with what is too long cut out of its middle."""

    __slots__ = ("max_chars", "value")

    def __init__(self, value: Iterable[str], max_chars: int = 300) -> None:
        self.value = value
        self.max_chars = max_chars

    def __repr__(self) -> str:
        text = repr(self.value)
        cut = len(text) - self.max_chars
        if cut <= 0:
            return text
        half = self.max_chars // 2
        return f"{text[:half]} ... ({cut} characters truncated) ... {text[-half:]}"


class KeyReentrantMutex:
    """Let the thread that holds a mutex for one key take it for others, too."""

    def __init__(
        self, key: str, mutex: Any, keys: MutableMapping[int, MutableSet[str]]
    ) -> None:
        self.key = key
        self.mutex = mutex
        self.keys = keys

    @classmethod
    def factory(cls, mutex: Any) -> Callable[[str], KeyReentrantMutex]:
        """Return a function that makes the mutexes of keys out of one mutex."""
        keys: dict[int, MutableSet[str]] = {}
        return lambda key: cls(key, mutex, keys)

    def acquire(self, wait: bool = True) -> bool:
        """Take the mutex; at once, if this thread holds it for another key."""
        mine = self.keys.get(get_ident())
        if mine is not None:
            if self.key in mine:
                return False
            mine.add(self.key)
            return True
        if not self.mutex.acquire(wait):
            return False
        self.keys[get_ident()] = {self.key}
        return True

    def release(self) -> None:
        """Give back the key; with the last one, the mutex."""
        mine = self.keys.get(get_ident())
        assert mine is not None, "this thread didn't do the acquire"
        assert self.key in mine, f"no acquire held for key {self.key!r}"
        mine.discard(self.key)
        if not mine:
            del self.keys[get_ident()]
            self.mutex.release()

    def locked(self) -> bool:
        """Tell whether this thread holds the mutex for this key."""
        return self.key in self.keys.get(get_ident(), ())


class NameRegistry:
    """Keep one object per name for as long as anybody holds on to it."""

    def __init__(self, creator: Callable[..., Any]) -> None:
        self.creator = creator
        self._values: WeakValueDictionary[Any, Any] = WeakValueDictionary()
        self._lock = threading.RLock()

    def get(self, identifier: str, *args: Any, **kw: Any) -> Any:
        """Return the object of a name; make it from all arguments if there is none."""
        with self._lock:
            value = self._values.get(identifier)
            if value is None:
                self._values[identifier] = value = self.creator(identifier, *args, **kw)
            return value


class LockError(Exception):
    """Say that a lock was released by one who does not hold it."""


class ReadWriteMutex:
    """Let several threads read at once, and one write alone."""

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._readers = 0
        self._writer: int | None = None

    def acquire_read_lock(self, wait: bool = True) -> bool:
        """Share the mutex with other readers; True if it was acquired."""
        with self._condition:
            if self._writer is not None and not wait:
                return False
            self._condition.wait_for(lambda: self._writer is None)
            self._readers += 1
            return True

    def acquire_write_lock(self, wait: bool = True) -> bool:
        """Take the mutex alone; True if it was acquired."""
        with self._condition:
            if not wait and (self._readers or self._writer is not None):
                return False
            self._condition.wait_for(lambda: not self._readers and self._writer is None)
            self._writer = get_ident()
            return True

    def release_read_lock(self) -> None:
        """Give back a share."""
        with self._condition:
            if not self._readers:
                raise LockError("release_read_lock without acquire_read_lock")
            self._readers -= 1
            self._condition.notify_all()

    def release_write_lock(self) -> None:
        """Give back the whole."""
        with self._condition:
            if self._writer != get_ident():
                raise LockError("release_write_lock by a thread that does not hold it")
            self._writer = None
            self._condition.notify_all()
