"""Where the cached defs of Mako templates are, and what they show.

Mako compiles a template to a module, and a cached def to two functions: one that
renders, and a wrapper of the same name that asks the cache, with a lambda that calls
the first one.  What a def shows beyond its own template, the blocks of the template
that inherits from it or the body of its caller, is seen by the names in its code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

INHERITED = {"self", "next", "parent"}
"""The names that templates which inherit from one another have for each other."""

_LAMBDA = ".<locals>.<lambda>"


class Place(NamedTuple):
    """Be a cached def, block or page within its template."""

    path: str
    """The qualified name of its function, and a number if that is not the first one."""

    shows_inherited: bool
    """Whether it shows what a template that inherits may override."""

    shows_caller: bool

    @property
    def default_key(self) -> str:
        """The key that Mako takes where ``cache_key`` is not given."""
        return self.path.rpartition(".")[2].partition("#")[0]

    @property
    def name(self) -> str:
        """The name of the def or block; that of a page is ``body``."""
        return self.default_key.removeprefix("render_")


Where = tuple[str, int]  # the qualified name of a def's function, and its line


def places_of(module: Any) -> dict[Where, Place]:
    """Return the cached defs of a template's module.

    Two calls with content, or two namespaces, may have defs of one name.
    """
    functions = functions_of(vars(module))
    found = sorted(
        {where for code in functions.values() for where in _caching(code, code.co_name)}
    )
    paths = [path for path, _ in found]
    return {
        where: _place(where[0], number - paths.index(where[0]), functions)
        for number, where in enumerate(found)
    }


def functions_of(module: dict[str, Any]) -> dict[str, CodeType]:
    """Return the code of the functions that a template was compiled to, by name."""
    return {
        name: value.__code__
        for name, value in module.items()
        if isinstance(value, FunctionType) and value.__module__ == module["__name__"]
    }


def where_is(creation_function: Any) -> Where:
    """Return where the def is whose wrapper passes this function to the cache."""
    path = creation_function.__qualname__.removesuffix(_LAMBDA)
    return path, creation_function.__code__.co_firstlineno


def _caching(code: CodeType, path: str) -> Iterator[Where]:
    for inner in code.co_consts:
        if not isinstance(inner, CodeType):
            continue
        if inner.co_name != "<lambda>":
            yield from _caching(inner, f"{path}.<locals>.{inner.co_name}")
        elif f"__M_{code.co_name}" in inner.co_names + inner.co_freevars:
            yield path, inner.co_firstlineno


def _place(path: str, number: int, functions: dict[str, CodeType]) -> Place:
    outer, *inner = path.split(".<locals>.")
    codes = [functions[name] for name in (f"__M_{outer}", outer) if name in functions]
    for name in inner:
        codes = [c for code in codes for c in _inner(code) if c.co_name == name]
    shown = _mentioned(codes, functions, set())
    numbered = f"{path}#{number}" if number else path
    return Place(numbered, not shown.isdisjoint(INHERITED), "caller" in shown)


def _mentioned(
    codes: Iterable[CodeType], functions: dict[str, CodeType], seen: set[CodeType]
) -> set[str]:
    """Return the strings in some code, and in the functions that it may call."""
    found: set[str] = set()
    for code in codes:
        if code not in seen:
            seen.add(code)
            found.update(each for each in code.co_consts if isinstance(each, str))
            called = [
                functions[known]
                for name in code.co_names
                for known in (name, f"__M_{name}", f"render_{name}")
                if known in functions
            ]
            found |= _mentioned([*_inner(code), *called], functions, seen)
    return found


def _inner(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]
