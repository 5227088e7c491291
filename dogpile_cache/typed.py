"""Values to strings, injectively: different values, or types, give different strings.

Every value becomes a letter for its type and a text that says where it ends: numbers
end with a semicolon, other texts carry their length and containers the number of their
items.  So no value can be taken for another, nor two side by side for one.

What shows an address or the name of a class made inside a function is refused: another
object may come to have the same.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from .exception import UnstableArgument

_ADDRESS = re.compile(
    r"\bat 0x[0-9a-fA-F]{6,}"  # as object.__repr__ shows it
    r"|\b0x[0-9a-fA-F]{9,16}\b"  # neither a colour nor a digest
    r"|\bid='\d{8,}'>"  # as mocks show it
)
_LOCAL_CLASS = re.compile(r"<locals>(?:\.\w+)+(?![\w.(])")  # not "Local(1)"


def encode(value: Any) -> str:
    """Return a string that no other value has.

    :raises UnstableArgument: the value has no stable representation.
    """
    cls = type(value)
    if cls is str:
        return f"s{len(value)}:{value}"
    if cls is int:
        return _int(value)
    encoder = _ENCODERS.get(cls, _other)
    try:
        if cls is tuple:
            return f"({len(value)}:{encode_each(value)}"
        return encoder(value)
    except RecursionError:
        reason = "it contains itself, or is nested too deeply"
        raise UnstableArgument(value, reason) from None


def encode_each(values: Iterable[Any]) -> str:
    """Return the strings of several values, one after the other."""
    text = ""
    for value in values:  # most are of these types, and few at a time
        cls = type(value)
        if cls is str:
            text += f"s{len(value)}:{value}"
        elif cls is int:
            text += _int(value)
        else:
            text += encode(value)
    return text


def refuse(cls: type, refusal: Callable[[Any], NoReturn]) -> None:
    """Have a class's instances be no part of a key.

    :param refusal: is given such a value, and raises an error that says why.
    """
    _REFUSED[cls] = refusal


_REFUSED: dict[type, Callable[[Any], NoReturn]] = {}


def _text(letter: str, text: str) -> str:
    return f"{letter}{len(text)}:{text}"


def _int(value: int) -> str:
    try:
        return f"i{value};"
    except ValueError:  # Python shows no more than some thousands of decimal digits
        return f"h{value:x};"


def _sorted(letter: str, encoded: list[str]) -> str:
    return f"{letter}{len(encoded)}:" + "".join(sorted(encoded))


def _dict(value: dict[Any, Any]) -> str:
    return _sorted("d", [encode(k) + encode(v) for k, v in value.items()])


def _class_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _other(value: Any) -> str:
    cls = type(value)
    for refused, refusal in _REFUSED.items():
        if issubclass(cls, refused):
            refusal(value)
    if issubclass(cls, type):  # isinstance() takes list[int] for one on Python 3.10
        name = _class_name(value)
        if "<locals>" in name:
            raise _local(value, name)
        return _text("C", name)
    if issubclass(cls, enum.Enum):
        return _text("E", _class_name(cls)) + _text(
            "s", value.name or repr(value.value)
        )
    name = _text("O", _class_name(cls))
    key: Callable[[], Any] | None = getattr(value, "__cache_key__", None)
    if key is not None:
        return name + encode(key())
    text = repr(value)
    if _ADDRESS.search(text) or _shows(text, id(value)):
        raise UnstableArgument(value, f"its repr shows an address: {text}")
    if _LOCAL_CLASS.search(text):
        raise _local(value, text)
    return name + _text("r", text)


def _local(value: Any, text: str) -> UnstableArgument:
    reason = f"a class made inside a function shares its name with others: {text}"
    return UnstableArgument(value, reason)


def _shows(text: str, address: int) -> bool:
    return str(address) in text or f"{address:x}" in text.lower()


_ENCODERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "n",
    bool: lambda value: "t" if value else "f",
    float: lambda value: f"g{value!r};",
    complex: lambda value: f"c{value!r};",
    bytes: lambda value: _text("b", value.hex()),
    bytearray: lambda value: _text("B", value.hex()),
    list: lambda value: f"[{len(value)}:{encode_each(value)}",
    set: lambda value: _sorted("{", [encode(item) for item in value]),
    frozenset: lambda value: _sorted("<", [encode(item) for item in value]),
    dict: _dict,
}
