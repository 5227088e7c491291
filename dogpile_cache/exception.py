"""The errors of the package: one short tree.

Whatever the cache itself finds wrong is a :class:`DogpileCacheException`.  Errors
of a creator or of a client library pass through as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class DogpileCacheException(Exception):
    """Be the base of every error that this package raises."""


class RegionAlreadyConfigured(DogpileCacheException):
    """Say that ``configure()`` was called on a configured region."""


class RegionNotConfigured(DogpileCacheException):
    """Say that a region was used before ``configure()`` was called on it."""


class ValidationError(DogpileCacheException):
    """Say that a setting is wrong, and name what is allowed."""


class MissingSetting(ValidationError, KeyError):
    """Say that a setting is missing; dogpile.cache raises the KeyError that it is, too."""

    __str__ = Exception.__str__  # a KeyError would put it in quotes


class PluginNotFound(DogpileCacheException):
    """Say that no backend has the name given."""


class LibraryNotInstalled(DogpileCacheException, ImportError):
    """Say which optional library a backend needs, and how to install it."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"The library {library!r} is not installed; install it with "
            f"'pip install dogpile-templates[{extra}]'."
        )
        self.library = library
        self.extra = extra


class CreationDeadlock(DogpileCacheException):
    """Say that the creator of a key waits, perhaps through others, for itself."""

    def __init__(self, key: object) -> None:
        super().__init__(
            f"Waiting for the key {key!r} would never end: its creator is waiting "
            f"for this very thread.  Let the creator call the undecorated function, "
            f"or give the inner value a key of its own."
        )
        self.key = key


class CreatorTimeout(DogpileCacheException, TimeoutError):
    """Say that a value was not made in time; its creator goes on."""

    def __init__(self, key: object, seconds: float) -> None:
        super().__init__(
            f"The value of {key!r} was not made within {seconds} seconds, and there is "
            "no stale one to serve.  Its creator goes on, and what it makes is kept; "
            "ask again later, or allow more time by creator_timeout."
        )
        self.key = key
        self.seconds = seconds


class TwoEventLoops(DogpileCacheException, RuntimeError):
    """Say that a region for tasks is used by two event loops that run at once."""

    def __init__(self, owner: object, other: object) -> None:
        super().__init__(
            f"This region is in use by the event loop {owner!r}, which still runs, and "
            f"cannot be used by {other!r} at the same time, since connections and those "
            f"who wait belong to one loop.  Make a region for each loop."
        )


class UnstableArgument(DogpileCacheException, TypeError):
    """Say that an argument has no representation that could be part of a key."""

    def __init__(self, argument: object, reason: str = "it is not stable") -> None:
        super().__init__(
            f"An argument of type {type(argument).__qualname__!r} cannot be part of a "
            f"key, since {reason}.  Pass an id instead, give its class a method "
            f"__cache_key__(), or leave the argument out of the key with "
            f"ignore=(name,)."
        )
        self.argument = argument
        self.reason = reason


class BackendUnavailable(DogpileCacheException):
    """Say that servers cannot be reached, where their client library does not."""

    def __init__(self, servers: object, reason: object) -> None:
        super().__init__(f"The backend at {servers} does not answer: {reason}.")
        self.servers = servers
        self.reason = reason


class ValueTooLarge(DogpileCacheException):
    """Say that a backend does not keep values of such a size.

    :param sizes: the sizes of the values in bytes, by their keys.
    """

    def __init__(self, sizes: Mapping[Any, int]) -> None:
        named = ", ".join(f"that of {key!r} has {size}" for key, size in sizes.items())
        super().__init__(
            f"Larger than a value may be in this backend, in bytes: {named}.  Compress "
            "values by compress_min_bytes, or have the backend allow larger ones."
        )
        self.sizes = dict(sizes)
