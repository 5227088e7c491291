"""The way back from the strings of ``dogpile_cache.typed`` to the values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def read(text: str) -> Any:
    """Return the one value that a string is of."""
    (value,) = read_all(text)
    return value


def read_all(text: str) -> list[Any]:
    """Return the values whose strings stand side by side."""
    values, start = [], 0
    while start < len(text):
        value, start = _value(text, start)
        values.append(value)
    return values


def _value(text: str, start: int) -> tuple[Any, int]:
    letter, start = text[start], start + 1
    if letter in _ALONE:
        return _ALONE[letter], start
    if letter in _NUMBERS:
        end = text.index(";", start)
        return _NUMBERS[letter](text[start:end]), end + 1
    colon = text.index(":", start)
    size, start = int(text[start:colon]), colon + 1
    if letter in _TEXTS:
        return _TEXTS[letter](text[start : start + size]), start + size
    items = []
    for _ in range(size * 2 if letter == "d" else size):
        item, start = _value(text, start)
        items.append(item)
    return _CONTAINERS[letter](items), start


_ALONE = {"n": None, "t": True, "f": False}
_NUMBERS: dict[str, Callable[[str], Any]] = {"i": int, "g": float, "c": complex}
_TEXTS: dict[str, Callable[[str], Any]] = {
    "s": str,
    "b": bytes.fromhex,
    "B": bytearray.fromhex,
}
_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "(": tuple,
    "[": list,
    "{": set,
    "<": frozenset,
    "d": lambda items: dict(zip(items[::2], items[1::2], strict=True)),
}
