"""The serializers that have a name."""

from __future__ import annotations

from typing import Any

from .api import DefaultSerialization, Deserializer, Serializer
from .exception import LibraryNotInstalled, ValidationError


class _Text:
    @staticmethod
    def serializer(payload: Any) -> bytes:
        if not isinstance(payload, str):
            raise ValidationError(
                f"A value of type {type(payload).__qualname__!r} cannot be kept by "
                "serializer='text', which allows strings and Markup only; set "
                "serializer='pickle', 'json' or 'msgpack' on a region of other values."
            )
        return payload.encode("utf-8", "surrogatepass")

    @staticmethod
    def deserializer(data: bytes) -> str:
        return data.decode("utf-8", "surrogatepass")


class _Json:
    @staticmethod
    def serializer(payload: Any) -> bytes:
        import json  # costly, and rarely needed

        return json.dumps(payload).encode()

    @staticmethod
    def deserializer(data: bytes) -> Any:
        import json

        return json.loads(data)


class _Msgpack:
    @staticmethod
    def serializer(payload: Any) -> bytes:
        data: bytes = _msgpack().encode(payload)
        return data

    @staticmethod
    def deserializer(data: bytes) -> Any:
        return _msgpack().decode(data)


def _msgpack() -> Any:
    try:
        from msgspec import msgpack  # optional
    except ModuleNotFoundError as error:
        if error.name != "msgspec":
            raise  # something else is missing, inside the library
        raise LibraryNotInstalled("msgspec", "msgspec") from error
    return msgpack


NAMED: dict[str, Any] = {
    "pickle": DefaultSerialization,
    "json": _Json,
    "text": _Text,
    "msgpack": _Msgpack,
}
"""The serializers that have a name."""


def pair(
    serializer: Serializer | str | None, deserializer: Deserializer | None
) -> tuple[Serializer | None, Deserializer | None]:
    """Return a serializer and its deserializer, given them or the name of both.

    :raises ValidationError: no serializer has that name.
    :raises LibraryNotInstalled: it needs a library that is not there.
    """
    if serializer is None or callable(serializer):
        return serializer, deserializer
    if not isinstance(serializer, str) or serializer not in NAMED:
        raise ValidationError(
            f"There is no serializer {serializer!r}; there are {', '.join(NAMED)}, and "
            "functions."
        )
    named = NAMED[serializer]
    if named is _Msgpack:
        _msgpack()  # that the library is missing is to be known now
    return named.serializer, named.deserializer
