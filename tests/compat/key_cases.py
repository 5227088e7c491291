"""Functions, and the default keys that each package makes for calls of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def plain(a: Any, b: Any = 2) -> None: ...


def keyword_only(a: Any, *, c: Any = 3) -> None: ...


def variadic(a: Any, *rest: Any, k: Any = 1, **more: Any) -> None: ...


def unsorted(b: Any, a: Any = 2, *rest: Any, k: Any = 1) -> None: ...


class Service:
    def method(self, a: Any, b: Any = 2) -> None: ...

    def build(cls, a: Any) -> None: ...  # as a classmethod has it


class Odd:
    """Be hard to show."""

    def __str__(self) -> str:
        return "odd|one two"

    __repr__ = __str__


CALLS: list[tuple[Any, tuple[Any, ...]]] = [
    (plain, (1,)),
    (plain, (1, 2)),
    (plain, ("a b", "c")),
    (plain, ("é", None)),
    (plain, (Odd(), 1.5)),
    (plain, (True, (1, 2))),
    (plain, ()),
    (keyword_only, (1,)),
    (variadic, (1, 2, 3)),
    (unsorted, (1,)),
    (Service.method, (Service(), 5)),
    (Service.build, (Service, 5)),
]


def _keys(root: str, generator: str, namespace: Any, **options: Any) -> list[Any]:
    util = importlib.import_module(f"{root}.util")
    make = getattr(util, generator)
    return [make(namespace, fn, **options)(*args) for fn, args in CALLS]


def _decorated(root: str, many: bool = False, **options: Any) -> list[str]:
    """Return the keys under which decorated functions keep their results."""
    region = importlib.import_module(root).make_region()
    region.configure("dogpile.cache.memory")
    decorate = region.cache_multi_on_arguments if many else region.cache_on_arguments
    functions: list[Any] = [plain] if many else [plain, keyword_only]
    for fn in functions:
        cached = decorate(**options)(_returning_arguments(fn, many))
        cached(1)
        cached("x y")
        if not many:
            cached(a=3)
            cached(b=4, a=5) if fn is plain else None
    return list(region.backend._cache)


def _returning_arguments(fn: Any, many: bool) -> Any:
    """Return a function of the same name that can be cached."""

    def one(a: Any, b: Any = 2) -> Any:
        return a, b

    def several(*args: Any) -> Any:
        return list(args)

    function = several if many else one
    function.__module__, function.__name__ = fn.__module__, fn.__name__
    return function


def _keyword_calls(root: str) -> list[str]:
    util = importlib.import_module(f"{root}.util")
    make = util.kwarg_function_key_generator
    return [
        make(None, plain)(1, b=3),
        make(None, plain)(b=3, a=1),
        make("n", plain)(a=1),
        make(None, unsorted)(b=1),
        make(None, Service.method)(Service(), b=3, a=1),
    ]


def _mangled(root: str) -> list[str]:
    util = importlib.import_module(f"{root}.util")
    conditional = util.length_conditional_mangler(10, util.sha1_mangle_key)
    keys = ["", "abc", "é", "x" * 9, "x" * 10, "x" * 300, "a b\n"]
    return [util.sha1_mangle_key(key) for key in [*keys, b"abc"]] + [
        conditional(key) for key in keys
    ]


CASES: dict[str, Callable[[str], Any]] = {
    "function": lambda root: _keys(root, "function_key_generator", None),
    "namespace": lambda root: _keys(root, "function_key_generator", "name space"),
    "tuple namespace": lambda root: _keys(root, "function_key_generator", ("a", 1)),
    "to_str": lambda root: _keys(root, "function_key_generator", None, to_str=ascii),
    "multi": lambda root: _keys(root, "function_multi_key_generator", None),
    "multi namespace": lambda root: _keys(root, "function_multi_key_generator", "n"),
    "multi to_str": lambda root: _keys(
        root, "function_multi_key_generator", None, to_str=ascii
    ),
    "keywords": _keyword_calls,
    "decorated": _decorated,
    "decorated namespace": lambda root: _decorated(root, namespace="n"),
    "decorated many": lambda root: _decorated(root, many=True),
    "manglers": _mangled,
}
