"""Whose words a tag of Jinja2 shows: its callers', its children's, nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import DictLoader, Environment, nodes, select_autoescape
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

from dogpile_templates import FragmentError, invalidate_fragment

from .engines import Regions, jinja2_environment

BOX = '{% macro box() %}{% cache "short" %}[{{ caller() }}]{% endcache %}{% endmacro %}'
FROM_LIB = '{% from "lib" import box %}'


def views(
    regions: Regions, sources: dict[str, str], *pages: str, **context: Any
) -> list[str]:
    """Render pages one after the other, twice; the second time must be like the first."""
    env = jinja2_environment(regions, loader=DictLoader({"lib": BOX, **sources}))
    both = [[env.get_template(p).render(context) for p in pages] for _ in range(2)]
    assert both[0] == both[1]
    return both[0]


@pytest.mark.parametrize(
    "layout",
    [
        "{% call box() %}{% block c %}base{% endblock %}{% endcall %}",
        (
            "{% call box() %}{{ self.c() }}{% endcall %}"
            "{% if false %}{% block c %}base{% endblock %}{% endif %}"
        ),
        (
            "{% macro t() %}{{ self.c() }}{% endmacro %}"
            "{% call box() %}{{ t() }}{% endcall %}"
            "{% if false %}{% block c %}base{% endblock %}{% endif %}"
        ),
        (
            "{% macro wrap() %}{% set said = caller %}"
            "{% call box() %}{{ said() }}{% endcall %}"
            "{% endmacro %}{% call wrap() %}{% block c %}base{% endblock %}{% endcall %}"
        ),
    ],
)
def test_a_layout_may_put_a_block_into_a_cached_box(
    regions: Regions, layout: str
) -> None:
    child = '{% extends "base" %}{% block c %}NAME{% endblock %}'
    sources = {
        "base": FROM_LIB + layout,
        "one": child.replace("NAME", "one"),
        "two": child.replace("NAME", "two"),
    }
    assert views(regions, sources, "one", "two", "base") == ["[one]", "[two]", "[base]"]


def test_a_child_may_put_its_parent_s_block_into_a_cached_box(regions: Regions) -> None:
    child = (
        FROM_LIB
        + "{% block c %}{% call box() %}{{ super() }}{% endcall %}{% endblock %}"
    )
    sources = {
        name: f"{{% block c %}}{name}{{% endblock %}}" for name in ("one", "two")
    } | {"child": "{% extends layout %}" + child}
    env = jinja2_environment(regions, loader=DictLoader({"lib": BOX, **sources}))
    for _ in range(2):
        for layout in ("one", "two"):
            page = env.get_template("child").render(layout=layout)
            assert page == f"[{layout}]"


@pytest.mark.parametrize(
    "macro",
    [
        (
            "{% macro wrap() %}{% set said = caller %}"
            "{% call box() %}{{ said() }}{% endcall %}"
            "{% endmacro %}"
        ),
        (
            '{% macro wrap() %}{% set c = caller %}{% cache "short" %}[{{ c() }}]'
            "{% endcache %}{% endmacro %}"
        ),
        (
            "{% macro inner(say) %}{% cache 'short' %}[{{ say() }}]{% endcache %}"
            "{% endmacro %}"
            "{% macro wrap() %}{{ inner(caller) }}{% endmacro %}"
        ),
    ],
)
def test_a_caller_that_is_passed_on(regions: Regions, macro: str) -> None:
    calls = "{% call wrap() %}one{% endcall %}{% call wrap() %}two{% endcall %}"
    page = FROM_LIB + macro + calls
    assert views(regions, {"page": page}, "page") == ["[one][two]"]


@pytest.mark.parametrize(
    "define",
    [
        "{% macro t() %}NAME{% endmacro %}",
        '{% set t = "NAME"|string|attr("__str__") %}',
        '{% from "NAME" import t %}',
    ],
)
def test_templates_from_strings_are_told_apart_by_all_that_they_say(
    regions: Regions, define: str
) -> None:
    sources = {
        "lib": BOX,
        "base": '{% cache "short" %}{% block b %}{% endblock %}{% endcache %}',
        "A": "{% macro t() %}A{% endmacro %}",
        "B": "{% macro t() %}B{% endmacro %}",
    }
    env = jinja2_environment(regions, loader=DictLoader(sources), autoescape=False)
    child = '{% extends "base" %}DEFINE{% block b %}{{ t() }}{% endblock %}'
    caller = FROM_LIB + "DEFINE{% call box() %}{{ t() }}{% endcall %}"
    for _ in range(2):
        for name in "AB":
            defined = define.replace("NAME", name)
            page = env.from_string(child.replace("DEFINE", defined))
            assert page.render() == name
            page = env.from_string(caller.replace("DEFINE", defined))
            assert page.render() == f"[{name}]"


@pytest.mark.parametrize(
    "place",
    [
        '{% block NAME %}{% from "NAME" import h %}TAG{% endblock %}',
        '{% block NAME %}{% import "NAME" as lib %}{% set h = 1 %}TAG{% endblock %}',
        "{% block NAME %}{% macro h() %}NAME{% endmacro %}TAG{% endblock %}",
        "{% macro m() %}{% macro h() %}NAME{% endmacro %}TAG{% endmacro %}{{ m() }}",
    ],
)
def test_what_a_name_means_around_a_tag_counts(regions: Regions, place: str) -> None:
    tag = '{% cache "short" %}{{ h() }}{% endcache %}'
    if "as lib" in place:
        tag = tag.replace("h()", "lib.h()")
    sources = {
        "A": "{% macro h() %}A{% endmacro %}",
        "B": "{% macro h() %}B{% endmacro %}",
        "page": "".join(place.replace("TAG", tag).replace("NAME", n) for n in "AB"),
    }
    assert views(regions, sources, "page") == ["AB"]


def test_a_reference_to_blocks_that_is_passed_to_a_macro(regions: Regions) -> None:
    base = (
        "{% macro m(it) %}{% cache 'short' %}{{ it.t() }}{% endcache %}{% endmacro %}"
        "{{ m(self) }}{% if false %}{% block t %}base{% endblock %}{% endif %}"
    )
    child = '{% extends "base" %}{% block t %}NAME{% endblock %}'
    sources = {"base": base} | {n: child.replace("NAME", n) for n in ("one", "two")}
    assert views(regions, sources, "one", "two", "base") == ["one", "two", "base"]


AUTOESCAPES = (
    "{% autoescape false %}{% macro m(x) %}{% cache 'short', x %}{{ x }}{% endcache %}"
    "{% endmacro %}{% autoescape true %}{{ m(x) }}{% endautoescape %}{% endautoescape %}|"
    "{% cache 'short', x %}{{ x }}{% endcache %}"
)


def test_a_body_that_was_compiled_without_escaping_is_not_shown_where_there_is(
    regions: Regions,
) -> None:
    assert views(regions, {"page": AUTOESCAPES}, "page", x="<b>") == ["<b>|&lt;b&gt;"]


def test_how_an_included_template_is_escaped_counts(regions: Regions) -> None:
    sources = {
        "page.html": '{% cache "short" %}{% include "part.txt" %}{% endcache %}',
        "part.txt": "{{ x }}",
    }
    for escaping, shown in ((select_autoescape(), "<b>"), (True, "&lt;b&gt;")):
        env = jinja2_environment(
            regions, loader=DictLoader(sources), autoescape=escaping
        )
        for _ in range(2):
            assert env.get_template("page.html").render(x="<b>") == shown


def test_a_template_cannot_call_what_renders_the_tags(regions: Regions) -> None:
    class Thing:
        called = 0

        def delete(self, **kw: Any) -> str:
            Thing.called += 1
            return "deleted"

        delete.alters_data = True  # type: ignore[attr-defined]

    env: Any = SandboxedEnvironment(
        extensions=["dogpile_templates.jinja2.CacheExtension"]
    )
    env.cache_regions = regions
    for source in (
        '{{ it.delete|dogpile_templates.one("short", 1, when=false) }}',
        '{{ it.delete|dogpile_templates.each("short", [], when=false) }}',
        '{{ [it.delete]|map("dogpile_templates.one", "short", 1, when=false)|list }}',
    ):
        with pytest.raises(SecurityError):
            env.from_string(source).render(it=Thing())
    assert Thing.called == 0


def test_names_that_macros_have_may_be_a_body_s_own(regions: Regions) -> None:
    env = jinja2_environment(regions)
    for source, shown in (
        ("{% for caller in xs %}[{{ caller }}]{% endfor %}", "[a][b]"),
        ('{% set caller = "x" %}{{ caller }}', "x"),
        ("{% with kwargs = 1 %}{{ kwargs }}{% endwith %}", "1"),
        ("{% macro m(varargs) %}{{ varargs }}{% endmacro %}{{ m(2) }}", "2"),
    ):
        page = env.from_string('{% cache "short" %}' + source + "{% endcache %}")
        assert [page.render(xs="ab") for _ in range(2)] == [shown] * 2
    each = '{% cacheeach "short", caller in xs, key=caller %}{{ caller }}{% endcacheeach %}'
    assert env.from_string(each).render(xs="ab") == "ab"
    each = (
        '{% cacheeach "short", x in xs, key=x %}{% with loop = x %}{{ loop }}{% endwith %}'
        "{% endcacheeach %}"
    )
    assert env.from_string(each).render(xs="ab") == "ab"


class Loading(Extension):
    """Load another template while a template is compiled."""

    tags = {"load"}

    def parse(self, parser: Any) -> list[nodes.Node]:
        next(parser.stream)
        name = parser.parse_expression()
        self.environment.from_string(
            "{% cache 'short' %}" + name.value + "{% endcache %}"
        )
        return []


def test_a_template_that_is_compiled_within_another_has_a_source_of_its_own(
    regions: Regions,
) -> None:
    page = (
        '{% load "x" %}{% macro t() %}WORD{% endmacro %}'
        '{% cache "short" %}{{ t() }}{% endcache %}'
    )
    for word in ("old", "new", "old"):
        env = jinja2_environment(regions)
        env.add_extension(Loading)
        assert env.from_string(page.replace("WORD", word)).render() == word


@pytest.mark.parametrize("ajax", [True, False])
def test_a_page_with_a_conditional_layout_is_invalidated_in_both(
    regions: Regions, ajax: bool
) -> None:
    tag = '{% cache "short", 1 %}{{ super() }}{{ x }}{% endcache %}'
    sources = {
        "page": '{% extends "a" if ajax else "b" %}{% block c %}'
        + tag
        + "{% endblock %}",
        "a": "{% block c %}a{% endblock %}",
        "b": "{% block c %}b{% endblock %}",
    }
    env = jinja2_environment(regions, loader=DictLoader(sources))
    page, layout = env.get_template("page"), "a" if ajax else "b"
    assert page.render(ajax=ajax, x=1) == f"{layout}1"
    assert page.render(ajax=ajax, x=2) == f"{layout}1"
    invalidate_fragment(env, "page", 1)
    assert page.render(ajax=ajax, x=3) == f"{layout}3"


def test_the_keys_of_a_page_whose_layout_only_a_rendering_knows(
    regions: Regions,
) -> None:
    tag = '{% cache "short", name="NAME" %}BODY{% endcache %}'
    shows = tag.replace("NAME", "shows").replace("BODY", "{{ super() }}")
    sources = {
        "page": "{% extends layout %}{% block c %}" + shows + tag + "{% endblock %}",
        "a": "{% block c %}a{% endblock %}",
    }
    env = jinja2_environment(regions, loader=DictLoader(sources))
    invalidate_fragment(env, "page", name="NAME")
    with pytest.raises(FragmentError, match="chosen when it is rendered"):
        invalidate_fragment(env, "page", name="shows")


def test_the_extension_may_be_given_twice(regions: Regions) -> None:
    env: Environment = jinja2_environment(regions)
    env.add_extension("dogpile_templates.jinja2.CacheExtension")
    page = env.from_string('{% cache "short" %}{{ x }}{% endcache %}')
    assert [page.render(x=x) for x in "ab"] == ["a", "a"]


def test_a_sandboxed_template_changes_no_list_by_our_filters(regions: Regions) -> None:
    env: Any = ImmutableSandboxedEnvironment(
        extensions=["dogpile_templates.jinja2.CacheExtension"]
    )
    env.cache_regions = regions
    given = [1]
    with pytest.raises(SecurityError, match="is not the collection of a cacheeach tag"):
        env.from_string("{{ it|dogpile_templates.note(1, 2, 3) }}").render(it=given)
    assert given == [1]
    each = '{% cacheeach "short", x in it, key=x %}{{ x }}{% endcacheeach %}'
    assert env.from_string(each + each).render(it=[1, 2]) == "1212"
