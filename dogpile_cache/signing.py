"""What binds stored bytes to their key: a digest against mistakes, a signature against
those who can write to the cache.

The digest (BLAKE2b) tells a value that was swapped by a mangler, by a connection out of
step or by mistake.  Anybody can compute it.  The signature (HMAC-SHA256) only the holders
of a key can; which algorithm it is, no stored value has a say in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NoReturn

from .exception import UnstableArgument, ValidationError
from .typed import encode

_BEFORE, _AFTER = b', "hs": "', b'"}'
_DIGITS = 64
_LENGTH = len(_BEFORE) + _DIGITS + len(_AFTER)


class WrongSignature(Exception):  # it says what is wrong
    """Say that stored bytes were not signed by a holder of a key, for this place."""


def key_text(key: Any) -> bytes:
    """Return bytes that no other key has, nor one of another type.

    A string of a subclass counts as the string it is.

    :raises UnstableArgument: the key has no stable representation.
    """
    text = encode(str.__str__(key) if isinstance(key, str) else key)
    return text.encode("utf-8", "surrogatepass")


def key_digest(key: Any) -> str | None:
    """Return 16 hexadecimal digits; None of a key without stable representation."""
    return _remembered_digest(key) if type(key) is str else _key_digest(key)


def key_end(key: Any) -> bytes:
    """Return the end of metadata that tells of which key a value is, and the bar.

    It tells nothing of a key without stable representation.
    """
    return _remembered_end(key) if type(key) is str else _key_end(key)


def key_ends(keys: Sequence[Any]) -> Iterable[bytes]:
    """Return the same for several keys, as quickly as can be."""
    of_strings = {*map(type, keys)} == {str}
    return map(_remembered_end if of_strings else key_end, keys)


def _key_digest(key: Any) -> str | None:
    from hashlib import blake2b  # costly, and not needed by every program

    try:
        return blake2b(key_text(key), digest_size=8).hexdigest()
    except UnstableArgument:
        return None


def _key_end(key: Any) -> bytes:
    digest = _key_digest(key)
    return b"}|" if digest is None else b', "kd": "%b"}|' % digest.encode()


# Of strings alone: (1,) and (True,) are one to a cache, and 0.0 and -0.0.
_remembered_digest: Callable[[str], str | None] = lru_cache(2048)(_key_digest)
_remembered_end: Callable[[str], bytes] = lru_cache(2048)(_key_end)


class Signer:
    """Sign what a region stores.

    :param region: the name of the region; another one's values are not its own.
    :param keys: the first one signs, any of them verifies.
    """

    def __init__(self, region: str | None, keys: Sequence[bytes]) -> None:
        import hmac  # costly, and not needed by every program

        self._digest: Callable[..., bytes] = hmac.digest
        self._compare: Callable[[bytes, bytes], bool] = hmac.compare_digest
        self._region = encode(region).encode("utf-8", "surrogatepass")
        self._keys = tuple(keys)

    def signed(self, key: Any, head: bytes, payload: bytes) -> bytes:
        """Return the metadata, a JSON object, with the signature as the last entry."""
        digits = self._sign(self._keys[0], self._message(key, head, payload))
        return head[:-1] + _BEFORE + digits + _AFTER

    def verified(self, key: Any, head: bytes, payload: bytes) -> bytes:
        """Return the metadata as they were before they were signed.

        :raises WrongSignature: there is no signature, or a wrong one.
        """
        before, digits = _parts(head)
        if not digits:
            raise WrongSignature("is not signed")
        message = self._message(key, before, payload)
        if not any(
            self._compare(digits, self._sign(secret, message)) for secret in self._keys
        ):
            raise WrongSignature("has a wrong signature")
        return before

    def _sign(self, secret: bytes, message: bytes) -> bytes:
        return self._digest(secret, message, "sha256").hex().encode()

    def _message(self, key: Any, head: bytes, payload: bytes) -> bytes:
        parts = (self._region, key_text(key), head, payload)
        return b"".join(b"%d:%b" % (len(part), part) for part in parts)


def unsigned(head: bytes) -> bytes:
    """Return metadata without their signature, unverified."""
    return _parts(head)[0]


def _parts(head: bytes) -> tuple[bytes, bytes]:
    """Return the metadata before they were signed, and the digits of the signature."""
    end = head[-_LENGTH:]
    if end.startswith(_BEFORE) and end.endswith(_AFTER) and len(end) == _LENGTH:
        return head[:-_LENGTH] + b"}", end[len(_BEFORE) : -len(_AFTER)]
    return head, b""


_LEAST = 16
_ALLOWED = (
    f"texts and bytes of at least {_LEAST} characters, lists of them, and texts with "
    "commas between several"
)


class SecretKeys(tuple[bytes, ...]):
    """Hold secret keys, and show none of them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} secret keys>"


def secret_keys(name: str, given: Any) -> SecretKeys:
    """Return the keys of a setting: one, a list, or a string with commas between.

    :raises ValidationError: it is something else, or a key is too short.
    """

    def refuse(what: str) -> NoReturn:  # without the value, which is secret
        raise ValidationError(f"{name} {what}; allowed are {_ALLOWED}.")

    if given is None:
        return SecretKeys()
    if isinstance(given, str):
        given = [part.strip() for part in given.split(",")]
    keys = list(given) if isinstance(given, (list, tuple)) else [given]
    if not keys:
        refuse("is an empty list")
    for key in keys:
        if not isinstance(key, (str, bytes)):
            refuse(f"is or has one of type {type(key).__qualname__!r}")
        if len(key) < _LEAST:
            refuse(f"is or has one of {len(key)} characters")
    return SecretKeys(
        key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
        for key in keys
    )
