"""What the caller of a Mako def has it show: a digest of all that may matter.

A caller is a namespace of functions.  They may show defs around them, the template that
inherits from theirs, and a caller of their own; all of these are in the variables that
they close over.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from mako.runtime import Context, Namespace

from .fragments import digest
from .mako_places import INHERITED, functions_of
from .mako_sources import digest_of_templates, lineage_of, load, version_of
from .sources import closed_over, codes_in, digest_of_code, per_code


def digest_of_caller(caller: Any) -> str:
    """Return a digest of what a caller has the def that it calls show."""
    return digest("".join(sorted(set(_of_value(caller, set())))))


def _of_value(value: Any, seen: set[int]) -> Iterator[str]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, FunctionType):
        yield from _of_function(value, seen)
    elif isinstance(value, Namespace):
        yield digest_of_templates(_templates(value))
        for name, function in (value.callables or {}).items():
            inner = "".join(sorted(_of_value(function, seen)))
            yield digest(f"{name} {inner}")
    elif isinstance(value, (dict, list, tuple)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _of_value(each, seen)


def _of_function(function: FunctionType, seen: set[int]) -> Iterator[str]:
    cells = [value for _, value in closed_over(function)]
    contexts = [value for value in cells if isinstance(value, Context)]
    yield digest_of_code(function.__code__)
    yield _of_module(function.__globals__, contexts)
    for value in cells:
        yield from _of_value(value, seen)
    if _shows_inherited(function.__globals__):
        for context in contexts:
            yield digest_of_templates(lineage_of(context.get("self", None)))


def _shows_inherited(module: dict[str, Any]) -> bool:
    """Tell whether anything in a template may show one that inherits from it."""
    codes = functions_of(module).values()
    return any(not INHERITED.isdisjoint(_strings(code)) for code in codes)


def _templates(namespace: Any) -> Iterator[Any]:
    """Yield the templates of a namespace that has any: that of a caller has not."""
    while namespace is not None and getattr(namespace, "template", None) is not None:
        yield namespace.template
        namespace = namespace.inherits


def _of_module(module: dict[str, Any], contexts: list[Any]) -> str:
    """Return a digest of the template that a module was made of."""
    for context in contexts:
        template = context.lookup and load(context.lookup, module["_template_uri"])
        if template is not None and vars(template.module) is module:
            version: str = version_of(template).current()
            return version
    codes = sorted(functions_of(module).items())
    return digest("".join(digest_of_code(code) for _, code in codes))


@per_code
def _strings(code: CodeType) -> frozenset[str]:
    """Return the strings in some code, and in all that is defined in it."""
    constants = (constant for each in codes_in(code) for constant in each.co_consts)
    return frozenset(each for each in constants if isinstance(each, str))
