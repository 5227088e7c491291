"""Pages of Pyramid whose renderers and macros come about in many ways."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationConflictError
from webtest import TestApp

from .test_pyramid import TEMPLATES


def make_pages(tmp_path: Path, pages: dict[str, str], include: Any) -> TestApp:
    """Make an application with a view for each page, configured in some order."""
    for name, source in pages.items():
        (tmp_path / name).write_text(source)
    settings = {
        "mako.directories": str(tmp_path),
        "jinja2.directories": str(tmp_path),
        "dogpile_cache.regions": "short",
        "dogpile_cache.short.backend": "dogpile.cache.memory",
    }
    numbers = count(1)
    config = Configurator(settings=settings)
    include(config)
    for name in pages:
        config.add_route(name, f"/{name}")
        config.add_view(
            lambda request: {"n": lambda: next(numbers)},
            route_name=name,
            renderer=name,
        )
    return TestApp(config.make_wsgi_app())


def with_mako(config: Configurator) -> None:
    config.include("pyramid_mako")
    config.include("dogpile_templates.pyramid")


def test_a_macro_without_the_context_is_bypassed_as_well(tmp_path: Path) -> None:
    pages = {
        "lib.jinja2": "{% macro x(n) %}{% cache 'short' %}{{ n() }}{% endcache %}"
        "{% endmacro %}",
        "page.jinja2": '{% import "lib.jinja2" as lib %}{{ lib.x(n) }}',
    }

    def include(config: Configurator) -> None:
        config.include("pyramid_jinja2")
        config.include("dogpile_templates.pyramid")
        config.set_cache_bypass(lambda request: "editor" in request.params)

    app = make_pages(tmp_path, pages, include)
    queries = ("", "?editor=1", "", "?editor=1")
    views = [app.get(f"/page.jinja2{query}").text for query in queries]
    assert views == ["1", "2", "1", "3"]


def test_a_mako_template_may_use_its_cache_from_python(tmp_path: Path) -> None:
    page = (
        '${local.template.cache.get_or_create("k", lambda: str(n()), region="short")}'
    )
    app = make_pages(
        tmp_path,
        {"page.mako": page},
        with_mako,
    )
    assert [app.get("/page.mako").text for _ in range(2)] == ["1", "1"]


def test_a_lifetime_in_a_mako_template_may_be_an_expression(tmp_path: Path) -> None:
    page = (
        '<%def name="x()" cached="True" cache_region="short" '
        'cache_timeout="${lifetime(n)}">${n()}</%def>'
        "<%! lifetime = lambda n: 60 %>${x()}"
    )
    app = make_pages(
        tmp_path,
        {"page.mako": page},
        with_mako,
    )
    assert [app.get("/page.mako").text for _ in range(2)] == ["1", "1"]


@pytest.mark.parametrize("ours_first", [False, True])
def test_renderers_that_come_after_a_commit_have_the_tags(
    tmp_path: Path, ours_first: bool
) -> None:
    pages = {
        "page.mako": TEMPLATES["page.mako"].replace(' cached="True">all', ">all"),
        "page.html": TEMPLATES["page.jinja2"].split("{% cache key")[0],
        "page.xhtml": TEMPLATES["page.mako"].replace(' cached="True">all', ">all"),
    }

    def include(config: Configurator) -> None:
        names = ["pyramid_mako", "pyramid_jinja2"]
        names.insert(0 if ours_first else 2, "dogpile_templates.pyramid")
        for name in names:
            config.include(name)
            config.commit()
        config.add_jinja2_renderer(".html")
        config.add_mako_renderer(".xhtml")

    app = make_pages(tmp_path, pages, include)
    for name in pages:
        first, second = (app.get(f"/{name}?k=1").text for _ in range(2))
        assert first == second
        assert first


def test_a_bypass_that_fails_is_not_taken_for_a_no(tmp_path: Path) -> None:
    def include(config: Configurator) -> None:
        config.include("pyramid_mako")
        config.include("dogpile_templates.pyramid")
        config.set_cache_bypass(
            lambda request: "ed" in request.params and request.user.is_editor
        )

    page = '<%def name="x()" cached="True" cache_region="short">${n()}</%def>${x()}'
    app = make_pages(tmp_path, {"page.mako": page}, include)
    with pytest.raises(Exception, match=r"The bypass failed: .*user"):
        app.get("/page.mako?ed=1")
    assert [app.get("/page.mako").text for _ in range(2)] == ["1", "1"]


def test_a_bypass_is_a_function() -> None:
    config = Configurator(settings={"dogpile_cache.bypass": ""})  # which is none
    config.include("dogpile_templates.pyramid")
    config.add_cache_region("short", "dogpile.cache.memory")
    config.set_cache_bypass(5)
    with pytest.raises(Exception, match="The bypass is 5; it is a function"):
        config.commit()


def test_a_region_that_is_added_twice_is_a_conflict() -> None:
    config = Configurator()
    config.include("dogpile_templates.pyramid")

    def one(inner: Configurator) -> None:
        inner.add_cache_region("a", "dogpile.cache.null")

    def other(inner: Configurator) -> None:
        inner.add_cache_region("a", "dogpile.cache.memory")

    config.include(one)
    config.include(other)
    with pytest.raises(ConfigurationConflictError, match="cache region"):
        config.commit()
