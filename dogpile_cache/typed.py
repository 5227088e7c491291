"""Values to strings, injectively: different values, or types, give different strings.

Every value becomes a letter for its type and a text that says where it ends: numbers
end with a semicolon, other texts carry their length and containers the number of their
items.  So no value can be taken for another, nor two side by side for one.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Any

from .exception import UnstableArgument

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def encode(value: Any) -> str:
    """Return a string that no other value has.

    :raises UnstableArgument: the value has no stable representation.
    """
    cls = type(value)
    if cls is str:
        return f"s{len(value)}:{value}"
    if cls is int:
        return f"i{value};"
    encoder = _ENCODERS.get(cls)
    return encoder(value) if encoder is not None else _other(value)


def _text(letter: str, text: str) -> str:
    return f"{letter}{len(text)}:{text}"


def _items(letter: str, items: Any) -> str:
    encoded = [encode(item) for item in items]
    return f"{letter}{len(encoded)}:" + "".join(encoded)


def _sorted(letter: str, encoded: list[str]) -> str:
    return f"{letter}{len(encoded)}:" + "".join(sorted(encoded))


def _dict(value: dict[Any, Any]) -> str:
    return _sorted("d", [encode(k) + encode(v) for k, v in value.items()])


def _class_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _other(value: Any) -> str:
    cls = type(value)
    if isinstance(value, type):
        return _text("C", _class_name(value))
    if isinstance(value, enum.Enum):
        return _text("E", _class_name(cls)) + _text(
            "s", value.name or repr(value.value)
        )
    name = _text("O", _class_name(cls))
    key: Callable[[], Any] | None = getattr(value, "__cache_key__", None)
    if key is not None:
        return name + encode(key())
    text = repr(value)
    if _ADDRESS.search(text):
        raise UnstableArgument(value)
    return name + _text("r", text)


_ENCODERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "n",
    bool: lambda value: "t" if value else "f",
    float: lambda value: f"g{value!r};",
    complex: lambda value: f"c{value!r};",
    bytes: lambda value: _text("b", value.hex()),
    bytearray: lambda value: _text("B", value.hex()),
    tuple: lambda value: _items("(", value),
    list: lambda value: _items("[", value),
    set: lambda value: _sorted("{", [encode(item) for item in value]),
    frozenset: lambda value: _sorted("<", [encode(item) for item in value]),
    dict: _dict,
}
