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
from .mako_places import INHERITED
from .mako_sources import digest_of_templates, lineage_of, load, version_of
from .sources import digest_of_code


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
    cells = [_content(cell) for cell in function.__closure__ or ()]
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
    return any(not INHERITED.isdisjoint(_strings(code)) for code in _codes(module))


def _codes(module: dict[str, Any]) -> list[CodeType]:
    return [
        value.__code__
        for _, value in sorted(module.items(), key=lambda item: item[0])
        if isinstance(value, FunctionType) and value.__module__ == module["__name__"]
    ]


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
    return digest("".join(map(digest_of_code, _codes(module))))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _strings(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _strings(constant)
