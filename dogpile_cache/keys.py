"""Function key generators and key manglers.

A generator is called once, when a function is decorated, with the namespace and the
function; it returns the function that makes a key from the arguments of a call.  That
may carry an attribute ``template``, for the decorator to make the key of a call that
gives all arguments by position as ``template % args``, which is three times as fast.

:func:`typed_key_generator` is the one to use in new code: no two calls that differ
share a key.  :func:`function_key_generator`, the default, makes the keys that
dogpile.cache makes, in which ``f(1)`` and ``f("1")`` are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import MethodType
from typing import Any

from .exception import ValidationError
from .signature import (
    call_parts,
    has_self,
    owner_teller,
    plain_count,
    positional_names,
    qualified_name,
)
from .typed import encode

KeyFunction = Callable[..., str]
ToStr = Callable[[Any], str]


def function_key_generator(
    namespace: Any, fn: Callable[..., Any], to_str: ToStr = str
) -> KeyFunction:
    """Make keys like ``module:name|namespace|1 2``, as dogpile.cache does.

    The arguments are joined by blanks as ``to_str`` shows them, without a first one
    named ``self`` or ``cls``.  So ``f("a b", "c")`` and ``f("a", "b c")`` have one key,
    and so have functions of one name in two classes of a module.
    """
    prefix = _prefix(namespace, fn)
    skip = 1 if has_self(fn) else 0

    def generate_key(*args: Any, **kw: Any) -> str:
        if kw:
            raise _no_keywords()
        return prefix + " ".join(map(to_str, args[skip:]))

    if to_str is str and not skip and plain_count(fn) >= 0:
        blanks = " ".join(["%s"] * plain_count(fn))
        vars(generate_key)["template"] = prefix.replace("%", "%%") + blanks
    return generate_key


def function_multi_key_generator(
    namespace: Any, fn: Callable[..., Any], to_str: ToStr = str
) -> Callable[..., list[str]]:
    """Make one key like ``module:name|namespace|1`` from each argument."""
    prefix = _prefix(namespace, fn)
    skip = 1 if has_self(fn) else 0

    def generate_keys(*args: Any, **kw: Any) -> list[str]:
        if kw:
            raise _no_keywords()
        return [prefix + to_str(arg) for arg in args[skip:]]

    return generate_keys


def kwarg_function_key_generator(
    namespace: Any, fn: Callable[..., Any], to_str: ToStr = str
) -> KeyFunction:
    """Make keys as :func:`function_key_generator` does, from keyword arguments, too.

    The values stand in the order of the names of their parameters.
    """
    prefix = _prefix(namespace, fn)
    names = positional_names(fn)
    defaults = getattr(fn, "__defaults__", None) or ()
    filled = dict(zip(names[len(names) - len(defaults) :], defaults))
    skip = 1 if has_self(fn) else 0

    def generate_key(*args: Any, **kw: Any) -> str:
        extra = {f"*{i:06}": value for i, value in enumerate(args[len(names) :])}
        values = {**filled, **dict(zip(names, args)), **extra, **kw}
        if skip:
            del values[names[0]]
        return prefix + " ".join(to_str(values[name]) for name in sorted(values))

    return generate_key


def typed_key_generator(
    namespace: Any = None,
    fn: Callable[..., Any] | None = None,
    *,
    to_str: ToStr | None = None,
    ignore: Iterable[str] = (),
) -> Any:
    """Make keys in which calls that differ never meet.

    Positional and keyword arguments, defaults included, enter the key by value and by
    type: ``1``, ``"1"`` and ``True`` are three.  Numbers, strings, bytes, dates, enum
    members, UUIDs, paths, types, and tuples, lists, sets and dicts of all these are
    known; another object is asked for ``__cache_key__()``, and else enters by its
    type and ``repr``.  Of ``self`` and ``cls`` the class enters, and the
    ``__cache_key__()`` if there is one.

    The function enters by its module and qualified name, so what one ``def`` or
    ``lambda`` inside a function makes at each call shares its keys: give such closures
    a ``namespace`` each.

    :param ignore: names of parameters to leave out of the key, where a function has
        them, be it ``self``, or that of ``*args`` or ``**kw``.  To set it, for a region
        or for one function, call the generator without a function:
        ``typed_key_generator(ignore=("session",))``.
    :param to_str: not used; for the sake of regions whose decorators are given one.
    :raises UnstableArgument: on a call with an object whose repr shows an address, with
        a class made inside a function, or with a list that contains itself.
    :raises ValidationError: the function has no name of its own, as a
        ``functools.partial`` and an object with ``__call__`` have none, and there is no
        namespace; or it is a bound method.
    """
    if fn is None:
        return lambda namespace, fn, **kw: typed_key_generator(
            namespace, fn, ignore=ignore
        )
    prefix = _typed_prefix(namespace, fn)
    parts = call_parts(fn, ignore)

    def generate_key(*args: Any, **kw: Any) -> str:
        return prefix + "".join(map(encode, parts(args, kw)))

    return generate_key


def typed_multi_key_generator(
    namespace: Any, fn: Callable[..., Any], to_str: ToStr | None = None
) -> Callable[..., list[str]]:
    """Make one key from each argument, as :func:`typed_key_generator` does."""
    prefix = _typed_prefix(namespace, fn)
    owner = owner_teller(fn)
    skip = 1 if has_self(fn) else 0

    def generate_keys(*args: Any) -> list[str]:
        start = prefix + encode(owner(args[0])) if skip and args else prefix
        return [start + encode(arg) for arg in args[skip:]]

    return generate_keys


def sha1_mangle_key(key: str | bytes) -> str:
    """Return the SHA-1 of a key: 40 characters, whatever the key."""
    import hashlib  # costly, and not needed by every program

    data = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def length_conditional_mangler(
    length: int, mangler: Callable[[str], str]
) -> Callable[[str], str]:
    """Return a mangler that applies another to keys of so many characters or more."""
    return lambda key: mangler(key) if len(key) >= length else key


def _prefix(namespace: Any, fn: Callable[..., Any]) -> str:
    name = getattr(fn, "__name__", None) or type(fn).__name__
    middle = "" if namespace is None else f"|{namespace}"
    return f"{fn.__module__}:{name}{middle}|"


def _typed_prefix(namespace: Any, fn: Callable[..., Any]) -> str:
    if isinstance(fn, MethodType):
        raise ValidationError(
            f"{fn!r} has no name that tells it from that of another object; decorate "
            "the function in its class, or a function that calls it."
        )
    named = hasattr(fn, "__qualname__") and not isinstance(fn, partial)
    if namespace is None and not named:
        raise ValidationError(
            f"{fn!r} has no name that tells it from others of its type; give it one "
            "with namespace=, or decorate a function that calls it."
        )
    return f"{qualified_name(fn)}|{encode(namespace)}|"


def _no_keywords() -> ValueError:
    return ValueError(
        "dogpile.cache's default key creation function does not accept keyword "
        "arguments.  Use function_key_generator=typed_key_generator, which does."
    )
