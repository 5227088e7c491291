"""The tag ``cache`` beside everything else that Jinja2 offers."""

from __future__ import annotations

import io
import traceback
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract
from jinja2 import (
    DictLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateSyntaxError,
)

from dogpile_cache import CacheRegion
from dogpile_templates import FragmentInItself
from dogpile_templates.jinja2 import CacheExtension

from .engines import Regions, jinja2_environment

EXTENSION = "dogpile_templates.jinja2.CacheExtension"


@pytest.fixture
def env(regions: Regions) -> Environment:
    return jinja2_environment(regions)


def twice(env: Environment, source: str, **context: object) -> list[str]:
    template = env.from_string(source)
    return [template.render(**context) for _ in range(2)]


def test_when_is_false_it_neither_reads_nor_writes(
    env: Environment, regions: dict[str, CacheRegion]
) -> None:
    source = '{% cache "short", "k", when=not preview %}{{ x }}{% endcache %}'
    template = env.from_string(source)
    views = [
        template.render(x=x, preview=preview)
        for x, preview in enumerate([True, False, True, False])
    ]
    assert views == ["0", "1", "2", "1"]


def test_the_bypass_of_an_environment_is_asked_with_the_context(
    env: Environment,
) -> None:
    env.cache_bypass = lambda context: context["preview"]  # type: ignore[attr-defined]
    template = env.from_string('{% cache "short", "k" %}{{ x }}{% endcache %}')
    views = [template.render(x=x, preview=x % 2 == 0) for x in range(4)]
    assert views == ["0", "1", "2", "1"]
    overlay = env.overlay(autoescape=False)
    assert overlay.from_string('{% cache "short" %}{{ x }}{% endcache %}').render(
        x=1, preview=True
    )


@pytest.mark.parametrize("default", ["short", None])
def test_a_default_region_serves_a_tag_that_names_none(
    env: Environment, regions: dict[str, CacheRegion], default: str | None
) -> None:
    env.cache_default_region = default or regions["short"]  # type: ignore[attr-defined]
    source = "{% cache key=(k, 1) %}{{ next() }}{% endcache %}"
    n = count(1)
    assert twice(env, source, k="a", next=n.__next__) == ["1", "1"]
    assert twice(env, source, k="b", next=n.__next__) == ["2", "2"]
    assert twice(env, "{% cache %}{{ x }}{% endcache %}", x=1) == ["1", "1"]
    assert regions["short"].backend._cache  # type: ignore[attr-defined]


def test_macros_calls_and_their_callers(env: Environment) -> None:
    source = (
        "{% macro list(xs) %}{% for x in xs %}"
        '{% cache "short", x %}<{{ caller(x) }}{{ loop.index }}>{% endcache %}'
        "{% endfor %}{% endmacro %}"
        "{% call(x) list('ab') %}{{ x }}!{% endcall %}"
        "{% call(x) list('ab') %}{{ x }}?{% endcall %}"
        "{% macro plain() %}{% cache 'short' %}{{ caller is defined }}{% endcache %}"
        "{% endmacro %}{{ plain() }}"
    )
    assert twice(env, source) == ["<a!1><b!2><a?1><b?2>False"] * 2


def test_includes_and_imports_with_tags_of_their_own(regions: Regions) -> None:
    sources = {
        "page": '{% import "lib" as lib %}{% cache "short" %}{{ lib.m(1) }}'
        '{% include "part" %}{% endcache %}{{ lib.m(2) }}',
        "lib": '{% macro m(x) %}{% cache "short", x %}m{{ x }}{% endcache %}{% endmacro %}',
        "part": '{% cache "short", x %}p{{ x }}{% endcache %}',
    }
    env = jinja2_environment(regions, loader=DictLoader(sources))
    for _ in range(2):
        assert env.get_template("page").render(x="x") == "m1pxm2"


def test_a_tag_outside_the_blocks_of_a_child_renders_nothing(regions: Regions) -> None:
    sources = {
        "base": "[{% block a %}{% endblock %}]",
        "child": '{% extends "base" %}{% cache "short" %}{{ x() }}{% endcache %}'
        '{% cacheeach "short", i in "ab", key=i %}{{ x() }}{% endcacheeach %}'
        "{% block a %}a{% endblock %}",
    }
    env = jinja2_environment(regions, loader=DictLoader(sources))
    assert env.get_template("child").render(x=lambda: "x") == "[a]"


def test_whitespace_control(regions: Regions) -> None:
    env = jinja2_environment(regions, trim_blocks=True, lstrip_blocks=True)
    source = 'a\n  {% cache "short" %}\n  b\n  {% endcache %}\nc'
    assert twice(env, source) == ["a\n  b\nc"] * 2
    env = jinja2_environment(regions)
    assert twice(env, 'a {%- cache "short" -%} b {%- endcache -%} c') == ["abc"] * 2


def test_line_statements(regions: Regions) -> None:
    env = jinja2_environment(regions, line_statement_prefix="#")
    assert twice(env, '# cache "short", 1\nb\n# endcache\nc') == ["b\nc"] * 2


def test_strict_undefined_and_what_is_undefined_in_a_body(regions: Regions) -> None:
    env = jinja2_environment(regions, undefined=StrictUndefined)
    with pytest.raises(Exception, match="'gone' is undefined"):
        twice(env, '{% cache "short" %}{{ gone }}{% endcache %}')


def test_streaming(env: Environment) -> None:
    template = env.from_string('a{% cache "short" %}{{ x }}{% endcache %}c')
    for x in "bd":
        assert "".join(template.generate(x=x)) == "abc"
        assert template.stream(x=x).__next__() == "a"


def test_translations_are_extracted_and_used(regions: Regions) -> None:
    source = (
        '{% cache "short", lang %}{% trans %}Hello{% endtrans %}'
        '{{ _("Bye") }}{% endcache %}'
    )
    options = {"extensions": f"jinja2.ext.i18n,{EXTENSION}"}
    method = "jinja2.ext:babel_extract"
    found = list(extract(method, io.BytesIO(source.encode()), options=options))
    assert [message for _, message, _, _ in found] == ["Hello", "Bye"]
    env = Environment(extensions=["jinja2.ext.i18n", EXTENSION])
    env.cache_regions = regions  # type: ignore[attr-defined]  # the extension's
    template = env.from_string(source)
    for _ in range(2):
        for lang in ("de", "fr"):
            env.install_gettext_callables(  # type: ignore[attr-defined]  # of i18n
                lambda text, lang=lang: f"{lang} {text};", lambda *a: "", newstyle=True
            )
            assert template.render(lang=lang) == f"{lang} Hello;{lang} Bye;"


def test_another_extension_with_the_tag_cannot_be_there() -> None:
    class Other(CacheExtension):
        pass

    env = Environment(extensions=[Other])
    with pytest.raises(Exception, match="Other has the tag 'cache' already"):
        env.add_extension(EXTENSION)


def test_a_traceback_names_the_line_in_the_body(
    regions: Regions, tmp_path: Path
) -> None:
    (tmp_path / "page").write_text(
        '1\n{% cacheeach "short", x in xs, key=x %}\n{{ x }}\n'
        "{{ 1 // x }}\n{% endcacheeach %}"
    )
    env = jinja2_environment(regions, loader=FileSystemLoader(tmp_path))
    with pytest.raises(ZeroDivisionError) as caught:
        env.get_template("page").render(xs=[1, 0])
    frames = traceback.extract_tb(caught.value.__traceback__)
    path = str(tmp_path / "page")
    assert [frame.lineno for frame in frames if frame.filename == path] == [2, 4]


def test_a_fragment_in_itself_is_an_error_that_says_so(regions: Regions) -> None:
    sources = {"page": '{% cache "short" %}{% include "page" %}{% endcache %}'}
    env = jinja2_environment(regions, loader=DictLoader(sources))
    with pytest.raises(
        FragmentInItself, match="'page' is to be rendered inside itself"
    ):
        env.get_template("page").render()


def test_parts_of_any_kind(env: Environment) -> None:
    class Item:
        def __init__(self, id: int) -> None:
            self.id = id

        def __cache_key__(self) -> Any:
            return self.id

    template = env.from_string('{% cache "short", item %}{{ x }}{% endcache %}')
    keys: list[Any] = [Item(1), Item(2), 1, "1", (1,), [1], {"a": 1}, {1}, 1.0, None]
    for _ in range(2):
        views = [template.render(item=key, x=x) for x, key in enumerate(keys)]
        assert views == [str(x) for x in range(len(keys))]
    assert template.render(item=Item(1), x="again") == "0"


@pytest.mark.parametrize(
    "tag", ['cache "short", xs', 'cacheeach "short", _ in "a", key=xs']
)
def test_a_body_sees_what_a_macro_was_called_with(env: Environment, tag: str) -> None:
    source = (
        f"{{% macro m(xs) %}}{{% {tag} %}}{{{{ xs }}}}{{{{ varargs|join }}}}"
        f"{{{{ kwargs.y }}}}{{{{ caller('c') }}}}{{% end{tag.split()[0]} %}}"
        "{% endmacro %}"
        "{% call(x) m(1, 2, 3, y=4) %}{{ x }}{% endcall %}"
    )
    assert twice(env, source) == ["1234c"] * 2


def test_macros_in_a_body_have_callers_of_their_own(env: Environment) -> None:
    source = (
        "{% macro outer() %}{% cache 'short' %}"
        "{% macro inner() %}<{{ caller() }}{{ varargs|join }}>{% endmacro %}"
        "{% call inner(1) %}a{% endcall %}{{ caller() }}"
        "{% cache 'short' %}{{ caller() }}{% endcache %}{% endcache %}{% endmacro %}"
        "{% call outer() %}b{% endcall %}"
    )
    assert twice(env, source) == ["<a1>bb"] * 2


@pytest.mark.parametrize("word", ["break", "continue"])
def test_a_body_cannot_be_left(regions: Regions, word: str) -> None:
    env = jinja2_environment(regions)
    env.add_extension("jinja2.ext.loopcontrols")
    inside = (
        '{% for x in "ab" %}{% cache "short", x %}{% for y in "cd" %}{{ x }}{{ y }}'
        f"{{% {word} %}}{{% endfor %}}{{% endcache %}}{{% endfor %}}"
    )
    expected = "acbc" if word == "break" else "acadbcbd"
    assert twice(env, inside) == [expected] * 2
    with pytest.raises(TemplateSyntaxError, match="cannot be left") as caught:
        env.from_string(
            '\n{% for x in "ab" %}{% cache "short", x %}{% if x %}'
            f"{{% {word} %}}{{% endif %}}{{% endcache %}}{{% endfor %}}"
        )
    assert caught.value.lineno == 2


def test_a_macro_that_shows_a_block_is_the_child_s(regions: Regions) -> None:
    base = (
        "{% macro title() %}{{ self.title() }}{% endmacro %}"
        "{% block title %}{% endblock %} "
        '[{% cache "short" %}{{ title() }}{% endcache %}]'
    )
    child = '{% extends "base" %}{% block title %}NAME{% endblock %}'
    sources = {name: child.replace("NAME", name) for name in ("one", "two")}
    env = jinja2_environment(regions, loader=DictLoader(sources | {"base": base}))
    for _ in range(2):
        views = [env.get_template(name).render() for name in ("one", "two")]
        assert views == ["one [one]", "two [two]"]
