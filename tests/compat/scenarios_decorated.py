"""Scenarios of decorated functions, for both packages."""

from __future__ import annotations

from typing import Any

from .packages import Package
from .scenarios import counting, scenario


@scenario
def decorated_function(p: Package) -> Any:
    region, create = p.memory(), counting(lambda a, b=2: (a, b))

    @region.cache_on_arguments(namespace="ns")
    def f(a: Any, b: Any = 2) -> Any:
        "Say something."
        return create(a, b)

    seen = [f(1), f(1, 2), f(a=1), f(1, b=3), f.get(1, 2), f.get(7, 2)]
    seen += [f.set("set", 1, 2), f(1), f.refresh(1, 2), f.invalidate(1, 2), f.get(1, 2)]
    seen += [f.original(5), f.get(5), f.__name__, f.__doc__]
    return seen, create.calls, sorted(region.backend._cache)


@scenario
def decorated_methods(p: Package) -> Any:
    region, calls = p.memory(), []

    class Service:
        @region.cache_on_arguments()
        def method(self, a: Any) -> Any:
            calls.append(a)
            return a

        @classmethod
        @region.cache_on_arguments()
        def build(cls, a: Any) -> Any:
            calls.append(a)
            return cls.__name__

    one, other = Service(), Service()
    seen = [one.method(3), other.method(3), Service.build(3), one.build(3)]
    seen += [one.method.get(one, 3), one.method.set(9, one, 3), one.method(3)]
    seen += [one.method.invalidate(one, 3), one.method.refresh(one, 3)]
    return seen, calls


@scenario
def decorator_options(p: Package) -> Any:
    region, lifetimes = p.memory(), iter([-1, -1, -1, -1])

    @region.cache_on_arguments(
        expiration_time=lambda: next(lifetimes),
        should_cache_fn=lambda value: value != 0,
        to_str=repr,
    )
    def f(a: Any) -> Any:
        return a

    seen = [f("a"), f("a"), f(0), f.get(0)]
    return seen, sorted(region.backend._cache)


@scenario
def custom_key_generators(p: Package) -> Any:
    asked: list[Any] = []

    def generator(namespace: Any, fn: Any, **kw: Any) -> Any:
        asked.append((namespace, fn.__name__, sorted(kw)))
        return lambda *args, **kwargs: f"{namespace} {args} {kwargs}"

    def many(namespace: Any, fn: Any, **kw: Any) -> Any:
        return lambda *args: [f"{namespace} {arg}" for arg in args]

    region = p.memory(
        function_key_generator=generator, function_multi_key_generator=many
    )

    @region.cache_on_arguments(namespace=("x",))
    def f(a: Any, b: Any = 2, *, c: Any = 3) -> Any:
        return a

    @region.cache_on_arguments(function_key_generator=p.kwarg_function_key_generator)
    def g(a: Any, b: Any = 2) -> Any:
        return a

    @region.cache_multi_on_arguments(namespace="n")
    def h(*keys: Any) -> Any:
        return list(keys)

    f(1), f(a=1, c=5), g(b=1, a=2), h("x", "y")
    return asked, sorted(region.backend._cache)


@scenario
def decorated_many(p: Package) -> Any:
    region, calls = p.memory(), []

    @region.cache_multi_on_arguments()
    def f(*keys: Any) -> Any:
        calls.append(keys)
        return [key * 10 for key in keys]

    seen = [f(1, 2), f(2, 3, 1), f.get(1, 9), f.set({1: "set"}), f(1)]
    seen += [f.refresh(1, 2), f.invalidate(1, 2), f.get(1, 2, 3)]
    return seen, sorted(calls)


@scenario
def decorated_many_asdict(p: Package) -> Any:
    region = p.memory()

    @region.cache_multi_on_arguments(asdict=True)
    def f(*keys: Any) -> Any:
        return {key: key * 10 for key in keys if key != 2}

    seen = [f(1, 2, 3), f.get(1, 2, 3), f.set({2: "set"}), f(2), f.refresh(1, 3)]
    return [*seen, f.invalidate(1), f.get(1, 3)]
