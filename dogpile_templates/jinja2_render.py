"""What templates with the tags ``cache`` and ``cacheeach`` do when they are rendered.

The compiled templates call these functions as filters: a filter is called directly,
which takes a third less than a call in a template does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from types import CodeType
from typing import Any, NamedTuple, NoReturn

from jinja2 import Environment, Undefined, pass_context
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context, Macro
from markupsafe import Markup

from dogpile_cache import CacheRegion
from dogpile_cache.context import in_place
from dogpile_cache.exception import CreationDeadlock
from dogpile_cache.typed import refuse

from .fragments import (
    FragmentError,
    check_around,
    find_region,
    fragment_key,
    fragment_keys,
    refuse_in_itself,
    rendering,
    text_within,
    within,
)
from .jinja2_awaited import all_awaited, each_awaited, one_awaited
from .jinja2_each import Items, to_render
from .jinja2_tags import MARK, Tag
from .sources import per_code

EXTENSION = f"{__package__}.jinja2.CacheExtension"
ONE, EACH, ITEMS, NOTE = (
    f"{__package__}.{name}" for name in ("one", "each", "items", "note")
)
_NO_KEYWORDS: dict[str, Any] = {}

SETTINGS = ("cache_regions", "cache_default_region", "cache_bypass", "cache_name")


@pass_context
def _render(
    context: Context,
    body: Macro,
    region: Any,
    parts: tuple[Any, ...],
    bare: str | None = None,
    expiration_time: Any = None,
    when: Any = True,
    outer: Any = None,
    escaped: str | None = None,
) -> str | Awaitable[str]:
    """Return the output of a tag; called by the compiled template.

    :param outer: what the body has of the macro around it, by its own names.
    :param escaped: Markup if the body was compiled with autoescape; None if that is as
        it is now.
    """
    known = _known(body)
    environment = context.environment
    render: Callable[..., str] = body if outer is None else partial(body, **outer)
    bypass = setting(environment, "cache_bypass")
    if not when or (bypass is not None and bypass(context)):
        return render()
    key = fragment_key(_identity(known, context, body, outer, escaped), parts)
    if rendering.get():
        refuse_in_itself(known.tag.template, (key,))
    found = _region(environment, region, bare)
    if environment.is_async:
        return one_awaited(found, key, render, expiration_time)
    try:
        args = (key, render), _NO_KEYWORDS
        text: str = found.get_or_create(key, text_within, expiration_time, None, args)
    except CreationDeadlock as error:
        check_around(error, (key,))
        return render()
    return text if type(text) is str else _checked(text)


def _checked(text: Any) -> Any:
    """Return a text that a region gave, if it is one for threads."""
    if hasattr(text, "close"):
        text.close()
        raise FragmentError(
            "The region is one for tasks; the environment needs enable_async=True."
        )
    return text


def _identity(
    known: _Known, context: Context, body: Macro, outer: Any, escaped: str | None
) -> str:
    escaping: bool = context.eval_ctx.autoescape
    if known.plain is not None:
        return known.plain[escaping]
    compiled = escaping if escaped is None else isinstance(escaped, Markup)
    extension: Any = context.environment.extensions[EXTENSION]
    how = (escaping, compiled)
    made: str = extension.identity(known.tag, how, context, body, outer)
    return made


class _Known(NamedTuple):
    """Be what is known of a body."""

    tag: Tag
    plain: tuple[str, str] | None
    """The identities without and with autoescape, if nothing else counts."""


def _known(body: Macro) -> _Known:
    """Return what is known of a body, above all its tag, which stands first in its code."""
    known = _read(getattr(getattr(body, "_func", None), "__code__", _NO_CODE))
    if known is None:
        raise SecurityError(f"{body!r} is not the body of a cache tag.")
    return known


@per_code
def _read(code: CodeType) -> _Known | None:
    for constant in code.co_consts:
        if isinstance(constant, tuple) and constant[:1] == (MARK,):
            tag = Tag._make(constant)
            more = (
                tag.references,
                tag.own_escaping,
                tag.shows_blocks,
                tag.shows_macros,
            )
            return _Known(tag, None if any(more) else (f"{tag.own}-", f"{tag.own}+"))
    return None


_NO_CODE = (lambda: None).__code__


@pass_context  # lest the compiler make one for all renderings
def _items(context: Context, value: None) -> Items:
    """Return an empty collection; called by the compiled template."""
    return Items()


def _note(
    items: Items,
    key: Any,
    item: Any,
    values: tuple[Any, ...],
) -> None:
    """Take an item of a collection; called by the compiled template."""
    if type(items) is not Items:  # a sandbox may keep templates from changing lists
        raise SecurityError(f"{items!r} is not the collection of a cacheeach tag.")
    items.append((key, item, values))


@pass_context
def _render_each(
    context: Context,
    body: Macro,
    region: Any,
    items: Items,
    bare: str | None = None,
    expiration_time: Any = None,
    when: Any = True,
    outer: Any = None,
    escaped: str | None = None,
) -> str | Awaitable[str]:
    """Return the output of a collection; called by the compiled template."""
    known = _known(body)
    environment = context.environment
    render_one: Callable[..., str] = body if outer is None else partial(body, **outer)

    @in_place
    def render_missing(*missing: str) -> list[str]:
        return render(keys, missing)

    def render(keys: Iterable[str], wanted: Iterable[str]) -> list[str]:
        made = {
            key: str(within(key, render_one, *values, loop))
            for key, values, loop in to_render(environment, items, keys, wanted)
        }
        return [made[key] for key in wanted]

    bypass = setting(environment, "cache_bypass")
    if not when or (bypass is not None and bypass(context)):
        places = [*map(str, range(len(items)))]
        if environment.is_async:
            return all_awaited(environment, items, places, render_one)
        return "".join(render(places, places))
    identity = _identity(known, context, body, outer, escaped)
    keys = fragment_keys(identity, [key for key, _, _ in items])
    if rendering.get():
        refuse_in_itself(known.tag.template, keys)
    found = _region(environment, region, bare)
    if environment.is_async:
        return each_awaited(
            found, environment, items, keys, render_one, expiration_time
        )
    try:
        texts = found.get_or_create_multi(
            keys,
            render_missing,
            expiration_time,
        )
    except CreationDeadlock as error:
        check_around(error, keys)
        return "".join(render(keys, keys))
    return "".join(_checked(texts))


def _region(environment: Environment, given: Any, bare: str | None) -> CacheRegion:
    if isinstance(given, Undefined):
        if bare is None:
            fail_undefined(given, "name a region")
        given = bare
    elif given is None:
        given = setting(environment, "cache_default_region")
    regions = setting(environment, "cache_regions")
    return find_region(regions, given, "env.cache_regions")


def setting(environment: Environment, name: str) -> Any:
    """Return a setting of an environment, or of the one that it is an overlay of."""
    value = getattr(environment, name, None)
    while environment.linked_to is not None:
        extension: Any = environment.extensions.get(EXTENSION)
        if value and (extension is None or value is not extension.of_parent.get(name)):
            break  # it is the overlay's own
        environment = environment.linked_to
        value = getattr(environment, name, None)
    return value


def name_in_keys(environment: Environment, name: str | None) -> str | None:
    """Return what a template is called in keys."""
    called = setting(environment, "cache_name")
    return name if name is None or called is None else called(name)


def fail_undefined(value: Any, role: str) -> NoReturn:
    """Raise an UndefinedError that says what to write."""
    told = ""
    try:
        value()
    except UndefinedError as error:
        told = str(error)
    raise UndefinedError(
        f"{told}; it cannot {role}.  Where it may be missing, say what stands for it, as "
        "in x|default(none)."
    )


refuse(Undefined, lambda part: fail_undefined(part, "be part of a fragment's key"))

FILTERS: dict[str, Any] = {
    ONE: _render,
    EACH: _render_each,
    ITEMS: _items,
    NOTE: _note,
}
