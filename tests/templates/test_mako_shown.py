"""Whose words a cached def of Mako shows: its callers', its children's, nobody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mako.lookup import TemplateLookup
from mako.template import Template

from dogpile_cache.exception import ValidationError

from .engines import Regions, mako_options

CACHED = 'cached="True" cache_region="short"'
LIB = f'<%def name="box()" {CACHED}>[${{caller.body()}}]</%def>'
FROM_LIB = '<%namespace name="lib" file="lib"/>'


def lookup_of(regions: Regions, sources: dict[str, str], **kw: Any) -> TemplateLookup:
    lookup = TemplateLookup(**mako_options(regions), **kw)
    for name, source in {"lib": LIB, **sources}.items():
        lookup.put_string(name, source)
    return lookup


def views(regions: Regions, sources: dict[str, str], *pages: str) -> list[str]:
    """Render pages one after the other, twice; the second time must be like the first."""
    lookup = lookup_of(regions, sources)
    both = [
        [lookup.get_template(page).render().strip() for page in pages] for _ in range(2)
    ]
    assert both[0] == both[1]
    return both[0]


@pytest.mark.parametrize(
    "layout",
    [
        "<%lib:box>${next.body()}</%lib:box>",
        "<%lib:box>${self.said()}</%lib:box>",
        (
            '<%def name="wrap()"><%lib:box>${caller.body()}</%lib:box></%def>'
            '<%call expr="wrap()">${next.body()}</%call>'
        ),
    ],
)
def test_a_layout_may_put_what_inherits_into_a_cached_box(
    regions: Regions, layout: str
) -> None:
    child = '<%inherit file="base"/><%def name="said()">NAME</%def>NAME'
    sources = {"base": FROM_LIB + layout} | {
        name: child.replace("NAME", name) for name in ("one", "two")
    }
    assert views(regions, sources, "one", "two") == ["[one]", "[two]"]


@pytest.mark.parametrize(
    "page",
    [
        (
            '<%def name="wrap()"><%lib:box>${caller.body()}</%lib:box></%def>'
            '<%call expr="wrap()">A</%call><%call expr="wrap()">B</%call>'
        ),
        (
            '<%def name="a()"><%def name="h()">A</%def><%lib:box>${h()}</%lib:box></%def>'
            '<%def name="b()"><%def name="h()">B</%def><%lib:box>${h()}</%lib:box></%def>'
            "${a()}${b()}"
        ),
    ],
)
def test_a_caller_is_told_by_all_that_it_shows(regions: Regions, page: str) -> None:
    assert views(regions, {"page": FROM_LIB + page}, "page") == ["[A][B]"]


@pytest.mark.parametrize(
    "page",
    [
        (
            '<%def name="box()">${caller.h()}</%def>'
            f'<%call expr="box()"><%def name="h()" {CACHED}>A</%def></%call>'
            f'<%call expr="box()"><%def name="h()" {CACHED}>B</%def></%call>'
        ),
        (
            f'<%namespace name="a"><%def name="f()" {CACHED}>A</%def></%namespace>'
            f'<%namespace name="b"><%def name="f()" {CACHED}>B</%def></%namespace>'
            "${a.f()}${b.f()}"
        ),
    ],
)
def test_two_cached_defs_of_one_name_in_two_places(regions: Regions, page: str) -> None:
    assert views(regions, {"page": page}, "page") == ["AB"]


@pytest.mark.parametrize(
    "page",
    [
        '<%def name="h()">WORD</%def><%lib:box>${h()}</%lib:box>',
        '<%lib:box><%include file="part"/></%lib:box>',
    ],
)
def test_a_caller_whose_template_changes(regions: Regions, page: str) -> None:
    for word in ("old", "new", "old"):
        sources = {"page": FROM_LIB + page.replace("WORD", word), "part": word}
        assert views(regions, sources, "page") == [f"[{word}]"]


def test_a_template_without_a_lookup_may_call(regions: Regions) -> None:
    page = LIB + '<%def name="h()">WORD</%def><%call expr="box()">${h()}</%call>'
    for word in ("old", "new", "old"):
        template = Template(page.replace("WORD", word), **mako_options(regions))
        assert template.render() == f"[{word}]"


def test_a_template_with_another_preprocessor_is_another_template(
    regions: Regions,
) -> None:
    page = f'<%def name="x()" {CACHED}>${{it}}</%def>${{x()}}'
    escape = lambda source: re.sub(r"\$\{it\}", "${it|h}", source)
    for preprocessor, shown in ((None, "<b>"), (escape, "&lt;b&gt;")) * 2:
        lookup = lookup_of(regions, {"page": page}, preprocessor=preprocessor)
        assert lookup.get_template("page").render(it="<b>") == shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regions": 5}, "is 5; it is a mapping"),
        ({"regions": {}, "bypass": 5}, "is 5; it is a function"),
    ],
)
def test_wrong_arguments_for_the_cache(arguments: dict[str, Any], message: str) -> None:
    page = f'<%def name="x()" {CACHED}>x</%def>${{x()}}'
    template = Template(page, cache_impl="dogpile.cache", cache_args=arguments)
    with pytest.raises(ValidationError, match=message):
        template.render()


@pytest.mark.parametrize("name", ["bypass", "regions", "context", "creation_function"])
def test_what_a_tag_cannot_say_is_an_error_that_names_it(
    regions: Regions, name: str
) -> None:
    page = f'<%def name="x()" {CACHED} cache_{name}="True">x</%def>${{x()}}'
    with pytest.raises((ValidationError, TypeError), match=rf"cache_{name}|'{name}'"):
        Template(page, **mako_options(regions)).render()
