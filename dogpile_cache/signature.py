"""Calls brought to one form, so that one call has one key however it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, NamedTuple

Call = tuple[tuple[Any, ...], dict[str, Any]]

_VARARGS, _VARKEYWORDS = 0x04, 0x08  # co_flags, see inspect
_USED_ONCE = {0x20: "generator", 0x80: "coroutine", 0x200: "async generator"}


class Names(NamedTuple):
    """Be the names of a function's parameters; ``()`` stands for no such parameter."""

    by_position: tuple[str, ...] = ()
    by_keyword: tuple[str, ...] = ()  # and not by position
    rest: tuple[str, ...] = ()  # that of *args
    more: tuple[str, ...] = ()  # that of **kw


def parameter_names(fn: Callable[..., Any]) -> Names:
    """Return the names of a function's parameters."""
    code = getattr(fn, "__code__", None)
    if code is None:
        return _names_by_signature(fn)
    names, start = code.co_varnames, code.co_argcount
    end = start + code.co_kwonlyargcount
    after = end + bool(code.co_flags & _VARARGS)
    last = after + bool(code.co_flags & _VARKEYWORDS)
    return Names(names[:start], names[start:end], names[end:after], names[after:last])


def _names_by_signature(fn: Callable[..., Any]) -> Names:
    from inspect import signature  # costly, and rarely needed

    found: dict[str, list[str]] = {}
    try:
        for parameter in signature(fn).parameters.values():
            found.setdefault(parameter.kind.name, []).append(parameter.name)
    except ValueError:  # some builtins have no signature
        return Names()
    only, either, rest, named, more = (
        tuple(found.get(kind, ()))
        for kind in (
            "POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "VAR_POSITIONAL",
            "KEYWORD_ONLY", "VAR_KEYWORD",
        )
    )  # fmt: skip
    return Names(only + either, named, rest, more)


def positional_names(fn: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the parameters that can be given by position."""
    return parameter_names(fn).by_position


def has_self(fn: Callable[..., Any]) -> bool:
    """Tell whether a function is to be a method: its first parameter is self or cls."""
    return positional_names(fn)[:1] in (("self",), ("cls",))


def kind_of_once(fn: Any) -> str | None:
    """Return what calling a function gives, if that can be used but once."""
    while hasattr(fn, "func"):  # functools.partial
        fn = fn.func
    flags = getattr(getattr(fn, "__code__", None), "co_flags", 0)
    kinds = (kind for flag, kind in _USED_ONCE.items() if flags & flag)
    return next(kinds, None)


def qualified_name(fn: Callable[..., Any]) -> str:
    """Return the module and the qualified name of a function or a class."""
    name = getattr(fn, "__qualname__", None) or type(fn).__qualname__
    return f"{fn.__module__}:{name}"


def plain_count(fn: Callable[..., Any]) -> int:
    """Return how many parameters a function has, -1 if some are not plain ones.

    A plain one can be given by position and by name.
    """
    code = getattr(fn, "__code__", None)
    if code is None or code.co_flags & (_VARARGS | _VARKEYWORDS):
        return -1
    count: int = code.co_argcount
    return -1 if code.co_kwonlyargcount else count


def decoratable(fn: Any, of_coroutines: bool = False) -> None:
    """Raise a TypeError for what a region cannot decorate.

    :param of_coroutines: the region is one for tasks.
    """
    if isinstance(fn, (classmethod, staticmethod)):
        raise TypeError(
            f"{fn!r} cannot be decorated; put @{type(fn).__name__} above the decorator "
            "of the region, so that it comes last."
        )
    if isinstance(fn, MethodType):
        raise TypeError(
            f"{fn!r} is bound to an object, which would be no part of the keys; decorate "
            "the function in its class."
        )
    kind = kind_of_once(fn)
    if kind is not None and not (of_coroutines and kind == "coroutine"):
        advice = "  Use an AsyncCacheRegion of dogpile_cache.aio for it."
        raise TypeError(
            f"{qualified_name(fn)} is a {kind} function; a CacheRegion would cache the "
            f"{kind}, which can be used but once."
            f"{advice if kind == 'coroutine' else ''}"
        )


def completer(
    fn: Callable[..., Any],
) -> Callable[[tuple[Any, ...], dict[str, Any]], Call]:
    """Return a function that adds defaults to a call and turns names into positions.

    What cannot stand by position stays a keyword argument.
    """
    signature: Any = None
    count = plain_count(fn)
    defaults: tuple[Any, ...] = getattr(fn, "__defaults__", None) or ()

    def complete(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        nonlocal signature
        missing = count - len(args)
        if not kwargs and 0 <= missing <= len(defaults):
            return args + defaults[len(defaults) - missing :], kwargs
        if signature is None:
            import inspect  # costly, and rarely needed

            signature = inspect.signature(fn)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    return complete


def call_parts(
    fn: Callable[..., Any], ignore: Iterable[str]
) -> Callable[[tuple[Any, ...], dict[str, Any]], Iterable[Any]]:
    """Return a function that gives what is to be part of the key of a call.

    For a method that is first the class of ``self`` or ``cls`` and what it says of
    itself; then come the arguments, less the ignored ones.  Two calls of one function
    have as many parts.
    """
    fn = _called(fn)
    complete, count, owner = completer(fn), plain_count(fn), owner_teller(fn)
    names, only, rest, more = parameter_names(fn)
    ignored = frozenset((ignore,) if isinstance(ignore, str) else ignore)
    first = 1 if has_self(fn) else 0
    kept = [i for i, name in enumerate(names) if i >= first and name not in ignored]
    all_kept = len(kept) == len(names)
    has_owner = first and names[0] not in ignored
    no_rest, no_more = ignored.intersection(rest), ignored.intersection(more)

    def parts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterable[Any]:
        if kwargs or len(args) != count:
            args, kwargs = complete(args, kwargs)
        given = args if all_kept else [args[i] for i in kept]
        if has_owner:
            given = [owner(args[0]), *given]
        if count >= 0:
            return given
        named = {
            k: v
            for k, v in kwargs.items()
            if k not in ignored and (k in only or not no_more)
        }
        others = () if no_rest else args[len(names) :]
        return [*given[: has_owner + len(kept)], others, named]

    return parts


def _called(fn: Any) -> Any:
    """Return the function whose parameters a wrapper of any arguments shows."""
    while (
        plain_count(fn) < 0
        and hasattr(fn, "__wrapped__")
        and not hasattr(fn, "__signature__")
    ):
        fn = fn.__wrapped__
    return fn


def owner_teller(fn: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return a function that gives what of ``self`` or ``cls`` enters a key.

    It is the class, or the name of the class and what the object says of itself.  A
    class made inside a function has no name of its own; but neither has a method made
    there, and it is known by its name all the same.
    """
    local = "<locals>" in qualified_name(fn)

    def owner(it: Any) -> Any:
        cls = it if isinstance(it, type) else type(it)
        key = None if cls is it else getattr(it, "__cache_key__", None)
        if key is not None:
            return qualified_name(cls), key()
        return qualified_name(cls) if local else cls

    return owner
