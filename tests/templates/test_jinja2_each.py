"""The tag ``cacheeach`` of Jinja2: a collection in one round trip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import pytest
from jinja2 import Environment
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.testing import SettableClock

from .engines import Regions, jinja2_environment


@pytest.fixture
def env(regions: Regions) -> Environment:
    return jinja2_environment(regions)


def view(env: Environment, source: str, **context: object) -> str:
    return env.from_string(source).render(context)


LIST = (
    '{% cacheeach "short", item in items, key=item %}<{{ item }}{{ n() }}>'
    "{% endcacheeach %}"
)


def numbers() -> Callable[[], int]:
    return count(1).__next__


def test_only_what_is_missing_is_rendered(env: Environment) -> None:
    n = numbers()
    assert view(env, LIST, items="ab", n=n) == "<a1><b2>"
    assert view(env, LIST, items="bca", n=n) == "<b2><c3><a1>"


class Counter(ProxyBackend):
    """Note the calls that reach the backend."""

    def __init__(self, calls: list[str]) -> None:
        self.calls = calls

    def get_serialized(self, key: str) -> Any:
        self.calls.append("get")
        return self.proxied.get_serialized(key)

    def get_serialized_multi(self, keys: Sequence[str]) -> Any:
        self.calls.append(f"get {len(keys)}")
        return self.proxied.get_serialized_multi(keys)

    def set_serialized_multi(self, mapping: Any) -> None:
        self.calls.append(f"set {len(mapping)}")
        self.proxied.set_serialized_multi(mapping)


def test_a_collection_is_read_at_once_and_written_at_once() -> None:
    calls: list[str] = []
    region = make_region().configure(
        "dogpile.cache.memory_pickle", wrap=[Counter(calls)]
    )
    env = jinja2_environment({"short": region})
    view(env, LIST, items=range(10), n=numbers())
    assert calls == ["get 10", "get 10", "set 10"]  # the second one under the lock
    calls.clear()
    view(env, LIST, items=range(10), n=numbers())
    assert calls == ["get 10"]


def test_nothing_is_asked_for_an_empty_collection() -> None:
    calls: list[str] = []
    region = make_region().configure(
        "dogpile.cache.memory_pickle", wrap=[Counter(calls)]
    )
    source = LIST.replace("{% endcache", "{% else %}none{% endcache")
    env = jinja2_environment({"short": region})
    assert view(env, source, items=[], n=numbers()) == "none"
    assert view(env, LIST, items=[], n=numbers()) == ""
    assert calls == []


def test_items_of_one_key_are_one_fragment(env: Environment) -> None:
    assert view(env, LIST, items="aba", n=numbers()) == "<a1><b2><a1>"


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        ("item in items if item.new, key=item.id", "{{ item.id }}", "1 3 "),
        ("item in items, key=item.id", "{{ loop.index }}{{ loop.length }}", "13 23 33 "),
        ("item in items if item.new, key=item.id",
         "{{ loop.index0 }}{{ loop.last }}{{ (loop.previtem or item).id }}",
         "0False1 1True1 "),
        ("id, (a, b) in nested, key=(id, a)", "{{ id }}{{ a }}{{ b }}", "1xy 2zw "),
        ("(id, pair) in nested, key=id", "{{ pair|join }}", "xy zw "),
        ("item in items, key=loop.index", "{{ item.id }}", "1 2 3 "),
        ("item in items|reverse, key=item.id", "{{ item.id }}", "3 2 1 "),
        ("item in items, key=item.id",
         "{% for x in 'ab' %}{{ loop.index }}{% endfor %}{{ loop.index }}",
         "121 122 123 "),
        ("item in items, key=item.id, expiration_time=5", "{{ item.id }}", "1 2 3 "),
        ("item in items, key=item.id",
         "{% for x in 'ab' if loop.first %}{{ x }}{% else %}-{% endfor %}", "ab - - "),
    ],
)  # fmt: skip
def test_loops_are_those_of_the_for_tag(
    env: Environment, header: str, body: str, expected: str
) -> None:
    items = [{"id": 1, "new": True}, {"id": 2, "new": False}, {"id": 3, "new": True}]
    source = f'{{% cacheeach "short", {header} %}}{body} {{% endcacheeach %}}'
    for _ in range(2):
        assert view(env, source, items=items, nested=[(1, "xy"), (2, "zw")]) == expected


def test_the_loop_around_stays_what_it_is(env: Environment) -> None:
    source = (
        "{% for row in rows %}"
        '{% cacheeach "short", x in row, key=x %}{{ x }}{{ loop.index }} {% endcacheeach %}'
        "{{ loop.index }};{% endfor %}"
    )
    for _ in range(2):
        assert view(env, source, rows=["ab", "cd"]) == "a1 b2 1;c1 d2 2;"


def test_collections_in_collections_and_tags(env: Environment) -> None:
    source = (
        '{% cache "long" %}{% cacheeach "short", row in rows, key=row %}'
        '{% cacheeach "short", x in row, key=x %}{{ x }}{{ n() }}{{ loop.last }} '
        "{% endcacheeach %}{{ loop.index }};{% endcacheeach %}{% endcache %}"
    )
    n = numbers()
    for _ in range(2):
        assert view(env, source, rows=["ab", "cb"], n=n) == (
            "a1False b2True 1;c3False b2True 2;"
        )


def test_a_macro_around_may_have_a_caller(env: Environment) -> None:
    source = (
        '{% macro each() %}{% cacheeach "short", x in "ab", key=x %}'
        "{{ x }}{{ caller() }}{% endcacheeach %}{% endmacro %}"
        "{% call each() %}1{% endcall %}{% call each() %}2{% endcall %}"
    )
    for _ in range(2):
        assert view(env, source) == "a1b1a2b2"


def test_autoescape_holds_and_is_part_of_the_key(env: Environment) -> None:
    tag = '{% cacheeach "short", x in ["<"], key=1 %}{{ x }}{% endcacheeach %}'
    source = f"{tag}{{% autoescape false %}}{tag}{{% endautoescape %}}{tag}"
    for _ in range(2):
        assert view(env, source) == "&lt;<&lt;"


def test_when_is_false_nothing_is_read_or_written(
    env: Environment, regions: dict[str, CacheRegion]
) -> None:
    source = LIST.replace("key=item", "key=item, when=on")
    n = numbers()
    assert view(env, source, items="ab", n=n, on=False) == "<a1><b2>"
    assert view(env, source, items="ab", n=n, on=True) == "<a3><b4>"
    assert view(env, source, items="ab", n=n, on=False) == "<a5><b6>"
    assert view(env, source, items="ab", n=n, on=True) == "<a3><b4>"


def test_a_bare_region_a_default_region_and_a_region_object(
    env: Environment, regions: dict[str, CacheRegion]
) -> None:
    env.cache_default_region = "short"  # type: ignore[attr-defined]  # the extension's
    n = numbers()
    expected = "<a1><b2>"
    for first in ("short, ", '"short", ', "region, ", ""):
        source = LIST.replace('"short", ', first)
        rendered = view(env, source, items="ab", n=n, region=regions["short"])
        assert len(rendered) == len(expected)


def test_target_names_belong_to_the_identity(env: Environment) -> None:
    one = '{% cacheeach "short", a, b in xs, key=1 %}{{ a }}{% endcacheeach %}'
    for _ in range(2):
        assert view(env, one, xs=["xy"]) == "x"
        assert view(env, one.replace("a, b in", "b, a in"), xs=["xy"]) == "y"


def test_an_undefined_key_is_an_error(env: Environment) -> None:
    source = LIST.replace("key=item", "key=item.id")
    with pytest.raises(UndefinedError, match=r"x\|default\(none\)"):
        view(env, source, items=[{}], n=numbers())


def test_an_item_that_fails_is_tried_once_and_locks_nothing(env: Environment) -> None:
    calls: list[str] = []

    def n() -> str:
        calls.append("n")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        view(env, LIST, items="ab", n=n)
    assert calls == ["n"]
    assert view(env, LIST, items="ab", n=numbers()) == "<a1><b2>"


def test_a_sandbox(regions: Regions) -> None:
    extension = "dogpile_templates.jinja2.CacheExtension"
    env = SandboxedEnvironment(extensions=[extension])
    env.cache_regions = regions  # type: ignore[attr-defined]  # the extension's
    assert view(env, LIST, items="ab", n=numbers()) == "<a1><b2>"


def test_any_iterable_is_taken_once(env: Environment) -> None:
    def items() -> Iterable[str]:
        yield from "ab"

    assert view(env, LIST, items=items(), n=numbers()) == "<a1><b2>"


def test_an_expiration_time_of_a_collection(
    env: Environment, clock: SettableClock
) -> None:
    source = LIST.replace("key=item", "key=item, expiration_time=3")
    n = numbers()
    assert view(env, source, items="a", n=n) == "<a1>"
    clock.move(2)
    assert view(env, source, items="a", n=n) == "<a1>"
    clock.move(2)
    assert view(env, source, items="a", n=n) == "<a2>"


def test_a_bypassed_collection_neither_reads_nor_writes(env: Environment) -> None:
    env.cache_bypass = lambda context: context["preview"]  # type: ignore[attr-defined]
    n = numbers()
    for preview, seen in ((True, 1), (False, 2), (True, 3), (False, 2)):
        assert view(env, LIST, items="a", n=n, preview=preview) == f"<a{seen}>"
