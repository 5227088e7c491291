"""What a tag of Jinja2 reaches by way of macros, includes, containers and names."""

from __future__ import annotations

import pytest
from jinja2 import DictLoader

from .engines import Regions, jinja2_environment

BOX = '{% macro box() %}{% cache "short" %}[{{ caller() }}]{% endcache %}{% endmacro %}'
CALLS = "{% call box() %}A{% endcall %}{% call box() %}B{% endcall %}"
A_CHILD = '{% extends "base" %}{% block b %}child{% endblock %}'


def views(regions: Regions, sources: dict[str, str], *pages: str) -> list[str]:
    """Render pages one after the other, twice; the second time must be like the first."""
    env = jinja2_environment(regions, loader=DictLoader({"lib": BOX, **sources}))
    both = [[env.get_template(page).render() for page in pages] for _ in range(2)]
    assert both[0] == both[1]
    return both[0]


@pytest.mark.parametrize(
    ("base", "shown"),
    [
        (
            (
                "{% macro m() %}{% block b %}base{% endblock %}{% endmacro %}"
                '{% cache "short" %}{{ m() }}{% endcache %}'
            ),
            ["base", "child"],
        ),
        (
            (
                '{% from "lib" import box %}{% macro m() %}{% block b %}base{% endblock %}'
                "{% endmacro %}{% call box() %}{{ m() }}{% endcall %}"
            ),
            ["[base]", "[child]"],
        ),
    ],
)
def test_a_block_in_a_macro(regions: Regions, base: str, shown: list[str]) -> None:
    sources = {"base": base, "child": A_CHILD}
    assert views(regions, sources, "base", "child") == shown


@pytest.mark.parametrize(
    "calls",
    [
        "{{ box(caller=f) }}{{ box(caller=g) }}",
        (
            "{% macro inner(c) %}{% cache 'short' %}[{{ c() }}]{% endcache %}{% endmacro %}"
            "{{ inner(f) }}{{ inner(g) }}"
        ),
    ],
)
def test_macros_that_are_handed_over(regions: Regions, calls: str) -> None:
    macros = "{% macro f() %}A{% endmacro %}{% macro g() %}B{% endmacro %}"
    assert views(regions, {"page": BOX + macros + calls}, "page") == ["[A][B]"]


@pytest.mark.parametrize(
    "macro",
    [
        '{% macro box() %}{{ caller and "" }}{% include "inc" %}{% endmacro %}',
        (
            '{% macro box() %}{{ caller and "" }}{% cache "short" %}'
            '{% import "said" as i with context %}{{ i }}{% endcache %}{% endmacro %}'
        ),
    ],
)
def test_a_caller_that_an_included_template_shows(regions: Regions, macro: str) -> None:
    sources = {
        "page": macro + CALLS,
        "inc": '{% cache "short" %}{{ caller() }}{% endcache %}',
        "said": "{{ caller() }}",
    }
    assert views(regions, sources, "page") == ["AB"]


@pytest.mark.parametrize(
    ("setup", "call"),
    [
        ('{% set d = {"c": caller} %}', "d.c()"),
        ("{% set d = [caller] %}", "d[0]()"),
        ("{% set d = [[caller]] %}", "d[0][0]()"),
        ("{% set ns = namespace(c=caller) %}", "ns.c()"),
    ],
)
def test_a_caller_in_a_container(regions: Regions, setup: str, call: str) -> None:
    cached = '{% cache "short" %}{{ ' + call + " }}{% endcache %}"
    macro = "{% macro box() %}" + setup + cached + "{% endmacro %}"
    assert views(regions, {"page": macro + CALLS}, "page") == ["AB"]


@pytest.mark.parametrize(
    ("passed", "shown"), [("caller", "varargs[0]()"), ("c=caller", "kwargs.c()")]
)
def test_a_caller_among_the_arguments(
    regions: Regions, passed: str, shown: str
) -> None:
    inner = (
        '{% macro inner() %}{% cache "short" %}{{ SHOWN }}{% endcache %}{% endmacro %}'
    ).replace("SHOWN", shown)
    outer = "{% macro box() %}{{ inner(PASSED) }}{% endmacro %}"
    page = inner + outer.replace("PASSED", passed) + CALLS
    assert views(regions, {"page": page}, "page") == ["AB"]


def test_a_parent_s_block_in_a_box_that_is_included(regions: Regions) -> None:
    page = (
        "{% block b %}{% if 0 %}{{ super() }}{% endif %}"
        '{% include "inc" %}{% endblock %}'
    )
    sources = {
        "inc": '{% cache "short" %}{{ super() }}{% endcache %}',
        **{f"of {n}": f"{{% block b %}}{n}{{% endblock %}}" for n in "12"},
        **{n: f'{{% extends "of {n}" %}}' + page for n in "12"},
    }
    assert views(regions, sources, "1", "2") == ["1", "2"]


@pytest.mark.parametrize(
    "block",
    [
        (
            '{% from "NAME" import f %}{% macro m() %}{{ f() }}{% endmacro %}'
            '{% cache "short" %}{{ m() }}{% endcache %}'
        ),
        (
            "{% macro n() %}NAME{% endmacro %}{% macro m() %}{{ n() }}{% endmacro %}"
            '{% cache "short" %}{{ m() }}{% endcache %}'
        ),
        '{% from "NAME" import f %}{% cache "short" %}{% include "i" %}{% endcache %}',
        (
            '{% from "NAME" import f %}{% set g = f %}{% cache "short" %}{{ g() }}'
            "{% endcache %}"
        ),
    ],
)
def test_names_of_a_block_that_are_used_indirectly(
    regions: Regions, block: str
) -> None:
    sources = {
        "A": "{% macro f() %}A{% endmacro %}",
        "B": "{% macro f() %}B{% endmacro %}",
        "i": "{{ f() }}",
        "page": "".join(
            "{% block " + n + " %}" + block.replace("NAME", n) + "{% endblock %}"
            for n in "AB"
        ),
    }
    assert views(regions, sources, "page") == ["AB"]


def test_the_order_of_a_lineage_counts(regions: Regions) -> None:
    extends = '{% extends "b" if swap else "base" %}{% block b %}A{% endblock %}'
    sources = {
        "base": '{% cache "short" %}{% block b %}base{% endblock %}{% endcache %}',
        "a": extends,
        "b": '{% extends "base" if swap else "a" %}{% block b %}B{% endblock %}',
    }
    env = jinja2_environment(regions, loader=DictLoader(sources))
    for _ in range(2):
        assert env.get_template("a").render(swap=True) == "A"
        assert env.get_template("b").render(swap=False) == "B"


@pytest.mark.parametrize(
    "body",
    [
        (
            '{% macro s() %}{{ super() }}{% endmacro %}{% cache "short" %}{{ s() }}'
            "{% endcache %}"
        ),
        '{% set s = super %}{% cache "short" %}{{ s() }}{% endcache %}',
    ],
)
def test_a_parent_s_block_by_another_name(regions: Regions, body: str) -> None:
    sources = {n: f"{{% block b %}}{n}{{% endblock %}}" for n in "12"}
    sources["page"] = "{% extends layout %}{% block b %}" + body + "{% endblock %}"
    env = jinja2_environment(regions, loader=DictLoader(sources))
    for _ in range(2):
        for layout in "12":
            assert env.get_template("page").render(layout=layout) == layout


def test_a_name_that_is_a_word_of_tags(regions: Regions) -> None:
    env = jinja2_environment(regions)
    page = env.from_string('{% cache "short" %}{{ page.extends }}{% endcache %}')
    assert page.render(page={"extends": 1}) == "1"
