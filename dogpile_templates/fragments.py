"""A fragment's identity, its region and its options; this module knows no engine.

A fragment is the output of a piece of a template.  Three things make its key:

- the template: its name and a digest of its source, so that a template that changes
  never shows its old output, and two templates never show each other's;
- what the fragment is within the template, as the engine tells it;
- the key parts given, by value and by type: ``1`` is not ``"1"``, and order and
  grouping count.

The first two are known when a template is loaded and make its :func:`identity`; the
parts come with each call and make, with it, the :func:`fragment_key`.  Both are
digests of injective encodings, of 160 bits: nobody can build a value that meets another
one's key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from hashlib import blake2b
from typing import Any, NamedTuple, NoReturn, TypeVar

from dogpile_cache import CacheRegion
from dogpile_cache.base import BaseRegion
from dogpile_cache.context import in_place
from dogpile_cache.exception import (
    CreationDeadlock,
    DogpileCacheException,
    UnstableArgument,
)
from dogpile_cache.mutex import longest_wait
from dogpile_cache.typed import encode, encode_each
from dogpile_cache.typed import refuse as refuse_as

T = TypeVar("T")

LONGEST_WAIT = 5.0
"""Seconds that a fragment in another one waits for the process that renders it.

That one may be waiting for this process, for ever.
"""

rendering: ContextVar[tuple[str, ...]] = ContextVar("rendering", default=())
"""The keys of the fragments that are being rendered around this place."""


class FragmentError(DogpileCacheException):
    """Be the base of the errors of fragments."""


class UnknownRegion(FragmentError, LookupError):
    """Say that there is no region of the name given, and name those there are."""

    def __init__(self, name: object, known: Sequence[object], setting: str) -> None:
        there = "has " + ", ".join(map(repr, known)) if known else "is empty"
        if name is None:
            what, hint = "The fragment names no region, and there is no default one", ""
        else:
            what = f"No region {name!r}"
            hint = (
                "  What a fragment is given first, or as cache_region, is its region."
            )
        super().__init__(f"{what}; {setting} {there}.{hint}")
        self.name = name
        self.known = known


class UnstableKeyPart(FragmentError, TypeError):
    """Say that a value has no representation that could be part of a key."""

    def __init__(self, part: object, reason: str = "it is not stable") -> None:
        super().__init__(
            f"A value of type {type(part).__qualname__!r} cannot be part of a "
            f"fragment's key, since {reason}.  Pass an id instead, or give its class "
            f"a method __cache_key__()."
        )
        self.part = part


class FragmentInItself(FragmentError, CreationDeadlock):
    """Say that a fragment would be rendered inside itself, and so for ever."""

    def __init__(self, template: str | None, key: object) -> None:
        Exception.__init__(
            self,
            f"A fragment of the template {template!r} is to be rendered inside itself; "
            "give it a key part that tells the inner one from the outer one.",
        )
        self.template = template
        self.key = key


@in_place
def within(key: str, render: Callable[..., T], *args: Any) -> T:
    """Render a fragment, and know meanwhile that it is being rendered."""
    token = rendering.set((*rendering.get(), key))
    patience = longest_wait.set(LONGEST_WAIT)
    try:
        return render(*args)
    finally:
        longest_wait.reset(patience)
        rendering.reset(token)


@in_place
def text_within(key: str, render: Callable[[], Any]) -> str:
    """Render a fragment as plain text: Markup is not for every serializer."""
    return str(within(key, render))


@in_place
async def within_awaited(
    key: str, render: Callable[..., Awaitable[T]], *args: Any
) -> T:
    """Render a fragment, awaited, and know meanwhile that it is being rendered."""
    token = rendering.set((*rendering.get(), key))
    patience = longest_wait.set(LONGEST_WAIT)
    try:
        return await render(*args)
    finally:
        longest_wait.reset(patience)
        rendering.reset(token)


def check_around(error: CreationDeadlock, keys: Collection[object]) -> None:
    """Raise an error again unless it says that a fragment cannot be waited for.

    Whoever makes that one waits for this rendering: a collection makes all that is
    missing at once, and one item may show another.
    """
    if isinstance(error, FragmentInItself) or error.key not in keys:
        raise error  # from within


def refuse_in_itself(template: str | None, keys: Iterable[str]) -> None:
    """Raise FragmentInItself if one of the keys is being rendered around this place."""
    around = rendering.get()
    for key in keys:
        if key in around:
            raise FragmentInItself(template, key)


def digest(text: str) -> str:
    """Return 40 hexadecimal digits that stand for a text."""
    data = text.encode("utf-8", "surrogatepass")  # which keeps all texts apart
    return blake2b(data, digest_size=20).hexdigest()


def identity(template: str | None, source: str, place: tuple[str, ...]) -> str:
    """Return what tells a fragment from every other fragment of every template.

    :param template: the template's name, or None for one made from a string.
    :param source: a digest of the template's source.
    :param place: what the fragment is within the template.
    """
    return digest(encode((template, source, place)))


def fragment_key(identity: str, parts: Iterable[Any]) -> str:
    """Return the key of a fragment.

    It is the same in every process, and every backend takes it as it is: it has no more
    than 200 characters, all printable.  Parts that are short and printable can be read
    in it; a digest stands for others.

    :param identity: what tells the fragment from others: letters, digits, ``+`` and
        ``-``, no more than 124.
    :raises UnstableKeyPart: a part has no stable representation.
    """
    try:
        return _key(identity, encode_each(parts))
    except UnstableArgument as error:
        raise UnstableKeyPart(error.argument, error.reason) from None


def fragment_keys(identity: str, parts: Iterable[Any]) -> list[str]:
    """Return the keys of several fragments that have one part each."""
    try:
        return [_key(identity, encode(part)) for part in parts]
    except UnstableArgument as error:
        raise UnstableKeyPart(error.argument, error.reason) from None


def _key(identity: str, text: str) -> str:
    if len(text) < 64 and text.isascii() and text.isprintable() and " " not in text:
        return f"fragment:{identity}:{text}"
    return f"fragment:{identity}#{digest(text)}"


class Found(NamedTuple):
    """Be where some fragments are kept."""

    named: Mapping[str, CacheRegion]

    regions: list[CacheRegion]
    """The regions that they may be in."""

    keys: list[tuple[CacheRegion | None, str]]
    """The region where it is known, and the key."""


def all_regions(
    regions: Mapping[str, CacheRegion] | None, default: Any
) -> list[CacheRegion]:
    """Return the regions of a mapping, and the default one that may stand beside it."""
    found: list[Any] = list((regions or {}).values())
    if isinstance(default, BaseRegion) and default not in found:
        found.append(default)
    return found


def refuse(cls: type, reason: str) -> None:
    """Have a class's instances be no part of a key."""

    def fail(part: object) -> NoReturn:
        raise UnstableArgument(part, reason)

    refuse_as(cls, fail)


def find_region(
    regions: Mapping[str, CacheRegion] | None, given: Any, setting: str
) -> CacheRegion:
    """Return the region that was given: a region, or the name of one.

    :param setting: where the regions were set, for the message of the error.
    :raises UnknownRegion: there is no such region.
    """
    known = {} if regions is None else regions
    try:
        if type(given) is str:
            return known[given]
        if isinstance(given, BaseRegion):
            return given  # type: ignore[return-value]  # of whichever kind
        return known[given]
    except (KeyError, TypeError):  # the latter for what cannot be a key
        names = sorted(known, key=str)
        called = getattr(regions, "setting", None) or setting
        raise UnknownRegion(given, names, called) from None
