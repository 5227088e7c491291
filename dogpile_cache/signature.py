"""Calls brought to one form, so that one call has one key however it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Call = tuple[tuple[Any, ...], dict[str, Any]]

_VARARGS, _VARKEYWORDS = 0x04, 0x08  # co_flags, see inspect
_USED_ONCE = {0x20: "generator", 0x80: "coroutine", 0x200: "async generator"}


def positional_names(fn: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the parameters that can be given by position."""
    code = getattr(fn, "__code__", None)
    if code is not None:
        names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
        return names
    from inspect import Parameter, signature  # costly, and rarely needed

    by_position = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = signature(fn).parameters.values()
    except ValueError:  # some builtins have no signature
        return ()
    return tuple(p.name for p in parameters if p.kind in by_position)


def has_self(fn: Callable[..., Any]) -> bool:
    """Tell whether a function is to be a method: its first parameter is self or cls."""
    return positional_names(fn)[:1] in (("self",), ("cls",))


def kind_of_once(fn: Callable[..., Any]) -> str | None:
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
    complete = completer(fn)
    count = plain_count(fn)
    names = positional_names(fn)
    ignored = frozenset((ignore,) if isinstance(ignore, str) else ignore)
    first = 1 if has_self(fn) else 0
    kept = [i for i, name in enumerate(names) if i >= first and name not in ignored]
    all_kept = len(kept) == len(names)

    def parts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterable[Any]:
        if kwargs or len(args) != count:
            args, kwargs = complete(args, kwargs)
        given = args if all_kept else [args[i] for i in kept]
        owner = [_owner(args[0])] if first else []
        if count >= 0:
            return [*owner, *given] if first else given
        named = {k: v for k, v in kwargs.items() if k not in ignored}
        return [*owner, *given[: len(kept)], args[len(names) :], named]

    return parts


def _owner(it: Any) -> Any:
    if isinstance(it, type):
        return it
    key = getattr(it, "__cache_key__", None)
    return type(it) if key is None else (type(it), key())
