"""Values that are larger than the items of memcached may be.

How large that is only the server knows; the clients pass on what it says.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dogpile_cache.exception import ValueTooLarge


def is_too_large(error: Exception) -> bool:
    """Tell whether an error of a client says that a value is too large."""
    return (
        type(error).__name__ == "TooBig"  # of pylibmc, without a text
        or "too large" in str(error).lower()
    )


def raise_if_too_large(error: Exception, key: Any, value: Any) -> None:
    """Raise a ValueTooLarge if this is what an error says of a value."""
    if is_too_large(error):
        data = value if isinstance(value, bytes) else pickle.dumps(value)
        raise ValueTooLarge({key: len(data)}) from error


def set_each(set: Callable[[Any, Any], Any], mapping: Mapping[Any, Any]) -> None:
    """Set values one by one.

    :raises ValueTooLarge: names those that are; the others have been set.
    """
    sizes: dict[Any, int] = {}
    for key, value in mapping.items():
        try:
            set(key, value)
        except ValueTooLarge as error:
            sizes.update(error.sizes)
    if sizes:
        raise ValueTooLarge(sizes)


def raise_first(errors: Iterable[BaseException]) -> None:
    """Raise the first of several errors; those of values that are too large, as one."""
    sizes: dict[Any, int] = {}
    for error in errors:
        if not isinstance(error, ValueTooLarge):
            raise error
        sizes.update(error.sizes)
    if sizes:
        raise ValueTooLarge(sizes)
