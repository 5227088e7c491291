"""What a template's output depends on: its source, and those it refers to.

A fragment may show what other templates hold: those that its template includes,
imports, inherits from or extends, and those that these refer to.  So a digest of all of
them belongs to its identity.  The engines find the references; this module follows
them, and knows no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import wraps
from types import CodeType
from typing import Any, NamedTuple, TypeVar

from dogpile_cache.typed import encode

from .fragments import digest

T = TypeVar("T")

_MOST = 4096  # codes to know of; templates from strings may go on for ever


class Source(NamedTuple):
    """Be what is known of one template that another one refers to."""

    name: str
    """What the engine loads it by."""

    called: str
    """What it is called in identities: a name that is the same wherever it is shown."""

    digest: str
    references: tuple[str, ...]


def digest_of_references(
    references: Iterable[str],
    referrer: str | None,
    find: Callable[[str, str | None], Source | None],
) -> str:
    """Return a digest of all templates that references lead to, however indirectly.

    :param referrer: the name of the template that holds the references.
    :param find: returns the template that a reference in another one means, or None if
        there is none; such a reference counts as absent.
    """
    found: dict[str, tuple[str, str]] = {}
    pending = [(reference, referrer) for reference in references]
    while pending:
        source = find(*pending.pop())
        if source is not None and source.name not in found:
            found[source.name] = source.called, source.digest
            pending += [(reference, source.name) for reference in source.references]
    return digest(encode(set(found.values())))


def per_code(make: Callable[[CodeType], T]) -> Callable[[CodeType], T]:
    """Have a function of code be called once for each, since code is slow to compare."""
    known: dict[int, tuple[CodeType, T]] = {}

    @wraps(make)
    def remembered(code: CodeType) -> T:
        found = known.get(id(code))
        if found is None or found[0] is not code:
            if len(known) >= _MOST:
                known.clear()
            known[id(code)] = found = code, make(code)
        return found[1]

    return remembered


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield some code and all that is defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def closed_over(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield the variables that a function closes over, if they have been assigned."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        with suppress(ValueError):
            yield name, cell.cell_contents


@per_code
def digest_of_code(code: CodeType) -> str:
    """Return a digest of what compiled code does, wherever it stands.

    It stands for the source of templates whose source cannot be had.  Another version
    of Python, or of the engine, may give another digest.
    """
    constants = tuple(
        digest_of_code(each) if isinstance(each, CodeType) else each
        for each in code.co_consts
    )
    names = code.co_names + code.co_varnames + code.co_freevars
    return digest(encode((code.co_code, names, constants)))
