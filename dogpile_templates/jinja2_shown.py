"""What a tag of Jinja2 shows that is known but when it is rendered.

Inside of a macro, a tag may show what the caller of the macro says; that caller, in turn,
may show blocks that a child template overrides, or another caller.  All of these are
macros, or references to blocks, in the variables that the body's function closes over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from jinja2.runtime import BlockReference, Context, Macro, TemplateReference
from jinja2.utils import Namespace

from .fragments import digest
from .sources import closed_over, codes_in, digest_of_code, per_code

_OF_BLOCKS = {"blocks", "super", "TemplateReference"}
"""Names in the code of who shows a block."""


class Shown:
    """Make digests of what macros show.

    :param of_template: returns a digest of the template that a function is of.
    """

    def __init__(self, of_template: Callable[[Any], str]) -> None:
        self._of_template = of_template

    def of_body(self, body: Macro, outer: dict[str, Any] | None, deep: bool) -> str:
        """Return a digest of the macros that a tag's body may show.

        :param outer: what the body has of the macro around it, by its own names.
        :param deep: whether to look into containers, where a caller may be.
        """
        seen: set[int] = set()
        found = [*self._of_variables(body._func, seen, deep)]
        for name, value in sorted((outer or {}).items()):
            found.append(f"{name}{''.join(self._of_value(value, seen, deep=True))}")
        return digest("|".join(found)) if any(found) else ""

    def of_blocks(self, context: Context) -> str:
        """Return a digest of the templates whose blocks a rendering shows."""
        return digest_of_blocks(
            {
                name: list(map(self._of_template, stack))
                for name, stack in context.blocks.items()
            }
        )

    def _of_variables(self, function: Any, seen: set[int], deep: bool) -> Iterator[str]:
        for name, value in closed_over(function):
            if isinstance(value, Context):
                yield from self._of_names(function.__code__, value, seen)
            elif not (name.startswith("l_0_") and self._is_of_template(value)):
                # by a name of the whole template it is always the same macro
                yield from self._of_value(value, seen, deep)

    def _of_names(
        self, code: CodeType, context: Context, seen: set[int]
    ) -> Iterator[str]:
        """Yield what the names stand for that some code asks the context for."""
        for name in code.co_consts:
            if isinstance(name, str) and name.isidentifier():
                value = context.resolve_or_missing(name)
                if not self._is_of_template(value):
                    yield from self._of_value(value, seen, deep=False)

    def _of_value(self, value: Any, seen: set[int], deep: bool) -> Iterator[str]:
        if isinstance(value, Macro):
            if id(value) not in seen:
                seen.add(id(value))
                yield from self._of_macro(value, seen)
        elif isinstance(value, TemplateReference):
            yield self.of_blocks(value._TemplateReference__context)  # type: ignore[attr-defined]
        elif isinstance(value, BlockReference):
            yield from map(self._of_template, value._stack)
        elif deep:
            if isinstance(value, Namespace):
                value = value._Namespace__attrs
            if isinstance(value, (dict, list, tuple)) and id(value) not in seen:
                seen.add(id(value))
                for each in value.values() if isinstance(value, dict) else value:
                    yield from self._of_value(each, seen, deep)

    def _of_macro(self, macro: Macro, seen: set[int]) -> Iterator[str]:
        function: Any = macro._func
        yield digest_of_code(function.__code__)
        yield self._of_template(function)
        yield from self._of_variables(function, seen, deep=True)
        if not _OF_BLOCKS.isdisjoint(_names(function.__code__)):
            yield from map(self.of_blocks, _contexts(function))

    def _is_of_template(self, value: Any) -> bool:
        """Tell whether this is a macro of a whole template, whose digest covers it.

        Callers have no name.
        """
        if not isinstance(value, Macro) or value.name is None:
            return False
        function: Any = value._func
        own = function.__globals__
        return (
            function.__qualname__ == "root.<locals>.macro"
            and own.get("name") is not None
            and _OF_BLOCKS.isdisjoint(_names(own["root"].__code__))
        )


def digest_of_blocks(templates: dict[str, list[str]]) -> str:
    """Return a digest of the templates that have each block, from child to parent."""
    return digest(repr(sorted(templates.items())))


@per_code
def _names(code: CodeType) -> frozenset[str]:
    """Return the names in some code, and in all that is defined in it."""
    return frozenset(name for each in codes_in(code) for name in each.co_names)


def _contexts(function: Any) -> Iterator[Context]:
    """Yield the context that a function of a template is rendered with."""
    for _, value in closed_over(function):
        if isinstance(value, Context):
            yield value
