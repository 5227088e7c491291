"""What a Jinja2 source tells before it is parsed: its references, and who sees what.

The references of a template are the strings in its tags ``extends``, ``include``,
``import`` and ``from``: all that a static reference, or the branches of a conditional
one, may mean.

A name that is imported, or that is a macro's, inside of a block or macro means something
there alone.  So two tags that say the same may show different things.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jinja2 import Environment

from .fragments import digest

_REFERRING = {"extends", "include", "import", "from"}
_FRAMES = {"block", "macro", "call"}
_TAGS = {"cache", "cacheeach"}

Token = tuple[str, str]  # type and value
Names = dict[str, str]  # names to digests of what they stand for


class References(NamedTuple):
    """Be what a template refers to, and what may matter to its tags."""

    names: tuple[str, ...]
    words: frozenset[str]
    """All words in its tags and expressions."""

    tags: frozenset[str]
    """The names of its tags."""

    scopes: tuple[Names, ...]
    """What the names around each tag ``cache`` or ``cacheeach`` mean, in their order."""

    @property
    def extends(self) -> bool:
        """Whether it may extend another template."""
        return "extends" in self.tags


def references_of(environment: Environment, source: str) -> References:
    """Return what a preprocessed source refers to."""
    names: dict[str, None] = {}
    words: set[str] = set()
    tags: set[str] = set()
    scopes = _Scopes()
    for statement in _statements(environment, source):
        words.update(value for kind, value in statement if kind == "name")
        tags.add(_keyword(statement))
        if _keyword(statement) in _REFERRING:
            names.update((value, None) for kind, value in statement if kind == "string")
        scopes.read(statement)
    found = frozenset(words), frozenset(tags)
    return References(tuple(names), *found, tuple(scopes.of_tags))


def _keyword(statement: list[Token]) -> str:
    """Return the name that a tag begins with; an expression has none."""
    is_tag = len(statement) > 1 and statement[0][0] == "block_begin"
    return statement[1][1] if is_tag else ""


def _statements(environment: Environment, source: str) -> Iterator[list[Token]]:
    """Yield the tags, expressions and texts of a source, each as its tokens."""
    statement: list[Token] = []
    for token in environment.lexer.tokenize(source):
        if token.type in ("block_begin", "variable_begin", "data") and statement:
            yield statement
            statement = []
        statement.append((token.type, str(token.value)))
    yield statement


class _Frame:
    """Be a block, a macro or a call, up to where it has been read."""

    def __init__(self, name: str) -> None:
        self.name = name  # of a macro
        self.known: Names = {}
        self.text: list[Token] = []


class _Scopes:
    """Know what is bound where, while the statements are read."""

    def __init__(self) -> None:
        self._frames = [_Frame("")]
        self.of_tags: list[Names] = []

    def read(self, statement: list[Token]) -> None:
        keyword, frame = _keyword(statement), self._frames[-1]
        for each in self._frames:
            each.text += statement
        if keyword in _FRAMES:
            self._frames.append(_Frame(_first_name(statement[2:])))
            self._frames[-1].text += statement
        elif keyword.removeprefix("end") in _FRAMES and len(self._frames) > 1:
            ended = self._frames.pop()
            if keyword == "endmacro":
                self._frames[-1].known[ended.name] = _digest(ended.text)
        elif keyword in ("from", "import"):
            bound = (value for kind, value in statement[2:] if kind == "name")
            frame.known.update(dict.fromkeys(bound, _digest(statement)))
        elif keyword in _TAGS:
            inner = self._frames[
                1:
            ]  # what is known everywhere is in the source's digest
            self.of_tags.append({n: d for each in inner for n, d in each.known.items()})


def _first_name(tokens: Iterable[Token]) -> str:
    return next((value for kind, value in tokens if kind == "name"), "")


def _digest(tokens: Iterable[Token]) -> str:
    return digest(repr(list(tokens)))
